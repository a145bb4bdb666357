/*
 * The bench core: finds the rows, runs the rounds of each, and prints the cost of an operation.
 *
 * Rows register themselves with BENCH(); the linker collects the entries into one array between
 * __bench_start and __bench_end. A round is timed by two readings of the time-stamp counter, with
 * interrupts off in between, and their difference is divided by the number of operations. The loop
 * around the operations is part of the result, as in the Linux module with which the results are
 * compared (tests/peers/linux/).
 *
 * The first round fills caches and is not counted. The median of the others is printed: under
 * -icount they hardly differ, and without it a round that the host interrupted does not matter.
 * Within a round it is the mean of many operations, not the best one: work that is delayed to every
 * n-th operation is counted, too.
 *
 * Before each row empty slabs are freed and hot pages joined, so that a result does not depend on
 * the rows before it.
 *
 * Limits: one row at a time, from one thread. A row that loses pages is reported.
 *
 * Neighbours: include/kernel/monitor/bench.h, the rows in tests/bench_*.c, the command in
 * kernel/monitor/monitor.c, the comparison in scripts/bench.
 */
#include <arch/x86/irqflags.h>
#include <arch/x86/timer.h>
#include <drivers/power.h>
#include <kernel/monitor/bench.h>
#include <kernel/monitor/monitor.h>
#include <kernel/tty/tty.h>
#include <lib/div64.h>
#include <lib/glob.h>
#include <lib/panic.h>
#include <lib/printf.h>
#include <lib/printk.h>
#include <lib/string.h>
#include <mm/frame/page_alloc.h>
#include <mm/frame/slab.h>
#include <mm/user/mm.h>

extern const struct bench __bench_start[], __bench_end[];

#define ROUNDS 3 /* rounds that count; odd, so that there is a median */

/* The running row. */
static struct {
    u32 round;        /* the warm-up is 1, 0 before it */
    u32 cost[ROUNDS]; /* per operation */
    u32 irq_flags;
    u64 start;
    bool skipped;
    char skip_reason[64];
} running;

/* ---- within a row ---- */

bool bench_next_round(void)
{
    return running.round++ < 1 + ROUNDS;
}

void bench_start(void)
{
    running.irq_flags = local_irq_save();
    running.start = rdtsc();
}

void bench_stop(u32 ops)
{
    u64 counts = rdtsc() - running.start;

    local_irq_restore(running.irq_flags);
    assert_op(running.round, >, 0);
    if (running.round > 1)
        running.cost[running.round - 2] = div_u64(counts, ops);
}

void bench_skip(const char *fmt, ...)
{
    va_list args;

    running.skipped = true;
    va_start(args, fmt);
    vsnprintf(running.skip_reason, sizeof(running.skip_reason), fmt, args);
    va_end(args);
}

/* ---- one row, all rows ---- */

static u32 median_cost(void)
{
    u32 *cost = running.cost;

    for (u32 i = 1; i < ROUNDS; i++) {
        u32 value = cost[i], at = i;

        for (; at > 0 && cost[at - 1] > value; at--)
            cost[at] = cost[at - 1];
        cost[at] = value;
    }
    return cost[ROUNDS / 2];
}

/*
 * Free all caches; returns the number of free pages, which then depends only on what is allocated.
 */
static u32 settle(void)
{
    mm_shrink();
    slab_shrink();
    drain_all_pages();
    return nr_free_pages();
}

static bool run_row(const struct bench *row)
{
    u32 free_before = settle(), free_after;

    memset(&running, 0, sizeof(running));
    row->run();
    free_after = settle();
    if (running.skipped)
        printk("bench: %s skipped: %s\n", row->name, running.skip_reason);
    else
        printk("bench: %-24s %10u\n", row->name, median_cost());
    if (free_after != free_before)
        printk("bench: %s: %u pages are free, %u were before\n", row->name, free_after,
               free_before);
    return !running.skipped && free_after == free_before;
}

bool bench_run(const char *glob)
{
    u32 ran = 0, good = 0;

    for (const struct bench *row = __bench_start; row < __bench_end; row++) {
        if (!glob_match(glob, row->name))
            continue;
        if (tty_interrupted()) {
            printk("bench: Ctrl-C: the other rows are not run\n");
            return false;
        }
        ran++;
        good += run_row(row);
    }
    if (ran == 0)
        printk("bench: no row matches \"%s\"\n", glob);
    return ran > 0 && good == ran;
}

void bench_main(const char *glob)
{
    machine_exit(bench_run(glob) ? MACHINE_PASS : MACHINE_FAIL);
}

void monitor_bench(u32 argc, const char **argv)
{
    if (!monitor_is_alone("bench"))
        return;
    printk("# time-stamp counts an operation: instructions under -icount shift=0,\n"
           "# as in make bench, else time\n");
    bench_run(argc == 2 ? argv[1] : "*");
}
