/*
 * The audit of tasks: every task has all its parts, and no two run in one address space. This holds
 * at every point where a task yields.
 *
 * Neighbours: kernel/task.c and kernel/process/exit.c ensure it (lib/detach.h has the rule).
 */
#include <fs/fs.h>
#include <kernel/process/fdtable.h>
#include <kernel/process/process.h>
#include <lib/printf.h>
#include <mm/user/mm.h>

/*
 * True when another task runs in that address space. Tasks that wait for a vfork() child do not
 * count.
 */
static bool runs_elsewhere(const struct mm *mm, const struct task *task)
{
    for (struct task *other = task_next(NULL); other; other = task_next(other)) {
        if (other != task && other->mm == mm && !other->vfork_child)
            return true;
    }
    return false;
}

static const char *check_memory(const struct task *task)
{
    const struct task *child = task->vfork_child, *parent = task->vfork_parent;

    /* They need not share memory: clone() allows CLONE_VFORK without CLONE_VM. */
    if ((child && child->vfork_parent != task) || (parent && parent->vfork_child != task))
        return "and the other side of its vfork() do not know each other";
    if (!task->mm)
        return NULL;
    if ((s32)task->mm->users <= 0)
        return "has an address space that has ended";
    if (task->mm->users > 1 && !child && runs_elsewhere(task->mm, task))
        return "and another task run in one address space";
    return NULL;
}

static const char *check_files(const struct files *files)
{
    for (u32 fd = 0; files && fd < files->size; fd++) {
        const struct file *file = files_at(files, fd);

        if (!file != !(files->open[fd / 32] & 1u << fd % 32))
            return "has a descriptor that is both open and closed";
        if (file && file->refcount <= 0)
            return "has a descriptor of a file that has ended";
    }
    return NULL;
}

static const char *check_task(const struct task *task)
{
    const char *wrong;

    if (task->state == TASK_ZOMBIE)
        return task->mm || task->files || task->signals || task->cwd || task->root || task->exe
                   ? "has ended and still holds something"
                   : NULL;
    if (task->exe && (task->exe->data.refcount <= 0 || !task->exe->programs))
        return "runs a program whose file has ended";
    if (task->cwd && task->cwd->data.refcount <= 0)
        return "works in a folder that has ended";
    if (task->root && task->root->data.refcount <= 0)
        return "has a root that has ended";
    wrong = check_memory(task);
    return wrong ? wrong : check_files(task->files);
}

const char *task_check(void)
{
    static char text[96];

    for (struct task *task = task_next(NULL); task; task = task_next(task)) {
        const char *wrong = check_task(task);

        if (wrong) {
            snprintf(text, sizeof(text), "tasks: %s[%u] %s", task->comm, task->pid, wrong);
            return text;
        }
    }
    return NULL;
}
