/* mmap, munmap, mprotect, madvise, mremap on address spaces in which no task runs. */
#include "tests/mm/user/space.h"

#define ANON      (MAP_PRIVATE | MAP_ANONYMOUS)
#define PROT_RW   (PROT_READ | PROT_WRITE)
#define is_err(x) ((u32)(x) >= 0xfffff000u)

/* ---- where ---- */

KTEST(mm_map, goes_down_from_the_top)
{
    struct mm *mm = mm_create();
    u32 one, two;

    if (!expect(mm != NULL))
        return;
    one = mm_mmap(mm, 0, PAGE_SIZE, PROT_RW, ANON, NULL, 0);
    expect_eq(one, MMAP_BASE - PAGE_SIZE);
    two = mm_mmap(mm, 0, 100, PROT_RW, ANON, NULL, 0);
    expect_eq(two, MMAP_BASE - 2 * PAGE_SIZE);
    expect_area(mm, two, MMAP_BASE, RW); /* alike and adjacent: one area */
    expect_eq(mm_mmap(mm, 0, PAGE_SIZE, PROT_READ, ANON, NULL, 0), MMAP_BASE - 3 * PAGE_SIZE);
    expect_eq(mm->area_count, 2);
    mm_put(mm);
}

KTEST(mm_map, takes_the_highest_gap_that_fits)
{
    struct mm *mm = space_with(100, RW);
    u32 sizes[] = {1, 2, 3, 2, 1};

    if (!mm)
        return;
    /* Gaps of 1, 2, 3, 2, 1 pages at 10, 20, 30, 40, 50; everything above is taken. */
    expect_eq(mm_add_area(mm, PAGE(100), MMAP_BASE - PAGE(100), VM_READ, NULL, NULL, 0), 0);
    for (u32 i = 0; i < ARRAY_SIZE(sizes); i++)
        expect_eq(mm_munmap(mm, PAGE(10 * (i + 1)), sizes[i] * PAGE_SIZE), 0);
    expect_eq(vma_find_gap(mm, PAGE_SIZE, MMAP_BASE), PAGE(50));
    expect_eq(vma_find_gap(mm, PAGE_SIZE, PAGE(50)), PAGE(41));
    expect_eq(vma_find_gap(mm, 2 * PAGE_SIZE, MMAP_BASE), PAGE(40));
    expect_eq(vma_find_gap(mm, 2 * PAGE_SIZE, PAGE(41)), PAGE(31));
    expect_eq(vma_find_gap(mm, 3 * PAGE_SIZE, MMAP_BASE), PAGE(30));
    expect_eq(vma_find_gap(mm, 4 * PAGE_SIZE, MMAP_BASE), BASE - 4 * PAGE_SIZE);
    expect_eq(vma_find_gap(mm, BASE - MMAP_MIN_ADDR, MMAP_BASE), MMAP_MIN_ADDR);
    expect_eq(vma_find_gap(mm, BASE - MMAP_MIN_ADDR + PAGE_SIZE, MMAP_BASE), 0);
    mm_put(mm);
}

/* Between two areas that it would continue and that would continue it: all three stay separate. */
KTEST(mm_map, what_is_mapped_apart_joins_nobody)
{
    struct address_space *file = mapping_new(3 * PAGE_SIZE);
    struct mm *mm = mm_create();
    u32 base;

    if (!expect(mm && file))
        return;
    base = mm_mmap(mm, 0, 3 * PAGE_SIZE, PROT_READ, MAP_PRIVATE, file, 0);
    expect_eq(mm_munmap(mm, base + PAGE_SIZE, PAGE_SIZE), 0);
    expect_eq(mm_map_apart(mm, PAGE_SIZE, "[apart]", file, 1), base + PAGE_SIZE);
    expect_eq(mm->area_count, 3);
    expect_eq(mm_munmap(mm, base + PAGE_SIZE, PAGE_SIZE), 0);
    expect_eq(mm->area_count, 2);
    mm_put(mm);
    mapping_put(file);
}

