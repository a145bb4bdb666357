/*
 * One struct page a frame of lowmem: who has it and how often. 16 bytes, so that frame number and
 * struct page are a shift apart.
 */
#pragma once

#include <lib/list.h>
#include <lib/types.h>
#include <mm/layout.h>

/* What a frame is used for. Every frame is exactly one of these. */
enum page_type {
    PAGE_RESERVED, /* not RAM, or taken before the page allocator was there */
    PAGE_FREE,     /* in the buddy lists; only the first page of a block is linked */
    PAGE_USED,     /* given out by alloc_pages() and not told further */
    PAGE_SLAB,
    PAGE_VMALLOC,
    PAGE_PGTABLE, /* a page directory or page table of a process */
    PAGE_USER,    /* mapped into a process */
    PAGE_TYPES,
};

struct page {
    u8 type;  /* enum page_type */
    u8 zone;  /* enum zone_id */
    u8 order; /* of the block, valid in its first page */
    u8 head;  /* this is the first page of a free or used block */
    s32 refcount;
    struct list_head lru; /* link of whoever has the page */
};

_Static_assert(sizeof(struct page) == 16, "a shift apart");

extern struct page *mem_map; /* indexed by frame number */
extern u32 max_pfn;          /* frames that have a struct page */

static inline u32 page_to_pfn(const struct page *page)
{
    return page - mem_map;
}

static inline struct page *pfn_to_page(u32 pfn)
{
    return &mem_map[pfn];
}

static inline phys_addr_t page_to_phys(const struct page *page)
{
    return page_to_pfn(page) << PAGE_SHIFT;
}

static inline struct page *phys_to_page(phys_addr_t addr)
{
    return pfn_to_page(addr >> PAGE_SHIFT);
}

/* Lowmem address of the page. */
static inline void *page_address(const struct page *page)
{
    return phys_to_virt(page_to_phys(page));
}

static inline struct page *virt_to_page(const void *addr)
{
    return phys_to_page(virt_to_phys(addr));
}
