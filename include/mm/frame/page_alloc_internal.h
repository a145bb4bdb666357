/*
 * The zones and their free blocks; internal to the page allocator: buddy.c joins and splits,
 * page_alloc.c allocates and frees, zone.c sets up and counts, page_check.c checks.
 */
#pragma once

#include <mm/frame/page_alloc.h>

/* Blocks of one order that are free but not joined: a stack, linked through `next`. */
struct hot_stack {
    struct page *top;
    u32 count, limit;
};

struct zone {
    struct hot_stack hot[MAX_ORDER + 1];
    const char *name;
    u32 start_pfn, end_pfn;
    u32 managed;     /* pages ever given to this zone */
    u32 buddy_pages; /* pages on the lists below */
    u32 free_orders; /* bit n: free[n] is not empty */
    struct list_head free[MAX_ORDER + 1];
    u32 nr_free[MAX_ORDER + 1];
};

extern struct zone zones[ZONES];

/* The first zone to try for each gfp: its own zone, or the next one below that has memory. */
extern struct zone *first_zone[ZONES];

/* ---- mm/frame/buddy.c ---- */

/* Take a block from the lists, with head = 0; NULL when no block is large enough. */
struct page *buddy_alloc(struct zone *zone, u32 order);

/* Put a block on the lists, joined with its buddies as far as they are free. */
void buddy_free(struct zone *zone, struct page *page, u32 order);

/* Free pages [pfn, end_pfn) of a zone, none of them marked as a block, as few large blocks. */
void buddy_free_run(struct zone *zone, u32 pfn, u32 end_pfn);

/* The free buddy of this block; NULL when the buddy is not free. */
struct page *buddy_find(const struct zone *zone, const struct page *page, u32 order);
