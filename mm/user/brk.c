/*
 * brk: the heap of a program, from the end of its data upwards.
 *
 * The heap is an area like any other, and a program may change it: unmap a part, change rights. So
 * no pointer to it is kept. Growing looks for an area that ends where the heap ends: if it is the
 * heap's, it becomes longer; otherwise a new area begins. Shrinking is munmap.
 *
 * One page stays free between the heap and the area above it, so that a program that runs over the
 * end gets a fault; below a stack it is MM_GUARD_GAP, as for all areas.
 *
 * Neighbours: mm/user/vma.c, mm/user/mmap.c.
 */
#include <mm/user/mm_internal.h>

static const char heap_name[] = "[heap]";

/* The kind of area matters only if it is this near. */
static inline bool is_near(const struct vm_area *next, u32 end)
{
    return unlikely(next->start < end + PAGE_SIZE + MM_GUARD_GAP);
}

/* Extend the heap from `old` up to `end`. False when an area is there already, or out of memory. */
static bool grow_heap(struct mm *mm, u32 old, u32 end, const void *caller)
{
    struct vm_area *next = mm_area_above(mm, old), *heap = vma_before(mm, next), *area;

    if ((next && is_near(next, end) && vma_floor(next) < end + PAGE_SIZE) ||
        !mm_may_expand(mm, VM_READ | VM_WRITE, end - old, 0, 0))
        return false;
    if (heap && heap->end == old && heap->name == heap_name &&
        heap->flags == (VM_READ | VM_WRITE)) {
        vma_set_end(mm, heap, end);
        return true;
    }
    if (mm->area_count >= MM_AREAS_MAX)
        return false;
    area = vma_new(old, end, VM_READ | VM_WRITE, heap_name, NULL, 0, caller);
    if (area)
        vma_insert(mm, heap, area, next);
    return area != NULL;
}

/* Most processes have no limit. */
static inline bool exceeds_limit(const struct mm *mm, u32 brk)
{
    return unlikely(mm->heap_limit != ~0u) && brk - mm->start_brk > mm->heap_limit;
}

u32 mm_brk(struct mm *mm, u32 brk)
{
    u32 old = PAGE_ALIGN(mm->brk), end = PAGE_ALIGN(brk);

    if (brk < mm->start_brk || brk > TASK_SIZE - PAGE_SIZE || exceeds_limit(mm, brk))
        return mm->brk;
    if (end > old ? grow_heap(mm, old, end, __builtin_return_address(0))
                  : end == old || !mm_unmap(mm, end, old))
        mm->brk = brk;
    return mm->brk;
}
