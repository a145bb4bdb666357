/* The count of frames by owner: it covers all of RAM, and follows allocations and frees. */
#include <arch/x86/sections.h>
#include <kernel/monitor/ktest.h>
#include <lib/string.h>
#include <mm/check/frames.h>
#include <mm/frame/page_alloc.h>
#include <mm/frame/slab.h>
#include <mm/kva/vmalloc.h>
#include <mm/user/filemap.h>
#include <mm/user/mm.h>

static struct frames before;

static void count_before(void)
{
    frames_count(&before);
}

/* The increase of this owner's frames since count_before(). */
static s32 came(enum page_type type)
{
    struct frames now;

    frames_count(&now);
    expect_eq(now.total, now.ram);
    return now.by_type[type] - before.by_type[type];
}

static u32 reserved_frames(const char *name)
{
    for (u32 i = 0; i < before.reserved_names; i++) {
        if (strcmp(before.reserved[i].name, name) == 0)
            return before.reserved[i].frames;
    }
    return 0;
}

static const char *check_now(void)
{
    struct frames now;

    frames_count(&now);
    return frames_check(&now);
}

KTEST(frames, owners_have_all_of_ram)
{
    u32 sum = 0, reserved = 0;

    count_before();
    for (u32 type = 0; type < PAGE_TYPES; type++)
        sum += before.by_type[type];
    for (u32 i = 0; i < before.reserved_names; i++)
        reserved += before.reserved[i].frames;
    expect_eq(sum, before.total);
    expect_eq(reserved, before.by_type[PAGE_RESERVED]);
    expect_eq(before.total, before.ram);
    expect_eq(before.by_type[PAGE_FREE] + before.by_type[PAGE_HOT], nr_free_pages());
    expect_eq(before.ram - reserved, nr_managed_pages());
    expect_none(check_now());
}

/*
 * The first 64 KiB are not used. What the firmware keeps there, as newer UEFI firmware does, has a
 * separate name.
 */
KTEST(frames, low_memory_stays_reserved)
{
    struct frame_owner owner;
    u32 count = 0;

    count_before();
    expect_eq(reserved_frames("page 0"), 1);
    for (u32 pfn = 1; pfn < KIB(64) >> PAGE_SHIFT; pfn++) {
        frame_owner(pfn, &owner);
        expect_eq(owner.type, PAGE_RESERVED);
        count += owner.name && strcmp(owner.name, "low memory") == 0;
    }
    expect(count > 0);
    expect_eq(reserved_frames("low memory"), count);
}

KTEST(frames, reserved_ones_by_name)
{
    count_before();
    expect_eq(reserved_frames("struct pages"),
              ALIGN_UP(max_pfn * sizeof(struct page), PAGE_SIZE) >> PAGE_SHIFT);
    expect_eq(reserved_frames("page tables"), (0u - VMALLOC_START) / LARGE_PAGE_SIZE);
    /* The boot code's frames, reserved under the same name, were freed. */
    expect_eq(reserved_frames("kernel image"), (__kernel_end - __text_start) >> PAGE_SHIFT);
}

KTEST(frames, blocks_count_by_their_size)
{
    struct page *one, *eight;

    drain_all_pages();
    count_before();
    expect_eq(before.by_type[PAGE_HOT], 0);
    one = alloc_page(GFP_KERNEL);
    expect_eq(came(PAGE_USED), 1);
    eight = alloc_pages(GFP_KERNEL, 3);
    expect_eq(came(PAGE_USED), 9);
    free_pages(eight, 3);
    free_page(one);
    expect_eq(came(PAGE_USED), 0);
    expect(came(PAGE_HOT) > 0);
    drain_all_pages();
    expect_eq(came(PAGE_HOT), 0);
    expect_eq(came(PAGE_FREE), 0);
}

KTEST(frames, a_slab)
{
    struct kmem_cache *cache = kmem_cache_create("frames", 256);
    u32 pages = slab_pages();
    void *object;

    count_before();
    expect_eq(before.by_type[PAGE_SLAB], pages);
    object = kmem_cache_alloc(cache);
    expect(came(PAGE_SLAB) >= 1);
    expect_eq(came(PAGE_SLAB), slab_pages() - pages);
    kmem_cache_free(cache, object);
    kmem_cache_destroy(cache);
}

KTEST(frames, an_area)
{
    void *memory, *alias;
    struct page *page;

    count_before();
    memory = vmalloc(PAGE_SIZE);
    expect_eq(came(PAGE_VMALLOC), 1);
    page = vmalloc_to_page(memory);
    alias = vmap(&page, 1);
    expect_eq(came(PAGE_VMALLOC), 1); /* mapped twice, owned once */
    vunmap(alias);
    vfree(memory);
    expect_eq(came(PAGE_VMALLOC), 0);
}

KTEST(frames, a_process)
{
    struct mm *mm;

    mm_shrink();
    count_before();
    mm = mm_create();
    expect_eq(came(PAGE_PGTABLE), 1);
    expect(mm_add_area(mm, 0x10000, 2 * PAGE_SIZE, VM_READ | VM_WRITE, "x", NULL, 0) == 0);
    expect_eq(came(PAGE_USER), 0);
    expect_eq(mm_fault(mm, 0x10000, true), MM_FAULT_OK);
    expect_eq(came(PAGE_USER), 1);
    expect_eq(came(PAGE_PGTABLE), 2);
    expect_eq(mm_fault(mm, 0x10000 + PAGE_SIZE, false), MM_FAULT_OK); /* the page of zeros */
    expect_eq(came(PAGE_USER), 1);
    mm_put(mm);
    expect_eq(came(PAGE_USER), 0);
    expect_eq(came(PAGE_PGTABLE), 2); /* cached for the next one */
    mm_shrink();
    expect_eq(came(PAGE_PGTABLE), 0);
}

KTEST(frames, a_file)
{
    struct address_space *file;

    mm_shrink();
    count_before();
    file = mapping_new(3 * PAGE_SIZE);
    if (!expect(file != NULL))
        return;
    expect_eq(came(PAGE_FILE), 0);
    expect(filemap_get_page(file, 1, true) != NULL);
    expect_eq(came(PAGE_FILE), 1);
    mapping_put(file);
    expect_eq(came(PAGE_FILE), 0);
}

/* A frame that neither belongs to a block nor was reserved has no owner, whatever its type. */
KTEST(frames, a_lost_frame_is_noticed)
{
    struct page *page = alloc_page(GFP_KERNEL);
    u8 head = page->head;

    page->head = 0;
    expect(check_now() != NULL);
    page->type = PAGE_RESERVED;
    expect(check_now() != NULL);
    page->type = PAGE_USED;
    page->head = head;
    expect_none(check_now());
    free_page(page);
}

KTEST(frames, a_frame_with_two_owners_is_noticed)
{
    struct page *page = pfn_to_page(0);

    page->block = BLOCK_HEAD(1);
    expect(check_now() == NULL);  /* page 0 and the next one: two frames, as before */
    page->block = BLOCK_HEAD(10); /* 4 MiB, across the firmware's hole, where no RAM is */
    expect(check_now() != NULL);
    page->block = 0;
    expect_none(check_now());
}
