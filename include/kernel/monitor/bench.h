/*
 * Benchmarks of kernel operations. BENCH(name) { ... } registers a row through the linker section
 * .bench; there is no list to keep. A row repeats rounds and measures a part of each:
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
 * Code before bench_start() and after bench_stop() is not counted. The result is in counts of the
 * time-stamp counter: instructions under QEMU's -icount shift=0, see docs/bench.md.
 */
#pragma once

#include <lib/types.h>

struct bench {
    const char *name;
    void (*run)(void);
};

/* gcc emits unreferenced statics in any order without this attribute; clang keeps their order. */
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

/* Begin a round; false when all rounds are done. The first round only warms up. */
bool bench_next_round(void);

/* Begin the timed part: interrupts are off until bench_stop(). */
void bench_start(void);

/* End the timed part: `ops` operations were done. Once in each round. */
void bench_stop(u32 ops);

/* This machine has too little memory for the row; the row returns afterwards. */
void bench_skip(const char *fmt, ...) __printf(1, 2);

/*
 * Run every row whose name matches the glob; print a line for each, "bench: name count". False when
 * no row matches, one was skipped, or one has not freed its pages.
 */
bool bench_run(const char *glob);

/* The same as a complete run, for `bench=`: the machine ends with pass or fail. */
void __noreturn bench_main(const char *glob);

/* The monitor's command. */
#define MONITOR_BENCH_USAGE "bench [GLOB]"
void monitor_bench(u32 argc, const char **argv);
