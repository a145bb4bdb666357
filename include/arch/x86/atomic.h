/*
 * Counters in memory that report the result by the flags (Linux's atomic_dec_and_test() and
 * others). There is one processor; a second one needs the lock prefix, and one cmp less.
 */
#pragma once

#include <lib/types.h>

/* Add one. False when the result is one or less: there was no holder before. */
static inline bool atomic_inc_above_one(s32 *count)
{
    bool above;

    asm("incl %0\n\tcmpl $1, %0" : "+m"(*count), "=@ccg"(above));
    return above;
}

/* Subtract one. False when the result is zero or less. */
static inline bool atomic_dec_above_zero(s32 *count)
{
    bool above;

    asm("decl %0" : "+m"(*count), "=@ccg"(above));
    return above;
}
