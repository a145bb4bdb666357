/*
 * Turns and refusals in the order of a seed: faults that need another task, or no memory, at one
 * certain moment are found by trying many orders, and repeated by the seed (kernel/turns.c).
 */
#pragma once

#include <lib/types.h>

/* Read turns=SEED and fail=N from the command line. From the first thread, before mm_seal(). */
void turns_init(void);

/* The seed of the command line; 0 when there is none. */
u32 turns_seed(void);

/*
 * Begin the order that a seed gives to a run with this name: it does not depend on earlier runs.
 * From now on the kernel yields in this order wherever it may. From a task.
 */
void turns_start(u32 seed, const char *name);

/* Yield as usual again: at the end of a time slice. */
void turns_stop(void);

/*
 * Refuse one in `interval` allocations of processes, in the same order; 0 stops it. Kernel threads
 * get all that they want: the code of a self-test runs in one.
 */
void turns_refuse(u32 interval);

/* What was done since the boot; `order` is another number for another order. */
struct turns_stats {
    u32 points, turns, refused, order;
};
struct turns_stats turns_stats(void);
