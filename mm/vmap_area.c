/*
 * Which addresses of the vmalloc area are taken.
 *
 * Two red-black trees, both by address, tile the area without overlap. The free tree holds the gaps,
 * and every node knows the largest gap in its subtree (the idea of Linux's augmented tree): going
 * left whenever something large enough is there finds the lowest gap that fits in O(log n). A busy
 * area is cut from the low end of its gap. The busy tree finds an area by any address in it, and
 * lists them in order. No two gaps touch.
 *
 * The highest gap is in no tree. It is what remains above all areas, so it is taken from last; and
 * as it is by far the largest and changes most often, it would change the values all the way to the
 * root each time.
 *
 * Every other search is saved by tags in page-table entries that are not present (vmap_area.h). A
 * range that becomes free looks at the entries beyond its two ends and knows whether gaps are there
 * to join. A range that is taken begins where a busy area ends, so its place in the busy tree is
 * right behind that one, whose guard is tagged. So allocating and freeing cost hardly more with
 * thousands of areas than with none.
 *
 * One struct vmap_area is a node of either tree: freeing turns a busy area into a gap without
 * allocating, and cannot fail.
 *
 * Lock: not preempted; not for interrupt handlers. Neighbours: mm/vmalloc.c fills the entries.
 */
#include <lib/panic.h>
#include <lib/printf.h>
#include <mm/slab.h>
#include <mm/vmap_area.h>

static struct rb_root busy_areas = RB_ROOT;
static struct rb_root free_areas = RB_ROOT;
static struct vmap_area top; /* the highest gap, up to VMALLOC_END; it may be empty */
static struct kmem_cache *area_cache;

static inline struct vmap_area *area_of(const struct rb_node *node)
{
    return rb_entry(node, struct vmap_area, node);
}

static inline u32 area_size(const struct vmap_area *area)
{
    return area->end - area->start;
}

static inline bool is_gap(const struct vmap_area *area)
{
    return area && area->flags == 0;
}

/* ---- tags ---- */

static inline void set_first_tag(const struct vmap_area *gap)
{
    kernel_pte(gap->start)->val = (u32)gap;
}

static inline void set_last_tag(const struct vmap_area *range)
{
    kernel_pte(range->end)[-1].val = (u32)range;
}

/* The area or gap that ends at addr; NULL when there is none. */
static inline struct vmap_area *range_ending_at(u32 addr)
{
    return addr == VMALLOC_START ? NULL : vmap_area_tag(kernel_pte(addr)[-1]);
}

/* The gap that starts at addr, or NULL. An empty top gap starts at VMALLOC_END. */
static inline struct vmap_area *gap_starting_at(u32 addr)
{
    return vmap_area_tag(*kernel_pte(addr));
}

/* What was a border between two free ranges is none any more. */
static inline void clear_border(u32 addr)
{
    pte_t *border = kernel_pte(addr);

    border[-1].val = 0;
    border[0].val = 0;
}

/* ---- the free tree ---- */

static inline u32 subtree_largest(const struct rb_node *node)
{
    return node ? area_of(node)->largest_free : 0;
}

static bool update_largest(struct rb_node *node)
{
    struct vmap_area *area = area_of(node);
    u32 children = max(subtree_largest(node->rb_left), subtree_largest(node->rb_right));
    u32 largest = max(area_size(area), children);
    bool changed = area->largest_free != largest;

    area->largest_free = largest;
    return changed;
}

/* The lowest gap of at least `size` bytes, or NULL. */
static inline struct vmap_area *lowest_fit(u32 size)
{
    struct rb_node *node = free_areas.rb_node;

    if (subtree_largest(node) < size)
        return area_size(&top) >= size ? &top : NULL;
    for (;;) {
        if (subtree_largest(node->rb_left) >= size)
            node = node->rb_left;
        else if (area_size(area_of(node)) >= size)
            return area_of(node);
        else
            node = node->rb_right; /* it is in here, or the value at the top is wrong */
    }
}

/*
 * The gap for an aligned area. The lowest one that is large enough may begin so unluckily that its
 * aligned part is too short; one that is larger by the alignment cannot.
 */
static inline struct vmap_area *lowest_aligned_fit(u32 size, u32 align)
{
    struct vmap_area *gap = lowest_fit(size);

    if (unlikely(align > PAGE_SIZE) && gap && ALIGN_UP(gap->start, align) > gap->end - size)
        gap = lowest_fit(size + align - PAGE_SIZE);
    return gap;
}

static void insert_gap(struct vmap_area *gap)
{
    struct rb_node **link = &free_areas.rb_node, *parent = NULL;

    while (*link) {
        parent = *link;
        link = gap->start < area_of(parent)->start ? &parent->rb_left : &parent->rb_right;
    }
    rb_link_node(&gap->node, parent, link);
    rb_insert_augmented(&gap->node, &free_areas, update_largest);
}

static void drop_gap(struct vmap_area *gap)
{
    rb_erase_augmented(&gap->node, &free_areas, update_largest);
    kmem_cache_free(area_cache, gap);
}

