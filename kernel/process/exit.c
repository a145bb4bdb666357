/*
 * The end of a process.
 *
 * A process frees its memory, its files and its directory while it is still an ordinary process,
 * which may take long and yield; then, in one step, it becomes a zombie, notifies its parent
 * (SIGCHLD, and a wake-up if it waits) and never runs again. The zombie is a descriptor with the
 * exit code, and a stack, until the parent waits for it; a parent that ignores SIGCHLD gets no
 * zombies.
 *
 * Limits: in struct rusage only the times and the context switches are set, the rest is 0.
 *
 * Neighbours: kernel/task.c has the end of every task; kernel/process/signal.c the signals;
 * kernel/syscall/sys_wait.c waits.
 */
#include <arch/x86/timer.h>
#include <arch/x86/uaccess.h>
#include <asm/siginfo.h>
#include <asm/signal.h>
#include <fs/fs.h>
#include <kernel/process/fdtable.h>
#include <kernel/process/futex.h>
#include <kernel/process/process.h>
#include <kernel/process/process_fpu.h>
#include <kernel/process/signal.h>
#include <lib/detach.h>
#include <lib/string.h>
#include <linux/resource.h>
#include <linux/time_types.h>
#include <mm/user/mm.h>

/* Used before tty_init(): no session has a terminal. */
static void no_terminal(u32 session)
{
    (void)session;
}

void (*process_session_ended)(u32 session) __ro_after_init = no_terminal;

/*
 * Another user of the address space, the parent of a vfork(), may wait for the thread id to be
 * cleared. Memory that is lent to a child must not be written: then kernel/process/fork.c has set
 * the field to 0.
 */
static void clear_child_tid(void)
{
    u32 zero = 0, addr = exchange(&current->clear_child_tid, 0);

    if (!addr || current->mm->users == 1 || copy_object_to_user((void *)addr, &zero))
        return; /* a bad address is ignored, as on Linux */
    futex_wake_at(addr);
}

/* Give the memory back to the parent of a vfork(). */
static void wake_vfork_parent(void)
{
    struct task *parent = detach(&current->vfork_parent);

    if (parent) {
        parent->vfork_child = NULL;
        wake_up(&parent->child_wait);
    }
}

struct mm *process_replace_mm(struct mm *mm)
{
    struct mm *old;

    clear_child_tid();
    old = exchange(&current->mm, mm);
    wake_vfork_parent(); /* it runs when this task yields, and can use the memory */
    return old;
}

/* Each resource is released in one step: other code finds it complete or not at all. */
void process_release(void)
{
    struct task *task = current;

    mm_put(process_replace_mm(NULL));
    files_free(detach(&task->files));
    inode_put(detach(&task->cwd));
    if (task->root)
        inode_put(detach(&task->root));
    inode_end_program(detach(&task->exe));
    fpu_drop(task);
    if (task->session == task->pid)
        process_session_ended(task->session);
    job_leave();
}

struct signal_info process_end_info(const struct task *child)
{
    u32 signal = child->exit_code & 0x7f;
    s32 ended_by = child->exit_code & CORE_DUMPED ? CLD_DUMPED : CLD_KILLED;

    return (struct signal_info){.code = signal ? ended_by : CLD_EXITED,
                                .pid = child->pid,
                                .value = signal ? signal : child->exit_code >> 8};
}

bool process_tell_parent(void)
{
    struct task *task = current, *parent = task->parent;
    bool wanted = parent != NULL;

    if (parent && parent->signals && task->exit_signal) {
        struct signal_info info = process_end_info(task);

        wanted = task->exit_signal != SIGCHLD || !signal_ignores_children(parent);
        signal_notify_parent(task, info.code, info.value);
    }
    signals_free(detach(&task->signals));
    return wanted;
}

/* ---- resource usage ---- */

static void ticks_to_timeval(u32 ticks, struct __kernel_old_timeval *time)
{
    time->tv_sec = ticks / HZ;
    time->tv_usec = ticks % HZ * (1000000 / HZ);
}

void task_rusage(const struct task *task, bool self, bool children, struct rusage *usage)
{
    u32 all = (self ? task->ticks : 0) + (children ? task->child_ticks : 0);
    u32 user = (self ? task->user_ticks : 0) + (children ? task->child_user_ticks : 0);

    memset(usage, 0, sizeof(*usage));
    ticks_to_timeval(user, (struct __kernel_old_timeval *)&usage->ru_utime);
    ticks_to_timeval(all - user, (struct __kernel_old_timeval *)&usage->ru_stime);
    usage->ru_nvcsw = self ? task->nvcsw : 0;
    usage->ru_nivcsw = self ? task->nivcsw : 0;
}
