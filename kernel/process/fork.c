/*
 * fork, vfork, clone: create a second process that continues at the same point as the first.
 *
 * The child gets a copy of everything before other tasks can find it: the address space (areas and
 * page tables are copied, while the pages are shared until the first write: mm_fork()),
 * descriptors, signal actions, the floating-point registers. If a step fails, everything is freed,
 * and the parent has not changed.
 *
 * vfork() shares the address space itself instead, and the parent sleeps until the child has called
 * execve() or has ended: so only one of them runs in it. SIGKILL ends that sleep, so that the
 * parent can be killed even if the child does neither. The parent then ends immediately: the memory
 * is lent, so it writes nothing there, neither a signal's frame nor its cleared thread id. If it
 * had borrowed that memory itself, its lender waits for the child from then on.
 *
 * The parent yields, so the child runs first if no other task is ready: it often sets its signals
 * and its group before it can be found, and when it has ended or has a new program, the parent need
 * not copy shared pages.
 *
 * The child's registers are the parent's, with 0 as the result. If the thread ids that clone()
 * writes cannot be written, the call still succeeds, as on Linux.
 *
 * Limits: no threads. Only those flags of clone() are supported that fork(), vfork() and
 * posix_spawn() of the C libraries need; any other is -EINVAL.
 *
 * Neighbours: mm/ copies address spaces; kernel/task.c creates the task; kernel/process/exec.c and
 * exit.c wake the parent of a vfork().
 */
#include <arch/x86/uaccess.h>
#include <asm/errno.h>
#include <asm/signal.h>
#include <fs/fs.h>
#include <kernel/pid.h>
#include <kernel/process/fdtable.h>
#include <kernel/process/process.h>
#include <kernel/process/process_fpu.h>
#include <kernel/process/signal.h>
#include <kernel/process/tls.h>
#include <lib/detach.h>
#include <lib/string.h>
#include <linux/resource.h>
#include <linux/sched.h>
#include <mm/user/mm.h>

#define CLONE_KNOWN                                                                                \
    (CSIGNAL | CLONE_VM | CLONE_VFORK | CLONE_PARENT_SETTID | CLONE_CHILD_SETTID |                 \
     CLONE_CHILD_CLEARTID | CLONE_SETTLS | CLONE_UNTRACED | CLONE_DETACHED)

#define SIGNAL_LAST 64 /* i386's <asm/signal.h> defines it for libraries only */

static int check_request(const struct clone_request *request)
{
    if (request->flags & ~CLONE_KNOWN)
        return -EINVAL;
    if ((request->flags & CLONE_VM) && !(request->flags & CLONE_VFORK))
        return -EINVAL; /* two tasks that run in one address space would be threads */
    if ((request->flags & CSIGNAL) > SIGNAL_LAST)
        return -EINVAL;
    return task_count() < current->rlimits[RLIMIT_NPROC].rlim_cur ? 0 : -EAGAIN;
}

/* Everything that needs memory. 0 or an error; process_discard() frees what was allocated. */
static int copy_resources(struct task *child, const struct clone_request *request)
{
    child->mm = request->flags & CLONE_VM ? mm_get(current->mm) : mm_fork(current->mm);
    if (!child->mm)
        return -ENOMEM;
    child->files = files_copy(current->files);
    child->signals = signals_copy(current->signals);
    if (!child->files || !child->signals)
        return -ENOMEM;
    return fpu_copy(child);
}

static void copy_attributes(struct task *child, const struct clone_request *request)
{
    child->cwd = current->cwd;
    child->exe = current->exe;
    child->root = current->root;
    inode_get(child->cwd);
    if (child->root)
        inode_get(child->root);
    inode_share_program(child->exe);
    child->umask = current->umask;
    child->nice = current->nice;
    memcpy(child->rlimits, current->rlimits, sizeof(child->rlimits));
    task_inherit_group(child, current);
    child->quiet = current->quiet;
    child->exit_signal = request->flags & CSIGNAL;
    if (request->flags & CLONE_CHILD_CLEARTID)
        child->clear_child_tid = request->child_tid;
}

static void copy_registers(struct task *child, const struct pt_regs *regs, u32 sp)
{
    struct pt_regs *child_regs = task_pt_regs(child);

    *child_regs = *regs;
    child_regs->eax = 0;
    if (sp)
        child_regs->esp = sp;
    thread_copy_segments(&child->thread, &current->thread);
}

/* Create a child that other tasks cannot find yet. 0, or an error, and it is freed. */
static int make_child(const struct clone_request *request, const struct pt_regs *regs,
                      struct task **out)
{
    struct task *child = task_alloc(current->comm, process_start, NULL);
    int err;

    if (!child)
        return -ENOMEM;
    err = copy_resources(child, request);
    if (!err) {
        copy_registers(child, regs, request->sp);
        if (request->flags & CLONE_SETTLS)
            err = tls_set_from_user(child, (const void *)request->tls);
    }
    if (err) {
        process_discard(child);
        return err;
    }
    copy_attributes(child, request);
    *out = child;
    return 0;
}

static void write_tids(struct task *child, const struct clone_request *request)
{
    bool told = true;

    if (request->flags & CLONE_PARENT_SETTID)
        told = !copy_object_to_user((void *)request->parent_tid, &child->pid);
    if (request->flags & CLONE_CHILD_SETTID)
        told &= !mm_write(child->mm, request->child_tid, &child->pid, sizeof(child->pid));
    (void)told; /* as on Linux */
}

/* Leave the chain of tasks that wait for an address space, and link parent and child directly. */
static void leave_vfork_chain(void)
{
    struct task *child = detach(&current->vfork_child), *parent = detach(&current->vfork_parent);

    child->vfork_parent = parent;
    if (parent)
        parent->vfork_child = child;
}

/*
 * Sleep until the child no longer uses the address space; a parent that SIGKILL wakes first ends.
 */
static void wait_for_vfork(void)
{
    wait_event(&current->child_wait, !current->vfork_child || signal_kill_pending());
    if (!current->vfork_child) {
        rlimits_apply(current); /* limits that were set meanwhile */
        return;
    }
    leave_vfork_chain();
    current->clear_child_tid = 0;
    signal_die();
}

long process_clone(const struct clone_request *request, const struct pt_regs *regs)
{
    struct task *child;
    u32 pid;
    int err = check_request(request);

    if (!err)
        err = make_child(request, regs, &child);
    if (err)
        return err;
    if (signal_kill_pending()) { /* it came meanwhile, when the child was not visible */
        process_discard(child);
        return -EINTR;
    }
    if (request->flags & CLONE_VFORK) { /* once published, a signal may start and end the child */
        child->vfork_parent = current;
        current->vfork_child = child;
    }
    task_publish(child);
    pid = child->pid;
    write_tids(child, request);
    wake_up_task(child);
    this_cpu()->need_resched = true; /* yield: the child is before it in the queue */
    if (request->flags & CLONE_VFORK)
        wait_for_vfork();
    return pid;
}