/* The node of a new gap in the tree: that of a neighbour it joins, or else `spare`. */
static void enter_gap(u32 start, u32 end, struct vmap_area *prev, struct vmap_area *next,
                      struct vmap_area *spare)
{
    struct vmap_area *gap = prev ? prev : next ? next : spare;

    if (prev && next)
        drop_gap(next);
    *gap = (struct vmap_area){
        .node = gap->node, .start = start, .end = end, .largest_free = gap->largest_free};
    set_first_tag(gap);
    set_last_tag(gap);
    if (gap == spare) {
        insert_gap(gap);
    } else {
        rb_augment_path(&gap->node, update_largest);
        kmem_cache_free(area_cache, spare);
    }
}

/* Make [start, end) free, joined with the gaps it touches; `spare` is a node for it, if needed. */
static inline void add_gap(u32 start, u32 end, struct vmap_area *spare)
{
    struct vmap_area *prev = range_ending_at(start), *next = gap_starting_at(end);

    if (!is_gap(prev)) {
        prev = NULL;
    } else {
        clear_border(start);
        start = prev->start;
    }
    if (next) {
        clear_border(end);
        end = next->end;
    }
    if (likely(next == &top)) {
        top.start = start;
        set_first_tag(&top);
        if (prev)
            drop_gap(prev);
        kmem_cache_free(area_cache, spare);
    } else {
        enter_gap(start, end, prev, next, spare);
    }
}

/* ---- the busy tree ---- */

/* Enter an area right behind `prev`, or as the first when there is nothing below it. */
static inline void insert_busy(struct vmap_area *area, struct vmap_area *prev)
{
    struct rb_node *parent = prev ? &prev->node : rb_first(&busy_areas);
    struct rb_node **link = &busy_areas.rb_node;

    if (prev && !parent->rb_right) {
        link = &parent->rb_right;
    } else if (parent) {
        if (prev)
            parent = rb_outermost(parent->rb_right, 0);
        link = &parent->rb_left;
    }
    rb_link_node(&area->node, parent, link);
    rb_insert_color(&area->node, &busy_areas);
}

/* ---- taking and giving back ---- */

/* What remains below a range that is cut out of the middle of a gap. */
static __noinline void add_low_rest(struct vmap_area *low, u32 start, u32 end)
{
    *low = (struct vmap_area){.start = start, .end = end};
    set_first_tag(low);
    set_last_tag(low);
    insert_gap(low);
}

/* A gap loses [start, end). `low` is a fresh node when something remains on both sides, or NULL. */
static inline void cut_gap(struct vmap_area *gap, u32 start, u32 end, struct vmap_area *low)
{
    u32 gap_start = gap->start;

    if (likely(gap == &top)) {
        top.start = end;
        set_first_tag(&top);
    } else if (end != gap->end) {
        gap->start = end;
        set_first_tag(gap);
        rb_augment_path(&gap->node, update_largest);
    } else {
        gap->end = start;
        set_last_tag(gap);
        rb_augment_path(&gap->node, update_largest);
    }
    if (unlikely(low != NULL))
        add_low_rest(low, gap_start, start);
}

/* Cut [start, end) out of a gap into a node for it. NULL when out of memory; the gap is whole then. */
static inline struct vmap_area *take_from_gap(struct vmap_area *gap, u32 start, u32 end)
{
    struct vmap_area *area, *low = NULL;

    if (gap != &top && start == gap->start && end == gap->end) {
        rb_erase_augmented(&gap->node, &free_areas, update_largest);
        return gap;
    }
    area = kmem_cache_alloc(area_cache);
    if (unlikely(!area))
        return NULL;
    /* The top gap is never cut at its high end: it may be empty, but it is there. */
    if (unlikely(start != gap->start && (gap == &top || end != gap->end))) {
        low = kmem_cache_alloc(area_cache);
        if (!low) {
            kmem_cache_free(area_cache, area);
            return NULL;
        }
    }
    cut_gap(gap, start, end, low);
    area->start = start;
    area->end = end;
    return area;
}

struct vmap_area *vmap_area_alloc(u32 pages, u32 align, u32 flags, const void *caller)
{
    u32 size = (pages + 1) << PAGE_SHIFT, start;
    struct vmap_area *gap = lowest_aligned_fit(size, align), *prev, *area;

    if (unlikely(!gap))
        return NULL;
    start = ALIGN_UP(gap->start, align);
    prev = range_ending_at(gap->start); /* gaps do not touch: it is a busy area */
    area = take_from_gap(gap, start, start + size);
    if (unlikely(!area))
        return NULL;
    area->flags = flags;
    area->caller = caller;
    set_last_tag(area);
    insert_busy(area, prev);
    return area;
}

void vmap_area_free(struct vmap_area *area)
{
    rb_erase(&area->node, &busy_areas);
    add_gap(area->start, area->end, area);
}

void vmap_area_init(void)
{
    area_cache = kmem_cache_create("vmap_area", sizeof(struct vmap_area));
    if (!area_cache)
        panic("no memory for the cache of areas");
    top = (struct vmap_area){.start = VMALLOC_START, .end = VMALLOC_END};
    set_first_tag(&top);
}

