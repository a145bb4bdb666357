/*
 * `cycles COUNT`: so many times a child is forked, executes this program, and ends; every other
 * child by vfork(). The number of free pages is the same before and afterwards. Also runs on Linux.
 */
#include "lib/auxv.h"

#define STATUS 5 /* of a child that has executed */

static const char *self;

/* Only calls without a stack frame here: the parent shares its frame with a child of vfork(). */
static bool cycle(long fork_call)
{
    static const char *const argv[] = {"cycles", NULL};
    uint32_t status = 0;
    long pid = syscall3(fork_call, 0, 0, 0);

    if (pid == 0) {
        syscall3(__NR_execve, (long)self, (long)argv, 0);
        syscall3(__NR_exit, 1, 0, 0);
    }
    return pid > 0 && syscall3(__NR_waitpid, pid, (long)&status, 0) == pid && status == STATUS << 8;
}

int main(int argc, char *argv[])
{
    uint32_t count;

    if (argc != 2 || !parse_number(argv[1], &count))
        return STATUS;
    self = (const char *)aux_value(AT_EXECFN);
    for (uint32_t i = 0; i < count; i++) {
        if (!cycle(i % 2 ? __NR_vfork : __NR_fork)) {
            print("cycles: number %u went wrong\n", i);
            return 1;
        }
    }
    return 0;
}
