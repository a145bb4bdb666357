/*
 * The page allocator: stacks of free blocks in front of the buddy system, and checks of each free.
 *
 * Memory is cut into zones, because some devices reach only the first 16 MiB, and because only
 * lowmem has permanent kernel addresses. In each zone free memory is kept as blocks
 * (mm/frame/buddy.c). Splitting a block for an allocation and joining it again for the free soon
 * after is wasted work. So freed blocks are first kept unjoined, last in, first out, in the zone's
 * hot stacks, one per order (Linux keeps such lists per processor). A hot page is free, but not
 * joined. A stack that grows too high gives its older half to the buddy lists, an empty one takes a
 * larger block and splits it, and when no list has a large enough block, the zone's hot pages are
 * joined before the next zone is tried or the allocation fails.
 *
 * The use of a block is stored in its first struct page only: a block of 4 MiB costs no more than a
 * single page. Wrong frees are detected here, and reported by name: a page that is free already,
 * that lies inside a block, that has another order, or that is still mapped. The pages behind the
 * first need not be checked, because a mapping of such a page counts as a reference of the first.
 *
 * Lock: not preempted; interrupt handlers do not allocate.
 */
#include <arch/x86/tlb_debug.h>
#include <lib/kasan.h>
#include <lib/panic.h>
#include <mm/fail.h>
#include <mm/frame/highmem.h>
#include <mm/frame/page_alloc_internal.h>

#define HOT_REFILL 5 /* order of the block that an empty stack of single pages splits */

u32 alloc_fail_countdown;
bool (*alloc_fail_counts)(enum alloc_kind kind);
void (*alloc_fail_again)(void);

_Static_assert(GFP_DMA == ZONE_DMA && GFP_KERNEL == ZONE_NORMAL && GFP_HIGHUSER == ZONE_HIGHMEM,
               "gfp's lowest bits name the zone to try first");

static inline u32 gfp_zone(gfp_t gfp)
{
    return gfp & 3;
}

bool alloc_fail_count(enum alloc_kind kind)
{
    bool counts = alloc_fail_counts ? alloc_fail_counts(kind) : kind <= ALLOC_OBJECT;

    if (!counts || --alloc_fail_countdown > 0)
        return false;
    if (alloc_fail_again)
        alloc_fail_again();
    return true;
}

/* ---- hot stacks ---- */

static inline void hot_push(struct hot_stack *hot, struct page *page)
{
    page->type = PAGE_HOT;
    page->next = hot->top;
    hot->top = page;
    hot->count++;
}

/*
 * Take single pages off a chain as long as their frame numbers are consecutive, up or down. Pages
 * allocated together are usually freed together, and a run is joined in one step per block instead
 * of one per page. Returns the rest of the chain.
 */
static struct page *drain_run(struct zone *zone, struct page *page, u32 *count)
{
    struct page *first = page, *last = page;
    s32 step = 0;

    for (;;) {
        struct page *next = last->next;

        last->head = 0;
        ++*count;
        if (step == 0)
            step = next == last + 1 ? 1 : -1;
        if (next != last + step) {
            buddy_free_run(zone, page_to_pfn(min(first, last)), page_to_pfn(max(first, last)) + 1);
            return next;
        }
        last = next;
    }
}

/* Give all but the `keep` hottest blocks to the buddy lists. */
static __noinline void hot_drain(struct zone *zone, u32 order, u32 keep)
{
    struct hot_stack *hot = &zone->hot[order];
    struct page **link = &hot->top, *page, *next;
    u32 drained = 0;

    for (u32 i = 0; i < keep && *link; i++)
        link = &(*link)->next;
    page = *link;
    *link = NULL;
    for (; page; page = next) {
        if (order == 0) {
            next = drain_run(zone, page, &drained);
        } else {
            next = page->next;
            buddy_free(zone, page, order);
            drained++;
        }
    }
    hot->count -= drained;
}

/* Split a larger block for an empty stack of single pages. False when no such block is free. */
static bool hot_refill(struct zone *zone)
{
    struct page *block = buddy_alloc(zone, HOT_REFILL);

    if (!block)
        return false;
    for (u32 i = 1u << HOT_REFILL; i-- > 0;) {
        block[i].head = 1;
        block[i].order = 0;
        hot_push(&zone->hot[0], &block[i]);
    }
    return true;
}

