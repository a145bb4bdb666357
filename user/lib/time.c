/* Time for programs without a clock: sleeping by the kernel, counts from the processor. */
#include "attic.h"

void sleep_ms(unsigned ms)
{
    struct __kernel_old_timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

    sys_nanosleep(&time);
}

uint64_t tsc_nap(void)
{
    uint64_t start;

    /* Wakes right after a tick if the clock has ticks, so that the next nap has its full length. */
    sleep_ms(1);
    start = rdtsc();
    sleep_ms(10);
    return rdtsc() - start;
}
