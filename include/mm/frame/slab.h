/*
 * Caches of equal objects, and kmalloc on top of them (Linux's names). Objects are in lowmem and
 * physically contiguous, so they are fit for virt_to_phys(). Not for interrupt handlers.
 *
 * Freeing anything but an allocated object is a panic. Every build detects a pointer that is not an
 * object, an object of another cache, and the same object freed twice in a row; a build with
 * DEBUG=1 (mm/frame/slab_debug.c) detects much more and prints who allocated the object and who
 * freed it.
 */
#pragma once

#include <lib/bits.h>
#include <lib/string.h>
#include <lib/types.h>
#include <mm/frame/page_alloc.h>

#ifdef CONFIG_DEBUG_SLAB
#define SLAB_DEBUG 1
#else
#define SLAB_DEBUG 0
#endif

struct kmem_cache;

/* Create the cache of caches. After page_alloc_init(). */
void slab_init(void);

/* Create the size classes of kmalloc(). After slab_init(). */
void kmalloc_init(void);

/* ---- caches ---- */

/*
 * A cache of objects of `size` bytes, 1..KMALLOC_MAX_CACHE_SIZE, aligned to 8. The name is not
 * copied. NULL when out of memory.
 */
__must_check struct kmem_cache *kmem_cache_create(const char *name, u32 size);

/* Free the cache; NULL is allowed. A panic if an object is still allocated. */
void kmem_cache_destroy(struct kmem_cache *cache);

/* Not cleared. NULL when out of memory. */
__must_check void *kmem_cache_alloc(struct kmem_cache *cache);
void kmem_cache_free(struct kmem_cache *cache, void *object);

/* Let slab_shrink() call `drop`, which frees the objects that their owner keeps only for speed. */
void kmem_cache_on_shrink(struct kmem_cache *cache, void (*drop)(void));

/* Bytes of an object that its owner may use. */
u32 kmem_cache_size(const struct kmem_cache *cache);

/* ---- kmalloc ---- */

/* The largest size that a cache serves; larger requests get whole blocks of the page allocator. */
#define KMALLOC_MAX_CACHE_SIZE 8192
#define KMALLOC_CACHES         14

/* Indexed by kmalloc_index(); index 0 is not used. */
extern struct kmem_cache *kmalloc_caches[KMALLOC_CACHES];

/*
 * The size class, for 1..KMALLOC_MAX_CACHE_SIZE: Linux's numbers. n is 2^n bytes, but 1 is 96 and 2
 * is 192, between the powers of two where most requests are. Constant for a constant argument.
 */
static inline __attribute__((always_inline)) u32 kmalloc_index(size_t size)
{
    if (size <= 8)
        return 3;
    if (size > 64 && size <= 96)
        return 1;
    if (size > 128 && size <= 192)
        return 2;
    return fls(size - 1);
}

__must_check void *__kmalloc(size_t size);

/*
 * At least `size` bytes, not cleared, aligned to 8, and to the size itself if that is a power of
 * two. NULL when size is 0, out of memory, or more than a block of MAX_ORDER.
 */
static inline __must_check __attribute__((always_inline)) void *kmalloc(size_t size)
{
    if (!SLAB_DEBUG && __builtin_constant_p(size) && size - 1 < KMALLOC_MAX_CACHE_SIZE)
        return kmem_cache_alloc(kmalloc_caches[kmalloc_index(size)]);
    return __kmalloc(size);
}

/* The same, cleared. */
static inline __must_check __attribute__((always_inline)) void *kzalloc(size_t size)
{
    void *object = kmalloc(size);

    return object ? memset(object, 0, size) : NULL;
}

/* Free memory from kmalloc() or a cache; NULL is allowed. */
void kfree(const void *object);

/* ---- statistics and the check (mm/frame/slab_check.c) ---- */

/* A line of Linux's /proc/slabinfo. */
struct slabinfo {
    const char *name;
    u32 active_objs, num_objs; /* allocated; in total */
    u32 objsize;               /* bytes from one to the next */
    u32 objperslab, pagesperslab;
    u32 active_slabs, num_slabs; /* active: has an allocated object */
};

/* The i-th cache, false past the last. Walks the cache's slabs that are not full. */
bool slabinfo_at(u32 i, struct slabinfo *info);

/* Pages held by all caches. */
u32 slab_pages(void);

/*
 * Free the objects and the empty slabs that are kept for speed: the count of free pages is then a
 * function of the objects that are in use.
 */
void slab_shrink(void);

/*
 * With SLAB_DEBUG: the object in whose slot an address of a slab lies, where in it, and its
 * history: one line of `size` bytes, which begins with "; ". Any context.
 */
void slab_debug_describe(const void *addr, char *buf, size_t size);

/* Walk every slab of every cache; NULL or the first thing wrong. */
const char *slab_check(void);
