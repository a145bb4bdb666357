/*
 * Caches of equal objects (after Bonwick, The Slab Allocator, USENIX Summer 1994; the active slab
 * is Linux's SLUB's).
 *
 * A slab is a block of 1 to 8 pages: objects side by side from its start, a descriptor at its end.
 * Free objects of a slab are a list through their own first words. A cache has one active slab,
 * whose list hangs at the cache itself: allocating is popping from it, freeing into it is pushing,
 * and no other memory is accessed. Only when the list is empty does another slab become active: a
 * partial one, or the one empty slab that is kept so that a caller that allocates and frees
 * alternately does not call the page allocator each time, or a new one.
 *
 * The slabs that are not active have their own lists. Those with both allocated and free objects
 * are on the cache's partial list; a full one is on no list, and is found again when one of its
 * objects is freed: blocks are aligned to their size, so the address leads to the descriptor.
 *
 * A free is checked before anything is written. Cheap checks are in every build; with DEBUG=1
 * mm/frame/slab_debug.c puts a header and red zones around each object, and all frees take the slow
 * path, slab_free_any().
 *
 * Neighbours: include/mm/frame/slab_internal.h has the fast paths, mm/frame/kmalloc.c the size
 * classes, mm/frame/slab_check.c the statistics and the check.
 */
#include <lib/panic.h>
#include <lib/printf.h>
#include <mm/frame/slab_internal.h>

LIST_HEAD(slab_caches);
static struct kmem_cache cache_of_caches;

/* ---- counting ---- */

u32 slab_list_length(void *const *slot, u32 limit)
{
    u32 length = 0;

    for (; slot && length <= limit; slot = *slot)
        length++;
    return length;
}

u32 slab_objects_out(const struct kmem_cache *cache)
{
    u32 out = cache->slabs * cache->per_slab - slab_list_length(cache->free, cache->per_slab);
    const struct slab *slab;

    if (cache->empty)
        out -= cache->per_slab;
    list_for_each_entry (slab, &cache->partial, link)
        out -= cache->per_slab - slab->used;
    return out;
}

/* ---- slabs ---- */

/* In order of address. This loop runs once per object. */
static void link_slots(const struct kmem_cache *cache, char *slot)
{
    u32 size = cache->size;
    char *last = slot + (cache->per_slab - 1) * size;

    while (slot != last) {
        char *next = slot + size;

        *(void **)slot = next;
        slot = next;
    }
    *(void **)last = NULL;
}

static struct slab *slab_create(struct kmem_cache *cache)
{
    struct page *page = alloc_pages(GFP_KERNEL, cache->order);
    struct slab *slab;
    char *block;

    if (!page)
        return NULL;
    page->type = PAGE_SLAB;
    block = page_address(page);
    slab = slab_of_block(block, cache->order);
    *slab = (struct slab){.cache = cache, .free = block};
    link_slots(cache, block);
    for (u32 i = 0; SLAB_DEBUG && i < cache->per_slab; i++)
        slab_debug_new(cache, block + i * cache->size);
    cache->slabs++;
    return slab;
}

static void slab_destroy(struct slab *slab)
{
    struct kmem_cache *cache = slab->cache;

    cache->slabs--;
    free_pages(virt_to_page(slab_block(slab)), cache->order);
}

/* A slab with a free slot that is on no list; NULL when out of memory. */
static struct slab *slab_with_room(struct kmem_cache *cache)
{
    struct slab *slab = cache->empty;

    if (!list_empty(&cache->partial)) {
        slab = list_first_entry(&cache->partial, struct slab, link);
        list_del(&slab->link);
        return slab;
    }
    if (!slab)
        return slab_create(cache);
    cache->empty = NULL;
    return slab;
}

/* Make another slab the active one and take a slot of it; NULL when out of memory. */
static void *slab_refill(struct kmem_cache *cache)
{
    struct slab *slab = slab_with_room(cache);
    void **slot;

    if (!slab)
        return NULL;
    slot = slab->free;
    slab->free = NULL;
    slab->used = cache->per_slab;
    cache->active = slab; /* the one before is full, and so it is on no list */
    cache->free = *slot;
    return slot;
}

void *slab_pop_slow(struct kmem_cache *cache)
{
    void **slot = cache->free;

    if (alloc_should_fail(ALLOC_OBJECT))
        return NULL;
    if (!slot)
        return slab_refill(cache);
    cache->free = *slot;
    return slot;
}

/* Keep one empty slab, free the others. */
static void slab_emptied(struct slab *slab)
{
    struct kmem_cache *cache = slab->cache;

    if (cache->empty)
        slab_destroy(slab);
    else
        cache->empty = slab;
}

/* Into a slab that is not the active one. */
static bool free_into(struct slab *slab, void **slot)
{
    bool was_full = !slab->free;

    if (slab->used == 0 || !slab_push(&slab->free, slot))
        return false;
    if (--slab->used == 0) {
        if (!was_full)
            list_del(&slab->link);
        slab_emptied(slab);
    } else if (was_full) {
        list_add(&slab->link, &slab->cache->partial);
    }
    return true;
}

/* ---- objects ---- */

void *kmem_cache_alloc(struct kmem_cache *cache)
{
    return slab_alloc(cache, cache->object_size, SLAB_CALLER);
}

