/*
 * fcntl() and ioctl(): operations on a descriptor and on an open file.
 *
 * O_CLOEXEC belongs to the number and all other flags to the open file, which dup() shares.
 * Commands of a terminal or another device are handled by its file operations; the few commands
 * that are the same for all files are here.
 *
 * Limits: locks (F_SETLK) are granted and not recorded, so they never block anything: programs that
 * lock only for themselves work, but two programs that compete for a lock both get it. The size of
 * a pipe is fixed.
 *
 * Neighbours: kernel/process/fdtable.c has the numbers; fs/file.c calls the operations of a file.
 */
#include <arch/x86/uaccess.h>
#include <asm/errno.h>
#include <asm/ioctls.h>
#include <kernel/process/fdtable.h>
#include <kernel/syscall/syscall.h>
#include <linux/fcntl.h>
#include <linux/stat.h>

/* The flags that fcntl(F_SETFL) changes, and those that are never returned. */
#define SETFL_FLAGS  (O_APPEND | O_NONBLOCK | O_DIRECT | O_NOATIME | FASYNC)
#define HIDDEN_FLAGS (O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_CLOEXEC)

/* ---- locks ---- */

/* See "Limits": no lock ever blocks. */
static long get_lock(void *user, u32 size)
{
    union {
        struct flock small;
        struct flock64 large;
        s16 type; /* l_type is the first member of both */
    } lock;

    if (copy_from_user(&lock, user, size))
        return -EFAULT;
    if (lock.type != F_RDLCK && lock.type != F_WRLCK)
        return -EINVAL;
    lock.type = F_UNLCK;
    return copy_object_to_user(user, &lock.type);
}

static long set_lock(const struct file *file, const void *user, u32 size)
{
    u8 lock[sizeof(struct flock64)];
    u32 mode = file->flags & O_ACCMODE;
    s16 type;

    if (copy_from_user(lock, user, size))
        return -EFAULT;
    type = *(s16 *)lock;
    if (type != F_RDLCK && type != F_WRLCK && type != F_UNLCK)
        return -EINVAL;
    if ((type == F_RDLCK && mode == O_WRONLY) || (type == F_WRLCK && mode == O_RDONLY))
        return -EBADF;
    return 0;
}

static long set_flags(struct file *file, u32 flags)
{
    file->flags = (file->flags & ~SETFL_FLAGS) | (flags & SETFL_FLAGS);
    return 0;
}

static long set_pipe_size(const struct file *file, u32 size)
{
    if (!S_ISFIFO(file->inode->mode))
        return -EBADF;
    if (size > PIPE_SIZE)
        return -EPERM; /* Linux: beyond /proc/sys/fs/pipe-max-size */
    return size ? (long)PIPE_SIZE : -EINVAL;
}

/* Commands for which an O_PATH descriptor is not enough. */
static long fcntl_io(struct file *file, u32 command, u32 arg)
{
    switch (command) {
    case F_SETFL:
        return set_flags(file, arg);
    case F_GETLK:
        return get_lock((void *)arg, sizeof(struct flock));
    case F_GETLK64:
        return get_lock((void *)arg, sizeof(struct flock64));
    case F_SETLK:
    case F_SETLKW:
        return set_lock(file, (const void *)arg, sizeof(struct flock));
    case F_SETLK64:
    case F_SETLKW64:
        return set_lock(file, (const void *)arg, sizeof(struct flock64));
    case F_GETOWN:
    case F_SETOWN:
    case F_GETSIG:
        return 0; /* the receiver of SIGIO, which is never sent */
    case F_GETPIPE_SZ:
        return S_ISFIFO(file->inode->mode) ? (long)PIPE_SIZE : -EBADF;
    case F_SETPIPE_SZ:
        return set_pipe_size(file, arg);
    default:
        return -EINVAL;
    }
}

long sys_fcntl64(struct pt_regs *regs)
{
    u32 fd = regs->ebx, command = regs->ecx, arg = regs->edx;
    struct file *file = fd_get(fd);

    if (!file)
        return -EBADF;
    switch (command) {
    case F_DUPFD:
        return fd_dup(file, arg, 0);
    case F_DUPFD_CLOEXEC:
        return fd_dup(file, arg, O_CLOEXEC);
    case F_GETFD:
        return fd_cloexec(current->files, fd) ? FD_CLOEXEC : 0;
    case F_SETFD:
        fd_set_cloexec(current->files, fd, arg & FD_CLOEXEC);
        return 0;
    case F_GETFL:
        return file->flags & ~HIDDEN_FLAGS;
    default:
        return file->flags & O_PATH ? -EBADF : fcntl_io(file, command, arg);
    }
}

/* The older call does not support the 64-bit locks. */
long sys_fcntl(struct pt_regs *regs)
{
    u32 command = regs->ecx;

    if (command == F_GETLK64 || command == F_SETLK64 || command == F_SETLKW64)
        return fd_get(regs->ebx) ? -EINVAL : -EBADF;
    return sys_fcntl64(regs);
}

static long set_flag_from_user(struct file *file, u32 flag, const void *user)
{
    s32 on;

    if (copy_from_user(&on, user, sizeof(on)))
        return -EFAULT;
    file->flags = on ? file->flags | flag : file->flags & ~flag;
    return 0;
}

/* Bytes between the position and the end of a regular file. */
static long bytes_left(const struct file *file, void *user)
{
    u32 size = file->inode->data.size, left = file->pos < size ? size - (u32)file->pos : 0;

    return copy_object_to_user(user, &left);
}

long sys_ioctl(struct pt_regs *regs)
{
    u32 fd = regs->ebx, command = regs->ecx, arg = regs->edx;
    struct file *file = fd_get_for_io(fd);

    if (!file)
        return -EBADF;
    switch (command) {
    case FIOCLEX:
    case FIONCLEX:
        fd_set_cloexec(current->files, fd, command == FIOCLEX);
        return 0;
    case FIONBIO:
        return set_flag_from_user(file, O_NONBLOCK, (const void *)arg);
    case FIONREAD:
        if (S_ISREG(file->inode->mode))
            return bytes_left(file, (void *)arg);
        break;
    default:
        break;
    }
    return file_ioctl(file, command, arg);
}
