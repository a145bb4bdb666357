/*
 * The page allocator: a binary buddy system (Knuth, The Art of Computer Programming, vol. 1, 2.5)
 * with a short way past it.
 *
 * Memory is cut into zones, because some devices reach only the first 16 MiB, and because only
 * lowmem has addresses of its own. In each zone, free memory is kept as blocks of 2^order pages,
 * aligned to their own size, on one list per order. An allocation takes the smallest block that is
 * large enough and gives the halves it does not need back to the lists; a free looks whether the
 * block's buddy, the other half of the next larger block, is free and as large, and if so joins the
 * two, again and again. The buddy's frame number differs in one bit, so finding it takes no search,
 * and a bit mask of non-empty lists finds the smallest block without looking at each list.
 *
 * Splitting for an allocation and joining for the free that follows soon after is work for nothing.
 * So freed blocks are first kept aside as they are, last in, first out, in the zone's hot stacks,
 * one per order (Linux keeps such lists per processor). A hot page is free, but not joined. A stack
 * that grows too high gives its older half to the buddy lists, an empty one takes a larger block
 * and cuts it up, and when no list has what is asked for, the zone's hot pages are joined before
 * the next zone is asked or the allocation fails.
 *
 * What a block is used for is written in its first page only: a block of 4 MiB costs as much as a
 * single page. Wrong frees are caught here, and named: a page that is free already, that lies
 * inside a block, that has another order, or that is still mapped. The pages behind the first need
 * no look for that, because one that is mapped counts as a reference of the first.
 *
 * Lock: not preempted; interrupt handlers do not allocate.
 */
#include <arch/x86/tlb_debug.h>
#include <lib/bits.h>
#include <lib/panic.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <mm/fail.h>
#include <mm/frame/highmem.h>
#include <mm/frame/memblock.h>
#include <mm/frame/page_alloc.h>

#define DMA_LIMIT_PFN (MIB(16) >> PAGE_SHIFT)

/* How many pages a hot stack may hold: a part of the zone, within bounds. */
#define HOT_ZONE_PART 64
#define HOT_PAGES_MIN 32
#define HOT_PAGES_MAX 1024
#define HOT_REFILL    5 /* order of the block that an empty stack of single pages cuts up */

/* Blocks of one order that are free but not joined: a stack, linked through `next`. */
struct hot_stack {
    struct page *top;
    u32 count, limit;
};

struct zone {
    struct hot_stack hot[MAX_ORDER + 1];
    const char *name;
    u32 start_pfn, end_pfn;
    u32 managed;     /* pages ever given to this zone */
    u32 buddy_pages; /* pages on the lists below */
    u32 free_orders; /* bit n: free[n] is not empty */
    struct list_head free[MAX_ORDER + 1];
    u32 nr_free[MAX_ORDER + 1];
};

struct page *mem_map __ro_after_init;
u32 max_pfn __ro_after_init;
u32 alloc_fail_countdown;

static struct zone zones[ZONES] = {
    [ZONE_DMA] = {.name = "DMA"},
    [ZONE_NORMAL] = {.name = "Normal"},
    [ZONE_HIGHMEM] = {.name = "HighMem"},
};

/* The first zone to try for each gfp: its own, or the next one below that has any memory. */
static struct zone *first_zone[ZONES] __ro_after_init;

_Static_assert(GFP_DMA == ZONE_DMA && GFP_KERNEL == ZONE_NORMAL && GFP_HIGHUSER == ZONE_HIGHMEM,
               "gfp's lowest bits name the zone to try first");

static inline u32 gfp_zone(gfp_t gfp)
{
    return gfp & 3;
}

/* ---- the buddy system ---- */

static void add_block(struct zone *zone, struct page *page, u32 order)
{
    page->type = PAGE_FREE;
    page->head = 1;
    page->order = order;
    list_add(&page->lru, &zone->free[order]);
    zone->nr_free[order]++;
    zone->buddy_pages += 1u << order;
    zone->free_orders |= 1u << order;
}

