/*
 * Calls for information about the machine, and other small ones.
 *
 * uname() returns "Linux" and a release of it, because programs check the release before they use
 * its features; the release also contains "attic".
 *
 * reboot() ends the virtual machine for all of its commands: QEMU runs a kernel once.
 *
 * Limits: prctl() supports what libraries use internally, and the name. There is no message log for
 * syslog().
 *
 * Neighbours: arch/x86/cpu.c has the random numbers, drivers/power.c the end; mm/ has the numbers
 * for sysinfo().
 */
#include <arch/x86/cpu.h>
#include <arch/x86/timer.h>
#include <arch/x86/uaccess.h>
#include <asm/errno.h>
#include <drivers/power.h>
#include <kernel/syscall/syscall.h>
#include <kernel/task.h>
#include <lib/div64.h>
#include <lib/printk.h>
#include <lib/resched.h>
#include <lib/string.h>
#include <linux/prctl.h>
#include <linux/random.h>
#include <linux/reboot.h>
#include <linux/sysinfo.h>
#include <linux/utsname.h>
#include <mm/frame/memblock.h>
#include <mm/frame/page_alloc.h>
#include <mm/user/mm.h>

long sys_zero(struct pt_regs *regs)
{
    (void)regs;
    return 0;
}

long sys_refused(struct pt_regs *regs)
{
    (void)regs;
    return -EPERM;
}

/* ---- names ---- */

struct new_utsname utsname = {
    .sysname = "Linux",
    .nodename = "attic",
    .release = "6.1.0-attic",
    .version = "#1 Attic",
    .machine = "i686",
    .domainname = "(none)",
};

long sys_uname(struct pt_regs *regs)
{
    return copy_object_to_user((void *)regs->ebx, &utsname);
}

/* The same without the domain's name. */
long sys_olduname(struct pt_regs *regs)
{
    return copy_to_user((void *)regs->ebx, &utsname, sizeof(struct old_utsname)) ? -EFAULT : 0;
}

/* Five names of 9 bytes. */
long sys_oldolduname(struct pt_regs *regs)
{
    struct oldold_utsname old;

    memset(&old, 0, sizeof(old));
    strscpy(old.sysname, utsname.sysname, sizeof(old.sysname));
    strscpy(old.nodename, utsname.nodename, sizeof(old.nodename));
    strscpy(old.release, utsname.release, sizeof(old.release));
    strscpy(old.version, utsname.version, sizeof(old.version));
    strscpy(old.machine, utsname.machine, sizeof(old.machine));
    return copy_object_to_user((void *)regs->ebx, &old);
}

static long set_name(char *name, const struct pt_regs *regs)
{
    char copy[__NEW_UTS_LEN + 1];

    if (regs->ecx > __NEW_UTS_LEN)
        return -EINVAL;
    memset(copy, 0, sizeof(copy));
    if (copy_from_user(copy, (const void *)regs->ebx, regs->ecx))
        return -EFAULT;
    memcpy(name, copy, sizeof(copy));
    return 0;
}

long sys_sethostname(struct pt_regs *regs)
{
    return set_name(utsname.nodename, regs);
}

long sys_setdomainname(struct pt_regs *regs)
{
    return set_name(utsname.domainname, regs);
}

/* ---- numbers ---- */

long sys_sysinfo(struct pt_regs *regs)
{
    struct sysinfo info;

    memset(&info, 0, sizeof(info));
    info.uptime = div_u64(jiffies_64(), HZ);
    /* The same as in /proc/meminfo; in kB, because 4 GiB do not fit in bytes. */
    info.totalram = ram_low_kb() + ram_high_kb();
    info.freeram = nr_free_pages() * (PAGE_SIZE / 1024);
    info.totalhigh = ram_high_kb();
    info.freehigh = zone_free_pages(ZONE_HIGHMEM) * (PAGE_SIZE / 1024);
    info.mem_unit = 1024;
    for (struct task *task = task_next(NULL); task; task = task_next(task))
        info.procs++;
    return copy_object_to_user((void *)regs->ebx, &info);
}

