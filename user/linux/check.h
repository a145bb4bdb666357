/*
 * Checks for the programs of this folder: a line for each that fails, and the exit status
 *
 * The output of a program must be the same on Linux and on Attic, so it contains no addresses,
 * times or process ids.
 */
#pragma once

#include <errno.h>
#include <stdio.h>

static int failures;

static inline void check_failed(int line, const char *what)
{
    int error = errno;

    printf("line %d: not so: %s (errno %d)\n", line, what, error);
    failures++;
}

#define check(condition) ((condition) ? (void)0 : check_failed(__LINE__, #condition))

/* The line at the end of main(), and its status. */
static inline int checks_done(const char *name)
{
    printf("%s: %d failed\n", name, failures);
    return failures ? 1 : 0;
}
