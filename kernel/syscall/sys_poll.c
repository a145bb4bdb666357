/*
 * poll and select: waiting for one of many files.
 *
 * A task has one link for wait queues, and every file has its own queue. So there is one more
 * queue, poll_waiters, which every wake_up() of any queue also wakes: a task in poll() sleeps
 * there, and checks all its files again after each wake-up. This is simple and never misses an
 * event; the cost is that a hundred tasks in poll() all check their files when one byte moves,
 * which is too much for a server with thousands of connections.
 *
 * poll() works on a copy of the program's array, select() on copies of its three sets; results are
 * copied back at the end, if there are any. ppoll() and pselect6() set another signal mask while
 * they wait, and, like select(), return the remaining time.
 *
 * Linux's POLLRDNORM, POLLWRNORM and others are set together with POLLIN and POLLOUT.
 *
 * Neighbours: fs/ reports what a file is ready for; kernel/syscall/sys_read_write.c has the other
 * function that waits.
 */
#include <arch/x86/irqflags.h>
#include <arch/x86/timer.h>
#include <arch/x86/uaccess.h>
#include <asm/errno.h>
#include <kernel/process/fdtable.h>
#include <kernel/process/signal.h>
#include <kernel/syscall/syscall.h>
#include <lib/bits.h>
#include <lib/div64.h>
#include <lib/string.h>
#include <linux/poll.h>
#include <linux/resource.h>
#include <linux/time_types.h>
#include <mm/frame/slab.h>

#define FOREVER (~0ull)

/* The events of a file, with the flags that belong together. */
static u32 file_events(struct file *file)
{
    u32 events = file_poll(file);

    if (events & POLLIN)
        events |= POLLRDNORM;
    if (events & POLLOUT)
        events |= POLLWRNORM;
    return events;
}

/*
 * Call scan(arg) until it finds an event, `deadline` (a tick, or FOREVER) is reached, or a signal
 * is pending. Returns the result of scan, 0, or -ERESTARTNOHAND.
 */
static long wait_for_any(long (*scan)(void *arg), void *arg, u64 deadline)
{
    for (;;) {
        u32 seen = wake_up_count, flags;
        long found = scan(arg);

        if (found)
            return found;
        if (deadline != FOREVER && jiffies_64() >= deadline)
            return 0;
        if (signal_pending())
            return -ERESTARTNOHAND;
        flags = local_irq_save();
        if (wake_up_count == seen && !signal_pending()) {
            if (deadline == FOREVER)
                wait_queue_sleep(&poll_waiters);
            else
                wait_queue_sleep_until(&poll_waiters, deadline);
        }
        local_irq_restore(flags);
    }
}

/* ---- poll ---- */

struct poll_set {
    struct pollfd *fds;
    u32 count;
};

static long scan_poll(void *arg)
{
    struct poll_set *set = arg;
    long found = 0;

    for (u32 i = 0; i < set->count; i++) {
        struct pollfd *entry = &set->fds[i];
        struct file *file = entry->fd < 0 ? NULL : fd_get_for_io(entry->fd);

        if (file)
            entry->revents = file_events(file) & (entry->events | POLLERR | POLLHUP);
        else
            entry->revents = entry->fd < 0 ? 0 : POLLNVAL;
        found += entry->revents != 0;
    }
    return found;
}

/* Only the results are copied back: the other fields belong to the program. */
static int poll_results(struct pollfd *user, const struct poll_set *set)
{
    for (u32 i = 0; i < set->count; i++) {
        if (copy_object_to_user(&user[i].revents, &set->fds[i].revents))
            return -EFAULT;
    }
    return 0;
}

static long do_poll(struct pollfd *user, u32 count, u64 deadline)
{
    struct poll_set set = {.count = count};
    long result;

    if (count > current->rlimits[RLIMIT_NOFILE].rlim_cur || count > FILES_MAX)
        return -EINVAL;
    set.fds = kmalloc(max(count, 1u) * sizeof(*user));
    if (!set.fds)
        return -ENOMEM;
    if (copy_from_user(set.fds, user, count * sizeof(*user)))
        result = -EFAULT;
    else
        result = wait_for_any(scan_poll, &set, deadline);
    if (result >= 0 && poll_results(user, &set) != 0)
        result = -EFAULT;
    kfree(set.fds);
    return result;
}