long sys_getrandom(struct pt_regs *regs)
{
    u8 *user = (u8 *)regs->ebx;
    u32 count = min(regs->ecx, 0x7fffffffu), done = 0;

    if (regs->edx & ~(GRND_NONBLOCK | GRND_RANDOM | GRND_INSECURE) ||
        (regs->edx & (GRND_RANDOM | GRND_INSECURE)) == (GRND_RANDOM | GRND_INSECURE))
        return -EINVAL;
    if (!access_ok(user, count))
        return -EFAULT;
    while (done < count) {
        u32 word = arch_random(), size = min(count - done, (u32)sizeof(word));

        if (copy_to_user(user + done, &word, size))
            return done ? (long)done : -EFAULT;
        done += size;
        if (done % PAGE_SIZE == 0) {
            cond_resched();
            if (signal_pending())
                break;
        }
    }
    return done;
}

long sys_getcpu(struct pt_regs *regs)
{
    u32 zero = 0;

    if (regs->ebx && copy_object_to_user((void *)regs->ebx, &zero))
        return -EFAULT;
    return regs->ecx ? copy_object_to_user((void *)regs->ecx, &zero) : 0;
}

/* ---- the process ---- */

/* As on Linux, a longer name is cut. */
static long set_comm(const char *user)
{
    char name[TASK_COMM_LEN];
    long length = strncpy_from_user(name, user, sizeof(name));

    if (length == -EFAULT)
        return -EFAULT;
    name[TASK_COMM_LEN - 1] = '\0';
    strscpy(current->comm, name, sizeof(current->comm));
    return 0;
}

static long get_comm(char *user)
{
    char name[TASK_COMM_LEN];

    memset(name, 0, sizeof(name));
    strscpy(name, current->comm, sizeof(name));
    return copy_to_user(user, name, sizeof(name)) ? -EFAULT : 0;
}

long sys_prctl(struct pt_regs *regs)
{
    switch (regs->ebx) {
    case PR_SET_NAME:
        return set_comm((const char *)regs->ecx);
    case PR_GET_NAME:
        return get_comm((char *)regs->ecx);
    case PR_SET_DUMPABLE:
        if (regs->ecx > 1)
            return -EINVAL;
        current->mm->undumpable = !regs->ecx;
        return 0;
    case PR_GET_DUMPABLE:
        return !current->mm->undumpable;
    case PR_GET_KEEPCAPS:
    case PR_GET_NO_NEW_PRIVS:
    case PR_GET_SECCOMP:
        return 0;
    default:
        return -EINVAL;
    }
}

/* 0 is Linux; all ones is a query. */
long sys_personality(struct pt_regs *regs)
{
    return regs->ebx == 0 || regs->ebx == 0xffffffff ? 0 : -EINVAL;
}

/* The list is not walked when the process ends: a lock that it holds then is not released. */
long sys_set_robust_list(struct pt_regs *regs)
{
    return regs->ecx == 12 ? 0 : -EINVAL; /* sizeof(struct robust_list_head), 32 bits */
}

/* ---- the end ---- */

static bool is_reboot_magic(u32 magic)
{
    return magic == LINUX_REBOOT_MAGIC2 || magic == LINUX_REBOOT_MAGIC2A ||
           magic == LINUX_REBOOT_MAGIC2B || magic == LINUX_REBOOT_MAGIC2C;
}

long sys_reboot(struct pt_regs *regs)
{
    if (regs->ebx != LINUX_REBOOT_MAGIC1 || !is_reboot_magic(regs->ecx))
        return -EINVAL;
    switch (regs->edx) {
    case LINUX_REBOOT_CMD_CAD_ON:
    case LINUX_REBOOT_CMD_CAD_OFF:
        return 0; /* there is no Ctrl-Alt-Del */
    case LINUX_REBOOT_CMD_POWER_OFF:
    case LINUX_REBOOT_CMD_HALT:
    case LINUX_REBOOT_CMD_RESTART:
    case LINUX_REBOOT_CMD_RESTART2:
        printk("Power off.\n");
        machine_exit(MACHINE_PASS);
    default:
        return -EINVAL;
    }
}

/*
 * man 2 syslog: 0 and 1 open and close the log, 6 to 8 set the console's log level, 9 and 10 return
 * sizes.
 */
long sys_syslog(struct pt_regs *regs)
{
    u32 action = regs->ebx;

    if (action > 10)
        return -EINVAL;
    return action >= 2 && action <= 5 ? -EPERM : 0;
}
