/*
 * A failed operation changes nothing (invariant I9), for services of the kernel that are no system
 * calls: each is run with its first, second, third... allocation of each kind refused, until it
 * needs no more than that. Each time it must fail as its header says, and pages, objects, areas,
 * tasks and address spaces must be the same as before. Caches are shrunk before each attempt, so
 * that the first object of a kind needs a page as well.
 *
 * System calls: tests/kernel/syscall/sweep_test.c.
 */
#include "tests/kernel/process/run.h"
#include "tests/mm/refuse.h"
#include <mm/check/audit.h>
#include <mm/frame/page_alloc.h>
#include <mm/frame/slab.h>
#include <mm/kva/vmalloc.h>

#define ALLOCATIONS_MAX 200 /* no operation here has more */

/* ---- the sweep ---- */

struct operation {
    const char *name;
    bool (*run)(void);  /* true when it succeeded */
    void (*undo)(void); /* after a success */
};

static struct {
    const char *name;
    enum alloc_kind kind;
    u32 k;
} now;

static void fail_attempt(const char *fmt, ...)
{
    char text[160];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    ktest_fail(__FILE__, __LINE__, "%s, %s %u: %s", now.name, alloc_kind_names[now.kind], now.k,
               text);
}

/* Run it with the k-th allocation of a kind refused; true when there was one. */
static bool attempt(const struct operation *op, enum alloc_kind kind, u32 k)
{
    struct holdings before = holdings_now();
    bool done, refused;

    now.kind = kind;
    now.k = k;
    refuse_begin(kind, k);
    done = op->run();
    refused = refuse_end();
    if (done)
        op->undo();
    if (done == refused)
        fail_attempt("%s, but it %s", refused ? "refused" : "not refused",
                     done ? "succeeded" : "failed");
    holdings_compare(&before, fail_attempt);
    return refused;
}

static void sweep(const struct operation *op)
{
    u32 points[ALLOC_KINDS];

    now.name = op->name;
    for (u32 kind = 0; kind < ALLOC_KINDS; kind++) {
        u32 k = 1;

        while (k < ALLOCATIONS_MAX && ktest_ok() && attempt(op, kind, k))
            k++;
        expect(k < ALLOCATIONS_MAX);
        points[kind] = k - 1;
    }
    expect_none(mm_audit());
    expect(report_points(op->name, points) > 0);
}

#define sweep_operation(name_)                                                                     \
    sweep(&(const struct operation){.name = #name_, .run = run_##name_, .undo = undo_##name_})

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
    sweep_operation(mm_create);
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
    sweep_operation(process_spawn);
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
    sweep_operation(kthread_create);
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
    sweep_operation(vmalloc);
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
    sweep_operation(vmalloc_aligned);
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
    sweep_operation(vmalloc_aligned);
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
    sweep_operation(ioremap);
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
    sweep_operation(vmap);
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
    sweep_operation(kmem_cache_create);
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
    sweep_operation(kmalloc_large);
}
