/*
 * Pipes and FIFOs: a ring of PIPE_SIZE bytes between two ends.
 *
 * The contents of the ring lie between two counters that only grow, `out` and `in`; the low bits of
 * a counter are the place in the ring. The ring has PIPE_PAGES pages, which are allocated when they
 * are written to and freed when they have been read completely. When the pipe becomes empty, both
 * counters go back to the start of their page: two processes that exchange single bytes use one
 * page forever and never call the page allocator.
 *
 * A write of up to PIPE_BUF bytes is in one piece (POSIX): it is done completely, or returns
 * -EAGAIN. Pages are allocated before the first byte is copied. If a copy meets a bad address, the
 * part for the current page is not written.
 *
 * The pages are in lowmem, so that they have addresses: mapping and unmapping highmem would cost
 * more than copying a byte.
 *
 * A FIFO is a pipe that belongs to an inode with a name, from the first open to the last close.
 * Opening one end waits for the other, unless that is open, or has been open since: the opens are
 * counted for this. A pipe without a name, when opened again through /proc/PID/fd, never waits: its
 * other end may be closed forever.
 *
 * Limits: no packet mode; the size is fixed.
 *
 * Neighbours: kernel/ waits on the queue and sends SIGPIPE.
 */
#include <arch/x86/uaccess.h>
#include <asm/errno.h>
#include <asm/fcntl.h>
#include <asm/ioctls.h>
#include <asm/poll.h>
#include <fs/internal.h>
#include <lib/detach.h>
#include <linux/limits.h>
#include <linux/stat.h>
#include <mm/frame/slab.h>

#define PIPE_PAGES (PIPE_SIZE / PAGE_SIZE)

struct pipe {
    struct wait_queue wait;
    u32 in, out;          /* bytes ever written and read, except for the resets */
    u32 readers, writers; /* open files of each kind */
    u32 readers_ever, writers_ever;
    u8 *pages[PIPE_PAGES];
};

static u8 **page_slot(struct pipe *pipe, u32 at)
{
    return &pipe->pages[at / PAGE_SIZE % PIPE_PAGES];
}

static void slot_free(u8 **slot)
{
    free_page(virt_to_page(detach(slot)));
}

/* ---- reading ---- */

/* `size` bytes, at most up to the end of a page, were read. */
static void consume(struct pipe *pipe, u32 size)
{
    u32 end = pipe->out + size;

    if (end == pipe->in) {
        pipe->in = pipe->out = ALIGN_DOWN(pipe->out, PAGE_SIZE);
        return;
    }
    /* If the ring is nearly full, the end of its contents may be in this page, too. */
    if (end % PAGE_SIZE == 0 && pipe->in - end <= PIPE_SIZE - PAGE_SIZE)
        slot_free(page_slot(pipe, pipe->out));
    pipe->out = end;
}

/* True when the other side has not been opened since this file opened its end of a FIFO. */
static bool pending(const struct file *file, const struct pipe *pipe)
{
    u32 since = (u32)file->pos; /* a pipe has no position: see pipe_file_open() */

    if (file->flags & O_NONBLOCK)
        return false;
    if (file->mode == FMODE_READ)
        return pipe->writers == 0 && pipe->writers_ever == since;
    return file->mode == FMODE_WRITE && pipe->readers == 0 && pipe->readers_ever == since;
}

static long pipe_take(struct pipe *pipe, char *user_buf, u32 count)
{
    u32 done = 0;

    count = min(count, pipe->in - pipe->out);
    while (done < count) {
        u32 offset = pipe->out % PAGE_SIZE, size = min(count - done, PAGE_SIZE - offset);

        if (unlikely(copy_to_user(user_buf + done, *page_slot(pipe, pipe->out) + offset, size)))
            return done ? (long)done : -EFAULT;
        consume(pipe, size);
        done += size;
    }
    return done;
}

static long pipe_read(struct file *file, char *user_buf, u32 count, u64 *pos)
{
    struct pipe *pipe = file->private_data;

    (void)pos;
    if (unlikely(count == 0))
        return 0;
    if (pipe->in == pipe->out)
        return pipe->writers || pending(file, pipe) ? -EAGAIN : 0;
    return pipe_take(pipe, user_buf, count);
}

/* ---- writing ---- */

/* How much of `count` bytes can be written now: 0 if it must wait. */
static u32 room_for(const struct pipe *pipe, u32 count)
{
    u32 room = PIPE_SIZE - (pipe->in - pipe->out);

    if (likely(count <= room))
        return count;
    return count <= PIPE_BUF ? 0 : room;
}

/* Allocate pages for the next `count` bytes; returns for how many bytes there are pages. */
static u32 make_pages(struct pipe *pipe, u32 count)
{
    u32 end = pipe->in + count;

    for (u32 at = pipe->in; at - pipe->in < count; at = ALIGN_DOWN(at, PAGE_SIZE) + PAGE_SIZE) {
        u8 **slot = page_slot(pipe, at);

        if (!*slot)
            *slot = get_free_pages(GFP_KERNEL, 0);
        if (!*slot)
            return at - pipe->in;
    }
    return end - pipe->in;
}

/* Free the pages from `in` on that were not written to. */
static void trim_pages(struct pipe *pipe, u32 count)
{
    u32 used = ALIGN_UP(pipe->in, PAGE_SIZE);

    for (u32 at = used; at - used < count; at += PAGE_SIZE) {
        u8 **slot = page_slot(pipe, at);

        if (*slot && at - ALIGN_DOWN(pipe->out, PAGE_SIZE) < PIPE_SIZE)
            slot_free(slot);
    }
}

