/*
 * A failed operation changes nothing (invariant I9): each operation that allocates is run with its
 * first, second, third... allocation refused, until it needs no more than that. Each time it must
 * fail as its header says, and pages, areas, tasks and address spaces must be the same as before.
 *
 * Pages and objects of caches are both refused; caches are shrunk before each attempt, so that the
 * first object of a kind needs a page as well. A lost small object is visible only when it needs a
 * page, so cheap operations are repeated more often than there are objects on a page.
 */
#include "tests/kernel/process/run.h"
#include <mm/check/audit.h>
#include <mm/fail.h>
#include <mm/frame/page_alloc.h>
#include <mm/frame/slab.h>
#include <mm/kva/vmalloc.h>

#define BASE            0x08048000
#define ALLOCATIONS_MAX 200 /* no operation here has more */
#define CHEAP           300 /* more than there are objects on a page */

/* ---- the sweep ---- */

struct footprint {
    u32 free_pages, tasks, mms;
    struct vmalloc_stats vmalloc;
};

static struct footprint footprint(void)
{
    struct footprint now = {0};

    mm_shrink();
    slab_shrink();
    now.free_pages = nr_free_pages() + slab_pages(); /* the number of slabs may vary */
    now.vmalloc = vmalloc_stats();
    for (struct task *task = task_next(NULL); task; task = task_next(task))
        now.tasks++;
    for (struct mm *mm = mm_next(NULL); mm; mm = mm_next(mm))
        now.mms++;
    return now;
}

static void expect_footprint(const char *name, u32 k, const struct footprint *before)
{
    struct footprint now = footprint();
    const char *broken = mm_audit();

    if (broken)
        ktest_fail(__FILE__, __LINE__, "%s, allocation %u refused: audit: %s", name, k, broken);
    if (memcmp(&now, before, sizeof(now)) != 0)
        ktest_fail(__FILE__, __LINE__,
                   "%s, allocation %u refused: free pages %u -> %u, tasks %u -> %u, address spaces "
                   "%u -> %u, vmalloc areas %u -> %u, free bytes %u -> %u",
                   name, k, before->free_pages, now.free_pages, before->tasks, now.tasks,
                   before->mms, now.mms, before->vmalloc.busy_areas, now.vmalloc.busy_areas,
                   before->vmalloc.free_bytes, now.vmalloc.free_bytes);
}

struct operation {
    const char *name;
    bool (*run)(void);  /* true when it succeeded */
    void (*undo)(void); /* after a success */
    u32 repeats;
};

/* Run it with the k-th allocation refused; true when there was one. */
static bool attempt(const struct operation *op, u32 k)
{
    bool done, refused;

    mm_shrink();
    slab_shrink();
    alloc_fail_countdown = k;
    done = op->run();
    refused = alloc_fail_countdown == 0;
    alloc_fail_countdown = 0;
    if (done)
        op->undo();
    if (done == refused)
        ktest_fail(__FILE__, __LINE__, "%s %s, allocation %u %s", op->name,
                   done ? "succeeded" : "failed", k, refused ? "was refused" : "was not");
    return refused;
}

static void sweep(const struct operation *op)
{
    struct footprint before = footprint();
    u32 k = 1;

    for (bool refused = true; refused && k < ALLOCATIONS_MAX && ktest_ok(); k++) {
        for (u32 i = 0; i < op->repeats && refused; i++)
            refused = attempt(op, k);
        expect_footprint(op->name, k, &before);
    }
    expect(k > 2); /* at least one allocation was refused */
    expect(k < ALLOCATIONS_MAX);
}

