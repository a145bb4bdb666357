/*
 * Reading and writing, and the only place where a task waits for a file.
 *
 * File operations never sleep (fs/fs.h): one that would have to wait returns -EAGAIN. Here the task
 * then sleeps on the file's queue and tries again when the queue is woken; file_wake() wakes it
 * after each event that another task may wait for (bytes read, bytes written, an end closed). A
 * wake-up between the try and the sleep can only come from an interrupt handler, because the kernel
 * is not preempted; wake_up_count shows it.
 *
 * write() to a pipe or a terminal continues until everything is written; a signal ends it, with the
 * number of bytes so far, or -ERESTARTSYS if it is 0. A write to a pipe without readers sends
 * SIGPIPE.
 *
 * The order of checks is Linux's: the descriptor and its mode, then the buffer's address, then its
 * size. One call transfers at most IO_MAX bytes.
 *
 * Limits: the parts of a writev() are written one by one, so bytes of another writer may come
 * between them if a pipe is full.
 *
 * Neighbours: fs/file.c and the files it calls; kernel/syscall/sys_poll.c waits for many files at
 * the same time.
 */
#include <arch/x86/irqflags.h>
#include <arch/x86/uaccess.h>
#include <asm/errno.h>
#include <asm/signal.h>
#include <kernel/process/fdtable.h>
#include <kernel/process/signal.h>
#include <kernel/syscall/syscall.h>
#include <linux/fcntl.h>
#include <linux/poll.h>
#include <linux/uio.h>
#include <mm/frame/slab.h>

#define IO_MAX     (0x7fffffff & ~(PAGE_SIZE - 1)) /* Linux's MAX_RW_COUNT */
#define IOV_INLINE 8

/* ---- waiting ---- */

/*
 * Sleep until the file's queue is woken, unless there was any wake-up since `seen`. 0 or
 * -ERESTARTSYS.
 */
static long wait_for_file(struct file *file, u32 seen)
{
    struct wait_queue *queue = file_wait_queue(file);
    u32 flags;

    if (!queue)
        return -EAGAIN;
    flags = local_irq_save();
    if (!signal_pending() && wake_up_count == seen)
        wait_queue_sleep(queue);
    local_irq_restore(flags);
    return signal_pending() ? -ERESTARTSYS : 0;
}

static long read_some(struct file *file, char *buf, u32 count, u64 *pos)
{
    long result;

    for (;;) {
        u32 seen = wake_up_count;

        result = file_read(file, buf, count, pos);
        if (likely(result != -EAGAIN) || file->flags & O_NONBLOCK)
            break;
        result = wait_for_file(file, seen);
        if (result < 0)
            break;
    }
    if (result > 0)
        file_wake(file);
    return result;
}

long file_write_all(struct file *file, const char *buf, u32 count, u64 *pos)
{
    u32 done = 0;
    long result;

    for (;;) {
        u32 seen = wake_up_count;

        result = file_write(file, buf + done, count - done, pos);
        if (result > 0) {
            done += result;
            file_wake(file);
            if (likely(done == count) || signal_pending())
                return done;
        } else if (result == 0) {
            break;
        } else if (result == -EAGAIN && !(file->flags & O_NONBLOCK)) {
            result = wait_for_file(file, seen);
            if (result < 0)
                break;
        } else {
            if (result == -EPIPE)
                send_signal(current, SIGPIPE, NULL);
            break;
        }
    }
    return done ? (long)done : result;
}

/* ---- one buffer ---- */

/*
 * The error why a buffer with this address and size cannot be used with this file, or 0. Not
 * inlined, because usually only the first test in the callers runs.
 */
static __noinline long bad_buffer(const struct file *file, const void *buf, u32 count, u32 not_mode)
{
    if ((file->flags & O_ACCMODE) == not_mode || file->flags & O_PATH)
        return -EBADF;
    if (!access_ok(buf, count))
        return -EFAULT;
    return (s32)count < 0 ? -EINVAL : 0;
}

