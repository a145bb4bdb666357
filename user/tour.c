/*
 * What `make tour` follows: a fork, a touch, a write, a call.
 *
 * A process forks once, and its child touches, writes, asks and ends, one after the other. Each
 * step is a function of its own, so that a debugger finds the moment
 * (scripts/attic/gdb/tour/tour_life.py).
 *
 * The two pages lie at round addresses, each the first of its 4 MiB, so that they are easy to find
 * in the page tables: entry 0 of a table that holds nothing else. The parent sleeps while the child
 * lives, so that what the tour sees does not depend on the timer.
 *
 * Without a debugger it tells in one line what came of it, and passes on Linux.
 */
#include "lib/attic.h"
#include <linux/mman.h>

#define WRITTEN   ((volatile char *)0x40000000) /* before the fork */
#define UNTOUCHED ((volatile char *)0x50000000)

static bool map_page(volatile char *addr)
{
    return SYS(mmap2, addr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
               -1, 0) == (long)addr;
}

/* The first touch: nobody has used the page yet. */
__attribute__((noinline)) void touch(void)
{
    *UNTOUCHED = 't';
}

/* The first write since the fork: the parent has the page, too. */
__attribute__((noinline)) void write_copy(void)
{
    *WRITTEN = 'c';
}

/* getpid(), with names for the instruction and for the one behind it. */
__attribute__((noinline)) long ask(void)
{
    long result;

    asm volatile(".globl ask_kernel, ask_answered\n"
                 "ask_kernel: int $0x80\n"
                 "ask_answered:"
                 : "=a"(result)
                 : "a"(__NR_getpid)
                 : "memory");
    return result;
}

static void child(void)
{
    touch();
    write_copy();
    ask();
    sys_exit(*WRITTEN == 'c' && *UNTOUCHED == 't' ? 0 : 1);
}

int main(void)
{
    int status = 0;
    long pid;

    if (!map_page(WRITTEN) || !map_page(UNTOUCHED))
        return 2;
    *WRITTEN = 'p';
    pid = SYS(fork);
    if (pid == 0)
        child();
    if (pid < 0 || SYS(wait4, pid, &status, 0, NULL) != pid)
        return 3;
    print("tour: the child wrote to its own page; the parent still reads '%c'\n", *WRITTEN);
    return status == 0 && *WRITTEN == 'p' && *UNTOUCHED == 0 ? 0 : 1;
}
