/*
 * Signals: from the moment one is sent to what it does to its process.
 *
 * A process has a set of pending signals and a set of blocked ones. Sending sets a bit, keeps what
 * a handler wants to know (the first sender's word counts until then: nothing is queued, for
 * real-time signals neither), and wakes the process if it sleeps. task->sigpending says "something
 * is pending that is not blocked"; together with need_resched it is the one flag that is tested on
 * the way back to ring 3. There the signal is delivered: to a handler (sigframe.c), or by what
 * Linux does by default: nothing, stop, end.
 *
 * A system call that gave up for a signal has left a result that says whether to make it again;
 * that is settled here, before the handler's frame keeps EIP and EAX. So a flag that is set stays
 * until the process itself comes here, also when another signal takes back the one that set it.
 *
 * Actions are a table that exists only in processes that have set one. Fork shares it; whoever sets
 * another action first makes a table of its own. Which signals are ignored is kept beside it as a
 * set, because exec keeps that and drops the table, and must not need memory.
 *
 * Interrupt handlers send signals too (Ctrl-C, alarms), so sets are changed with interrupts off.
 *
 * Neighbours: kernel/sched.c calls signal_deliver(), kernel/fault.c force_signal_fault();
 * kernel/exit.c tells parents.
 */
#include <arch/x86/irqflags.h>
#include <arch/x86/trap.h>
#include <asm/errno.h>
#include <asm/siginfo.h>
#include <kernel/process.h>
#include <kernel/signal_internal.h>
#include <lib/panic.h>
#include <lib/printf.h>
#include <lib/printk.h>
#include <lib/string.h>
#include <mm/slab.h>

/* What happens by default (man 7 signal); any other signal ends the process. */
#define DEFAULT_IGNORE                                                                             \
    (signal_bit(SIGCHLD) | signal_bit(SIGCONT) | signal_bit(SIGURG) | signal_bit(SIGWINCH))
#define DEFAULT_STOP                                                                               \
    (signal_bit(SIGSTOP) | signal_bit(SIGTSTP) | signal_bit(SIGTTIN) | signal_bit(SIGTTOU))

/* Caused by the instruction under way, so delivered first (SIGSYS is not used). */
#define SYNCHRONOUS                                                                                \
    (signal_bit(SIGSEGV) | signal_bit(SIGBUS) | signal_bit(SIGILL) | signal_bit(SIGTRAP) |         \
     signal_bit(SIGFPE))

static struct kmem_cache *signals_cache __ro_after_init;
static struct kmem_cache *actions_cache __ro_after_init;

void signal_init(void)
{
    signals_cache = kmem_cache_create("signals", sizeof(struct signals));
    actions_cache = kmem_cache_create("sigactions", sizeof(struct actions));
    if (!signals_cache || !actions_cache)
        panic("out of memory for the caches of signals");
}

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

/* ---- sets ---- */

/* Set task->sigpending if something is to be delivered. Interrupts off. */
static void note_pending(struct task *task)
{
    if (!(task->signals->pending & ~task->signals->blocked))
        return;
    task->sigpending = true;
    if (task == current)
        this_cpu()->need_resched = true; /* schedule() sees to the others */
}

/* Make the current process's flag what its sets say. Interrupts off. */
static void recalc_pending(void)
{
    current->sigpending = false;
    note_pending(current);
}

static void set_mask(u64 mask)
{
    u32 flags = local_irq_save();

    current->signals->blocked = mask & ~UNBLOCKABLE;
    recalc_pending();
    local_irq_restore(flags);
}

void signal_set_mask(u64 mask)
{
    set_mask(mask);
}

void signal_set_temporary_mask(u64 mask)
{
    struct signals *signals = current->signals;

    signals->saved_mask = signals->blocked;
    signals->mask_is_temporary = true;
    set_mask(mask);
}

void signal_restore_mask(void)
{
    struct signals *signals = current->signals;

    if (signals->mask_is_temporary) {
        signals->mask_is_temporary = false;
        set_mask(signals->saved_mask);
    }
}

