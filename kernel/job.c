/*
 * Process groups and sessions (man 2 setpgid, setsid; POSIX, "Job control"): numbers in each process by which
 * a shell sends signals to all processes of a pipeline, and by which a terminal knows whose turn it
 * is. The rights and wrongs are Linux's, error by error.
 *
 * A group is orphaned when nobody who could continue it is left: no process of it has a parent in
 * another group of the same session. If a process ends and that makes a group with stopped processes
 * an orphaned one, these get SIGHUP and SIGCONT, as they would be stopped for ever.
 *
 * Limits: a group is found by walking all tasks.
 *
 * Neighbours: kernel/signal.c sends to groups; the console knows the group in front.
 */
#include <asm/errno.h>
#include <asm/signal.h>
#include <kernel/pid.h>
#include <kernel/process.h>
#include <kernel/signal.h>
#include <kernel/syscall.h>

/* A process of that group, or NULL; one that has ended counts until somebody has waited for it. */
static const struct task *pgrp_member(u32 pgrp)
{
    for (const struct task *task = task_next(NULL); task; task = task_next((struct task *)task))
        if (task->session && task->pgrp == pgrp)
            return task;
    return NULL;
}

/* A process that may ask: 0 is the caller. Kernel threads are nobody's business. */
static struct task *process_of(s32 pid)
{
    struct task *task = pid ? task_find(pid) : current;

    return task && task->session ? task : NULL;
}

static int check_setpgid(const struct task *task, s32 pgrp)
{
    if (pgrp < 0)
        return -EINVAL;
    if (!task || (task != current && task->parent != current))
        return -ESRCH;
    if (task->session != current->session)
        return -EPERM;
    if (task != current && task->execed)
        return -EACCES;
    if (task->session == task->pid)
        return -EPERM;
    if ((u32)pgrp != task->pid) {
        const struct task *member = pgrp_member(pgrp);

        if (!member || member->session != current->session)
            return -EPERM;
    }
    return 0;
}

SYSCALL(setpgid)
{
    struct task *task = process_of(regs->ebx);
    s32 pgrp = regs->ecx || !task ? regs->ecx : task->pid;
    int err = check_setpgid(task, pgrp);

    if (!err)
        task_set_pgrp(task, pgrp);
    return err;
}

SYSCALL(getpgid)
{
    const struct task *task = process_of(regs->ebx);

    return task ? (long)task->pgrp : -ESRCH;
}

SYSCALL(getpgrp)
{
    (void)regs;
    return current->pgrp;
}

SYSCALL(getsid)
{
    const struct task *task = process_of(regs->ebx);

    return task ? (long)task->session : -ESRCH;
}

SYSCALL(setsid)
{
    (void)regs;
    if (pgrp_member(current->pid))
        return -EPERM; /* the group would belong to two sessions */
    task_lead_session(current);
    return current->pid;
}

/* ---- orphaned groups ---- */

/* Without the process `gone`, which may be NULL. */
static bool is_orphaned(u32 pgrp, const struct task *gone)
{
    for (struct task *task = task_next(NULL); task; task = task_next(task)) {
        const struct task *parent = task->parent;

        if (task->pgrp != pgrp || task == gone || task->state == TASK_ZOMBIE)
            continue;
        if (parent && parent != gone && parent->pgrp != pgrp && parent->session == task->session)
            return false;
    }
    return true;
}

bool pgrp_is_orphaned(u32 pgrp)
{
    return is_orphaned(pgrp, NULL);
}

static bool has_stopped(u32 pgrp)
{
    for (struct task *task = task_next(NULL); task; task = task_next(task))
        if (task->pgrp == pgrp && task->state == TASK_STOPPED)
            return true;
    return false;
}

/* The current process is what `pgrp` had in its session. */
static void leave_pgrp(u32 pgrp)
{
    if (!has_stopped(pgrp) || !is_orphaned(pgrp, current))
        return;
    send_signal_group(pgrp, SIGHUP, NULL);
    send_signal_group(pgrp, SIGCONT, NULL);
}

void job_leave(void)
{
    const struct task *child, *parent = current->parent;

    if (!tasks_stopped())
        return; /* by far the most frequent case */
    if (parent && parent->pgrp != current->pgrp && parent->session == current->session)
        leave_pgrp(current->pgrp);
    list_for_each_entry (child, &current->children, sibling_link)
        if (child->pgrp != current->pgrp && child->session == current->session)
            leave_pgrp(child->pgrp);
}
