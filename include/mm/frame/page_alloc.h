/*
 * The page allocator: a binary buddy system per zone. Blocks are 2^order pages, aligned to their
 * size, order 0..MAX_ORDER. Not for interrupt handlers.
 */
#pragma once

#include <lib/types.h>
#include <mm/frame/page.h>

#define MAX_ORDER 10

enum zone_id {
    ZONE_DMA,     /* below 16 MiB */
    ZONE_NORMAL,  /* the rest of lowmem */
    ZONE_HIGHMEM, /* RAM that is not in lowmem */
    ZONES,
};

/* Where to allocate from: the lowest bits are the zone to try first; the zones below it follow. */
typedef u32 gfp_t;
#define GFP_DMA      0x0u /* only below 16 MiB */
#define GFP_KERNEL   0x1u /* lowmem: NORMAL, then DMA */
#define GFP_HIGHUSER 0x2u /* HIGHMEM, then NORMAL, then DMA: pages that need no lowmem address */
#define __GFP_ZERO   0x4u /* cleared */

/* Give all memory that memblock has left to the zones. After lowmem_map_init(). */
void page_alloc_init(void);

/* A page, refcount 1, type PAGE_USED; NULL when out of memory. */
__must_check struct page *alloc_page(gfp_t gfp);

/* Free it. A page that is not in use, is part of a block, or is still mapped is a panic. */
void free_page(struct page *page);

/* The same for 2^order pages; NULL for an order above MAX_ORDER too. */
__must_check struct page *__alloc_pages(gfp_t gfp, u32 order);
void __free_pages(struct page *page, u32 order);

/* Both again: a constant order of 0 uses the faster function. */
__must_check static inline struct page *alloc_pages(gfp_t gfp, u32 order)
{
    return __builtin_constant_p(order) && order == 0 ? alloc_page(gfp) : __alloc_pages(gfp, order);
}

static inline void free_pages(struct page *page, u32 order)
{
    if (__builtin_constant_p(order) && order == 0)
        free_page(page);
    else
        __free_pages(page, order);
}

/* Allocate 2^order pages; returns their lowmem address. */
__must_check void *get_free_pages(gfp_t gfp, u32 order);

/*
 * Allocate up to `count` single pages, linked through `next`, which is NULL in the last; *chain
 * gets the first, or NULL. Returns their number: less than count only when memory ran out. With
 * __GFP_ZERO all are zeroed.
 */
__must_check u32 alloc_pages_bulk(gfp_t gfp, u32 count, struct page **chain);

/* Free single pages that are linked in the same way. */
void free_pages_bulk(struct page *chain);

/* Join all hot pages with their buddies (Linux's name). For tests, and when memory is short. */
void drain_all_pages(void);

/* Give a page that was reserved since boot to the allocator (Linux's name). */
void free_reserved_page(struct page *page);

/* Free pages in all zones, in lowmem; pages ever given to the zones. Hot pages are free. */
u32 nr_free_pages(void);
u32 nr_free_lowmem_pages(void);
u32 nr_managed_pages(void);

/* Free blocks of an order in a zone, hot ones included; the zone's name; its free pages. */
u32 zone_free_blocks(enum zone_id zone, u32 order);
const char *zone_name(enum zone_id zone);
u32 zone_free_pages(enum zone_id zone);
u32 zone_managed_pages(enum zone_id zone);

/* Walk all lists and all frames; NULL or the first thing wrong. For the audit. */
const char *page_alloc_check(void);