static void zone_drain(struct zone *zone)
{
    for (u32 order = 0; order <= MAX_ORDER; order++) {
        if (zone->hot[order].top)
            hot_drain(zone, order, 0);
    }
}

void drain_all_pages(void)
{
    for (u32 z = 0; z < ZONES; z++)
        zone_drain(&zones[z]);
}

/* ---- allocating ---- */

/* KASAN: a block has an owner, or none any more. */
static inline void block_taken(struct page *page)
{
    if (KASAN && !page_is_highmem(page))
        kasan_unpoison(page_address(page), PAGE_SIZE << page->order);
}

static inline void block_freed(struct page *page, u32 order)
{
    if (KASAN && !page_is_highmem(page))
        kasan_poison(page_address(page), PAGE_SIZE << order, KASAN_PAGE_FREE);
}

static inline struct page *take(struct page *page)
{
    block_taken(page);
    page->type = PAGE_USED;
    page->refcount = 1;
    return page;
}

static inline struct page *hot_take(struct hot_stack *hot)
{
    struct page *page = hot->top;

    hot->top = page->next;
    hot->count--;
    return take(page);
}

/* From one zone, hot or not; NULL when it has no block of this size. */
static struct page *zone_alloc(struct zone *zone, u32 order)
{
    struct page *page;

    if (order == 0 && !zone->hot[0].top)
        hot_refill(zone);
    if (zone->hot[order].top)
        return hot_take(&zone->hot[order]);
    page = buddy_alloc(zone, order);
    if (!page)
        return NULL;
    page->head = 1;
    page->order = order;
    return take(page);
}

/*
 * From the first zone, then the ones below it. A zone's hot pages are joined before the next zone
 * is tried: some devices can use only the lowest zone.
 */
static __noinline struct page *alloc_anywhere(gfp_t gfp, u32 order)
{
    for (u32 z = gfp_zone(gfp) + 1; z-- > 0;) {
        struct page *page = zone_alloc(&zones[z], order);

        if (!page) {
            zone_drain(&zones[z]);
            page = zone_alloc(&zones[z], order);
        }
        if (page)
            return page;
    }
    return NULL;
}

static void clear_pages(struct page *page, u32 order)
{
    for (u32 i = 0; i < 1u << order; i++)
        clear_highpage(page + i);
}

static __noinline struct page *alloc_slow(gfp_t gfp, u32 order)
{
    struct page *page;

    if (order > MAX_ORDER || alloc_should_fail(ALLOC_FRAME))
        return NULL;
    page = zone_alloc(first_zone[gfp_zone(gfp)], order);
    if (unlikely(!page))
        page = alloc_anywhere(gfp, order);
    if (page && gfp & __GFP_ZERO)
        clear_pages(page, order);
    return page;
}

/* The usual case in a few instructions: a hot block that need not be cleared. */
static inline __attribute__((always_inline)) struct page *alloc_fast(gfp_t gfp, u32 order)
{
    struct hot_stack *hot;

    if (likely(gfp < ZONES && order <= MAX_ORDER && !alloc_fail_countdown)) {
        hot = &first_zone[gfp]->hot[order];
        if (likely(hot->top != NULL))
            return hot_take(hot);
    }
    return alloc_slow(gfp, order);
}

struct page *alloc_page(gfp_t gfp)
{
    return alloc_fast(gfp, 0);
}

struct page *__alloc_pages(gfp_t gfp, u32 order)
{
    return alloc_fast(gfp, order);
}

void *get_free_pages(gfp_t gfp, u32 order)
{
    struct page *page;

    assert_op(gfp_zone(gfp), !=, ZONE_HIGHMEM); /* such a page has no address */
    page = alloc_pages(gfp, order);
    return page ? page_address(page) : NULL;
}

static void clear_chain(struct page *page)
{
    for (; page; page = page->next)
        clear_pages(page, 0);
}

