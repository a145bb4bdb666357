/*
 * The system calls for signals: the older ones with a mask of 32 bits, and those with 64 (rt_),
 * which check the size of the mask. They follow their manual pages, and Linux where these are not
 * exact.
 *
 * Neighbours: kernel/process/signal.c does the work, kernel/process/sigframe.c has sigreturn().
 */
#include <arch/x86/irqflags.h>
#include <arch/x86/uaccess.h>
#include <asm/errno.h>
#include <asm/siginfo.h>
#include <kernel/process/signal_internal.h>
#include <kernel/syscall/syscall.h>
#include <linux/signal.h>

static bool is_signal(u32 signal)
{
    return signal >= 1 && signal <= SIGNALS;
}

int signal_mask_from_user(u64 *mask, const void *user_mask, u32 size)
{
    if (size != sizeof(*mask))
        return -EINVAL;
    return copy_from_user(mask, user_mask, sizeof(*mask)) ? -EFAULT : 0;
}

/* ---- sending ---- */

static struct signal_info from_me(s32 code)
{
    return (struct signal_info){.code = code, .pid = current->pid};
}

/* All processes except the caller; no kernel threads. */
static long kill_all(u32 signal, const struct signal_info *info)
{
    long err = -ESRCH;

    for (struct task *task = task_next(NULL); task; task = task_next(task)) {
        if (task != current && task->signals) {
            err = 0;
            if (signal)
                send_signal(task, signal, info);
        }
    }
    return err;
}

static bool group_exists(u32 pgrp)
{
    for (struct task *task = task_next(NULL); task; task = task_next(task)) {
        if (task->pgrp == pgrp && (task->signals || task->state == TASK_ZOMBIE))
            return true;
    }
    return false;
}

/* A missing receiver is reported before an invalid signal number, as on Linux. */
static long kill_group(u32 pgrp, u32 signal, const struct signal_info *info)
{
    if (!group_exists(pgrp))
        return -ESRCH;
    if (signal > SIGNALS)
        return -EINVAL;
    if (signal)
        send_signal_group(pgrp, signal, info);
    return 0;
}

static long kill_one(u32 pid, u32 signal, const struct signal_info *info)
{
    struct task *task = task_find(pid);

    if (!pid || !task)
        return -ESRCH;
    if (signal > SIGNALS)
        return -EINVAL;
    if (!task->signals)
        return task->state == TASK_ZOMBIE ? 0 : -EPERM;
    return signal ? send_signal(task, signal, info) : 0;
}

long sys_kill(struct pt_regs *regs)
{
    s32 pid = regs->ebx;
    u32 signal = regs->ecx;
    struct signal_info info = from_me(SI_USER);

    if (pid > 0)
        return kill_one(pid, signal, &info);
    if (pid == -1)
        return signal > SIGNALS ? -EINVAL : kill_all(signal, &info);
    return kill_group(pid ? -(u32)pid : current->pgrp, signal, &info);
}

long sys_tkill(struct pt_regs *regs)
{
    struct signal_info info = from_me(SI_TKILL);

    if ((s32)regs->ebx <= 0)
        return -EINVAL;
    return kill_one(regs->ebx, regs->ecx, &info);
}

/* A process has one thread. */
long sys_tgkill(struct pt_regs *regs)
{
    struct signal_info info = from_me(SI_TKILL);

    if ((s32)regs->ebx <= 0 || (s32)regs->ecx <= 0)
        return -EINVAL;
    return regs->ebx == regs->ecx ? kill_one(regs->ecx, regs->edx, &info) : -ESRCH;
}

long sys_rt_sigqueueinfo(struct pt_regs *regs)
{
    struct signal_info info;
    siginfo_t siginfo;

    if (copy_from_user(&siginfo, (const void *)regs->edx, sizeof(siginfo)))
        return -EFAULT;
    if ((siginfo.si_code >= 0 || siginfo.si_code == SI_TKILL) && regs->ebx != current->pid)
        return -EPERM; /* only the kernel may use these codes */
    info = (struct signal_info){
        .code = siginfo.si_code, .pid = siginfo.si_pid, .value = siginfo.si_value.sival_int};
    return kill_one(regs->ebx, regs->ecx, &info);
}

