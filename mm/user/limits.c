/*
 * Limits of an address space: RLIMIT_AS and RLIMIT_DATA (man 2 getrlimit). Its size is added up
 * only when one of them is set.
 *
 * Neighbours: kernel/rlimit.c sets them; mm/user/mmap.c, mremap.c, brk.c, mprotect.c and fault.c
 * check them.
 */
#include <mm/user/mm_internal.h>

/* True when `used` plus `more` bytes, in whole pages, are within the limit. */
static bool fits(u32 used, u32 more, u32 limit)
{
    limit = ALIGN_DOWN(limit, PAGE_SIZE);
    return used <= limit && more <= limit - used;
}

static u32 overlap(const struct vm_area *area, u32 start, u32 end)
{
    u32 low = max(area->start, start), high = min(area->end, end);

    return low < high ? high - low : 0;
}

bool mm_may_expand_limited(struct mm *mm, u32 flags, u32 more, u32 start, u32 size)
{
    u32 total = 0, data = 0, replaced = 0;

    for (const struct vm_area *area = mm_area_above(mm, 0); area; area = area->next) {
        total += area->end - area->start;
        data += vma_is_data(area->flags) ? area->end - area->start : 0;
        replaced += overlap(area, start, start + size);
    }
    more -= min(more, replaced);
    return fits(total, more, mm->size_limit) &&
           (!vma_is_data(flags) || fits(data, more, mm->data_limit));
}

bool mm_may_become_data(struct mm *mm, u32 bytes)
{
    u32 data = 0;

    if (likely(bytes == 0 || mm->data_limit == ~0u))
        return true;
    for (const struct vm_area *area = mm_area_above(mm, 0); area; area = area->next)
        data += vma_is_data(area->flags) ? area->end - area->start : 0;
    return fits(data, bytes, mm->data_limit);
}
