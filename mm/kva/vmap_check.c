/*
 * The check of the vmalloc area's ranges: they tile it, every entry is what its range says, and
 * each node of the tree stores the largest gap below it. For the audit (invariant I7).
 *
 * Neighbours: mm/kva/vmap_area.c keeps them.
 */
#include <lib/printf.h>
#include <mm/kva/vmap_area_internal.h>

static char check_text[128];

static int compare_areas(const struct rb_node *a, const struct rb_node *b)
{
    return vmap_area_of(a)->start < vmap_area_of(b)->start
               ? -1
               : vmap_area_of(a)->start > vmap_area_of(b)->start;
}

static const char *bad_range(const struct vmap_area *area, const char *what, u32 addr)
{
    snprintf(check_text, sizeof(check_text), "I7: vmalloc range 0x%08x..0x%08x: %s at 0x%08x",
             area->start, area->end, what, addr);
    return check_text;
}

/* Report that the entry of a page has a wrong value. */
static const char *bad_entry(const struct vmap_area *area, u32 addr, const char *expected)
{
    snprintf(check_text, sizeof(check_text),
             "I7: vmalloc range 0x%08x..0x%08x: page 0x%08x: expected %s, found entry 0x%08x",
             area->start, area->end, addr, expected, kernel_pte(addr)->val);
    return check_text;
}

/*
 * Every page of a busy area but the guard is mapped, the first holds the area's kind, and the guard
 * is tagged.
 */
static const char *check_busy(const struct vmap_area *area)
{
    u32 guard = area->end - PAGE_SIZE;

    for (u32 addr = area->start; addr < guard; addr += PAGE_SIZE) {
        pte_t pte = *kernel_pte(addr);

        if (!pte_present(pte))
            return bad_entry(area, addr, "a mapped page");
        if (!pte_starts_area(pte, addr == area->start ? area->flags : 0))
            return bad_entry(area, addr, "the area's kind in the first entry only");
    }
    if (vmap_area_tag(*kernel_pte(guard)) != area || area->flags == 0)
        return bad_entry(area, guard, "the tag of a guard that is not mapped");
    return NULL;
}

/*
 * No page of a gap is mapped; the first and the last are tagged, and only they. The end of the top
 * gap is never looked up, so its last page has no tag.
 */
static const char *check_gap(const struct vmap_area *gap)
{
    u32 last = gap == &vmap_top ? gap->start : gap->end - PAGE_SIZE;

    for (u32 addr = gap->start; addr < gap->end; addr += PAGE_SIZE) {
        pte_t pte = *kernel_pte(addr);
        bool border = addr == gap->start || addr == last;

        if (pte.val != (border ? (u32)gap : 0))
            return bad_entry(gap, addr, border ? "the gap's tag" : "0, as within a gap");
    }
    return vmap_is_gap(gap) ? NULL : bad_range(gap, "a gap is marked busy", gap->start);
}

/*
 * The spare is empty, so that it adds to no subtree's largest gap, and nothing is above it.
 * check_tiling() treats it as the end of the tree.
 */
static const char *check_spare(void)
{
    if (!vmap_spare)
        return NULL;
    if (vmap_spare->start != vmap_top.start || vmap_spare->end != vmap_top.start ||
        !vmap_is_gap(vmap_spare))
        return bad_range(vmap_spare, "the spare node is not empty, or not where the top gap starts",
                         vmap_top.start);
    if (rb_last(&vmap_ranges) != &vmap_spare->node)
        return bad_range(vmap_spare, "the spare node is not the last of the tree", vmap_top.start);
    return NULL;
}

/* In order of address, the ranges must tile the vmalloc area, and no two gaps may touch. */
static const char *check_tiling(void)
{
    struct rb_node *node = rb_first(&vmap_ranges);
    const struct vmap_area *area = NULL;
    u32 at = VMALLOC_START;

    while (area != &vmap_top) {
        bool after_gap = vmap_is_gap(area);
        const char *wrong;

        area = node && vmap_area_of(node) != vmap_spare ? vmap_area_of(node) : &vmap_top;
        if (area->start != at || (area->end <= at && area != &vmap_top))
            return bad_range(area, "the ranges do not join", at);
        if (vmap_is_gap(area) && after_gap)
            return bad_range(area, "two gaps touch", at);
        wrong = vmap_is_gap(area) ? check_gap(area) : check_busy(area);
        if (wrong)
            return wrong;
        at = area->end;
        node = node ? rb_next(node) : NULL;
    }
    if (at == VMALLOC_END && vmap_area_tag(*kernel_pte(vmap_top.start)) == &vmap_top)
        return NULL;
    return bad_range(&vmap_top, "the top gap is not the last range, or its tag is wrong", at);
}

const char *vmap_area_check(void)
{
    const char *wrong = rb_check(&vmap_ranges, compare_areas, vmap_update_largest);

    if (!wrong)
        wrong = check_spare();
    return wrong ? wrong : check_tiling();
}
