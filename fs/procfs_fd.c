/*
 * /proc/PID/fd: a symbolic link for each open descriptor, named by its number (man 5 proc).
 *
 * Like everything in /proc/PID these are created at lookup and store only pid and number. The text
 * of such a link is only for reading; following it leads to the open file itself, even if it is
 * removed, or a pipe that never had a name (inode->target).
 *
 * Neighbours: fs/procfs_pid.c has the directories above; fs/walk.c follows; kernel/ reports what is
 * open.
 */
#include <asm/errno.h>
#include <fs/internal.h>
#include <lib/printf.h>
#include <linux/stat.h>

#define FD_DIGITS 4 /* of the largest number */

/* Different from the numbers of the other files in /proc/PID, as long as pids are below 2^20. */
static u32 fd_ino(u32 pid, u32 fd)
{
    return 3u << 30 | (pid << 10 ^ fd);
}

static int fd_target(struct inode *link, struct inode **out)
{
    u32 mode;

    return proc_pid_ops()->fd_inode(link->pid, link->fd, &mode, out);
}

static int make_link(const struct inode *dir, u32 fd, u32 mode, struct inode **out)
{
    struct inode *link = inode_new(S_IFLNK | mode, 0);

    if (!link)
        return -ENOMEM;
    link->ino = fd_ino(dir->pid, fd);
    link->dev = PROC_DEV;
    link->nlink = 1;
    link->pid = dir->pid;
    link->pid_file = dir->pid_file;
    link->fd = fd;
    link->target = fd_target;
    *out = link;
    return 0;
}

/* The number of a name in its only valid spelling; UINT32_MAX if it is not a number. */
static u32 name_to_fd(const char *name, u32 len)
{
    u32 fd = 0;

    if (len == 0 || len > FD_DIGITS || (len > 1 && name[0] == '0'))
        return UINT32_MAX;
    for (u32 i = 0; i < len; i++) {
        if (name[i] < '0' || name[i] > '9')
            return UINT32_MAX;
        fd = fd * 10 + (name[i] - '0');
    }
    return fd;
}

static int fd_dir_lookup(struct inode *dir, const char *name, u32 len, struct inode **out)
{
    u32 fd = name_to_fd(name, len), mode;
    struct inode *inode;
    int err = proc_pid_ops()->fd_inode(dir->pid, fd, &mode, &inode);

    if (err)
        return err;
    inode_put(inode); /* the link finds it again */
    return make_link(dir, fd, mode, out);
}

static int fd_dir_next(struct inode *dir, u32 *place, char *name, u32 *ino, u32 *type)
{
    u32 fd = proc_pid_ops()->next_fd(dir->pid, *place);

    if (fd == UINT32_MAX)
        return 0;
    *place = fd;
    snprintf(name, NAME_MAX_ + 1, "%u", fd);
    *ino = fd_ino(dir->pid, fd);
    *type = S_IFLNK >> 12;
    return 1;
}

const struct dir_operations proc_fd_dir_ops = {.lookup = fd_dir_lookup, .next = fd_dir_next};
