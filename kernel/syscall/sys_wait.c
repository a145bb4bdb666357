/*
 * Waiting for children: wait4() and waitid().
 *
 * They search the children for one with news: it has ended, stopped, or continued. Each event is
 * reported once, and then a zombie is freed, even if the pointer for the result is bad (as on
 * Linux).
 *
 * Neighbours: kernel/process/exit.c ends processes; kernel/task.c frees what was waited for;
 * kernel/process/job.c has the groups.
 */
#include <arch/x86/uaccess.h>
#include <asm/errno.h>
#include <asm/siginfo.h>
#include <asm/signal.h>
#include <kernel/process/process.h>
#include <kernel/process/signal.h>
#include <kernel/syscall/syscall.h>
#include <lib/string.h>
#include <linux/resource.h>
#include <linux/wait.h>

/* ---- searching for news ---- */

struct wait {
    u32 which, id;      /* P_ALL, P_PID, P_PGID (man 2 waitid) */
    u32 options;        /* WEXITED, WSTOPPED, WCONTINUED, and which children count */
    bool any;           /* a matching child exists */
    struct task *child; /* a child with news, or NULL */
};

/*
 * Children with an exit signal other than SIGCHLD must be requested explicitly (__WCLONE, __WALL).
 */
static bool is_asked_for(const struct wait *wait, const struct task *child)
{
    if (wait->which == P_PGID && child->pgrp != wait->id)
        return false;
    return (wait->options & __WALL) ||
           (child->exit_signal != SIGCHLD) == ((wait->options & __WCLONE) != 0);
}

static bool has_news(const struct wait *wait, const struct task *child)
{
    if (child->state == TASK_ZOMBIE)
        return wait->options & WEXITED;
    if (child->state == TASK_STOPPED)
        return (wait->options & WSTOPPED) && child->stop_signal;
    return (wait->options & WCONTINUED) && child->continued;
}

/* True when the search ends at `child`. */
static bool look_at(struct wait *wait, struct task *child)
{
    if (!is_asked_for(wait, child))
        return false;
    wait->any = true;
    if (!has_news(wait, child))
        return false;
    wait->child = child;
    return true;
}

/* True when there is news, or no matching child. */
static bool look(struct wait *wait)
{
    struct task *child;

    wait->any = false;
    wait->child = NULL;
    if (wait->which == P_PID) {
        child = task_find(wait->id);
        if (child && child->parent == current)
            look_at(wait, child);
    } else {
        list_for_each_entry (child, &current->children, sibling_link)
            if (look_at(wait, child))
                break;
    }
    return wait->child || !wait->any;
}

/* 0, with wait->child set or (WNOHANG) NULL; -ECHILD, -ERESTARTSYS. */
static int wait_for_news(struct wait *wait)
{
    int err = 0;

    if (!look(wait) && !(wait->options & WNOHANG))
        err = wait_event_interruptible(&current->child_wait, look(wait));
    if (!err && !wait->any)
        err = -ECHILD;
    return err;
}

/* ---- reporting ---- */

/*
 * The news of a child, copied before anything is written to user memory, because a write may yield.
 */
struct news {
    u32 status; /* as waitpid() returns it */
    struct signal_info info;
    struct rusage usage;
};

/* Mark the news as reported and free a zombie, unless WNOWAIT. */
static void take_news(const struct wait *wait, struct news *news)
{
    struct task *child = wait->child;
    bool keep = wait->options & WNOWAIT;

    *news = (struct news){.status = 0};
    task_rusage(child, true, true, &news->usage);
    if (child->state == TASK_ZOMBIE) {
        news->status = child->exit_code;
        news->info = process_end_info(child);
        if (!keep)
            task_collect(child);
        return;
    }
    news->info.pid = child->pid;
    if (child->state == TASK_STOPPED) {
        news->status = child->stop_signal << 8 | 0x7f;
        news->info.code = CLD_STOPPED;
        news->info.value = child->stop_signal;
        if (!keep)
            child->stop_signal = 0;
    } else {
        news->status = 0xffff;
        news->info.code = CLD_CONTINUED;
        news->info.value = SIGCONT;
        if (!keep)
            child->continued = false;
    }
}

static long wait4(s32 pid, u32 *user_status, u32 options, struct rusage *user_usage)
{
    struct wait wait = {.which = P_PID, .id = pid, .options = options | WEXITED};
    struct news news;
    int err;

    if (options & ~(WNOHANG | WUNTRACED | WCONTINUED | __WNOTHREAD | __WCLONE | __WALL))
        return -EINVAL;
    if (pid == INT32_MIN)
        return -ESRCH; /* no group has that number */
    if (pid == -1)
        wait.which = P_ALL;
    else if (pid <= 0)
        wait.which = P_PGID, wait.id = pid ? (u32)-pid : current->pgrp;
    err = wait_for_news(&wait);
    if (err || !wait.child)
        return err;
    take_news(&wait, &news);
    if (user_status && copy_object_to_user(user_status, &news.status))
        return -EFAULT;
    if (user_usage && copy_object_to_user(user_usage, &news.usage))
        return -EFAULT;
    return news.info.pid;
}

long sys_wait4(struct pt_regs *regs)
{
    return wait4(regs->ebx, (u32 *)regs->ecx, regs->edx, (struct rusage *)regs->esi);
}

long sys_waitpid(struct pt_regs *regs)
{
    return wait4(regs->ebx, (u32 *)regs->ecx, regs->edx, NULL);
}

/* The part of siginfo_t that waitid() fills, all 0 when there is no news. */
static int write_siginfo(siginfo_t *user_info, const struct signal_info *info)
{
    siginfo_t out;

    memset(&out, 0, sizeof(out));
    if (info->pid) {
        out.si_signo = SIGCHLD;
        out.si_code = info->code;
        out.si_pid = info->pid;
        out.si_status = info->value;
    }
    return copy_to_user(user_info, &out, offsetof(siginfo_t, si_utime)) ? -EFAULT : 0;
}

static int check_waitid(u32 which, s32 id, u32 options)
{
    if (options &
        ~(WNOHANG | WNOWAIT | WEXITED | WSTOPPED | WCONTINUED | __WNOTHREAD | __WCLONE | __WALL))
        return -EINVAL;
    if (!(options & (WEXITED | WSTOPPED | WCONTINUED)))
        return -EINVAL;
    if (which == P_ALL || (which == P_PGID && id >= 0) || (which == P_PID && id > 0))
        return 0;
    return -EINVAL;
}

long sys_waitid(struct pt_regs *regs)
{
    struct wait wait = {.which = regs->ebx, .id = regs->ecx, .options = regs->esi};
    struct rusage *user_usage = (struct rusage *)regs->edi;
    struct news news = {.status = 0};
    int err = check_waitid(wait.which, wait.id, wait.options);

    if (err)
        return err;
    if (wait.which == P_PGID && wait.id == 0)
        wait.id = current->pgrp;
    err = wait_for_news(&wait);
    if (err)
        return err;
    if (wait.child)
        take_news(&wait, &news);
    if (regs->edx && write_siginfo((siginfo_t *)regs->edx, &news.info))
        return -EFAULT;
    if (wait.child && user_usage && copy_object_to_user(user_usage, &news.usage))
        return -EFAULT;
    return 0;
}
