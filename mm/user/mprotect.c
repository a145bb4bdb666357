/*
 * mprotect and madvise: changes of existing areas.
 *
 * Each call first checks everything and gets the nodes that cutting needs; from then on nothing can
 * fail. Long work is then done in pieces, each under one page table, and other tasks may run in
 * between. An entry may never allow what its area forbids: a right is added to the area first and
 * removed from it last.
 *
 * If there is a hole in the range, nothing is changed; Linux changes the part before the hole and
 * then fails.
 *
 * Neighbours: mm/user/mmap.c; mm/user/vma.c keeps the areas, mm/user/user_pte.c the entries.
 */
#include <asm/errno.h>
#include <lib/resched.h>
#include <linux/mman.h>
#include <mm/user/mm_internal.h>

/* ---- ranges ---- */

/*
 * Check that areas cover all of [start, end) (-ENOMEM) and may get these rights (-EACCES). 0 or an
 * error.
 */
static int check_covered(struct mm *mm, u32 start, u32 end, u32 rights)
{
    const struct vm_area *area = mm_area_above(mm, start);

    for (; start < end; start = area->end, area = area->next) {
        if (!area || area->start > start)
            return -ENOMEM;
        if (rights & VM_WRITE && area->flags & VM_NEVER_WRITE)
            return -EACCES;
        cond_resched(); /* only the process itself changes its areas */
    }
    return 0;
}

/* Nodes for cutting areas at both ends of a range. */
struct split_nodes {
    struct vm_area *start, *end;
};

static bool is_inside(struct mm *mm, u32 addr)
{
    const struct vm_area *area = mm_find_area(mm, addr);

    return area && area->start < addr;
}

static int get_split_nodes(struct mm *mm, u32 start, u32 end, struct split_nodes *nodes)
{
    bool at_start = is_inside(mm, start), at_end = is_inside(mm, end);

    *nodes = (struct split_nodes){NULL, NULL};
    if (mm->area_count + at_start + at_end > MM_AREAS_MAX)
        return -ENOMEM;
    if (at_start)
        nodes->start = vma_alloc();
    if (at_end)
        nodes->end = vma_alloc();
    if (at_start == !!nodes->start && at_end == !!nodes->end)
        return 0;
    vma_free_unused(nodes->start);
    vma_free_unused(nodes->end);
    return -ENOMEM;
}

/* ---- mprotect ---- */

static void protect_entries(struct mm *mm, u32 start, u32 end, u32 flags)
{
    u32 stop;

    for (u32 addr = start; addr < end; addr = stop) {
        stop = user_piece_end(mm, addr, end);
        user_protect(mm, addr, stop, flags);
        cond_resched();
    }
}

/* Flags to remove from a range of areas, and flags to add. */
struct flag_change {
    u32 clear, set;
};

/* Change the flags of an area. An entry may never allow what its area forbids. */
static void change_area(struct mm *mm, struct vm_area *area, struct flag_change change)
{
    u32 old = area->flags, flags = (old & ~change.clear) | change.set;

    if (vma_level(flags) > vma_level(old))
        area->flags = flags;
    if (vma_level(flags) != vma_level(old))
        protect_entries(mm, area->start, area->end, flags);
    area->flags = flags;
}

/* Split at both ends, change the areas between, join areas that are now equal. Cannot fail. */
static void change_range(struct mm *mm, u32 start, u32 end, struct flag_change change,
                         const struct split_nodes *nodes)
{
    struct vm_area *area;

    if (nodes->start)
        vma_split(mm, mm_find_area(mm, start), start, nodes->start);
    if (nodes->end)
        vma_split(mm, mm_find_area(mm, end), end, nodes->end);
    for (u32 addr = start; addr < end; addr = area->end) {
        area = mm_find_area(mm, addr);
        change_area(mm, area, change);
        area = vma_join(mm, area);
        cond_resched();
    }
}

/* Bytes of the range that become private writable memory, which RLIMIT_DATA counts. */
static u32 becoming_data(struct mm *mm, u32 start, u32 end)
{
    u32 bytes = 0;

    for (const struct vm_area *area = mm_area_above(mm, start); area && area->start < end;
         area = area->next) {
        if (!vma_is_data(area->flags) && vma_is_data(area->flags | VM_WRITE))
            bytes += min(area->end, end) - max(area->start, start);
    }
    return bytes;
}

