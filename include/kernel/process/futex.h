/*
 * Sleeping until a word of user memory has changed (man 2 futex; kernel/process/futex.c). Addresses
 * are of the current process; a word belongs to its address space (`private`), or to the page
 * mapped there, which other processes may share. Errors of all functions: -EINVAL, -EFAULT,
 * -ENOMEM.
 */
#pragma once

#include <lib/types.h>

/*
 * Sleep while the word holds `expected`, until a task wakes one of `bits`, or until tick `deadline`
 * (~0: forever). 0; -EAGAIN, -ETIMEDOUT; -ERESTARTSYS, -ERESTARTNOHAND for a signal.
 */
__must_check long futex_wait(u32 addr, bool private, u32 expected, u32 bits, u64 deadline);

/*
 * Wake at most `most` tasks that sleep on one of `bits`, in the order in which they began to sleep.
 * Returns how many.
 */
__must_check long futex_wake(u32 addr, bool private, s32 most, u32 bits);

/*
 * Wake the first tasks and move the next ones to the other word. Returns the sum. `expected`: what
 * the first word must hold (-EAGAIN), or NULL.
 */
__must_check long futex_requeue(u32 addr, u32 addr2, bool private, s32 to_wake, s32 to_move,
                                const u32 *expected);

/*
 * Change the second word (FUTEX_OP()), wake tasks that sleep on the first, and, if the old value of
 * the second satisfies the operation's comparison, those on the second. Returns how many in all.
 * -ENOSYS.
 */
__must_check long futex_wake_op(u32 addr, u32 addr2, bool private, s32 most, s32 most2,
                                u32 operation);

/* Wake one, for the end of a task (man 2 set_tid_address); a bad address is ignored. */
void futex_wake_at(u32 addr);
