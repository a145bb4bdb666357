/*
 * Never ends by itself: Ctrl-C or `kill PID` does it.
 *
 * It makes no system call after its first line; `forever sleep` sleeps instead.
 */
#include "lib/attic.h"

int main(int argc, char *argv[])
{
    bool sleep = argc == 2 && streq(argv[1], "sleep");

    if (argc > 1 && !sleep) {
        print("usage: forever [sleep]\n");
        return 2;
    }
    print("%s[%d]: runs until Ctrl-C or kill ends it\n", argv[0], (int)sys_getpid());
    for (;;) {
        if (sleep)
            sleep_ms(1000000);
    }
}
