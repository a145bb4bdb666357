/*
 * Time: clocks, and sleeping until a clock has reached a time.
 *
 * All clocks count timer ticks: their resolution is 10 ms, as clock_getres() returns. The real-time
 * clock of the machine is read once, during start-up, and CLOCK_REALTIME continues from there; it
 * cannot be set. A sleep takes at least the requested time: it is rounded up to whole ticks, and
 * the current tick does not count.
 *
 * A signal ends a sleep, which returns the remaining time; when no handler runs, the call is
 * restarted with its first deadline: a process that is stopped and continued does not sleep longer.
 *
 * Neighbours: drivers/rtc.c; kernel/sched.c has the ticks; fs/ calls fs_clock for time stamps;
 * kernel/process/futex.c and kernel/syscall/sys_poll.c sleep by these clocks, too.
 */
#include <arch/x86/timer.h>
#include <arch/x86/uaccess.h>
#include <asm/errno.h>
#include <drivers/rtc.h>
#include <fs/fs.h>
#include <kernel/process/signal.h>
#include <kernel/syscall/syscall.h>
#include <kernel/task.h>
#include <lib/div64.h>
#include <linux/time.h>
#include <linux/time_types.h>
#include <linux/times.h>

#define NSEC_PER_TICK (NSEC_PER_SEC / HZ)

static u32 boot_seconds __ro_after_init; /* of the Unix epoch at tick 0 */

/* ---- ticks and structures ---- */

static struct timespec_fs from_ticks(u64 ticks)
{
    u32 rest;
    u64 seconds = div_u64_rem(ticks, HZ, &rest);

    return (struct timespec_fs){.sec = seconds, .nsec = rest * NSEC_PER_TICK};
}

static int time_to_user(void *user, const struct timespec_fs *time, bool old)
{
    struct __kernel_timespec ts = {.tv_sec = time->sec, .tv_nsec = time->nsec};
    struct __kernel_old_timespec old_ts = {.tv_sec = time->sec, .tv_nsec = time->nsec};

    if (old)
        return copy_object_to_user(user, &old_ts);
    return copy_object_to_user(user, &ts);
}

int ticks_to_user(void *user_time, u64 ticks, bool old)
{
    struct timespec_fs time = from_ticks(ticks);

    return time_to_user(user_time, &time, old);
}

/* For a 32-bit program, Linux uses only the low half of tv_nsec. */
static int time_from_user(struct timespec_fs *time, const void *user, bool old)
{
    struct __kernel_timespec ts;
    struct __kernel_old_timespec old_ts;

    if (old) {
        if (copy_from_user(&old_ts, user, sizeof(old_ts)))
            return -EFAULT;
        *time = (struct timespec_fs){old_ts.tv_sec, old_ts.tv_nsec};
    } else {
        if (copy_from_user(&ts, user, sizeof(ts)))
            return -EFAULT;
        *time = (struct timespec_fs){ts.tv_sec, (u32)ts.tv_nsec};
    }
    return time->sec < 0 || time->nsec >= NSEC_PER_SEC ? -EINVAL : 0;
}

#define SECONDS_MAX (1ull << 40) /* longer than any wait; times HZ it still fits */

static u64 to_ticks(const struct timespec_fs *time)
{
    u64 seconds = min((u64)time->sec, SECONDS_MAX);

    return seconds * HZ + (time->nsec + NSEC_PER_TICK - 1) / NSEC_PER_TICK;
}

int ticks_from_user(u64 *ticks, const void *user_time, bool old)
{
    struct timespec_fs time;
    int err = time_from_user(&time, user_time, old);

    if (err)
        return err;
    *ticks = to_ticks(&time);
    if (*ticks)
        *ticks += 1;
    return 0;
}

/* ---- clocks ---- */

static void real_time(struct timespec_fs *now)
{
    *now = from_ticks(jiffies_64());
    now->sec += boot_seconds;
}

/* 0 or -EINVAL. */
static int read_clock(u32 id, struct timespec_fs *now)
{
    switch (id) {
    case CLOCK_REALTIME:
    case CLOCK_REALTIME_COARSE:
    case CLOCK_TAI:
        real_time(now);
        return 0;
    case CLOCK_MONOTONIC:
    case CLOCK_MONOTONIC_RAW:
    case CLOCK_MONOTONIC_COARSE:
    case CLOCK_BOOTTIME:
        *now = from_ticks(jiffies_64());
        return 0;
    case CLOCK_PROCESS_CPUTIME_ID:
    case CLOCK_THREAD_CPUTIME_ID:
        *now = from_ticks(current->ticks);
        return 0;
    default:
        return -EINVAL;
    }
}

void time_init(void)
{
    boot_seconds = rtc_read();
    fs_clock = real_time;
}

