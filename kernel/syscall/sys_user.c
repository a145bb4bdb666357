/*
 * User and group ids of a process: always root. There is one user and one group, both with number
 * 0; calls that read an id return 0, and calls that would change it fail like Linux's for an id
 * that does not exist in the process's user namespace: EINVAL.
 *
 * In the calls with several numbers, all ones mean "do not change". The older calls have 16 bits
 * for each.
 *
 * Neighbours: kernel/syscall/syscall.c uses the same functions for user and group calls;
 * kernel/syscall/sys_attr.c has the owners of files, which may be any number.
 */
#include <arch/x86/uaccess.h>
#include <asm/errno.h>
#include <kernel/syscall/syscall.h>
#include <linux/limits.h>

#define UNCHANGED 0xffffffffu

static u32 wide_id(u32 id)
{
    return (u16)id == 0xffff ? UNCHANGED : (u16)id;
}

static bool is_known(u32 id)
{
    return id == 0 || id == UNCHANGED;
}

long sys_setid(struct pt_regs *regs)
{
    return regs->ebx ? -EINVAL : 0;
}

long sys_setid16(struct pt_regs *regs)
{
    return (u16)regs->ebx ? -EINVAL : 0;
}

long sys_setreid(struct pt_regs *regs)
{
    return is_known(regs->ebx) && is_known(regs->ecx) ? 0 : -EINVAL;
}

long sys_setreid16(struct pt_regs *regs)
{
    return is_known(wide_id(regs->ebx)) && is_known(wide_id(regs->ecx)) ? 0 : -EINVAL;
}

long sys_setresid(struct pt_regs *regs)
{
    return is_known(regs->ebx) && is_known(regs->ecx) && is_known(regs->edx) ? 0 : -EINVAL;
}

long sys_setresid16(struct pt_regs *regs)
{
    return is_known(wide_id(regs->ebx)) && is_known(wide_id(regs->ecx)) &&
                   is_known(wide_id(regs->edx))
               ? 0
               : -EINVAL;
}

/* Real, effective and saved. */
static long tell_three(const struct pt_regs *regs, u32 size)
{
    static const u32 zero;

    if (copy_to_user((void *)regs->ebx, &zero, size) ||
        copy_to_user((void *)regs->ecx, &zero, size) ||
        copy_to_user((void *)regs->edx, &zero, size))
        return -EFAULT;
    return 0;
}

long sys_getresid(struct pt_regs *regs)
{
    return tell_three(regs, 4);
}

long sys_getresid16(struct pt_regs *regs)
{
    return tell_three(regs, 2);
}

/* They return the old number for any argument. */
long sys_setfsid(struct pt_regs *regs)
{
    (void)regs;
    return 0;
}

/* There are no supplementary groups. */
long sys_getgroups(struct pt_regs *regs)
{
    return (s32)regs->ebx < 0 ? -EINVAL : 0;
}

static long check_groups(const struct pt_regs *regs, u32 size)
{
    const char *user = (const char *)regs->ecx;

    if (regs->ebx > NGROUPS_MAX)
        return -EINVAL;
    for (u32 i = 0; i < regs->ebx; i++) {
        u32 id = 0;

        if (copy_from_user(&id, user + i * size, size))
            return -EFAULT;
        if (id)
            return -EINVAL;
    }
    return 0;
}

long sys_setgroups(struct pt_regs *regs)
{
    return check_groups(regs, 4);
}

long sys_setgroups16(struct pt_regs *regs)
{
    return check_groups(regs, 2);
}
