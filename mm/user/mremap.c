/*
 * mremap: makes an area longer or shorter, and may move it; its pages are moved, not copied.
 *
 * Everything that a move needs is allocated before anything is changed: the node of the new area,
 * the nodes for cutting holes where it was and where it goes, and page tables for where it goes. An
 * entry may land in any of the tables there, so twice as many are allocated as the source has; the
 * rest is freed.
 *
 * A range that shrinks may span several areas, as with munmap; a range that grows or moves is in
 * one. Two kinds of move leave the old area where it is: MREMAP_DONTUNMAP, which takes its pages,
 * and an old size of 0, which takes nothing and maps shared memory a second time.
 *
 * A call that fails has changed nothing. Linux has then unmapped the range that MREMAP_FIXED names.
 *
 * Neighbours: mm/user/mmap.c, mm/user/vma.c, mm/user/user_pte.c.
 */
#include <asm/errno.h>
#include <linux/mman.h>
#include <mm/user/mm_internal.h>

struct move {
    struct mm *mm;
    u32 from, size;   /* the pages that move */
    u32 old_size;     /* bytes removed at `from`; 0: nothing */
    u32 to, new_size; /* where they go */
    struct vm_area *area, *from_node, *to_node;
    struct page *tables; /* linked through `next` */
};

static bool get_tables(struct move *move, u32 count)
{
    while (count-- > 0) {
        struct page *table = user_table_alloc();

        if (!table)
            return false;
        table->type = PAGE_USED; /* not in a directory yet */
        table->next = move->tables;
        move->tables = table;
    }
    return true;
}

static void free_tables(struct move *move)
{
    while (move->tables) {
        struct page *table = move->tables;

        move->tables = table->next;
        table->type = PAGE_PGTABLE;
        user_table_free(table);
    }
}

/* Allocate everything that the move needs. 0, or -ENOMEM and nothing allocated. */
static int prepare(struct move *move, const struct vm_area *area)
{
    struct mm *mm = move->mm;
    u32 pgoff = area->pgoff + ((move->from - area->start) >> PAGE_SHIFT);

    if (mm->area_count + 3 > MM_AREAS_MAX)
        return -ENOMEM;
    move->area = vma_new(move->to, move->to + move->new_size, area->flags, NULL, area->file, pgoff,
                         area->caller);
    if (move->area &&
        (!move->old_size ||
         !mm_get_split_node(mm, move->from, move->from + move->old_size, &move->from_node)) &&
        !mm_get_split_node(mm, move->to, move->to + move->new_size, &move->to_node) &&
        get_tables(move, 2 * user_count_tables(mm, move->from, move->size)))
        return 0;
    free_tables(move);
    vma_free_unused(move->to_node);
    vma_free_unused(move->from_node);
    if (move->area)
        vma_free(move->area);
    return -ENOMEM;
}

static void carry_out(struct move *move)
{
    struct mm *mm = move->mm;
    struct vm_area *next;

    mm_unmap_areas(mm, move->to, move->to + move->new_size, move->to_node);
    next = mm_area_above(mm, move->to);
    vma_insert(mm, vma_before(mm, next), move->area, next);
    user_move(mm, move->from, move->to, move->size, &move->tables);
    free_tables(move);
    if (move->old_size)
        mm_unmap_areas(mm, move->from, move->from + move->old_size, move->from_node);
    vma_join(mm, move->area);
}

static long move_area(struct mm *mm, const struct vm_area *area, u32 from, u32 old_size, u32 to,
                      u32 new_size, u32 flags)
{
    u32 kept = min(old_size, new_size);
    struct move move = {
        .mm = mm,
        .from = from,
        .size = kept,
        .old_size = flags & MREMAP_DONTUNMAP ? 0 : old_size,
        .to = to,
        .new_size = new_size,
    };
    int err = prepare(&move, area);

    if (err)
        return err;
    carry_out(&move);
    return to;
}

/*
 * 0, or the error why the range at addr, in the area, cannot become that large. If `replaced` is
 * not 0, new_size bytes there are unmapped for it.
 */
