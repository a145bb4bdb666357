/*
 * The stress cases of Linux's lib/test_vmalloc.c that make sense on one processor, under Linux's
 * names (the others test per-CPU memory and kvfree_rcu, which do not exist here), and the
 * properties of ioremap.
 */
#include <arch/x86/pgtable.h>
#include <arch/x86/trap.h>
#include <kernel/monitor/ktest.h>
#include <lib/random.h>
#include <lib/string.h>
#include <mm/frame/memblock.h>
#include <mm/frame/page_alloc.h>
#include <mm/kva/vmalloc.h>

#define LOOPS 200

static void touch_ends(volatile u8 *memory, u32 size)
{
    memory[0] = 1;
    memory[size - 1] = 2;
}

KTEST(test_vmalloc, fix_size_alloc_test)
{
    for (u32 i = 0; i < LOOPS; i++) {
        void *memory = vmalloc(3 * PAGE_SIZE);

        if (!expect(memory != NULL))
            return;
        touch_ends(memory, 3 * PAGE_SIZE);
        vfree(memory);
    }
}

/* A hole that fits exactly is filled and emptied in turn. */
KTEST(test_vmalloc, full_fit_alloc_test)
{
    static void *area[200];

    for (u32 i = 0; i < ARRAY_SIZE(area); i++)
        area[i] = vmalloc(PAGE_SIZE);
    for (u32 i = 0; i < ARRAY_SIZE(area); i += 2)
        vfree(area[i]);
    for (u32 i = 0; i < LOOPS; i++) {
        void *memory = vmalloc(PAGE_SIZE);

        if (!expect_eq(memory, area[0]))
            break;
        touch_ends(memory, PAGE_SIZE);
        vfree(memory);
    }
    for (u32 i = 1; i < ARRAY_SIZE(area); i += 2)
        vfree(area[i]);
}

KTEST(test_vmalloc, long_busy_list_alloc_test)
{
    static void *area[500];

    for (u32 i = 0; i < ARRAY_SIZE(area); i++) {
        area[i] = vmalloc(PAGE_SIZE);
        if (!expect(area[i] != NULL))
            break;
    }
    for (u32 i = 0; i < LOOPS; i++) {
        void *memory = vmalloc(10 * PAGE_SIZE);

        if (!expect(memory != NULL))
            break;
        touch_ends(memory, 10 * PAGE_SIZE);
        vfree(memory);
    }
    for (u32 i = 0; i < ARRAY_SIZE(area); i++)
        vfree(area[i]);
}

KTEST(test_vmalloc, random_size_alloc_test)
{
    struct rnd_state random;

    prandom_seed_state(&random, 11);
    for (u32 i = 0; i < LOOPS; i++) {
        u32 pages = prandom_below(&random, 100) + 1;
        void *memory = vmalloc(pages * PAGE_SIZE);

        if (!expect(memory != NULL))
            return;
        touch_ends(memory, pages * PAGE_SIZE);
        vfree(memory);
    }
}

static void expect_aligned(u32 size, u32 align)
{
    void *memory = vmalloc_aligned(size, align, __builtin_return_address(0));

    if (!expect(memory != NULL))
        return;
    expect_eq((u32)memory % align, 0);
    touch_ends(memory, size);
    vfree(memory);
}

KTEST(test_vmalloc, fix_align_alloc_test)
{
    void *odd = vmalloc(2 * PAGE_SIZE); /* so that the lowest gap begins at an odd page */

    for (u32 i = 0; i < LOOPS; i++)
        expect_aligned(5 * PAGE_SIZE, 32 * PAGE_SIZE);
    expect_none(vmalloc_check());
    vfree(odd);
}

KTEST(test_vmalloc, random_size_align_alloc_test)
{
    struct rnd_state random;

    prandom_seed_state(&random, 12);
    for (u32 i = 0; i < LOOPS; i++) {
        u32 align = PAGE_SIZE << prandom_below(&random, 8);

        expect_aligned((prandom_below(&random, 10) + 1) * PAGE_SIZE, align);
    }
}

