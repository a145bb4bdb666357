/*
 * Does one thing to its memory at a time, at `run steps PID`.
 *
 * In between it waits, so that the effect of a call can be inspected: with `snapshot` and memdiff,
 * or with gdb.
 *
 * `run steps &` starts it and prints its pid; `run steps PID` lets it take its next step and
 * returns when that is done. It waits for a blocked signal, so that waiting leaves no trace on its
 * stack; a signal that arrives before it is blocked would kill it, so its nice value shows when it
 * is ready.
 *
 * The steps: mmap of eight pages, none of them touched; a write to four and a read of a fifth; a
 * fork; a write to two of the four, which the child has, too; mprotect of the first one; the end of
 * the child; munmap; the end.
 */
#include "lib/attic.h"
#include <asm/siginfo.h>
#include <asm/signal.h>
#include <linux/mman.h>
#include <linux/resource.h>

#define PAGE  4096
#define PAGES 8

#define NICE_READY        1
#define PRIORITY_OF(nice) (20 - (nice)) /* as getpriority() returns it */

static volatile char *memory;
static long child; /* its pid, while there is one */

static uint64_t bit(int signal)
{
    return 1ull << (signal - 1);
}

static long take_signal(int signal, siginfo_t *info)
{
    uint64_t set = bit(signal);

    return SYS(rt_sigtimedwait, &set, info, NULL, sizeof(set));
}

static void block_signals(void)
{
    uint64_t set = bit(SIGUSR1) | bit(SIGUSR2);

    SYS(rt_sigprocmask, SIG_BLOCK, &set, NULL, sizeof(set));
}

/* ---- the steps ---- */

static const char *step_mmap(void)
{
    long at = SYS(mmap2, 0, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);

    memory = (volatile char *)at;
    return (unsigned long)at < -4095ul ? "mmap: eight pages" : NULL;
}

static const char *step_touch(void)
{
    for (int i = 0; i < 4; i++)
        memory[i * PAGE] = 1;
    (void)memory[4 * PAGE];
    return "touch: four pages written to, a fifth read";
}

/*
 * Fork; the parent sleeps before it touches memory again, so that it is always the child that gets
 * copies of stack and data.
 */
static long fork_and_nap(void)
{
    static const struct __kernel_old_timespec nap = {.tv_nsec = 50000000};
    long pid;

    asm volatile("int $0x80\n\ttest %%eax, %%eax\n\tjle 1f\n\t"
                 "mov %%eax, %%esi\n\tmov %[nanosleep], %%eax\n\tint $0x80\n\tmov %%esi, %%eax\n1:"
                 : "=a"(pid)
                 : "a"(__NR_fork), "b"(&nap), "c"(NULL), [nanosleep] "i"(__NR_nanosleep)
                 : "esi", "memory", "cc");
    return pid;
}

static const char *step_fork(void)
{
    siginfo_t info;

    child = fork_and_nap();
    if (child == 0) {
        for (;;)
            take_signal(SIGUSR2, &info);
    }
    return child > 0 ? "fork: the child does nothing" : NULL;
}

static const char *step_write(void)
{
    memory[0] = memory[PAGE] = 2;
    return "write: two of the pages";
}

static const char *step_mprotect(void)
{
    return SYS(mprotect, memory, PAGE, PROT_READ) == 0 ? "mprotect: the first page" : NULL;
}

static const char *step_kill(void)
{
    if (SYS(kill, child, SIGKILL) != 0 || SYS(wait4, child, NULL, 0, NULL) != child)
        return NULL;
    child = 0;
    return "kill: the child has ended";
}

static const char *step_munmap(void)
{
    return SYS(munmap, memory, PAGES * PAGE) == 0 ? "munmap: all eight pages" : NULL;
}

static const char *step_end(void)
{
    return "the end";
}

static const char *(*const steps[])(void) = {
    step_mmap, step_touch, step_fork, step_write, step_mprotect, step_kill, step_munmap, step_end,
};

/* ---- the process that takes the steps, and the one that triggers them ---- */

static void say(const char *done)
{
    if (child > 0)
        print("steps[%d]: %s (child: steps[%d])\n", (int)sys_getpid(), done, (int)child);
    else
        print("steps[%d]: %s\n", (int)sys_getpid(), done);
}

static int take_steps(void)
{
    SYS(setpriority, PRIO_PROCESS, 0, NICE_READY);
    print("steps[%d]: `run steps %d` takes the next step\n", (int)sys_getpid(), (int)sys_getpid());
    for (unsigned i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        siginfo_t info;
        const char *done;

        if (take_signal(SIGUSR1, &info) != SIGUSR1)
            return 1;
        done = steps[i]();
        say(done ? done : "the call has failed");
        SYS(kill, info.si_pid, SIGUSR2);
        if (!done)
            return 1;
    }
    return 0;
}

/* Wait, but not for ever, until a process is ready for a step. */
static bool is_ready(uint32_t pid)
{
    for (int i = 0; i < 200; i++) {
        long priority = SYS(getpriority, PRIO_PROCESS, pid);

        if (priority == PRIORITY_OF(NICE_READY))
            return true;
        if (priority < 0)
            return false;
        sleep_ms(10);
    }
    return false;
}

static int let_step(uint32_t pid)
{
    siginfo_t info;

    if (!is_ready(pid) || SYS(kill, pid, SIGUSR1) != 0) {
        print("steps: no process %u waits for a step\n", pid);
        return 1;
    }
    return take_signal(SIGUSR2, &info) == SIGUSR2 ? 0 : 1;
}

int main(int argc, char *argv[])
{
    uint32_t pid;

    block_signals();
    if (argc == 1)
        return take_steps();
    if (argc == 2 && parse_number(argv[1], &pid))
        return let_step(pid);
    print("usage: steps [PID]\n");
    return 2;
}