/* ---- looking ---- */

const struct vmap_area *find_vmap_area(u32 addr)
{
    struct rb_node *node = busy_areas.rb_node;

    while (node) {
        const struct vmap_area *area = area_of(node);

        if (addr < area->start)
            node = node->rb_left;
        else if (addr >= area->end)
            node = node->rb_right;
        else
            return area;
    }
    return NULL;
}

const struct vmap_area *vmap_area_at_or_above(u32 addr)
{
    struct rb_node *node = busy_areas.rb_node;
    const struct vmap_area *best = NULL;

    while (node) {
        if (area_of(node)->end > addr) {
            best = area_of(node);
            node = node->rb_left;
        } else {
            node = node->rb_right;
        }
    }
    return best;
}

struct vmalloc_stats vmalloc_stats(void)
{
    struct vmalloc_stats stats = {
        .largest_free = max(subtree_largest(free_areas.rb_node), area_size(&top)),
        .free_bytes = area_size(&top),
        .free_ranges = area_size(&top) > 0,
    };

    for (struct rb_node *node = rb_first(&free_areas); node; node = rb_next(node)) {
        stats.free_ranges++;
        stats.free_bytes += area_size(area_of(node));
    }
    for (struct rb_node *node = rb_first(&busy_areas); node; node = rb_next(node)) {
        stats.busy_areas++;
        stats.mapped_pages += vmap_area_pages(area_of(node));
    }
    return stats;
}

/* ---- the check ---- */

static char check_text[128];

static int compare_areas(const struct rb_node *a, const struct rb_node *b)
{
    return area_of(a)->start < area_of(b)->start ? -1 : area_of(a)->start > area_of(b)->start;
}

static const char *bad_range(const struct vmap_area *area, const char *what, u32 addr)
{
    snprintf(check_text, sizeof(check_text), "I7: vmalloc range %08x..%08x: %s at %08x",
             area->start, area->end, what, addr);
    return check_text;
}

/* Every page of a busy area but the guard is mapped, and the guard is tagged. */
static const char *check_busy(const struct vmap_area *area)
{
    u32 guard = area->end - PAGE_SIZE;

    for (u32 addr = area->start; addr < guard; addr += PAGE_SIZE) {
        if (!pte_present(*kernel_pte(addr)))
            return bad_range(area, "a page is not mapped", addr);
    }
    if (pte_present(*kernel_pte(guard)))
        return bad_range(area, "the guard page is mapped", guard);
    if (vmap_area_tag(*kernel_pte(guard)) != area || area->flags == 0)
        return bad_range(area, "the guard's tag is wrong", guard);
    return NULL;
}

/*
 * No page of a gap is mapped; the first and the last are tagged, and only they. Nobody asks what lies
 * at the end of the top gap, so its last page has no tag.
 */
static const char *check_gap(const struct vmap_area *gap)
{
    u32 last = gap == &top ? gap->start : gap->end - PAGE_SIZE;

    for (u32 addr = gap->start; addr < gap->end; addr += PAGE_SIZE) {
        pte_t pte = *kernel_pte(addr);
        bool border = addr == gap->start || addr == last;

        if (pte_present(pte))
            return bad_range(gap, "a free page is mapped", addr);
        if (vmap_area_tag(pte) != (border ? gap : NULL))
            return bad_range(gap, "a free page's tag is wrong", addr);
    }
    return is_gap(gap) ? NULL : bad_range(gap, "a gap is marked busy", gap->start);
}

/* The ranges in order of address: the next one of the two trees, and the top gap at last. */
static const struct vmap_area *range_at(u32 at, struct rb_node **busy, struct rb_node **gap)
{
    struct rb_node **tree = *busy && area_of(*busy)->start == at ? busy : gap;
    const struct vmap_area *area;

    if (!*tree)
        return &top;
    area = area_of(*tree);
    *tree = rb_next(*tree);
    return area;
}

/* Together they must tile the vmalloc area, and no two gaps may touch. */
static const char *check_tiling(void)
{
    struct rb_node *busy = rb_first(&busy_areas), *gap = rb_first(&free_areas);
    const struct vmap_area *area = NULL;
    u32 at = VMALLOC_START;

    while (area != &top) {
        bool after_gap = is_gap(area);
        const char *wrong;

        area = range_at(at, &busy, &gap);
        if (area->start != at || (area->end <= at && area != &top))
            return bad_range(area, "the ranges do not join", at);
        if (is_gap(area) && after_gap)
            return bad_range(area, "two gaps touch", at);
        wrong = is_gap(area) ? check_gap(area) : check_busy(area);
        if (wrong)
            return wrong;
        at = area->end;
    }
    if (!busy && !gap && at == VMALLOC_END && gap_starting_at(top.start) == &top)
        return NULL;
    return bad_range(&top, "the top gap is not the last range, or its tag is wrong", at);
}

const char *vmap_area_check(void)
{
    const char *wrong = rb_check(&busy_areas, compare_areas, NULL);

    if (!wrong)
        wrong = rb_check(&free_areas, compare_areas, update_largest);
    return wrong ? wrong : check_tiling();
}