static inline void remove_block(struct zone *zone, struct page *page, u32 order)
{
    page->head = 0;
    list_del(&page->lru);
    zone->buddy_pages -= 1u << order;
    if (--zone->nr_free[order] == 0)
        zone->free_orders &= ~(1u << order);
}

static inline bool is_free_block(const struct page *page, u32 order)
{
    return page->type == PAGE_FREE && page->head && page->order == order;
}

/* The free block that makes a larger one with this; NULL when there is none. */
static inline struct page *free_buddy(const struct zone *zone, struct page *page, u32 order)
{
    u32 pfn = page_to_pfn(page) ^ (1u << order);
    struct page *buddy = pfn_to_page(pfn);

    if (pfn < zone->start_pfn || pfn + (1u << order) > zone->end_pfn)
        return NULL;
    return is_free_block(buddy, order) ? buddy : NULL;
}

/* A block off the lists, with head = 0; NULL when there is none so large. */
static struct page *buddy_alloc(struct zone *zone, u32 order)
{
    u32 orders = zone->free_orders >> order << order;
    struct page *page;
    u32 have;

    if (!orders)
        return NULL;
    have = __ffs(orders);
    page = list_first_entry(&zone->free[have], struct page, lru);
    remove_block(zone, page, have);
    while (have > order) {
        have--;
        add_block(zone, page + (1u << have), have);
    }
    return page;
}

static void buddy_free(struct zone *zone, struct page *page, u32 order)
{
    struct page *buddy;

    page->head = 0;
    while (order < MAX_ORDER && (buddy = free_buddy(zone, page, order))) {
        remove_block(zone, buddy, order);
        page = min(page, buddy);
        order++;
    }
    add_block(zone, page, order);
}

/* ---- runs of pages ---- */

/* The largest order at which a block may start at pfn and end by end_pfn. */
static u32 largest_order(u32 pfn, u32 end_pfn)
{
    u32 order = pfn ? min(__ffs(pfn), (u32)MAX_ORDER) : MAX_ORDER;

    while (pfn + (1u << order) > end_pfn)
        order--;
    return order;
}

