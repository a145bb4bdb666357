/* The page allocator. */
#include "tests/mm/chain.h"
#include <kernel/monitor/ktest.h>
#include <lib/kasan.h>
#include <lib/random.h>
#include <lib/string.h>
#include <mm/frame/page_alloc.h>

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

/* The check must detect errors, otherwise it is useless. */
KTEST(buddy, check_notices_damage)
{
    struct page *page = alloc_page(GFP_KERNEL);

    page->type = PAGE_FREE;
    expect(page_alloc_check() != NULL);
    page->type = PAGE_USED;
    expect_none(page_alloc_check());
    free_page(page);
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

/* The check must report this; after the repair it must find nothing else. */
static void expect_damage(const char *part)
{
    const char *text = page_alloc_check();

    if (!text || !strstr(text, part))
        ktest_fail(__FILE__, __LINE__, "expected the check to say \"%s\", it says: %s", part,
                   text ? text : "nothing");
}

/* Two halves of a block, of which one is on a free list: the other is in use. */
struct halves {
    struct page *used, *listed;
};

static bool halves_init(struct halves *halves)
{
    struct page *page = alloc_pages(GFP_KERNEL, 1);

    if (!expect(page != NULL))
        return false;
    *halves = (struct halves){.used = page + 1, .listed = page};
    page[0].order = 0;
    page[1].block = BLOCK_HEAD(0);
    page[1].type = PAGE_USED;
    page[1].refcount = 1;
    free_page(page);
    drain_all_pages();
    return expect_eq(page->type, PAGE_FREE) && expect_none(page_alloc_check());
}

static void halves_free(struct halves *halves)
{
    expect_none(page_alloc_check());
    free_page(halves->used);
}

KTEST(buddy, check_notices_buddies_that_are_not_joined)
{
    struct halves halves;

    if (!halves_init(&halves))
        return;
    halves.used->type = PAGE_FREE;
    halves.used->refcount = 0;
    expect_damage("not joined");
    halves.used->type = PAGE_USED;
    halves.used->refcount = 1;
    halves_free(&halves);
}

/* Lists that lead the walk into a circle, to no page, to one of another zone, or not back. */
KTEST(buddy, check_names_a_damaged_list)
{
    struct list_head saved, *head;
    struct halves halves;

    if (!halves_init(&halves))
        return;
    saved = halves.listed->lru;
    halves.listed->lru.next = &halves.listed->lru;
    expect_damage("its link back leads elsewhere");
    halves.listed->lru.next = (void *)0x10;
    expect_damage("that is not a struct page");
    halves.listed->lru.next = (void *)((u32)&halves.listed->lru + 4);
    expect_damage("that is not a struct page");
    halves.listed->lru.next = &mem_map[max_pfn].lru;
    expect_damage("that is not a struct page");
    halves.listed->lru = saved;
    halves.listed->lru.prev = &halves.listed->lru;
    expect_damage("its link back leads elsewhere");
    halves.listed->lru = saved;
    halves.listed->zone ^= 1;
    expect_damage("of another zone");
    halves.listed->zone ^= 1;
    head = saved.prev; /* back to an address outside of all pages */
    while ((u32)head - (u32)mem_map < max_pfn * sizeof(struct page))
        head = head->prev;
    saved = *head;
    head->prev = head;
    expect_damage("that is not its last block");
    *head = saved;
    halves_free(&halves);
}

KTEST(buddy, check_notices_a_damaged_hot_stack)
{
    struct page *page = alloc_page(GFP_KERNEL), *next;

    free_page(page); /* on top of the stack */
    next = page->next;
    page->type = PAGE_USED;
    expect_damage("on a hot stack, but not hot");
    page->type = PAGE_HOT;
    page->next = page;
    expect_damage("blocks on a hot stack: found");
    page->next = (void *)0x10;
    expect_damage("that is not a struct page");
    page->next = next;
    expect_none(page_alloc_check());
}

KTEST(buddy, check_notices_a_block_that_lies_badly)
{
    struct page *block = alloc_pages(GFP_KERNEL, 2), *middle = block + 1;

    middle->block = BLOCK_HEAD(1);
    middle->type = PAGE_USED;
    middle->refcount = 1;
    free_pages(middle, 1); /* pages 1 and 2 of 4 */
    expect_damage("not aligned to its size");
    expect_eq(alloc_pages(GFP_KERNEL, 1), middle);
    middle->head = 0;
    middle->refcount = 0;
    expect_none(page_alloc_check());
    free_pages(block, 2);
}

KTEST(buddy, check_notices_a_free_page_that_is_referenced)
{
    struct page *block = alloc_pages(GFP_KERNEL, 2);

    free_pages(block, 2);
    block[3].refcount++;
    expect_damage("free, but a page of it is referenced");
    block[3].refcount--;
    expect_none(page_alloc_check());
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
