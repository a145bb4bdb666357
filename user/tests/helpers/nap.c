/* Sleeps: `nap 15000 8` does so eight times for 15000 microseconds. For tests of the clock. */
#include "lib/attic.h"

int main(int argc, char *argv[])
{
    uint32_t microseconds, times;

    if (argc != 3 || !parse_number(argv[1], &microseconds) || !parse_number(argv[2], &times)) {
        print("usage: nap MICROSECONDS TIMES\n");
        return 2;
    }
    while (times--) {
        struct __kernel_old_timespec time = {.tv_sec = microseconds / 1000000,
                                             .tv_nsec = microseconds % 1000000 * 1000};

        if (sys_nanosleep(&time) != 0)
            return 1;
    }
    return 0;
}