static long pipe_put(struct pipe *pipe, const char *user_buf, u32 count)
{
    u32 done = 0;

    while (done < count) {
        u32 offset = pipe->in % PAGE_SIZE, size = min(count - done, PAGE_SIZE - offset);

        if (unlikely(copy_from_user(*page_slot(pipe, pipe->in) + offset, user_buf + done, size)))
            break;
        pipe->in += size;
        done += size;
    }
    return done ? (long)done : -EFAULT;
}

static long pipe_write(struct file *file, const char *user_buf, u32 count, u64 *pos)
{
    struct pipe *pipe = file->private_data;
    u32 room, pages;
    long done;

    (void)pos;
    if (unlikely(count == 0))
        return 0;
    if (unlikely(!pipe->readers))
        return pending(file, pipe) ? -EAGAIN : -EPIPE;
    room = room_for(pipe, count);
    if (!room)
        return -EAGAIN;
    pages = make_pages(pipe, room);
    /* A short write needs one new page at most, so no unused page is left when it fails. */
    if (unlikely(pages < room && (pages == 0 || count <= PIPE_BUF)))
        return -ENOMEM;
    done = pipe_put(pipe, user_buf, pages);
    if (unlikely(done < (long)pages))
        trim_pages(pipe, room);
    return done;
}

/* ---- the table ---- */

static u32 pipe_poll(struct file *file)
{
    const struct pipe *pipe = file->private_data;
    u32 used = pipe->in - pipe->out, events = 0;

    if (file->mode & FMODE_READ) {
        if (used)
            events |= POLLIN | POLLRDNORM;
        if (!pipe->writers && pipe->writers_ever != (u32)file->pos)
            events |= POLLHUP;
    }
    if (file->mode & FMODE_WRITE) {
        if (PIPE_SIZE - used >= PIPE_BUF)
            events |= POLLOUT | POLLWRNORM;
        if (!pipe->readers)
            events |= POLLERR;
    }
    return events;
}

static long pipe_ioctl(struct file *file, u32 command, u32 arg)
{
    const struct pipe *pipe = file->private_data;
    u32 used = pipe->in - pipe->out;

    if (command != FIONREAD)
        return -ENOTTY;
    return copy_object_to_user((void *)arg, &used);
}

static struct wait_queue *pipe_wait_queue(struct file *file)
{
    return &((struct pipe *)file->private_data)->wait;
}

bool file_open_pending(const struct file *file)
{
    return file->ops == &pipe_file_ops && pending(file, file->private_data);
}

/* ---- ends ---- */

static void count_end(struct pipe *pipe, u32 mode)
{
    if (mode & FMODE_READ) {
        pipe->readers++;
        pipe->readers_ever++;
    }
    if (mode & FMODE_WRITE) {
        pipe->writers++;
        pipe->writers_ever++;
    }
}

/* False for a FIFO, which has a name in the tree; a removed FIFO keeps its last one. */
static bool is_nameless(const struct inode *inode)
{
    return list_empty(&inode->names);
}

/*
 * The number of opens of the other end so far; one less if this open must not wait, because the
 * other end is open or there is no name.
 */
static u32 others_before(const struct inode *inode, u32 mode)
{
    const struct pipe *pipe = inode->pipe;
    bool reads = mode == FMODE_READ;

    return (reads ? pipe->writers_ever : pipe->readers_ever) -
           ((reads ? pipe->writers : pipe->readers) || is_nameless(inode));
}

static int pipe_file_open(struct file *file)
{
    struct pipe *pipe = file->inode->pipe;

    if (!(file->mode & (FMODE_READ | FMODE_WRITE)))
        return -EINVAL; /* an access mode of 3: neither a reader nor a writer */
    if (file->mode == FMODE_WRITE && file->flags & O_NONBLOCK && !is_nameless(file->inode) &&
        (!pipe || !pipe->readers))
        return -ENXIO;
    if (!pipe) {
        pipe = kzalloc(sizeof(*pipe));
        if (!pipe)
            return -ENOMEM;
        wait_queue_init(&pipe->wait);
        file->inode->pipe = pipe;
    }
    file->private_data = pipe;
    file->pos = others_before(file->inode, file->mode);
    count_end(pipe, file->mode);
    return 0;
}

static void pipe_file_release(struct file *file)
{
    struct pipe *pipe = file->private_data;

    pipe->readers -= !!(file->mode & FMODE_READ);
    pipe->writers -= !!(file->mode & FMODE_WRITE);
    if (pipe->readers || pipe->writers)
        return;
    file->inode->pipe = NULL;
    for (u32 i = 0; i < PIPE_PAGES; i++) {
        if (pipe->pages[i])
            slot_free(&pipe->pages[i]);
    }
    kfree(pipe);
}

const struct file_operations pipe_file_ops = {
    .read = pipe_read,
    .write = pipe_write,
    .poll = pipe_poll,
    .ioctl = pipe_ioctl,
    .open = pipe_file_open,
    .release = pipe_file_release,
    .wait_queue = pipe_wait_queue,
};

int pipe_open(struct file **read_end, struct file **write_end, u32 flags)
{
    struct inode *inode;
    int err;

    if (flags & ~(u32)(O_NONBLOCK | O_CLOEXEC))
        return -EINVAL;
    inode = inode_new(S_IFIFO | 0600, 0);
    if (!inode)
        return -ENOMEM;
    inode->nlink = 1;
    flags &= O_NONBLOCK;
    err = file_open_inode(inode, O_RDONLY | flags, read_end);
    if (!err) {
        err = file_open_inode(inode, O_WRONLY | flags, write_end);
        if (err)
            file_put(*read_end);
    }
    inode_put(inode);
    return err;
}
