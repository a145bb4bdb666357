/*
 * The state of a process's signals: which are pending, blocked, ignored, caught, and the handlers.
 *
 * task->sigpending means "a signal is pending and not blocked"; then need_resched is also set, the
 * only flag that is tested on the return to ring 3.
 *
 * Actions are a table that exists only in processes that have set one. Fork shares it; a process
 * that sets another action first makes its own copy. The set of ignored signals is stored
 * separately, because exec keeps it and drops the table, and must not need memory.
 *
 * Interrupt handlers read the sets, so they are changed with interrupts off.
 *
 * Neighbours: kernel/process/signal.c sends and delivers; kernel/process/fork.c, exec.c and exit.c
 * copy, reset and free them.
 */
#include <arch/x86/irqflags.h>
#include <asm/errno.h>
#include <kernel/process/signal_internal.h>
#include <lib/detach.h>
#include <lib/panic.h>
#include <lib/string.h>
#include <linux/signal.h>
#include <mm/frame/slab.h>

/* Caused by the current instruction, so delivered first (SIGSYS is not used). */
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

/* ---- sets ---- */

/* Set task->sigpending if a signal is to be delivered. Interrupts off. */
void signal_note_pending(struct task *task)
{
    if (!(task->signals->pending & ~task->signals->blocked))
        return;
    task->sigpending = true;
    if (task == current)
        this_cpu()->need_resched = true; /* schedule() does this for other tasks */
}

/* Set the current process's flag according to its sets. Interrupts off. */
void signal_recalc_pending(void)
{
    current->sigpending = false;
    signal_note_pending(current);
}

void signal_set_mask(u64 mask)
{
    u32 flags = local_irq_save();

    current->signals->blocked = mask & ~UNBLOCKABLE;
    signal_recalc_pending();
    local_irq_restore(flags);
}

void signal_set_temporary_mask(u64 mask)
{
    struct signals *signals = current->signals;

    signals->saved_mask = signals->blocked;
    signals->mask_is_temporary = true;
    signal_set_mask(mask);
}

void signal_restore_mask(void)
{
    struct signals *signals = current->signals;

    if (signals->mask_is_temporary) {
        signals->mask_is_temporary = false;
        signal_set_mask(signals->saved_mask);
    }
}

/* The signals that end the process when they are delivered; always includes SIGKILL. */
static u64 ending(const struct signals *signals)
{
    return ~(signals->caught | signals->ignored | SIGNALS_IGNORED | SIGNALS_THAT_STOP);
}

u32 signal_take(struct signals *signals, u64 set, struct signal_info *info)
{
    u64 ready = signals->pending & set;
    u32 signal;

    if (!ready)
        return 0;
    if (ready & signal_bit(SIGKILL)) /* run no handler and do not stop before the end */
        ready &= ending(signals);
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
    actions_put(exchange(&signals->actions, actions));
    return 0;
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
    if (ignore || (is_default && signal_default_ignores(signal)))
        signals->pending &= ~bit;
    signal_recalc_pending();
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
    signals->virtual_timer = signals->prof_timer = (struct cpu_timer){0};
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
    actions_put(detach(&signals->actions));
    signals->caught = 0;
    signals->stack.flags = SS_DISABLE;
    signals->stack.base = signals->stack.size = 0;
}

void signals_free(struct signals *signals)
{
    itimer_cancel(signals);
    actions_put(detach(&signals->actions));
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

/* ---- the alternate stack (man 2 sigaltstack) ---- */

long signal_set_stack(const struct sigaltstack *stack, u32 esp)
{
    struct signals *signals = current->signals;

    if (on_signal_stack(signals, esp))
        return -EPERM;
    if (stack->ss_flags != SS_DISABLE && stack->ss_flags != SS_ONSTACK && stack->ss_flags != 0)
        return -EINVAL;
    if (stack->ss_flags != SS_DISABLE && stack->ss_size < MINSIGSTKSZ)
        return -ENOMEM;
    signals->stack.flags = stack->ss_flags & SS_DISABLE;
    signals->stack.base = signals->stack.flags ? 0 : (u32)stack->ss_sp;
    signals->stack.size = signals->stack.flags ? 0 : stack->ss_size;
    return 0;
}