/* The kernel does not put a mapping just below a stack, which needs space to grow. */
KTEST(mm_map, keeps_away_from_stacks)
{
    struct mm *mm = mm_create();

    if (!expect(mm != NULL))
        return;
    expect_eq(
        mm_add_area(mm, MMAP_BASE - PAGE_SIZE, PAGE_SIZE, RW | VM_GROWSDOWN, "[stack]", NULL, 0),
        0);
    expect_eq(mm_mmap(mm, 0, PAGE_SIZE, PROT_RW, ANON, NULL, 0),
              MMAP_BASE - 2 * PAGE_SIZE - MM_GUARD_GAP);
    expect(mm_mmap(mm, MMAP_BASE - MM_GUARD_GAP, PAGE_SIZE, PROT_RW, ANON, NULL, 0) !=
           (long)(MMAP_BASE - MM_GUARD_GAP)); /* a hint is not used there, either */
    expect_none(vma_check(mm));
    mm_put(mm);
}

KTEST(mm_map, hints)
{
    struct mm *mm = space_with(1, RW);

    if (!mm)
        return;
    expect_eq(mm_mmap(mm, PAGE(5) + 1, PAGE_SIZE, PROT_READ, ANON, NULL, 0), PAGE(5));
    expect_eq(mm_mmap(mm, BASE, PAGE_SIZE, PROT_READ, ANON, NULL, 0), MMAP_BASE - PAGE_SIZE);
    expect_eq(mm_mmap(mm, PAGE_SIZE, PAGE_SIZE, PROT_READ, ANON, NULL, 0), MMAP_MIN_ADDR);
    expect_eq(mm_mmap(mm, 0xfffff001, PAGE_SIZE, PROT_READ, ANON, NULL, 0),
              MMAP_BASE - 2 * PAGE_SIZE);
    expect_eq(mm_mmap(mm, PAGE_SIZE - 1, PAGE_SIZE, PROT_READ, ANON, NULL, 0),
              MMAP_BASE - 3 * PAGE_SIZE); /* rounded down it is not a hint */
    mm_put(mm);
}

KTEST(mm_map, refusals)
{
    struct mm *mm = space_with(2, RW);
    u32 fixed = ANON | MAP_FIXED;

    if (!mm)
        return;
    expect_eq(mm_mmap(mm, 0, 0, PROT_RW, ANON, NULL, 0), -EINVAL);
    expect_eq(mm_mmap(mm, 0, PAGE_SIZE, PROT_RW, MAP_ANONYMOUS, NULL, 0), -EINVAL);
    expect_eq(mm_mmap(mm, 0, TASK_SIZE, PROT_RW, ANON, NULL, 0), -ENOMEM);
    expect_eq(mm_mmap(mm, 0, 0xffffffff, PROT_RW, ANON, NULL, 0), -ENOMEM);
    expect_eq(mm_mmap(mm, BASE + 1, PAGE_SIZE, PROT_RW, fixed, NULL, 0), -EINVAL);
    expect_eq(mm_mmap(mm, 0, PAGE_SIZE, PROT_RW, fixed, NULL, 0), -EPERM);
    expect_eq(mm_mmap(mm, MMAP_MIN_ADDR - PAGE_SIZE, PAGE_SIZE, PROT_RW, fixed, NULL, 0), -EPERM);
    expect_eq(mm_mmap(mm, TASK_SIZE - PAGE_SIZE, 2 * PAGE_SIZE, PROT_RW, fixed, NULL, 0), -ENOMEM);
    expect_eq(mm_mmap(mm, PAGE_OFFSET, PAGE_SIZE, PROT_RW, fixed, NULL, 0), -ENOMEM);
    expect_eq(mm_mmap(mm, PAGE(1), PAGE_SIZE, PROT_RW, ANON | MAP_FIXED_NOREPLACE, NULL, 0),
              -EEXIST);
    expect_eq(mm_munmap(mm, BASE + 1, PAGE_SIZE), -EINVAL);
    expect_eq(mm_munmap(mm, BASE, 0), -EINVAL);
    expect_eq(mm_munmap(mm, TASK_SIZE - PAGE_SIZE, 2 * PAGE_SIZE), -EINVAL);
    expect_eq(mm_munmap(mm, 0, PAGE_SIZE), 0);
    expect_area(mm, BASE, PAGE(2), RW);
    expect_eq(mm->area_count, 1);
    mm_put(mm);
}

