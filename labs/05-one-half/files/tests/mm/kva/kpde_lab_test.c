/*
 * Page directories that are older than a mapping (lab 5). Each test runs under the policy of the
 * command line; those of one policy only are skipped under the others.
 */
#include "tests/kernel/process/run.h"
#include "tests/mm/user/space.h"
#include <arch/x86/trap.h>
#include <mm/check/audit.h>
#include <mm/frame/page_alloc.h>
#include <mm/frame/slab.h>
#include <mm/kva/kpde.h>
#include <mm/kva/vmap_area_internal.h>

#define SPAN_PAGES (LARGE_PAGE_SIZE / PAGE_SIZE)
#define KEPT       10                /* directories: more than are kept for reuse */
#define FILLED_MAX (28 * SPAN_PAGES) /* other tests may have used many tables */

/* ---- areas of many pages, all of which show one frame ---- */

static struct page *shown;
static struct page **many;

static bool begin(void)
{
    shown = alloc_page(GFP_KERNEL);
    many = kmalloc(FILLED_MAX * sizeof(*many));
    if (!expect(shown && many))
        return false;
    *(u32 *)page_address(shown) = 0xcafe;
    for (u32 i = 0; i < FILLED_MAX; i++)
        many[i] = shown;
    return true;
}

static void end(void)
{
    kfree(many);
    free_page(shown);
}

/*
 * Where a page table begins that nothing has used so far: the first that the master has no entry
 * for, if there is one.
 */
static u32 new_span(void)
{
    u32 next = ALIGN_UP(vmap_top.start + PAGE_SIZE, LARGE_PAGE_SIZE);

    for (u32 addr = next; addr < VMALLOC_END - LARGE_PAGE_SIZE; addr += LARGE_PAGE_SIZE) {
        if (!pde_present(swapper_pg_dir[PDE_INDEX(addr)]))
            return addr;
    }
    return next; /* the master has them all */
}

/* A filler: an area from the top gap up to `end`, its guard included. */
static void *fill_up_to(u32 end)
{
    u32 pages = (end - vmap_top.start) / PAGE_SIZE - 1;

    return expect(pages <= FILLED_MAX) ? vmap(many, pages) : NULL;
}

/* An area of six MiB from `start` on, which is in the top gap; what is below is filled. */
static volatile u32 *area_at(u32 start, void **filler)
{
    volatile u32 *area;

    *filler = fill_up_to(start);
    area = vmap(many, SPAN_PAGES + SPAN_PAGES / 2);
    expect_eq(area, start);
    return area;
}

static pde_t entry_of(const struct mm *mm, u32 addr)
{
    return mm->pgd[PDE_INDEX(addr)];
}

static bool is_masters(const struct mm *mm, u32 addr)
{
    return pde_present(entry_of(mm, addr)) &&
           entry_of(mm, addr).val == swapper_pg_dir[PDE_INDEX(addr)].val;
}

/* ---- both policies ---- */

KTEST(half, older_directory_sees_two_new_tables)
{
    struct mm *older = mm_create();
    volatile u32 *area;
    void *filler;

    if (expect(older != NULL) && begin()) {
        area = area_at(new_span(), &filler);
        mm_switch(older);
        expect_eq(area[0], 0xcafe);
        expect_eq(area[LARGE_PAGE_SIZE / 4 + 1024], 0xcafe);
        area[LARGE_PAGE_SIZE / 4] = 0xbeef;
        expect_eq(area[0], 0xbeef);
        expect(is_masters(older, (u32)area) && is_masters(older, (u32)area + LARGE_PAGE_SIZE));
        mm_switch(NULL);
        vunmap((void *)area);
        vunmap(filler);
        end();
    }
    mm_put(older);
}

