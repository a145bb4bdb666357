/*
 * Calls for open files: creating and closing descriptors, their flags, pipes, sizes.
 *
 * Calls that create a descriptor do their steps in an order in which only the last one is visible
 * to the program: first they make sure that a number is free, then they open the file, which may
 * create or truncate it, then they take the number. If a result cannot be written to user memory,
 * the number is freed before it can be used.
 *
 * Limits: there is no O_TMPFILE, no asynchronous I/O; flock() is granted and not recorded, like the
 * locks of fcntl() (kernel/syscall/sys_fcntl.c). Everything is in memory, so fsync() has nothing to
 * do. O_NOATIME, O_DIRECT and O_SYNC are stored and returned, but have no effect.
 *
 * Neighbours: fs/file.c opens; kernel/process/fdtable.c has the numbers.
 */
#include <arch/x86/uaccess.h>
#include <asm/errno.h>
#include <fs/fs.h>
#include <kernel/process/fdtable.h>
#include <kernel/process/user_path.h>
#include <kernel/syscall/syscall.h>
#include <linux/close_range.h>
#include <linux/fadvise.h>
#include <linux/fcntl.h>
#include <linux/stat.h>

/* ---- open, close ---- */

/* A FIFO is open when it has a reader and a writer. 0 or -ERESTARTSYS. */
static long wait_for_other_end(struct file *file)
{
    struct wait_queue *queue = file_wait_queue(file);

    if (!queue)
        return 0;
    wake_up(queue); /* tasks that wait for this end */
    return wait_event_interruptible(queue, !file_open_pending(file));
}

static long open_name(const struct user_name *name, u32 flags, u32 mode)
{
    struct file *file;
    long result;
    int err = fd_prepare(current->files);

    if (err)
        return err;
    err = file_open(name->base, name->path, flags, mode & 07777 & ~current->umask, &file);
    if (err)
        return err;
    result = wait_for_other_end(file);
    if (result == 0)
        result = fd_install(current->files, 0, file, flags);
    if (result < 0)
        file_close(file);
    return result;
}

static long do_open(s32 dirfd, const char *path, u32 flags, u32 mode)
{
    struct user_name name;
    long result;

    if (flags & __O_TMPFILE)
        return -EOPNOTSUPP;
    if (!(flags & O_CREAT))
        mode = 0;
    result = user_name_get(&name, dirfd, path);
    if (result)
        return result;
    result = open_name(&name, flags, mode);
    user_name_put(&name);
    return result;
}

long sys_open(struct pt_regs *regs)
{
    return do_open(AT_FDCWD, (const char *)regs->ebx, regs->ecx, regs->edx);
}

long sys_creat(struct pt_regs *regs)
{
    return do_open(AT_FDCWD, (const char *)regs->ebx, O_CREAT | O_WRONLY | O_TRUNC, regs->ecx);
}

long sys_openat(struct pt_regs *regs)
{
    return do_open(regs->ebx, (const char *)regs->ecx, regs->edx, regs->esi);
}

long sys_close(struct pt_regs *regs)
{
    return fd_close(current->files, regs->ebx);
}

long sys_close_range(struct pt_regs *regs)
{
    u32 first = regs->ebx, last = regs->ecx, flags = regs->edx;

    if (flags & ~(CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC) || first > last)
        return -EINVAL;
    for (u32 fd = first; fd <= last && fd < current->files->size; fd++) {
        if (!fd_get(fd))
            continue;
        if (flags & CLOSE_RANGE_CLOEXEC)
            fd_set_cloexec(current->files, fd, true);
        else
            fd_close(current->files, fd);
    }
    return 0;
}

/* ---- dup ---- */

long fd_dup(struct file *file, u32 min, u32 flags)
{
    long fd = fd_install(current->files, min, file, flags);

    if (fd >= 0)
        file_get(file);
    return fd;
}

static long dup_to(u32 from, u32 to, u32 flags)
{
    struct file *file = fd_get(from);
    long fd;

    if (!file)
        return -EBADF;
    file_get(file); /* before the file at `to` is closed, which may be the same file */
    fd = fd_install_at(current->files, to, file, flags);
    if (fd < 0)
        file_put(file);
    return fd;
}

long sys_dup(struct pt_regs *regs)
{
    struct file *file = fd_get(regs->ebx);

    return file ? fd_dup(file, 0, 0) : -EBADF;
}

long sys_dup2(struct pt_regs *regs)
{
    if (regs->ebx == regs->ecx)
        return fd_get(regs->ebx) ? (long)regs->ebx : -EBADF;
    return dup_to(regs->ebx, regs->ecx, 0);
}

long sys_dup3(struct pt_regs *regs)
{
    if (regs->edx & ~O_CLOEXEC || regs->ebx == regs->ecx)
        return -EINVAL;
    return dup_to(regs->ebx, regs->ecx, regs->edx);
}

/* ---- pipe ---- */

/*
 * Give both ends numbers and return them to the program. On failure the caller still owns the
 * files.
 */
