/*
 * The floating-point and SSE registers of processes. They are loaded at the first use after a
 * switch (#NM), and saved when somebody else uses them: a process that never does costs nothing.
 * The kernel itself never does.
 */
#pragma once

#include <kernel/task.h>

/* Register #NM, #MF and #XF. Start-up only. */
void fpu_init(void);

/* For fork: `child` gets a copy of the current task's registers. 0 or -ENOMEM. */
__must_check int fpu_copy(struct task *child);

/* For exec (the current task) and whenever a task is freed or ends: it has used nothing. */
void fpu_drop(struct task *task);

/*
 * For a signal's frame (kernel/process/fpu_frame.c): Linux's struct _fpstate_32 of
 * <asm/sigcontext.h>. fpu_frame_size() is its size in bytes for the current task, 0 when that has
 * used no register. fpu_to_user() writes it, and then the registers are as at the start of a
 * program, for the handler: 0 or -EFAULT. fpu_from_user() takes the registers from there, or fresh
 * ones for NULL: 0; -EFAULT, also for what the processor would refuse; -ENOMEM. On failure they are
 * as they were.
 */
u32 fpu_frame_size(void);
__must_check int fpu_to_user(void *user_fpstate);
__must_check int fpu_from_user(const void *user_fpstate);

/* The current task's state in memory, made if it has none; NULL when out of memory. */
__must_check struct fpu_state *fpu_state_get(void);
