/*
 * Open files: the objects of descriptors. The tables of each kind (fs/ramfs.c, fs/pipe.c, ...) do
 * the work; this file has the common parts: access modes, positions, references.
 *
 * open(2) with O_CREAT follows a symbolic link at the end of the path even if its target does not
 * exist yet. The struct file is allocated before anything is created, so that a failure leaves no
 * empty file.
 *
 * Limits: a position is 64 bits, a file's contents end at FILE_SIZE_MAX. O_TMPFILE is not
 * supported, and fails as on an older kernel (-EISDIR).
 *
 * Neighbours: kernel/ has the descriptors and waits.
 */
#include <asm/errno.h>
#include <asm/fcntl.h>
#include <asm/poll.h>
#include <fs/internal.h>
#include <lib/detach.h>
#include <linux/fs.h>
#include <linux/stat.h>
#include <mm/frame/slab.h>

#define RW_COUNT_MAX 0x7ffff000u     /* bytes of one read or write, as on Linux */
#define SEEK_LIMIT   0xffffffff000ll /* the largest position: Linux's on 32 bits */
#define OPEN_ONLY    (O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC)

static struct kmem_cache *file_cache __ro_after_init;

/* For O_PATH: such a file has no operations. */
static const struct file_operations path_file_ops = {.read = NULL};

void file_init(void)
{
    file_cache = kmem_cache_create("filp", sizeof(struct file));
    if (!file_cache)
        panic("out of memory for the cache of open files");
}

/* ---- opening ---- */

static struct file *file_new(u32 flags)
{
    static const u8 modes[] = {FMODE_READ, FMODE_WRITE, FMODE_READ | FMODE_WRITE, 0};
    struct file *file = kmem_cache_alloc(file_cache);

    if (!file)
        return NULL;
    *file = (struct file){
        .refcount = 1,
        .flags = flags & ~(u32)OPEN_ONLY,
        .mode = flags & O_PATH ? FMODE_PATH : modes[flags & O_ACCMODE],
    };
    return file;
}

/* The error why the inode cannot be opened in this way, or 0. */
static int may_open(const struct inode *inode, const struct file *file, u32 flags)
{
    if (file->mode & FMODE_PATH)
        return 0;
    if (S_ISLNK(inode->mode))
        return -ELOOP;
    if (S_ISDIR(inode->mode) && (file->mode != FMODE_READ || flags & O_TRUNC))
        return -EISDIR;
    if (inode->programs && (file->mode & FMODE_WRITE || flags & O_TRUNC))
        return -ETXTBSY;
    return inode->fops ? 0 : -ENXIO;
}

/* Tie an open file to an inode. On failure the file is freed. */
static int file_attach(struct file *file, struct inode *inode, u32 flags, struct file **out)
{
    int err = may_open(inode, file, flags);

    file->inode = inode;
    file->ops = file->mode & FMODE_PATH ? &path_file_ops : inode->fops;
    if (!err && file->ops->open)
        err = file->ops->open(file);
    if (err) {
        kmem_cache_free(file_cache, file);
        return err;
    }
    inode_get(inode);
    inode->data.writers += file->mode & FMODE_WRITE ? 1 : 0;
    *out = file;
    return 0;
}

int file_open_inode(struct inode *inode, u32 flags, struct file **out)
{
    struct file *file = file_new(flags);

    return file ? file_attach(file, inode, flags, out) : -ENOMEM;
}

/* Create the regular file at the end of the walk; *out gets a reference. */
static int create_at(struct walk *walk, u32 mode, struct inode **out)
{
    struct inode *inode;
    int err = dir_may_add(walk->dir);

    if (err)
        return err;
    inode = inode_new(S_IFREG | (mode & MODE_BITS), 0);
    if (!inode)
        return -ENOMEM;
    err = namei_add_at(walk, inode, false);
    if (err)
        inode_put(inode);
    else
        *out = inode;
    return err;
}

/*
 * Handle the part of the path that the walk has reached for open() with O_CREAT; returns 1 for a
 * link to follow.
 */
static int open_at(struct walk *walk, u32 flags, u32 mode, struct inode **out)
{
    int err;

    if (walk_at_name(walk) && walk->slash)
        return -EISDIR;
    err = walk_child(walk, out);
    if (err == -ENOENT && walk_at_name(walk))
        return create_at(walk, mode, out);
    if (err)
        return err;
    if (flags & O_EXCL)
        err = -EEXIST;
    else if (S_ISDIR((*out)->mode))
        err = -EISDIR;
    else if (S_ISLNK((*out)->mode))
        err = flags & O_NOFOLLOW ? -ELOOP : 1;
    if (err < 0)
        inode_put(*out);
    return err;
}

static int lookup_or_create(struct inode *base, const char *path, u32 flags, u32 mode,
                            struct inode **out)
{
    struct walk walk;
    int err = walk_start(&walk, base, path);

    while (!err) {
        err = walk_to_last(&walk);
        if (!err)
            err = open_at(&walk, flags, mode, out);
        if (err <= 0)
            break;
        err = walk_follow(&walk, *out);
    }
    walk_end(&walk);
    return err;
}

