/*
 * The costs of pages and small objects: rows as in the Linux module
 * tests/peers/linux/attic_bench.c, with the same numbers of operations.
 */
#include <kernel/monitor/bench.h>
#include <mm/frame/page_alloc.h>
#include <mm/frame/slab.h>

#define OPS   10000
#define BATCH 5000

/* The batches keep their pointers in one block of the page allocator. */
#define BATCH_ORDER 3
_Static_assert(BATCH * sizeof(void *) <= PAGE_SIZE << BATCH_ORDER, "the array holds the batch");

static bool enough(u32 pages)
{
    if (nr_free_lowmem_pages() < pages + 64)
        bench_skip("%u pages are needed, %u are free", pages + 64, nr_free_lowmem_pages());
    return nr_free_lowmem_pages() >= pages + 64;
}

/* Inline, so that the order is a constant, as for most callers. */
static inline void bench_order(u32 order)
{
    struct page *page = alloc_pages(GFP_KERNEL, order);

    if (!page) {
        bench_skip("no block of order %u is free", order);
        return;
    }
    free_pages(page, order);
    while (bench_next_round()) {
        bench_start();
        for (u32 i = 0; i < OPS; i++)
            free_pages(alloc_pages(GFP_KERNEL, order), order);
        bench_stop(OPS);
    }
}

BENCH(page_order0)
{
    bench_order(0);
}

BENCH(page_order3)
{
    bench_order(3);
}

BENCH(page_order9)
{
    bench_order(9);
}

/* An array of BATCH pointers, or NULL: the row is skipped. */
static void *batch_begin(u32 pages)
{
    void *array = enough(pages) ? get_free_pages(GFP_KERNEL, BATCH_ORDER) : NULL;

    if (!array)
        bench_skip("no memory for the batch");
    return array;
}

static void batch_end(void *array)
{
    free_pages(virt_to_page(array), BATCH_ORDER);
}

BENCH(page_batch5000)
{
    struct page **pages = batch_begin(BATCH);

    if (!pages)
        return;
    while (bench_next_round()) {
        bench_start();
        for (u32 i = 0; i < BATCH; i++)
            pages[i] = alloc_page(GFP_KERNEL);
        for (u32 i = 0; i < BATCH; i++)
            free_page(pages[i]);
        bench_stop(BATCH);
    }
    batch_end(pages);
}

BENCH(kmalloc_64)
{
    while (bench_next_round()) {
        bench_start();
        for (u32 i = 0; i < OPS; i++)
            kfree(kmalloc(64));
        bench_stop(OPS);
    }
}

BENCH(kmalloc_64_batch5000)
{
    void **objects = batch_begin(BATCH * 64 / PAGE_SIZE * 2);

    if (!objects)
        return;
    while (bench_next_round()) {
        bench_start();
        for (u32 i = 0; i < BATCH; i++)
            objects[i] = kmalloc(64);
        for (u32 i = 0; i < BATCH; i++)
            kfree(objects[i]);
        bench_stop(BATCH);
    }
    batch_end(objects);
}
