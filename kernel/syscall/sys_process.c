/*
 * The calls that create, change and end processes, and that return information about the caller.
 *
 * Neighbours: kernel/process/ does the work; kernel/syscall/sys_wait.c waits for children.
 */
#include <arch/x86/regs.h>
#include <asm/errno.h>
#include <asm/signal.h>
#include <kernel/pid.h>
#include <kernel/process/exec.h>
#include <kernel/process/process.h>
#include <kernel/process/tls.h>
#include <kernel/process/user_path.h>
#include <kernel/syscall/syscall.h>
#include <linux/resource.h>
#include <linux/sched.h>

/* ---- creation and end ---- */

long sys_fork(struct pt_regs *regs)
{
    return process_clone(&(const struct clone_request){.flags = SIGCHLD}, regs);
}

long sys_vfork(struct pt_regs *regs)
{
    return process_clone(&(const struct clone_request){.flags = CLONE_VM | CLONE_VFORK | SIGCHLD},
                         regs);
}

long sys_clone(struct pt_regs *regs)
{
    const struct clone_request request = {.flags = regs->ebx,
                                          .sp = regs->ecx,
                                          .parent_tid = regs->edx,
                                          .tls = regs->esi,
                                          .child_tid = regs->edi};

    return process_clone(&request, regs);
}

long sys_execve(struct pt_regs *regs)
{
    struct exec_args args = {0};
    struct program program;
    const char *why;
    char *path;
    int err = user_path((const char *)regs->ebx, false, &path);

    if (err)
        return err;
    err = exec_args_from_user(&args, regs->ecx, regs->edx);
    if (!err)
        err = program_load(&program, current->cwd, path, &args,
                           current->rlimits[RLIMIT_STACK].rlim_cur, &why);
    exec_args_free(&args);
    user_path_free(path);
    if (!err)
        program_replace(regs, &program);
    return err;
}

long sys_exit(struct pt_regs *regs)
{
    task_exit((regs->ebx & 0xff) << 8);
}

long sys_exit_group(struct pt_regs *regs)
{
    task_exit((regs->ebx & 0xff) << 8);
}

/* ---- information about the caller ---- */

long sys_getpid(struct pt_regs *regs)
{
    (void)regs;
    return current->pid;
}

/* For an orphan the result is 1, as on Linux, where pid 1 adopts it. */
long sys_getppid(struct pt_regs *regs)
{
    (void)regs;
    return task_ppid(current);
}

long sys_set_tid_address(struct pt_regs *regs)
{
    current->clear_child_tid = regs->ebx;
    return current->pid;
}

long sys_sched_yield(struct pt_regs *regs)
{
    (void)regs;
    sched_yield();
    return 0;
}

/* ---- process groups and sessions (man 2 setpgid, setsid) ---- */

/* The process with a pid; 0 is the caller. Kernel threads are not found. */
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

long sys_setpgid(struct pt_regs *regs)
{
    struct task *task = process_of(regs->ebx);
    s32 pgrp = regs->ecx || !task ? regs->ecx : task->pid;
    int err = check_setpgid(task, pgrp);

    if (!err)
        task_set_pgrp(task, pgrp);
    return err;
}

long sys_getpgid(struct pt_regs *regs)
{
    const struct task *task = process_of(regs->ebx);

    return task ? (long)task->pgrp : -ESRCH;
}

long sys_getpgrp(struct pt_regs *regs)
{
    (void)regs;
    return current->pgrp;
}

long sys_getsid(struct pt_regs *regs)
{
    const struct task *task = process_of(regs->ebx);

    return task ? (long)task->session : -ESRCH;
}

long sys_setsid(struct pt_regs *regs)
{
    (void)regs;
    if (pgrp_member(current->pid))
        return -EPERM; /* the group would belong to two sessions */
    task_lead_session(current);
    return current->pid;
}

/* ---- thread-local segments (man 2 set_thread_area) ---- */

long sys_set_thread_area(struct pt_regs *regs)
{
    return tls_set_area((void *)regs->ebx);
}

long sys_get_thread_area(struct pt_regs *regs)
{
    return tls_get_area((void *)regs->ebx);
}
