/*
 * Signals: sending and delivery.
 *
 * Sending sets a bit, stores the information for a handler (that of the first sender is kept:
 * nothing is queued, not even real-time signals), and wakes the process if it sleeps. On the return
 * to ring 3 the signal is delivered: to a handler (sigframe.c), or by Linux's default action:
 * ignore, stop, end.
 *
 * The result of a system call that a signal interrupted shows whether to restart it; this is
 * handled here, before the handler's frame saves EIP and EAX. So the flag sigpending stays set
 * until the process itself comes here, even if another signal cancels the one that set it.
 *
 * Interrupt handlers also send signals (Ctrl-C, alarms), so sets are changed with interrupts off.
 *
 * Neighbours: kernel/process/signal_state.c has the sets and the actions; kernel/sched.c calls
 * signal_deliver() and kernel/exception.c force_signal_fault() through process_ops
 * (kernel/process/process.c, which delivers the first ones itself); kernel/process/exit.c notifies
 * parents.
 */
#include <arch/x86/irqflags.h>
#include <asm/errno.h>
#include <asm/siginfo.h>
#include <kernel/process/process.h>
#include <kernel/process/signal_internal.h>
#include <lib/printf.h>
#include <lib/printk.h>
#include <linux/signal.h>

const char *signal_name(u32 signal)
{
    static const char names[][10] = {
        "0",         "SIGHUP",  "SIGINT",    "SIGQUIT", "SIGILL",   "SIGTRAP", "SIGABRT", "SIGBUS",
        "SIGFPE",    "SIGKILL", "SIGUSR1",   "SIGSEGV", "SIGUSR2",  "SIGPIPE", "SIGALRM", "SIGTERM",
        "SIGSTKFLT", "SIGCHLD", "SIGCONT",   "SIGSTOP", "SIGTSTP",  "SIGTTIN", "SIGTTOU", "SIGURG",
        "SIGXCPU",   "SIGXFSZ", "SIGVTALRM", "SIGPROF", "SIGWINCH", "SIGIO",   "SIGPWR",  "SIGSYS",
    };

    return signal < ARRAY_SIZE(names) ? names[signal] : "SIGRT";
}

/* ---- sending ---- */

static bool is_ignored(const struct signals *signals, u32 signal)
{
    u64 bit = signal_bit(signal);

    if (signals->blocked & bit)
        return false; /* it may have a handler when it is unblocked */
    return (signals->ignored & bit) || (signal_default_ignores(signal) && !(signals->caught & bit));
}

/* A stop and a SIGCONT cancel each other while they are pending. Interrupts off. */
static void cancel_opposite(struct task *task, u32 signal)
{
    struct signals *signals = task->signals;

    if (SIGNALS_THAT_STOP & signal_bit(signal))
        signals->pending &= ~signal_bit(SIGCONT);
    if (signal != SIGCONT)
        return;
    signals->pending &= ~SIGNALS_THAT_STOP;
    if (task->state == TASK_STOPPED) {
        task_continue(task, true);
        signal_notify_parent(task, CLD_CONTINUED, SIGCONT);
    }
}

/* Interrupts off. */
static void mark(struct task *task, u32 signal, const struct signal_info *info)
{
    static const struct signal_info from_kernel = {.code = SI_KERNEL};
    struct signals *signals = task->signals;

    if (!(signals->pending & signal_bit(signal)))
        signals->info[signal - 1] = info ? *info : from_kernel;
    signals->pending |= signal_bit(signal);
    signal_note_pending(task);
    if (signal == SIGKILL)
        task_continue(task, false);
    if (task->sigpending || (signals->waited_for & signal_bit(signal)))
        wake_up_task(task);
}

int send_signal(struct task *task, u32 signal, const struct signal_info *info)
{
    u32 flags = local_irq_save();
    int err = 0;

    if (task->state == TASK_ZOMBIE) {
        ; /* signals have no effect any more */
    } else if (!task->signals) {
        err = -EPERM;
    } else {
        cancel_opposite(task, signal);
        if (!is_ignored(task->signals, signal))
            mark(task, signal, info);
    }
    local_irq_restore(flags);
    return err;
}

int send_signal_group(u32 pgrp, u32 signal, const struct signal_info *info)
{
    u32 flags = local_irq_save();
    int err = -ESRCH;

    for (struct task *task = task_next(NULL); task; task = task_next(task)) {
        if (pgrp && task->pgrp == pgrp) /* zombies count as found, too */
            err = send_signal(task, signal, info);
    }
    local_irq_restore(flags);
    return err;
}

void signal_notify_parent(struct task *task, s32 code, u32 status)
{
    struct signal_info info = {.code = code, .pid = task->pid, .value = status};
    struct task *parent = task->parent;
    bool ended = code == CLD_EXITED || code == CLD_KILLED || code == CLD_DUMPED;
    u32 signal = ended ? task->exit_signal : SIGCHLD;

    if (!parent || !parent->signals || !signal)
        return;
    if (signal == SIGCHLD && (parent->signals->ignored & signal_bit(SIGCHLD)))
        return; /* also if it is blocked */
    if (!ended && (action_of(parent->signals, SIGCHLD).flags & SA_NOCLDSTOP))
        return;
    send_signal(parent, signal, &info);
}

static void note_death(u32 signal, const char *fmt, va_list args)
{
    char *note = current->death_note;
    u32 size = sizeof(current->death_note), used;

    used = scnprintf(note, size, "%s[%u]: %s: ", current->comm, current->pid, signal_name(signal));
    vscnprintf(note + used, size - used, fmt, args);
}

