/*
 * Address spaces when memory runs out (invariant I9): every allocation of every operation is
 * refused once. Then the operation fails as its header says, and areas, pages, tables, entries and
 * files' references are the same as before; the audit finds nothing, and the operation works when
 * it is tried again.
 */
#include "tests/mm/user/space.h"
#include <mm/fail.h>
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
static bool refuse(bool (*operation)(void), u32 k)
{
    struct state before = state(), after;
    bool succeeded;

    alloc_fail_countdown = k;
    succeeded = operation();
    if (alloc_fail_countdown) {
        alloc_fail_countdown = 0;
        expect(succeeded);
        return false;
    }
    after = state();
    expect(!succeeded);
    if (memcmp(&before, &after, sizeof(before)) != 0)
        ktest_fail(__FILE__, __LINE__,
                   "allocation %u refused: areas %u -> %u, pages %u -> %u, tables %u -> %u, free "
                   "%u -> %u, references %d -> %d",
                   k, before.areas, after.areas, before.pages, after.pages, before.tables,
                   after.tables, before.free, after.free, before.references, after.references);
    expect_none(mm_audit());
    return true;
}

/* `least`: the minimum number of allocations of the operation. */
static void sweep(bool (*operation)(void), u32 least)
{
    u32 k = 1;

    if (!make_space())
        return;
    while (k < ALLOCATIONS_MAX && ktest_ok() && refuse(operation, k))
        k++;
    expect(k > least);
    expect_none(mm_audit());
    drop_space();
}

static bool run_fork(void)
{
    struct mm *child = mm_fork(mm);

    if (child)
        mm_put(child);
    return child != NULL;
}

KTEST(mm_fail, fork)
{
    sweep(run_fork, 6);
}

/* Into the middle of an area: a node for the hole, one for the mapping. */
static bool run_mmap_fixed(void)
{
    long addr = mm_mmap(mm, PAGE(10), 5 * PAGE_SIZE, PROT_READ,
                        MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS, NULL, 0);

    expect(addr == (long)PAGE(10) || addr == -ENOMEM);
    return addr != -ENOMEM;
}

KTEST(mm_fail, mmap_fixed)
{
    sweep(run_mmap_fixed, 1);
}

static bool run_mmap_shared(void)
{
    long addr = mm_mmap(mm, PAGE(200), PAGE_SIZE, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_FIXED | MAP_ANONYMOUS, NULL, 0);

    expect(addr == (long)PAGE(200) || addr == -ENOMEM);
    return addr != -ENOMEM;
}

KTEST(mm_fail, mmap_shared)
{
    sweep(run_mmap_shared, 1);
}

static bool run_munmap(void)
{
    int err = mm_munmap(mm, PAGE(10), 5 * PAGE_SIZE);

    expect(err == 0 || err == -ENOMEM);
    return err == 0;
}

KTEST(mm_fail, munmap)
{
    sweep(run_munmap, 1);
}

/* Without a hole no node is needed: this cannot fail. */
static bool run_munmap_end(void)
{
    return mm_munmap(mm, PAGE(10), (PAGES - 10) * PAGE_SIZE) == 0;
}

KTEST(mm_fail, munmap_of_an_end_needs_nothing)
{
    sweep(run_munmap_end, 0);
}

static bool run_mprotect(void)
{
    int err = mm_mprotect(mm, PAGE(10), 5 * PAGE_SIZE, PROT_NONE);

    expect(err == 0 || err == -ENOMEM);
    return err == 0;
}

KTEST(mm_fail, mprotect)
{
    sweep(run_mprotect, 1);
}

static bool run_mremap(void)
{
    u32 edge = BASE + LARGE_PAGE_SIZE - 20 * PAGE_SIZE;
    long addr = mm_mremap(mm, edge + PAGE_SIZE, (PAGES - 2) * PAGE_SIZE, PAGES * PAGE_SIZE,
                          MREMAP_MAYMOVE, 0);

    return addr != -ENOMEM;
}

KTEST(mm_fail, mremap)
{
    sweep(run_mremap, 3);
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
    sweep(run_first_write, 1);
    sweep(run_file_page, 1);
    sweep(run_stack, 1);
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
    expect(refuse(run_new_table, 1));
    expect(refuse(run_new_table_and_page, 2));
    expect(!refuse(run_new_table, 2));
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
