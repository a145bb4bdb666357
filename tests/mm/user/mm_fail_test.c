/*
 * Page faults when memory runs out (invariant I9): every allocation is refused once. Then areas,
 * pages, tables, entries and files' references are the same as before; the audit finds nothing, and
 * the fault works when it is tried again. System calls: tests/kernel/syscall/sweep_test.c.
 */
#include "tests/mm/refuse.h"
#include "tests/mm/user/space.h"
#include <lib/string.h>
#include <mm/frame/page_alloc.h>
#include <mm/frame/slab.h>

#define PAGES           40
#define ALLOCATIONS_MAX 100

static struct mm *mm;
static struct address_space *memory;

/* Areas of several kinds, touched in part, across a border between two tables. */
static bool make_space(void)
{
    u32 edge = BASE + LARGE_PAGE_SIZE - 20 * PAGE_SIZE;

    mm = space_with(PAGES, RW);
    memory = mapping_new(4 * PAGE_SIZE);
    if (!mm || !expect(memory != NULL))
        return false;
    for (u32 i = 0; i < PAGES; i += 2)
        put_word(mm, PAGE(i), i);
    expect_eq(mm_add_area(mm, edge, PAGES * PAGE_SIZE, RW, NULL, NULL, 0), 0);
    put_word(mm, edge, 1);
    put_word(mm, edge + 30 * PAGE_SIZE, 1);
    expect_eq(mm_add_area(mm, PAGE(100), 4 * PAGE_SIZE, RW | VM_SHARED, NULL, memory, 0), 0);
    put_word(mm, PAGE(101), 1);
    expect_eq(mm_add_area(mm, PAGE(700), PAGE_SIZE, RW | VM_GROWSDOWN, "[stack]", NULL, 0), 0);
    mm->start_brk = mm->brk = BASE + 8 * LARGE_PAGE_SIZE;
    return ktest_ok();
}

static void drop_space(void)
{
    alloc_fail_countdown = 0; /* not for the next test, if it was not used up */
    mm_put(mm);
    mapping_put(memory);
}

/* What must be the same afterwards. */
struct state {
    u32 areas, pages, tables, free, start, end, brk;
    s32 references;
};

static struct state state(void)
{
    const struct vm_area *stack = mm_find_area(mm, PAGE(700));

    mm_shrink();
    slab_shrink();
    return (struct state){.areas = mm->area_count,
                          .pages = mm->pages,
                          .tables = mm->tables,
                          .free = nr_free_pages() + slab_pages(), /* the number of slabs may vary */
                          .start = stack->start,
                          .end = mm_area_above(mm, 0)->end,
                          .brk = mm->brk,
                          .references = memory->refcount};
}

/* True if the operation failed; false if it did not need that many allocations. */
static bool refuse(bool (*operation)(void), enum alloc_kind kind, u32 k)
{
    struct state before = state(), after;
    bool succeeded;

    refuse_begin(kind, k);
    succeeded = operation();
    if (!refuse_end()) {
        expect(succeeded);
        return false;
    }
    after = state();
    expect(!succeeded);
    if (memcmp(&before, &after, sizeof(before)) != 0)
        ktest_fail(__FILE__, __LINE__,
                   "%s %u refused: areas %u -> %u, pages %u -> %u, tables %u -> %u, free "
                   "%u -> %u, references %d -> %d",
                   alloc_kind_names[kind], k, before.areas, after.areas, before.pages, after.pages,
                   before.tables, after.tables, before.free, after.free, before.references,
                   after.references);
    expect_none(mm_audit());
    return true;
}

/* `least`: the minimum number of allocations of the operation. */
static void sweep(const char *name, bool (*operation)(void), u32 least)
{
    u32 points[ALLOC_KINDS];

    for (u32 kind = 0; kind < ALLOC_KINDS && make_space(); kind++) {
        u32 k = 1;

        while (k < ALLOCATIONS_MAX && ktest_ok() && refuse(operation, kind, k))
            k++;
        points[kind] = k - 1;
        expect_none(mm_audit());
        drop_space();
    }
    expect(ktest_ok() && report_points(name, points) >= least);
}

