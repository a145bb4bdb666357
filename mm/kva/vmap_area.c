/*
 * Which addresses of the vmalloc area are taken.
 *
 * All ranges, busy areas and the gaps between them, tile the vmalloc area and are nodes of one
 * red-black tree, by address. Every node stores the largest gap in its subtree (the idea of Linux's
 * tree of free areas): going left whenever that side has a large enough gap finds the lowest gap
 * that fits in O(log n), and an ordinary search finds the range that holds any address. Busy or
 * free is a property of a node, not of the tree it is in; so an area that fills a gap exactly, and
 * one that becomes a gap again, change no link of the tree. No two gaps touch.
 *
 * All other searches are avoided by tags in page-table entries that are not present
 * (vmap_area_internal.h):
 *
 *     pages      | A  A  A  A* | G*  0  0  G* | B  B* | T*  0  0 ...
 *     range      | area A      | gap G        | B     | top gap
 *
 * A letter with a star is an entry that holds the address of that range: the guard of an area, the
 * first and the last page of a gap, the first page of the top gap. So when B is freed, the entry
 * before its first page names the gap G and the entry behind its guard the top gap: both are joined
 * without a search of the tree. Allocating and freeing cost hardly more with thousands of areas
 * than with none.
 *
 * The highest gap is not in the tree. It is the space above all areas, so it is used last; and
 * because it is by far the largest and changes most often, each change would update the values all
 * the way to the root. A freed area that joins it leaves its node in the tree as the spare: an
 * empty gap at the tree's end, with no tags, which counts in no value. The next area cut from the
 * top gap uses the spare, so freeing the highest area and allocating it again changes no link
 * either. There is one spare at most, and slab_shrink() gives it back.
 *
 * Freeing needs no memory, and cannot fail.
 *
 * Lock: not preempted; not for interrupt handlers. Neighbours: mm/kva/vmalloc.c fills the entries.
 */
#include <lib/kasan.h>
#include <lib/panic.h>
#include <mm/fail.h>
#include <mm/frame/slab.h>
#include <mm/kva/vmap_area_internal.h>

struct rb_root vmap_ranges = RB_ROOT;
struct vmap_area vmap_top;
struct vmap_area *vmap_spare;
static struct kmem_cache *area_cache;

/* ---- tags ---- */

static inline void set_first_tag(const struct vmap_area *gap)
{
    kernel_pte(gap->start)->val = (u32)gap;
}

static inline void set_last_tag(const struct vmap_area *range)
{
    kernel_pte(range->end)[-1].val = (u32)range;
}

/* The area or gap that ends at addr; NULL if not found. */
static inline struct vmap_area *range_ending_at(u32 addr)
{
    return addr == VMALLOC_START ? NULL : vmap_area_tag(kernel_pte(addr)[-1]);
}

/* The gap that starts at addr, or NULL. An empty top gap starts at VMALLOC_END. */
static inline struct vmap_area *gap_starting_at(u32 addr)
{
    return vmap_area_tag(*kernel_pte(addr));
}

/* Set the two tags beside a border; NULL clears one. */
static inline void set_border(u32 addr, const struct vmap_area *below,
                              const struct vmap_area *above)
{
    pte_t *border = kernel_pte(addr);

    border[-1].val = (u32)below;
    border[0].val = (u32)above;
}

/* Clear the tags of a border between two free ranges that are joined. */
static inline void clear_border(u32 addr)
{
    set_border(addr, NULL, NULL);
}

/* ---- the tree ---- */

static inline u32 subtree_largest(const struct rb_node *node)
{
    return node ? vmap_area_of(node)->largest_free : 0;
}

static inline u32 gap_size(const struct vmap_area *area)
{
    return area->flags == 0 ? vmap_area_size(area) : 0;
}

bool vmap_update_largest(struct rb_node *node)
{
    struct vmap_area *area = vmap_area_of(node);
    u32 children = max(subtree_largest(node->rb_left), subtree_largest(node->rb_right));
    u32 largest = max(gap_size(area), children);
    bool changed = area->largest_free != largest;

    area->largest_free = largest;
    return changed;
}

/* The lowest gap of at least `size` bytes, or NULL. */
static inline struct vmap_area *lowest_fit(u32 size)
{
    struct rb_node *node = vmap_ranges.rb_node;

    if (subtree_largest(node) < size)
        return vmap_area_size(&vmap_top) >= size ? &vmap_top : NULL;
    for (;;) {
        if (subtree_largest(node->rb_left) >= size)
            node = node->rb_left;
        else if (gap_size(vmap_area_of(node)) >= size)
            return vmap_area_of(node);
        else
            node = node->rb_right; /* it is in this subtree, or the value at the top is wrong */
    }
}

/* Bytes from addr up to the next multiple of `align`. */
static inline u32 padding(u32 addr, u32 align)
{
    return -addr & (align - 1);
}

/*
 * The gap for an aligned area. In the lowest one that is large enough, the part after alignment may
 * be too short; a gap that is larger by the alignment always fits.
 */