/* Every power of two: a size that does not fit is refused and leaves nothing behind. */
KTEST(test_vmalloc, align_shift_alloc_test)
{
    for (u32 shift = PAGE_SHIFT; shift < 32; shift++) {
        void *memory = vmalloc_aligned(PAGE_SIZE, 1u << shift, __builtin_return_address(0));

        expect(memory || 1u << shift > VMALLOC_SIZE_MIN / 2);
        if (memory)
            expect_eq((u32)memory % (1u << shift), 0);
        vfree(memory);
    }
    expect_none(vmalloc_check());
}

/* Linux's vm_map_ram_test, with vmap. */
KTEST(test_vmalloc, vm_map_ram_test)
{
    struct page *pages[10];
    u32 count = 0;

    while (count < ARRAY_SIZE(pages) && (pages[count] = alloc_page(GFP_HIGHUSER)))
        count++;
    for (u32 i = 0; i < LOOPS; i++) {
        u8 *memory = vmap(pages, count);

        if (!expect(memory != NULL))
            break;
        touch_ends(memory, count * PAGE_SIZE);
        vunmap(memory);
    }
    while (count > 0)
        free_page(pages[--count]);
}

/* Aligned areas are taken from the middle of gaps; the rest on both sides is used again. */
KTEST(vmalloc, alignment_leaves_the_rest_usable)
{
    struct vmalloc_stats before = vmalloc_stats();
    char *aligned = vmalloc_aligned(PAGE_SIZE, MIB(1), __builtin_return_address(0));
    char *small = vmalloc(PAGE_SIZE);

    expect(aligned && small);
    expect(small < aligned);
    expect_none(vmalloc_check());
    vfree(small);
    vfree(aligned);
    expect_eq(vmalloc_stats().free_ranges, before.free_ranges);
    expect_eq(vmalloc_stats().largest_free, before.largest_free);
}

#define VGA_TEXT 0xb8000

KTEST(ioremap, any_address_not_cached)
{
    volatile u8 *device = ioremap(VGA_TEXT + 3, 10);
    pte_t pte;

    if (!expect(device != NULL))
        return;
    expect_eq((u32)device % PAGE_SIZE, 3);
    pte = *kernel_pte((u32)device);
    expect_eq(pte_frame(pte), VGA_TEXT);
    expect(pte.val & PTE_PCD && pte.val & PTE_PWT);
    expect(vmalloc_to_page((void *)device) == NULL);
    (void)*device;
    iounmap((void *)device);
    expect_fault((void)*device, (u32)device, 0);
}

KTEST(ioremap, crosses_pages)
{
    u8 *device = ioremap(VGA_TEXT + PAGE_SIZE - 1, 2);

    if (!expect(device != NULL))
        return;
    expect_eq(pte_frame(*kernel_pte((u32)device + 1)), VGA_TEXT + PAGE_SIZE);
    expect_eq(find_vmap_area((u32)device)->flags, VM_IOREMAP);
    iounmap(device);
}

KTEST(ioremap, refuses_ram_and_nonsense)
{
    expect(ioremap(VGA_TEXT, 0) == NULL);
    expect(ioremap(0xfffff000, 0x2000) == NULL);
    expect(ioremap(MIB(2), PAGE_SIZE) == NULL);
    expect(ioremap(memblock_ram_end() - 1, PAGE_SIZE) == NULL);
    expect(ioremap(VGA_TEXT, MIB(2)) == NULL);
    iounmap(NULL);
}

KTEST(vmalloc, wrong_frees_panic)
{
    struct page *page = alloc_page(GFP_KERNEL);
    char *memory = vmalloc(2 * PAGE_SIZE), *map = vmap(&page, 1);

    vunmap(map);
    expect_panic(vunmap(map), "no such area");
    expect_panic(vfree((void *)PAGE_OFFSET), "no such area");
    expect_panic(vfree(memory + 2 * PAGE_SIZE), "not the start"); /* the guard */
    vfree(memory);
    expect_panic(vfree(memory), "no such area");
    free_page(page);
}

