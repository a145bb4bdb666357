/* The page allocator. */
#include "tests/mm/chain.h"
#include <arch/x86/irqflags.h>
#include <arch/x86/timer.h>
#include <kernel/monitor/ktest.h>
#include <lib/kasan.h>
#include <lib/random.h>
#include <lib/string.h>
#include <mm/frame/page_alloc_internal.h>

KTEST(buddy, alignment_and_size)
{
    for (u32 order = 0; order <= MAX_ORDER; order++) {
        struct page *page = alloc_pages(GFP_KERNEL, order);

        if (!page)
            continue; /* a small machine has no block of this order */
        expect_eq(page_to_pfn(page) & ((1u << order) - 1), 0);
        expect_eq(page->refcount, 1);
        memset(page_address(page), 0xa5, PAGE_SIZE << order);
        free_pages(page, order);
    }
}

KTEST(buddy, order_too_large)
{
    expect(alloc_pages(GFP_KERNEL, MAX_ORDER + 1) == NULL);
    expect(alloc_pages(GFP_KERNEL, ~0u) == NULL);
}

/* The first order that has a free block of at least this one; MAX_ORDER + 1 if none has. */
static u32 smallest_free(u32 zone, u32 order)
{
    while (order <= MAX_ORDER && zone_free_blocks(zone, order) == 0)
        order++;
    return order;
}

KTEST(buddy, the_smallest_block_that_fits_is_cut)
{
    struct page *held = alloc_pages(GFP_KERNEL, 1);
    u32 zone, free[MAX_ORDER + 2];

    if (!expect(held != NULL))
        return;
    zone = held->zone;
    for (u32 order = 1; order < MAX_ORDER; order++) {
        struct page *page;
        u32 have;

        drain_all_pages();
        have = smallest_free(zone, order);
        for (u32 i = 0; i <= MAX_ORDER; i++)
            free[i] = zone_free_blocks(zone, i);
        if (have > MAX_ORDER)
            break; /* a small machine */
        page = alloc_pages(GFP_KERNEL, order);
        expect_eq(zone_free_blocks(zone, have), free[have] - 1);
        for (u32 i = have + 1; i <= MAX_ORDER; i++)
            expect_eq(zone_free_blocks(zone, i), free[i]);
        free_pages(page, order);
    }
    free_pages(held, 1);
}

KTEST(buddy, free_joins_again)
{
    u32 before[ZONES][MAX_ORDER + 1];
    struct page *page[16];

    drain_all_pages();
    for (u32 z = 0; z < ZONES; z++) {
        for (u32 order = 0; order <= MAX_ORDER; order++)
            before[z][order] = zone_free_blocks(z, order);
    }
    for (u32 i = 0; i < ARRAY_SIZE(page); i++) {
        page[i] = alloc_page(GFP_KERNEL);
        expect(page[i] != NULL);
    }
    for (u32 i = 0; i < ARRAY_SIZE(page); i++)
        free_page(page[i ^ 5]);
    drain_all_pages();
    for (u32 z = 0; z < ZONES; z++) {
        for (u32 order = 0; order <= MAX_ORDER; order++)
            expect_eq(zone_free_blocks(z, order), before[z][order]);
    }
}

KTEST(buddy, zeroed_on_request)
{
    struct page *page = alloc_page(GFP_KERNEL);
    const u32 *word;

    if (!expect(page != NULL))
        return;
    memset(page_address(page), 0xff, PAGE_SIZE);
    free_page(page);
    /* The same page: the lists are last in, first out. */
    page = alloc_page(GFP_KERNEL | __GFP_ZERO);
    if (!expect(page != NULL))
        return;
    word = page_address(page);
    for (u32 i = 0; i < PAGE_SIZE / 4; i++) {
        if (!expect_eq(word[i], 0))
            break;
    }
    free_page(page);
}

/* Not only the first page of a block. */
KTEST(buddy, blocks_zeroed_on_request)
{
    for (u32 order = 1; order <= 3; order++) {
        struct page *page = alloc_pages(GFP_KERNEL, order);
        u32 size = PAGE_SIZE << order;
        u8 *byte;

        if (!expect(page != NULL))
            return;
        memset(page_address(page), 0xa5, size);
        free_pages(page, order);
        page = alloc_pages(GFP_KERNEL | __GFP_ZERO, order);
        if (!expect(page != NULL))
            return;
        byte = page_address(page);
        expect(byte[0] == 0 && memcmp(byte, byte + 1, size - 1) == 0);
        free_pages(page, order);
    }
}

