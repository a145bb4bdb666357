/*
 * The areas of an address space: which addresses a process may use, and for what.
 *
 * They are a red-black tree by address. Each area stores the room in front of it, and the largest
 * room in its subtree, so that the highest gap of a size is found in O(log n): go right whenever
 * that side has one large enough. The room is stored in the area above the gap; code that moves an
 * edge updates it in the neighbour. A stack needs free addresses below it to grow into: they do not
 * count as room.
 *
 * Most lookups find the same area as the one before: the area found last is tried first.
 *
 * Adjacent areas with equal attributes are joined, as in Linux: a heap that grows by mmap does not
 * make a tree of thousands of areas, and areas that mprotect() split are joined when the rights are
 * equal again. The creator of an area is not compared: a joined area keeps that of the remaining
 * node.
 *
 * This file does not use page tables, so it builds on the host as well (tests/host/vma_test.c).
 * Splitting needs a node, which the caller gets before it changes anything; the rest cannot fail.
 *
 * Lock: not preempted. Neighbours: mm/user/mmap.c decides what to do with areas, mm/user/fault.c
 * asks for them.
 */
#include <lib/panic.h>
#include <lib/resched.h>
#include <mm/frame/slab.h>
#include <mm/user/filemap.h>
#include <mm/user/mm_internal.h>

static struct kmem_cache *area_cache __ro_after_init;

/* ---- nodes ---- */

void vma_init(void)
{
    area_cache = kmem_cache_create("vm_area_struct", sizeof(struct vm_area));
    if (!area_cache)
        panic("no memory for the cache of areas");
}

struct vm_area *vma_alloc(void)
{
    struct vm_area *area = kmem_cache_alloc(area_cache);

    if (unlikely(!area) && mm_reclaim())
        area = kmem_cache_alloc(area_cache);
    return area;
}

/* An area holds a reference of its file, and may count as a writer. */
static void hold_file(struct vm_area *area)
{
    if (!area->file)
        return;
    mapping_get(area->file);
    area->file->writers += area->flags & VM_WRITER ? 1 : 0;
}

struct vm_area *vma_new(u32 start, u32 end, u32 flags, const char *name, struct address_space *file,
                        u32 pgoff, const void *caller)
{
    struct vm_area *area = vma_alloc();

    if (!area)
        return NULL;
    area->start = start; /* vma_insert() sets the rest */
    area->end = end;
    area->flags = flags;
    area->name = name;
    area->file = file;
    area->pgoff = file ? pgoff : 0;
    area->caller = caller;
    hold_file(area);
    return area;
}

void vma_free_unused(struct vm_area *node)
{
    if (node)
        kmem_cache_free(area_cache, node);
}

void vma_free(struct vm_area *area)
{
    struct address_space *file = area->file;

    if (file)
        file->writers -= area->flags & VM_WRITER ? 1 : 0;
    kmem_cache_free(area_cache, area);
    if (file)
        mapping_put(file);
}

/* ---- the tree ---- */

bool vma_update_gap(struct rb_node *node)
{
    struct vm_area *area = vma_of(node);
    u32 gap = area->room;
    bool changed;

    if (node->rb_left)
        gap = max(gap, vma_of(node->rb_left)->gap);
    if (node->rb_right)
        gap = max(gap, vma_of(node->rb_right)->gap);
    changed = area->gap != gap;
    area->gap = gap;
    return changed;
}

/*
 * Call this when the area, its start or the one before it has changed. `area` is NULL if none
 * follows.
 */
static void update_room(struct vm_area *prev, struct vm_area *area)
{
    if (!area)
        return;
    area->room = vma_room(prev, area);
    rb_augment_path(&area->node, vma_update_gap);
}

/* The address where the room of an area starts; if it has no room, an address in front of it. */
static inline u32 room_start(const struct vm_area *area)
{
    return area->room ? vma_floor(area) - area->room : area->start;
}

struct vm_area *vma_last(const struct mm *mm)
{
    return vma_or_null(rb_last(&mm->areas));
}

static __noinline struct vm_area *search_above(struct mm *mm, u32 addr)
{
    struct rb_node *node = mm->areas.rb_node;
    struct vm_area *best = NULL;

    while (node) {
        struct vm_area *area = vma_of(node);

        if (area->end > addr) {
            best = area;
            if (area->start <= addr)
                break;
            node = node->rb_left;
        } else {
            node = node->rb_right;
        }
    }
    if (best)
        mm->recent = best;
    return best;
}

struct vm_area *mm_area_above(struct mm *mm, u32 addr)
{
    struct vm_area *recent = mm->recent;

    if (recent && addr < recent->end && (addr >= recent->start || addr >= room_start(recent)))
        return recent; /* its room is free: an address in it has the same next area */
    return search_above(mm, addr);
}

struct vm_area *mm_find_area(struct mm *mm, u32 addr)
{
    struct vm_area *area = mm_area_above(mm, addr);

    return area && area->start <= addr ? area : NULL;
}

/* Of two neighbours in the tree, one has no child on the side of the other. */
void vma_insert(struct mm *mm, struct vm_area *prev, struct vm_area *area, struct vm_area *next)
{
    struct rb_node *parent = NULL, **link = &mm->areas.rb_node;

    if (next && !next->node.rb_left) {
        parent = &next->node;
        link = &parent->rb_left;
    } else if (prev) {
        parent = &prev->node;
        link = &parent->rb_right;
    }
    area->room = vma_room(prev, area);
    area->prev = prev;
    area->next = next;
    if (area->file)
        filemap_enter_area(mm, area);
    if (prev)
        prev->next = area;
    if (next)
        next->prev = area;
    rb_link_node(&area->node, parent, link);
    rb_insert_augmented(&area->node, &mm->areas, vma_update_gap);
    update_room(area, next);
    mm->recent = area; /* a new area is likely to be used next */
    mm->area_count++;
}

