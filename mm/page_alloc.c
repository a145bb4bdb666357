/*
 * The page allocator: a binary buddy system (Knuth, The Art of Computer Programming, vol. 1, 2.5).
 *
 * Memory is cut into zones, because some devices reach only the first 16 MiB. In each zone, free
 * memory is kept as blocks of 2^order pages, aligned to their own size, on one list per order. An
 * allocation takes the smallest block that is large enough and gives the halves it does not need
 * back to the lists; a free looks whether the block's buddy, the other half of the next larger
 * block, is free and as large, and if so joins the two, again and again. The buddy's frame number
 * differs in one bit, so finding it takes no search, and a bit mask of non-empty lists finds the
 * smallest block without looking at each list.
 *
 * Only the first page of a free block is linked and marked (head, order); the pages inside it are
 * of type PAGE_FREE and not marked. A page that is given out has a reference count of 1 and becomes
 * PAGE_USED; its owner may set a more telling type, and gives it back with a count of 1.
 *
 * Wrong frees are caught here: a page that is free already, inside a block, of another order, or
 * still referenced.
 */
#include <lib/bits.h>
#include <lib/panic.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <mm/memblock.h>
#include <mm/page_alloc.h>

#define DMA_LIMIT_PFN (MIB(16) >> PAGE_SHIFT)

struct zone {
    const char *name;
    u32 start_pfn, end_pfn;
    u32 managed; /* pages ever given to this zone */
    u32 free_pages;
    u32 free_orders; /* bit n: free[n] is not empty */
    struct list_head free[MAX_ORDER + 1];
    u32 nr_free[MAX_ORDER + 1];
};

struct page *mem_map __ro_after_init;
u32 max_pfn __ro_after_init;

static struct zone zones[ZONES] = {
    [ZONE_DMA] = {.name = "DMA"},
    [ZONE_NORMAL] = {.name = "Normal"},
};

/* ---- blocks and lists ---- */

static void add_block(struct zone *zone, struct page *page, u32 order)
{
    page->head = 1;
    page->order = order;
    list_add(&page->lru, &zone->free[order]);
    zone->nr_free[order]++;
    zone->free_orders |= 1u << order;
}

static void remove_block(struct zone *zone, struct page *page, u32 order)
{
    page->head = 0;
    list_del(&page->lru);
    if (--zone->nr_free[order] == 0)
        zone->free_orders &= ~(1u << order);
}

/* The other half of the block that is twice as large; NULL when it is not in the zone. */
static struct page *buddy_of(const struct zone *zone, struct page *page, u32 order)
{
    u32 pfn = page_to_pfn(page) ^ (1u << order);

    return pfn >= zone->start_pfn && pfn + (1u << order) <= zone->end_pfn ? pfn_to_page(pfn) : NULL;
}

static bool is_free_block(const struct page *page, u32 order)
{
    return page->type == PAGE_FREE && page->head && page->order == order;
}

static struct page *zone_alloc(struct zone *zone, u32 order)
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
    zone->free_pages -= 1u << order;
    return page;
}

static void zone_free(struct zone *zone, struct page *page, u32 order)
{
    zone->free_pages += 1u << order;
    while (order < MAX_ORDER) {
        struct page *buddy = buddy_of(zone, page, order);

        if (!buddy || !is_free_block(buddy, order))
            break;
        remove_block(zone, buddy, order);
        page = min(page, buddy);
        order++;
    }
    add_block(zone, page, order);
}

/* ---- the public face ---- */

static void set_type(struct page *page, u32 order, enum page_type type)
{
    for (u32 i = 0; i < 1u << order; i++)
        page[i].type = type;
}

struct page *alloc_pages(gfp_t gfp, u32 order)
{
    struct page *page = NULL;

    if (unlikely(order > MAX_ORDER))
        return NULL;
    if (!(gfp & GFP_DMA))
        page = zone_alloc(&zones[ZONE_NORMAL], order);
    if (unlikely(!page))
        page = zone_alloc(&zones[ZONE_DMA], order);
    if (unlikely(!page))
        return NULL;
    set_type(page, order, PAGE_USED);
    page->head = 1;
    page->order = order;
    page->refcount = 1;
    if (gfp & __GFP_ZERO)
        memset(page_address(page), 0, PAGE_SIZE << order);
    return page;
}

void *get_free_pages(gfp_t gfp, u32 order)
{
    struct page *page = alloc_pages(gfp, order);

    return page ? page_address(page) : NULL;
}

void free_pages(struct page *page, u32 order)
{
    assert_op(page_to_pfn(page), <, max_pfn);
    assert_op(page->type, !=, PAGE_FREE);
    assert_op(page->type, !=, PAGE_RESERVED);
    assert(page->head);
    assert_op(page->order, ==, order);
    assert_op(page->refcount, ==, 1);

    page->refcount = 0;
    page->head = 0;
    set_type(page, order, PAGE_FREE);
    zone_free(&zones[page->zone], page, order);
}

void free_reserved_page(struct page *page)
{
    assert_op(page_to_pfn(page), <, max_pfn);
    assert_op(page->type, ==, PAGE_RESERVED);
    page->type = PAGE_FREE;
    zones[page->zone].managed++;
    zone_free(&zones[page->zone], page, 0);
}

