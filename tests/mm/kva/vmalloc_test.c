/* The vmalloc area. */
#include "tests/mm/chain.h"
#include <arch/x86/pgtable.h>
#include <arch/x86/trap.h>
#include <kernel/monitor/ktest.h>
#include <lib/random.h>
#include <lib/string.h>
#include <mm/fail.h>
#include <mm/frame/highmem.h>
#include <mm/frame/page_alloc.h>
#include <mm/frame/slab.h>
#include <mm/kva/vmalloc.h>

#define PAGES 16

/* A word with its own position. */
static u32 mark(u32 index)
{
    return index * 2654435761u;
}

static void fill(u32 *memory, u32 words)
{
    for (u32 i = 0; i < words; i++)
        memory[i] = mark(i);
}

static bool filled(const u32 *memory, u32 words)
{
    for (u32 i = 0; i < words; i++) {
        if (memory[i] != mark(i))
            return false;
    }
    return true;
}

/* Frames that lie next to each other in the area but not in memory. */
static u32 jumps(const char *memory, u32 pages)
{
    u32 count = 0;

    for (u32 i = 1; i < pages; i++) {
        const struct page *before = vmalloc_to_page(memory + (i - 1) * PAGE_SIZE);

        count += vmalloc_to_page(memory + i * PAGE_SIZE) != before + 1;
    }
    return count;
}

/* Four bytes across the first border are two bytes at the end of one frame, two in the next. */
static void expect_straddling_word(char *memory)
{
    const char *first = kmap_local_page(vmalloc_to_page(memory));
    const char *second = kmap_local_page(vmalloc_to_page(memory + PAGE_SIZE));

    *(volatile u32 *)(memory + PAGE_SIZE - 2) = 0x11223344;
    expect_eq(*(const u16 *)(first + PAGE_SIZE - 2), 0x3344);
    expect_eq(*(const u16 *)second, 0x1122);
    kunmap_local(second);
    kunmap_local(first);
}

/* With every second frame of a range taken, single pages cannot be neighbours. */
KTEST(vmalloc, noncontiguous)
{
    struct page *taken[2 * PAGES];
    u32 words = PAGES * PAGE_SIZE / 4;
    char *memory;

    for (u32 i = 0; i < ARRAY_SIZE(taken); i++) {
        taken[i] = alloc_page(GFP_HIGHUSER);
        if (!expect(taken[i] != NULL))
            return;
    }
    for (u32 i = 0; i < ARRAY_SIZE(taken); i += 2)
        free_page(taken[i]);
    memory = vmalloc(PAGES * PAGE_SIZE);
    if (expect(memory != NULL)) {
        expect(jumps(memory, PAGES) > 0);
        fill((u32 *)memory, words);
        expect(filled((u32 *)memory, words));
        /*
         * The same bytes, frame by frame, through lowmem; and four bytes that cross two frames.
         */
        for (u32 i = 0; i < PAGES; i++) {
            const u32 *frame = kmap_local_page(vmalloc_to_page(memory + i * PAGE_SIZE));

            expect_eq(frame[0], mark(i * PAGE_SIZE / 4));
            kunmap_local(frame);
        }
        expect_straddling_word(memory);
        vfree(memory);
    }
    for (u32 i = 1; i < ARRAY_SIZE(taken); i += 2)
        free_page(taken[i]);
}

KTEST(vmalloc, guard_faults)
{
    volatile u8 *first = vmalloc(3 * PAGE_SIZE), *second = vmalloc(PAGE_SIZE);
    u32 guard = (u32)first + 3 * PAGE_SIZE;

    first[3 * PAGE_SIZE - 1] = 1;
    expect_fault((void)*(volatile u8 *)guard, guard, 0);
    expect_fault(*(volatile u8 *)guard = 1, guard, X86_PF_WRITE);
    expect_fault(second[PAGE_SIZE] = 1, (u32)second + PAGE_SIZE, X86_PF_WRITE);
    vfree((void *)first);
    vfree((void *)second);
}

/* A separate function, because a probe returns twice. */
static __noinline void expect_rounded_up(u32 size)
{
    volatile u8 *memory = vmalloc(size);
    u32 end = (u32)memory + PAGE_ALIGN(size);

    if (!expect(memory != NULL))
        return;
    *(volatile u8 *)(end - 1) = 1;
    expect_fault(*(volatile u8 *)end = 1, end, X86_PF_WRITE);
    vfree((void *)memory);
}

KTEST(vmalloc, size_is_rounded_up)
{
    expect_rounded_up(1);
    expect_rounded_up(PAGE_SIZE - 1);
    expect_rounded_up(PAGE_SIZE);
    expect_rounded_up(PAGE_SIZE + 1);
    expect_rounded_up(3 * PAGE_SIZE + 1);
}