void vma_remove(struct mm *mm, struct vm_area *area)
{
    struct vm_area *prev = area->prev, *next = area->next;

    if (area->file)
        filemap_leave_area(area);
    if (prev)
        prev->next = next;
    if (next)
        next->prev = prev;
    rb_erase_augmented(&area->node, &mm->areas, vma_update_gap);
    update_room(prev, next);
    if (mm->recent == area)
        mm->recent = next; /* the first area above these addresses now */
    mm->area_count--;
}

void vma_free_all(struct mm *mm)
{
    struct rb_node *node = mm->areas.rb_node, *parent;
    u32 freed = 0;

    mm->recent = NULL;
    while (node) {
        if (node->rb_left || node->rb_right) {
            node = node->rb_left ? node->rb_left : node->rb_right;
            continue;
        }
        parent = rb_parent(node);
        if (parent)
            parent->rb_child[parent->rb_right == node] = NULL;
        if (vma_of(node)->file)
            filemap_leave_area(vma_of(node));
        vma_free(vma_of(node));
        node = parent;
        if (++freed % 256 == 0)
            cond_resched();
    }
    mm->areas = RB_ROOT;
    mm->area_count = 0;
}

void vma_set_start(struct mm *mm, struct vm_area *area, u32 start)
{
    (void)mm;
    if (area->file && start > area->start)
        area->pgoff += (start - area->start) >> PAGE_SHIFT;
    else if (area->file)
        area->pgoff -= (area->start - start) >> PAGE_SHIFT;
    area->start = start;
    update_room(area->prev, area);
}

void vma_set_end(struct mm *mm, struct vm_area *area, u32 end)
{
    (void)mm;
    area->end = end;
    update_room(area, area->next);
}

/* ---- splitting and joining ---- */

void vma_split(struct mm *mm, struct vm_area *area, u32 addr, struct vm_area *node)
{
    *node = *area;
    node->start = addr;
    if (node->file)
        node->pgoff += (addr - area->start) >> PAGE_SHIFT;
    hold_file(node);
    area->end = addr;
    vma_insert(mm, area, node, area->next);
}

/*
 * True when `high` starts where `low` ends and has the same attributes and contiguous file pages.
 * False while their file is being truncated, because only one of them may have been processed.
 */
static bool continues(const struct vm_area *low, const struct vm_area *high)
{
    if (low->end != high->start || low->flags != high->flags || low->name != high->name ||
        low->file != high->file)
        return false;
    return !low->file || (!low->file->cursor &&
                          low->pgoff + ((low->end - low->start) >> PAGE_SHIFT) == high->pgoff);
}

struct vm_area *vma_join(struct mm *mm, struct vm_area *area)
{
    struct vm_area *prev = area->prev, *next;

    while ((next = area->next) && continues(area, next)) {
        vma_remove(mm, next);
        vma_set_end(mm, area, next->end);
        vma_free(next);
    }
    if (prev && continues(prev, area)) {
        vma_remove(mm, area);
        vma_set_end(mm, prev, area->end);
        vma_free(area);
        return prev;
    }
    return area;
}

struct vm_area *vma_before(const struct mm *mm, const struct vm_area *next)
{
    return next ? next->prev : vma_last(mm);
}

struct vm_area *vma_enter(struct mm *mm, struct vm_area *area)
{
    struct vm_area *next = mm_area_above(mm, area->start), *prev = vma_before(mm, next);

    if (prev && continues(prev, area)) {
        vma_set_end(mm, prev, area->end);
        vma_free(area);
        return next && continues(prev, next) ? vma_join(mm, prev) : prev;
    }
    if (next && continues(area, next)) {
        vma_set_start(mm, next, area->start);
        vma_free(area);
        return next;
    }
    vma_insert(mm, prev, area, next);
    return area;
}

/* ---- gaps ---- */

static inline u32 gap_of(const struct rb_node *node)
{
    return node ? vma_of(node)->gap : 0;
}

/*
 * The last area of a subtree that has at least this much room in front of it; the subtree has one.
 */
static const struct vm_area *last_with_room(const struct rb_node *node, u32 size)
{
    for (;;) {
        if (gap_of(node->rb_right) >= size)
            node = node->rb_right;
        else if (vma_of(node)->room >= size)
            return vma_of(node);
        else
            node = node->rb_left;
    }
}

/*
 * The last area with at least this much room in front of it whose room starts at or below `latest`;
 * NULL if not found. Room starts are in ascending order, so the candidates are all areas up to a
 * certain one. On the way down to it, each turn to the right passes a node and its left subtree;
 * the last of these that has enough room contains the result.
 */
static const struct vm_area *find_room(const struct mm *mm, u32 size, u32 latest)
{
    const struct rb_node *node = mm->areas.rb_node, *best = NULL;

    while (node && vma_of(node)->gap >= size) {
        const struct vm_area *area = vma_of(node);

        if (room_start(area) > latest) {
            node = node->rb_left;
            continue;
        }
        if (area->room >= size || gap_of(node->rb_left) >= size)
            best = node;
        node = node->rb_right;
    }
    if (!best || vma_of(best)->room >= size)
        return vma_or_null(best);
    return last_with_room(best->rb_left, size);
}

u32 vma_find_gap(const struct mm *mm, u32 size, u32 limit)
{
    const struct vm_area *area = vma_last(mm);
    u32 end;

    if (limit < size || limit - size < MMAP_MIN_ADDR)
        return 0;
    if (!area || area->end <= limit - size)
        return limit - size;
    area = find_room(mm, size, limit - size);
    if (!area)
        return 0;
    end = vma_floor(area);
    return min(end, limit) - size;
}
