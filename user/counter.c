/*
 * Counts, and prints the count from time to time.
 *
 * Between two lines it makes no system call, so a second counter runs only because the kernel
 * preempts the first one: `run counter & counter` shows lines of both, and each counts about half
 * as far as one alone. A line takes a fixed time, so the whole run does too (about 0.3 s).
 */
#include "lib/attic.h"

#define LINES         5
#define NAPS_PER_LINE 3

int main(int argc, char *argv[])
{
    uint64_t line_time = NAPS_PER_LINE * tsc_nap();
    int pid = sys_getpid();
    uint32_t count = 0;

    (void)argc;
    for (int line = 1; line <= LINES; line++) {
        uint64_t start = rdtsc();

        while (rdtsc() - start < line_time)
            count++;
        print("%s[%d] %d of %d: counted to %u\n", argv[0], pid, line, LINES, count);
    }
    return 0;
}