/*
 * No CR3 load happens in between: only the invalidation by vfree() can make the touched page
 * unreachable.
 */
KTEST(vmalloc, use_after_free_faults)
{
    volatile u32 *memory = vmalloc(4 * PAGE_SIZE);

    memory[0] = 1;
    memory[3 * PAGE_SIZE / 4] = 2;
    vfree((void *)memory);
    expect_fault((void)memory[0], (u32)memory, 0);
    expect_fault(memory[3 * PAGE_SIZE / 4] = 3, (u32)memory + 3 * PAGE_SIZE, X86_PF_WRITE);
}

static __noinline void expect_gone(volatile u8 *at)
{
    expect_fault((void)*at, (u32)at, 0);
}

/* More pages than are invalidated one by one. */
KTEST(vmalloc, use_after_large_free_faults)
{
    u32 pages = 100;
    volatile u8 *memory = vmalloc(pages * PAGE_SIZE);

    if (!expect(memory != NULL))
        return;
    for (u32 i = 0; i < pages; i++)
        memory[i * PAGE_SIZE] = i;
    vfree((void *)memory);
    for (u32 i = 0; i < pages; i++)
        expect_gone(&memory[i * PAGE_SIZE]);
}

KTEST(vmalloc, lowest_fit)
{
    char *area[6], *again;

    for (u32 i = 0; i < ARRAY_SIZE(area); i++)
        area[i] = vmalloc((i + 1) * PAGE_SIZE);
    for (u32 i = 1; i < ARRAY_SIZE(area); i++)
        expect(area[i] > area[i - 1]);
    vfree(area[1]); /* a gap of 3 pages with its guard */
    vfree(area[3]); /* a gap of 5 */

    again = vmalloc(4 * PAGE_SIZE);
    expect_eq(again, area[3]);
    vfree(again);
    again = vmalloc(PAGE_SIZE);
    expect_eq(again, area[1]);
    vfree(again);
    again = vmalloc(3 * PAGE_SIZE);
    expect_eq(again, area[3]);
    vfree(again);

    vfree(area[0]);
    vfree(area[2]);
    vfree(area[4]);
    vfree(area[5]);
}

KTEST(vmalloc, gaps_join)
{
    struct vmalloc_stats before = vmalloc_stats(), after;
    void *area[8];

    for (u32 i = 0; i < ARRAY_SIZE(area); i++)
        area[i] = vmalloc(PAGE_SIZE * (i + 1));
    for (u32 i = 0; i < ARRAY_SIZE(area); i++)
        vfree(area[(i * 5) % ARRAY_SIZE(area)]);
    after = vmalloc_stats();
    expect_eq(after.free_ranges, before.free_ranges);
    expect_eq(after.largest_free, before.largest_free);
    expect_eq(after.free_bytes, before.free_bytes);
}

KTEST(vmalloc, exhaustion_returns_null)
{
    struct vmalloc_stats before = vmalloc_stats();
    u32 free = nr_free_pages();

    expect(vmalloc(0) == NULL);
    expect(vmalloc(~(size_t)0) == NULL);
    expect(vmalloc(VMALLOC_END - VMALLOC_START) == NULL);
    expect(vmalloc((free + 1) << PAGE_SHIFT) == NULL);
    expect_eq(nr_free_pages(), free);
    expect_eq(vmalloc_stats().free_bytes, before.free_bytes);
}

/* The pages run out half-way: the unfinished area must leave nothing behind. */
KTEST(vmalloc, failure_half_way_changes_nothing)
{
    struct vmalloc_stats before = vmalloc_stats();
    struct page *chain = NULL, *page;

    while (nr_free_pages() > 5 && (page = alloc_page(GFP_HIGHUSER)))
        chain_push(&chain, page);
    expect(vmalloc(6 * PAGE_SIZE) == NULL);
    expect(nr_free_pages() >= 4); /* the node of the area may have cost one */
    expect_eq(vmalloc_stats().busy_areas, before.busy_areas);
    expect_none(vmalloc_check());
    chain_free(chain);
}

#define COUNT 512

/* One page, so many times: for areas that are larger than any gap between others. */
static struct page **one_page_often(void)
{
    static struct page *pages[COUNT];

    pages[0] = alloc_page(GFP_KERNEL);
    for (u32 i = 1; i < COUNT; i++)
        pages[i] = pages[0];
    return pages;
}