bool signal_is_caught(u32 signal)
{
    const struct signals *signals = current->signals;

    return signals->caught & ~signals->blocked & signal_bit(signal);
}

void force_signal_fault(u32 signal, s32 code, u32 addr, const char *fmt, ...)
{
    struct signal_info info = {.code = code, .value = addr};
    struct signals *signals = current->signals;
    u64 bit = signal_bit(signal);
    u32 flags;
    va_list args;

    if (!signal_is_caught(signal)) {
        va_start(args, fmt);
        note_death(signal, fmt, args);
        va_end(args);
    }
    flags = local_irq_save();
    signals->fault_addr = addr;
    if ((signals->blocked | signals->ignored) & bit) { /* no handler is called */
        signals->blocked &= ~bit;
        signals->ignored &= ~bit;
        signals->caught &= ~bit;
    }
    signals->pending &= ~bit; /* the new information replaces the old */
    mark(current, signal, &info);
    local_irq_restore(flags);
}

/* ---- delivery ---- */

static void stop(u32 signal)
{
    u32 flags;

    if (signal != SIGSTOP && pgrp_is_orphaned(current->pgrp))
        return;
    flags = local_irq_save();
    if (!(current->signals->pending & (signal_bit(SIGKILL) | signal_bit(SIGCONT)))) {
        signal_notify_parent(current, CLD_STOPPED, signal);
        task_stop(signal);
    }
    local_irq_restore(flags);
}

static void __noreturn end_process(u32 signal)
{
    char *note = current->death_note;

    if (!note[0])
        snprintf(note, sizeof(current->death_note), "%s[%u]: %s from outside", current->comm,
                 current->pid, signal_name(signal));
    else if (!current->quiet)
        printk_folded(note);
    task_exit(coredump(signal) ? signal | CORE_DUMPED : signal);
}

void signal_die(void)
{
    struct signals *signals = current->signals;
    struct signal_info info;
    u32 flags = local_irq_save(), signal = signal_take(signals, ~signals->blocked, &info);

    local_irq_restore(flags);
    end_process(signal);
}

/* A system call that a signal interrupted: restart it, or let it fail. */
static void settle_syscall(struct pt_regs *regs, const struct action *handler)
{
    s32 result = regs->eax;

    if (!in_syscall(regs) || syscall_number(regs) == NO_SYSCALL ||
        (result != -ERESTARTSYS && result != -ERESTARTNOHAND))
        return;
    if (handler && (result == -ERESTARTNOHAND || !(handler->flags & SA_RESTART))) {
        regs->eax = -EINTR;
        return;
    }
    syscall_restart(regs, 0);
}

static void call_handler(struct pt_regs *regs, u32 signal, const struct action *action,
                         const struct signal_info *info)
{
    struct signals *signals = current->signals;
    u64 mask = signals->mask_is_temporary ? signals->saved_mask : signals->blocked;
    u64 handler_mask = signals->blocked | action->mask[0] | (u64)action->mask[1] << 32;

    settle_syscall(regs, action);
    current->restart_deadline = 0; /* the handler may also sleep */
    if (sigframe_push(regs, signal, action, info, mask) != 0) {
        if (signal == SIGSEGV) /* otherwise its handler may have its own stack */
            signals->caught &= ~signal_bit(SIGSEGV);
        force_signal_fault(SIGSEGV, SI_KERNEL, regs->esp,
                           "no room for the frame of the handler of %s at esp 0x%08x",
                           signal_name(signal), regs->esp);
        return;
    }
    signals->mask_is_temporary = false;
    if (!(action->flags & SA_NODEFER))
        handler_mask |= signal_bit(signal);
    signal_set_mask(handler_mask);
    if (action->flags & SA_RESETHAND) {
        struct action none = *action;

        none.handler = (u32)SIG_DFL;
        /*
         * The table exists, so this cannot fail unless it is shared; then the next signal tries
         * again.
         */
        if (action_set(signal, &none) != 0)
            signals->caught &= ~signal_bit(signal);
    }
}

/* The default action of a signal. */
static void default_action(u32 signal)
{
    u64 bit = signal_bit(signal);

    if ((current->signals->ignored & bit) || signal_default_ignores(signal))
        return;
    if (SIGNALS_THAT_STOP & bit)
        stop(signal);
    else
        end_process(signal);
}

/* Deliver the next signal. True when a handler is to run. */
static bool deliver_next(struct pt_regs *regs)
{
    struct signals *signals = current->signals;
    struct signal_info info;
    struct action action;
    u32 signal, flags;

    for (;;) {
        flags = local_irq_save();
        signal = signal_take(signals, ~signals->blocked, &info);
        signal_recalc_pending();
        local_irq_restore(flags);
        if (!signal)
            return false;
        if (signals->caught & signal_bit(signal)) {
            action = action_of(signals, signal);
            call_handler(regs, signal, &action, &info);
            return true;
        }
        default_action(signal);
    }
}

void signal_deliver(struct pt_regs *regs)
{
    local_irq_enable();
    if (!deliver_next(regs)) {
        settle_syscall(regs, NULL);
        signal_restore_mask();
    }
    local_irq_disable();
}

void signal_wait(void)
{
    static struct wait_queue nobody = WAIT_QUEUE_INIT(nobody);
    u32 flags = local_irq_save();

    while (!signal_pending())
        wait_queue_sleep(&nobody);
    local_irq_restore(flags);
}
