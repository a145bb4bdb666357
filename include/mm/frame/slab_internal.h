/*
 * Internal to the slab allocator and its self-tests (mm/frame/slab.c explains the idea). The two
 * fast paths are here, inline, because kmem_cache_* and kmalloc share them.
 *
 * A slot is an object with the debug data around it; in the default build they are the same. The
 * first word of a free slot links it to the next one.
 */
#pragma once

#include <lib/list.h>
#include <lib/types.h>
#include <mm/fail.h>
#include <mm/frame/slab.h>

#define SLAB_ALIGN     8
#define SLAB_MAX_ORDER 3

/* The caller of this function. Only debug builds store it; NULL in other builds. */
#define SLAB_CALLER (SLAB_DEBUG ? __builtin_return_address(0) : NULL)

struct kmem_cache {
    void *free;          /* free slots of the active slab */
    struct slab *active; /* or NULL; its own list is empty, as if all slots were allocated */
    u32 size;            /* bytes from one slot to the next */
    u32 per_slab;        /* slots */
    u32 order;           /* of a slab's block */
    u32 slabs;
    struct slab *empty;       /* the one empty slab that is kept, or NULL */
    struct list_head partial; /* slabs with allocated and free objects, without the active one */
    u32 object_size;          /* bytes that the owner of an object may use */
    u32 object_offset;        /* of the object in its slot: 0 except in a debug build */
    void (*drop)(void);       /* see kmem_cache_on_shrink(); or NULL */
    const char *name;
    struct list_head link;
    /* The slabs that slab_check() found in the frames. */
    u32 found, found_active, found_empty, found_partial;
};

/*
 * The end of a slab's block: slots start at its start, so that objects whose size divides a page
 * are aligned.
 */
struct slab {
    struct kmem_cache *cache;
    void *free; /* free slots, except for the active slab */
    u32 used;   /* slots that are not on that list */
    struct list_head link;
};

extern struct list_head slab_caches;

/* ---- places ---- */

/* The descriptor in the block of 2^order pages that starts at block. */
static inline struct slab *slab_of_block(const void *block, u32 order)
{
    return (struct slab *)((uintptr_t)block + (PAGE_SIZE << order)) - 1;
}

/* The start of the slab's block. */
static inline char *slab_block(const struct slab *slab)
{
    return (char *)ALIGN_DOWN((uintptr_t)slab, (uintptr_t)PAGE_SIZE << slab->cache->order);
}

/* True for the first page of a slab, and of a slab that is one page. */
static inline bool page_is_slab(const struct page *page)
{
    return page->head && page->type == PAGE_SLAB;
}

/* True when one of the slots of such a slab starts `offset` bytes into the block. */
static inline bool slot_at(const struct kmem_cache *cache, u32 offset)
{
    return offset % cache->size == 0 && offset / cache->size < cache->per_slab;
}

/* ---- mm/frame/slab.c: what happens rarely ---- */

/* A slot of any slab; NULL when out of memory, or when a test refuses it (mm/fail.h). */
void *slab_pop_slow(struct kmem_cache *cache);

/* Free any valid pointer, and panic for any other. `cache` is NULL for kfree(). */
void slab_free_any(struct kmem_cache *cache, const void *object, const void *caller);

/* `cache` may be NULL: unknown. */
void __noreturn slab_bad_free(const struct kmem_cache *cache, const void *object,
                              const void *caller, const char *what) __attribute__((cold));

/* As kmem_cache_create(); `align` is a power of two, at least SLAB_ALIGN. */
struct kmem_cache *kmem_cache_create_aligned(const char *name, u32 size, u32 align);

/* mm/frame/slab.c: the length of a list of slots, or limit + 1 when it is longer. */
u32 slab_list_length(void *const *slot, u32 limit);

/* mm/frame/slab_check.c: the number of allocated objects. */
u32 slab_objects_out(const struct kmem_cache *cache);

/*
 * mm/frame/slab_check.c: walk all slabs: the first one at or behind frame *pfn, which advances;
 * NULL past the last.
 */
struct slab *slab_walk(u32 *pfn);

/* ---- mm/frame/slab_debug.c: called in debug builds only ---- */

/* Choose the offset of an object in its slot, and the size of the slot. */
void slab_debug_layout(struct kmem_cache *cache, u32 align);

/* Prepare a new slot: free, never allocated. Its link is not touched. */
void slab_debug_new(const struct kmem_cache *cache, void *slot);

/*
 * Check a free slot and allocate it: returns its object, of which the owner may use `size` bytes.
 */
void *slab_debug_alloc(const struct kmem_cache *cache, void *slot, size_t size, const void *caller);

/* Check an object of this slab that is to be freed, from `cache` if not NULL: returns its slot. */
void *slab_debug_free(const struct kmem_cache *cache, const struct slab *slab, const void *object,
                      const void *caller);

/* The first error in a slot, or NULL; *out: its object is allocated. */
const char *slab_debug_check(const struct kmem_cache *cache, const void *slot, bool *out);

/* Panic with the name of an object that is still allocated when its cache is destroyed. */
void __noreturn slab_debug_leak(const struct kmem_cache *cache, const void *caller);

/* ---- the hot paths ---- */

static inline __attribute__((always_inline)) void *slab_alloc(struct kmem_cache *cache, size_t size,
                                                              const void *caller)
{
    void **slot = cache->free;

    if (likely(slot && !alloc_fail_countdown))
        cache->free = *slot;
    else
        slot = slab_pop_slow(cache);
    return SLAB_DEBUG && slot ? slab_debug_alloc(cache, slot, size, caller) : slot;
}

/* False, and nothing is done, when the slot is already the first of the list. */
static inline __attribute__((always_inline)) bool slab_push(void **list, void **slot)
{
    if (unlikely(*list == slot))
        return false;
    *slot = *list;
    *list = slot;
    return true;
}

/*
 * Free an object on the fast path; false in any unusual case, an error or only a rare case: then
 * nothing has changed, and slab_free_any() handles it. The usual case is an object of a slab of one
 * page that was not full before and is not empty afterwards, and that was not the object freed
 * last. `of` is the cache it must belong to, NULL for any.
 */
static inline __attribute__((always_inline)) bool slab_free_fast(const struct kmem_cache *of,
                                                                 const void *object)
{
    u32 offset = (u32)object % PAGE_SIZE;
    const struct page *page;
    struct kmem_cache *cache;
    struct slab *slab;

    if (SLAB_DEBUG || !is_lowmem_addr(object))
        return false;
    page = virt_to_page(object);
    if (!page_is_slab(page) || page->order != 0)
        return false;
    slab = slab_of_block((const void *)((uintptr_t)object - offset), 0);
    cache = slab->cache;
    if ((of && of != cache) || !slot_at(cache, offset))
        return false;
    if (slab == cache->active)
        return slab_push(&cache->free, (void **)object);
    if (!slab->free || slab->used <= 1 || !slab_push(&slab->free, (void **)object))
        return false;
    slab->used--;
    return true;
}
