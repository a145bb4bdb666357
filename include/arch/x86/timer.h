/* The 8254 programmable interval timer at 100 Hz, and the time-stamp counter. */
#pragma once

#include <lib/types.h>

#define HZ 100

/* Call tick HZ times a second from the timer interrupt. */
void pit_init(void (*tick)(void));

static inline u64 rdtsc(void)
{
    u64 value;
    asm volatile("rdtsc" : "=A"(value));
    return value;
}
