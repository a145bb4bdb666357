/* Pipes: empty, full, broken; partial and complete writes; FIFOs. */
#include "tests/fs/fs.h"
#include <asm/ioctls.h>
#include <asm/poll.h>
#include <lib/random.h>
#include <linux/fs.h>
#include <linux/limits.h>
#include <mm/frame/page_alloc.h>

static struct file *in, *out; /* the write end, the read end */

static bool enter(u32 flags)
{
    return user_enter() && expect_is(pipe_open(&out, &in, flags), 0);
}

static void leave(void)
{
    if (out)
        file_put(out);
    if (in)
        file_put(in);
    in = out = NULL;
    user_leave();
}

/* `size` bytes that show their position in a stream. */
static long put_stream(u32 start, u32 size)
{
    static u8 bytes[PAGE_SIZE];

    for (u32 at = 0; at < size; at += sizeof(bytes)) {
        u32 piece = min(size - at, (u32)sizeof(bytes));

        for (u32 i = 0; i < piece; i++)
            bytes[i] = (start + at + i) % 251;
        expect_is(copy_to_user(USER_BUF + at, bytes, piece), 0);
    }
    return file_write(in, USER_BUF, size, &in->pos);
}

static long get_stream(u32 start, u32 size)
{
    static u8 bytes[PAGE_SIZE];
    long got = file_read(out, USER_BUF, size, &out->pos);
    u32 wrong = 0;

    for (long at = 0; at < got; at += sizeof(bytes)) {
        u32 piece = min((u32)(got - at), (u32)sizeof(bytes));

        expect_is(copy_from_user(bytes, USER_BUF + at, piece), 0);
        for (u32 i = 0; i < piece; i++)
            wrong += bytes[i] != (start + at + i) % 251;
    }
    expect_is(wrong, 0);
    return got;
}

KTEST(pipe, there_and_back)
{
    u32 before;
    char c;

    if (!enter(0))
        return;
    expect_is(get_stream(0, 1), -EAGAIN);
    expect_is(write_text(in, ""), 0);
    expect_is(read_at(out, &c, 0, &out->pos), 0);
    expect_is(write_text(in, "hello"), 5);
    expect_text(out, "he");
    expect_text(out, "llo");
    before = nr_free_pages();
    for (u32 i = 0; i < 3 * PAGE_SIZE; i++) { /* one page is always enough */
        if (put_stream(i, 1) != 1 || get_stream(i, 1) != 1)
            expect(false);
        expect_is(nr_free_pages(), before);
    }
    expect_is(file_read(in, USER_BUF, 1, &in->pos), -EBADF);
    expect_is(file_write(out, USER_BUF, 1, &out->pos), -EBADF);
    expect_is(file_seek(out, 0, SEEK_SET), -ESPIPE);
    expect(S_ISFIFO(out->inode->mode) && out->inode == in->inode);
    leave();
}

KTEST(pipe, pages_come_and_go)
{
    u32 before;

    if (!enter(0))
        return;
    expect_is(put_stream(0, PIPE_SIZE), PIPE_SIZE); /* user pages are mapped now, too */
    expect_is(get_stream(0, PIPE_SIZE), PIPE_SIZE);
    before = nr_free_pages(); /* an empty pipe keeps one page */
    expect_is(put_stream(0, PIPE_SIZE), PIPE_SIZE);
    expect_is(nr_free_pages(), before - 15);
    expect_is(get_stream(0, 3 * PAGE_SIZE + 1), 3 * PAGE_SIZE + 1);
    expect_is(nr_free_pages(), before - 12);
    expect_is(get_stream(3 * PAGE_SIZE + 1, PIPE_SIZE), 13 * PAGE_SIZE - 1);
    expect_is(nr_free_pages(), before);
    leave();
}

KTEST(pipe, full)
{
    if (!enter(0))
        return;
    expect_is(put_stream(0, PIPE_SIZE + 5000), PIPE_SIZE); /* what fits */
    expect_is(put_stream(0, 1), -EAGAIN);
    expect_is(put_stream(0, PIPE_SIZE), -EAGAIN);
    expect_is(file_poll(in) & POLLOUT, 0);
    expect_is(get_stream(0, PIPE_BUF - 1), PIPE_BUF - 1);
    expect_is(put_stream(PIPE_SIZE, PIPE_BUF), -EAGAIN); /* whole or not at all */
    expect_is(file_poll(in) & POLLOUT, 0);
    expect_is(put_stream(PIPE_SIZE, PIPE_BUF + 1), PIPE_BUF - 1); /* may be split */
    expect_is(get_stream(PIPE_BUF - 1, PIPE_BUF), PIPE_BUF);
    expect_is(file_poll(in) & POLLOUT, POLLOUT);
    expect_is(put_stream(PIPE_SIZE + PIPE_BUF - 1, PIPE_BUF), PIPE_BUF);
    expect_is(get_stream(2 * PIPE_BUF - 1, 2 * PIPE_SIZE), PIPE_SIZE);
    expect_is(get_stream(0, 1), -EAGAIN);
    leave();
}

/*
 * Pieces of odd sizes, so that both ends pass every position of the ring: nothing is lost or
 * changed.
 */
