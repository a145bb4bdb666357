/*
 * Sleeping until a word of user memory has changed (man 2 futex; kernel/process/futex.c). Addresses
 * are of the current process; a word is one of its address space (`private`), or of whatever page
 * lies there, also for others that share it. Errors of all: -EINVAL, -EFAULT, -ENOMEM.
 */
#pragma once

#include <lib/types.h>

/*
 * Sleep while the word holds `expected`, until somebody wakes one of `bits`, or to tick `deadline`
 * (~0: for ever). 0; -EAGAIN, -ETIMEDOUT; -ERESTARTSYS, -ERESTARTNOHAND for a signal.
 */
__must_check long futex_wait(u32 addr, bool private, u32 expected, u32 bits, u64 deadline);

/* Wake those that sleep on one of `bits`, the longest asleep first: how many, of at most `most`. */
__must_check long futex_wake(u32 addr, bool private, s32 most, u32 bits);

/*
 * Wake the first, let the next ones sleep on the other word: how many in all. `expected`: what the
 * first word must hold (-EAGAIN), or NULL.
 */
__must_check long futex_requeue(u32 addr, u32 addr2, bool private, s32 to_wake, s32 to_move,
                                const u32 *expected);

/*
 * Change the second word (FUTEX_OP()), wake those of the first, and, if its old value was as the
 * operation asks, those of the second: how many in all. -ENOSYS.
 */
__must_check long futex_wake_op(u32 addr, u32 addr2, bool private, s32 most, s32 most2,
                                u32 operation);

/* Wake one, for the end of a task (man 2 set_tid_address); a bad address is nobody's business. */
void futex_wake_at(u32 addr);