u32 signal_take(struct signals *signals, u64 set, struct signal_info *info)
{
    u64 ready = signals->pending & set;
    u32 signal;

    if (!ready)
        return 0;
    if (ready & SYNCHRONOUS)
        ready &= SYNCHRONOUS;
    signal = (u32)ready ? ffs((u32)ready) : 32 + ffs(ready >> 32);
    signals->pending &= ~signal_bit(signal);
    *info = signals->info[signal - 1];
    return signal;
}

bool signal_kill_pending(void)
{
    return signal_pending() && current->signals->pending & signal_bit(SIGKILL);
}

void signal_sets(const struct task *task, u64 sets[4])
{
    const struct signals *signals = task->signals;

    memset(sets, 0, 4 * sizeof(u64));
    if (!signals)
        return;
    sets[0] = signals->pending;
    sets[1] = signals->blocked;
    sets[2] = signals->ignored;
    sets[3] = signals->caught;
}

/* ---- actions ---- */

struct action action_of(const struct signals *signals, u32 signal)
{
    if (signals->actions)
        return signals->actions->of[signal - 1];
    return (struct action){.handler =
                               signals->ignored & signal_bit(signal) ? (u32)SIG_IGN : (u32)SIG_DFL};
}

static void actions_put(struct actions *actions)
{
    if (actions && --actions->users == 0)
        kmem_cache_free(actions_cache, actions);
}

/* A table that only this process uses: 0 or -ENOMEM. */
static int own_actions(struct signals *signals)
{
    struct actions *old = signals->actions, *actions;

    if (old && old->users == 1)
        return 0;
    actions = kmem_cache_alloc(actions_cache);
    if (!actions)
        return -ENOMEM;
    for (u32 signal = 1; signal <= SIGNALS; signal++)
        actions->of[signal - 1] = action_of(signals, signal);
    actions->users = 1;
    actions_put(old);
    signals->actions = actions;
    return 0;
}

static bool default_ignores(u32 signal)
{
    return DEFAULT_IGNORE & signal_bit(signal);
}

int action_set(u32 signal, const struct action *action)
{
    struct signals *signals = current->signals;
    u64 bit = signal_bit(signal);
    bool ignore = action->handler == (u32)SIG_IGN, is_default = action->handler == (u32)SIG_DFL;
    u32 flags;

    if (own_actions(signals) != 0)
        return -ENOMEM;
    flags = local_irq_save();
    signals->actions->of[signal - 1] = *action;
    signals->ignored = ignore ? signals->ignored | bit : signals->ignored & ~bit;
    signals->caught = ignore || is_default ? signals->caught & ~bit : signals->caught | bit;
    if (ignore || (is_default && default_ignores(signal)))
        signals->pending &= ~bit;
    recalc_pending();
    local_irq_restore(flags);
    return 0;
}

/* ---- the life of a process ---- */

struct signals *signals_new(void)
{
    struct signals *signals = kmem_cache_alloc(signals_cache);

    if (!signals)
        return NULL;
    memset(signals, 0, offsetof(struct signals, info));
    signals->fault_addr = 0;
    signals->stack.base = signals->stack.size = 0;
    signals->stack.flags = SS_DISABLE;
    signals->alarm.deadline = signals->alarm.interval = 0;
    INIT_LIST_HEAD(&signals->alarm.link);
    return signals;
}

struct signals *signals_copy(const struct signals *from)
{
    struct signals *signals = signals_new();

    if (!signals)
        return NULL;
    signals->blocked = from->mask_is_temporary ? from->saved_mask : from->blocked;
    signals->ignored = from->ignored;
    signals->caught = from->caught;
    signals->stack = from->stack;
    signals->actions = from->actions;
    if (signals->actions)
        signals->actions->users++;
    return signals;
}

void signals_exec(struct signals *signals)
{
    actions_put(signals->actions);
    signals->actions = NULL;
    signals->caught = 0;
    signals->stack.flags = SS_DISABLE;
    signals->stack.base = signals->stack.size = 0;
}

void signals_free(struct signals *signals)
{
    itimer_cancel(signals);
    actions_put(signals->actions);
    kmem_cache_free(signals_cache, signals);
}

u32 signals_bytes(const struct signals *signals)
{
    const struct actions *actions = signals->actions;

    return sizeof(*signals) + (actions && actions->users == 1 ? sizeof(*actions) : 0);
}