void kmem_cache_free(struct kmem_cache *cache, void *object)
{
    if (likely(slab_free_fast(cache, object)))
        return;
    slab_free_any(cache, object, SLAB_CALLER);
}

u32 kmem_cache_size(const struct kmem_cache *cache)
{
    return cache->object_size;
}

void slab_bad_free(const struct kmem_cache *cache, const void *object, const void *caller,
                   const char *what)
{
    char by[96] = "", in[48] = "";

    if (caller)
        snprintf(by, sizeof(by), " by %pS", caller);
    if (cache)
        snprintf(in, sizeof(in), " (cache %s)", cache->name);
    panic("%p is freed%s, but %s%s", object, by, what, in);
}

static void free_to_slab(const struct kmem_cache *of, struct slab *slab, const void *object,
                         const void *caller)
{
    struct kmem_cache *cache = slab->cache;
    void *slot = (void *)object;

    if (SLAB_DEBUG)
        slot = slab_debug_free(of, slab, object, caller);
    if (of && of != cache)
        slab_bad_free(cache, object, caller, "it is another cache's object");
    if (!slot_at(cache, (char *)slot - slab_block(slab)))
        slab_bad_free(cache, object, caller, "it is not the start of an object");
    if (!(slab == cache->active ? slab_push(&cache->free, slot) : free_into(slab, slot)))
        slab_bad_free(cache, object, caller, "it is free already");
}

void slab_free_any(struct kmem_cache *cache, const void *object, const void *caller)
{
    struct page *page;

    if (!is_lowmem_addr(object))
        slab_bad_free(cache, object, caller, "it is not in lowmem");
    page = page_head(virt_to_page(object));
    if (page_is_slab(page)) {
        free_to_slab(cache, slab_of_block(page_address(page), page->order), object, caller);
        return;
    }
    if (!page->head || page->type != PAGE_USED)
        slab_bad_free(cache, object, caller, "neither a slab nor kmalloc has its page");
    if (cache || object != page_address(page))
        slab_bad_free(cache, object, caller, "it is not the start of an object");
    free_pages(page, page->order);
}

/* ---- caches ---- */

static u32 slots_in_block(u32 size, u32 order)
{
    return ((PAGE_SIZE << order) - sizeof(struct slab)) / size;
}

/*
 * The smallest order at which slots leave at most an eighth of the block unused, or the largest
 * order.
 */
static u32 choose_order(u32 size)
{
    u32 order = 0;

    while (order < SLAB_MAX_ORDER) {
        u32 block = PAGE_SIZE << order;

        if (block - slots_in_block(size, order) * size <= block / 8)
            break;
        order++;
    }
    return order;
}

static void cache_setup(struct kmem_cache *cache, const char *name, u32 size, u32 align)
{
    *cache = (struct kmem_cache){.name = name, .object_size = size, .size = ALIGN_UP(size, align)};
    if (SLAB_DEBUG)
        slab_debug_layout(cache, align);
    cache->order = choose_order(cache->size);
    cache->per_slab = slots_in_block(cache->size, cache->order);
    assert_op(cache->per_slab, >, 0);
    INIT_LIST_HEAD(&cache->partial);
    list_add_tail(&cache->link, &slab_caches);
}

struct kmem_cache *kmem_cache_create_aligned(const char *name, u32 size, u32 align)
{
    struct kmem_cache *cache;

    assert_op(size, >, 0);
    assert_op(size, <=, KMALLOC_MAX_CACHE_SIZE);
    cache = kmem_cache_alloc(&cache_of_caches);
    if (cache)
        cache_setup(cache, name, size, align);
    return cache;
}

struct kmem_cache *kmem_cache_create(const char *name, u32 size)
{
    return kmem_cache_create_aligned(name, size, SLAB_ALIGN);
}

void kmem_cache_on_shrink(struct kmem_cache *cache, void (*drop)(void))
{
    cache->drop = drop;
}

/* Free the slabs without allocated objects: the kept one, and the active one if it is empty. */
static void cache_shrink(struct kmem_cache *cache)
{
    if (cache->empty)
        slab_destroy(cache->empty);
    cache->empty = NULL;
    if (cache->active && slab_list_length(cache->free, cache->per_slab) == cache->per_slab) {
        slab_destroy(cache->active);
        cache->active = NULL;
        cache->free = NULL;
    }
}

void kmem_cache_destroy(struct kmem_cache *cache)
{
    u32 out;

    if (!cache)
        return;
    out = slab_objects_out(cache);
    if (SLAB_DEBUG && out)
        slab_debug_leak(cache, SLAB_CALLER);
    if (out)
        panic("cache %s is destroyed with objects out: %u", cache->name, out);
    cache_shrink(cache);
    assert_op(cache->slabs, ==, 0);
    list_del(&cache->link);
    kmem_cache_free(&cache_of_caches, cache);
}

void slab_shrink(void)
{
    struct kmem_cache *cache;

    list_for_each_entry (cache, &slab_caches, link) {
        if (cache->drop)
            cache->drop();
        cache_shrink(cache);
    }
}

void slab_init(void)
{
    cache_setup(&cache_of_caches, "kmem_cache", sizeof(struct kmem_cache), SLAB_ALIGN);
}