static long do_clock_gettime(const struct pt_regs *regs, bool old)
{
    struct timespec_fs now;
    int err = read_clock(regs->ebx, &now);

    return err ? err : time_to_user((void *)regs->ecx, &now, old);
}

long sys_clock_gettime(struct pt_regs *regs)
{
    return do_clock_gettime(regs, true);
}

long sys_clock_gettime64(struct pt_regs *regs)
{
    return do_clock_gettime(regs, false);
}

static long do_clock_getres(const struct pt_regs *regs, bool old)
{
    struct timespec_fs now;
    int err = read_clock(regs->ebx, &now);

    if (err || !regs->ecx)
        return err;
    return ticks_to_user((void *)regs->ecx, 1, old);
}

long sys_clock_getres(struct pt_regs *regs)
{
    return do_clock_getres(regs, true);
}

long sys_clock_getres_time64(struct pt_regs *regs)
{
    return do_clock_getres(regs, false);
}

long sys_gettimeofday(struct pt_regs *regs)
{
    struct __kernel_old_timeval tv;
    struct timespec_fs now;
    u32 zone[2] = {0, 0};

    real_time(&now);
    tv = (struct __kernel_old_timeval){.tv_sec = now.sec, .tv_usec = now.nsec / 1000};
    if (regs->ebx && copy_object_to_user((void *)regs->ebx, &tv))
        return -EFAULT;
    return regs->ecx && copy_to_user((void *)regs->ecx, zone, sizeof(zone)) ? -EFAULT : 0;
}

long sys_time(struct pt_regs *regs)
{
    struct timespec_fs now;
    s32 seconds;

    real_time(&now);
    seconds = now.sec;
    if (regs->ebx && copy_object_to_user((void *)regs->ebx, &seconds))
        return -EFAULT;
    return seconds;
}

long sys_times(struct pt_regs *regs)
{
    struct tms tms = {
        .tms_utime = current->user_ticks,
        .tms_stime = current->ticks - current->user_ticks,
        .tms_cutime = current->child_user_ticks,
        .tms_cstime = current->child_ticks - current->child_user_ticks,
    };

    if (regs->ebx && copy_object_to_user((void *)regs->ebx, &tms))
        return -EFAULT;
    return (u32)jiffies_64() & 0x7fffffff; /* a negative result would be an error */
}

/* ---- sleeping ---- */

/*
 * Sleep until tick `deadline`. `user_left` (may be NULL) gets the remaining time if a signal comes.
 */
static long sleep_until(u64 deadline, void *user_left, bool old)
{
    u64 now;

    deadline = deadline_resumed(deadline);
    sched_sleep_until(deadline);
    now = jiffies_64();
    if (now >= deadline)
        return 0;
    if (user_left && ticks_to_user(user_left, deadline - now, old) != 0)
        return -EFAULT;
    current->restart_deadline = deadline;
    return -ERESTARTNOHAND;
}

long sys_nanosleep(struct pt_regs *regs)
{
    u64 ticks;
    int err = ticks_from_user(&ticks, (const void *)regs->ebx, true);

    if (err || !ticks)
        return err;
    return sleep_until(jiffies_64() + ticks, (void *)regs->ecx, true);
}

/* The tick at which a clock will have reached `time`. */
static u64 absolute_deadline(u32 clock, const struct timespec_fs *time)
{
    struct timespec_fs rest = *time;

    if (clock == CLOCK_REALTIME || clock == CLOCK_TAI)
        rest.sec -= boot_seconds;
    return rest.sec < 0 ? 0 : to_ticks(&rest);
}

int deadline_by_clock(u64 *deadline, u32 clock, bool absolute, const void *user_time, bool old)
{
    struct timespec_fs time;
    int err = time_from_user(&time, user_time, old);

    if (!err)
        *deadline = absolute ? absolute_deadline(clock, &time) : jiffies_64() + to_ticks(&time) + 1;
    return err;
}

static long do_clock_nanosleep(const struct pt_regs *regs, bool old)
{
    u32 clock = regs->ebx, flags = regs->ecx;
    struct timespec_fs time;
    u64 ticks;
    int err;

    if (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC && clock != CLOCK_BOOTTIME &&
        clock != CLOCK_TAI)
        return clock == CLOCK_THREAD_CPUTIME_ID || clock >= 16 ? -EINVAL : -EOPNOTSUPP;
    err = time_from_user(&time, (const void *)regs->edx, old);
    if (err)
        return err;
    if (flags & TIMER_ABSTIME)
        return sleep_until(absolute_deadline(clock, &time), NULL, old);
    ticks = to_ticks(&time);
    return ticks ? sleep_until(jiffies_64() + ticks + 1, (void *)regs->esi, old) : 0;
}

long sys_clock_nanosleep(struct pt_regs *regs)
{
    return do_clock_nanosleep(regs, true);
}

long sys_clock_nanosleep_time64(struct pt_regs *regs)
{
    return do_clock_nanosleep(regs, false);
}
