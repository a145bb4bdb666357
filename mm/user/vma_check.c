/*
 * The check of an address space's areas: their order, their neighbours, the room between them. For
 * the audit.
 *
 * Neighbours: mm/user/vma.c keeps them.
 */
#include <lib/printf.h>
#include <mm/user/mm_internal.h>

static char check_text[128];

static const char *bad_area(const struct mm *mm, const struct vm_area *area, const char *what)
{
    snprintf(check_text, sizeof(check_text), "directory 0x%08x, area 0x%08x..0x%08x: %s",
             mm->pgd_phys, area->start, area->end, what);
    return check_text;
}

static int compare_areas(const struct rb_node *a, const struct rb_node *b)
{
    return vma_of(a)->start < vma_of(b)->start ? -1 : vma_of(a)->start > vma_of(b)->start;
}

static const char *check_area(const struct mm *mm, const struct vm_area *prev,
                              const struct vm_area *area)
{
    if (!IS_ALIGNED(area->start | area->end, PAGE_SIZE) || area->start >= area->end)
        return bad_area(mm, area, "its start or end is invalid");
    if (area->file && area->mm != mm)
        return bad_area(mm, area, "belongs to another address space");
    if (area->prev != prev || (area->next && area->next->prev != area))
        return bad_area(mm, area, "its neighbours do not link to it");
    if (area->start < MMAP_MIN_ADDR || area->end > TASK_SIZE)
        return bad_area(mm, area, "outside of the user half");
    if (prev && prev->end > area->start)
        return bad_area(mm, area, "overlaps the one before it");
    if (area->room != vma_room(prev, area))
        return bad_area(mm, area, "the size of the room in front of it is wrong");
    return NULL;
}

const char *vma_check(const struct mm *mm)
{
    const char *wrong = rb_check(&mm->areas, compare_areas, vma_update_gap);
    const struct vm_area *prev = NULL, *area;
    bool recent_found = !mm->recent;
    u32 count = 0;

    for (area = vma_or_null(rb_first(&mm->areas)); area && !wrong; area = area->next) {
        wrong = check_area(mm, prev, area);
        recent_found |= area == mm->recent;
        count++;
        prev = area;
    }
    if (!wrong && (count != mm->area_count || !recent_found)) {
        snprintf(check_text, sizeof(check_text),
                 "directory 0x%08x: %u areas, counted as %u; the one found last is %s",
                 mm->pgd_phys, count, mm->area_count, recent_found ? "there" : "gone");
        wrong = check_text;
    }
    return wrong;
}
