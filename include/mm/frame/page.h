/*
 * One struct page per frame of RAM below 4 GiB: its use and its reference count. 16 bytes, so that
 * a shift converts between frame number and struct page.
 */
#pragma once

#include <arch/x86/atomic.h>
#include <lib/list.h>
#include <lib/types.h>
#include <mm/layout.h>

/*
 * The use of a block of frames. Type, order and head are valid in the first page of a block; the
 * pages behind it have head = 0 and no other valid field. Frames that never belonged to the page
 * allocator are blocks of one page of type PAGE_RESERVED.
 */
enum page_type {
    PAGE_RESERVED, /* not RAM, or taken before the page allocator existed */
    PAGE_FREE,     /* on a list of the buddy system */
    PAGE_HOT,      /* free too, but kept aside for the next allocation of its order */
    PAGE_USED,     /* allocated by alloc_pages(), no special use */
    PAGE_SLAB,
    PAGE_VMALLOC,
    PAGE_PGTABLE, /* a page directory or page table of a process */
    PAGE_USER,    /* mapped into a process; only its mappings are counted */
    PAGE_FILE,    /* of a file (mm/user/filemap.h): counted by the file and by each mapping */
    PAGE_TYPES,
};

#define BLOCK_HEAD(order) (0x100 | (order))

struct address_space;

/*
 * Reference counts. The first page of a block in use counts the holder of the block, each mapping
 * of itself, and each page behind it that is mapped at all; such a page counts its own mappings. So
 * the first page's count alone shows whether the block may be freed. In a free block all counts are
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
        u16 block; /* both together: BLOCK_HEAD(order) in a first page */
    };
    s32 refcount;
    union {
        struct list_head lru;              /* for lists of the block's owner */
        struct page *next;                 /* or of a chain of single pages; NULL in the last */
        struct {                           /* PAGE_FILE */
            struct address_space *mapping; /* the file that has the page */
            u32 index : 30;                /* its index in the file */
            u32 reserved : 1;              /* and nothing else: filemap_reserve() */
            /* Written, so that its contents cannot be read again: filemap_set_dirty(). */
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

/* Add a mapping to the count. False when the page had no holder and no mapping before. */
static inline bool page_get_shared(struct page *page)
{
    return atomic_inc_above_one(&page->refcount);
}

/* Drop a reference. False when no reference is left, or there was none before. */
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

/*
 * The first page of the block in use in which this page is a later page; NULL if there is no such
 * block.
 */
static inline struct page *page_used_head(struct page *page)
{
    struct page *first = page_head(page);

    return first != page && first->type >= PAGE_USED ? first : NULL;
}

/* The use of a page, in words. */
const char *page_type_name(const struct page *page);

/* The owner's name in tables and pictures: "buddy", "slab", "user pages", ... */
const char *page_type_short_name(enum page_type type);

/*
 * Pages of the block that starts here; 1 for a frame that is not a block. For walks over all
 * frames.
 */
static inline u32 page_block_size(const struct page *page)
{
    return page->head ? 1u << page->order : 1;
}
