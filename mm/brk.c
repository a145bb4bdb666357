/*
 * brk: the heap of a program, from the end of its data upwards.
 *
 * The heap is an area like any other, and a program may do to it what it likes: unmap a part,
 * change rights. So nobody remembers which area it is. Growing looks at what ends where the heap
 * ends: the heap's own area becomes longer, or, when something else is there or nothing, a new one
 * begins. Shrinking is munmap.
 *
 * A heap that ran into the area above it, or a stack that ran into the heap, would be a bug that
 * nobody sees: MM_GUARD_GAP stays free between the two.
 *
 * Neighbours: mm/vma.c, mm/mmap.c.
 */
#include <mm/mm_internal.h>

static const char heap_name[] = "[heap]";

/*
 * Let the heap reach from `old` up to `end`. False when something is in the way, or out of memory.
 */
static bool grow_heap(struct mm *mm, u32 old, u32 end, const void *caller)
{
    struct vm_area *next = mm_area_above(mm, old), *heap = vma_before(mm, next), *area;

    if (end > TASK_SIZE - MM_GUARD_GAP || (next && next->start < end + MM_GUARD_GAP))
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

u32 mm_brk(struct mm *mm, u32 brk)
{
    u32 old = PAGE_ALIGN(mm->brk), end = PAGE_ALIGN(brk);

    if (brk < mm->start_brk || brk > TASK_SIZE - MM_GUARD_GAP)
        return mm->brk;
    if (end > old ? grow_heap(mm, old, end, __builtin_return_address(0))
                  : end == old || !mm_munmap(mm, end, old - end))
        mm->brk = brk;
    return mm->brk;
}