static int lookup(struct inode *base, const char *path, u32 flags, u32 mode, struct inode **out)
{
    u32 lookup_flags = 0;

    if (flags & O_CREAT)
        return lookup_or_create(base, path, flags, mode, out);
    if (flags & O_NOFOLLOW)
        lookup_flags |= LOOKUP_NOFOLLOW;
    if (flags & O_DIRECTORY)
        lookup_flags |= LOOKUP_DIRECTORY;
    return path_lookup(base, path, lookup_flags, out);
}

int file_open(struct inode *base, const char *path, u32 flags, u32 mode, struct file **out)
{
    struct inode *inode;
    struct file *file;
    int err;

    if (flags & O_PATH)
        flags &= O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    if (flags & O_CREAT && flags & O_DIRECTORY)
        return -EINVAL;
    file = file_new(flags);
    if (!file)
        return -ENOMEM;
    err = lookup(base, path, flags, mode, &inode);
    if (err) {
        kmem_cache_free(file_cache, file);
        return err;
    }
    err = file_attach(file, inode, flags, out);
    if (!err && flags & O_TRUNC && inode->fops == &ramfs_file_ops) {
        err = inode_truncate(inode, 0);
        if (err)
            file_put(*out);
    }
    inode_put(inode);
    return err;
}

void file_put(struct file *file)
{
    assert_op(file->refcount, >, 0);
    if (--file->refcount > 0)
        return;
    if (file->ops->release)
        file->ops->release(file);
    file->inode->data.writers -= file->mode & FMODE_WRITE ? 1 : 0;
    inode_put(detach(&file->inode));
    kmem_cache_free(file_cache, file);
}

/* ---- reading, writing ---- */

/* The error of an operation that this file does not have. */
static long cannot(const struct file *file)
{
    return S_ISDIR(file->inode->mode) ? -EISDIR : -EINVAL;
}

long file_read(struct file *file, char *user_buf, u32 count, u64 *pos)
{
    if (unlikely(!(file->mode & FMODE_READ)))
        return -EBADF;
    if (unlikely(!file->ops->read))
        return cannot(file);
    return file->ops->read(file, user_buf, min(count, RW_COUNT_MAX), pos);
}

long file_write(struct file *file, const char *user_buf, u32 count, u64 *pos)
{
    if (unlikely(!(file->mode & FMODE_WRITE)))
        return -EBADF;
    if (unlikely(!file->ops->write))
        return cannot(file);
    return file->ops->write(file, user_buf, min(count, RW_COUNT_MAX), pos);
}

u32 file_poll(struct file *file)
{
    return file->ops->poll ? file->ops->poll(file) : POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM;
}

long file_ioctl(struct file *file, u32 command, u32 arg)
{
    if (file->mode & FMODE_PATH)
        return -EBADF;
    return file->ops->ioctl ? file->ops->ioctl(file, command, arg) : -ENOTTY;
}

struct wait_queue *file_wait_queue(struct file *file)
{
    return file->ops->wait_queue ? file->ops->wait_queue(file) : NULL;
}

/* ---- positions ---- */

static s64 seek_target(const struct file *file, s64 offset, u32 whence)
{
    bool contents = file->ops->mappable;
    u32 size = file->inode->data.size;

    switch (whence) {
    case SEEK_SET:
        return offset;
    case SEEK_CUR:
        return offset > SEEK_LIMIT ? -EINVAL : (s64)file->pos + offset;
    case SEEK_END:
        if (!contents)
            return -EINVAL;
        return offset > SEEK_LIMIT ? -EINVAL : size + offset;
    case SEEK_DATA:
    case SEEK_HOLE: /* a file is data up to its end, with a hole behind it */
        if (!contents)
            return -EINVAL;
        if (offset < 0 || offset >= size)
            return -ENXIO;
        return whence == SEEK_DATA ? offset : size;
    }
    return -EINVAL;
}

s64 file_seek(struct file *file, s64 offset, u32 whence)
{
    s64 pos;

    if (file->mode & FMODE_PATH)
        return -EBADF;
    if (!file->ops->seekable)
        return -ESPIPE;
    if (S_ISCHR(file->inode->mode))
        return file->pos; /* such a device has no positions */
    pos = seek_target(file, offset, whence);
    if (pos == -ENXIO && whence >= SEEK_DATA)
        return pos;
    if (pos < 0 || pos > SEEK_LIMIT)
        return -EINVAL;
    file->pos = pos;
    return pos;
}

int file_readdir(struct file *file, char *name, u32 *ino, u32 *type, u64 *next)
{
    if (!(file->mode & FMODE_READ))
        return -EBADF;
    if (!S_ISDIR(file->inode->mode))
        return -ENOTDIR;
    /*
     * Entries created after the first read are left out, so that a reader that creates a file for
     * each entry ends.
     */
    if (file->pos == 0)
        file->private_data = (void *)file->inode->dir.next_cookie;
    return dir_read(file->inode, file->pos, (u32)file->private_data, name, ino, type, next);
}
