/*
 * Descriptors of a process.
 *
 * An array from number to open file, and two levels of bits over it that find the lowest free
 * number in a few steps, independent of how many are open: a word has a bit for each number of a
 * group of 32, and `full` has a bit for each group, set when the group is full. Two levels are
 * enough for 1024 numbers.
 *
 * Most processes have a handful of descriptors: the table itself has room for FILES_INLINE of them.
 * A larger array is allocated when a higher number is needed; its size doubles, so that it is moved
 * only a few times; it does not shrink until exec or exit.
 *
 * RLIMIT_NOFILE limits the numbers when a descriptor is created; lowering it closes nothing.
 *
 * Neighbours: fs/ has the open files; kernel/syscall/sys_file.c is open(), dup() and others; fork,
 * exec and exit copy and close tables.
 */
#include <asm/errno.h>
#include <kernel/process/fdtable.h>
#include <lib/bits.h>
#include <lib/detach.h>
#include <lib/string.h>
#include <linux/fcntl.h>
#include <linux/resource.h>
#include <mm/frame/slab.h>

_Static_assert(FILES_WORDS == 32, "`full` is one word");

static u32 limit(void)
{
    return min((u32)current->rlimits[RLIMIT_NOFILE].rlim_cur, (u32)FILES_MAX);
}

struct files *files_new(void)
{
    struct files *files = kzalloc(sizeof(*files));

    if (files) {
        files->size = FILES_INLINE;
        files->file = files->first;
    }
    return files;
}

/* Make room for number fd. 0 or -ENOMEM. */
static int grow(struct files *files, u32 fd)
{
    u32 size = files->size;
    struct file **file;

    if (fd < size)
        return 0;
    while (size <= fd)
        size *= 2;
    file = kzalloc(size * sizeof(*file));
    if (!file)
        return -ENOMEM;
    memcpy(file, files->file, files->size * sizeof(*file));
    file = exchange(&files->file, file);
    files->size = size;
    if (file != files->first)
        kfree(file);
    return 0;
}

struct files *files_copy(const struct files *from)
{
    struct files *files = kmalloc(sizeof(*files));

    if (!files)
        return NULL;
    *files = *from;
    files->file = files->first;
    files->size = FILES_INLINE;
    if (grow(files, from->size - 1) != 0) {
        kfree(files);
        return NULL;
    }
    memcpy(files->file, from->file, from->size * sizeof(*from->file));
    for (u32 i = 0; i * 32 < files->size; i++) {
        for (u32 bits = files->open[i]; bits; bits &= bits - 1)
            file_get(files->file[i * 32 + __ffs(bits)]);
    }
    return files;
}

/* Close the numbers in group i whose bits are set in `bits`. */
static void close_bits(struct files *files, u32 i, u32 bits)
{
    for (; bits; bits &= bits - 1)
        fd_close(files, i * 32 + __ffs(bits));
}

void files_exec(struct files *files)
{
    for (u32 i = 0; i < FILES_WORDS; i++)
        close_bits(files, i, files->cloexec[i]);
}

void files_free(struct files *files)
{
    for (u32 i = 0; i < FILES_WORDS; i++)
        close_bits(files, i, files->open[i]);
    if (files->file != files->first)
        kfree(files->file);
    kfree(files);
}

u32 files_bytes(const struct files *files)
{
    return sizeof(*files) + (files->file == files->first ? 0 : files->size * sizeof(*files->file));
}

/* ---- numbers ---- */

/* Set the file of a number; returns the old file, or NULL. */
static struct file *take(struct files *files, u32 fd, struct file *file, u32 flags)
{
    struct file *old = exchange(&files->file[fd], file);
    u32 bit = 1u << fd % 32;

    files->open[fd / 32] |= bit;
    if (files->open[fd / 32] == ~0u)
        files->full |= 1u << fd / 32;
    if (flags & O_CLOEXEC)
        files->cloexec[fd / 32] |= bit;
    else
        files->cloexec[fd / 32] &= ~bit;
    return old;
}

/* The lowest free number >= min, which is below FILES_MAX; FILES_MAX if not found. */
static u32 lowest_free(const struct files *files, u32 min)
{
    u32 i = min / 32, free = ~files->open[i] & ~0u << min % 32, groups;

    if (!free) {
        groups = i == 31 ? 0 : ~files->full & ~0u << (i + 1);
        if (!groups)
            return FILES_MAX;
        i = __ffs(groups);
        free = ~files->open[i];
    }
    return i * 32 + __ffs(free);
}

int fd_prepare(struct files *files)
{
    u32 fd = lowest_free(files, 0);

    return fd < limit() ? grow(files, fd) : -EMFILE;
}

long fd_install(struct files *files, u32 min, struct file *file, u32 flags)
{
    u32 fd;
    int err;

    if (min >= limit())
        return min ? -EINVAL : -EMFILE;
    fd = lowest_free(files, min);
    if (fd >= limit())
        return -EMFILE;
    err = grow(files, fd);
    if (err)
        return err;
    take(files, fd, file, flags);
    return fd;
}

long fd_install_at(struct files *files, u32 fd, struct file *file, u32 flags)
{
    struct file *old;
    int err;

    if (fd >= limit())
        return -EBADF;
    err = grow(files, fd);
    if (err)
        return err;
    old = take(files, fd, file, flags);
    if (old)
        file_close(old);
    return fd;
}

int fd_close(struct files *files, u32 fd)
{
    u32 bit = 1u << fd % 32;

    if (!files_at(files, fd))
        return -EBADF;
    files->open[fd / 32] &= ~bit;
    files->cloexec[fd / 32] &= ~bit;
    files->full &= ~(1u << fd / 32);
    file_close(detach(&files->file[fd]));
    return 0;
}

bool fd_cloexec(const struct files *files, u32 fd)
{
    return files->cloexec[fd / 32] >> fd % 32 & 1;
}

void fd_set_cloexec(struct files *files, u32 fd, bool on)
{
    u32 bit = 1u << fd % 32;

    if (on)
        files->cloexec[fd / 32] |= bit;
    else
        files->cloexec[fd / 32] &= ~bit;
}

struct file *fd_get_for_io(u32 fd)
{
    struct file *file = fd_get(fd);

    return file && !(file->flags & O_PATH) ? file : NULL;
}

/* ---- tasks that wait for a file ---- */

void file_wake(struct file *file)
{
    struct wait_queue *queue = file_wait_queue(file);

    if (queue && (!list_empty(&queue->tasks) || !list_empty(&poll_waiters.tasks)))
        wake_up(queue);
}

/*
 * The tasks woken here run only after this task yields, so they find the end closed, and the queue
 * need not exist any longer.
 */
void file_close(struct file *file)
{
    if (file->refcount == 1)
        file_wake(file);
    file_put(file);
}
