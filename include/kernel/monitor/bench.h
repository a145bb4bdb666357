/*
 * What kernel operations cost. BENCH(name) { ... } registers a row through the linker section
 * .bench; there is no list to keep. A row goes through its rounds and times a part of each:
 *
 *     BENCH(kmalloc_64)
 *     {
 *         while (bench_next_round()) {
 *             bench_start();
 *             for (u32 i = 0; i < OPS; i++)
 *                 kfree(kmalloc(64));
 *             bench_stop(OPS);
 *         }
 *     }
 *
 * What stands before bench_start() and after bench_stop() is not counted. The figure is in counts
 * of the time-stamp counter: instructions under QEMU's -icount shift=0, see docs/bench.md.
 */
#pragma once

#include <lib/types.h>

struct bench {
    const char *name;
    void (*run)(void);
};

/* gcc emits unreferenced statics in any order unless told; clang keeps theirs. */
#ifdef __clang__
#define BENCH_IN_ORDER
#else
#define BENCH_IN_ORDER __attribute__((no_reorder))
#endif

#define BENCH(name_)                                                                               \
    static void bench_run_##name_(void);                                                           \
    static const BENCH_IN_ORDER struct bench bench_entry_##name_ __section(".bench") = {           \
        .name = #name_, .run = bench_run_##name_};                                                 \
    static void bench_run_##name_(void)

/* Begin a round; false when the row has had its rounds. The first one only warms up. */
bool bench_next_round(void);

/* Begin the timed part: interrupts are off until bench_stop(). */
void bench_start(void);

/* End it: `ops` operations were done. Once in each round. */
void bench_stop(u32 ops);

/* This machine has no room for the row; the row returns afterwards. */
void bench_skip(const char *fmt, ...) __printf(1, 2);

/*
 * Run every row whose name matches the glob; print a line for each, "bench: name count". False when
 * none matches, one was skipped, or one has not given back its pages.
 */
bool bench_run(const char *glob);

/* The same as a run of its own, for `bench=`: the machine ends with pass or fail. */
void __noreturn bench_main(const char *glob);

/* The monitor's command. */
#define MONITOR_BENCH_USAGE "bench [GLOB]"
void monitor_bench(u32 argc, const char **argv);