KTEST(half, what_is_not_mapped_still_faults)
{
    struct mm *older = mm_create();
    volatile u32 *area, *unused;
    void *filler;

    if (expect(older != NULL) && begin()) {
        area = area_at(new_span(), &filler);
        unused = (volatile u32 *)(VMALLOC_END - LARGE_PAGE_SIZE - PAGE_SIZE);
        mm_switch(older);
        expect_fault((void)*unused, (u32)unused, 0);
        expect_fault(*unused = 1, (u32)unused, X86_PF_WRITE);
        expect_eq(area[0], 0xcafe);
        expect_fault((void)area[-1], (u32)area - 4, 0); /* the guard of the area below */
        vunmap((void *)area);
        expect_fault((void)area[0], (u32)area, 0);
        mm_switch(NULL);
        vunmap(filler);
        end();
    }
    mm_put(older);
}

static __noinline void expect_no_page(volatile u32 *page)
{
    expect_fault((void)*page, (u32)page, 0);
}

/* A fault at a user address leaves the user half as it is. */
KTEST(half, user_half_is_left_alone)
{
    struct mm *mm = space_with(2, VM_READ | VM_WRITE);
    u32 before;

    if (!expect(mm != NULL))
        return;
    put_word(mm, PAGE(0), 17);
    before = entry_of(mm, PAGE(0)).val;
    mm_switch(mm);
    expect_no_page((volatile u32 *)PAGE(1));
    expect_eq(entry_of(mm, PAGE(0)).val, before | PTE_A); /* the processor sets that */
    expect_no_page((volatile u32 *)(PAGE(1) + 16 * LARGE_PAGE_SIZE));
    mm_switch(NULL);
    mm->pgd[PDE_INDEX(PAGE(0))].val = before;
    mm_put(mm);
}

/* ---- kernel stacks ---- */

/* Take all gaps below the top one that a stack fits into; the addresses are linked in the areas. */
static void *take_gaps(void)
{
    void **area, *all = NULL;

    for (;;) {
        area = vmalloc(THREAD_SIZE);
        if (!expect(area))
            return all;
        *area = all;
        all = area;
        if ((u32)area + THREAD_SIZE + PAGE_SIZE == vmap_top.start)
            return all;
    }
}

static void free_all(void *all)
{
    while (all) {
        void *next = *(void **)all;

        vfree(all);
        all = next;
    }
}

/* Directories of processes that have ended are kept, and are older than what comes. */
static void keep_old_directories(void)
{
    struct mm *mms[KEPT];

    for (u32 i = 0; i < KEPT; i++)
        mms[i] = mm_create();
    for (u32 i = 0; i < KEPT; i++)
        mm_put(mms[i]);
}

/*
 * Programs whose stacks begin at `first`: they have tables that are new. Each has a directory that
 * was made before, and runs beside the others.
 */
static void run_above(u32 first)
{
    void *gaps, *filler;
    u32 pids[3];

    keep_old_directories();
    if (!begin())
        return;
    gaps = take_gaps();
    filler = fill_up_to(first);
    for (u32 i = 0; i < ARRAY_SIZE(pids); i++)
        pids[i] = start_program(ARGV("spin", "until-told"));
    expect_eq(task_find(pids[0])->stack, first);
    sched_sleep(3);
    for (u32 i = 0; i < ARRAY_SIZE(pids); i++) {
        const struct task *task = task_find(pids[i]);

        expect(is_masters(task->mm, (u32)task->stack));
        expect(is_masters(task->mm, task_stack_top(task) - 1));
    }
    expect_none(mm_audit());
    for (u32 i = 0; i < ARRAY_SIZE(pids); i++)
        tell_to_end(pids[i]);
    for (u32 i = 0; i < ARRAY_SIZE(pids); i++)
        expect_eq(wait_for(pids[i]).exit_code, 0);
    vunmap(filler);
    free_all(gaps);
    end();
}

KTEST(half, stacks_under_a_new_table)
{
    run_above(new_span());
}

KTEST(half, a_stack_under_two_tables)
{
    run_above(new_span() + LARGE_PAGE_SIZE - PAGE_SIZE);
}

