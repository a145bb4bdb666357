/*
 * The links of /proc/PID: the program, the working and the root directory, and the open files in
 * fd/. Following one takes a reference; the process may have ended: -ESRCH.
 *
 * Neighbours: proc_pid.c has the other files, and the table.
 */
#include <asm/errno.h>
#include <fs/fs.h>
#include <kernel/proc/proc.h>
#include <kernel/process/fdtable.h>
#include <linux/stat.h>

/* ---- links ---- */

/* Take a reference of a process's inode: 0, or -ENOENT when it has none. */
static int lead_to(struct inode *inode, struct inode **out)
{
    if (!inode)
        return -ENOENT;
    inode_get(inode);
    *out = inode;
    return 0;
}

int proc_exe(u32 pid, struct inode **out)
{
    const struct task *task = task_find(pid);

    return task ? lead_to(task->exe, out) : -ESRCH;
}

int proc_cwd(u32 pid, struct inode **out)
{
    const struct task *task = task_find(pid);

    return task ? lead_to(task->cwd, out) : -ESRCH;
}

int proc_root_link(u32 pid, struct inode **out)
{
    const struct task *task = task_find(pid);

    if (!task)
        return -ESRCH;
    return lead_to(task->cwd && !task->root ? fs_root() : task->root, out);
}

/* ---- descriptors ---- */

static const struct files *files_of(u32 pid)
{
    const struct task *task = task_find(pid);

    return task ? task->files : NULL;
}

u32 proc_next_fd(u32 pid, u32 fd)
{
    const struct files *files = files_of(pid);

    for (; files && fd < files->size; fd++) {
        if (files_at(files, fd))
            return fd;
    }
    return UINT32_MAX;
}

int proc_fd_inode(u32 pid, u32 fd, u32 *mode, struct inode **out)
{
    const struct files *files = files_of(pid);
    const struct file *file = files ? files_at(files, fd) : NULL;

    if (!file)
        return -ENOENT;
    *mode = S_IXUSR | (file->mode & FMODE_READ ? S_IRUSR : 0) |
            (file->mode & FMODE_WRITE ? S_IWUSR : 0);
    return lead_to(file->inode, out);
}