KTEST(mm_map, fixed_replaces)
{
    struct mm *mm = space_with(5, RW);

    if (!mm)
        return;
    put_pages(mm, 5, 1);
    expect_eq(mm_mmap(mm, PAGE(1), 3 * PAGE_SIZE, PROT_READ, ANON | MAP_FIXED, NULL, 0), PAGE(1));
    expect_eq(mm->pages, 2);
    expect_area(mm, BASE, PAGE(1), RW);
    expect_area(mm, PAGE(1), PAGE(4), VM_READ);
    expect_area(mm, PAGE(4), PAGE(5), RW);
    expect_eq(get_word(mm, PAGE(0)), 1);
    expect_eq(get_word(mm, PAGE(2)), 0);
    expect_eq(get_word(mm, PAGE(4)), 5);
    mm_put(mm);
}

KTEST(mm_map, populate_touches)
{
    struct mm *mm = mm_create();

    if (!expect(mm != NULL))
        return;
    expect(!is_err(mm_mmap(mm, 0, 10 * PAGE_SIZE, PROT_RW, ANON | MAP_POPULATE, NULL, 0)));
    expect_eq(mm->pages, 10);
    mm_put(mm);
}

/* ---- munmap ---- */

KTEST(mm_map, munmap_makes_holes)
{
    struct mm *mm = space_with(10, RW);

    if (!mm)
        return;
    put_pages(mm, 10, 50);
    expect_eq(mm_munmap(mm, PAGE(3), 2 * PAGE_SIZE), 0);
    expect_eq(mm_munmap(mm, PAGE(0), PAGE_SIZE), 0);
    expect_eq(mm_munmap(mm, PAGE(9), PAGE_SIZE), 0);
    expect_area(mm, PAGE(1), PAGE(3), RW);
    expect_area(mm, PAGE(5), PAGE(9), RW);
    expect_eq(mm->pages, 6);
    expect_eq(mm_fault(mm, PAGE(4), false), MM_FAULT_NO_AREA);
    expect_eq(get_word(mm, PAGE(5)), 55);
    expect_none(vma_check(mm));
    expect_eq(mm_munmap(mm, PAGE(2), 5 * PAGE_SIZE), 0); /* two areas and the hole between them */
    expect_area(mm, PAGE(1), PAGE(2), RW);
    expect_area(mm, PAGE(7), PAGE(9), RW);
    expect_eq(mm_munmap(mm, 0, TASK_SIZE), 0);
    expect_eq(mm->area_count, 0);
    expect_eq(mm->pages, 0);
    expect_eq(mm->tables, 0);
    mm_put(mm);
}

/* Each table is freed with the last area of its 4 MiB. */
KTEST(mm_map, munmap_frees_tables)
{
    struct mm *mm = mm_create();
    u32 size = 3 * LARGE_PAGE_SIZE;

    if (!expect(mm != NULL))
        return;
    expect_eq(mm_add_area(mm, BASE + PAGE_SIZE, size, RW, NULL, NULL, 0), 0);
    for (u32 at = BASE + PAGE_SIZE; at < BASE + PAGE_SIZE + size; at += MIB(1))
        put_word(mm, at, at);
    put_word(mm, BASE + size, 1);
    expect_eq(mm->tables, 4);
    expect_eq(mm_munmap(mm, BASE + LARGE_PAGE_SIZE, LARGE_PAGE_SIZE), 0);
    expect_eq(mm->tables, 3);
    expect_eq(mm_munmap(mm, BASE + size, PAGE_SIZE), 0);
    expect_eq(mm->tables, 2);
    expect_eq(mm_munmap(mm, BASE + 2 * PAGE_SIZE, size - 2 * PAGE_SIZE), 0);
    expect_eq(mm->tables, 1);
    expect_eq(get_word(mm, BASE + PAGE_SIZE), BASE + PAGE_SIZE);
    mm_put(mm);
}

/* ---- mprotect ---- */