/* Free pages [pfn, end_pfn) of a zone, none of them marked as a block, as few large blocks. */
static void free_run(struct zone *zone, u32 pfn, u32 end_pfn)
{
    while (pfn < end_pfn) {
        u32 order = largest_order(pfn, end_pfn);

        buddy_free(zone, pfn_to_page(pfn), order);
        pfn += 1u << order;
    }
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
 * Take single pages off a chain as long as their frames follow each other, up or down. What was
 * allocated in one go mostly comes back in one go, and a run is joined in one step a block instead
 * of one a page. The result is the rest of the chain.
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
            free_run(zone, page_to_pfn(min(first, last)), page_to_pfn(max(first, last)) + 1);
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

/* Cut a larger block up for an empty stack of single pages. False when there is none. */
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

static inline struct page *take(struct page *page)
{
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

/* From one zone, hot or not; NULL when it has no block so large. */
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
 * From the first zone, then the ones below it. A zone gives what it has in pieces, too, before the
 * next one is asked: the lowest is what some devices cannot do without.
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

    if (order > MAX_ORDER || alloc_should_fail())
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

    /* The pages of a stack are a chain already: mark as many as there are, and cut them off. */
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

const char *page_type_name(const struct page *page)
{
    static const char *const names[PAGE_TYPES] = {
        [PAGE_RESERVED] = "reserved since start-up, or no RAM",
        [PAGE_FREE] = "free",
        [PAGE_HOT] = "free", /* how it is kept is nobody's business */
        [PAGE_USED] = "in use",
        [PAGE_SLAB] = "in use by a slab",
        [PAGE_VMALLOC] = "in use by vmalloc",
        [PAGE_PGTABLE] = "in use as a page table",
        [PAGE_USER] = "in use by a process",
        [PAGE_FILE] = "in use by a file",
    };

    return page->type < PAGE_TYPES ? names[page->type] : "of no known type";
}

const char *page_type_short_name(enum page_type type)
{
    static const char *const names[PAGE_TYPES] = {
        [PAGE_RESERVED] = "reserved",
        [PAGE_FREE] = "buddy",
        [PAGE_HOT] = "hot",
        [PAGE_USED] = "other",
        [PAGE_SLAB] = "slab",
        [PAGE_VMALLOC] = "vmalloc",
        [PAGE_PGTABLE] = "process tables",
        [PAGE_USER] = "user pages",
        [PAGE_FILE] = "file pages",
    };

    return type < PAGE_TYPES ? names[type] : "no known type";
}

/* Say which rule was broken; the caller has found that one was. */
static __noinline void __noreturn bad_free(struct page *page, u32 order)
{
    const struct page *first;
    u32 frame;

    if (page < mem_map || page >= mem_map + max_pfn)
        panic("free of %p, order %u: that is no struct page", page, order);
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

/* True when a block of this order may be freed: it is one, it is in use, and nobody shares it. */
static inline bool may_free(const struct page *page, u32 order)
{
    return page->block == BLOCK_HEAD(order) && page->type >= PAGE_USED && page->refcount == 1;
}

/* A stack has grown too high: its older half goes to the buddy lists. */
static __noinline void free_slow(struct page *page, u32 order)
{
    struct zone *zone = &zones[page->zone];

    hot_drain(zone, order, zone->hot[order].limit / 2);
}

static inline __attribute__((always_inline)) void free_fast(struct page *page, u32 order)
{
    struct hot_stack *hot = &zones[page->zone].hot[order];

    if (unlikely(!may_free(page, order)))
        bad_free(page, order);
    tlb_debug_free(page_to_phys(page), order);
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

/* Put the pages at the head of a chain that belong to one zone on its stack. The rest. */
static inline struct page *free_chain(struct page *first)
{
    struct hot_stack *hot = &zones[first->zone].hot[0];
    struct page *page = first, *last;
    u32 zone = first->zone;
    u32 count = 0;

    do {
        if (unlikely(!may_free(page, 0)))
            bad_free(page, 0);
        tlb_debug_free(page_to_phys(page), 0);
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
    buddy_free(zone, page, 0);
}

/* ---- start-up ---- */

static void free_range_in_zone(struct zone *zone, u32 pfn, u32 end_pfn)
{
    pfn = max(pfn, zone->start_pfn);
    end_pfn = min(end_pfn, zone->end_pfn);
    if (pfn >= end_pfn)
        return;
    zone->managed += end_pfn - pfn;
    free_run(zone, pfn, end_pfn);
}

static void free_range(phys_addr_t start, phys_addr_t end)
{
    for (u32 z = 0; z < ZONES; z++)
        free_range_in_zone(&zones[z], PFN_DOWN(start), PFN_DOWN(end));
}

static void zone_init(enum zone_id id, u32 start_pfn, u32 end_pfn)
{
    struct zone *zone = &zones[id];

    zone->start_pfn = start_pfn;
    zone->end_pfn = end_pfn;
    for (u32 order = 0; order <= MAX_ORDER; order++)
        INIT_LIST_HEAD(&zone->free[order]);
    for (u32 pfn = start_pfn; pfn < end_pfn; pfn++)
        pfn_to_page(pfn)->zone = id;
}

static void set_hot_limits(struct zone *zone)
{
    u32 pages = min(max(zone->managed / HOT_ZONE_PART, (u32)HOT_PAGES_MIN), (u32)HOT_PAGES_MAX);

    for (u32 order = 0; order <= MAX_ORDER; order++)
        zone->hot[order].limit = pages >> order;
}

void page_alloc_init(void)
{
    u32 ram_pfns = PFN_DOWN(memblock_ram_end()), low_pfns = PFN_DOWN(lowmem_size);
    u32 dma_pfns = min(low_pfns, (u32)DMA_LIMIT_PFN);

    mem_map =
        phys_to_virt(memblock_alloc(ram_pfns * sizeof(struct page), PAGE_SIZE, "struct pages"));
    max_pfn = ram_pfns;
    zone_init(ZONE_DMA, 0, dma_pfns);
    zone_init(ZONE_NORMAL, dma_pfns, low_pfns);
    zone_init(ZONE_HIGHMEM, low_pfns, ram_pfns);
    memblock_for_each_free(ram_pfns << PAGE_SHIFT, free_range);
    for (u32 z = 0; z < ZONES; z++) {
        set_hot_limits(&zones[z]);
        first_zone[z] = z > 0 && zones[z].managed == 0 ? first_zone[z - 1] : &zones[z];
    }
}

/* ---- figures and the check ---- */

u32 zone_free_pages(enum zone_id id)
{
    const struct zone *zone = &zones[id];
    u32 pages = zone->buddy_pages;

    for (u32 order = 0; order <= MAX_ORDER; order++)
        pages += zone->hot[order].count << order;
    return pages;
}

u32 nr_free_lowmem_pages(void)
{
    return zone_free_pages(ZONE_DMA) + zone_free_pages(ZONE_NORMAL);
}

u32 nr_free_pages(void)
{
    return nr_free_lowmem_pages() + zone_free_pages(ZONE_HIGHMEM);
}

u32 nr_managed_pages(void)
{
    return zones[ZONE_DMA].managed + zones[ZONE_NORMAL].managed + zones[ZONE_HIGHMEM].managed;
}

u32 zone_free_blocks(enum zone_id zone, u32 order)
{
    return zones[zone].nr_free[order] + zones[zone].hot[order].count;
}

const char *zone_name(enum zone_id zone)
{
    return zones[zone].name;
}

u32 zone_managed_pages(enum zone_id zone)
{
    return zones[zone].managed;
}

static char check_text[128];

static const char *bad_block(const struct zone *zone, const struct page *page, const char *what)
{
    snprintf(check_text, sizeof(check_text), "I8: zone %s, block at frame %08x, order %u: %s",
             zone->name, page_to_phys(page), page->order, what);
    return check_text;
}

static const char *bad_count(const struct zone *zone, const char *what, u32 found, u32 counted)
{
    snprintf(check_text, sizeof(check_text), "I8: zone %s: %s: found %u, counted %u", zone->name,
             what, found, counted);
    return check_text;
}

static const char *bad_link(const struct zone *zone, const char *where, u32 order,
                            const void *found, const char *what)
{
    snprintf(check_text, sizeof(check_text), "I8: zone %s, %s of order %u: a link to %p: %s",
             zone->name, where, order, found, what);
    return check_text;
}

/*
 * A pointer that a list leads to may be anything: only a struct page of this zone can be looked at.
 */
static const char *check_link(const struct zone *zone, const struct page *page, u32 order,
                              const char *where)
{
    u32 first = (u32)pfn_to_page(zone->start_pfn), end = (u32)pfn_to_page(zone->end_pfn);

    if ((u32)page - (u32)mem_map >= max_pfn * sizeof(*page) ||
        ((u32)page - (u32)mem_map) % sizeof(*page) != 0)
        return bad_link(zone, where, order, page, "that is no struct page");
    if ((u32)page < first || (u32)page + (sizeof(*page) << order) > end ||
        page->zone != zone - zones)
        return bad_block(zone, page, "of another zone");
    return NULL;
}

/* What must hold for a free block, wherever it is kept. */
static const char *check_block(struct zone *zone, const struct page *page, u32 order)
{
    if (page->order != order || !page->head)
        return bad_block(zone, page, "kept among blocks of another order");
    if (page_to_pfn(page) & ((1u << order) - 1))
        return bad_block(zone, page, "not aligned to its size");
    for (u32 i = 0; i < 1u << order; i++) {
        if (page[i].refcount != 0)
            return bad_block(zone, page, "free, but a page of it is referenced");
        if (i > 0 && page[i].head)
            return bad_block(zone, page, "another block begins inside it");
    }
    return NULL;
}

/* The block at a link of a free list, which `prev` has led to. */
static const char *check_listed(struct zone *zone, const struct list_head *link,
                                const struct list_head *prev, u32 order)
{
    struct page *page = list_entry(link, struct page, lru);
    const char *wrong = check_link(zone, page, order, "free list");

    if (wrong)
        return wrong;
    if (link->prev != prev)
        return bad_block(zone, page, "on a free list, but its link back leads elsewhere");
    if (page->type != PAGE_FREE)
        return bad_block(zone, page, "on a free list, but not free");
    wrong = check_block(zone, page, order);
    if (!wrong && order < MAX_ORDER && free_buddy(zone, page, order))
        return bad_block(zone, page, "its buddy is free too, but they are not joined");
    return wrong;
}

/* The links back are right, so a list that comes to its end cannot have gone in a circle before. */
static const char *check_list(struct zone *zone, u32 order, u32 *pages)
{
    const struct list_head *head = &zone->free[order], *prev = head;
    u32 count = 0;

    for (const struct list_head *link = head->next; link != head; prev = link, link = link->next) {
        const char *wrong = check_listed(zone, link, prev, order);

        if (wrong)
            return wrong;
        count++;
    }
    if (head->prev != prev)
        return bad_link(zone, "free list", order, head->prev, "that is not its last block");
    *pages += count << order;
    if (count != zone->nr_free[order] || (count != 0) != (zone->free_orders >> order & 1))
        return bad_count(zone, "blocks on a free list", count, zone->nr_free[order]);
    return NULL;
}

static const char *check_hot(struct zone *zone, u32 order, u32 *pages)
{
    u32 count = 0, expected = zone->hot[order].count;
    const char *wrong;

    for (struct page *page = zone->hot[order].top; page; page = page->next) {
        wrong = check_link(zone, page, order, "hot stack");
        if (wrong)
            return wrong;
        if (page->type != PAGE_HOT)
            return bad_block(zone, page, "on a hot stack, but not hot");
        wrong = check_block(zone, page, order);
        if (wrong)
            return wrong;
        if (++count > expected)
            break;
    }
    *pages += count << order;
    return count == expected ? NULL : bad_count(zone, "blocks on a hot stack", count, expected);
}

/* Free pages as the frames themselves say it, block by block. */
static u32 count_marked(const struct zone *zone)
{
    u32 marked = 0;

    for (u32 pfn = zone->start_pfn; pfn < zone->end_pfn;) {
        const struct page *page = pfn_to_page(pfn);
        u32 pages = page_block_size(page);

        if (page->head && (page->type == PAGE_FREE || page->type == PAGE_HOT))
            marked += pages;
        pfn += pages;
    }
    return marked;
}

static const char *check_zone(struct zone *zone)
{
    const char *wrong = NULL;
    u32 listed = 0, marked, free = zone_free_pages(zone - zones);

    for (u32 order = 0; order <= MAX_ORDER && !wrong; order++)
        wrong = check_list(zone, order, &listed);
    for (u32 order = 0; order <= MAX_ORDER && !wrong; order++)
        wrong = check_hot(zone, order, &listed);
    if (wrong)
        return wrong;
    if (listed != free)
        return bad_count(zone, "free pages on the lists", listed, free);
    marked = count_marked(zone);
    return marked == listed ? NULL : bad_count(zone, "frames marked free", marked, listed);
}

const char *page_alloc_check(void)
{
    const char *wrong = NULL;

    for (u32 z = 0; z < ZONES && !wrong; z++)
        wrong = check_zone(&zones[z]);
    return wrong;
}
