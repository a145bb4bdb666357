/*
 * futex(), both forms (man 2 futex): decodes the operations and the times.
 *
 * Neighbours: kernel/process/futex.c has the sleepers.
 */
#include <arch/x86/regs.h>
#include <asm/errno.h>
#include <kernel/process/futex.h>
#include <kernel/syscall/syscall.h>
#include <linux/futex.h>
#include <linux/time.h>

/* Set *deadline to the end of a wait; for a NULL time it never ends. 0, -EFAULT, -EINVAL. */
static int wait_deadline(const struct pt_regs *regs, u32 command, bool old, u64 *deadline)
{
    u32 clock = regs->ecx & FUTEX_CLOCK_REALTIME ? CLOCK_REALTIME : CLOCK_MONOTONIC;

    *deadline = ~0ull;
    if (!regs->esi)
        return 0;
    return deadline_by_clock(deadline, clock, command == FUTEX_WAIT_BITSET, (const void *)regs->esi,
                             old);
}

static long do_futex(const struct pt_regs *regs, bool old)
{
    u32 command = regs->ecx & FUTEX_CMD_MASK, addr = regs->ebx, value = regs->edx;
    u32 expected = regs->ebp;
    bool private = regs->ecx & FUTEX_PRIVATE_FLAG, waits;
    u64 deadline;
    long err;

    waits = command == FUTEX_WAIT || command == FUTEX_WAIT_BITSET;
    err = waits ? wait_deadline(regs, command, old, &deadline) : 0;
    if (err)
        return err;
    if (regs->ecx & FUTEX_CLOCK_REALTIME && command != FUTEX_WAIT_BITSET)
        return -ENOSYS;
    switch (command) {
    case FUTEX_WAIT:
        return futex_wait(addr, private, value, FUTEX_BITSET_MATCH_ANY, deadline);
    case FUTEX_WAIT_BITSET:
        return futex_wait(addr, private, value, regs->ebp, deadline);
    case FUTEX_WAKE:
        return futex_wake(addr, private, value, FUTEX_BITSET_MATCH_ANY);
    case FUTEX_WAKE_BITSET:
        return futex_wake(addr, private, value, regs->ebp);
    case FUTEX_REQUEUE:
        return futex_requeue(addr, regs->edi, private, value, regs->esi, NULL);
    case FUTEX_CMP_REQUEUE:
        return futex_requeue(addr, regs->edi, private, value, regs->esi, &expected);
    case FUTEX_WAKE_OP:
        return futex_wake_op(addr, regs->edi, private, value, regs->esi, regs->ebp);
    default:
        return -ENOSYS;
    }
}

long sys_futex(struct pt_regs *regs)
{
    return do_futex(regs, true);
}

long sys_futex_time64(struct pt_regs *regs)
{
    return do_futex(regs, false);
}