KTEST(mm_map, mprotect_splits_and_joins)
{
    struct mm *mm = space_with(10, RW);

    if (!mm)
        return;
    put_pages(mm, 10, 7);
    expect_eq(mm_mprotect(mm, PAGE(3), 2 * PAGE_SIZE - 1, PROT_READ), 0);
    expect_area(mm, PAGE(0), PAGE(3), RW);
    expect_area(mm, PAGE(3), PAGE(5), VM_READ);
    expect_area(mm, PAGE(5), PAGE(10), RW);
    expect_eq(mm_fault(mm, PAGE(3), true), MM_FAULT_READONLY);
    expect_eq(mm_fault(mm, PAGE(5), true), MM_FAULT_OK);
    expect(!(entry_at(mm, PAGE(4)) & PTE_RW));
    expect_eq(mm_mprotect(mm, PAGE(5), PAGE_SIZE, PROT_READ), 0);
    expect_area(mm, PAGE(3), PAGE(6), VM_READ);
    expect_eq(mm_mprotect(mm, PAGE(2), 5 * PAGE_SIZE, PROT_RW), 0);
    expect_area(mm, PAGE(0), PAGE(10), RW);
    expect_eq(mm->area_count, 1);
    put_word(mm, PAGE(4), 11);
    expect_eq(get_word(mm, PAGE(4)), 11);
    expect_none(vma_check(mm));
    mm_put(mm);
}

KTEST(mm_map, mprotect_none_and_back)
{
    struct mm *mm = space_with(4, RW);
    struct page *page;

    if (!mm)
        return;
    put_pages(mm, 3, 20);
    page = page_at(mm, PAGE(1));
    expect_eq(mm_mprotect(mm, BASE, 4 * PAGE_SIZE, PROT_NONE), 0);
    expect(!(entry_at(mm, PAGE(1)) & PTE_P));
    expect_eq(mm_fault(mm, PAGE(1), false), MM_FAULT_NO_ACCESS);
    expect_eq(mm_fault(mm, PAGE(1), true), MM_FAULT_NO_ACCESS);
    expect_eq(mm_fault(mm, PAGE(3), false), MM_FAULT_NO_ACCESS);
    expect_eq(mm->pages, 3);
    expect_none(mm_audit());
    expect_eq(mm_mprotect(mm, BASE, 4 * PAGE_SIZE, PROT_READ), 0);
    expect(entry_at(mm, PAGE(1)) & PTE_P);
    expect_pages(mm, 3, 20);
    expect_eq(page_at(mm, PAGE(1)), page);
    expect_eq(mm_mprotect(mm, BASE, 4 * PAGE_SIZE, PROT_RW), 0);
    put_word(mm, PAGE(1), 1);
    expect_eq(page_at(mm, PAGE(1)), page); /* not shared: nothing was copied */
    mm_put(mm);
}

/* Write permission does not make a shared page writable. */
KTEST(mm_map, mprotect_does_not_undo_sharing)
{
    struct mm *mm = space_with(2, RW), *child;

    if (!mm)
        return;
    put_pages(mm, 1, 20);
    expect_eq(get_word(mm, PAGE(1)), 0);
    child = mm_fork(mm);
    if (!expect(child != NULL))
        return;
    expect_eq(mm_mprotect(mm, BASE, 2 * PAGE_SIZE, PROT_READ), 0);
    expect_eq(mm_mprotect(mm, BASE, 2 * PAGE_SIZE, PROT_RW), 0);
    expect_none(mm_audit());
    put_word(mm, PAGE(0), 1);
    put_word(mm, PAGE(1), 1);
    expect_eq(get_word(child, PAGE(0)), 20);
    expect_eq(get_word(child, PAGE(1)), 0);
    mm_put(child);
    mm_put(mm);
}