static long install_pipe(struct file *file[2], u32 flags, u32 *user_fds)
{
    struct files *files = current->files;
    long read_fd, write_fd;
    u32 fds[2];

    read_fd = fd_install(files, 0, file[0], flags);
    if (read_fd < 0)
        return read_fd;
    file_get(file[0]);
    write_fd = fd_install(files, 0, file[1], flags);
    if (write_fd < 0) {
        fd_close(files, read_fd);
        return write_fd;
    }
    file_get(file[1]);
    fds[0] = read_fd;
    fds[1] = write_fd;
    if (copy_to_user(user_fds, fds, sizeof(fds))) {
        fd_close(files, read_fd);
        fd_close(files, write_fd);
        return -EFAULT;
    }
    return 0;
}

static long do_pipe(u32 *user_fds, u32 flags)
{
    struct file *file[2];
    long err;

    if (flags & ~(O_CLOEXEC | O_NONBLOCK | O_DIRECT))
        return -EINVAL;
    err = pipe_open(&file[0], &file[1], flags & ~O_DIRECT);
    if (err)
        return err;
    err = install_pipe(file, flags, user_fds);
    file_put(file[0]); /* the numbers have their own references */
    file_put(file[1]);
    return err;
}

long sys_pipe(struct pt_regs *regs)
{
    return do_pipe((u32 *)regs->ebx, 0);
}

long sys_pipe2(struct pt_regs *regs)
{
    return do_pipe((u32 *)regs->ebx, regs->ecx);
}

/* ---- sizes ---- */

static long do_truncate(const char *path, s64 size)
{
    struct inode *inode;
    long err;

    if (size < 0)
        return -EINVAL;
    err = user_lookup(AT_FDCWD, path, 0, &inode);
    if (err)
        return err;
    err = S_ISDIR(inode->mode) ? -EISDIR : inode_truncate(inode, size);
    inode_put(inode);
    return err;
}

static long do_ftruncate(u32 fd, s64 size)
{
    struct file *file;

    if (size < 0)
        return -EINVAL;
    file = fd_get_for_io(fd);
    if (!file)
        return -EBADF;
    if (!S_ISREG(file->inode->mode) || !(file->mode & FMODE_WRITE))
        return -EINVAL;
    return inode_truncate(file->inode, size);
}

long sys_truncate(struct pt_regs *regs)
{
    return do_truncate((const char *)regs->ebx, (s32)regs->ecx);
}

long sys_ftruncate(struct pt_regs *regs)
{
    return do_ftruncate(regs->ebx, (s32)regs->ecx);
}

long sys_truncate64(struct pt_regs *regs)
{
    return do_truncate((const char *)regs->ebx, (u64)regs->edx << 32 | regs->ecx);
}

long sys_ftruncate64(struct pt_regs *regs)
{
    return do_ftruncate(regs->ebx, (u64)regs->edx << 32 | regs->ecx);
}

/*
 * Only mode 0 (allocation): hole punching and the other modes are refused with the error of a file
 * system without them.
 */
long sys_fallocate(struct pt_regs *regs)
{
    s64 offset = (u64)regs->esi << 32 | regs->edx, size = (u64)regs->ebp << 32 | regs->edi;
    struct file *file;

    if (offset < 0 || size <= 0)
        return -EINVAL;
    if (regs->ecx != 0)
        return -EOPNOTSUPP;
    file = fd_get_for_io(regs->ebx);
    if (!file || (file->flags & O_ACCMODE) == O_RDONLY)
        return -EBADF;
    if (S_ISFIFO(file->inode->mode))
        return -ESPIPE;
    return inode_allocate(file->inode, offset, size);
}

/* ---- calls that have nothing to do here ---- */

long sys_fsync(struct pt_regs *regs)
{
    struct file *file = fd_get_for_io(regs->ebx);

    if (!file)
        return -EBADF;
    return S_ISREG(file->inode->mode) || S_ISDIR(file->inode->mode) ? 0 : -EINVAL;
}

long sys_syncfs(struct pt_regs *regs)
{
    return fd_get_for_io(regs->ebx) ? 0 : -EBADF;
}

long sys_flock(struct pt_regs *regs)
{
    u32 operation = regs->ecx & ~LOCK_NB;

    if (operation != LOCK_SH && operation != LOCK_EX && operation != LOCK_UN)
        return -EINVAL;
    return fd_get_for_io(regs->ebx) ? 0 : -EBADF;
}

static long check_advice(u32 fd, u32 advice)
{
    struct file *file = fd_get_for_io(fd);

    if (!file)
        return -EBADF;
    if (S_ISFIFO(file->inode->mode))
        return -ESPIPE;
    return advice <= POSIX_FADV_NOREUSE ? 0 : -EINVAL;
}

long sys_fadvise64(struct pt_regs *regs)
{
    return check_advice(regs->ebx, regs->edi);
}

long sys_fadvise64_64(struct pt_regs *regs)
{
    return check_advice(regs->ebx, regs->ebp);
}
