/*
 * Counting in memory, with what came out of it read off the flags (Linux's atomic_dec_and_test()
 * and others). One processor today; a second one needs the lock prefix, and a cmp less.
 */
#pragma once

#include <lib/types.h>

/* One more. False when that makes one, or fewer: nobody held it before. */
static inline bool atomic_inc_above_one(s32 *count)
{
    bool above;

    asm("incl %0\n\tcmpl $1, %0" : "+m"(*count), "=@ccg"(above));
    return above;
}

/* One less. False when none is left, or fewer. */
static inline bool atomic_dec_above_zero(s32 *count)
{
    bool above;

    asm("decl %0" : "+m"(*count), "=@ccg"(above));
    return above;
}