KTEST(mm_map, mprotect_refusals_change_nothing)
{
    struct mm *mm = space_with(4, RW);

    if (!mm)
        return;
    expect_eq(mm_munmap(mm, PAGE(2), PAGE_SIZE), 0);
    expect_eq(mm_mprotect(mm, BASE + 1, PAGE_SIZE, PROT_READ), -EINVAL);
    expect_eq(mm_mprotect(mm, BASE, PAGE_SIZE, 0x100), -EINVAL);
    expect_eq(mm_mprotect(mm, BASE, 4 * PAGE_SIZE, PROT_READ), -ENOMEM);
    expect_eq(mm_mprotect(mm, PAGE(3), 2 * PAGE_SIZE, PROT_READ), -ENOMEM);
    expect_eq(mm_mprotect(mm, TASK_SIZE, PAGE_SIZE, PROT_READ), -ENOMEM);
    expect_eq(mm_mprotect(mm, BASE, 0, PROT_READ), 0);
    expect_area(mm, PAGE(0), PAGE(2), RW);
    expect_area(mm, PAGE(3), PAGE(4), RW);
    mm_put(mm);
}

/* ---- madvise ---- */

KTEST(mm_map, madvise)
{
    struct mm *mm = space_with(4, RW);

    if (!mm)
        return;
    put_pages(mm, 4, 20);
    expect_eq(mm_madvise(mm, PAGE(1), 2 * PAGE_SIZE, MADV_DONTNEED), 0);
    expect_eq(mm->pages, 2);
    expect_eq(get_word(mm, PAGE(1)), 0);
    expect_eq(get_word(mm, PAGE(3)), 23);
    expect_eq(mm_madvise(mm, BASE, PAGE_SIZE, MADV_NORMAL), 0);
    expect_eq(mm_madvise(mm, BASE, PAGE_SIZE, MADV_FREE), 0);
    expect_eq(get_word(mm, BASE), 20);
    expect_eq(mm_madvise(mm, BASE, PAGE_SIZE, 12345), -EINVAL);
    expect_eq(mm_madvise(mm, BASE + 1, PAGE_SIZE, MADV_NORMAL), -EINVAL);
    expect_eq(mm_madvise(mm, BASE, 0xffffffff, MADV_NORMAL), -EINVAL);
    expect_eq(mm_madvise(mm, PAGE(3), 2 * PAGE_SIZE, MADV_DONTNEED), -ENOMEM);
    expect_eq(get_word(mm, PAGE(3)), 23);
    expect_eq(mm_madvise(mm, BASE, 0, MADV_DONTNEED), 0);
    mm_put(mm);
}

/* ---- mremap ---- */

KTEST(mm_map, mremap_in_place)
{
    struct mm *mm = space_with(4, RW);

    if (!mm)
        return;
    put_pages(mm, 4, 20);
    expect_eq(mm_mremap(mm, BASE, 4 * PAGE_SIZE, 2 * PAGE_SIZE, 0, 0), BASE);
    expect_area(mm, BASE, PAGE(2), RW);
    expect_eq(mm->pages, 2);
    expect_eq(mm_mremap(mm, BASE, 2 * PAGE_SIZE, 5 * PAGE_SIZE, 0, 0), BASE);
    expect_area(mm, BASE, PAGE(5), RW);
    expect_eq(get_word(mm, PAGE(1)), 21);
    expect_eq(get_word(mm, PAGE(3)), 0);
    expect_eq(mm_add_area(mm, PAGE(6), PAGE_SIZE, VM_READ, NULL, NULL, 0), 0);
    expect_eq(mm_mremap(mm, BASE, 5 * PAGE_SIZE, 7 * PAGE_SIZE, 0, 0), -ENOMEM);
    expect_area(mm, BASE, PAGE(5), RW);
    mm_put(mm);
}