long sys_poll(struct pt_regs *regs)
{
    s32 ms = regs->edx;
    u64 deadline = FOREVER;
    long result;

    if (ms == 0)
        deadline = 0;
    else if (ms > 0)
        deadline = deadline_resumed(jiffies_64() + ((u32)ms - 1) / (1000 / HZ) + 2);
    result = do_poll((struct pollfd *)regs->ebx, regs->ecx, deadline);
    if (result == -ERESTARTNOHAND && deadline != FOREVER)
        current->restart_deadline = deadline;
    return result;
}

/* ---- select ---- */

enum { SET_IN, SET_OUT, SET_EX, SETS };

struct select_set {
    u32 words, count;
    u32 *user[SETS]; /* NULL: not requested */
    u32 asked[SETS][FILES_WORDS];
    u32 found[SETS][FILES_WORDS];
};

/* The events that make a file ready for each of the sets. */
static const u16 set_events[SETS] = {
    [SET_IN] = POLLIN | POLLHUP | POLLERR,
    [SET_OUT] = POLLOUT | POLLERR,
    [SET_EX] = POLLPRI,
};

static long scan_one(struct select_set *set, u32 fd)
{
    u32 word = fd / 32, bit = 1u << fd % 32, events;
    struct file *file;
    long found = 0;

    file = fd_get_for_io(fd);
    if (!file)
        return -EBADF;
    events = file_events(file);
    for (u32 i = 0; i < SETS; i++) {
        if (set->asked[i][word] & bit && events & set_events[i]) {
            set->found[i][word] |= bit;
            found++;
        }
    }
    return found;
}

static long scan_select(void *arg)
{
    struct select_set *set = arg;
    long found = 0;

    memset(set->found, 0, sizeof(set->found));
    for (u32 i = 0; i < set->words; i++) {
        u32 bits = set->asked[SET_IN][i] | set->asked[SET_OUT][i] | set->asked[SET_EX][i];

        for (; bits; bits &= bits - 1) {
            long one = scan_one(set, i * 32 + __ffs(bits));

            if (one < 0)
                return one;
            found += one;
        }
    }
    return found;
}

/* Bits of the last word beyond `count` are ignored. */
static int select_copy_in(struct select_set *set)
{
    for (u32 i = 0; i < SETS; i++) {
        if (set->user[i] && copy_from_user(set->asked[i], set->user[i], set->words * 4))
            return -EFAULT;
        if (set->count % 32)
            set->asked[i][set->words - 1] &= (1u << set->count % 32) - 1;
    }
    return 0;
}

static int select_results(const struct select_set *set)
{
    for (u32 i = 0; i < SETS; i++) {
        if (set->user[i] && copy_to_user(set->user[i], set->found[i], set->words * 4))
            return -EFAULT;
    }
    return 0;
}

/* The three sets in ECX, EDX, ESI of `count` numbers. */
static long do_select(s32 count, u32 in, u32 out, u32 ex, u64 deadline)
{
    struct select_set *set;
    long result;

    if (count < 0)
        return -EINVAL;
    set = kzalloc(sizeof(*set));
    if (!set)
        return -ENOMEM;
    set->count = min((u32)count, (u32)FILES_MAX);
    set->words = (set->count + 31) / 32;
    set->user[SET_IN] = (u32 *)in;
    set->user[SET_OUT] = (u32 *)out;
    set->user[SET_EX] = (u32 *)ex;
    result = select_copy_in(set);
    if (result == 0)
        result = wait_for_any(scan_select, set, deadline);
    if (result >= 0 && select_results(set) != 0)
        result = -EFAULT;
    kfree(set);
    return result;
}

/* ---- times and masks ---- */

/* How long a call may wait: NULL is forever; 0 is not at all. */
static int deadline_from_user(u64 *deadline, const void *user_time, bool old)
{
    u64 ticks;
    int err;

    *deadline = FOREVER;
    if (!user_time)
        return 0;
    err = ticks_from_user(&ticks, user_time, old);
    if (err == 0)
        *deadline = ticks ? jiffies_64() + ticks : 0;
    return err;
}

static u64 ticks_left(u64 deadline)
{
    u64 now = jiffies_64();

    return deadline > now ? deadline - now - 1 : 0;
}

