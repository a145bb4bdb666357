/*
 * What the programs share: system calls, a little text output, a few string functions. The calls
 * are Linux's, by number and meaning, and nothing here is specific to Attic: the same binaries run
 * on an i386 Linux.
 *
 * A call returns the kernel's result unchanged: a result, or a negative error number from
 * <asm/errno.h>.
 */
#pragma once

#include <asm/errno.h>
#include <asm/unistd.h>
#include <linux/time_types.h>
#include <linux/uio.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- the start (start.c) ---- */

/*
 * The registers with which the program began, as pusha stores them, and above them what the kernel
 * put on the stack.
 */
struct start_frame {
    uint32_t edi, esi, ebp, esp, ebx, edx, ecx, eax;
    uint32_t argc;
    char *argv[];
};
extern const struct start_frame *start_frame;

/* The environment: NULL-terminated, followed by the auxiliary vector. */
extern char **environ;

/* ---- system calls ---- */

/*
 * Up to six arguments in EBX, ECX, EDX, ESI, EDI, EBP. The last one needs extra code, because EBP
 * may be the compiler's frame pointer.
 */
static inline long syscall5(long number, long a, long b, long c, long d, long e)
{
    long result;

    asm volatile("int $0x80"
                 : "=a"(result)
                 : "a"(number), "b"(a), "c"(b), "d"(c), "S"(d), "D"(e)
                 : "memory");
    return result;
}

static inline long syscall6(long number, long a, long b, long c, long d, long e, long f)
{
    long result;

    asm volatile("pushl %[f]; push %%ebp; mov 4(%%esp), %%ebp; int $0x80; pop %%ebp; add $4, %%esp"
                 : "=a"(result)
                 : "a"(number), "b"(a), "c"(b), "d"(c), "S"(d), "D"(e), [f] "g"(f)
                 : "memory", "cc");
    return result;
}

static inline long syscall3(long number, long a, long b, long c)
{
    long result;

    asm volatile("int $0x80" : "=a"(result) : "a"(number), "b"(a), "c"(b), "d"(c) : "memory");
    return result;
}

/*
 * SYS(kill, pid, SIGTERM): any call by its name, with up to six arguments of any scalar type. One
 * SYS() cannot be an argument of another.
 */
#define SYS_SIX(number, a, b, c, d, e, f, ...)                                                     \
    syscall6(number, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))
#define SYS(name, ...) SYS_SIX(__NR_##name, ##__VA_ARGS__, 0, 0, 0, 0, 0, 0, 0)

static inline long sys_write(int fd, const void *buf, size_t count)
{
    return syscall3(__NR_write, fd, (long)buf, count);
}

static inline long sys_writev(int fd, const struct iovec *iov, unsigned count)
{
    return syscall3(__NR_writev, fd, (long)iov, count);
}

static inline long sys_getpid(void)
{
    return syscall3(__NR_getpid, 0, 0, 0);
}

static inline void sys_sched_yield(void)
{
    syscall3(__NR_sched_yield, 0, 0, 0);
}

/* Set the end of the heap. Returns the new end, or the old one if the kernel refused. */
static inline uintptr_t sys_brk(uintptr_t end)
{
    return syscall3(__NR_brk, end, 0, 0);
}

static inline long sys_nanosleep(const struct __kernel_old_timespec *time)
{
    return syscall3(__NR_nanosleep, (long)time, 0, 0);
}

static inline __attribute__((noreturn)) void sys_exit(int status)
{
    for (;;)
        syscall3(__NR_exit_group, status, 0, 0);
}

/* ---- text (print.c) ---- */

/*
 * Print with %s %c %d %u %x, a width as in %8u, and zeros as in %08x. One write per call, so that
 * lines are not split; at most 256 bytes.
 */
void print(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* ---- time (time.c) ---- */

static inline uint64_t rdtsc(void)
{
    uint64_t value;

    asm volatile("rdtsc" : "=A"(value));
    return value;
}

/*
 * Time-stamp counts in one nanosleep() of 10 ms, which takes 10 to 30 ms depending on the kernel's
 * clock.
 */
uint64_t tsc_nap(void);

void sleep_ms(unsigned ms);

/* ---- strings (string.c) ---- */

void *memcpy(void *to, const void *from, size_t size);
void *memset(void *to, int byte, size_t size);
size_t strlen(const char *s);
bool streq(const char *a, const char *b);

/*
 * A number in decimal, or in hexadecimal after "0x". false if it is anything else, or does not fit.
 */
bool parse_number(const char *s, uint32_t *number);
