/* The real-time clock, which also runs while the machine is off. */
#pragma once

#include <lib/types.h>

/*
 * Seconds since 1970-01-01 00:00 UTC, if the clock is set to UTC; 0 when it has no valid date.
 * Takes up to a few milliseconds. Start-up.
 */
u32 rtc_read(void);