static inline bool plain_buffer(const void *buf, u32 count)
{
    return (s32)count >= 0 && count <= IO_MAX && access_ok(buf, count);
}

static long read_buffer(struct file *file, char *buf, u32 count, u64 *pos)
{
    if (unlikely(!plain_buffer(buf, count))) {
        long err = bad_buffer(file, buf, count, O_WRONLY);

        if (err)
            return err;
        count = IO_MAX;
    }
    return read_some(file, buf, count, pos);
}

static long write_buffer(struct file *file, const char *buf, u32 count, u64 *pos)
{
    if (unlikely(!plain_buffer(buf, count))) {
        long err = bad_buffer(file, buf, count, O_RDONLY);

        if (err)
            return err;
        count = IO_MAX;
    }
    return file_write_all(file, buf, count, pos);
}

long sys_read(struct pt_regs *regs)
{
    struct file *file = fd_get(regs->ebx);

    if (!file)
        return -EBADF;
    return read_buffer(file, (char *)regs->ecx, regs->edx, &file->pos);
}

long sys_write(struct pt_regs *regs)
{
    struct file *file = fd_get(regs->ebx);

    if (!file)
        return -EBADF;
    return write_buffer(file, (const char *)regs->ecx, regs->edx, &file->pos);
}

/*
 * For pread(), pwrite() and others: get a file that has positions, and the position. 0, -EINVAL,
 * -EBADF, -ESPIPE.
 */
static long positioned(u32 fd, u32 low, u32 high, struct file **file, u64 *pos)
{
    *pos = (u64)high << 32 | low;
    if ((s64)*pos < 0)
        return -EINVAL;
    *file = fd_get_for_io(fd);
    if (!*file)
        return -EBADF;
    return (*file)->ops->seekable ? 0 : -ESPIPE;
}

long sys_pread64(struct pt_regs *regs)
{
    struct file *file;
    u64 pos;
    long err = positioned(regs->ebx, regs->esi, regs->edi, &file, &pos);

    return err ? err : read_buffer(file, (char *)regs->ecx, regs->edx, &pos);
}

long sys_pwrite64(struct pt_regs *regs)
{
    struct file *file;
    u64 pos;
    long err = positioned(regs->ebx, regs->esi, regs->edi, &file, &pos);

    return err ? err : write_buffer(file, (const char *)regs->ecx, regs->edx, &pos);
}

/* ---- several buffers ---- */

struct buffers {
    struct iovec *iov;
    u32 count;
    struct iovec few[IOV_INLINE];
};

static void buffers_free(struct buffers *buffers)
{
    if (buffers->iov != buffers->few)
        kfree(buffers->iov);
}

/* Each must have a valid address and size; the part beyond IO_MAX is cut off. */
static long check_buffers(struct buffers *buffers)
{
    u32 left = IO_MAX;

    for (u32 i = 0; i < buffers->count; i++) {
        if ((s32)buffers->iov[i].iov_len < 0)
            return -EINVAL;
    }
    for (u32 i = 0; i < buffers->count; i++) {
        struct iovec *iov = &buffers->iov[i];

        if (!access_ok(iov->iov_base, iov->iov_len))
            return -EFAULT;
        iov->iov_len = min((u32)iov->iov_len, left);
        left -= iov->iov_len;
    }
    return 0;
}

/*
 * Copy and check all of them before the first byte is transferred. 0, and the caller must call
 * buffers_free(); or an error.
 */
static long buffers_get(struct buffers *buffers, const struct iovec *user, u32 count)
{
    long err;

    if (count > UIO_MAXIOV)
        return -EINVAL;
    buffers->count = count;
    buffers->iov = buffers->few;
    if (count > IOV_INLINE) {
        buffers->iov = kmalloc(count * sizeof(*user));
        if (!buffers->iov)
            return -ENOMEM;
    }
    err = copy_from_user(buffers->iov, user, count * sizeof(*user)) ? -EFAULT
                                                                    : check_buffers(buffers);
    if (err)
        buffers_free(buffers);
    return err;
}