KTEST(mm_map, mremap_moves_pages)
{
    struct mm *mm = space_with(40, RW);
    struct page *page;
    u32 to;

    if (!mm)
        return;
    put_pages(mm, 40, 20);
    page = page_at(mm, PAGE(11));
    expect_eq(mm_add_area(mm, PAGE(40), PAGE_SIZE, VM_READ, NULL, NULL, 0), 0);
    /* The middle of the area, and longer. */
    to = mm_mremap(mm, PAGE(10), 20 * PAGE_SIZE, 30 * PAGE_SIZE, MREMAP_MAYMOVE, 0);
    expect_eq(to, MMAP_BASE - 30 * PAGE_SIZE);
    expect_area(mm, BASE, PAGE(10), RW);
    expect_area(mm, PAGE(30), PAGE(40), RW);
    expect_area(mm, to, MMAP_BASE, RW);
    expect_eq(page_at(mm, to + PAGE_SIZE), page);
    expect_eq(get_word(mm, to + 19 * PAGE_SIZE), 49);
    expect_eq(mm_fault(mm, PAGE(10), false), MM_FAULT_NO_AREA);
    /* To a fixed place, over something else, across a border between two tables, and shorter. */
    expect_eq(mm_mremap(mm, to, 30 * PAGE_SIZE, 10 * PAGE_SIZE, MREMAP_MAYMOVE | MREMAP_FIXED,
                        BASE + LARGE_PAGE_SIZE - 5 * PAGE_SIZE),
              BASE + LARGE_PAGE_SIZE - 5 * PAGE_SIZE);
    expect_eq(get_word(mm, BASE + LARGE_PAGE_SIZE - 4 * PAGE_SIZE), 31);
    expect_eq(get_word(mm, BASE + LARGE_PAGE_SIZE + 4 * PAGE_SIZE), 39);
    expect(mm_find_area(mm, to) == NULL);
    expect_eq(mm_mremap(mm, BASE + LARGE_PAGE_SIZE, PAGE_SIZE, PAGE_SIZE,
                        MREMAP_MAYMOVE | MREMAP_FIXED, PAGE(5)),
              PAGE(5));
    expect_eq(get_word(mm, PAGE(5)), 35);
    expect_eq(get_word(mm, PAGE(6)), 26);
    expect_none(mm_audit());
    mm_put(mm);
}

/* Pages of one table go to two, of which neither exists. */
KTEST(mm_map, mremap_needs_more_tables)
{
    struct mm *mm = space_with(4, RW);
    u32 to = BASE + 8 * LARGE_PAGE_SIZE - 2 * PAGE_SIZE;

    if (!mm)
        return;
    put_pages(mm, 4, 7);
    expect_eq(mm_mremap(mm, BASE, 4 * PAGE_SIZE, 4 * PAGE_SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, to),
              to);
    for (u32 i = 0; i < 4; i++)
        expect_eq(get_word(mm, to + i * PAGE_SIZE), 7 + i);
    expect_eq(mm->tables, 2);
    expect_none(mm_audit());
    mm_put(mm);
}

KTEST(mm_map, mremap_refusals)
{
    struct mm *mm = space_with(4, RW);
    u32 fixed = MREMAP_MAYMOVE | MREMAP_FIXED;

    if (!mm)
        return;
    expect_eq(mm_mremap(mm, BASE, PAGE_SIZE, 0, 0, 0), -EINVAL);
    expect_eq(mm_mremap(mm, BASE + 1, PAGE_SIZE, PAGE_SIZE, 0, 0), -EINVAL);
    expect_eq(mm_mremap(mm, BASE, PAGE_SIZE, PAGE_SIZE, MREMAP_FIXED, PAGE(9)), -EINVAL);
    expect_eq(mm_mremap(mm, BASE, PAGE_SIZE, PAGE_SIZE, 0x80, 0), -EINVAL);
    expect_eq(mm_mremap(mm, PAGE(3), 2 * PAGE_SIZE, 3 * PAGE_SIZE, 0, 0), -EFAULT);
    expect_eq(mm_mremap(mm, PAGE(3), 2 * PAGE_SIZE, 2 * PAGE_SIZE, fixed, PAGE(9)), -EFAULT);
    expect_eq(mm_mremap(mm, PAGE(9), PAGE_SIZE, PAGE_SIZE, 0, 0), -EFAULT);
    expect_eq(mm_mremap(mm, BASE, 2 * PAGE_SIZE, 2 * PAGE_SIZE, fixed, PAGE(1)), -EINVAL);
    expect_eq(mm_mremap(mm, BASE, PAGE_SIZE, PAGE_SIZE, fixed, 0), -EPERM);
    expect_eq(mm_mremap(mm, BASE, PAGE_SIZE, PAGE_SIZE, fixed, TASK_SIZE), -EINVAL);
    expect_eq(mm_mremap(mm, BASE, PAGE_SIZE, 0xffffffff, MREMAP_MAYMOVE, 0), -EINVAL);
    expect_eq(mm_mremap(mm, BASE, PAGE_SIZE, TASK_SIZE, MREMAP_MAYMOVE, 0), -ENOMEM);
    expect_eq(mm_mremap(mm, BASE, 0, PAGE_SIZE, MREMAP_MAYMOVE, 0), -EINVAL); /* private */
    expect_eq(mm_mremap(mm, BASE, PAGE_SIZE, PAGE_SIZE, MREMAP_DONTUNMAP, 0), -EINVAL);
    expect_eq(mm_mremap(mm, BASE, PAGE_SIZE, 2 * PAGE_SIZE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, 0),
              -EINVAL);
    expect_area(mm, BASE, PAGE(4), RW);
    mm_put(mm);
}

