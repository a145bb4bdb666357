/* The page allocator. */
#include <kernel/ktest.h>
#include <lib/random.h>
#include <lib/string.h>
#include <mm/page_alloc.h>

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
    page =
        alloc_page(GFP_KERNEL | __GFP_ZERO); /* the same page: the lists are last in, first out */
    if (!expect(page != NULL))
        return;
    word = page_address(page);
    for (u32 i = 0; i < PAGE_SIZE / 4; i++) {
        if (!expect_eq(word[i], 0))
            break;
    }
    free_page(page);
}

KTEST(buddy, dma_below_16_mib)
{
    struct page *page = alloc_pages(GFP_DMA, 2);

    if (!expect(page != NULL))
        return;
    expect(page_to_phys(page) + (PAGE_SIZE << 2) <= MIB(16));
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

/* Take every page of lowmem, linked through the pages themselves; then give all back. */
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

/* The check must see what is wrong, or it is worth nothing. */
KTEST(buddy, check_notices_damage)
{
    struct page *page = alloc_page(GFP_KERNEL);

    page->type = PAGE_FREE;
    expect(page_alloc_check() != NULL);
    page->type = PAGE_USED;
    expect_none(page_alloc_check());
    free_page(page);
}

/* A function of its own, because a probe returns twice. */
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
    expect_bad_free(page, 0, "order");
    expect_bad_free(page + 1, 0, "head");
    page->refcount++;
    expect_bad_free(page, 1, "refcount");
    page->refcount--;
    expect_bad_free(pfn_to_page(0), 0, "head"); /* reserved */
    free_pages(page, 1);
    expect_bad_free(page, 1, "type");
}
