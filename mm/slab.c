/*
 * Caches of equal small objects (after Bonwick, The Slab Allocator, USENIX Summer 1994).
 *
 * A slab is one page: a header, then objects side by side. Free objects of a slab form a list
 * through their own first word. Slabs with a free object are on the cache's partial list, full ones
 * on none, so allocating is popping from the first partial slab, and the page of an object (its
 * address rounded down) leads back to slab and cache: kfree() needs no size. A slab that becomes
 * empty is kept once per cache, so that a caller who allocates and frees in turn does not go to the
 * page allocator each time; further ones go back.
 *
 * kmalloc() is a row of caches, one per size class; what is larger than the last class comes from
 * the page allocator.
 */
#include <lib/bits.h>
#include <lib/panic.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <mm/slab.h>

struct slab {
    struct kmem_cache *cache;
    void *free; /* the first free object */
    u32 used;
};

struct kmem_cache {
    const char *name;
    u32 object_size;
    u32 objects_per_slab;
    u32 slabs;
    u32 objects;              /* given out */
    struct list_head partial; /* slabs with a free object, by their page's lru */
    struct slab *empty;       /* the one empty slab that is kept, or NULL; not on the list */
    struct list_head link;
};

#define OBJECT_ALIGN 8
#define OBJECTS_AT   ALIGN_UP(sizeof(struct slab), OBJECT_ALIGN)
#define OBJECT_MAX   2032 /* two of them and the header fill a page */

static LIST_HEAD(all_caches);
static struct kmem_cache cache_of_caches;

/* Size classes: all multiples of 8, about a third apart, and what divides a page well. */
static const u16 class_sizes[] = {16,  32,  48,  64,  96,   128,  192,
                                  256, 384, 504, 672, 1016, 1352, 2032};
static struct kmem_cache kmalloc_caches[ARRAY_SIZE(class_sizes)];

static struct page *slab_page(const struct slab *slab)
{
    return virt_to_page(slab);
}

static struct slab *slab_of(const void *object)
{
    return (struct slab *)ALIGN_DOWN((uintptr_t)object, PAGE_SIZE);
}

static void cache_setup(struct kmem_cache *cache, const char *name, u32 size)
{
    *cache = (struct kmem_cache){.name = name, .object_size = ALIGN_UP(size, OBJECT_ALIGN)};
    cache->objects_per_slab = (PAGE_SIZE - OBJECTS_AT) / cache->object_size;
    INIT_LIST_HEAD(&cache->partial);
    list_add_tail(&cache->link, &all_caches);
}

void slab_init(void)
{
    cache_setup(&cache_of_caches, "kmem_cache", sizeof(struct kmem_cache));
    for (u32 i = 0; i < ARRAY_SIZE(class_sizes); i++)
        cache_setup(&kmalloc_caches[i], "kmalloc", class_sizes[i]);
}

struct kmem_cache *kmem_cache_create(const char *name, u32 size)
{
    struct kmem_cache *cache;

    assert_op(size, >, 0);
    assert_op(size, <=, OBJECT_MAX);
    cache = kmem_cache_alloc(&cache_of_caches);
    if (cache)
        cache_setup(cache, name, size);
    return cache;
}

/* ---- slabs ---- */

static struct slab *slab_create(struct kmem_cache *cache)
{
    struct page *page = alloc_page(GFP_KERNEL);
    struct slab *slab;
    char *object;

    if (!page)
        return NULL;
    page->type = PAGE_SLAB;
    slab = page_address(page);
    *slab = (struct slab){.cache = cache};
    object = (char *)slab + OBJECTS_AT;
    /* Chain from the last to the first, so that they are given out in order of address. */
    for (u32 i = cache->objects_per_slab; i-- > 0;) {
        void **link = (void **)(object + i * cache->object_size);

        *link = slab->free;
        slab->free = link;
    }
    cache->slabs++;
    return slab;
}

static void slab_destroy(struct slab *slab)
{
    slab->cache->slabs--;
    free_page(slab_page(slab));
}

static struct slab *slab_with_room(struct kmem_cache *cache)
{
    struct slab *slab = cache->empty;

    if (!list_empty(&cache->partial))
        return page_address(list_first_entry(&cache->partial, struct page, lru));
    cache->empty = NULL;
    if (!slab)
        slab = slab_create(cache);
    if (slab)
        list_add(&slab_page(slab)->lru, &cache->partial);
    return slab;
}

/* Keep one empty slab, give back the others. */
static void slab_emptied(struct slab *slab)
{
    struct kmem_cache *cache = slab->cache;

    list_del(&slab_page(slab)->lru);
    if (cache->empty)
        slab_destroy(slab);
    else
        cache->empty = slab;
}

