/*
 * The buddy system (Knuth, The Art of Computer Programming, vol. 1, 2.5): free blocks of 2^order
 * pages, split and joined.
 *
 * Blocks are aligned to their own size, on one list per order and zone. An allocation takes the
 * smallest block that is large enough and gives the halves it does not need back to the lists; a
 * free checks whether the block's buddy, the other half of the next larger block, is free and of
 * the same size; if so it joins the two, and repeats this with the larger block. The buddy's frame
 * number differs in one bit, so finding it takes no search, and a bit mask of non-empty lists finds
 * the smallest block without visiting each list.
 *
 * Neighbours: mm/frame/page_alloc.c uses it at run time, mm/frame/zone.c at start-up;
 * mm/frame/page_check.c checks.
 */
#include <lib/bits.h>
#include <mm/frame/page_alloc_internal.h>

struct page *mem_map __ro_after_init;
u32 max_pfn __ro_after_init;

static void add_block(struct zone *zone, struct page *page, u32 order)
{
    page->type = PAGE_FREE;
    page->head = 1;
    page->order = order;
    list_add(&page->lru, &zone->free[order]);
    zone->nr_free[order]++;
    zone->buddy_pages += 1u << order;
    zone->free_orders |= 1u << order;
}

static inline void remove_block(struct zone *zone, struct page *page, u32 order)
{
    page->head = 0;
    list_del(&page->lru);
    zone->buddy_pages -= 1u << order;
    if (--zone->nr_free[order] == 0)
        zone->free_orders &= ~(1u << order);
}

static inline bool is_free_block(const struct page *page, u32 order)
{
    return page->type == PAGE_FREE && page->head && page->order == order;
}

struct page *buddy_find(const struct zone *zone, const struct page *page, u32 order)
{
    u32 pfn = page_to_pfn(page) ^ (1u << order);
    struct page *buddy = pfn_to_page(pfn);

    if (pfn < zone->start_pfn || pfn + (1u << order) > zone->end_pfn)
        return NULL;
    return is_free_block(buddy, order) ? buddy : NULL;
}

struct page *buddy_alloc(struct zone *zone, u32 order)
{
    u32 orders = zone->free_orders >> order << order;
    struct page *page;
    u32 have;

    if (!orders)
        return NULL;
    have = __ffs(orders);
    page = list_first_entry(&zone->free[have], struct page, lru);
    remove_block(zone, page, have);
    while (have > order) {
        have--;
        add_block(zone, page + (1u << have), have);
    }
    return page;
}

void buddy_free(struct zone *zone, struct page *page, u32 order)
{
    struct page *buddy;

    page->head = 0;
    while (order < MAX_ORDER && (buddy = buddy_find(zone, page, order))) {
        remove_block(zone, buddy, order);
        page = min(page, buddy);
        order++;
    }
    add_block(zone, page, order);
}

/* ---- runs of pages ---- */

/* The largest order at which a block may start at pfn and end by end_pfn. */
static u32 largest_order(u32 pfn, u32 end_pfn)
{
    u32 order = pfn ? min(__ffs(pfn), (u32)MAX_ORDER) : MAX_ORDER;

    while (pfn + (1u << order) > end_pfn)
        order--;
    return order;
}

void buddy_free_run(struct zone *zone, u32 pfn, u32 end_pfn)
{
    while (pfn < end_pfn) {
        u32 order = largest_order(pfn, end_pfn);

        buddy_free(zone, pfn_to_page(pfn), order);
        pfn += 1u << order;
    }
}
