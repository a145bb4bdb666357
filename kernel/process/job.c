/*
 * Process groups and sessions (man 2 setpgid, setsid; POSIX, "Job control"): numbers in each
 * process by which a shell sends signals to all processes of a pipeline, and by which a terminal
 * knows the foreground group. All errors are the same as Linux's.
 *
 * A group is orphaned when no process is left that could continue it: no process of it has a parent
 * in another group of the same session. If the end of a process orphans a group with stopped
 * processes, these get SIGHUP and SIGCONT, because they would be stopped forever.
 *
 * Limits: a group is found by walking all tasks.
 *
 * Neighbours: kernel/process/signal.c sends to groups; kernel/tty/tty.c knows the foreground group.
 */
#include <asm/errno.h>
#include <asm/signal.h>
#include <kernel/process/process.h>
#include <kernel/process/signal.h>

struct task *pgrp_member(u32 pgrp)
{
    for (struct task *task = task_next(NULL); task; task = task_next(task))
        if (task->session && task->pgrp == pgrp)
            return task;
    return NULL;
}

/* ---- orphaned groups ---- */

/* A process of the group that has a parent in another group of the session. */
static bool is_linked(const struct task *task)
{
    const struct task *parent = task->parent;

    return parent && parent->pgrp != task->pgrp && parent->session == task->session;
}

bool pgrp_is_orphaned(u32 pgrp)
{
    for (struct task *task = task_next(NULL); task; task = task_next(task))
        if (task->pgrp == pgrp && task->state != TASK_ZOMBIE && is_linked(task))
            return false;
    return true;
}

/* The same without the current process, as a member and as a parent. */
static bool pgrp_would_be_orphaned(u32 pgrp)
{
    for (struct task *task = task_next(NULL); task; task = task_next(task))
        if (task->pgrp == pgrp && task->state != TASK_ZOMBIE && task != current &&
            task->parent != current && is_linked(task))
            return false;
    return true;
}

static bool has_stopped(u32 pgrp)
{
    for (struct task *task = task_next(NULL); task; task = task_next(task))
        if (task->pgrp == pgrp && task->state == TASK_STOPPED)
            return true;
    return false;
}

/* The current process was a link between `pgrp` and its session, and ends. */
static void leave_pgrp(u32 pgrp)
{
    if (!has_stopped(pgrp) || !pgrp_would_be_orphaned(pgrp))
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
