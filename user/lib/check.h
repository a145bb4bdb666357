/*
 * Test programs: the exit status is 0, or the line of the first check that failed, reduced to the
 * range of a status.
 */
#pragma once

#include "attic.h"
#include <linux/utsname.h>

#define CHECK(cond)                                                                                \
    do {                                                                                           \
        if (!(cond))                                                                               \
            check_failed(__FILE__, __LINE__, #cond);                                               \
    } while (0)

static inline __attribute__((noreturn)) void check_failed(const char *file, int line,
                                                          const char *cond)
{
    print("# %s:%d: failed: %s\n", file, line, cond);
    sys_exit(line < 255 ? line : 255);
}

/*
 * Where a 32-bit and a 64-bit Linux differ, Attic behaves like one of them. The behaviour of the
 * other is accepted on Linux only.
 */
static inline bool in_attic(void)
{
    struct new_utsname name;

    CHECK(SYS(uname, &name) == 0);
    return streq(name.version, "#1 Attic");
}

/* ---- children ---- */

static inline long fork_process(void)
{
    long pid = SYS(fork);

    CHECK(pid >= 0);
    return pid;
}

/* Wait for that child with wait4(), even if signals arrive meanwhile. */
static inline int wait_status(long pid)
{
    int status = -1;
    long result;

    while ((result = SYS(wait4, pid, &status, 0, NULL)) == -EINTR)
        ;
    CHECK(result == pid);
    return status;
}

static __attribute__((unused)) long
    child_pid; /* the last one forked by CHILD_STATUS(): children have their own variable */

/* The wait status of a child that does this. */
#define CHILD_STATUS(...)                                                                          \
    ((child_pid = fork_process()) == 0 ? ({                                                        \
        __VA_ARGS__;                                                                               \
        sys_exit(99);                                                                              \
        0;                                                                                         \
    })                                                                                             \
                                       : wait_status(child_pid))

/* A child that does this must exit with that code, or be killed by that signal. */
#define EXPECT_EXIT(code, ...)    CHECK(CHILD_STATUS(__VA_ARGS__) == (code) << 8)
#define EXPECT_DEATH(signal, ...) CHECK((CHILD_STATUS(__VA_ARGS__) & 0x7f) == (signal))

/*
 * One of several tries takes less than so many milliseconds, by its own measurement: a busy host
 * makes some of them longer, but none shorter.
 */
#define WITHIN(ms, try)                                                                            \
    ({                                                                                             \
        int left_ = 20;                                                                            \
        while (left_ && (try) >= (ms))                                                             \
            left_--;                                                                               \
        left_ > 0;                                                                                 \
    })
