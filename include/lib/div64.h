/*
 * 64-bit division (Linux's names). The compiler would call libgcc for it, which the kernel does not
 * link; only 32-bit divisors are needed, and these take two steps of long division.
 */
#pragma once

#include <lib/types.h>

/* dividend / divisor, and the remainder in *remainder. divisor must not be 0. */
static inline u64 div_u64_rem(u64 dividend, u32 divisor, u32 *remainder)
{
#ifdef __i386__
    u32 high = dividend >> 32, low = (u32)dividend, rest = 0;

    asm("divl %2" : "+a"(high), "+d"(rest) : "rm"(divisor) : "cc");
    /* rest < divisor here, so the second quotient fits 32 bits. */
    asm("divl %2" : "+a"(low), "+d"(rest) : "rm"(divisor) : "cc");
    *remainder = rest;
    return (u64)high << 32 | low;
#else
    *remainder = dividend % divisor;
    return dividend / divisor;
#endif
}

static inline u64 div_u64(u64 dividend, u32 divisor)
{
    u32 remainder;

    return div_u64_rem(dividend, divisor, &remainder);
}
