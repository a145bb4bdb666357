/*
 * The slab allocator's statistics, and the check of all its slabs and caches.
 *
 * A full slab is on no list, so the check does not start from the caches but from the frames: it
 * walks all of them, and each block of type PAGE_SLAB must hold a descriptor of a live cache, free
 * slots that are slots of this block, and as many as the descriptor says. The walk also counts the
 * slabs of each cache. Then each cache is checked in the other direction: the slabs that it knows
 * (the active one, the empty one, those on its partial list) must exist and be in that state, and
 * their number must match the count. So each slab belongs to exactly one cache, and one with free
 * objects can be reached from it.
 *
 * A damaged pointer must not be followed: a value from the memory under test is compared with known
 * values before it is used. No list is walked further than its greatest possible length.
 *
 * Neighbours: mm/check/audit.c calls slab_check(), kernel/monitor/monitor_mm.c prints slabinfo.
 */
#include <lib/printf.h>
#include <mm/frame/slab_internal.h>

/* ---- walking ---- */

struct slab *slab_walk(u32 *pfn)
{
    while (*pfn < max_pfn) {
        const struct page *page = pfn_to_page(*pfn);
        u32 order = page->head ? min(page->order, (u8)MAX_ORDER) : 0;

        *pfn += 1u << order;
        if (page_is_slab(page) && !page_is_highmem(page))
            return slab_of_block(page_address(page), order);
    }
    return NULL;
}

/* ---- statistics ---- */

static u32 active_free(const struct kmem_cache *cache)
{
    return slab_list_length(cache->free, cache->per_slab);
}

static void cache_info(const struct kmem_cache *cache, struct slabinfo *info)
{
    bool idle = cache->active && active_free(cache) == cache->per_slab;

    *info = (struct slabinfo){
        .name = cache->name,
        .active_objs = slab_objects_out(cache),
        .num_objs = cache->slabs * cache->per_slab,
        .objsize = cache->size,
        .objperslab = cache->per_slab,
        .pagesperslab = 1u << cache->order,
        .active_slabs = cache->slabs - (cache->empty ? 1 : 0) - (idle ? 1 : 0),
        .num_slabs = cache->slabs,
    };
}

bool slabinfo_at(u32 i, struct slabinfo *info)
{
    const struct kmem_cache *cache;

    list_for_each_entry (cache, &slab_caches, link) {
        if (i-- == 0) {
            cache_info(cache, info);
            return true;
        }
    }
    return false;
}

u32 slab_pages(void)
{
    const struct kmem_cache *cache;
    u32 pages = 0;

    list_for_each_entry (cache, &slab_caches, link)
        pages += cache->slabs << cache->order;
    return pages;
}

/* ---- the check: from the frames ---- */

static char text[192];

static const char *__printf(3, 4)
    wrong(const struct kmem_cache *cache, const void *where, const char *fmt, ...)
{
    int len = scnprintf(text, sizeof(text), "I8: cache %s, slab at %p: ", cache->name, where);
    va_list args;

    va_start(args, fmt);
    vsnprintf(text + len, sizeof(text) - len, fmt, args);
    va_end(args);
    return text;
}

static bool cache_is_live(const struct kmem_cache *wanted)
{
    const struct kmem_cache *cache;

    list_for_each_entry (cache, &slab_caches, link) {
        if (cache == wanted)
            return true;
    }
    return false;
}

/* Walk a list of free slots of the slab; *length is how many there are. */
static const char *check_list(const struct slab *slab, void *const *slot, u32 *length)
{
    const struct kmem_cache *cache = slab->cache;
    char *block = slab_block(slab);

    for (*length = 0; slot; slot = *slot) {
        u32 offset = (uintptr_t)slot - (uintptr_t)block;

        if (offset >= (u32)PAGE_SIZE << cache->order || !slot_at(cache, offset))
            return wrong(cache, block, "%p on its free list is not the start of an object", slot);
        if (++*length > cache->per_slab)
            return wrong(cache, block, "its free list has a cycle");
    }
    return NULL;
}

static const char *check_numbers(const struct slab *slab, u32 own)
{
    struct kmem_cache *cache = slab->cache;
    char *block = slab_block(slab);

    if (slab == cache->active) {
        cache->found_active++;
        return slab->used == cache->per_slab && own == 0
                   ? NULL
                   : wrong(cache, block,
                           "it is active, but counts %u objects as out and %u as free", slab->used,
                           own);
    }
    if (slab->used + own != cache->per_slab)
        return wrong(cache, block, "%u of its objects are out and %u are free, there are %u",
                     slab->used, own, cache->per_slab);
    cache->found_empty += slab->used == 0;
    cache->found_partial += slab->used != 0 && own != 0;
    return NULL;
}

