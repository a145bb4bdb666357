/*
 * The check of the page allocator: every list, every hot stack, and every frame, for the audit.
 *
 * The lists may be damaged: a link is followed only when it leads to a struct page of the zone, and
 * every walk ends.
 */
#include <lib/printf.h>
#include <mm/frame/page_alloc_internal.h>

static char check_text[128];

static const char *bad_block(const struct zone *zone, const struct page *page, const char *what)
{
    snprintf(check_text, sizeof(check_text), "I8: zone %s, block at frame 0x%08x, order %u: %s",
             zone->name, page_to_phys(page), page->order, what);
    return check_text;
}

static const char *bad_count(const struct zone *zone, const char *what, u32 found, u32 counted)
{
    snprintf(check_text, sizeof(check_text), "I8: zone %s: %s: found %u, counted %u", zone->name,
             what, found, counted);
    return check_text;
}

static const char *bad_link(const struct zone *zone, const char *where, u32 order,
                            const void *found, const char *what)
{
    snprintf(check_text, sizeof(check_text), "I8: zone %s, %s of order %u: a link to %p: %s",
             zone->name, where, order, found, what);
    return check_text;
}

/* A pointer in a list may have any value: only a struct page of this zone may be read. */
static const char *check_link(const struct zone *zone, const struct page *page, u32 order,
                              const char *where)
{
    u32 first = (u32)pfn_to_page(zone->start_pfn), end = (u32)pfn_to_page(zone->end_pfn);

    if ((u32)page - (u32)mem_map >= max_pfn * sizeof(*page) ||
        ((u32)page - (u32)mem_map) % sizeof(*page) != 0)
        return bad_link(zone, where, order, page, "that is not a struct page");
    if ((u32)page < first || (u32)page + (sizeof(*page) << order) > end ||
        page->zone != zone - zones)
        return bad_block(zone, page, "of another zone");
    return NULL;
}

/* Check a free block, on a list or on a hot stack. */
static const char *check_block(struct zone *zone, const struct page *page, u32 order)
{
    if (page->order != order || !page->head)
        return bad_block(zone, page, "kept among blocks of another order");
    if (page_to_pfn(page) & ((1u << order) - 1))
        return bad_block(zone, page, "not aligned to its size");
    for (u32 i = 0; i < 1u << order; i++) {
        if (page[i].refcount != 0)
            return bad_block(zone, page, "free, but a page of it is referenced");
        if (i > 0 && page[i].head)
            return bad_block(zone, page, "another block begins inside it");
    }
    return NULL;
}

/* The block at a link of a free list, which `prev` has led to. */
static const char *check_listed(struct zone *zone, const struct list_head *link,
                                const struct list_head *prev, u32 order)
{
    struct page *page = list_entry(link, struct page, lru);
    const char *wrong = check_link(zone, page, order, "free list");

    if (wrong)
        return wrong;
    if (link->prev != prev)
        return bad_block(zone, page, "on a free list, but its link back leads elsewhere");
    if (page->type != PAGE_FREE)
        return bad_block(zone, page, "on a free list, but not free");
    wrong = check_block(zone, page, order);
    if (!wrong && order < MAX_ORDER && buddy_find(zone, page, order))
        return bad_block(zone, page, "its buddy is free too, but they are not joined");
    return wrong;
}

/*
 * The back links are checked, so a walk that reaches the end of the list cannot have been in a
 * cycle.
 */
static const char *check_list(struct zone *zone, u32 order, u32 *pages)
{
    const struct list_head *head = &zone->free[order], *prev = head;
    u32 count = 0;

    for (const struct list_head *link = head->next; link != head; prev = link, link = link->next) {
        const char *wrong = check_listed(zone, link, prev, order);

        if (wrong)
            return wrong;
        count++;
    }
    if (head->prev != prev)
        return bad_link(zone, "free list", order, head->prev, "that is not its last block");
    *pages += count << order;
    if (count != zone->nr_free[order] || (count != 0) != (zone->free_orders >> order & 1))
        return bad_count(zone, "blocks on a free list", count, zone->nr_free[order]);
    return NULL;
}

static const char *check_hot(struct zone *zone, u32 order, u32 *pages)
{
    u32 count = 0, expected = zone->hot[order].count;
    const char *wrong;

    for (struct page *page = zone->hot[order].top; page; page = page->next) {
        wrong = check_link(zone, page, order, "hot stack");
        if (wrong)
            return wrong;
        if (page->type != PAGE_HOT)
            return bad_block(zone, page, "on a hot stack, but not hot");
        wrong = check_block(zone, page, order);
        if (wrong)
            return wrong;
        if (++count > expected)
            break;
    }
    *pages += count << order;
    return count == expected ? NULL : bad_count(zone, "blocks on a hot stack", count, expected);
}

/* The number of free pages, counted from the struct pages, block by block. */
static u32 count_marked(const struct zone *zone)
{
    u32 marked = 0;

    for (u32 pfn = zone->start_pfn; pfn < zone->end_pfn;) {
        const struct page *page = pfn_to_page(pfn);
        u32 pages = page_block_size(page);

        if (page->head && (page->type == PAGE_FREE || page->type == PAGE_HOT))
            marked += pages;
        pfn += pages;
    }
    return marked;
}

static const char *check_zone(struct zone *zone)
{
    const char *wrong = NULL;
    u32 listed = 0, marked, free = zone_free_pages(zone - zones);

    for (u32 order = 0; order <= MAX_ORDER && !wrong; order++)
        wrong = check_list(zone, order, &listed);
    for (u32 order = 0; order <= MAX_ORDER && !wrong; order++)
        wrong = check_hot(zone, order, &listed);
    if (wrong)
        return wrong;
    if (listed != free)
        return bad_count(zone, "free pages on the lists", listed, free);
    marked = count_marked(zone);
    return marked == listed ? NULL : bad_count(zone, "frames marked free", marked, listed);
}

const char *page_alloc_check(void)
{
    const char *wrong = NULL;

    for (u32 z = 0; z < ZONES && !wrong; z++)
        wrong = check_zone(&zones[z]);
    return wrong;
}