static __noinline struct vmap_area *lowest_aligned_fit(u32 size, u32 align)
{
    struct vmap_area *gap = lowest_fit(size);

    assert((align & (align - 1)) == 0 && align > PAGE_SIZE);
    if (!gap || padding(gap->start, align) <= vmap_area_size(gap) - size)
        return gap;
    return align <= VMALLOC_SIZE_MAX ? lowest_fit(size + align - PAGE_SIZE) : NULL;
}

static inline void link_range(struct vmap_area *area, struct rb_node *parent, struct rb_node **link)
{
    rb_link_node(&area->node, parent, link);
    rb_insert_augmented(&area->node, &vmap_ranges, vmap_update_largest);
}

/* Insert a range directly below (or above) one that is in the tree. */
static void insert_below(struct vmap_area *area, struct vmap_area *next)
{
    struct rb_node *parent = &next->node, **link = &parent->rb_left;

    if (*link) {
        parent = rb_outermost(*link, 1);
        link = &parent->rb_right;
    }
    link_range(area, parent, link);
}

static void insert_above(struct vmap_area *area, struct vmap_area *prev)
{
    struct rb_node *parent = &prev->node, **link = &parent->rb_right;

    if (*link) {
        parent = rb_outermost(*link, 0);
        link = &parent->rb_left;
    }
    link_range(area, parent, link);
}

static void drop_range(struct vmap_area *area)
{
    rb_erase_augmented(&area->node, &vmap_ranges, vmap_update_largest);
    kmem_cache_free(area_cache, area);
}

/* ---- taking ---- */

static inline void set_range(struct vmap_area *range, u32 start, u32 end, u32 flags)
{
    range->start = start;
    range->end = end;
    range->flags = flags;
}

static void make_gap(struct vmap_area *gap, u32 start, u32 end)
{
    set_range(gap, start, end, 0);
    set_first_tag(gap);
    set_last_tag(gap);
}

/* Nodes for the rest of a gap below and above a range that is cut out of it. */
struct rest {
    struct vmap_area *low, *high;
};

/* Get the nodes that cutting [start, end) out of the gap needs. False when out of memory. */
static inline bool alloc_rest(const struct vmap_area *gap, u32 start, u32 end, struct rest *rest)
{
    if (unlikely(start != gap->start)) {
        rest->low = kmem_cache_alloc(area_cache);
        if (!rest->low)
            return false;
    }
    if (end != gap->end) {
        rest->high = kmem_cache_alloc(area_cache);
        if (!rest->high) {
            if (rest->low)
                kmem_cache_free(area_cache, rest->low);
            return false;
        }
    }
    return true;
}

/* The node of the gap becomes the area; the rest of the gap gets new nodes. */
static inline struct vmap_area *take_from_gap(struct vmap_area *gap, u32 start, u32 end, u32 flags)
{
    struct rest rest = {NULL, NULL};
    u32 gap_start = gap->start, gap_end = gap->end;

    if (!alloc_rest(gap, start, end, &rest))
        return NULL;
    set_range(gap, start, end, flags);
    set_last_tag(gap);
    rb_augment_path(&gap->node, vmap_update_largest);
    if (rest.low) {
        make_gap(rest.low, gap_start, start);
        insert_below(rest.low, gap);
    }
    if (rest.high) {
        make_gap(rest.high, end, gap_end);
        insert_above(rest.high, gap);
    }
    return gap;
}

/* Make the spare. False when out of memory. */
static inline bool add_spare(void)
{
    struct vmap_area *last = range_ending_at(vmap_top.start);

    vmap_spare = kmem_cache_alloc(area_cache);
    if (!vmap_spare)
        return false;
    set_range(vmap_spare, vmap_top.start, vmap_top.start, 0);
    if (last)
        link_range(vmap_spare, &last->node, &last->node.rb_right);
    else
        link_range(vmap_spare, NULL, &vmap_ranges.rb_node);
    return true;
}

/*
 * The part of the top gap that alignment leaves below the area becomes a gap in the tree, below the
 * spare.
 */
static __noinline bool split_top(u32 start)
{
    struct vmap_area *low = kmem_cache_alloc(area_cache);

    if (!low)
        return false;
    make_gap(low, vmap_top.start, start);
    insert_below(low, vmap_spare);
    return true;
}

/* The spare becomes the area; the top gap keeps what is above it. */
static inline struct vmap_area *take_from_top(u32 start, u32 end, u32 flags)
{
    struct vmap_area *area;

    if (!vmap_spare && !add_spare())
        return NULL;
    if (unlikely(start != vmap_top.start) && !split_top(start))
        return NULL;
    area = vmap_spare;
    vmap_spare = NULL;
    set_range(area, start, end, flags);
    vmap_top.start = end;
    set_border(end, area, &vmap_top);
    return area;
}