/* ---- actions ---- */

static bool may_change(u32 signal, bool change)
{
    return is_signal(signal) && !(change && (signal_bit(signal) & UNBLOCKABLE));
}

/* Exchange an action; both pointers may be NULL. */
static long exchange_action(u32 signal, const struct action *new, struct action *old)
{
    struct action action;

    if (!may_change(signal, new != NULL))
        return -EINVAL;
    *old = action_of(current->signals, signal);
    if (!new)
        return 0;
    action = *new;
    action.mask[0] &= ~(u32)UNBLOCKABLE;
    return action_set(signal, &action);
}

long sys_rt_sigaction(struct pt_regs *regs)
{
    const void *user_new = (const void *)regs->ecx;
    struct action new, old;
    long err;

    if (regs->esi != sizeof(u64))
        return -EINVAL;
    if (user_new && copy_from_user(&new, user_new, sizeof(new)))
        return -EFAULT;
    err = exchange_action(regs->ebx, user_new ? &new : NULL, &old);
    if (!err && regs->edx && copy_object_to_user((void *)regs->edx, &old))
        return -EFAULT;
    return err;
}

long sys_sigaction(struct pt_regs *regs)
{
    const void *user_new = (const void *)regs->ecx;
    struct action new, old;
    struct sigaction wire;
    long err;

    if (user_new) {
        if (copy_from_user(&wire, user_new, sizeof(wire)))
            return -EFAULT;
        new = (struct action){.handler = (u32)wire.sa_handler,
                              .flags = wire.sa_flags,
                              .restorer = (u32)wire.sa_restorer,
                              .mask = {wire.sa_mask, 0}};
    }
    err = exchange_action(regs->ebx, user_new ? &new : NULL, &old);
    if (err || !regs->edx)
        return err;
    wire.sa_handler = (__sighandler_t)old.handler;
    wire.sa_flags = old.flags;
    wire.sa_restorer = (void (*)(void))old.restorer;
    wire.sa_mask = old.mask[0];
    return copy_object_to_user((void *)regs->edx, &wire);
}

/* The oldest form: the handler is removed when it is called. */
long sys_signal(struct pt_regs *regs)
{
    struct action new = {.handler = regs->ecx, .flags = SA_RESETHAND | SA_NODEFER}, old;
    long err = exchange_action(regs->ebx, &new, &old);

    return err ? err : (long)old.handler;
}

/* ---- masks ---- */

static long change_mask(u32 how, u64 set)
{
    u64 blocked = current->signals->blocked;

    switch (how) {
    case SIG_BLOCK:
        signal_set_mask(blocked | set);
        return 0;
    case SIG_UNBLOCK:
        signal_set_mask(blocked & ~set);
        return 0;
    case SIG_SETMASK:
        signal_set_mask(set);
        return 0;
    default:
        return -EINVAL;
    }
}

long sys_rt_sigprocmask(struct pt_regs *regs)
{
    u64 old = current->signals->blocked, set;
    long err = 0;

    if (regs->esi != sizeof(set))
        return -EINVAL;
    if (regs->ecx) {
        if (copy_from_user(&set, (const void *)regs->ecx, sizeof(set)))
            return -EFAULT;
        err = change_mask(regs->ebx, set);
    }
    if (!err && regs->edx && copy_object_to_user((void *)regs->edx, &old))
        return -EFAULT;
    return err;
}

/* The upper 32 signals do not change. */
long sys_sigprocmask(struct pt_regs *regs)
{
    u64 blocked = current->signals->blocked;
    u32 old = blocked, set;
    long err = 0;

    if (regs->ecx) {
        if (copy_from_user(&set, (const void *)regs->ecx, sizeof(set)))
            return -EFAULT;
        err = change_mask(regs->ebx,
                          regs->ebx == SIG_SETMASK ? (blocked & ~0xffffffffull) | set : set);
    }
    if (!err && regs->edx && copy_object_to_user((void *)regs->edx, &old))
        return -EFAULT;
    return err;
}

static u64 pending_and_blocked(void)
{
    return current->signals->pending & current->signals->blocked;
}