/* Keeping the size or shrinking may cover areas and holes; a move takes the part that is kept. */
KTEST(mm_map, mremap_over_areas)
{
    struct mm *mm = space_with(8, RW);
    const u32 fixed = MREMAP_MAYMOVE | MREMAP_FIXED;

    if (!mm)
        return;
    put_pages(mm, 8, 20);
    expect_eq(mm_mprotect(mm, PAGE(2), 2 * PAGE_SIZE, PROT_READ), 0);
    expect_eq(mm_munmap(mm, PAGE(6), PAGE_SIZE), 0);
    expect_eq(mm_mremap(mm, BASE, 8 * PAGE_SIZE, 8 * PAGE_SIZE, 0, 0), BASE);
    expect_eq(mm->area_count, 4);
    expect_eq(mm_mremap(mm, PAGE(1), 6 * PAGE_SIZE, PAGE_SIZE, fixed, PAGE(20)), PAGE(20));
    expect_eq(get_word(mm, PAGE(20)), 21);
    expect_area(mm, BASE, PAGE(1), RW);
    expect_area(mm, PAGE(7), PAGE(8), RW);
    expect_eq(mm->area_count, 3);
    expect_eq(mm_mremap(mm, BASE, 21 * PAGE_SIZE, PAGE_SIZE, 0, 0), BASE);
    expect_eq(mm->area_count, 1);
    expect_eq(mm->pages, 1);
    mm_put(mm);
}

/* Two ways to have an area twice: a second place for shared memory; a move that keeps the old. */
KTEST(mm_map, mremap_leaves_the_area)
{
    struct mm *mm = space_with(4, RW);
    const u32 keep = MREMAP_MAYMOVE | MREMAP_DONTUNMAP;
    u32 shared = PAGE(40), second, moved;

    if (!mm)
        return;
    expect_eq(mm_mmap(mm, shared, 2 * PAGE_SIZE, PROT_RW, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED,
                      NULL, 0),
              shared);
    second = mm_mremap(mm, shared + PAGE_SIZE, 0, 2 * PAGE_SIZE, MREMAP_MAYMOVE, 0);
    put_word(mm, second, 5);
    expect_eq(get_word(mm, shared + PAGE_SIZE), 5);
    expect_eq(mm_fault(mm, second + PAGE_SIZE, false), MM_FAULT_BEYOND_FILE);
    put_pages(mm, 4, 20);
    moved = mm_mremap(mm, PAGE(1), 2 * PAGE_SIZE, 2 * PAGE_SIZE, keep, 0);
    expect_eq(get_word(mm, moved), 21);
    expect_eq(get_word(mm, PAGE(1)), 0);
    expect_eq(get_word(mm, PAGE(3)), 23);
    expect_area(mm, BASE, PAGE(4), RW);
    expect_eq(mm_mremap(mm, BASE, PAGE_SIZE, PAGE_SIZE, keep | MREMAP_FIXED, PAGE(3)), PAGE(3));
    expect_eq(get_word(mm, PAGE(3)), 20);
    expect_area(mm, BASE, PAGE(4), RW);
    expect_none(mm_audit());
    mm_put(mm);
}
