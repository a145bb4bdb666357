/*
 * Yielding in the middle of long work. Kernel code is not preempted; work that a process can make
 * long (a fork of much memory, a big munmap, a long write) calls cond_resched() wherever its data
 * is consistent.
 *
 * The scheduler, two layers up, decides which task runs: it sets the hook, and the flag is the one
 * that it tests before it returns to ring 3.
 */
#pragma once

#include <lib/types.h>

struct resched_hook {
    const bool *needed;    /* another task should run */
    void (*resched)(void); /* let it run */
    bool (*ending)(void);  /* the current process is being killed: stop the work */
};
extern struct resched_hook resched_hook;

/* Yield if another task should run. From a task, with interrupts on and no kmap_local. */
static inline void cond_resched(void)
{
    if (unlikely(resched_hook.needed && *resched_hook.needed))
        resched_hook.resched();
}

/* The same; true when the work is not needed any more, because the process was killed meanwhile. */
static inline bool cond_resched_ending(void)
{
    if (likely(!resched_hook.needed || !*resched_hook.needed))
        return false;
    resched_hook.resched();
    return resched_hook.ending && resched_hook.ending();
}
