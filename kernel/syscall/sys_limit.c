/*
 * Limits, use of resources, and scheduling priorities.
 *
 * Limits are stored, returned and inherited as in Linux. Enforced are those for the number of
 * descriptors (kernel/process/fdtable.c) and of processes (kernel/process/fork.c), for address
 * spaces (mm/user/limits.c, mm/user/fault.c), and for core files (kernel/process/coredump.c). The
 * others are only stored.
 *
 * There is one way of scheduling (round robin, kernel/sched.c) and one processor: priorities are
 * only stored and returned, other policies are refused.
 *
 * Every process is root and may raise limits, and read and change those of any process.
 *
 * Neighbours: kernel/task.h has the limits, and the times for getrusage(); kernel/rlimit.c applies
 * the memory limits to the address space.
 */
#include <arch/x86/timer.h>
#include <arch/x86/uaccess.h>
#include <asm/errno.h>
#include <kernel/rlimit.h>
#include <kernel/syscall/syscall.h>
#include <kernel/task.h>
#include <lib/string.h>
#include <linux/resource.h>
#include <linux/sched.h>
#include <mm/user/mm.h>

#define INFINITY_OLD 0x7fffffffu /* as the oldest getrlimit() returns it */
#define NICE_MIN     (-20)
#define NICE_MAX     19

/* ---- limits ---- */

/* The process of a pid, 0: the current one. NULL: -ESRCH. */
static struct task *find_process(u32 pid)
{
    struct task *task = pid ? task_find(pid) : current;

    return task && task->mm ? task : NULL;
}

/* The same of any task: kernel threads and zombies have a priority, too. */
static struct task *find_task(u32 pid)
{
    return pid ? task_find(pid) : current;
}

/* 0, or the error of an invalid limit. */
static int check_limit(u32 resource, const struct rlimit *limit)
{
    if (limit->rlim_cur > limit->rlim_max)
        return -EINVAL;
    return resource == RLIMIT_NOFILE && limit->rlim_max > FILES_MAX ? -EPERM : 0;
}

static void set_limit(struct task *task, u32 resource, const struct rlimit *limit)
{
    task->rlimits[resource] = *limit;
    rlimits_apply(task);
}

long sys_ugetrlimit(struct pt_regs *regs)
{
    if (regs->ebx >= RLIM_NLIMITS)
        return -EINVAL;
    return copy_object_to_user((void *)regs->ecx, &current->rlimits[regs->ebx]);
}

long sys_getrlimit(struct pt_regs *regs)
{
    struct rlimit limit;

    if (regs->ebx >= RLIM_NLIMITS)
        return -EINVAL;
    limit = current->rlimits[regs->ebx];
    limit.rlim_cur = min((u32)limit.rlim_cur, INFINITY_OLD);
    limit.rlim_max = min((u32)limit.rlim_max, INFINITY_OLD);
    return copy_object_to_user((void *)regs->ecx, &limit);
}

long sys_setrlimit(struct pt_regs *regs)
{
    struct rlimit limit;
    int err;

    if (copy_from_user(&limit, (const void *)regs->ecx, sizeof(limit)))
        return -EFAULT;
    if (regs->ebx >= RLIM_NLIMITS)
        return -EINVAL;
    err = check_limit(regs->ebx, &limit);
    if (err == 0)
        set_limit(current, regs->ebx, &limit);
    return err;
}

static u32 narrow(u64 limit)
{
    return limit > RLIM_INFINITY ? RLIM_INFINITY : limit;
}

static u64 widen(u32 limit)
{
    return limit == RLIM_INFINITY ? RLIM64_INFINITY : limit;
}

/* Reads the old limit and sets the new one. Both can fail before anything has changed. */
long sys_prlimit64(struct pt_regs *regs)
{
    u32 resource = regs->ecx;
    const void *user_new = (const void *)regs->edx;
    void *user_old = (void *)regs->esi;
    struct rlimit64 new, old;
    struct rlimit limit = {0, 0};
    struct task *task;
    int err;

    if (resource >= RLIM_NLIMITS)
        return -EINVAL;
    if (user_new) {
        if (copy_from_user(&new, user_new, sizeof(new)))
            return -EFAULT;
        limit = (struct rlimit){narrow(new.rlim_cur), narrow(new.rlim_max)};
    }
    task = find_process(regs->ebx);
    if (!task)
        return -ESRCH;
    err = user_new ? check_limit(resource, &limit) : 0;
    if (err)
        return err;
    old.rlim_cur = widen(task->rlimits[resource].rlim_cur);
    old.rlim_max = widen(task->rlimits[resource].rlim_max);
    if (user_old && copy_object_to_user(user_old, &old))
        return -EFAULT;
    task = find_process(regs->ebx); /* the copy may yield */
    if (user_new && task)
        set_limit(task, resource, &limit);
    return task ? 0 : -ESRCH;
}

/* ---- use of resources ---- */