/* ---- start-up ---- */

/* The largest order at which a block may start at pfn and end by end_pfn. */
static u32 largest_order(u32 pfn, u32 end_pfn)
{
    u32 order = pfn ? min(__ffs(pfn), (u32)MAX_ORDER) : MAX_ORDER;

    while (pfn + (1u << order) > end_pfn)
        order--;
    return order;
}

static void free_range_in_zone(struct zone *zone, u32 pfn, u32 end_pfn)
{
    pfn = max(pfn, zone->start_pfn);
    end_pfn = min(end_pfn, zone->end_pfn);
    while (pfn < end_pfn) {
        u32 order = largest_order(pfn, end_pfn);

        set_type(pfn_to_page(pfn), order, PAGE_FREE);
        zone->managed += 1u << order;
        zone->free_pages += 1u << order;
        add_block(zone, pfn_to_page(pfn), order);
        pfn += 1u << order;
    }
}

static void free_range(phys_addr_t start, phys_addr_t end)
{
    for (u32 z = 0; z < ZONES; z++)
        free_range_in_zone(&zones[z], PFN_DOWN(start), PFN_DOWN(end));
}

void page_alloc_init(void)
{
    u32 pfns = PFN_DOWN(lowmem_size);

    mem_map = phys_to_virt(memblock_alloc(pfns * sizeof(struct page), PAGE_SIZE, "struct pages"));
    max_pfn = pfns;
    zones[ZONE_DMA].end_pfn = min(pfns, (u32)DMA_LIMIT_PFN);
    zones[ZONE_NORMAL].start_pfn = zones[ZONE_DMA].end_pfn;
    zones[ZONE_NORMAL].end_pfn = pfns;
    for (u32 z = 0; z < ZONES; z++) {
        for (u32 order = 0; order <= MAX_ORDER; order++)
            INIT_LIST_HEAD(&zones[z].free[order]);
        for (u32 pfn = zones[z].start_pfn; pfn < zones[z].end_pfn; pfn++)
            pfn_to_page(pfn)->zone = z;
    }
    memblock_for_each_free(lowmem_size, free_range);
}

/* ---- figures and the check ---- */

u32 nr_free_pages(void)
{
    return zones[ZONE_DMA].free_pages + zones[ZONE_NORMAL].free_pages;
}

u32 nr_managed_pages(void)
{
    return zones[ZONE_DMA].managed + zones[ZONE_NORMAL].managed;
}

u32 zone_free_blocks(enum zone_id zone, u32 order)
{
    return zones[zone].nr_free[order];
}

const char *zone_name(enum zone_id zone)
{
    return zones[zone].name;
}

u32 zone_free_pages(enum zone_id zone)
{
    return zones[zone].free_pages;
}

static char check_text[128];

static const char *bad_block(const struct zone *zone, const struct page *page, const char *what)
{
    snprintf(check_text, sizeof(check_text), "I8: zone %s, block at frame %08x, order %u: %s",
             zone->name, page_to_phys(page), page->order, what);
    return check_text;
}

static const char *check_list(struct zone *zone, u32 order, u32 *pages)
{
    u32 count = 0;
    struct page *page;

    list_for_each_entry (page, &zone->free[order], lru) {
        struct page *buddy = buddy_of(zone, page, order);

        if (!is_free_block(page, order))
            return bad_block(zone, page,
                             "on a free list, but not marked as a free block of its order");
        if (page_to_pfn(page) & ((1u << order) - 1))
            return bad_block(zone, page, "not aligned to its size");
        if (order < MAX_ORDER && buddy && is_free_block(buddy, order))
            return bad_block(zone, page, "its buddy is free too, but they are not joined");
        for (u32 i = 0; i < 1u << order; i++) {
            if (page[i].type != PAGE_FREE || page[i].refcount != 0 || (i && page[i].head))
                return bad_block(zone, page, "a page inside it is not free");
        }
        count++;
    }
    *pages += count << order;
    if (count != zone->nr_free[order] || (count != 0) != (zone->free_orders >> order & 1)) {
        snprintf(check_text, sizeof(check_text),
                 "I8: zone %s has %u free blocks of order %u, counted as %u", zone->name, count,
                 order, zone->nr_free[order]);
        return check_text;
    }
    return NULL;
}

static const char *check_zone(struct zone *zone)
{
    u32 listed = 0, marked = 0;
    const char *wrong;

    for (u32 order = 0; order <= MAX_ORDER; order++) {
        wrong = check_list(zone, order, &listed);
        if (wrong)
            return wrong;
    }
    for (u32 pfn = zone->start_pfn; pfn < zone->end_pfn; pfn++)
        marked += pfn_to_page(pfn)->type == PAGE_FREE;
    if (listed == zone->free_pages && marked == listed)
        return NULL;
    snprintf(check_text, sizeof(check_text),
             "I8: zone %s counts %u free pages, %u are on its lists, %u are marked free",
             zone->name, zone->free_pages, listed, marked);
    return check_text;
}

const char *page_alloc_check(void)
{
    for (u32 z = 0; z < ZONES; z++) {
        const char *wrong = check_zone(&zones[z]);

        if (wrong)
            return wrong;
    }
    return NULL;
}
