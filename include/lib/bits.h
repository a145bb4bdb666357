/*
 * Bits and powers of two (Linux's names). Each is one or two instructions, or a constant if the
 * argument is constant.
 */
#pragma once

#include <lib/types.h>
#if __STDC_HOSTED__
#include <strings.h>
#endif

/* Index of the lowest, of the highest set bit; x must not be 0. */
static inline u32 __ffs(u32 x)
{
    return __builtin_ctz(x);
}

static inline u32 __fls(u32 x)
{
    return 31 - __builtin_clz(x);
}

/* The same counted from 1, so that 0 means "no bit is set". libc has ffs() with this meaning. */
#if !__STDC_HOSTED__
static inline int ffs(int x)
{
    return x ? (int)__ffs((u32)x) + 1 : 0;
}
#endif

static inline int fls(u32 x)
{
    return x ? (int)__fls(x) + 1 : 0;
}

/* Logarithm to base 2, rounded down; x must not be 0. */
static inline u32 ilog2(u32 x)
{
    return __fls(x);
}

static inline bool is_power_of_2(u32 x)
{
    return x != 0 && (x & (x - 1)) == 0;
}

/* The smallest power of two that is at least x; x in 1..2^31. */
static inline u32 roundup_pow_of_two(u32 x)
{
    return 1u << fls(x - 1);
}
