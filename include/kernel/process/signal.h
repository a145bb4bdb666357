/*
 * Signals (man 7 signal), with Linux's numbers, structures and frames.
 *
 * Sending marks a signal in the receiver and wakes it. It is delivered when the receiver is about
 * to return to ring 3: it is ignored, ends or stops the process, or calls a handler with a frame on
 * the user stack.
 *
 *   kernel/process/signal.c        sending and delivery
 *   kernel/process/signal_state.c  which are pending, blocked, ignored, caught
 *   kernel/process/sigframe.c      the frame of a handler, and the return from it
 *   kernel/syscall/sys_signal.c    the system calls
 *   kernel/process/itimer.c        SIGALRM
 */
#pragma once

#include <arch/x86/regs.h>
#include <kernel/task.h>
#include <lib/types.h>

/* The information for a handler with SA_SIGINFO. */
struct signal_info {
    s32 code;  /* SI_USER, SI_KERNEL, SI_TKILL, CLD_*, SEGV_*, ... */
    u32 pid;   /* of the sender, or of the child */
    u32 value; /* address of a fault; status of a child; sigqueue's value */
};

/* Create the caches. After slab_init(). */
void signal_init(void);

/* ---- the life of a process ---- */

/* All default, nothing blocked, nothing pending; NULL when out of memory. */
__must_check struct signals *signals_new(void);
/* For fork: the same actions and mask, nothing pending, no alarm. */
__must_check struct signals *signals_copy(const struct signals *from);
/*
 * For exec: handlers become default, ignored signals stay ignored, the alternate stack is removed.
 * Cannot fail.
 */
void signals_exec(struct signals *signals);
void signals_free(struct signals *signals);

/*
 * True when children that end do not become zombies: the parent ignores SIGCHLD, or has set
 * SA_NOCLDWAIT.
 */
bool signal_ignores_children(const struct task *parent);

/*
 * Notify the parent of a task, if it has one, that it stopped, continued or ended: SIGCHLD with
 * code CLD_* and status, or the signal in exit_signal. Any context.
 */
void signal_notify_parent(struct task *task, s32 code, u32 status);

/* ---- sending ---- */

/*
 * Send a signal. Nothing happens when the receiver ignores it, or has ended. -EPERM for a kernel
 * thread. Any context (the console's interrupt sends SIGINT). `info` NULL: SI_KERNEL.
 */
int send_signal(struct task *task, u32 signal, const struct signal_info *info);

/* The same to every process of a group: 0, or -ESRCH when the group is empty. Any context. */
int send_signal_group(u32 pgrp, u32 signal, const struct signal_info *info);

/*
 * Send the current process, which caused an exception, a signal that cannot be blocked or ignored.
 * If no handler catches it, the process is killed: "name[pid]: SIGSEGV: " and the text go to the
 * console (unless the task is quiet) and to its death note. Returns; takes effect before ring 3.
 */
void force_signal_fault(u32 signal, s32 code, u32 addr, const char *fmt, ...) __printf(4, 5);

/* True when the current process has a handler that would catch this signal now. */
bool signal_is_caught(u32 signal);

/* ---- receiving ---- */

/*
 * Deliver what is pending to the current process, which is about to return to ring 3 through regs.
 * May not return. Interrupts off before and after.
 */
void signal_deliver(struct pt_regs *regs);

/*
 * Set another signal mask for the duration of one call (sigsuspend, ppoll, pselect). The old mask
 * is restored when a handler has run, or when a delivery finds no handler to run; a call that ends
 * in another way must restore it itself.
 */
void signal_set_temporary_mask(u64 mask);
void signal_restore_mask(void);

/*
 * True when SIGKILL is pending for the current task: its work is not needed any more. False for
 * kernel threads.
 */
bool signal_kill_pending(void);

/*
 * End the current process, for which signal_kill_pending() is true, immediately: for a call that
 * may not return to ring 3 or touch user memory.
 */
void __noreturn signal_die(void);

/*
 * coredump.c: the current process ends by that signal; if the signal causes a core file, write one.
 * True when it was written; then CORE_DUMPED belongs in the exit code.
 */
#define CORE_DUMPED 0x80
__must_check bool coredump(u32 signal);

/* Sleep until a signal is to be delivered. */
void signal_wait(void);

/* Copy a sigset_t of a program: 0, -EINVAL for a size other than 8, -EFAULT. */
__must_check int signal_mask_from_user(u64 *mask, const void *user_mask, u32 size);

/* "SIGSEGV" for 11, and so on; "SIGRT" for the real-time ones. */
const char *signal_name(u32 signal);

/* Kernel memory of a process's signals. */
u32 signals_bytes(const struct signals *signals);

/* For /proc/PID/status: pending, blocked, ignored, caught. */
void signal_sets(const struct task *task, u64 sets[4]);

/* The information of SIGCHLD and waitid() about a child that has ended (kernel/process/exit.c). */
struct signal_info process_end_info(const struct task *child);

/* ---- alarms (kernel/process/itimer.c) ---- */

/* The timer's settings in ticks: whole ticks left, without the current one, but at least 1. */
struct itimer_times {
    u64 left, interval;
};

/*
 * For the current process and ITIMER_*: read the settings; set new ones (0 cancels) and return the
 * old ones.
 */
struct itimer_times itimer_read(u32 which);
struct itimer_times itimer_exchange(u32 which, struct itimer_times new);

/*
 * From the timer interrupt: send SIGALRM to each process whose alarm is due, and count a tick of
 * the current task's own time, in ring 3 or not.
 */
void itimer_tick(u64 now, bool user);
