/*
 * mmap and munmap: how areas are added and removed.
 *
 * Each call first checks everything and gets the nodes that splitting needs; from then on nothing
 * can fail. Long work is then done in pieces, each under one page table, and other tasks may run in
 * between. So after each piece areas and entries must agree: munmap takes a piece out of its area
 * together with its pages.
 *
 * Addresses that the kernel may choose are taken from MMAP_BASE downwards, the highest gap first;
 * when nothing is left there, anywhere. A page table is freed with the last area that needs it.
 *
 * Neighbours: mm/user/mprotect.c, mm/user/brk.c and mm/user/mremap.c are the other such calls;
 * mm/user/vma.c keeps the areas, mm/user/user_pte.c changes the entries, mm/user/fault.c fills
 * them.
 */
#include <asm/errno.h>
#include <lib/resched.h>
#include <linux/mman.h>
#include <mm/user/filemap.h>
#include <mm/user/mm_internal.h>

_Static_assert(PROT_READ == VM_READ && PROT_WRITE == VM_WRITE && PROT_EXEC == VM_EXEC,
               "rights need no translation");

/* ---- removing ---- */

static inline bool overlaps(const struct vm_area *area, u32 start, u32 end)
{
    return area && area->start < end && area->end > start;
}

/*
 * Free the table of the 4 MiB around addr, where something was removed, if it exists and no area
 * needs it. The area there, or the one above, is usually the one found last.
 */
static void free_unused_table(struct mm *mm, u32 addr)
{
    u32 start = ALIGN_DOWN(addr, LARGE_PAGE_SIZE), end = start + LARGE_PAGE_SIZE;
    const struct vm_area *near = mm->recent;

    if (near && (overlaps(near, start, end) || overlaps(near->prev, start, end)))
        return;
    if (pgd_user_pte(mm->pgd, addr) && !overlaps(mm_area_above(mm, start), start, end))
        user_table_remove(mm, addr);
}

/* Remove [start, end), which touches an end of the area, from the area. */
static void trim_area(struct mm *mm, struct vm_area *area, u32 start, u32 end)
{
    if (start > area->start) {
        vma_set_end(mm, area, start);
    } else if (end < area->end) {
        vma_set_start(mm, area, end);
    } else {
        vma_remove(mm, area);
        vma_free(area);
    }
}

static void unmap_piece(struct mm *mm, struct vm_area *area, u32 start, u32 end)
{
    user_zap(mm, start, end);
    trim_area(mm, area, start, end);
    free_unused_table(mm, start);
    cond_resched();
}

/* True when [start, end) lies inside an area with something left on both sides. */
static bool needs_split(const struct vm_area *area, u32 start, u32 end)
{
    return area && area->start < start && area->end > end;
}

int mm_get_split_node(struct mm *mm, u32 start, u32 end, struct vm_area **node)
{
    *node = NULL;
    if (!needs_split(mm_area_above(mm, start), start, end))
        return 0;
    if (mm->area_count >= MM_AREAS_MAX)
        return -ENOMEM;
    *node = vma_alloc();
    return *node ? 0 : -ENOMEM;
}

/*
 * Remove all mappings in [start, end), piece by piece, from the lower end of each area or, if the
 * lower end stays, from the upper end. `area` is the first that ends above start, `node` what
 * mm_get_split_node() got. Cannot fail.
 */
static void unmap_from(struct mm *mm, struct vm_area *area, u32 start, u32 end,
                       struct vm_area *node)
{
    if (unlikely(node)) {
        if (needs_split(area, start, end))
            vma_split(mm, area, end, node);
        else
            vma_free_unused(node);
    }
    if (area && area->start < start) {
        while (area->end > start)
            unmap_piece(mm, area, user_piece_start(mm, start, area->end), area->end);
        area = area->next;
    }
    while (area && area->start < end) {
        u32 from = area->start, stop = user_piece_end(mm, from, min(end, area->end));

        unmap_piece(mm, area, from, stop);
        area = stop < end ? mm_area_above(mm, stop) : NULL;
    }
}

void mm_unmap_areas(struct mm *mm, u32 start, u32 end, struct vm_area *node)
{
    unmap_from(mm, mm_area_above(mm, start), start, end, node);
}

int mm_unmap(struct mm *mm, u32 start, u32 end)
{
    struct vm_area *area = mm_area_above(mm, start), *node = NULL;

    if (needs_split(area, start, end) && mm_get_split_node(mm, start, end, &node))
        return -ENOMEM;
    unmap_from(mm, area, start, end, node);
    return 0;
}

int mm_munmap(struct mm *mm, u32 addr, u32 size)
{
    if (!IS_ALIGNED(addr, PAGE_SIZE) || size == 0 || !mm_in_user_half(addr, size))
        return -EINVAL;
    return mm_unmap(mm, addr, addr + PAGE_ALIGN(size));
}

/* ---- adding ---- */

/* True when no area is in [start, end), and no stack is too near above it. */
static bool range_is_free(struct mm *mm, u32 start, u32 end)
{
    const struct vm_area *next = mm_area_above(mm, start);

    return !next || vma_floor(next) >= end;
}

static int add_area(struct mm *mm, u32 start, u32 size, u32 flags, const char *name,
                    struct address_space *file, u32 pgoff, const void *caller)
{
    struct vm_area *area;

