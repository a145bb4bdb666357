/*
 * Caches of equal small objects on single pages, and kmalloc on top of them (Linux's names).
 * Objects are in lowmem, so they are fit for virt_to_phys(). Not for interrupt handlers.
 */
#pragma once

#include <lib/types.h>
#include <mm/page_alloc.h>

struct kmem_cache;

void slab_init(void);

/* A cache of objects of `size` bytes (at most 2 KiB). NULL when out of memory. */
__must_check struct kmem_cache *kmem_cache_create(const char *name, u32 size);

/* Free the cache. An object still out is a panic. */
void kmem_cache_destroy(struct kmem_cache *cache);

/* Not cleared. NULL when out of memory. */
__must_check void *kmem_cache_alloc(struct kmem_cache *cache);
void kmem_cache_free(struct kmem_cache *cache, void *object);

/*
 * size <= 2 KiB from size classes, larger from the page allocator. NULL when out of memory or size
 * is 0.
 */
__must_check void *kmalloc(size_t size);
__must_check void *kzalloc(size_t size);
void kfree(const void *object); /* NULL is allowed */

/* Walk every cache; NULL or the first thing wrong. */
const char *slab_check(void);
/* Pages held by all caches. */
u32 slab_pages(void);
/*
 * Free the empty slab pages that caches keep for speed; the count of free pages is then a function
 * of live objects.
 */
void slab_shrink(void);