#define sweep_operation(name_, repeats_)                                                           \
    sweep(&(const struct operation){                                                               \
        .name = #name_, .run = run_##name_, .undo = undo_##name_, .repeats = repeats_})

/* ---- address spaces ---- */

static struct mm *mm; /* what the operation works on, or has made */

static bool run_mm_create(void)
{
    mm = mm_create();
    return mm != NULL;
}

static void undo_mm_create(void)
{
    mm_put(mm);
}

KTEST(fail, mm_create)
{
    sweep_operation(mm_create, CHEAP);
}

static bool run_mm_add_area(void)
{
    int err = mm_add_area(mm, BASE, PAGE_SIZE, VM_READ | VM_WRITE, "x", NULL, 0);

    expect(err == 0 || err == -ENOMEM);
    expect((mm->area_count == 0) == (err != 0));
    return err == 0;
}

/* An area is removed only at the end of its address space. */
static void start_again(void)
{
    mm_put(mm);
    mm = mm_create();
}

static void undo_mm_add_area(void)
{
    start_again();
}

KTEST(fail, mm_add_area)
{
    mm = mm_create();
    if (!expect(mm != NULL))
        return;
    sweep_operation(mm_add_area, CHEAP);
    mm_put(mm);
}

static bool run_mm_fault(void)
{
    enum mm_fault result = mm_fault(mm, BASE, true);
    u32 expected = result == MM_FAULT_OK;

    expect(result == MM_FAULT_OK || result == MM_FAULT_NO_MEMORY);
    expect_eq(mm->pages, expected);
    expect_eq(mm->tables, expected);
    return result == MM_FAULT_OK;
}

static void undo_mm_fault(void)
{
    start_again();
    expect_eq(mm_add_area(mm, BASE, PAGE_SIZE, VM_READ | VM_WRITE, "x", NULL, 0), 0);
}

KTEST(fail, mm_fault)
{
    mm = mm_create();
    if (!expect(mm != NULL))
        return;
    expect_eq(mm_add_area(mm, BASE, PAGE_SIZE, VM_READ | VM_WRITE, "x", NULL, 0), 0);
    sweep_operation(mm_fault, CHEAP);
    mm_put(mm);
}

static bool run_mm_brk(void)
{
    u32 brk = mm_brk(mm, BASE + 3 * PAGE_SIZE);

    expect(brk == BASE || brk == BASE + 3 * PAGE_SIZE);
    expect_eq(mm->brk, brk);
    expect((mm->area_count == 0) == (brk == BASE));
    return brk != BASE;
}

static void undo_mm_brk(void)
{
    expect_eq(mm_brk(mm, BASE), BASE);
}

KTEST(fail, mm_brk)
{
    mm = mm_create();
    if (!expect(mm != NULL))
        return;
    mm->start_brk = mm->brk = BASE;
    sweep_operation(mm_brk, CHEAP);
    mm_put(mm);
}

/* ---- tasks ---- */

static long pid;

static bool run_process_spawn(void)
{
    pid = process_spawn(ARGV("status", "0"), NULL, true);
    expect(pid > 0 || pid == -ENOMEM);
    return pid > 0;
}

static void undo_process_spawn(void)
{
    expect_eq(wait_for(pid).exit_code, 0);
}

KTEST(fail, process_spawn)
{
    sweep_operation(process_spawn, 2);
}

static void end_at_once(void *unused)
{
    (void)unused;
}

static bool run_kthread_create(void)
{
    struct task *task = kthread_create("fail", end_at_once, NULL);

    pid = task ? task->pid : 0;
    return task != NULL;
}

static void undo_kthread_create(void)
{
    wait_for(pid);
}

KTEST(fail, kthread_create)
{
    sweep_operation(kthread_create, CHEAP);
}

/* ---- kernel memory ---- */

static void *memory;

static bool run_vmalloc(void)
{
    memory = vmalloc(9 * PAGE_SIZE);
    return memory != NULL;
}

static void undo_vmalloc(void)
{
    vfree(memory);
}

KTEST(fail, vmalloc)
{
    sweep_operation(vmalloc, CHEAP);
}

/* Not at the start of the lowest gap, so that the rest below it needs a separate node. */
static bool run_vmalloc_aligned(void)
{
    memory = vmalloc_aligned(PAGE_SIZE, MIB(1), __builtin_return_address(0));
    return memory != NULL;
}

static void undo_vmalloc_aligned(void)
{
    vfree(memory);
}

KTEST(fail, vmalloc_aligned)
{
    sweep_operation(vmalloc_aligned, CHEAP);
}

/* The same in the middle of a gap between areas, which leaves two parts. */
KTEST(fail, vmalloc_aligned_in_a_gap)
{
    void *below = vmalloc_aligned(PAGE_SIZE, MIB(1), __builtin_return_address(0));
    void *gap = vmalloc(MIB(1) + 64 * PAGE_SIZE);
    void *above = vmalloc(MIB(1)); /* too large for what lies below the first */

    if (!expect(below && gap && above) || !expect(above > gap && gap > below))
        return;
    vfree(gap);
    sweep_operation(vmalloc_aligned, CHEAP);
    vfree(above);
    vfree(below);
}

static bool run_ioremap(void)
{
    memory = ioremap(0xb8000, PAGE_SIZE);
    return memory != NULL;
}

static void undo_ioremap(void)
{
    iounmap(memory);
}

KTEST(fail, ioremap)
{
    sweep_operation(ioremap, CHEAP);
}

static struct page *pages[2];

static void expect_references(s32 count)
{
    expect_eq(pages[0]->refcount, count);
    expect_eq(pages[1]->refcount, count);
}

static bool run_vmap(void)
{
    memory = vmap(pages, ARRAY_SIZE(pages));
    expect_references(memory ? 2 : 1);
    return memory != NULL;
}

static void undo_vmap(void)
{
    vunmap(memory);
    expect_references(1);
}

KTEST(fail, vmap)
{
    for (u32 i = 0; i < ARRAY_SIZE(pages); i++) {
        pages[i] = alloc_page(GFP_KERNEL);
        if (!expect(pages[i] != NULL))
            return;
    }
    sweep_operation(vmap, CHEAP);
    for (u32 i = 0; i < ARRAY_SIZE(pages); i++)
        free_page(pages[i]);
}

static struct kmem_cache *cache;

static bool run_kmem_cache_create(void)
{
    cache = kmem_cache_create("fail", 40);
    return cache != NULL;
}

static void undo_kmem_cache_create(void)
{
    kmem_cache_destroy(cache);
}

KTEST(fail, kmem_cache_create)
{
    sweep_operation(kmem_cache_create, CHEAP);
}

static bool run_kmalloc_large(void)
{
    memory = kmalloc(3 * PAGE_SIZE);
    return memory != NULL;
}

static void undo_kmalloc_large(void)
{
    kfree(memory);
}

KTEST(fail, kmalloc_large)
{
    sweep_operation(kmalloc_large, CHEAP);
}