    if (!IS_ALIGNED(start | size, PAGE_SIZE) || size == 0 || start < MMAP_MIN_ADDR ||
        !mm_in_user_half(start, size))
        return -EINVAL;
    area = mm_area_above(mm, start);
    if (area && area->start < start + size)
        return -EEXIST;
    if (mm->area_count >= MM_AREAS_MAX)
        return -ENOMEM;
    area = vma_new(start, start + size, flags, name, file, pgoff, caller);
    if (!area)
        return -ENOMEM;
    vma_enter(mm, area);
    return 0;
}

int mm_add_area(struct mm *mm, u32 start, u32 size, u32 flags, const char *name,
                struct address_space *file, u32 pgoff)
{
    return add_area(mm, start, size, flags, name, file, pgoff, __builtin_return_address(0));
}

u32 mm_choose_address(struct mm *mm, u32 hint, u32 size)
{
    u32 addr;

    hint = ALIGN_DOWN(hint, PAGE_SIZE);
    if (hint && mm_in_user_half(hint, size)) {
        hint = max(hint, (u32)MMAP_MIN_ADDR);
        if (mm_in_user_half(hint, size) && range_is_free(mm, hint, hint + size))
            return hint;
    }
    addr = vma_find_gap(mm, size, MMAP_BASE);
    return addr ? addr : vma_find_gap(mm, size, TASK_SIZE);
}

static long check_fixed(struct mm *mm, u32 addr, u32 size, u32 flags)
{
    const struct vm_area *next;

    if (!IS_ALIGNED(addr, PAGE_SIZE))
        return -EINVAL;
    if (!mm_in_user_half(addr, size))
        return -ENOMEM;
    if (addr < MMAP_MIN_ADDR)
        return -EPERM;
    next = mm_area_above(mm, addr);
    if (flags & MAP_FIXED_NOREPLACE && next && next->start < addr + size)
        return -EEXIST;
    return 0;
}

/* The VM_* flags of a mapping, or an error. */
static long mapping_flags(u32 prot, u32 flags, bool has_file)
{
    u32 type = flags & MAP_TYPE, vm = prot & (VM_ACCESS | VM_NEVER_WRITE | VM_WRITER);

    if (type != MAP_PRIVATE && type != MAP_SHARED && !(type == MAP_SHARED_VALIDATE && has_file))
        return -EINVAL;
    if (flags & MAP_HUGETLB)
        return -EINVAL;
    if (type != MAP_PRIVATE)
        vm |= VM_SHARED;
    if (flags & MAP_GROWSDOWN) {
        if (has_file || vm & VM_SHARED)
            return -EINVAL;
        vm |= VM_GROWSDOWN;
    }
    return vm;
}

/* Touch every page of an area until memory runs out; this is not reported. */
static void populate(struct mm *mm, u32 addr, u32 end, u32 flags)
{
    bool write = (flags & (VM_WRITE | VM_SHARED)) == VM_WRITE;

    for (; addr < end && mm_fault(mm, addr, write) == MM_FAULT_OK; addr += PAGE_SIZE)
        cond_resched();
}

/* Everything is checked: get the nodes, make room, enter the area. */
static int enter_mapping(struct mm *mm, u32 addr, u32 size, u32 flags, struct address_space *file,
                         u32 pgoff, const void *caller)
{
    struct vm_area *area, *node;
    int err = mm->area_count >= MM_AREAS_MAX ? -ENOMEM : 0;

    if (!err)
        err = mm_get_split_node(mm, addr, addr + size, &node);
    if (err)
        return err;
    area = vma_new(addr, addr + size, flags, NULL, file, pgoff, caller);
    if (!area) {
        vma_free_unused(node);
        return -ENOMEM;
    }
    mm_unmap_areas(mm, addr, addr + size, node);
    vma_enter(mm, area);
    return 0;
}

/* The same for shared memory without a file: it gets a new file mapping. */
static int enter_shared_memory(struct mm *mm, u32 addr, u32 size, u32 flags, const void *caller)
{
    struct address_space *memory = mapping_new(size);
    int err;

    if (!memory)
        return -ENOMEM;
    err = enter_mapping(mm, addr, size, flags, memory, 0, caller);
    mapping_put(memory); /* the area has its own reference */
    return err;
}

long mm_mmap(struct mm *mm, u32 addr, u32 size, u32 prot, u32 flags, struct address_space *file,
             u32 pgoff)
{
    long vm = mapping_flags(prot, flags, file != NULL), err;

    if (vm < 0)
        return vm;
    if (size == 0)
        return -EINVAL;
    if (size > TASK_SIZE)
        return -ENOMEM;
    size = PAGE_ALIGN(size);
    if (file && pgoff + (size >> PAGE_SHIFT) < pgoff)
        return -EOVERFLOW;
    if (flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) {
        err = check_fixed(mm, addr, size, flags);
        if (err)
            return err;
    } else {
        addr = mm_choose_address(mm, addr, size);
        if (!addr)
            return -ENOMEM;
    }
    if (!mm_may_expand(mm, vm, size, addr, size))
        return -ENOMEM;
    if (!file && vm & VM_SHARED)
        err = enter_shared_memory(mm, addr, size, vm, __builtin_return_address(0));
    else
        err = enter_mapping(mm, addr, size, vm, file, pgoff, __builtin_return_address(0));
    if (err)
        return err;
    if (flags & MAP_POPULATE)
        populate(mm, addr, addr + size, vm);
    return addr;
}

long mm_map_apart(struct mm *mm, u32 size, const char *name, struct address_space *file, u32 pgoff)
{
    u32 addr = mm_choose_address(mm, 0, size);
    int err =
        addr ? add_area(mm, addr, size, VM_READ, name, file, pgoff, __builtin_return_address(0))
             : -ENOMEM;

    return err ? err : (long)addr;
}
