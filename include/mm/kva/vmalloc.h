/*
 * The vmalloc area: scattered frames under one contiguous range of kernel addresses. The range is
 * contiguous for the processor only; a device that gets its "physical address" would access only
 * the first page. virt_to_phys() therefore panics on such addresses; vmalloc_to_page() returns one
 * page at a time. Every area is followed by a page that is never mapped. Not for interrupt
 * handlers.
 */
#pragma once

#include <lib/rbtree.h>
#include <lib/types.h>
#include <mm/frame/page.h>
#include <mm/layout.h>

/*
 * Kinds of area, with the names in vmallocinfo. An enumeration, so that debuggers know the names.
 */
enum vmap_kind {
    VM_ALLOC = 0x1,   /* owns its pages */
    VM_MAP = 0x2,     /* maps pages of other owners */
    VM_IOREMAP = 0x4, /* maps device memory, not cached */
};

/* One busy area, or one gap between areas. */
struct vmap_area {
    struct rb_node node; /* by start */
    u32 start, end;      /* [start, end); the last page of a busy area is its guard */
    u32 flags;           /* VM_ALLOC, VM_MAP or VM_IOREMAP; 0 for a gap */
    u32 largest_free;    /* bytes of the largest gap in the subtree */
    const void *caller;  /* the code that asked for a busy area */
};

/* Pages of a busy area without its guard. */
static inline u32 vmap_area_pages(const struct vmap_area *area)
{
    return (area->end - area->start - PAGE_SIZE) >> PAGE_SHIFT;
}

/* Make the whole area one gap. After page_alloc_init() and slab_init(). */
void vmalloc_init(void);

/*
 * Allocate at least `size` bytes of memory, not cleared, page-aligned. NULL when pages, addresses
 * or memory for the area run out.
 */
__must_check void *vmalloc(size_t size);
__must_check void *vzalloc(size_t size);

/*
 * The same at a multiple of `align` (a power of two, at least PAGE_SIZE), with `caller` recorded as
 * the caller, for allocators built on this one.
 */
__must_check void *vmalloc_aligned(size_t size, u32 align, const void *caller);

/*
 * Free memory from vmalloc(); NULL is allowed. When it returns, no address space can access the
 * range any more. Here, in vunmap() and in iounmap(), an address that is not the start of an area, or
 * of one of another kind, is a panic, which has changed nothing.
 */
void vfree(const void *addr);

/*
 * Map `count` pages side by side, read-write. NULL on failure. Any page of a block in use is
 * allowed; its owner keeps it, and cannot free it before vunmap(). A page that is free or reserved
 * is a panic. vunmap() allows NULL.
 */
__must_check void *vmap(struct page **pages, u32 count);
void vunmap(const void *addr);

/*
 * Map device memory, not cached, read-write: `size` bytes from any physical address, which need not
 * be aligned. NULL when the range is empty, wraps around or touches RAM, or on exhaustion.
 */
__must_check void *ioremap(phys_addr_t phys, size_t size);

/* Unmap memory from ioremap(), with the same address, including its offset; NULL is allowed. */
void iounmap(const void *addr);

/* The page behind a vmalloc address; NULL when nothing or a device is mapped there. */
struct page *vmalloc_to_page(const void *addr);

/* The busy area that holds addr (its guard page counts), or NULL. */
const struct vmap_area *find_vmap_area(u32 addr);

/*
 * Record another caller of the busy area that starts at addr, for code that must recognize its own
 * areas later. Panics when no such area exists.
 */
void vmap_area_set_caller(u32 addr, const void *caller);

/* Walk the busy areas in address order: the first at or above addr. */
const struct vmap_area *vmap_area_at_or_above(u32 addr);

/* Walk all ranges and entries; NULL or the first error. */
const char *vmalloc_check(void);

/* Largest gap, free bytes and number of free ranges. */
struct vmalloc_stats {
    u32 largest_free, free_bytes, free_ranges, busy_areas, mapped_pages;
};
struct vmalloc_stats vmalloc_stats(void);
