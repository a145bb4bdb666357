/*
 * The floating-point and SSE registers of processes. They are loaded at the first use after a
 * switch (#NM), and saved when another task uses them: a process that never uses them has no cost.
 * The kernel itself never uses them.
 */
#pragma once

#include <kernel/task.h>

/* Register #NM, #MF and #XF. Start-up only. */
void fpu_init(void);

/* For fork: `child` gets a copy of the current task's registers. 0 or -ENOMEM. */
__must_check int fpu_copy(struct task *child);

/* For exec (the current task) and whenever a task is freed or ends: its FPU state is dropped. */
void fpu_drop(struct task *task);

/*
 * For a signal's frame (kernel/process/fpu_frame.c): Linux's struct _fpstate_32 of
 * <asm/sigcontext.h>. fpu_frame_size() is its size in bytes for the current task, 0 if it has used
 * no register. fpu_to_user() writes it, and then resets the registers to their initial state for
 * the handler: 0 or -EFAULT. fpu_from_user() loads the registers from there, or the initial state
 * for NULL: 0; -EFAULT, also for values that the processor would refuse; -ENOMEM. On failure they
 * have not changed.
 */
u32 fpu_frame_size(void);
__must_check int fpu_to_user(void *user_fpstate);
__must_check int fpu_from_user(const void *user_fpstate);

/* The current task's state in memory, allocated if it has none; NULL when out of memory. */
__must_check struct fpu_state *fpu_state_get(void);