/* Hot pages, of which a chain is taken, and those after them. */
KTEST(buddy, zeroed_in_bulk_on_request)
{
    struct page *chain = NULL;
    u32 pages = min(nr_free_lowmem_pages() / 4, 600u), got;

    for (u32 round = 0; round < 2; round++) {
        gfp_t gfp = round == 0 ? GFP_KERNEL : GFP_KERNEL | __GFP_ZERO;

        got = alloc_pages_bulk(gfp, pages, &chain);
        expect_eq(got, pages);
        for (struct page *page = chain; page; page = page->next) {
            u8 *byte = page_address(page);

            if (round == 0)
                memset(byte, 0xa5, PAGE_SIZE);
            else if (byte[0] || memcmp(byte, byte + 1, PAGE_SIZE - 1) != 0)
                ktest_fail(__FILE__, __LINE__, "page at %p is not zeroed", byte);
        }
        free_pages_bulk(chain);
    }
}

KTEST(buddy, dma_below_16_mib)
{
    struct page *page = alloc_pages(GFP_DMA, 2);

    if (!expect(page != NULL))
        return;
    expect(page_to_phys(page) + (PAGE_SIZE << 2) <= MIB(16));
    for (u32 pfn = 0; pfn < max_pfn; pfn++) {
        if (pfn_to_page(pfn)->zone == ZONE_DMA && !expect(pfn < MIB(16) >> PAGE_SHIFT))
            break;
    }
    expect_eq(page->zone, ZONE_DMA);
    free_pages(page, 2);
}

KTEST(buddy, normal_zone_spares_dma)
{
    u32 dma = zone_free_pages(ZONE_DMA);
    struct page *page;

    if (zone_free_pages(ZONE_NORMAL) == 0) {
        ktest_skip("no RAM above 16 MiB");
        return;
    }
    page = alloc_page(GFP_KERNEL);
    expect_eq(zone_free_pages(ZONE_DMA), dma);
    free_page(page);
}

/* Take every page of lowmem, linked through the pages themselves; then free all. */
KTEST(buddy, exhaustion_returns_null)
{
    struct page **chain = NULL, *page;
    u32 before = nr_free_lowmem_pages(), count = 0;

    while ((page = alloc_page(GFP_KERNEL))) {
        *(struct page ***)page_address(page) = chain;
        chain = page_address(page);
        count++;
    }
    expect_eq(count, before);
    expect_eq(nr_free_lowmem_pages(), 0);
    expect(alloc_pages(GFP_DMA, 0) == NULL);
    while (chain) {
        struct page **next = *(struct page ***)chain;

        free_page(virt_to_page(chain));
        chain = next;
    }
    expect_eq(nr_free_lowmem_pages(), before);
}

KTEST(buddy, no_block_twice)
{
    struct page *page[64];

    for (u32 i = 0; i < ARRAY_SIZE(page); i++) {
        page[i] = alloc_pages(GFP_KERNEL, i % 3);
        if (!expect(page[i] != NULL))
            return;
        memset(page_address(page[i]), i, PAGE_SIZE << (i % 3));
    }
    for (u32 i = 0; i < ARRAY_SIZE(page); i++) {
        const u8 *bytes = page_address(page[i]);

        expect(bytes[0] == i && bytes[(PAGE_SIZE << (i % 3)) - 1] == i);
        free_pages(page[i], i % 3);
    }
}

#define RANDOM_SLOTS 200

KTEST(buddy, random_sequence_stays_whole)
{
    static struct page *slot[RANDOM_SLOTS];
    struct rnd_state random;

    prandom_seed_state(&random, 7);
    for (u32 step = 0; step < 4000; step++) {
        u32 i = prandom_u32_state(&random) % RANDOM_SLOTS;

        if (slot[i]) {
            free_pages(slot[i], slot[i]->order);
            slot[i] = NULL;
        } else {
            slot[i] = alloc_pages(GFP_KERNEL, prandom_u32_state(&random) % 5);
        }
        if (step % 500 == 0)
            expect_none(page_alloc_check());
    }
    for (u32 i = 0; i < RANDOM_SLOTS; i++) {
        if (slot[i])
            free_pages(slot[i], slot[i]->order);
        slot[i] = NULL;
    }
    expect_none(page_alloc_check());
}

/* A separate function, because a probe returns twice. */
static __noinline void expect_bad_free(struct page *page, u32 order, const char *part)
{
    u32 free = nr_free_pages();

    expect_panic(__free_pages(page, order), part);
    expect_eq(nr_free_pages(), free);
}