int mm_mprotect(struct mm *mm, u32 addr, u32 size, u32 prot)
{
    struct split_nodes nodes;
    int err;

    if (!IS_ALIGNED(addr, PAGE_SIZE) || prot & ~(VM_ACCESS | PROT_SEM))
        return -EINVAL;
    if (size == 0)
        return 0;
    if (!mm_in_user_half(addr, size))
        return -ENOMEM;
    size = PAGE_ALIGN(size);
    err = check_covered(mm, addr, addr + size, prot);
    if (!err && prot & PROT_WRITE && !mm_may_become_data(mm, becoming_data(mm, addr, addr + size)))
        err = -ENOMEM;
    if (!err)
        err = get_split_nodes(mm, addr, addr + size, &nodes);
    if (!err)
        change_range(mm, addr, addr + size,
                     (struct flag_change){.clear = VM_ACCESS, .set = prot & VM_ACCESS}, &nodes);
    return err;
}

/* ---- madvise ---- */

/* Drop the pages of a range that areas cover. */
static void drop_pages(struct mm *mm, u32 start, u32 end)
{
    u32 stop;

    for (u32 addr = start; addr < end; addr = stop) {
        stop = user_piece_end(mm, addr, end);
        user_zap(mm, addr, stop);
        cond_resched();
    }
}

/* Advice about forks sets a flag of the area. False for other advice. */
static bool fork_advice(u32 advice, struct flag_change *change)
{
    *change = (struct flag_change){0, 0};
    switch (advice) {
    case MADV_DONTFORK:
        change->set = VM_DONTCOPY;
        return true;
    case MADV_DOFORK:
        change->clear = VM_DONTCOPY;
        return true;
    case MADV_WIPEONFORK:
        change->set = VM_WIPEONFORK;
        return true;
    case MADV_KEEPONFORK:
        change->clear = VM_WIPEONFORK;
        return true;
    default:
        return false;
    }
}

/*
 * True when the advice is invalid for an area of the range: only memory without a file can be
 * wiped.
 */
static bool is_misplaced(struct mm *mm, u32 start, u32 end, u32 advice)
{
    const struct vm_area *area = mm_area_above(mm, start);

    if (advice != MADV_WIPEONFORK)
        return false;
    while (area && area->start < end && !area->file && !(area->flags & VM_SHARED))
        area = area->next;
    return area && area->start < end;
}

/* 1 when there is something to do, 0 when the advice can be ignored, -EINVAL. */
static int advice_kind(u32 advice)
{
    switch (advice) {
    case MADV_DONTNEED:
    case MADV_DONTFORK:
    case MADV_DOFORK:
    case MADV_WIPEONFORK:
    case MADV_KEEPONFORK:
        return 1;
    case MADV_NORMAL:
    case MADV_RANDOM:
    case MADV_SEQUENTIAL:
    case MADV_WILLNEED:
    case MADV_FREE: /* the kernel may drop the pages, but need not */
    case MADV_DONTDUMP:
    case MADV_DODUMP:
    case MADV_COLD:
    case MADV_PAGEOUT:
        return 0;
    default:
        return -EINVAL;
    }
}

/* Follow advice that has been checked. 0, or -ENOMEM and nothing changed. */
static int heed(struct mm *mm, u32 start, u32 end, u32 advice)
{
    struct flag_change change;
    struct split_nodes nodes;
    int err;

    if (!fork_advice(advice, &change)) {
        drop_pages(mm, start, end);
        return 0;
    }
    err = get_split_nodes(mm, start, end, &nodes);
    if (!err)
        change_range(mm, start, end, change, &nodes);
    return err;
}

int mm_madvise(struct mm *mm, u32 addr, u32 size, u32 advice)
{
    int kind = advice_kind(advice);

    if (kind < 0 || !IS_ALIGNED(addr, PAGE_SIZE))
        return -EINVAL;
    if (size > 0u - PAGE_SIZE || addr + PAGE_ALIGN(size) < addr)
        return -EINVAL;
    size = PAGE_ALIGN(size);
    if (is_misplaced(mm, addr, addr + size, advice))
        return -EINVAL;
    if (!mm_in_user_half(addr, size) || check_covered(mm, addr, addr + size, 0))
        return -ENOMEM;
    return kind && size ? heed(mm, addr, addr + size, advice) : 0;
}
