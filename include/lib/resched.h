/*
 * Yielding in the middle of long work. Kernel code is not preempted; what a process
 * can make long (a fork of much memory, a big munmap, a long write) calls cond_resched() wherever
 * everything it works on is whole.
 *
 * Which task runs is decided two floors up: the scheduler fills in the hook, and the flag is the
 * one that it tests before it returns to ring 3.
 */
#pragma once

#include <lib/types.h>

struct resched_hook {
    const bool *needed;    /* somebody else should run */
    void (*resched)(void); /* let them */
    bool (*ending)(void);  /* the current process is to end, and cannot help it: give up */
};
extern struct resched_hook resched_hook;

/* Let others run if their time has come. From a task, with interrupts on and no kmap_local. */
static inline void cond_resched(void)
{
    if (unlikely(resched_hook.needed && *resched_hook.needed))
        resched_hook.resched();
}

/* The same; true when the work is for nobody any more, because the process was killed meanwhile. */
static inline bool cond_resched_ending(void)
{
    if (likely(!resched_hook.needed || !*resched_hook.needed))
        return false;
    resched_hook.resched();
    return resched_hook.ending && resched_hook.ending();
}