/* Without a hole no node is needed: this cannot fail. */
static bool run_munmap_end(void)
{
    return mm_munmap(mm, PAGE(10), (PAGES - 10) * PAGE_SIZE) == 0;
}

KTEST(mm_fail, munmap_of_an_end_needs_nothing)
{
    sweep("munmap", run_munmap_end, 0);
}

static bool run_fault(u32 addr, bool write)
{
    enum mm_fault result = mm_fault(mm, addr, write);

    expect(result == MM_FAULT_OK || result == MM_FAULT_NO_MEMORY);
    return result == MM_FAULT_OK;
}

static bool run_first_write(void)
{
    return run_fault(PAGE(1), true);
}

static bool run_file_page(void)
{
    return run_fault(PAGE(102), true);
}

static bool run_stack(void)
{
    return run_fault(PAGE(690), true);
}

/* Where there is no table yet. */
static bool run_new_table(void)
{
    return run_fault(BASE + 8 * LARGE_PAGE_SIZE, false);
}

static bool run_new_table_and_page(void)
{
    return run_fault(BASE + 8 * LARGE_PAGE_SIZE, true);
}

KTEST(mm_fail, fault)
{
    sweep("fault, first write", run_first_write, 1);
    sweep("fault, page of a file", run_file_page, 1);
    sweep("fault, stack", run_stack, 1);
}

/*
 * A read of untouched memory needs a table, but no page; a table that was made for a page is freed
 * if there is no page.
 */
KTEST(mm_fail, fault_that_needs_a_table)
{
    if (!make_space())
        return;
    expect_eq(mm_brk(mm, mm->start_brk + 1), mm->start_brk + 1);
    expect(refuse(run_new_table, ALLOC_FRAME, 1));
    expect(refuse(run_new_table_and_page, ALLOC_FRAME, 2));
    expect(!refuse(run_new_table, ALLOC_FRAME, 2));
    drop_space();
}

/* A write to a page that is shared: the copy cannot be created, both keep the old page. */
KTEST(mm_fail, copy)
{
    struct mm *child;
    u32 word;

    if (!make_space())
        return;
    child = mm_fork(mm);
    if (expect(child != NULL)) {
        alloc_fail_countdown = 1;
        mm_shrink();
        expect_eq(mm_fault(child, PAGE(2), true), MM_FAULT_NO_MEMORY);
        alloc_fail_countdown = 1;
        word = 9;
        expect_eq(mm_write(child, PAGE(2), &word, sizeof(word)), -ENOMEM);
        expect_eq(page_at(child, PAGE(2)), page_at(mm, PAGE(2)));
        expect_eq(get_word(child, PAGE(2)), 2);
        expect_none(mm_audit());
        put_word(child, PAGE(2), 9);
        expect_eq(get_word(mm, PAGE(2)), 2);
        mm_put(child);
    }
    drop_space();
}

static bool run_fork(void)
{
    struct mm *child = mm_fork(mm);

    if (child)
        mm_put(child);
    return child != NULL;
}

/* Nothing is left of a child that is not complete. */
KTEST(mm_fail, fork)
{
    sweep("fork", run_fork, 3);
}

/* When memory is short, pages that files do not need are freed first. */
KTEST(mm_fail, memory_comes_from_clean_pages)
{
    if (!make_space())
        return;
    mm_shrink();
    expect(filemap_get_page(memory, 3, false) != NULL);
    alloc_fail_countdown = 1;
    expect_eq(mm_fault(mm, PAGE(1), true), MM_FAULT_OK);
    expect_eq(alloc_fail_countdown, 0);
    expect_eq(memory->nrpages, 1); /* the one that is mapped */
    drop_space();
}