/* Another stack, which has the first of the two tables, has been used in this directory before. */
KTEST(half, a_stack_whose_first_table_is_there)
{
    struct mm *older = mm_create();
    volatile u32 *area;
    void *filler;

    if (expect(older != NULL) && begin()) {
        u32 border;

        area = area_at(new_span(), &filler);
        border = (u32)area + LARGE_PAGE_SIZE;
        mm_switch(older);
        kpde->stack(older->pgd, (u32)area, (u32)area + THREAD_SIZE);
        kpde->stack(older->pgd, border - PAGE_SIZE, border + PAGE_SIZE);
        expect(is_masters(older, (u32)area) && is_masters(older, border));
        mm_switch(NULL);
        vunmap((void *)area);
        vunmap(filler);
        end();
    }
    if (older)
        mm_put(older);
}

/* ---- one of them only ---- */

static bool only(const char *policy)
{
    if (!kpde_is(policy))
        ktest_skip("only with kpde=%s", policy);
    return kpde_is(policy);
}

KTEST(half, no_entry_ever_changes)
{
    struct mm *older = only("preallocated") ? mm_create() : NULL;
    pde_t *before = older ? kmalloc(PAGE_SIZE) : NULL;
    volatile u32 *area;
    void *filler;

    if (before && begin()) {
        memcpy(before, swapper_pg_dir, PAGE_SIZE);
        area = area_at(new_span(), &filler);
        mm_switch(older);
        expect_eq(area[0], 0xcafe);
        mm_switch(NULL);
        expect(memcmp(before, swapper_pg_dir, PAGE_SIZE) == 0);
        expect(memcmp(before + KERNEL_PDE_FIRST, older->pgd + KERNEL_PDE_FIRST,
                      KERNEL_PDES * sizeof(pde_t)) == 0);
        vunmap((void *)area);
        vunmap(filler);
        end();
    }
    kfree(before);
    if (older)
        mm_put(older);
}

KTEST(half, missing_until_touched)
{
    struct mm *older = only("lazy") ? mm_create() : NULL, *other = older ? mm_create() : NULL;
    volatile u32 *area;
    u32 start, next;
    void *filler;

    if (other && begin()) {
        start = new_span();
        next = start + LARGE_PAGE_SIZE;
        expect_eq(swapper_pg_dir[PDE_INDEX(start)].val, 0);
        area = area_at(start, &filler);
        expect(pde_present(swapper_pg_dir[PDE_INDEX(start)]));
        expect(pde_present(swapper_pg_dir[PDE_INDEX(next)]));
        mm_switch(older);
        expect(!entry_of(older, start).val && !entry_of(older, next).val);
        expect_eq(area[LARGE_PAGE_SIZE / 4], 0xcafe);
        expect(!entry_of(older, start).val && is_masters(older, next));
        expect_eq(area[0], 0xcafe);
        expect(is_masters(older, start));
        expect(!entry_of(other, start).val && !entry_of(other, next).val);
        mm_switch(NULL);
        vunmap((void *)area);
        vunmap(filler);
        end();
    }
    if (other)
        mm_put(other);
    if (older)
        mm_put(older);
}

/* A guard is never mapped: an area or a stack that ends with a table needs no entry for the next. */
KTEST(half, a_guard_needs_no_table)
{
    struct mm *older = only("lazy") ? mm_create() : NULL;
    void *filler, *area, *next;
    u32 start, border;

    if (older && begin()) {
        start = new_span();
        border = start + LARGE_PAGE_SIZE;
        expect_eq(swapper_pg_dir[PDE_INDEX(border)].val, 0);
        filler = fill_up_to(start);
        area = vmap(many, SPAN_PAGES);
        expect_eq(area, start);
        expect(pde_present(swapper_pg_dir[PDE_INDEX(start)]));
        expect_eq(swapper_pg_dir[PDE_INDEX(border)].val, 0);
        next = vmap(many, 1);
        expect(pde_present(swapper_pg_dir[PDE_INDEX(border)]));
        mm_switch(older);
        kpde->stack(older->pgd, border - THREAD_SIZE, border);
        expect(is_masters(older, start) && !entry_of(older, border).val);
        mm_switch(NULL);
        vunmap(next);
        vunmap(area);
        vunmap(filler);
        end();
    }
    if (older)
        mm_put(older);
}
