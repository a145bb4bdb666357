/*
 * Signals (man 7 signal), with Linux's numbers, structures and frames.
 *
 * Sending marks a signal in the receiver and wakes it. It is delivered when the receiver is about
 * to return to ring 3: ignored, ends or stops the process, or a handler is called on a frame on the
 * user stack.
 *
 *   kernel/process/signal.c        sending, and what happens at delivery
 *   kernel/process/signal_state.c  which are pending, blocked, ignored, caught
 *   kernel/process/sigframe.c      the frame of a handler, and the way back from it
 *   kernel/syscall/sys_signal.c    the system calls
 *   kernel/process/itimer.c        SIGALRM
 */
#pragma once

#include <arch/x86/regs.h>
#include <kernel/task.h>
#include <lib/types.h>

/* What a handler with SA_SIGINFO is told. */
struct signal_info {
    s32 code;  /* SI_USER, SI_KERNEL, SI_TKILL, CLD_*, SEGV_*, ... */
    u32 pid;   /* of the sender, or of the child */
    u32 value; /* address of a fault; status of a child; sigqueue's value */
};

/* Make the caches. After slab_init(). */
void signal_init(void);

/* ---- the life of a process ---- */

/* All default, nothing blocked, nothing pending; NULL when out of memory. */
__must_check struct signals *signals_new(void);
/* For fork: the same actions and mask, nothing pending, no alarm. */
__must_check struct signals *signals_copy(const struct signals *from);
/* For exec: handlers become default, ignored ones stay, the alternate stack goes. Cannot fail. */
void signals_exec(struct signals *signals);
void signals_free(struct signals *signals);

/* Children that end are not to become zombies: the parent ignores SIGCHLD, or set SA_NOCLDWAIT. */
bool signal_ignores_children(const struct task *parent);

/*
 * Tell the parent of a task, if it has one, that it stopped, went on or ended: SIGCHLD with code
 * CLD_* and status, or whatever exit_signal says. Any context.
 */
void signal_notify_parent(struct task *task, s32 code, u32 status);

/* ---- sending ---- */

/*
 * Send one. Nothing happens when the receiver ignores it, or has ended. -EPERM for a kernel thread.
 * Any context (the console's interrupt sends SIGINT). `info` NULL: SI_KERNEL.
 */
int send_signal(struct task *task, u32 signal, const struct signal_info *info);

/* The same to every process of a group: 0, or -ESRCH when there is none. Any context. */
int send_signal_group(u32 pgrp, u32 signal, const struct signal_info *info);

/*
 * The current process did what its processor refused: send it a signal that cannot be blocked or
 * ignored. If no handler takes it, the process ends: "name[pid]: SIGSEGV: " and the text go to the
 * console (unless the task is quiet) and to its death note. Returns; takes effect before ring 3.
 */
void force_signal_fault(u32 signal, s32 code, u32 addr, const char *fmt, ...) __printf(4, 5);

/* True when a handler of the current process would take this signal, if it came now. */
bool signal_is_caught(u32 signal);

/* ---- receiving ---- */

/*
 * Deliver what is pending to the current process, which is about to return to ring 3 through regs.
 * May not return. Interrupts off before and after.
 */
void signal_deliver(struct pt_regs *regs);

/*
 * Block other signals for the length of one call (sigsuspend, ppoll, pselect). The old mask comes
 * back when a handler has run, or when a delivery finds none to run; a call that ends otherwise
 * gives it back itself.
 */
void signal_set_temporary_mask(u64 mask);
void signal_restore_mask(void);

/*
 * SIGKILL has come for the current task: nobody waits for what it does. False for kernel threads.
 */
bool signal_kill_pending(void);

/*
 * End the current process, for which signal_kill_pending() holds, here and now: from a call that
 * may not go back to ring 3, nor touch user memory.
 */
void __noreturn signal_die(void);

/*
 * coredump.c: the current process ends by that signal; if it is one that leaves a core file, write
 * one. True when there is one now, and CORE_DUMPED belongs into the exit code.
 */
#define CORE_DUMPED 0x80
__must_check bool coredump(u32 signal);

/* Sleep until a signal is to be delivered. */
void signal_wait(void);

/* A copy of a sigset_t of a program: 0, -EINVAL for a size other than 8, -EFAULT. */
__must_check int signal_mask_from_user(u64 *mask, const void *user_mask, u32 size);

/* "SIGSEGV" for 11, and so on; "SIGRT" for the real-time ones. */
const char *signal_name(u32 signal);

/* Kernel memory of a process's signals. */
u32 signals_bytes(const struct signals *signals);

/* For /proc/PID/status: pending, blocked, ignored, caught. */
void signal_sets(const struct task *task, u64 sets[4]);

/* What SIGCHLD and waitid() tell of a child that has ended (kernel/process/exit.c). */
struct signal_info process_end_info(const struct task *child);

/* ---- alarms (kernel/process/itimer.c) ---- */

/* What is set, in ticks: whole ones left, the one under way not counted, but 1 for less. */
struct itimer_times {
    u64 left, interval;
};

/* Of the current process and ITIMER_*: what is set; set a new time, 0 cancels, for the old one. */
struct itimer_times itimer_read(u32 which);
struct itimer_times itimer_exchange(u32 which, struct itimer_times new);

/*
 * From the timer interrupt: SIGALRM to whom it is due, and a tick of the current task's own time,
 * in ring 3 or not.
 */
void itimer_tick(u64 now, bool user);