bool signal_ignores_children(const struct task *parent)
{
    const struct signals *signals = parent->signals;

    return signals && ((signals->ignored & signal_bit(SIGCHLD)) ||
                       (action_of(signals, SIGCHLD).flags & SA_NOCLDWAIT));
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
        return; /* also where it is blocked */
    if (!ended && (action_of(parent->signals, SIGCHLD).flags & SA_NOCLDSTOP))
        return;
    send_signal(parent, signal, &info);
}

/* ---- sending ---- */

static bool is_ignored(const struct signals *signals, u32 signal)
{
    u64 bit = signal_bit(signal);

    if (signals->blocked & bit)
        return false; /* it may be wanted once it is unblocked */
    return (signals->ignored & bit) || (default_ignores(signal) && !(signals->caught & bit));
}

/* A stop and a SIGCONT cancel each other while they are pending. Interrupts off. */
static void cancel_opposite(struct task *task, u32 signal)
{
    struct signals *signals = task->signals;

    if (DEFAULT_STOP & signal_bit(signal))
        signals->pending &= ~signal_bit(SIGCONT);
    if (signal != SIGCONT)
        return;
    signals->pending &= ~DEFAULT_STOP;
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
    note_pending(task);
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
        ; /* it is beyond all signals */
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
        if (pgrp && task->pgrp == pgrp) /* a zombie is there to be found, too */
            err = send_signal(task, signal, info);
    }
    local_irq_restore(flags);
    return err;
}

static void note_death(u32 signal, const char *fmt, va_list args)
{
    char *note = current->death_note;
    u32 size = sizeof(current->death_note), used;

    used = scnprintf(note, size, "%s[%u]: %s: ", current->comm, current->pid, signal_name(signal));
    vscnprintf(note + used, size - used, fmt, args);
}

void force_signal_fault(u32 signal, s32 code, u32 addr, const char *fmt, ...)
{
    struct signal_info info = {.code = code, .value = addr};
    struct signals *signals = current->signals;
    u64 bit = signal_bit(signal);
    u32 flags;
    va_list args;

    if (!(signals->caught & ~signals->blocked & bit)) {
        va_start(args, fmt);
        note_death(signal, fmt, args);
        va_end(args);
    }
    flags = local_irq_save();
    signals->fault_addr = addr;
    if ((signals->blocked | signals->ignored) & bit) { /* a handler that is blocked is not called */
        signals->blocked &= ~bit;
        signals->ignored &= ~bit;
        signals->caught &= ~bit;
    }
    signals->pending &= ~bit; /* this one's information counts */
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
        printk("%s\n", note);
    task_exit(signal);
}

/* A system call that gave up: let it be made again, or let it have failed. */
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
    current->restart_deadline = 0; /* the handler may sleep as well */
    if (sigframe_push(regs, signal, action, info, mask) != 0) {
        if (signal == SIGSEGV) /* else its handler may have a stack of its own */
            signals->caught &= ~signal_bit(SIGSEGV);
        force_signal_fault(SIGSEGV, SI_KERNEL, regs->esp,
                           "no room for the frame of the handler of %s at esp 0x%08x",
                           signal_name(signal), regs->esp);
        return;
    }
    signals->mask_is_temporary = false;
    if (!(action->flags & SA_NODEFER))
        handler_mask |= signal_bit(signal);
    set_mask(handler_mask);
    if (action->flags & SA_RESETHAND) {
        struct action none = *action;

        none.handler = (u32)SIG_DFL;
        /*
         * The table is there, so it cannot fail unless it is shared; then the next signal asks
         * again.
         */
        if (action_set(signal, &none) != 0)
            signals->caught &= ~signal_bit(signal);
    }
}

/* What a signal without a handler does. */
static void default_action(u32 signal)
{
    u64 bit = signal_bit(signal);

    if ((current->signals->ignored & bit) || default_ignores(signal))
        return;
    if (DEFAULT_STOP & bit)
        stop(signal);
    else
        end_process(signal);
}

/* True when a handler is to run. */
static bool deliver_next(struct pt_regs *regs)
{
    struct signals *signals = current->signals;
    struct signal_info info;
    struct action action;
    u32 signal, flags;

    for (;;) {
        flags = local_irq_save();
        signal = signal_take(signals, ~signals->blocked, &info);
        recalc_pending();
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
