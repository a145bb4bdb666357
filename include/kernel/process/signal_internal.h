/* Internal to the files of signals. */
#pragma once

#include <kernel/process/signal.h>
#include <lib/list.h>
#include <linux/signal.h>

#define SIGNALS 64 /* numbers 1 to 64 */

/*
 * An action in the format of rt_sigaction(). <asm/signal.h> has only the older structure, with a
 * mask of 32 bits in another place.
 */
struct action {
    u32 handler; /* SIG_DFL, SIG_IGN, or an address */
    u32 flags;   /* SA_* */
    u32 restorer;
    u32 mask[2];
};

/*
 * The actions of a process that has set any; shared after fork until one of the processes changes
 * them.
 */
struct actions {
    u32 users;
    struct action of[SIGNALS]; /* by number - 1 */
};

/*
 * All of a process's signals. Sets have bit n - 1 for signal n. Fields that interrupt handlers read
 * or change are accessed with interrupts off.
 */
struct signals {
    u64 pending, blocked;
    u64 ignored;    /* action SIG_IGN */
    u64 caught;     /* action is a handler */
    u64 waited_for; /* sigtimedwait() sleeps for these */
    u64 saved_mask; /* the mask to restore after a temporary one */
    bool mask_is_temporary;
    struct actions *actions; /* NULL: `ignored` has all of them */
    struct signal_info info[SIGNALS];
    u32 fault_addr; /* of the last forced signal: CR2 in the frame */
    struct {
        u32 base, size, flags; /* sigaltstack(); flags: 0 or SS_DISABLE */
    } stack;
    struct {
        struct list_head link; /* in the list of alarms, by deadline */
        struct task *task;     /* the owner, when it is in the list */
        u64 deadline;          /* tick, 0: none */
        u64 interval;          /* ticks, 0: once */
    } alarm;
    struct cpu_timer {
        u64 left, interval; /* ticks of the process's own time; 0: not set, once */
    } virtual_timer, prof_timer;
};

static inline u64 signal_bit(u32 signal)
{
    return 1ull << (signal - 1);
}

#define UNBLOCKABLE (signal_bit(SIGKILL) | signal_bit(SIGSTOP))

/* The default actions (man 7 signal); any other signal ends the process. */
#define SIGNALS_IGNORED                                                                            \
    (signal_bit(SIGCHLD) | signal_bit(SIGCONT) | signal_bit(SIGURG) | signal_bit(SIGWINCH))
#define SIGNALS_THAT_DUMP                                                                          \
    (signal_bit(SIGQUIT) | signal_bit(SIGILL) | signal_bit(SIGTRAP) | signal_bit(SIGABRT) |        \
     signal_bit(SIGBUS) | signal_bit(SIGFPE) | signal_bit(SIGSEGV) | signal_bit(SIGXCPU) |         \
     signal_bit(SIGXFSZ) | signal_bit(SIGSYS))
#define SIGNALS_THAT_STOP                                                                          \
    (signal_bit(SIGSTOP) | signal_bit(SIGTSTP) | signal_bit(SIGTTIN) | signal_bit(SIGTTOU))

static inline bool signal_default_ignores(u32 signal)
{
    return SIGNALS_IGNORED & signal_bit(signal);
}

/* ---- kernel/process/signal_state.c ---- */

/* Set task->sigpending if a signal is to be delivered. Interrupts off. */
void signal_note_pending(struct task *task);

/* Set the current process's flag according to its sets. Interrupts off. */
void signal_recalc_pending(void);

/* The action of a signal of this process. */
struct action action_of(const struct signals *signals, u32 signal);

/* Set it. 0 or -ENOMEM. Drops the signal if it is pending and is now ignored. */
__must_check int action_set(u32 signal, const struct action *action);

/* Set the mask of the current process; SIGKILL and SIGSTOP are never in it. */
void signal_set_mask(u64 mask);

/*
 * Remove the most urgent pending signal from a set: its number, or 0 if no signal is pending. If
 * SIGKILL is pending, the result is a signal that ends the process. Interrupts off.
 */
u32 signal_take(struct signals *signals, u64 set, struct signal_info *info);

/*
 * sigframe.c: set regs to the handler, with a frame that saves the interrupted state. 0, or -EFAULT
 * when the stack has no room.
 */
__must_check int sigframe_push(struct pt_regs *regs, u32 signal, const struct action *action,
                               const struct signal_info *info, u64 mask);

/* True when esp lies on the alternate stack. */
bool on_signal_stack(const struct signals *signals, u32 esp);

/*
 * signal_state.c: sigaltstack() of a process whose stack pointer is `esp`. 0, -EPERM, -EINVAL,
 * -ENOMEM.
 */
long signal_set_stack(const struct sigaltstack *stack, u32 esp);

/*
 * sigframe.c: return from a handler to the interrupted code, with a frame of the older or the newer
 * kind. Returns the interrupted EAX; if the frame is invalid, the process gets SIGSEGV.
 */
long sigframe_return(struct pt_regs *regs);
long rt_sigframe_return(struct pt_regs *regs);

/* Write a siginfo_t for a program (128 bytes). 0 or -EFAULT. */
__must_check int siginfo_to_user(void *user_info, u32 signal, const struct signal_info *info);

/* itimer.c: for a process that ends. */
void itimer_cancel(struct signals *signals);