u32 alloc_pages_bulk(gfp_t gfp, u32 count, struct page **chain)
{
    struct hot_stack *hot = &first_zone[gfp_zone(gfp)]->hot[0];
    struct page **last = chain, *page;
    u32 got = 0;

    /*
     * The pages of a stack are already a chain: mark as many as are needed or left, and unlink
     * them.
     */
    if (likely(!alloc_fail_countdown)) {
        *chain = hot->top;
        while (got < count && (page = *last)) {
            last = &take(page)->next;
            got++;
        }
        hot->top = *last;
        hot->count -= got;
    }
    while (got < count && (page = alloc_page(gfp & ~__GFP_ZERO))) {
        *last = page;
        last = &page->next;
        got++;
    }
    *last = NULL;
    if (unlikely(gfp & __GFP_ZERO))
        clear_chain(*chain);
    return got;
}

/* ---- freeing ---- */

/* Panic with the rule that was broken; the caller has found that one was. */
static __noinline void __noreturn bad_free(struct page *page, u32 order)
{
    const struct page *first;
    u32 frame;

    if (page < mem_map || page >= mem_map + max_pfn)
        panic("free of %p, order %u: that is not a struct page", page, order);
    frame = page_to_phys(page);
    first = page_head(page);
    if (first != page)
        panic("free of frame 0x%08x, order %u: it lies inside the block of order %u at 0x%08x, "
              "which is %s",
              frame, order, first->order, page_to_phys(first), page_type_name(first));
    if (!page->head || page->type < PAGE_USED)
        panic("free of frame 0x%08x, order %u: it is %s", frame, order, page_type_name(page));
    if (page->order != order)
        panic("free of frame 0x%08x, order %u: it is %s, as a block of order %u", frame, order,
              page_type_name(page), page->order);
    panic("free of frame 0x%08x, order %u: it is %s, with %d references instead of its holder's 1: "
          "more mean that it, or a page behind it, is still mapped",
          frame, order, page_type_name(page), page->refcount);
}

/*
 * True when a block of this order may be freed: it has this order, it is in use, and it has no
 * other references.
 */
static inline bool may_free(const struct page *page, u32 order)
{
    return page->block == BLOCK_HEAD(order) && page->type >= PAGE_USED && page->refcount == 1;
}

/* A stack has grown too high: move its older half to the buddy lists. */
static __noinline void free_slow(struct page *page, u32 order)
{
    struct zone *zone = &zones[page->zone];

    hot_drain(zone, order, zone->hot[order].limit / 2);
}

static inline __attribute__((always_inline)) void free_fast(struct page *page, u32 order)
{
    struct hot_stack *hot;

    if (unlikely(!may_free(page, order)))
        bad_free(page, order);
    hot = &zones[page->zone].hot[order]; /* of a struct page that is one */
    tlb_debug_free(page_to_phys(page), order, __builtin_return_address(0));
    block_freed(page, order);
    page->refcount = 0;
    hot_push(hot, page);
    if (unlikely(hot->count > hot->limit))
        free_slow(page, order);
}

void free_page(struct page *page)
{
    free_fast(page, 0);
}

void __free_pages(struct page *page, u32 order)
{
    free_fast(page, order);
}

/* Put the pages at the head of a chain that belong to one zone on its stack. Returns the rest. */
static inline struct page *free_chain(struct page *first)
{
    struct hot_stack *hot = &zones[first->zone].hot[0];
    struct page *page = first, *last;
    u32 zone = first->zone;
    u32 count = 0;

    do {
        if (unlikely(!may_free(page, 0)))
            bad_free(page, 0);
        tlb_debug_free(page_to_phys(page), 0, __builtin_return_address(0));
        block_freed(page, 0);
        page->refcount = 0;
        page->type = PAGE_HOT;
        count++;
        last = page;
        page = page->next;
    } while (page && page->zone == zone);
    last->next = hot->top;
    hot->top = first;
    hot->count += count;
    if (unlikely(hot->count > hot->limit))
        free_slow(first, 0);
    return page;
}

void free_pages_bulk(struct page *chain)
{
    while (chain)
        chain = free_chain(chain);
}

void free_reserved_page(struct page *page)
{
    struct zone *zone = &zones[page->zone];

    assert_op(page_to_pfn(page), <, max_pfn);
    assert_op(page->type, ==, PAGE_RESERVED);
    assert_op(page->head, ==, 0);
    zone->managed++;
    block_freed(page, 0);
    buddy_free(zone, page, 0);
}
