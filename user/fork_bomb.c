/*
 * `fork_bomb [GENERATIONS]`: every process makes children until it gets no more, and each child does the same, down to
 * that many generations of two; without a limit until the kernel has nothing left to give. Then all end. What a process
 * may not do is harm: the machine must be afterwards as it was before. On Linux only with a limit.
 */
#include "lib/attic.h"

static uint32_t generations = 0xffffffff;

static void __attribute__((noreturn)) be_a_bomb(uint32_t generation)
{
    uint32_t children = 0, ended = 0;
    bool limited = generations != 0xffffffff;

    while (generation < generations && (!limited || children < 2)) {
        long pid = syscall3(__NR_fork, 0, 0, 0);

        if (pid == 0)
            be_a_bomb(generation + 1);
        if (pid < 0)
            break;
        children++;
    }
    while (syscall3(__NR_waitpid, -1, 0, 0) > 0)
        ended++;
    sys_exit(ended == children ? 0 : 1);
}

int main(int argc, char *argv[])
{
    if (argc > 1 && !parse_number(argv[1], &generations))
        return 2;
    be_a_bomb(0);
}
