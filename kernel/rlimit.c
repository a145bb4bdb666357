/*
 * The initial limits of a task, and those that apply to its address space (man 2 getrlimit).
 *
 * Neighbours: kernel/syscall/sys_limit.c changes them; kernel/task.c and kernel/process/ call this.
 */
#include <kernel/rlimit.h>
#include <kernel/task.h>
#include <linux/resource.h>
#include <mm/user/mm.h>

void rlimits_init(struct rlimit *rlimits)
{
    for (u32 i = 0; i < RLIM_NLIMITS; i++)
        rlimits[i] = (struct rlimit){RLIM_INFINITY, RLIM_INFINITY};
    rlimits[RLIMIT_STACK].rlim_cur = STACK_LIMIT;
    rlimits[RLIMIT_CORE].rlim_cur = 0;
    rlimits[RLIMIT_NOFILE] = (struct rlimit){FILES_MAX, FILES_MAX};
    rlimits[RLIMIT_NICE] = rlimits[RLIMIT_RTPRIO] = (struct rlimit){0, 0};
}

/*
 * True when its memory is lent or borrowed by vfork(). The count of users does not show this:
 * readers of /proc are users, too.
 */
static bool is_lent(const struct task *task)
{
    const struct task *child = task->vfork_child, *parent = task->vfork_parent;

    return (child && child->mm == task->mm) || (parent && parent->mm == task->mm);
}

/*
 * With a data limit of 0, Linux lets mmap use as much as the limit could be raised to (for
 * Valgrind).
 */
void rlimits_apply(const struct task *task)
{
    const struct rlimit *rlimits = task->rlimits, *data = &rlimits[RLIMIT_DATA];
    struct mm *mm = task->mm;

    if (is_lent(task))
        return;
    mm->stack_limit = rlimits[RLIMIT_STACK].rlim_cur;
    mm->size_limit = rlimits[RLIMIT_AS].rlim_cur;
    mm->heap_limit = data->rlim_cur;
    mm->data_limit = data->rlim_cur ? data->rlim_cur : data->rlim_max;
}