/* The wrong function, or not the start. Nothing has changed, so the right call works afterwards. */
static __noinline void expect_bad_free(void (*function)(const void *), const void *addr,
                                       const char *part)
{
    expect_panic(function(addr), part);
    expect_none(vmalloc_check());
}

/* The tag of the guard is looked at before an entry is cleared. */
static __noinline void expect_bad_guard(const char *memory, const char *guard)
{
    pte_t *pte = kernel_pte((u32)guard), saved = *pte;

    pte->val = 0;
    expect_panic(vfree(memory), "has been overwritten");
    *pte = saved;
    expect_none(vmalloc_check());
}

KTEST(vmalloc, wrong_frees_change_nothing)
{
    struct page *pages[3] = {alloc_page(GFP_KERNEL), alloc_page(GFP_KERNEL),
                             alloc_page(GFP_KERNEL)};
    char *memory = vmalloc(3 * PAGE_SIZE), *map = vmap(pages, 3);
    char *device = ioremap(VGA_TEXT, 3 * PAGE_SIZE);

    expect_bad_free(vfree, map, "another kind, for vunmap");
    expect_bad_free(vfree, device, "another kind, for iounmap");
    expect_bad_free(vunmap, memory, "another kind, for vfree");
    expect_bad_free(vunmap, device, "another kind");
    expect_bad_free(iounmap, memory, "another kind");
    expect_bad_free(iounmap, map, "another kind");
    expect_bad_free(vfree, memory + PAGE_SIZE, "not the start of an area, which is 0x");
    expect_bad_free(vfree, memory + 2 * PAGE_SIZE, "not the start");
    expect_bad_free(vfree, memory + 1, "not the start");
    expect_bad_free(vunmap, map + PAGE_SIZE, "not the start");
    expect_bad_free(vunmap, map + 4, "not the start");
    expect_bad_free(iounmap, device + PAGE_SIZE, "not the start");
    expect_bad_guard(memory, memory + 3 * PAGE_SIZE);
    for (u32 i = 0; i < ARRAY_SIZE(pages); i++)
        expect_eq(pages[i]->refcount, 2);
    vfree(memory);
    vunmap(map);
    iounmap(device);
    for (u32 i = 0; i < ARRAY_SIZE(pages); i++)
        free_page(pages[i]);
}

/* A device may have more memory than the machine: only its addresses matter. */
KTEST(ioremap, device_larger_than_ram)
{
    u32 size = (max_pfn + 16) << PAGE_SHIFT;
    char *device;

    if (max_pfn + 16 > MIB(512u) >> PAGE_SHIFT || size >= vmalloc_stats().largest_free) {
        ktest_skip("more RAM than addresses");
        return;
    }
    device = ioremap(0xd0000000, size); /* the memory is not touched */
    if (!expect(device != NULL))
        return;
    expect_eq(pte_frame(*kernel_pte((u32)device + size - PAGE_SIZE)),
              0xd0000000 + size - PAGE_SIZE);
    expect(vmalloc(size) == NULL); /* this takes frames */
    iounmap(device);
}

/* The lowest gap is large enough, but not after alignment: another one is found. */
KTEST(vmalloc, aligned_area_skips_a_gap_that_lies_badly)
{
    u32 align = 16 * PAGE_SIZE;
    char *first = vmalloc_aligned(PAGE_SIZE, align, __builtin_return_address(0));
    char *gap = vmalloc(3 * PAGE_SIZE), *above = vmalloc(PAGE_SIZE), *aligned;

    if (!expect(first && gap && above))
        return;
    vfree(gap);
    aligned = vmalloc_aligned(2 * PAGE_SIZE, align, __builtin_return_address(0));
    if (expect(aligned != NULL)) {
        expect_eq((u32)aligned % align, 0);
        expect(aligned > above || aligned < first);
    }
    vfree(aligned);
    vfree(above);
    vfree(first);
}
