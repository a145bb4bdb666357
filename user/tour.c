/*
 * What `make tour` follows: fork, touch, write, call, refusal.
 *
 * Three generations. The first process, the witness, forks once and waits: it does nothing else,
 * and shows the kernel half as it looks from an address space that does not change. Its child, the
 * parent, uses some memory and frees every second page of it, so that the frames that are free next
 * are not adjacent, as in a machine that has run for a while; then it forks, too. The child of that
 * touches a page, writes to one, makes a system call, and reads an address of the kernel's, for
 * which it is killed. Each step is a separate function, so that a debugger finds the moment
 * (scripts/attic/gdb/tour/).
 *
 * The pages lie at round addresses, each the first of its 4 MiB, so that they are easy to find in
 * the page tables: entry 0 of a table that holds nothing else. A process sleeps while its child
 * lives, so that what the tour shows does not depend on the timer.
 *
 * Without a debugger it prints the results in two lines, and passes on Linux.
 */
#include "lib/attic.h"
#include <asm/siginfo.h>
#include <asm/signal.h>
#include <linux/mman.h>
#include <linux/wait.h>

#define PAGE            4096
#define WRITTEN         ((volatile char *)0x40000000) /* before the fork */
#define UNTOUCHED       ((volatile char *)0x50000000)
#define SCATTERED       ((volatile char *)0x60000000) /* of these pages, every second one is kept */
#define KERNELS         ((volatile char *)0xC0110000) /* the kernel's text on Attic, nothing on Linux */
#define SCATTERED_PAGES 16

static bool map_pages(volatile char *addr, long count)
{
    return SYS(mmap2, addr, count * PAGE, PROT_READ | PROT_WRITE,
               MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == (long)addr;
}

/* Take frames, which may be neighbours, and free every second one. */
static bool scatter(void)
{
    if (!map_pages(SCATTERED, SCATTERED_PAGES))
        return false;
    for (long i = 0; i < SCATTERED_PAGES; i++)
        SCATTERED[i * PAGE] = 's';
    for (long i = 0; i < SCATTERED_PAGES; i += 2) {
        if (SYS(munmap, SCATTERED + i * PAGE, PAGE) != 0)
            return false;
    }
    return true;
}

/* The first touch: the page has not been used yet. */
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

/* Forbidden to every program: it does not return. */
__attribute__((noinline)) char read_kernel(void)
{
    return *KERNELS;
}

/* How the child has ended, in EAX, and by which signal, in EDX, where a debugger finds it. */
__attribute__((noinline)) void see(int how, int signal)
{
    asm volatile(".globl child_seen\n"
                 "child_seen:"
                 :
                 : "a"(how), "d"(signal));
}

static void child(void)
{
    touch();
    write_copy();
    ask();
    if (*WRITTEN == 'c' && *UNTOUCHED == 't')
        read_kernel();
    sys_exit(1);
}

/* Read how it ended while it is a zombie, then remove it. Returns the signal, or 0. */
static int wait_for(long pid)
{
    siginfo_t end = {.si_code = 0};
    int status = 0;

    if (SYS(waitid, P_PID, pid, &end, WEXITED | WNOWAIT, NULL) != 0)
        return 0;
    see(end.si_code, end.si_status);
    if (SYS(wait4, pid, &status, 0, NULL) != pid || end.si_status != (status & 0x7f))
        return 0;
    return end.si_status;
}

static int parent(void)
{
    int signal;
    long pid;

    if (!map_pages(WRITTEN, 1) || !map_pages(UNTOUCHED, 1))
        return 2;
    *WRITTEN = 'p';
    if (!scatter())
        return 2;
    pid = SYS(fork);
    if (pid == 0)
        child();
    if (pid < 0)
        return 3;
    signal = wait_for(pid);
    print("tour: the child wrote to its own page; the parent still reads '%c'\n", *WRITTEN);
    print("tour: the child read what is the kernel's, and was killed by signal %d\n", signal);
    return signal == SIGSEGV && *WRITTEN == 'p' && *UNTOUCHED == 0 ? 0 : 1;
}

int main(void)
{
    int status = 0;
    long pid = SYS(fork);

    if (pid == 0)
        sys_exit(parent());
    if (pid < 0 || SYS(wait4, pid, &status, 0, NULL) != pid)
        return 3;
    return status & 0x7f ? 1 : status >> 8;
}
