// SPDX-License-Identifier: MIT
/*
 * The costs of Linux's kernel allocators: a module that measures when it is loaded, and prints a
 * line for each row, "bench: name count".
 *
 * The rows do the same work as tests/mm/frame/bench_pages.c and tests/mm/kva/bench_vmalloc.c,
 * operation by operation and with the same counts; read the two side by side. Linux works
 * differently, and this module takes that into account:
 *
 * vfree() only notes the range. A worker returns ranges to the free tree when 32 MiB have
 * accumulated, and its instructions are part of the cost. So the rows of vmalloc run with
 * interrupts on, and long enough for the worker to run a few times; therefore there is only one
 * round. Each row starts with nothing left to return (vm_unmap_aliases), so that one row does not
 * pay for another. The rows with many areas follow each other on the same 5000: live, then every
 * second one freed, then replaced at random.
 *
 * The rows of pages and kmalloc run with interrupts off.
 */
#include <asm/div64.h>
#include <asm/tsc.h>
#include <linux/gfp.h>
#include <linux/irqflags.h>
#include <linux/module.h>
#include <linux/prandom.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#define OPS       10000
#define OPS_1M    1000
#define BUSY      5000
#define BUSY_MORE 14000
#define BATCH     5000
#define SEED      1

struct row {
    const char *name;
    void (*run)(void);
    bool irqs_off;
};

static const struct row *row;
static u32 cost; /* of the row, per operation */
static unsigned long irq_flags;
static u64 start;

static void *areas[BUSY_MORE];
static struct page *pages[BATCH];
static void *objects[BATCH];

/* ---- the frame ---- */

static void bench_start(void)
{
    vm_unmap_aliases();
    if (row->irqs_off)
        local_irq_save(irq_flags);
    start = rdtsc();
}

static void bench_stop(u32 ops)
{
    u64 counts = rdtsc() - start;

    if (row->irqs_off)
        local_irq_restore(irq_flags);
    do_div(counts, ops);
    cost = counts;
}

static u32 below(struct rnd_state *random, u32 limit)
{
    return ((u64)prandom_u32_state(random) * limit) >> 32;
}

/* ---- vmalloc ---- */

static void time_cycles(u32 size, u32 ops)
{
    u32 i;

    bench_start();
    for (i = 0; i < ops; i++) {
        volatile char *memory = vmalloc(size);

        *memory = 1;
        vfree((void *)memory);
    }
    bench_stop(ops);
}

static void vmalloc_4k(void)
{
    time_cycles(PAGE_SIZE, OPS);
}

static void vmalloc_64k(void)
{
    time_cycles(65536, OPS);
}

static void vmalloc_1m(void)
{
    time_cycles(1 << 20, OPS_1M);
}

static void vmalloc_random(void)
{
    struct rnd_state random;
    u32 i;

    prandom_seed_state(&random, SEED);
    bench_start();
    for (i = 0; i < OPS; i++)
        vfree(vmalloc((1 + below(&random, 64)) * PAGE_SIZE));
    bench_stop(OPS);
}

static void areas_fill(u32 count)
{
    u32 i;

    for (i = 0; i < count; i++)
        areas[i] = vmalloc(PAGE_SIZE);
}

static void areas_free(u32 count, u32 step)
{
    u32 i;

    for (i = 0; i < count; i += step) {
        vfree(areas[i]);
        areas[i] = NULL;
    }
}

static void vmalloc_4k_busy5000(void)
{
    areas_fill(BUSY);
    time_cycles(PAGE_SIZE, OPS);
}

static void vmalloc_4k_holes2500(void)
{
    areas_free(BUSY, 2);
    time_cycles(PAGE_SIZE, OPS);
}

static void vmalloc_16k_holes2500(void)
{
    time_cycles(16384, OPS);
}

static void vmalloc_random_replace(void)
{
    struct rnd_state random;
    u32 i;

    prandom_seed_state(&random, SEED);
    bench_start();
    for (i = 0; i < BUSY; i++) {
        u32 slot = below(&random, BUSY);

        vfree(areas[slot]);
        areas[slot] = vmalloc((1 + below(&random, 8)) * PAGE_SIZE);
    }
    bench_stop(BUSY);
    areas_free(BUSY, 1);
}

static void vmalloc_4k_busy14000(void)
{
    areas_fill(BUSY_MORE);
    time_cycles(PAGE_SIZE, OPS);
    areas_free(BUSY_MORE, 1);
}

static void vmap_16(void)
{
    u32 i;

    for (i = 0; i < 16; i++)
        pages[i] = alloc_page(GFP_KERNEL | __GFP_NOFAIL);
    bench_start();
    for (i = 0; i < OPS; i++)
        vunmap(vmap(pages, 16, VM_MAP, PAGE_KERNEL));
    bench_stop(OPS);
    for (i = 0; i < 16; i++)
        __free_page(pages[i]);
}

/* ---- pages and kmalloc ---- */

static __always_inline void page_order(u32 order)
{
    u32 i;

    bench_start();
    for (i = 0; i < OPS; i++)
        __free_pages(alloc_pages(GFP_KERNEL, order), order);
    bench_stop(OPS);
}

static void page_order0(void)
{
    page_order(0);
}

static void page_order3(void)
{
    page_order(3);
}

static void page_order9(void)
{
    page_order(9);
}

static void page_batch5000(void)
{
    u32 i;

    bench_start();
    for (i = 0; i < BATCH; i++)
        pages[i] = alloc_page(GFP_KERNEL);
    for (i = 0; i < BATCH; i++)
        __free_page(pages[i]);
    bench_stop(BATCH);
}

static void kmalloc_64(void)
{
    u32 i;

    bench_start();
    for (i = 0; i < OPS; i++)
        kfree(kmalloc(64, GFP_KERNEL));
    bench_stop(OPS);
}

static void kmalloc_64_batch5000(void)
{
    u32 i;

    bench_start();
    for (i = 0; i < BATCH; i++)
        objects[i] = kmalloc(64, GFP_KERNEL);
    for (i = 0; i < BATCH; i++)
        kfree(objects[i]);
    bench_stop(BATCH);
}

/* ---- all rows ---- */

#define ROW(name_)          ((struct row){.name = #name_, .run = name_})
#define ROW_IRQS_OFF(name_) ((struct row){.name = #name_, .run = name_, .irqs_off = true})

static const struct row rows[] = {
    ROW(vmalloc_4k),
    ROW(vmalloc_64k),
    ROW(vmalloc_1m),
    ROW(vmalloc_random),
    ROW(vmalloc_4k_busy5000),
    ROW(vmalloc_4k_holes2500),
    ROW(vmalloc_16k_holes2500),
    ROW(vmalloc_random_replace),
    ROW(vmalloc_4k_busy14000),
    ROW(vmap_16),
    ROW_IRQS_OFF(page_order0),
    ROW_IRQS_OFF(page_order3),
    ROW_IRQS_OFF(page_order9),
    ROW_IRQS_OFF(page_batch5000),
    ROW_IRQS_OFF(kmalloc_64),
    ROW_IRQS_OFF(kmalloc_64_batch5000),
};

static int __init attic_bench_init(void)
{
    for (row = rows; row < rows + ARRAY_SIZE(rows); row++) {
        row->run();
        pr_info("bench: %s %u\n", row->name, cost);
    }
    return 0;
}

module_init(attic_bench_init);
MODULE_LICENSE("Dual MIT/GPL");
MODULE_DESCRIPTION("The cost of Linux's kernel allocators, to compare Attic with");