/*
 * The end of a call with a time and a mask. A signal that ended it is delivered under the mask of
 * the call, and then the old one is restored; otherwise it is restored now.
 *
 * The remaining time is written to the program. If this fails, the result is the same, but the call
 * is not restarted with the old time.
 */
static long finish(long result, void *user_time, u64 deadline, bool old)
{
    if (result != -ERESTARTNOHAND)
        signal_restore_mask();
    if (!user_time || ticks_to_user(user_time, ticks_left(deadline), old) == 0)
        return result;
    return result == -ERESTARTNOHAND ? -EINTR : result;
}

static int set_mask(const void *user_mask, u32 size)
{
    u64 mask;
    int err;

    if (!user_mask)
        return 0;
    err = signal_mask_from_user(&mask, user_mask, size);
    if (err == 0)
        signal_set_temporary_mask(mask);
    return err;
}

static long do_ppoll(const struct pt_regs *regs, bool old)
{
    void *user_time = (void *)regs->edx;
    u64 deadline;
    long result = deadline_from_user(&deadline, user_time, old);

    if (result == 0)
        result = set_mask((const void *)regs->esi, regs->edi);
    if (result)
        return result;
    result = do_poll((struct pollfd *)regs->ebx, regs->ecx, deadline);
    return finish(result, user_time, deadline, old);
}

long sys_ppoll(struct pt_regs *regs)
{
    return do_ppoll(regs, true);
}

long sys_ppoll_time64(struct pt_regs *regs)
{
    return do_ppoll(regs, false);
}

/* The sixth argument points to the mask's address and size. */
static long do_pselect6(const struct pt_regs *regs, bool old)
{
    void *user_time = (void *)regs->edi;
    u32 mask[2] = {0, 0};
    u64 deadline;
    long result;

    if (regs->ebp && copy_from_user(mask, (const void *)regs->ebp, sizeof(mask)))
        return -EFAULT;
    result = deadline_from_user(&deadline, user_time, old);
    if (result == 0)
        result = set_mask((const void *)mask[0], mask[1]);
    if (result)
        return result;
    result = do_select(regs->ebx, regs->ecx, regs->edx, regs->esi, deadline);
    return finish(result, user_time, deadline, old);
}

long sys_pselect6(struct pt_regs *regs)
{
    return do_pselect6(regs, true);
}

long sys_pselect6_time64(struct pt_regs *regs)
{
    return do_pselect6(regs, false);
}

#define USEC_PER_SEC  1000000
#define USEC_PER_TICK (USEC_PER_SEC / HZ)

/*
 * With a struct timeval. More than a second of microseconds is allowed, as on Linux (only in this
 * call).
 */
static int deadline_from_timeval(u64 *deadline, const void *user_time)
{
    struct __kernel_old_timeval time;
    u32 ticks;

    *deadline = FOREVER;
    if (!user_time)
        return 0;
    if (copy_from_user(&time, user_time, sizeof(time)))
        return -EFAULT;
    if (time.tv_sec < 0 || time.tv_usec < 0)
        return -EINVAL;
    ticks = ((u32)time.tv_usec + USEC_PER_TICK - 1) / USEC_PER_TICK;
    *deadline = 0;
    if (time.tv_sec || ticks)
        *deadline = jiffies_64() + (u64)time.tv_sec * HZ + ticks + 1;
    return 0;
}

static long select_timeval(s32 count, u32 in, u32 out, u32 ex, void *user_time)
{
    struct __kernel_old_timeval left;
    u32 rest;
    u64 deadline;
    long result = deadline_from_timeval(&deadline, user_time);

    if (result)
        return result;
    result = do_select(count, in, out, ex, deadline);
    if (!user_time)
        return result;
    left.tv_sec = div_u64_rem(ticks_left(deadline), HZ, &rest);
    left.tv_usec = rest * USEC_PER_TICK;
    if (copy_object_to_user(user_time, &left) && result == -ERESTARTNOHAND)
        return -EINTR;
    return result;
}

long sys_newselect(struct pt_regs *regs)
{
    return select_timeval(regs->ebx, regs->ecx, regs->edx, regs->esi, (void *)regs->edi);
}

/* The oldest form: all five arguments in memory. */
long sys_select(struct pt_regs *regs)
{
    u32 args[5];

    if (copy_from_user(args, (const void *)regs->ebx, sizeof(args)))
        return -EFAULT;
    return select_timeval(args[0], args[1], args[2], args[3], (void *)args[4]);
}
