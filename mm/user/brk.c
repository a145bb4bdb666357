/*
 * brk: the heap of a program, from the end of its data upwards.
 *
 * The heap is an area like any other, and a program may do to it what it likes: unmap a part,
 * change rights. So nobody remembers which area it is. Growing looks at what ends where the heap
 * ends: the heap's own area becomes longer, or, when something else is there or nothing, a new one
 * begins. Shrinking is munmap.
 *
 * One page stays free between the heap and the area above it, so that a program that runs over its
 * end is told; below a stack it is MM_GUARD_GAP, as for everything else.
 *
 * Neighbours: mm/user/vma.c, mm/user/mmap.c.
 */
#include <mm/user/mm_internal.h>

static const char heap_name[] = "[heap]";

/* Only then it matters whether the area is a stack. */
static inline bool is_near(const struct vm_area *next, u32 end)
{
    return unlikely(next->start < end + PAGE_SIZE + MM_GUARD_GAP);
}

/*
 * Let the heap reach from `old` up to `end`. False when something is in the way, or out of memory.
 */
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

/* Most have no limit. */
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