long sys_getrusage(struct pt_regs *regs)
{
    struct rusage usage;
    u32 ticks = current->ticks, user_ticks = current->user_ticks;

    memset(&usage, 0, sizeof(usage));
    switch ((s32)regs->ebx) {
    case RUSAGE_CHILDREN:
        ticks = current->child_ticks;
        user_ticks = current->child_user_ticks;
        break;
    case RUSAGE_SELF:
    case RUSAGE_THREAD:
        usage.ru_maxrss = current->mm->pages * (PAGE_SIZE / 1024);
        usage.ru_nvcsw = current->nvcsw;
        usage.ru_nivcsw = current->nivcsw;
        break;
    default:
        return -EINVAL;
    }
    usage.ru_utime.tv_sec = user_ticks / HZ;
    usage.ru_utime.tv_usec = user_ticks % HZ * (1000000 / HZ);
    usage.ru_stime.tv_sec = (ticks - user_ticks) / HZ;
    usage.ru_stime.tv_usec = (ticks - user_ticks) % HZ * (1000000 / HZ);
    return copy_object_to_user((void *)regs->ecx, &usage);
}

/* ---- priorities ---- */

/* True when `task` is one of those that (which, who) selects. */
static bool is_meant(const struct task *task, u32 which, u32 who)
{
    switch (which) {
    case PRIO_PROCESS:
        return task->pid == (who ? who : current->pid);
    case PRIO_PGRP:
        return task->pgrp == (who ? who : current->pgrp);
    default:
        return who == 0; /* all belong to user 0 */
    }
}

/* The result is 20 - nice of the best, so it is never negative. */
long sys_getpriority(struct pt_regs *regs)
{
    long best = -ESRCH;

    if (regs->ebx > PRIO_USER)
        return -EINVAL;
    for (struct task *task = task_next(NULL); task; task = task_next(task)) {
        if (is_meant(task, regs->ebx, regs->ecx))
            best = max(best, (long)(20 - task->nice));
    }
    return best;
}

long sys_setpriority(struct pt_regs *regs)
{
    s32 nice = min(max((s32)regs->edx, NICE_MIN), NICE_MAX);
    long result = -ESRCH;

    if (regs->ebx > PRIO_USER)
        return -EINVAL;
    for (struct task *task = task_next(NULL); task; task = task_next(task)) {
        if (is_meant(task, regs->ebx, regs->ecx)) {
            task->nice = nice;
            result = 0;
        }
    }
    return result;
}

long sys_nice(struct pt_regs *regs)
{
    s32 step = min(max((s32)regs->ebx, -40), 40);

    current->nice = min(max(current->nice + step, NICE_MIN), NICE_MAX);
    return 0;
}

/* ---- one processor, one policy ---- */

long sys_sched_getaffinity(struct pt_regs *regs)
{
    u32 size = regs->ecx, mask = 1;

    if (size < sizeof(mask) || size % sizeof(mask))
        return -EINVAL;
    if (!find_task(regs->ebx))
        return -ESRCH;
    return copy_object_to_user((void *)regs->edx, &mask) ? -EFAULT : (long)sizeof(mask);
}

long sys_sched_setaffinity(struct pt_regs *regs)
{
    u32 mask = 0;

    if (copy_from_user(&mask, (const void *)regs->edx, min(regs->ecx, (u32)sizeof(mask))))
        return -EFAULT;
    if (!find_task(regs->ebx))
        return -ESRCH;
    return mask & 1 ? 0 : -EINVAL;
}

long sys_sched_getscheduler(struct pt_regs *regs)
{
    if ((s32)regs->ebx < 0)
        return -EINVAL;
    return find_task(regs->ebx) ? SCHED_NORMAL : -ESRCH;
}

/* struct sched_param is defined by libc: an int, the priority, which must be 0 for SCHED_NORMAL. */
static long check_param(u32 pid, const void *user_param)
{
    s32 priority;

    if (!user_param || (s32)pid < 0)
        return -EINVAL;
    if (copy_from_user(&priority, user_param, sizeof(priority)))
        return -EFAULT;
    if (!find_task(pid))
        return -ESRCH;
    return priority ? -EINVAL : 0;
}

long sys_sched_setscheduler(struct pt_regs *regs)
{
    long err;

    if ((s32)regs->ecx < 0)
        return -EINVAL;
    err = check_param(regs->ebx, (const void *)regs->edx);
    if (err)
        return err;
    return regs->ecx == SCHED_NORMAL || regs->ecx == SCHED_BATCH ? 0 : -EINVAL;
}

long sys_sched_setparam(struct pt_regs *regs)
{
    return check_param(regs->ebx, (const void *)regs->ecx);
}

long sys_sched_getparam(struct pt_regs *regs)
{
    s32 priority = 0;

    if (!regs->ecx || (s32)regs->ebx < 0)
        return -EINVAL;
    if (!find_task(regs->ebx))
        return -ESRCH;
    return copy_object_to_user((void *)regs->ecx, &priority);
}

static long priority_limit(u32 policy, long realtime)
{
    if (policy == SCHED_FIFO || policy == SCHED_RR)
        return realtime;
    return policy == SCHED_NORMAL || policy == SCHED_BATCH || policy == SCHED_IDLE ? 0 : -EINVAL;
}

long sys_sched_get_priority_max(struct pt_regs *regs)
{
    return priority_limit(regs->ebx, 99);
}

long sys_sched_get_priority_min(struct pt_regs *regs)
{
    return priority_limit(regs->ebx, 1);
}
