/*
 * Reading and writing, and the only place where a task waits for a file.
 *
 * Files themselves never sleep (fs/fs.h): what would have to wait says -EAGAIN. Here the task then
 * sleeps on the file's queue and tries again when the queue is woken; after whatever may let
 * somebody else go on (bytes taken, bytes brought, an end closed) file_wake() wakes it. A wake-up
 * that comes between the try and the sleep can only come from an interrupt handler, as the kernel
 * is not preempted; wake_up_count tells.
 *
 * write() to a pipe or a terminal goes on until all is written; a signal ends it, with the number
 * of bytes so far if there are any, and -ERESTARTSYS else. A write that nobody will ever read is
 * SIGPIPE.
 *
 * The order of checks is Linux's: the descriptor and its mode, then the buffer's place, then its
 * size. One call moves at most IO_MAX bytes.
 *
 * Limits: the parts of a writev() are written one by one, so that a full pipe may put another's
 * bytes between two of them.
 *
 * Neighbours: fs/file.c and what is behind it; kernel/poll.c waits for many files at once.
 */
#include <arch/x86/irqflags.h>
#include <arch/x86/uaccess.h>
#include <asm/errno.h>
#include <asm/signal.h>
#include <kernel/fdtable.h>
#include <kernel/signal.h>
#include <kernel/syscall.h>
#include <linux/fcntl.h>
#include <linux/poll.h>
#include <linux/uio.h>
#include <mm/slab.h>

#define IO_MAX     (0x7fffffff & ~(PAGE_SIZE - 1)) /* Linux's MAX_RW_COUNT */
#define IOV_INLINE 8

/* ---- waiting ---- */

void file_wake(struct file *file)
{
    struct wait_queue *queue = file_wait_queue(file);

    if (queue && (!list_empty(&queue->tasks) || !list_empty(&poll_waiters.tasks)))
        wake_up(queue);
}

/*
 * Those who are woken here run only after this task has given its turn away, so they find the end
 * closed, and the queue does not have to outlive it.
 */
void file_close(struct file *file)
{
    if (file->refcount == 1)
        file_wake(file);
    file_put(file);
}

/* Sleep until the file's queue is woken, unless anything was since `seen`. 0 or -ERESTARTSYS. */
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
 * Why a buffer of this place and size cannot be used with this file: 0 when it can. Out of the way,
 * because the first test in the callers is all that happens as a rule.
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

SYSCALL(read)
{
    struct file *file = fd_get(regs->ebx);

    if (!file)
        return -EBADF;
    return read_buffer(file, (char *)regs->ecx, regs->edx, &file->pos);
}

SYSCALL(write)
{
    struct file *file = fd_get(regs->ebx);

    if (!file)
        return -EBADF;
    return write_buffer(file, (const char *)regs->ecx, regs->edx, &file->pos);
}

/*
 * For pread(), pwrite() and others: a file that has positions, and a position. 0, -EINVAL, -EBADF,
 * -ESPIPE.
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

SYSCALL(pread64)
{
    struct file *file;
    u64 pos;
    long err = positioned(regs->ebx, regs->esi, regs->edi, &file, &pos);

    return err ? err : read_buffer(file, (char *)regs->ecx, regs->edx, &pos);
}

SYSCALL(pwrite64)
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

/* Each must have a place and a size; what goes beyond IO_MAX is cut off. */
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
 * Copy and check them all, before the first byte moves. 0, and buffers_free() is due; or an error.
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
            break; /* what there was has been read: the rest is not waited for */
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

SYSCALL(readv)
{
    struct file *file = fd_get(regs->ebx);

    if (!file)
        return -EBADF;
    return read_buffers(file, (const struct iovec *)regs->ecx, regs->edx, &file->pos);
}

SYSCALL(writev)
{
    struct file *file = fd_get(regs->ebx);

    if (!file)
        return -EBADF;
    return write_buffers(file, (const struct iovec *)regs->ecx, regs->edx, &file->pos);
}

SYSCALL(preadv)
{
    struct file *file;
    u64 pos;
    long err = positioned(regs->ebx, regs->esi, regs->edi, &file, &pos);

    return err ? err : read_buffers(file, (const struct iovec *)regs->ecx, regs->edx, &pos);
}

SYSCALL(pwritev)
{
    struct file *file;
    u64 pos;
    long err = positioned(regs->ebx, regs->esi, regs->edi, &file, &pos);

    return err ? err : write_buffers(file, (const struct iovec *)regs->ecx, regs->edx, &pos);
}

/* ---- places ---- */

/* 32 bits must be able to tell the new place; then it is taken. */
SYSCALL(lseek)
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

/* The new place goes to user memory. */
SYSCALL(llseek)
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
