/*
 * Alarms: alarm() and the real-time interval timer, which are one and the same. A process that has
 * set one is in a list, the nearest deadline first, which the timer interrupt looks at; so a tick
 * costs one comparison however many alarms there are. The other two interval timers run with the
 * process: ITIMER_VIRTUAL while it is in ring 3, ITIMER_PROF in the kernel as well. A tick counts
 * down those of the process that it meets.
 *
 * Times are kept in ticks, rounded up: an alarm is never early.
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

/* From the end: an alarm of every few ticks goes behind all others of that kind. */
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

static void charge(struct task *task, struct cpu_timer *timer, u32 signal)
{
    if (timer->left == 0 || --timer->left > 0)
        return;
    timer->left = timer->interval;
    send_signal(task, signal, NULL);
}

void itimer_charge(struct task *task, bool user)
{
    struct signals *signals = task->signals;

    if (!signals)
        return;
    if (user)
        charge(task, &signals->virtual_timer, SIGVTALRM);
    charge(task, &signals->prof_timer, SIGPROF);
}

void itimer_cancel(struct signals *signals)
{
    u32 flags = local_irq_save();

    list_del_init(&signals->alarm.link);
    signals->alarm.deadline = signals->alarm.interval = 0;
    local_irq_restore(flags);
}

/* What is set, in ticks: whole ones left, the one under way not counted, but 1 for less. */
struct times {
    u64 left, interval;
};

static struct cpu_timer *cpu_timer(struct signals *signals, u32 which)
{
    return which == ITIMER_VIRTUAL ? &signals->virtual_timer : &signals->prof_timer;
}

static struct times read_timer(struct signals *signals, u32 which)
{
    const struct cpu_timer *timer = cpu_timer(signals, which);
    struct times times = {.left = timer->left, .interval = timer->interval};
    u64 now = jiffies_64();

    if (which == ITIMER_REAL) {
        times.interval = signals->alarm.interval;
        times.left = signals->alarm.deadline;
        if (times.left)
            times.left = times.left > now ? times.left - now : 1;
    }
    times.left -= times.left > 1;
    return times;
}

/* The tick under way is not one of those asked for. */
static void set_alarm(struct signals *signals, u64 ticks, u64 interval)
{
    list_del_init(&signals->alarm.link);
    signals->alarm.deadline = ticks ? jiffies_64() + ticks + 1 : 0;
    signals->alarm.interval = ticks ? interval : 0;
    signals->alarm.task = current;
    if (ticks)
        insert(signals);
}

/* Set a new time, 0 cancels; what was left of the old one. */
static struct times exchange_timer(u32 which, struct times new)
{
    struct signals *signals = current->signals;
    u32 flags = local_irq_save();
    struct times old = read_timer(signals, which);

    if (which == ITIMER_REAL)
        set_alarm(signals, new.left, new.interval);
    else
        *cpu_timer(signals, which) =
            new.left ? (struct cpu_timer){new.left + 1, new.interval} : (struct cpu_timer){0};
    local_irq_restore(flags);
    return old;
}

/* What is left is told in the nearest number of seconds, but not as 0. */
long sys_alarm(struct pt_regs *regs)
{
    struct times old = exchange_timer(ITIMER_REAL, (struct times){.left = (u64)regs->ebx * HZ});
    u32 rest, seconds = div_u64_rem(old.left, HZ, &rest);

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

static struct itimerval_old to_itimerval(struct times times)
{
    return (struct itimerval_old){to_timeval(times.interval), to_timeval(times.left)};
}

long sys_setitimer(struct pt_regs *regs)
{
    const struct itimerval_old *user_new = (const struct itimerval_old *)regs->ecx;
    struct itimerval_old *user_old = (struct itimerval_old *)regs->edx, value = {0};
    struct times times;

    if (user_new && copy_from_user(&value, user_new, sizeof(value)))
        return -EFAULT;
    if (regs->ebx > ITIMER_PROF || !to_ticks(&value.it_value, &times.left) ||
        !to_ticks(&value.it_interval, &times.interval))
        return -EINVAL;
    value = to_itimerval(exchange_timer(regs->ebx, times));
    return user_old ? copy_object_to_user(user_old, &value) : 0;
}

long sys_getitimer(struct pt_regs *regs)
{
    struct itimerval_old value;
    u32 flags;

    if (regs->ebx > ITIMER_PROF)
        return -EINVAL;
    flags = local_irq_save();
    value = to_itimerval(read_timer(current->signals, regs->ebx));
    local_irq_restore(flags);
    return copy_object_to_user((void *)regs->ecx, &value);
}
