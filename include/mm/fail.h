/*
 * Allocations that fail on purpose, so that tests can walk every error path: set
 * alloc_fail_countdown to k, and the k-th allocation from then on, of a page or of an object,
 * fails. 0 means off; after the failure it is off again.
 */
#pragma once

#include <lib/types.h>

extern u32 alloc_fail_countdown;

static inline bool alloc_should_fail(void)
{
    return unlikely(alloc_fail_countdown != 0) && --alloc_fail_countdown == 0;
}
