/*
 * The operations of open regular files, whose contents are only pages in memory
 * (mm/user/filemap.c).
 *
 * A long read or write yields between pages, so that no process can keep the processor with one
 * call. Only one call at a time writes or truncates a file, as on Linux: long appends of two
 * processes are never mixed. A call that finds the file locked yields until it is unlocked; the
 * holder of the lock never sleeps, so this is soon. Reading does not check the lock.
 *
 * Limits: 2 GiB a file; access times are kept as with Linux's relatime.
 *
 * Neighbours: mm/user/filemap.c has the pages, fs/file.c calls.
 */
#include <arch/x86/uaccess.h>
#include <asm/errno.h>
#include <asm/fcntl.h>
#include <fs/internal.h>
#include <lib/resched.h>
#include <linux/stat.h>

/* Only the first read after a change sets the time: so most reads need not read the clock. */
static void stamp_access(struct inode *inode)
{
    const struct timespec_fs *a = &inode->atime, *m = &inode->mtime;

    if (a->sec < m->sec || (a->sec == m->sec && a->nsec <= m->nsec))
        inode->atime = fs_now();
}

static long ramfs_read(struct file *file, char *user_buf, u32 count, u64 *pos)
{
    struct inode *inode = file->inode;
    long done;

    if (*pos >= inode->data.size)
        return 0;
    done = filemap_read(&inode->data, *pos, user_buf, count, copy_to_user);
    if (done > 0)
        *pos += done;
    stamp_access(inode);
    return done;
}

static void inode_lock(struct inode *inode)
{
    while (inode->locked)
        resched_hook.resched();
    inode->locked = true;
}

static void inode_unlock(struct inode *inode)
{
    inode->locked = false;
}

static long ramfs_write(struct file *file, const char *user_buf, u32 count, u64 *pos)
{
    struct inode *inode = file->inode;
    long done = -EFBIG;

    if (count == 0)
        return 0;
    inode_lock(inode);
    if (file->flags & O_APPEND)
        *pos = inode->data.size;
    if (*pos < FILE_SIZE_MAX)
        done = filemap_write(&inode->data, *pos, user_buf, count, copy_from_user);
    inode_unlock(inode);
    if (done > 0) {
        *pos += done;
        inode_stamp(inode);
    }
    return done;
}

long inode_write(struct inode *inode, u32 pos, const void *from, u32 count)
{
    long done;

    inode_lock(inode);
    done = filemap_write(&inode->data, pos, from, count, filemap_copy_kernel);
    inode_unlock(inode);
    if (done > 0)
        inode_stamp(inode);
    return done;
}

int inode_truncate(struct inode *inode, u64 size)
{
    int err;

    if (S_ISDIR(inode->mode))
        return -EISDIR;
    if (inode->fops != &ramfs_file_ops)
        return -EINVAL;
    if (inode->programs)
        return -ETXTBSY;
    if (size > FILE_SIZE_MAX)
        return -EFBIG;
    inode->data.writers++; /* other tasks run meanwhile, but cannot exec this file */
    inode_lock(inode);
    err = filemap_truncate(&inode->data, size);
    inode_unlock(inode);
    inode->data.writers--;
    if (!err)
        inode_stamp(inode);
    return err;
}

/* Create the pages of [from, to): 0, or -ENOSPC and the file has no more than before. */
static int allocate_pages(struct inode *inode, u32 from, u32 to)
{
    u32 first = PFN_DOWN(from), end = PFN_UP(to), index = first;

    while (index < end && filemap_reserve(&inode->data, index) && !cond_resched_ending())
        index++;
    filemap_end_reserve(&inode->data, first, end, index == end);
    return index == end ? 0 : -ENOSPC;
}

int inode_allocate(struct inode *inode, u64 from, u64 size)
{
    u32 old_size = inode->data.size;
    int err;

    if (inode->fops != &ramfs_file_ops)
        return -ENODEV;
    if (from > FILE_SIZE_MAX || size > FILE_SIZE_MAX - from)
        return -EFBIG;
    inode_lock(inode);
    err = allocate_pages(inode, from, from + size);
    if (!err && from + size > inode->data.size)
        err = filemap_truncate(&inode->data, from + size);
    if (err) /* free what is beyond the end */
        err = filemap_truncate(&inode->data, old_size) ? -ENOMEM : err;
    inode_unlock(inode);
    if (!err)
        inode_stamp(inode);
    return err;
}

const struct file_operations ramfs_file_ops = {
    .read = ramfs_read,
    .write = ramfs_write,
    .seekable = true,
    .mappable = true,
};

/* A position in a directory may come from another open file: see file_readdir(). */
static int ramfs_dir_open(struct file *file)
{
    file->private_data = (void *)file->inode->dir.next_cookie;
    return 0;
}

const struct file_operations ramfs_dir_ops = {.open = ramfs_dir_open, .seekable = true};
