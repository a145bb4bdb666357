/*
 * Forks until fork() fails, in each child too; then kills them.
 *
 * `fork_bomb [GENERATIONS]`: the first process whose fork() fails kills them all, itself included,
 * as one stops a fork bomb: by SIGKILL to the whole process group. With a number: so many
 * generations, of two children each, which end by themselves; a process whose fork() fails because
 * of RLIMIT_NPROC reports it by its status. On Linux only with a number.
 */
#include "lib/attic.h"
#include <asm/signal.h>

#define NO_LIMIT 0xffffffffu
#define REFUSED  7 /* status */

static uint32_t generations = NO_LIMIT;

static void __attribute__((noreturn)) be_a_bomb(uint32_t generation)
{
    uint32_t most = generations == NO_LIMIT ? NO_LIMIT : 2, children = 0, ended = 0;
    int status = 0;

    while (generation < generations && children < most) {
        long pid = syscall3(__NR_fork, 0, 0, 0);

        if (pid == 0)
            be_a_bomb(generation + 1);
        if (pid < 0 && generations == NO_LIMIT)
            SYS(kill, 0, SIGKILL);
        if (pid < 0) {
            status = pid == -EAGAIN ? REFUSED : 1;
            break;
        }
        children++;
    }
    while (syscall3(__NR_waitpid, -1, 0, 0) > 0)
        ended++;
    sys_exit(ended == children ? status : 1);
}

int main(int argc, char *argv[])
{
    if (argc > 1 && !parse_number(argv[1], &generations))
        return 2;
    be_a_bomb(0);
}
