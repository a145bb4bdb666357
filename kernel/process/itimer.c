/*
 * Alarms: alarm() and the real-time interval timer, which are the same timer. A process that has
 * set one is in a list, the nearest deadline first, which the timer interrupt checks; so a tick
 * needs one comparison for any number of alarms. The other two interval timers run with the
 * process: ITIMER_VIRTUAL while it is in ring 3, ITIMER_PROF in the kernel as well. A tick counts
 * down those of the running process.
 *
 * Times are kept in ticks, rounded up: an alarm is never early.
 *
 * Neighbours: kernel/sched.c ticks, kernel/process/signal.c sends.
 */
#include <arch/x86/irqflags.h>
#include <kernel/process/signal_internal.h>
#include <linux/signal.h>
#include <linux/time.h>

static struct list_head alarms = LIST_HEAD_INIT(alarms); /* interrupts off */

static struct signals *alarm_owner(struct list_head *link)
{
    return container_of(link, struct signals, alarm.link);
}

/* Searched from the end: an alarm that is set again and again usually belongs there. */
static void insert(struct signals *signals)
{
    struct list_head *at = alarms.prev;

    while (at != &alarms && alarm_owner(at)->alarm.deadline > signals->alarm.deadline)
        at = at->prev;
    list_add(&signals->alarm.link, at);
}

static void ring_alarms(u64 now)
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

void itimer_tick(u64 now, bool user)
{
    struct signals *signals = current ? current->signals : NULL;

    ring_alarms(now);
    if (!signals)
        return;
    if (user)
        charge(current, &signals->virtual_timer, SIGVTALRM);
    charge(current, &signals->prof_timer, SIGPROF);
}

void itimer_cancel(struct signals *signals)
{
    u32 flags = local_irq_save();

    list_del_init(&signals->alarm.link);
    signals->alarm.deadline = signals->alarm.interval = 0;
    local_irq_restore(flags);
}

static struct cpu_timer *cpu_timer(struct signals *signals, u32 which)
{
    return which == ITIMER_VIRTUAL ? &signals->virtual_timer : &signals->prof_timer;
}

static struct itimer_times read_timer(struct signals *signals, u32 which)
{
    const struct cpu_timer *timer = cpu_timer(signals, which);
    struct itimer_times times = {.left = timer->left, .interval = timer->interval};
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

/* The current tick is not counted. */
static void set_alarm(struct signals *signals, u64 ticks, u64 interval)
{
    list_del_init(&signals->alarm.link);
    signals->alarm.deadline = ticks ? jiffies_64() + ticks + 1 : 0;
    signals->alarm.interval = ticks ? interval : 0;
    signals->alarm.task = current;
    if (ticks)
        insert(signals);
}

struct itimer_times itimer_exchange(u32 which, struct itimer_times new)
{
    struct signals *signals = current->signals;
    u32 flags = local_irq_save();
    struct itimer_times old = read_timer(signals, which);

    if (which == ITIMER_REAL)
        set_alarm(signals, new.left, new.interval);
    else
        *cpu_timer(signals, which) =
            new.left ? (struct cpu_timer){new.left + 1, new.interval} : (struct cpu_timer){0};
    local_irq_restore(flags);
    return old;
}

struct itimer_times itimer_read(u32 which)
{
    u32 flags = local_irq_save();
    struct itimer_times times = read_timer(current->signals, which);

    local_irq_restore(flags);
    return times;
}