/* Addresses run out before memory does: map the same page until no gap is left. */
KTEST(vmalloc, addresses_run_out)
{
    static void *areas[VMALLOC_SIZE_MAX / (COUNT * PAGE_SIZE)];
    struct page **pages = one_page_often();
    u32 n = 0;

    while (n < ARRAY_SIZE(areas) && (areas[n] = vmap(pages, COUNT)))
        n++;
    expect(n >= (VMALLOC_END - VMALLOC_START) / ((COUNT + 1) * PAGE_SIZE) - 1);
    expect(vmap(pages, COUNT) == NULL);
    expect_eq(pages[0]->refcount, 1 + n * COUNT);
    while (n > 0)
        vunmap(areas[--n]);
    expect_eq(pages[0]->refcount, 1);
    free_page(pages[0]);
}

/* Freeing the highest area and allocating it again needs no memory, until the slabs are shrunk. */
KTEST(vmalloc, highest_area_is_kept_ready)
{
    struct page **pages = one_page_often();
    void *map = vmap(pages, COUNT);

    if (expect(map != NULL)) {
        vunmap(map);
        expect_none(vmalloc_check());
        alloc_fail_countdown = 1;
        expect_eq(vmap(pages, COUNT), map);
        vunmap(map);
        slab_shrink();
        expect_none(vmalloc_check());
        expect(vmap(pages, COUNT) == NULL);
        expect_eq(alloc_fail_countdown, 0);
        alloc_fail_countdown = 0;
    }
    free_page(pages[0]);
}

KTEST(vmalloc, to_page)
{
    char *memory = vmalloc(2 * PAGE_SIZE);

    expect(vmalloc_to_page(memory) != NULL);
    expect_eq(vmalloc_to_page(memory + PAGE_SIZE - 1), vmalloc_to_page(memory));
    expect(vmalloc_to_page(memory + 2 * PAGE_SIZE) == NULL); /* the guard */
    expect(vmalloc_to_page((void *)PAGE_OFFSET) == NULL);
    expect_eq(find_vmap_area((u32)memory + PAGE_SIZE)->start, memory);
    vfree(memory);
    expect(vmalloc_to_page(memory) == NULL);
    expect(find_vmap_area((u32)memory) == NULL);
}

KTEST(vmalloc, vzalloc_clears)
{
    u32 *memory = vmalloc(2 * PAGE_SIZE);

    memset(memory, 0xff, 2 * PAGE_SIZE);
    vfree(memory);
    memory = vzalloc(2 * PAGE_SIZE);
    for (u32 i = 0; i < 2 * PAGE_SIZE / 4; i++) {
        if (!expect_eq(memory[i], 0))
            break;
    }
    vfree(memory);
}

KTEST(vmalloc, caller_is_recorded)
{
    void *memory = vmalloc(1);
    const struct vmap_area *area = find_vmap_area((u32)memory);
    extern char __text_start[], __text_end[];

    expect((char *)area->caller > __text_start && (char *)area->caller < __text_end);
    expect_eq(area->flags, VM_ALLOC);
    vfree(memory);
}

#define SLOTS 100

KTEST(vmalloc, random_sequence_stays_whole)
{
    static u32 *slot[SLOTS];
    struct rnd_state random;

    prandom_seed_state(&random, 99);
    for (u32 step = 0; step < 3000; step++) {
        u32 i = prandom_u32_state(&random) % SLOTS, pages = prandom_u32_state(&random) % 9 + 1;

        if (slot[i]) {
            expect_eq(*slot[i], i);
            vfree(slot[i]);
            slot[i] = NULL;
        } else if ((slot[i] = vmalloc(pages * PAGE_SIZE))) {
            *slot[i] = i;
        }
        if (step % 300 == 0)
            expect_none(vmalloc_check());
    }
    for (u32 i = 0; i < SLOTS; i++) {
        vfree(slot[i]);
        slot[i] = NULL;
    }
    expect_none(vmalloc_check());
}

KTEST(vmalloc, no_directory_entry_changes)
{
    pde_t before[4];
    u32 first = PDE_INDEX(VMALLOC_START);
    void *memory;

    memcpy(before, &swapper_pg_dir[first], sizeof(before));
    memory = vmalloc(8 * PAGE_SIZE);
    expect(memcmp(before, &swapper_pg_dir[first], sizeof(before)) == 0);
    expect(!(kernel_pte((u32)memory)->val & PTE_US));
    vfree(memory);
    expect(memcmp(before, &swapper_pg_dir[first], sizeof(before)) == 0);
}

KTEST(vmalloc, check_notices_damage)
{
    void *memory = vmalloc(PAGE_SIZE);
    pte_t *guard = kernel_pte((u32)memory + PAGE_SIZE), saved = *guard;

    *guard = *kernel_pte((u32)memory);
    expect(vmalloc_check() != NULL);
    *guard = saved;
    expect_none(vmalloc_check());
    vfree(memory);
}