/*
 * Debug builds: the red zones of all objects, and the number of objects whose header says
 * "allocated".
 */
static const char *check_slots(const struct slab *slab, u32 expected_out)
{
    const struct kmem_cache *cache = slab->cache;
    char *block = slab_block(slab);
    u32 found_out = 0;

    for (u32 i = 0; i < cache->per_slab; i++) {
        bool out = false;
        const char *damage = slab_debug_check(cache, block + i * cache->size, &out);

        if (damage)
            return wrong(cache, block, "%s", damage);
        found_out += out;
    }
    if (found_out == expected_out)
        return NULL;
    return wrong(cache, block, "%u objects are out, %u are marked so", expected_out, found_out);
}

static const char *check_slab(const struct slab *slab, u32 order)
{
    struct kmem_cache *cache = slab->cache;
    u32 own = 0, active = 0;
    const char *bad;

    if (!cache_is_live(cache)) {
        snprintf(text, sizeof(text), "I8: slab with its descriptor at %p: %p is not a live cache",
                 slab, cache);
        return text;
    }
    cache->found++;
    if (order != cache->order)
        return wrong(cache, slab_block(slab), "its descriptor does not fit the cache");
    bad = check_list(slab, slab->free, &own);
    if (!bad && slab == cache->active)
        bad = check_list(slab, cache->free, &active);
    if (!bad)
        bad = check_numbers(slab, own);
    if (!bad && SLAB_DEBUG)
        bad = check_slots(slab, slab->used - active);
    return bad;
}

/* ---- the check: from the caches ---- */

/* True when a slab of this cache is at this address. */
static bool slab_is_real(const struct kmem_cache *cache, const struct slab *slab)
{
    const struct page *page;

    if (!is_lowmem_addr(slab))
        return false;
    page = page_head(virt_to_page(slab));
    return page_is_slab(page) && page->order == cache->order &&
           slab == slab_of_block(page_address(page), page->order) && slab->cache == cache;
}

static const char *check_partial(const struct kmem_cache *cache)
{
    u32 count = 0;

    for (const struct list_head *at = cache->partial.next; at != &cache->partial; at = at->next) {
        const struct slab *slab = list_entry(at, struct slab, link);

        if (!slab_is_real(cache, slab))
            return wrong(cache, slab, "on the partial list, but no slab of this cache");
        if (at->prev->next != at || ++count > cache->found_partial)
            return wrong(cache, slab_block(slab), "the partial list is damaged here");
        if (slab->used == 0 || !slab->free) /* the cache holds the free list of the active slab */
            return wrong(cache, slab_block(slab), "on the partial list, but not partly free");
    }
    if (count == cache->found_partial)
        return NULL;
    return wrong(cache, cache, "%u slabs are partly free, %u of them on its list",
                 cache->found_partial, count);
}

static const char *check_cache(const struct kmem_cache *cache)
{
    if (cache->found != cache->slabs)
        return wrong(cache, cache, "it counts %u slabs, there are %u", cache->slabs, cache->found);
    if (cache->found_active != (cache->active ? 1 : 0) || (cache->free && !cache->active))
        return wrong(cache, cache->active, "it is not a slab, but the cache's active one");
    if (cache->empty && (!slab_is_real(cache, cache->empty) || cache->empty->used != 0))
        return wrong(cache, cache->empty, "it is not empty, but kept as such");
    if (cache->found_empty != (cache->empty ? 1 : 0))
        return wrong(cache, cache->empty, "%u slabs are empty", cache->found_empty);
    return check_partial(cache);
}

const char *slab_check(void)
{
    const char *bad = NULL;
    struct kmem_cache *cache;
    struct slab *slab;
    u32 pfn = 0;

    list_for_each_entry (cache, &slab_caches, link)
        cache->found = cache->found_active = cache->found_empty = cache->found_partial = 0;
    while (!bad && (slab = slab_walk(&pfn)))
        bad = check_slab(slab, page_head(virt_to_page(slab))->order);
    list_for_each_entry (cache, &slab_caches, link) {
        if (!bad)
            bad = check_cache(cache);
    }
    return bad;
}
