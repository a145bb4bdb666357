/*
 * Keeps the processor busy for a while (0.1 to 0.3 s) without a single system call. For tests of
 * preemption.
 */
#include "lib/attic.h"

#define NAPS 10

int main(int argc, char *argv[])
{
    uint64_t duration = NAPS * tsc_nap(), start = rdtsc();

    (void)argc;
    (void)argv;
    while (rdtsc() - start < duration)
        ;
    return 0;
}
