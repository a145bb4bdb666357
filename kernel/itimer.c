/*
 * Alarms: alarm() and the real-time interval timer, which are one and the same. A process that has
 * set one is in a list, the nearest deadline first, which the timer interrupt looks at; so a tick
 * costs one comparison however many alarms there are.
 *
 * Times are kept in ticks, rounded up: an alarm is never early. ITIMER_VIRTUAL and ITIMER_PROF are
 * refused.
 *
 * Neighbours: kernel/sched.c ticks, kernel/signal.c sends.
 */
#include <arch/x86/irqflags.h>
#include <arch/x86/timer.h>
#include <arch/x86/uaccess.h>
#include <asm/errno.h>
#include <kernel/signal_internal.h>
#include <kernel/syscall.h>
#include <lib/div64.h>
#include <linux/signal.h>
#include <linux/time.h>
#include <linux/time_types.h>

#define USEC_PER_SEC  1000000u
#define USEC_PER_TICK (USEC_PER_SEC / HZ)

static struct list_head alarms = LIST_HEAD_INIT(alarms); /* interrupts off */

static struct signals *alarm_owner(struct list_head *link)
{
    return container_of(link, struct signals, alarm.link);
}

/* From the end: whoever is called every few ticks goes behind all others who are. */
static void insert(struct signals *signals)
{
    struct list_head *at = alarms.prev;

    while (at != &alarms && alarm_owner(at)->alarm.deadline > signals->alarm.deadline)
        at = at->prev;
    list_add(&signals->alarm.link, at);
}

void itimer_tick(u64 now)
{
    while (!list_empty(&alarms)) {
        struct signals *signals = alarm_owner(alarms.next);

        if (signals->alarm.deadline > now)
            break;
        list_del_init(&signals->alarm.link);
        signals->alarm.deadline = signals->alarm.interval ? now + signals->alarm.interval : 0;
        if (signals->alarm.deadline)
            insert(signals);
        send_signal(signals->alarm.task, SIGALRM, NULL);
    }
}

void itimer_cancel(struct signals *signals)
{
    u32 flags = local_irq_save();

    list_del_init(&signals->alarm.link);
    signals->alarm.deadline = signals->alarm.interval = 0;
    local_irq_restore(flags);
}

/* Whole ticks left, the one under way not counted; 1 for less. */
static u64 ticks_left(const struct signals *signals)
{
    u64 now = jiffies_64();

    if (!signals->alarm.deadline)
        return 0;
    return signals->alarm.deadline > now + 1 ? signals->alarm.deadline - now - 1 : 1;
}

/* Ticks left, and set a new time: 0 cancels. */
static u64 exchange(u64 ticks, u64 interval, u64 *old_interval)
{
    struct signals *signals = current->signals;
    u32 flags = local_irq_save();
    u64 left = ticks_left(signals);

    *old_interval = signals->alarm.interval;
    list_del_init(&signals->alarm.link);
    signals->alarm.deadline = ticks ? jiffies_64() + ticks + 1 : 0;
    signals->alarm.interval = ticks ? interval : 0;
    signals->alarm.task = current;
    if (ticks)
        insert(signals);
    local_irq_restore(flags);
    return left;
}

/* What is left is told in the nearest number of seconds, but not as 0. */
long sys_alarm(struct pt_regs *regs)
{
    u64 interval, left = exchange((u64)regs->ebx * HZ, 0, &interval);
    u32 rest, seconds = div_u64_rem(left, HZ, &rest);

    return seconds + (rest > HZ / 2 || (seconds == 0 && rest));
}

static struct __kernel_old_timeval to_timeval(u64 ticks)
{
    u32 seconds = div_u64(ticks, HZ);

    return (struct __kernel_old_timeval){.tv_sec = seconds,
                                         .tv_usec = ((u32)ticks - seconds * HZ) * USEC_PER_TICK};
}

/* Ticks, rounded up; false for a time that is none. */
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

long sys_setitimer(struct pt_regs *regs)
{
    const struct itimerval_old *user_new = (const struct itimerval_old *)regs->ecx;
    struct itimerval_old *user_old = (struct itimerval_old *)regs->edx, value = {0}, old;
    u64 ticks, interval, left;

    if (user_new && copy_from_user(&value, user_new, sizeof(value)))
        return -EFAULT;
    if (regs->ebx != ITIMER_REAL || !to_ticks(&value.it_value, &ticks) ||
        !to_ticks(&value.it_interval, &interval))
        return -EINVAL;
    left = exchange(ticks, interval, &interval);
    old = (struct itimerval_old){to_timeval(interval), to_timeval(left)};
    return user_old && copy_to_user(user_old, &old, sizeof(old)) ? -EFAULT : 0;
}

long sys_getitimer(struct pt_regs *regs)
{
    const struct signals *signals = current->signals;
    struct itimerval_old value;
    u32 flags;

    if (regs->ebx != ITIMER_REAL)
        return -EINVAL;
    flags = local_irq_save();
    value.it_interval = to_timeval(signals->alarm.interval);
    value.it_value = to_timeval(ticks_left(signals));
    local_irq_restore(flags);
    return copy_to_user((void *)regs->ecx, &value, sizeof(value)) ? -EFAULT : 0;
}