struct vmap_area *vmap_area_alloc(u32 pages, u32 align, u32 flags, const void *caller)
{
    u32 size = (pages + 1) << PAGE_SHIFT, start;
    bool any_page = likely(align == PAGE_SIZE);
    struct vmap_area *gap = any_page ? lowest_fit(size) : lowest_aligned_fit(size, align), *area;

    if (unlikely(!gap || alloc_should_fail(ALLOC_AREA)))
        return NULL;
    start = any_page ? gap->start : gap->start + padding(gap->start, align);
    if (likely(gap == &vmap_top))
        area = take_from_top(start, start + size, flags);
    else
        area = take_from_gap(gap, start, start + size, flags);
    if (unlikely(!area))
        return NULL;
    area->caller = caller;
    return area;
}

/* ---- giving back ---- */

/*
 * The area and the gap below it, if there is one, join the top gap, and the area's node becomes the
 * spare. It is the last node and has no gap before it, so no value of the tree changes.
 */
static inline void join_top(struct vmap_area *area, struct vmap_area *prev)
{
    clear_border(area->end);
    vmap_top.start = area->start;
    if (prev) {
        clear_border(area->start);
        vmap_top.start = prev->start;
        drop_range(prev);
    }
    set_first_tag(&vmap_top);
    if (vmap_spare)
        drop_range(vmap_spare);
    set_range(area, vmap_top.start, vmap_top.start, 0);
    vmap_spare = area;
}

/* The node of the area becomes the gap; the gaps it touches are merged into it. */
static inline void join_gaps(struct vmap_area *area, struct vmap_area *prev, struct vmap_area *next)
{
    if (prev) {
        clear_border(area->start);
        area->start = prev->start;
        drop_range(prev);
    }
    if (next) {
        clear_border(area->end);
        area->end = next->end;
        drop_range(next);
    }
    area->flags = 0;
    set_first_tag(area);
    set_last_tag(area);
    rb_augment_path(&area->node, vmap_update_largest);
}

void vmap_area_free(struct vmap_area *area)
{
    struct vmap_area *prev = range_ending_at(area->start), *next = gap_starting_at(area->end);

    kasan_poison((void *)area->start, area->end - area->start, KASAN_VMALLOC_FREE);
    if (prev && prev->flags != 0)
        prev = NULL; /* a busy neighbour */
    if (next == &vmap_top)
        join_top(area, prev);
    else
        join_gaps(area, prev, next);
}

static void drop_spare(void)
{
    if (vmap_spare)
        drop_range(vmap_spare);
    vmap_spare = NULL;
}

void vmap_area_init(void)
{
    area_cache = kmem_cache_create("vmap_area", sizeof(struct vmap_area));
    if (!area_cache)
        panic("no memory for the cache of areas");
    kmem_cache_on_shrink(area_cache, drop_spare);
    vmap_top = (struct vmap_area){.start = VMALLOC_START, .end = VMALLOC_END};
    set_first_tag(&vmap_top);
}

/* ---- looking ---- */

/* The range that holds addr, or the lowest above it; NULL when that is the top gap. */
static struct vmap_area *range_at_or_above(u32 addr)
{
    struct rb_node *node = vmap_ranges.rb_node;
    struct vmap_area *best = NULL;

    while (node) {
        if (vmap_area_of(node)->end > addr) {
            best = vmap_area_of(node);
            node = node->rb_left;
        } else {
            node = node->rb_right;
        }
    }
    return best;
}

const struct vmap_area *vmap_area_at_or_above(u32 addr)
{
    struct vmap_area *area = range_at_or_above(addr);

    if (area && vmap_is_gap(area)) {
        struct rb_node *next = rb_next(&area->node); /* gaps do not touch: it is busy, or NULL */

        area = next ? vmap_area_of(next) : NULL;
    }
    return area;
}

const struct vmap_area *find_vmap_area(u32 addr)
{
    struct vmap_area *area = range_at_or_above(addr);

    return area && area->start <= addr && !vmap_is_gap(area) ? area : NULL;
}

void vmap_area_set_caller(u32 addr, const void *caller)
{
    struct vmap_area *area = range_at_or_above(addr);

    assert(area && area->start == addr && !vmap_is_gap(area));
    area->caller = caller;
}

struct vmalloc_stats vmalloc_stats(void)
{
    struct vmalloc_stats stats = {.free_bytes = vmap_area_size(&vmap_top),
                                  .free_ranges = vmap_area_size(&vmap_top) > 0};

    stats.largest_free = max(subtree_largest(vmap_ranges.rb_node), vmap_area_size(&vmap_top));
    for (struct rb_node *node = rb_first(&vmap_ranges); node; node = rb_next(node)) {
        const struct vmap_area *area = vmap_area_of(node);

        if (area == vmap_spare)
            break;
        if (vmap_is_gap(area)) {
            stats.free_ranges++;
            stats.free_bytes += vmap_area_size(area);
        } else {
            stats.busy_areas++;
            stats.mapped_pages += vmap_area_pages(area);
        }
    }
    return stats;
}
