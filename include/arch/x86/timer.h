/* The 8254 programmable interval timer at 100 Hz, and the time-stamp counter. */
#pragma once

#include <lib/types.h>

#define HZ 100

/*
 * Call tick HZ times a second from the timer interrupt; from_user: it interrupted ring 3. Start-up
 * only.
 */
void pit_init(void (*tick)(bool from_user));

static inline u64 rdtsc(void)
{
    u64 value;
    asm volatile("rdtsc" : "=A"(value));
    return value;
}