long sys_rt_sigpending(struct pt_regs *regs)
{
    u64 set = pending_and_blocked();

    if (regs->ecx > sizeof(set))
        return -EINVAL;
    return copy_to_user((void *)regs->ebx, &set, regs->ecx) ? -EFAULT : 0;
}

long sys_sigpending(struct pt_regs *regs)
{
    u32 set = pending_and_blocked();

    return copy_object_to_user((void *)regs->ebx, &set);
}

/* ---- waiting ---- */

static long suspend(u64 mask)
{
    signal_set_temporary_mask(mask);
    signal_wait();
    return -ERESTARTNOHAND;
}

long sys_rt_sigsuspend(struct pt_regs *regs)
{
    u64 mask;
    int err = signal_mask_from_user(&mask, (const void *)regs->ebx, regs->ecx);

    return err ? err : suspend(mask);
}

/* The mask is the third argument; the other two are not used any more. */
long sys_sigsuspend(struct pt_regs *regs)
{
    return suspend((current->signals->blocked & ~0xffffffffull) | regs->edx);
}

long sys_pause(struct pt_regs *regs)
{
    (void)regs;
    signal_wait();
    return -ERESTARTNOHAND;
}

/*
 * Sleep until a signal of the set is pending, another one is to be delivered, or the deadline is
 * reached. Returns its number or an error.
 */
static long wait_for_signal(u64 set, u64 deadline, struct signal_info *info)
{
    static struct wait_queue waiting =
        WAIT_QUEUE_INIT(waiting); /* send_signal() wakes the task itself */
    struct signals *signals = current->signals;
    u32 flags = local_irq_save();
    long result;

    signals->waited_for = set;
    for (;;) {
        result = signal_take(signals, set, info);
        if (result > 0)
            break;
        result = signal_pending() ? -EINTR : -EAGAIN;
        if (signal_pending() || jiffies_64() >= deadline)
            break;
        wait_queue_sleep_until(&waiting, deadline);
    }
    signals->waited_for = 0;
    signal_set_mask(signals->blocked); /* the signal taken may have been the last pending one */
    local_irq_restore(flags);
    return result;
}

static long sigtimedwait(const struct pt_regs *regs, bool old_time)
{
    u64 deadline = UINT64_MAX, ticks, set;
    struct signal_info info;
    long result = signal_mask_from_user(&set, (const void *)regs->ebx, regs->esi);

    if (!result && regs->edx) {
        result = ticks_from_user(&ticks, (const void *)regs->edx, old_time);
        deadline = jiffies_64() + ticks;
    }
    if (result)
        return result;
    result = wait_for_signal(set & ~UNBLOCKABLE, deadline, &info);
    if (result > 0 && regs->ecx && siginfo_to_user((void *)regs->ecx, result, &info))
        return -EFAULT;
    return result;
}

long sys_rt_sigtimedwait(struct pt_regs *regs)
{
    return sigtimedwait(regs, true);
}

long sys_rt_sigtimedwait_time64(struct pt_regs *regs)
{
    return sigtimedwait(regs, false);
}

/* ---- the alternate stack ---- */

long sys_sigaltstack(struct pt_regs *regs)
{
    const struct signals *signals = current->signals;
    struct sigaltstack stack, old = {.ss_sp = (void *)signals->stack.base,
                                     .ss_flags = signals->stack.flags,
                                     .ss_size = signals->stack.size};
    long err;

    if (on_signal_stack(signals, regs->esp))
        old.ss_flags |= SS_ONSTACK;
    if (regs->ebx) {
        if (copy_from_user(&stack, (const void *)regs->ebx, sizeof(stack)))
            return -EFAULT;
        err = signal_set_stack(&stack, regs->esp);
        if (err)
            return err;
    }
    return regs->ecx ? copy_object_to_user((void *)regs->ecx, &old) : 0;
}

/* ---- return from a handler ---- */

long sys_sigreturn(struct pt_regs *regs)
{
    return sigframe_return(regs);
}

long sys_rt_sigreturn(struct pt_regs *regs)
{
    return rt_sigframe_return(regs);
}
