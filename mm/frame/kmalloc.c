/*
 * kmalloc: memory of any size, from a row of caches.
 *
 * One cache per size class; the classes are Linux's: powers of two, and 96 and 192, because there
 * are so many small requests that a step of 2 would waste much. The class is a function of the size
 * alone, so that for a size that is a constant the compiler already knows the cache
 * (include/mm/frame/slab.h). More than 8 KiB is a block of the page allocator: rounding to whole
 * pages loses little then.
 *
 * kfree() gets no size. The frame of the address leads to the owner: a slab, at whose end the
 * descriptor names the cache, or the page allocator's block that it starts.
 *
 * A request that is a power of two is aligned to its size, as Linux promises: such objects start at
 * the start of their slab's block, side by side, and a block is aligned to its own size.
 *
 * Neighbours: mm/frame/slab.c has the caches, mm/frame/page_alloc.c the blocks.
 */
#include <lib/kasan.h>
#include <lib/panic.h>
#include <mm/frame/slab_internal.h>

struct kmem_cache *kmalloc_caches[KMALLOC_CACHES] __ro_after_init;

static const struct {
    const char *name;
    u16 size;
} classes[KMALLOC_CACHES] = {
    [1] = {"kmalloc-96", 96},    [2] = {"kmalloc-192", 192},  [3] = {"kmalloc-8", 8},
    [4] = {"kmalloc-16", 16},    [5] = {"kmalloc-32", 32},    [6] = {"kmalloc-64", 64},
    [7] = {"kmalloc-128", 128},  [8] = {"kmalloc-256", 256},  [9] = {"kmalloc-512", 512},
    [10] = {"kmalloc-1k", 1024}, [11] = {"kmalloc-2k", 2048}, [12] = {"kmalloc-4k", 4096},
    [13] = {"kmalloc-8k", 8192},
};

void kmalloc_init(void)
{
    for (u32 i = 1; i < KMALLOC_CACHES; i++) {
        u32 size = classes[i].size, align = is_power_of_2(size) ? size : SLAB_ALIGN;

        assert_op(kmalloc_index(size), ==, i);
        kmalloc_caches[i] = kmem_cache_create_aligned(classes[i].name, size, align);
        assert(kmalloc_caches[i]);
    }
}

static __noinline void *kmalloc_large(size_t size)
{
    u32 order;
    void *block;

    if (size == 0 || size > PAGE_SIZE << MAX_ORDER)
        return NULL;
    order = ilog2(roundup_pow_of_two(PFN_UP(size)));
    block = get_free_pages(GFP_KERNEL, order);
    if (block)
        kasan_unpoison_part(block, size, PAGE_SIZE << order, KASAN_PAGE_REDZONE);
    return block;
}

void *__kmalloc(size_t size)
{
    if (unlikely(size - 1 >= KMALLOC_MAX_CACHE_SIZE)) /* true for size 0, too */
        return kmalloc_large(size);
    return slab_alloc(kmalloc_caches[kmalloc_index(size)], size, SLAB_CALLER);
}

void kfree(const void *object)
{
    if (likely(slab_free_fast(NULL, object)) || !object)
        return;
    slab_free_any(NULL, object, SLAB_CALLER);
}
