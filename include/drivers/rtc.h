/* The clock that runs while the machine is off. */
#pragma once

#include <lib/types.h>

/*
 * Seconds since 1970-01-01 00:00 UTC, taking the clock to show UTC; 0 when it shows no date.
 * Takes up to a few milliseconds. Start-up.
 */
u32 rtc_read(void);