/* ---- objects ---- */

void *kmem_cache_alloc(struct kmem_cache *cache)
{
    struct slab *slab = slab_with_room(cache);
    void **object;

    if (unlikely(!slab))
        return NULL;
    object = slab->free;
    slab->free = *object;
    slab->used++;
    cache->objects++;
    if (!slab->free)
        list_del(&slab_page(slab)->lru);
    return object;
}

void kmem_cache_free(struct kmem_cache *cache, void *object)
{
    struct slab *slab = slab_of(object);

    assert_op(virt_to_page(object)->type, ==, PAGE_SLAB);
    assert_op(slab->cache, ==, cache);
    assert_op(((char *)object - (char *)slab - OBJECTS_AT) % cache->object_size, ==, 0);
    assert_op(slab->used, >, 0);
    assert_op(slab->free, !=, object); /* the double free that happens most: twice in a row */

    if (!slab->free)
        list_add(&slab_page(slab)->lru, &cache->partial);
    *(void **)object = slab->free;
    slab->free = object;
    cache->objects--;
    if (--slab->used == 0)
        slab_emptied(slab);
}

void kmem_cache_destroy(struct kmem_cache *cache)
{
    assert_op(cache->objects, ==, 0);
    if (cache->empty)
        slab_destroy(cache->empty);
    assert_op(cache->slabs, ==, 0);
    list_del(&cache->link);
    kmem_cache_free(&cache_of_caches, cache);
}

/* ---- kmalloc ---- */

static struct kmem_cache *class_for(size_t size)
{
    for (u32 i = 0; i < ARRAY_SIZE(class_sizes); i++) {
        if (size <= class_sizes[i])
            return &kmalloc_caches[i];
    }
    return NULL;
}

static u32 order_for(size_t size)
{
    u32 order = 0;

    while (order <= MAX_ORDER && (size_t)PAGE_SIZE << order < size)
        order++;
    return order;
}

void *kmalloc(size_t size)
{
    struct kmem_cache *cache = class_for(size);

    if (size == 0)
        return NULL;
    return cache ? kmem_cache_alloc(cache) : get_free_pages(GFP_KERNEL, order_for(size));
}

void *kzalloc(size_t size)
{
    void *object = kmalloc(size);

    return object ? memset(object, 0, size) : NULL;
}

void kfree(const void *object)
{
    struct page *page;

    if (!object)
        return;
    page = virt_to_page(object);
    if (page->type == PAGE_SLAB) {
        kmem_cache_free(slab_of(object)->cache, (void *)object);
        return;
    }
    assert_op((uintptr_t)object % PAGE_SIZE, ==, 0);
    assert_op(page->type, ==, PAGE_USED);
    free_pages(page, page->order);
}

/* ---- figures and the check ---- */

void slab_shrink(void)
{
    struct kmem_cache *cache;

    list_for_each_entry (cache, &all_caches, link) {
        if (cache->empty)
            slab_destroy(cache->empty);
        cache->empty = NULL;
    }
}

u32 slab_pages(void)
{
    struct kmem_cache *cache;
    u32 pages = 0;

    list_for_each_entry (cache, &all_caches, link)
        pages += cache->slabs;
    return pages;
}

static bool slab_is_whole(const struct kmem_cache *cache, const struct slab *slab)
{
    u32 free = 0;

    if (slab->cache != cache || slab_page(slab)->type != PAGE_SLAB)
        return false;
    for (void **object = slab->free; object; object = *object) {
        if (slab_of(object) != slab || ++free > cache->objects_per_slab)
            return false;
    }
    return free + slab->used == cache->objects_per_slab;
}

static const char *check_cache(const struct kmem_cache *cache)
{
    static char text[96];
    const struct page *page;

    list_for_each_entry (page, &cache->partial, lru) {
        const struct slab *slab = page_address(page);

        if (slab_is_whole(cache, slab) && slab->used && slab->free)
            continue;
        snprintf(text, sizeof(text), "I8: slab %p of cache %s-%u is damaged", slab, cache->name,
                 cache->object_size);
        return text;
    }
    if (cache->empty && (!slab_is_whole(cache, cache->empty) || cache->empty->used)) {
        snprintf(text, sizeof(text), "I8: the empty slab %p of cache %s-%u is damaged",
                 cache->empty, cache->name, cache->object_size);
        return text;
    }
    return NULL;
}

const char *slab_check(void)
{
    struct kmem_cache *cache;

    list_for_each_entry (cache, &all_caches, link) {
        const char *wrong = check_cache(cache);

        if (wrong)
            return wrong;
    }
    return NULL;
}
