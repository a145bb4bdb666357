/*
 * The costs of the vmalloc area: rows as in the Linux module tests/peers/linux/attic_bench.c, with
 * the same numbers of operations. To touch is to write to the first byte. "Busy" areas are one page
 * each; holes are made by freeing every second of them.
 */
#include <kernel/monitor/bench.h>
#include <lib/random.h>
#include <mm/frame/page_alloc.h>
#include <mm/kva/vmalloc.h>

#define OPS       10000
#define OPS_1M    1000
#define BUSY      5000
#define BUSY_MORE 14000
#define SEED      1

/* Where the rows keep areas: pointers in one block of the page allocator. */
#define AREAS_ORDER 4
static void **areas;
_Static_assert(BUSY_MORE * sizeof(void *) <= PAGE_SIZE << AREAS_ORDER, "the array holds all areas");

static void vmalloc_touch_vfree(u32 size)
{
    volatile char *memory = vmalloc(size);

    *memory = 1;
    vfree((void *)memory);
}

static void time_cycles(u32 size, u32 ops)
{
    bench_start();
    for (u32 i = 0; i < ops; i++)
        vmalloc_touch_vfree(size);
    bench_stop(ops);
}

/* Space for so many areas of at most so many pages; if there is none, the row is skipped. */
static bool enough(u32 count, u32 pages)
{
    u32 needed = count * pages + count / 32 + 64; /* and the areas' own memory */

    if (nr_free_pages() < needed)
        bench_skip("%u pages are needed, %u are free", needed, nr_free_pages());
    else if (vmalloc_stats().largest_free / PAGE_SIZE < count * (pages + 1))
        bench_skip("the vmalloc area is too small");
    else
        return true;
    return false;
}

static void bench_cycles(u32 size, u32 ops)
{
    if (!enough(1, size / PAGE_SIZE))
        return;
    while (bench_next_round())
        time_cycles(size, ops);
}

BENCH(vmalloc_4k)
{
    bench_cycles(PAGE_SIZE, OPS);
}

BENCH(vmalloc_64k)
{
    bench_cycles(KIB(64), OPS);
}

BENCH(vmalloc_1m)
{
    bench_cycles(MIB(1), OPS_1M);
}

BENCH(vmalloc_random)
{
    struct rnd_state random;

    if (!enough(1, 64))
        return;
    prandom_seed_state(&random, SEED);
    while (bench_next_round()) {
        bench_start();
        for (u32 i = 0; i < OPS; i++)
            vfree(vmalloc((1 + prandom_below(&random, 64)) * PAGE_SIZE));
        bench_stop(OPS);
    }
}

/* ---- with many areas ---- */

/* The array of areas for a row that has up to `pages` pages in each; false: the row is skipped. */
static bool areas_begin(u32 count, u32 pages)
{
    if (!enough(count, pages))
        return false;
    areas = get_free_pages(GFP_KERNEL | __GFP_ZERO, AREAS_ORDER);
    if (!areas)
        bench_skip("no memory for the array of areas");
    return areas;
}

static void areas_end(void)
{
    free_pages(virt_to_page(areas), AREAS_ORDER);
}

static void areas_fill(u32 count)
{
    for (u32 i = 0; i < count; i++)
        areas[i] = vmalloc(PAGE_SIZE);
}

static void areas_free(u32 count, u32 step)
{
    for (u32 i = 0; i < count; i += step) {
        vfree(areas[i]);
        areas[i] = NULL;
    }
}

static void bench_busy(u32 count)
{
    if (!areas_begin(count, 1))
        return;
    while (bench_next_round()) {
        areas_fill(count);
        time_cycles(PAGE_SIZE, OPS);
        areas_free(count, 1);
    }
    areas_end();
}

static void bench_holes(u32 size)
{
    if (!areas_begin(BUSY, 1))
        return;
    while (bench_next_round()) {
        areas_fill(BUSY);
        areas_free(BUSY, 2);
        time_cycles(size, OPS);
        areas_free(BUSY, 1);
    }
    areas_end();
}

BENCH(vmalloc_4k_busy5000)
{
    bench_busy(BUSY);
}

BENCH(vmalloc_4k_holes2500)
{
    bench_holes(PAGE_SIZE);
}

BENCH(vmalloc_16k_holes2500)
{
    bench_holes(KIB(16));
}

/*
 * Starts with the holes, so a slot may have nothing to free at first; as many operations as slots.
 */
BENCH(vmalloc_random_replace)
{
    struct rnd_state random;

    if (!areas_begin(BUSY, 5)) /* 4.5 pages in the mean */
        return;
    prandom_seed_state(&random, SEED);
    while (bench_next_round()) {
        areas_fill(BUSY);
        areas_free(BUSY, 2);
        bench_start();
        for (u32 i = 0; i < BUSY; i++) {
            u32 slot = prandom_below(&random, BUSY);

            vfree(areas[slot]);
            areas[slot] = vmalloc((1 + prandom_below(&random, 8)) * PAGE_SIZE);
        }
        bench_stop(BUSY);
        areas_free(BUSY, 1);
    }
    areas_end();
}

BENCH(vmalloc_4k_busy14000)
{
    bench_busy(BUSY_MORE);
}

/* ---- vmap ---- */

BENCH(vmap_16)
{
    struct page *pages[16];
    u32 have = 0;

    while (have < ARRAY_SIZE(pages) && (pages[have] = alloc_page(GFP_KERNEL)))
        have++;
    if (have < ARRAY_SIZE(pages))
        bench_skip("no memory for the pages");
    else if (enough(1, ARRAY_SIZE(pages)))
        while (bench_next_round()) {
            bench_start();
            for (u32 i = 0; i < OPS; i++)
                vunmap(vmap(pages, ARRAY_SIZE(pages)));
            bench_stop(OPS);
        }
    while (have > 0)
        free_page(pages[--have]);
}
