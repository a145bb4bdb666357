/*
 * One struct page a frame of RAM below 4 GiB: who has it and how often. 16 bytes, so that frame
 * number and struct page are a shift apart.
 */
#pragma once

#include <arch/x86/atomic.h>
#include <lib/list.h>
#include <lib/types.h>
#include <mm/layout.h>

/*
 * What a block of frames is used for. Type, order and head are right in the first page of a block;
 * the pages behind it have head = 0 and nothing else that counts. Frames that never belonged to the
 * page allocator are blocks of one page of type PAGE_RESERVED.
 */
enum page_type {
    PAGE_RESERVED, /* not RAM, or taken before the page allocator was there */
    PAGE_FREE,     /* on a list of the buddy system */
    PAGE_HOT,      /* free too, but kept aside for the next allocation of its order */
    PAGE_USED,     /* given out by alloc_pages() and not told further */
    PAGE_SLAB,
    PAGE_VMALLOC,
    PAGE_PGTABLE, /* a page directory or page table of a process */
    PAGE_USER,    /* mapped into a process; counted by its mappings alone */
    PAGE_FILE,    /* of a file (mm/user/filemap.h): counted by the file and by each mapping */
    PAGE_TYPES,
};

#define BLOCK_HEAD(order) (0x100 | (order))

struct address_space;

/*
 * Reference counts. The first page of a block in use counts the holder of the block, each mapping
 * of itself, and each page behind it that is mapped at all; such a page counts its own mappings. So
 * the first page's count alone says whether the block may be freed. Of a free block all counts are
 * 0.
 */
struct page {
    u8 type; /* enum page_type */
    u8 zone; /* enum zone_id */
    union {
        struct {
            u8 order; /* of the block */
            u8 head;  /* the first page of a block */
        };
        u16 block; /* both at once: BLOCK_HEAD(order) in a first page */
    };
    s32 refcount;
    union {
        struct list_head lru;              /* link of the owner of the block */
        struct page *next;                 /* or of a chain of single pages; NULL in the last */
        struct {                           /* PAGE_FILE */
            struct address_space *mapping; /* whose page it is */
            u32 index : 31;                /* which of them */
            /* Written to, so that it cannot be had again: filemap_set_dirty(). */
            u32 dirty : 1;
        };
    };
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
    return ((u32)page - (u32)mem_map) * (PAGE_SIZE / sizeof(struct page)); /* one shift */
}

static inline struct page *phys_to_page(phys_addr_t addr)
{
    return pfn_to_page(addr >> PAGE_SHIFT);
}

/* True when the frame has no place in lowmem. */
static inline bool page_is_highmem(const struct page *page)
{
    return page_to_phys(page) >= lowmem_size;
}

/* Lowmem address of the page; NULL for a highmem page, which has none (see mm/frame/highmem.h). */
static inline void *page_address(const struct page *page)
{
    phys_addr_t phys = page_to_phys(page);

    return likely(phys < lowmem_size) ? (void *)(phys + PAGE_OFFSET) : NULL;
}

static inline struct page *virt_to_page(const void *addr)
{
    return phys_to_page(virt_to_phys(addr));
}

/* Count a mapping more. False when nobody held the page before, and nothing mapped it. */
static inline bool page_get_shared(struct page *page)
{
    return atomic_inc_above_one(&page->refcount);
}

/* Count a holder less. False when nobody holds the page then, or nobody did before. */
static inline bool page_put_shared(struct page *page)
{
    return atomic_dec_above_zero(&page->refcount);
}

/* The first page of the block that holds `page`; `page` itself when no block does. */
static inline struct page *page_head(struct page *page)
{
    u32 pfn = page_to_pfn(page);

    for (u32 order = 0; order <= 10; order++) {
        struct page *first = pfn_to_page(pfn >> order << order);

        if (first->head)
            return first->order >= order ? first : page;
    }
    return page;
}

/* The first page of the block in use that this page lies behind; NULL when there is none. */
static inline struct page *page_used_head(struct page *page)
{
    struct page *first = page_head(page);

    return first != page && first->type >= PAGE_USED ? first : NULL;
}

/* What a page is used for, in words. */
const char *page_type_name(const struct page *page);

/* The owner's name in tables and pictures: "buddy", "slab", "user pages", ... */
const char *page_type_short_name(enum page_type type);

/*
 * Pages of the block that starts here; 1 for a frame that is no block. For walks over all frames.
 */
static inline u32 page_block_size(const struct page *page)
{
    return page->head ? 1u << page->order : 1;
}
