/*
 * /proc/PID and /proc/self: directories that are created on lookup.
 *
 * A lookup creates an inode, which is freed with its last reference; nothing is kept in between. It
 * stores the pid of its process and no pointer, so it may outlive the process: its operations then
 * return -ESRCH. The numbers of such inodes are computed from pid and file, so that two lookups of
 * one file get the same number.
 *
 * kernel/ supplies the list of files and finds the processes (struct proc_pid_ops).
 *
 * Limits: pids below 2^23.
 *
 * Neighbours: fs/procfs.c reads the texts; fs/procfs_fd.c has the directory of descriptors.
 */
#include <asm/errno.h>
#include <fs/internal.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <linux/stat.h>

#define PID_LIMIT  (1u << 23)
#define THREAD_INO 0xffu /* in place of a file's number: the thread's directory */

static const struct proc_pid_ops *pid_ops __ro_after_init;

/* Above all numbers that inode_new() reaches in practice; 0 is the directory itself. */
static u32 pid_ino(u32 pid, const struct proc_pid_file *file)
{
    return 1u << 31 | pid << 8 | (file ? file - pid_ops->files + 1 : 0);
}

static u32 mode_of(const struct proc_pid_file *file)
{
    if (file->dir)
        return S_IFDIR | 0500;
    if (file->fops)
        return S_IFREG | 0600;
    return file->target ? S_IFLNK | 0777 : S_IFREG | 0444;
}

const struct proc_pid_ops *proc_pid_ops(void)
{
    return pid_ops;
}

static int pid_file_show(struct inode *inode, struct seq_file *seq)
{
    return inode->pid_file->show(inode->pid, seq);
}

static int pid_file_target(struct inode *link, struct inode **out)
{
    return link->pid_file->target(link->pid, out);
}

static const struct dir_operations pid_dir_ops;

static int make_inode(u32 pid, const struct proc_pid_file *file, struct inode **out)
{
    struct inode *inode = inode_new(file ? mode_of(file) : S_IFDIR | 0555, 0);

    if (!inode)
        return -ENOMEM;
    inode->ino = pid_ino(pid, file);
    inode->dev = PROC_DEV;
    inode->nlink = file && !file->dir ? 1 : 2;
    inode->pid = pid;
    inode->pid_file = file;
    if (!file || file->dir) {
        inode->dir.ops = file ? file->dir : &pid_dir_ops;
    } else if (file->target) {
        inode->target = pid_file_target;
    } else {
        inode->fops = file->fops ? file->fops : &proc_file_ops;
        inode->proc.show = pid_file_show;
    }
    *out = inode;
    return 0;
}

static bool pid_exists(u32 pid)
{
    return pid_ops && pid && pid_ops->next(pid) == pid;
}

/* ---- in /proc/PID ---- */

/* A thread's directory is the same as its process's, without the list of threads. */
static bool is_in(const struct inode *dir, const struct proc_pid_file *file)
{
    return !dir->thread || file->dir != &proc_task_dir_ops;
}

static int pid_dir_lookup(struct inode *dir, const char *name, u32 len, struct inode **out)
{
    if (!pid_exists(dir->pid))
        return -ENOENT;
    for (const struct proc_pid_file *file = pid_ops->files; file->name; file++) {
        if (strlen(file->name) == len && memcmp(file->name, name, len) == 0 && is_in(dir, file))
            return make_inode(dir->pid, file, out);
    }
    return -ENOENT;
}

static int pid_dir_next(struct inode *dir, u32 *place, char *name, u32 *ino, u32 *type)
{
    const struct proc_pid_file *file = pid_ops->files;

    if (!pid_exists(dir->pid))
        return 0;
    for (u32 i = 0; i < *place && file->name; i++)
        file++;
    if (!file->name || !is_in(dir, file))
        return 0;
    strscpy(name, file->name, NAME_MAX_ + 1);
    *ino = pid_ino(dir->pid, file);
    *type = mode_of(file) >> 12;
    return 1;
}

static const struct dir_operations pid_dir_ops = {.lookup = pid_dir_lookup, .next = pid_dir_next};

/* ---- numbers ---- */

/* The pid of a name in its only valid spelling; 0 if it is not a pid. */
static u32 name_to_pid(const char *name, u32 len)
{
    u32 pid = 0;

    if (name[0] == '0' || len > 7)
        return 0;
    for (u32 i = 0; i < len; i++) {
        if (name[i] < '0' || name[i] > '9')
            return 0;
        pid = pid * 10 + (name[i] - '0');
    }
    return pid < PID_LIMIT ? pid : 0;
}

/* ---- in /proc/PID/task: a process is one thread ---- */

static int task_dir_lookup(struct inode *dir, const char *name, u32 len, struct inode **out)
{
    int err;

    if (name_to_pid(name, len) != dir->pid || !pid_exists(dir->pid))
        return -ENOENT;
    err = make_inode(dir->pid, NULL, out);
    if (!err) {
        (*out)->ino = pid_ino(dir->pid, NULL) | THREAD_INO;
        (*out)->thread = true;
    }
    return err;
}

static int task_dir_next(struct inode *dir, u32 *place, char *name, u32 *ino, u32 *type)
{
    if (*place > 0 || !pid_exists(dir->pid))
        return 0;
    snprintf(name, NAME_MAX_ + 1, "%u", dir->pid);
    *ino = pid_ino(dir->pid, NULL) | THREAD_INO;
    *type = S_IFDIR >> 12;
    return 1;
}

const struct dir_operations proc_task_dir_ops = {.lookup = task_dir_lookup, .next = task_dir_next};

/* ---- in /proc ---- */

static int proc_root_lookup(struct inode *dir, const char *name, u32 len, struct inode **out)
{
    u32 pid = name_to_pid(name, len);

    (void)dir;
    return pid_exists(pid) ? make_inode(pid, NULL, out) : -ENOENT;
}

static int proc_root_next(struct inode *dir, u32 *place, char *name, u32 *ino, u32 *type)
{
    u32 pid = pid_ops ? pid_ops->next(max(*place, 1u)) : 0;

    (void)dir;
    if (!pid)
        return 0;
    snprintf(name, NAME_MAX_ + 1, "%u", pid);
    *place = pid;
    *ino = pid_ino(pid, NULL);
    *type = S_IFDIR >> 12;
    return 1;
}

const struct dir_operations proc_root_ops = {.lookup = proc_root_lookup, .next = proc_root_next};

static long self_readlink(struct inode *inode, char *buf, u32 size)
{
    u32 pid = pid_ops->self();

    (void)inode;
    return pid ? scnprintf(buf, size, "%u", pid) : -ENOENT;
}

void proc_pid_register(const struct proc_pid_ops *ops)
{
    pid_ops = ops;
    proc_symlink("self", self_readlink);
}

long proc_pid_path(const struct inode *inode, char *buf, u32 size)
{
    u32 len;

    if (!inode->pid)
        len = snprintf(buf, size, "pipe:[%u]", inode->ino);
    else if (!inode->pid_file)
        len = snprintf(buf, size, inode->thread ? "/proc/%u/task/%u" : "/proc/%u", inode->pid,
                       inode->pid);
    else if (inode->pid_file->dir && S_ISLNK(inode->mode))
        len = snprintf(buf, size, "/proc/%u/%s/%u", inode->pid, inode->pid_file->name, inode->fd);
    else
        len = snprintf(buf, size, "/proc/%u/%s", inode->pid, inode->pid_file->name);
    return len < size ? (long)len : -ERANGE;
}
