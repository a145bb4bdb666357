/*
 * alarm(), setitimer(), getitimer() (man 2): convert times of programs to ticks and back.
 *
 * Neighbours: kernel/process/itimer.c has the timers.
 */
#include <arch/x86/timer.h>
#include <arch/x86/uaccess.h>
#include <asm/errno.h>
#include <kernel/process/signal.h>
#include <kernel/syscall/syscall.h>
#include <lib/div64.h>
#include <linux/time.h>
#include <linux/time_types.h>

#define USEC_PER_SEC  1000000u
#define USEC_PER_TICK (USEC_PER_SEC / HZ)

/* Returns the remaining time, rounded to seconds, but not to 0. */
long sys_alarm(struct pt_regs *regs)
{
    struct itimer_times old =
        itimer_exchange(ITIMER_REAL, (struct itimer_times){.left = (u64)regs->ebx * HZ});
    u32 rest, seconds = div_u64_rem(old.left, HZ, &rest);

    return seconds + (rest > HZ / 2 || (seconds == 0 && rest));
}

static struct __kernel_old_timeval to_timeval(u64 ticks)
{
    u32 seconds = div_u64(ticks, HZ);

    return (struct __kernel_old_timeval){.tv_sec = seconds,
                                         .tv_usec = ((u32)ticks - seconds * HZ) * USEC_PER_TICK};
}

/* Ticks, rounded up; false for an invalid time. */
static bool to_ticks(const struct __kernel_old_timeval *time, u64 *ticks)
{
    if (time->tv_sec < 0 || (u32)time->tv_usec >= USEC_PER_SEC)
        return false;
    *ticks = (u64)time->tv_sec * HZ + ((u32)time->tv_usec + USEC_PER_TICK - 1) / USEC_PER_TICK;
    return true;
}

struct itimerval_old {
    struct __kernel_old_timeval it_interval, it_value;
};

static struct itimerval_old to_itimerval(struct itimer_times times)
{
    return (struct itimerval_old){to_timeval(times.interval), to_timeval(times.left)};
}

long sys_setitimer(struct pt_regs *regs)
{
    const struct itimerval_old *user_new = (const struct itimerval_old *)regs->ecx;
    struct itimerval_old *user_old = (struct itimerval_old *)regs->edx, value = {0};
    struct itimer_times times;

    if (user_new && copy_from_user(&value, user_new, sizeof(value)))
        return -EFAULT;
    if (regs->ebx > ITIMER_PROF || !to_ticks(&value.it_value, &times.left) ||
        !to_ticks(&value.it_interval, &times.interval))
        return -EINVAL;
    value = to_itimerval(itimer_exchange(regs->ebx, times));
    return user_old ? copy_object_to_user(user_old, &value) : 0;
}

long sys_getitimer(struct pt_regs *regs)
{
    struct itimerval_old value;

    if (regs->ebx > ITIMER_PROF)
        return -EINVAL;
    value = to_itimerval(itimer_read(regs->ebx));
    return copy_object_to_user((void *)regs->ecx, &value);
}