KTEST(buddy, wrong_frees_panic)
{
    struct page *page = alloc_pages(GFP_KERNEL, 1);

    if (!expect(page != NULL))
        return;
    expect_bad_free(page, 0, "it is in use, as a block of order 1");
    expect_bad_free(page + 1, 0, "it lies inside the block of order 1 at");
    page->refcount++;
    expect_bad_free(page, 1, "with 2 references");
    page->refcount--;
    expect_bad_free(pfn_to_page(0), 0, "free of frame 0x00000000, order 0: it is reserved");
    if (!KASAN) { /* otherwise the look at it may be an error already */
        expect_bad_free(mem_map + max_pfn, 0, "not a struct page");
        expect_bad_free(mem_map - 1, 0, "not a struct page");
    }
    page->type = PAGE_SLAB;
    expect_bad_free(page, 0, "it is in use by a slab");
    page->type = PAGE_USED;
    free_pages(page, 1);
    expect_bad_free(page, 1, "it is free");
    expect_bad_free(page + 1, 0, "which is free");
}

/* Take all of a zone, in large blocks first, linked through the pages. */
static struct page *take_zone(enum zone_id zone)
{
    struct page *chain = NULL, *page;

    for (u32 order = MAX_ORDER + 1; order-- > 0;) {
        while ((page = __alloc_pages(zone, order)) && page->zone == zone)
            chain_push(&chain, page);
        if (page)
            free_pages(page, order);
    }
    return chain;
}

/* NORMAL has a hot block, larger than the requested one. DMA memory must not be used instead. */
KTEST(buddy, hot_blocks_are_cut_before_dma_is_asked)
{
    struct page *block, *chain, *page;

    if (zone_free_pages(ZONE_NORMAL) == 0) {
        ktest_skip("no RAM above 16 MiB");
        return;
    }
    block = alloc_pages(GFP_KERNEL, 3);
    chain = take_zone(ZONE_NORMAL);
    expect_eq(zone_free_pages(ZONE_NORMAL), 0);
    free_pages(block, 3);
    page = alloc_page(GFP_KERNEL);
    if (expect(page != NULL)) {
        expect_eq(page->zone, ZONE_NORMAL);
        free_page(page);
    }
    chain_free(chain);
}

/* Single pages that are freed one by one do not stay apart, except for the hottest. */
KTEST(buddy, many_hot_pages_are_joined)
{
    u32 pages = zone_managed_pages(ZONE_NORMAL) / 8, left, got;
    struct page *chain = NULL, *next;

    if (pages < 128 || zone_free_pages(ZONE_NORMAL) < 2 * pages) {
        ktest_skip("too little RAM above 16 MiB");
        return;
    }
    got = alloc_pages_bulk(GFP_KERNEL, pages, &chain);
    expect_eq(got, pages);
    for (struct page *page = chain; page; page = next) {
        next = page->next;
        free_page(page);
    }
    left = zone_free_blocks(ZONE_NORMAL, 0);
    expect(left < pages / 2);
}

/* Two buddies, and a zone that ends or begins between them, as lowmem may: then they are none. */
KTEST(buddy, a_buddy_lies_in_the_same_zone)
{
    struct page *page = alloc_pages(GFP_KERNEL, 1);
    struct zone zone, below, above;

    if (!expect(page != NULL))
        return;
    zone = below = above = zones[page->zone];
    below.end_pfn = above.start_pfn = page_to_pfn(page) + 1;
    page[1].type = PAGE_FREE;
    page[1].block = BLOCK_HEAD(0);
    expect_eq(buddy_find(&zone, page, 0), page + 1);
    expect(buddy_find(&below, page, 0) == NULL);
    page[1].block = 0;
    page[0].type = PAGE_FREE;
    page[0].block = BLOCK_HEAD(0);
    expect_eq(buddy_find(&zone, page + 1, 0), page);
    expect(buddy_find(&above, page + 1, 0) == NULL);
    page[0].type = PAGE_USED;
    page[0].block = BLOCK_HEAD(1);
    free_pages(page, 1);
}

/* The ticks that freeing all pages of a block takes, as one run or one by one; the best of some. */
static u64 ticks_to_free(struct zone *zone, u32 order, bool one_by_one)
{
    u64 best = ~0ull;

    for (u32 round = 0; round < 8; round++) {
        u32 flags = local_irq_save();
        struct page *page = buddy_alloc(zone, order);
        u32 pfn = page_to_pfn(page), pages = 1u << order;
        u64 start = rdtsc();

        if (one_by_one) {
            for (u32 i = 0; i < pages; i++)
                buddy_free(zone, page + i, 0);
        } else {
            buddy_free_run(zone, pfn, pfn + pages);
        }
        best = min(best, rdtsc() - start);
        local_irq_restore(flags);
    }
    return best;
}

/* A run costs by its blocks, not by its pages. */
KTEST(buddy, a_run_is_freed_in_few_blocks)
{
    struct zone *zone = &zones[ZONE_NORMAL];

    drain_all_pages();
    if (!(zone->free_orders >> MAX_ORDER)) {
        ktest_skip("too little RAM above 16 MiB");
        return;
    }
    expect(ticks_to_free(zone, MAX_ORDER, false) * 8 < ticks_to_free(zone, MAX_ORDER, true));
}