static int check_resize(struct mm *mm, const struct vm_area *area, u32 addr, u32 old_size,
                        u32 new_size, u32 flags, u32 replaced)
{
    u32 pgoff = area->pgoff + ((addr - area->start) >> PAGE_SHIFT);
    u32 more = flags & MREMAP_DONTUNMAP ? new_size : new_size - old_size;

    if (old_size == 0 && !(area->flags & VM_SHARED))
        return -EINVAL;
    if (old_size > area->end - addr)
        return -EFAULT;
    if (area->file && pgoff + (new_size >> PAGE_SHIFT) < pgoff)
        return -EINVAL;
    return more && !mm_may_expand(mm, area->flags, more, replaced, replaced ? new_size : 0)
               ? -ENOMEM
               : 0;
}

/* Grow the area from `end` to new_end without a move; false when this is impossible. */
static bool grow_in_place(struct mm *mm, struct vm_area *area, u32 end, u32 new_end)
{
    const struct vm_area *next = area->next;

    if (area->end != end || new_end > TASK_SIZE || new_end < end ||
        (next && vma_floor(next) < new_end))
        return false;
    vma_set_end(mm, area, new_end);
    vma_join(mm, area);
    return true;
}

static long grow(struct mm *mm, struct vm_area *area, u32 addr, u32 old_size, u32 new_size,
                 u32 flags)
{
    int err = check_resize(mm, area, addr, old_size, new_size, flags, 0);
    u32 to;

    if (err)
        return err;
    if (grow_in_place(mm, area, addr + old_size, addr + new_size))
        return addr;
    to = flags & MREMAP_MAYMOVE ? mm_choose_address(mm, 0, new_size) : 0;
    return to ? move_area(mm, area, addr, old_size, to, new_size, flags) : -ENOMEM;
}

static long shrink(struct mm *mm, u32 addr, u32 old_size, u32 new_size)
{
    int err = new_size < old_size ? mm_munmap(mm, addr + new_size, old_size - new_size) : 0;

    return err ? err : (long)addr;
}

static int check_target(u32 addr, u32 old_size, u32 to, u32 new_size, u32 flags)
{
    if (!IS_ALIGNED(to, PAGE_SIZE) || !mm_in_user_half(to, new_size))
        return -EINVAL;
    if (to < addr + old_size && addr < to + new_size)
        return -EINVAL;
    return flags & MREMAP_FIXED && to < MMAP_MIN_ADDR ? -EPERM : 0;
}

/* Move to an address that the program chose; with MREMAP_DONTUNMAP alone it is only a hint. */
static long move_to(struct mm *mm, struct vm_area *area, u32 addr, u32 old_size, u32 new_size,
                    u32 flags, u32 to)
{
    int err = check_target(addr, old_size, to, new_size, flags);

    if (!err && old_size > new_size && !mm_in_user_half(addr, old_size))
        err = -EINVAL;
    if (!err)
        err = check_resize(mm, area, addr, min(old_size, new_size), new_size, flags,
                           flags & MREMAP_FIXED ? to : 0);
    if (err)
        return err;
    if (!(flags & MREMAP_FIXED))
        to = mm_choose_address(mm, to, new_size);
    return to ? move_area(mm, area, addr, old_size, to, new_size, flags) : -ENOMEM;
}

long mm_mremap(struct mm *mm, u32 addr, u32 old_size, u32 new_size, u32 flags, u32 new_addr)
{
    struct vm_area *area;

    if (flags & ~(MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP) ||
        (flags && !(flags & MREMAP_MAYMOVE)) ||
        (flags & MREMAP_DONTUNMAP && old_size != new_size) || !IS_ALIGNED(addr, PAGE_SIZE))
        return -EINVAL;
    old_size = PAGE_ALIGN(old_size);
    new_size = PAGE_ALIGN(new_size);
    if (new_size == 0)
        return -EINVAL;
    area = mm_find_area(mm, addr);
    if (!area)
        return -EFAULT;
    if (flags & (MREMAP_FIXED | MREMAP_DONTUNMAP))
        return move_to(mm, area, addr, old_size, new_size, flags, new_addr);
    if (new_size <= old_size)
        return shrink(mm, addr, old_size, new_size);
    return grow(mm, area, addr, old_size, new_size, flags);
}