static long read_buffers(struct file *file, const struct iovec *user, u32 count, u64 *pos)
{
    struct buffers buffers;
    u32 total = 0;
    long result;

    if ((file->flags & O_ACCMODE) == O_WRONLY || file->flags & O_PATH)
        return -EBADF;
    result = buffers_get(&buffers, user, count);
    if (result)
        return result;
    for (u32 i = 0; i < buffers.count; i++) {
        struct iovec *iov = &buffers.iov[i];

        if (total && file_wait_queue(file) && !(file_poll(file) & POLLIN))
            break; /* everything present has been read: do not wait for more */
        if (iov->iov_len == 0)
            continue;
        result = read_some(file, iov->iov_base, iov->iov_len, pos);
        if (result > 0)
            total += result;
        if (result < (long)iov->iov_len)
            break;
    }
    buffers_free(&buffers);
    return total ? (long)total : result;
}

static long write_buffers(struct file *file, const struct iovec *user, u32 count, u64 *pos)
{
    struct buffers buffers;
    u32 total = 0;
    long result;

    if ((file->flags & O_ACCMODE) == O_RDONLY || file->flags & O_PATH)
        return -EBADF;
    result = buffers_get(&buffers, user, count);
    if (result)
        return result;
    for (u32 i = 0; i < buffers.count; i++) {
        struct iovec *iov = &buffers.iov[i];

        if (iov->iov_len == 0)
            continue;
        result = file_write_all(file, iov->iov_base, iov->iov_len, pos);
        if (result > 0)
            total += result;
        if (result < (long)iov->iov_len)
            break;
    }
    buffers_free(&buffers);
    return total ? (long)total : result;
}

long sys_readv(struct pt_regs *regs)
{
    struct file *file = fd_get(regs->ebx);

    if (!file)
        return -EBADF;
    return read_buffers(file, (const struct iovec *)regs->ecx, regs->edx, &file->pos);
}

long sys_writev(struct pt_regs *regs)
{
    struct file *file = fd_get(regs->ebx);

    if (!file)
        return -EBADF;
    return write_buffers(file, (const struct iovec *)regs->ecx, regs->edx, &file->pos);
}

long sys_preadv(struct pt_regs *regs)
{
    struct file *file;
    u64 pos;
    long err = positioned(regs->ebx, regs->esi, regs->edi, &file, &pos);

    return err ? err : read_buffers(file, (const struct iovec *)regs->ecx, regs->edx, &pos);
}

long sys_pwritev(struct pt_regs *regs)
{
    struct file *file;
    u64 pos;
    long err = positioned(regs->ebx, regs->esi, regs->edi, &file, &pos);

    return err ? err : write_buffers(file, (const struct iovec *)regs->ecx, regs->edx, &pos);
}

/* ---- positions ---- */

/* The new position must fit in 32 bits; only then it is set. */
long sys_lseek(struct pt_regs *regs)
{
    struct file *file = fd_get_for_io(regs->ebx);
    u64 old;
    s64 pos;

    if (!file)
        return -EBADF;
    old = file->pos;
    pos = file_seek(file, (s32)regs->ecx, regs->edx);
    if (pos > 0x7fffffff) {
        file->pos = old;
        return -EOVERFLOW;
    }
    return pos;
}

/* The new position is written to user memory. */
long sys_llseek(struct pt_regs *regs)
{
    struct file *file = fd_get_for_io(regs->ebx);
    s64 offset = (u64)regs->ecx << 32 | regs->edx, pos;
    u64 old;

    if (!file)
        return -EBADF;
    old = file->pos;
    pos = file_seek(file, offset, regs->edi);
    if (pos < 0)
        return pos;
    if (copy_object_to_user((void *)regs->esi, &pos)) {
        file->pos = old;
        return -EFAULT;
    }
    return 0;
}