KTEST(pipe, stream)
{
    u32 written = 0, got = 0;
    struct rnd_state random;

    if (!enter(0))
        return;
    prandom_seed_state(&random, 1);
    while (got < 3000000 && ktest_ok()) {
        u32 most = prandom_below(&random, 8) ? 5000 : 2 * PIPE_SIZE;
        long result = put_stream(written, 1 + prandom_below(&random, most));

        if (result > 0)
            written += result;
        else
            expect_is(result, -EAGAIN);
        result = get_stream(got, 1 + prandom_below(&random, most));
        if (result > 0)
            got += result;
        else
            expect_is(result, -EAGAIN);
    }
    leave();
}

KTEST(pipe, broken)
{
    if (!enter(0))
        return;
    expect_is(file_poll(out), 0);
    expect_is(file_poll(in), POLLOUT | POLLWRNORM);
    expect_is(write_text(in, "rest"), 4);
    expect_is(file_poll(out), POLLIN | POLLRDNORM);
    file_put(in);
    in = NULL;
    expect_is(file_poll(out), POLLIN | POLLRDNORM | POLLHUP);
    expect_text(out, "rest");
    expect_is(file_read(out, USER_BUF, 1, &out->pos), 0);
    expect_is(file_poll(out), POLLHUP);
    leave();
    if (!enter(0))
        return;
    expect_is(write_text(in, "lost"), 4);
    file_put(out);
    out = NULL;
    expect_is(write_text(in, "x"), -EPIPE);
    expect_is(write_text(in, ""), 0);
    expect_is(file_poll(in), POLLOUT | POLLWRNORM | POLLERR);
    leave();
}

KTEST(pipe, bad_buffers)
{
    u32 before, left = 0;

    if (!enter(O_NONBLOCK))
        return;
    expect(in->flags & O_NONBLOCK);
    expect_is(pipe_open(&out, &in, O_DIRECT), -EINVAL);
    before = nr_free_pages();
    expect_is(file_write(in, USER_BUF + USER_SIZE, 1, &in->pos), -EFAULT);
    expect_is(file_write(in, (char *)PAGE_OFFSET, PIPE_SIZE, &in->pos), -EFAULT);
    expect_is(nr_free_pages(), before);
    expect_is(put_stream(0, 100), 100);
    expect_is(file_read(out, USER_BUF + USER_SIZE, 1, &out->pos), -EFAULT);
    expect_is(file_read(out, (char *)PAGE_OFFSET, 1, &out->pos), -EFAULT);
    expect_is(file_ioctl(out, FIONREAD, (u32)USER_BUF), 0);
    expect_is(copy_from_user(&left, USER_BUF, sizeof(left)), 0);
    expect_is(left, 100);
    expect_is(file_ioctl(out, FIONREAD, PAGE_OFFSET), -EFAULT);
    expect_is(file_ioctl(out, TCGETS, 0), -ENOTTY);
    expect_is(get_stream(0, 200), 100); /* nothing was lost */
    /*
     * Both ends of a ring that is nearly full lie in one page: a write that fails does not free it.
     */
    expect_is(put_stream(0, PIPE_SIZE), PIPE_SIZE);
    expect_is(get_stream(0, 100), 100);
    expect_is(file_write(in, USER_BUF + USER_SIZE, 50, &in->pos), -EFAULT);
    expect_is(put_stream(PIPE_SIZE, 20), 20);
    expect_is(file_write(in, USER_BUF + USER_SIZE, 50, &in->pos), -EFAULT);
    expect_is(get_stream(100, PIPE_SIZE), PIPE_SIZE - 80);
    leave();
}

KTEST(pipe, fifo)
{
    struct file *third;

    if (!user_enter())
        return;
    make_dir("/t");
    expect_is(vfs_mknod(fs_root(), "/t/fifo", S_IFIFO | 0644, 0), 0);
    expect_is(open_error("/t/fifo", O_WRONLY | O_NONBLOCK), -ENXIO);
    out = open_file("/t/fifo", O_RDONLY);
    expect(file_open_pending(out));
    expect_is(file_read(out, USER_BUF, 1, &out->pos), -EAGAIN); /* not yet the end */
    third = open_file("/t/fifo", O_RDONLY | O_NONBLOCK);
    expect(!file_open_pending(third));
    expect_is(file_read(third, USER_BUF, 1, &third->pos), 0);
    file_put(third);
    in = open_file("/t/fifo", O_WRONLY);
    expect(!file_open_pending(out) && !file_open_pending(in));
    expect_is(write_text(in, "through a name"), 14);
    expect_text(out, "through a name");
    file_put(in);
    expect_is(file_read(out, USER_BUF, 1, &out->pos), 0); /* the writer was here */
    file_put(out);
    in = open_file("/t/fifo", O_WRONLY);
    expect(file_open_pending(in));
    expect_is(file_write(in, USER_BUF, 1, &in->pos), -EAGAIN);
    out = open_file("/t/fifo", O_RDONLY);
    expect(!file_open_pending(in) && !file_open_pending(out));
    file_put(out);
    expect_is(file_write(in, USER_BUF, 1, &in->pos), -EPIPE);
    out = open_file("/t/fifo", O_RDONLY);
    file_put(in);
    expect(!file_open_pending(out)); /* the writer was there when it opened */
    expect_is(file_poll(out), POLLHUP);
    expect_is(file_read(out, USER_BUF, 1, &out->pos), 0);
    file_put(out);
    in = open_file("/t/fifo", O_RDWR); /* it does not wait for itself */
    expect(!file_open_pending(in));
    expect_is(write_text(in, "x"), 1);
    remove_all("/t");
    out = NULL;
    leave();
}
