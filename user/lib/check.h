/*
 * Test programs: the exit status is 0, or the line of the first check that failed, cut to what a
 * status can hold.
 */
#pragma once

#include "attic.h"

#define CHECK(cond)                                                                                \
    do {                                                                                           \
        if (!(cond))                                                                               \
            check_failed(__FILE__, __LINE__, #cond);                                               \
    } while (0)

static inline __attribute__((noreturn)) void check_failed(const char *file, int line,
                                                          const char *cond)
{
    print("# %s:%d: failed: %s\n", file, line, cond);
    sys_exit(line < 255 ? line : 255);
}
