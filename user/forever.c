/*
 * Never ends by itself and makes no system call after its first line: Ctrl-C ends it in the
 * foreground, `kill PID` in the background. `forever sleep` never ends either, but sleeps.
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
