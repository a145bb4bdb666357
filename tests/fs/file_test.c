/*
 * Open files: how they open, positions, contents of every shape, and the devices of memory.
 * Contents go through user memory, as read() and write() do.
 */
#include "tests/fs/fs.h"
#include "tests/kernel/process/run.h"
#include <linux/fs.h>

KTEST(fs_file, open_errors)
{
    make_dir("/t");
    make_file("/t/f");
    expect_is(vfs_symlink(fs_root(), "f", "/t/link"), 0);
    expect_is(vfs_symlink(fs_root(), "none", "/t/dangling"), 0);
    expect_is(vfs_mknod(fs_root(), "/t/sock", S_IFSOCK | 0644, 0), 0);
    expect_is(vfs_mknod(fs_root(), "/t/disk", S_IFBLK | 0644, MKDEV(8, 0)), 0);
    expect_is(vfs_mknod(fs_root(), "/t/char", S_IFCHR | 0644, MKDEV(99, 9)), 0);
    expect_is(open_error("/t/none", O_RDONLY), -ENOENT);
    expect_is(open_error("/t/f", O_RDWR | O_CREAT | O_EXCL), -EEXIST);
    expect_is(open_error("/t/link", O_RDWR | O_CREAT | O_EXCL), -EEXIST);
    expect_is(open_error("/t/dangling", O_RDWR | O_CREAT | O_EXCL), -EEXIST);
    expect_is(open_error("/t/f", O_RDONLY | O_DIRECTORY), -ENOTDIR);
    expect_is(open_error("/t/f/", O_RDONLY), -ENOTDIR);
    expect_is(open_error("/t", O_WRONLY), -EISDIR);
    expect_is(open_error("/t", O_RDWR), -EISDIR);
    expect_is(open_error("/t", O_RDONLY | O_CREAT), -EISDIR);
    expect_is(open_error("/", O_RDONLY | O_CREAT), -EISDIR);
    expect_is(open_error("/t/new/", O_RDWR | O_CREAT), -EISDIR);
    expect_is(open_error("/t/new", O_RDWR | O_CREAT | O_DIRECTORY), -EINVAL);
    expect_is(open_error("/none/new", O_RDWR | O_CREAT), -ENOENT);
    expect_is(open_error("/t/f/new", O_RDWR | O_CREAT), -ENOTDIR);
    expect_is(open_error("/t/link", O_RDONLY | O_NOFOLLOW), -ELOOP);
    expect_is(open_error("/t/link", O_RDWR | O_CREAT | O_NOFOLLOW), -ELOOP);
    expect_is(open_error("/t/dangling", O_RDONLY), -ENOENT);
    expect_is(open_error("/t/sock", O_RDONLY), -ENXIO);
    expect_is(open_error("/t/disk", O_RDONLY), -ENXIO);
    expect_is(open_error("/t/char", O_RDONLY), -ENXIO);
    expect_is(lookup_error("/t/new", 0), -ENOENT);
    /* And what can be opened. */
    expect_is(open_error("/t/link", O_RDONLY), 0);
    expect_is(open_error("/t/link", O_PATH | O_NOFOLLOW), 0);
    expect_is(open_error("/t/sock", O_PATH), 0);
    expect_is(open_error("/t", O_RDONLY | O_DIRECTORY), 0);
    expect_is(open_error("/t/dangling", O_RDWR | O_CREAT), 0);
    expect_is(lookup_error("/t/none", 0), 0); /* made at the other end of the link */
    remove_all("/t");
}

KTEST(fs_file, access_modes)
{
    struct file *file;

    if (!user_enter())
        return;
    make_dir("/t");
    file = open_file("/t/f", O_WRONLY | O_CREAT | O_EXCL);
    expect_is(file->inode->mode, S_IFREG | 0644);
    expect_is(file->flags & (O_CREAT | O_EXCL), 0);
    expect_is(write_text(file, "abc"), 3);
    expect_is(file_read(file, USER_BUF, 1, &file->pos), -EBADF);
    file_put(file);
    file = open_file("/t/f", O_RDONLY);
    expect_text(file, "abc");
    expect_is(write_text(file, "x"), -EBADF);
    expect_is(file_poll(file) & 5, 5);
    expect_is(file_ioctl(file, 0x5401, 0), -ENOTTY);
    file_put(file);
    file = open_file("/t/f", O_PATH);
    expect_is(file_read(file, USER_BUF, 1, &file->pos), -EBADF);
    expect_is(file_write(file, USER_BUF, 1, &file->pos), -EBADF);
    expect_is(file_seek(file, 0, SEEK_SET), -EBADF);
    file_put(file);
    file = open_file("/t", O_RDONLY);
    expect_is(file_read(file, USER_BUF, 1, &file->pos), -EISDIR);
    file_put(file);
    remove_all("/t");
    user_leave();
}

KTEST(fs_file, positions)
{
    struct file *file, *second;
    u64 pos = 1;
    char c;

    if (!user_enter())
        return;
    make_dir("/t");
    file = open_file("/t/f", O_RDWR | O_CREAT);
    expect_is(write_text(file, "hello world"), 11);
    expect_is(file->pos, 11);
    expect_is(read_at(file, &c, 1, &file->pos), 0);
    expect_is(file_seek(file, 6, SEEK_SET), 6);
    expect_text(file, "world");
    expect_is(file_seek(file, -5, SEEK_CUR), 6);
    expect_is(file_seek(file, -11, SEEK_END), 0);
    expect_is(file_seek(file, -12, SEEK_END), -EINVAL);
    expect_is(file_seek(file, -1, SEEK_CUR), -EINVAL);
    expect_is(file_seek(file, -1, SEEK_SET), -EINVAL);
    expect_is(file_seek(file, 0, 99), -EINVAL);
    expect_is(file_seek(file, 3, SEEK_DATA), 3);
    expect_is(file_seek(file, 3, SEEK_HOLE), 11);
    expect_is(file_seek(file, 11, SEEK_DATA), -ENXIO);
    expect(file_seek(file, 1ll << 40, SEEK_SET) == 1ll << 40);
    expect_is(read_at(file, &c, 1, &file->pos), 0);
    expect_is(write_text(file, "x"), -EFBIG);
    expect_is(file_seek(file, 1ll << 62, SEEK_SET), -EINVAL);
    expect_is(file_seek(file, 0x7fffffffffffffffll, SEEK_CUR), -EINVAL);
    expect_is(read_at(file, &c, 1, &pos), 1); /* pread leaves file->pos alone */
    expect_is(c, 'e');
    expect(file->pos == 1ll << 40);
    expect_is(file_seek(file, 0, SEEK_SET), 0);
    second = open_file("/t/f", O_WRONLY | O_APPEND);
    expect_is(write_text(second, "!"), 1);
    expect_is(second->pos, 12);
    expect_text(file, "hello world!");
    file_put(second);
    file_put(file);
    file = open_file("/t/f", O_RDWR | O_TRUNC);
    expect_is(file->inode->data.size, 0);
    file_put(file);
    remove_all("/t");
    user_leave();
}

KTEST(fs_file, sparse)
{
    struct file *file;
    char page[16] = "";

    if (!user_enter())
        return;
    make_dir("/t");
    file = open_file("/t/f", O_RDWR | O_CREAT);
    expect_is(file_seek(file, 1 << 30, SEEK_SET), 1 << 30);
    expect_is(write_text(file, "end"), 3);
    expect_is(file->inode->data.size, (1 << 30) + 3);
    expect_is(file->inode->data.nrpages, 1);
    expect_is(file_seek(file, 12345678, SEEK_SET), 12345678);
    expect_is(read_at(file, page, 16, &file->pos), 16);
    for (u32 i = 0; i < sizeof(page); i++)
        expect_is(page[i], 0);
    expect_is(inode_truncate(file->inode, 0), 0);
    expect_is(file->inode->data.nrpages, 0);
    expect_is(file_seek(file, FILE_SIZE_MAX - 1, SEEK_SET), FILE_SIZE_MAX - 1);
    expect_is(write_text(file, "two"), 1);
    expect_is(write_text(file, "two"), -EFBIG);
    expect_is(inode_truncate(file->inode, (u64)FILE_SIZE_MAX + 1), -EFBIG);
    expect_is(inode_truncate(inode_at("/t"), 0), -EISDIR);
    expect_is(inode_truncate(inode_at("/dev/null"), 0), -EINVAL);
    file_put(file);
    remove_all("/t");
    user_leave();
}

KTEST(fs_file, truncate)
{
    struct file *file;
    char buf[8];

    if (!user_enter())
        return;
    make_dir("/t");
    file = open_file("/t/f", O_RDWR | O_CREAT);
    expect_is(write_text(file, "abcdef"), 6);
    expect_is(inode_truncate(file->inode, 3), 0);
    expect_is(inode_truncate(file->inode, 6), 0);
    expect_is(file_seek(file, 0, SEEK_SET), 0);
    expect_is(read_at(file, buf, 8, &file->pos), 6);
    expect_is(memcmp(buf, "abc\0\0\0", 6), 0); /* truncated bytes do not come back */
    file_put(file);
    remove_all("/t");
    user_leave();
}

/* More than one piece of a read and write, through memory that ends. */
KTEST(fs_file, long_and_bad_buffers)
{
    const u32 size = 5 * 65536 + 123;
    struct file *file;
    u32 pattern[256], wrong = 0;

    if (!user_enter())
        return;
    make_dir("/t");
    file = open_file("/t/f", O_RDWR | O_CREAT);
    for (u32 i = 0; i < ARRAY_SIZE(pattern); i++)
        pattern[i] = i * 0x01010101;
    for (u32 at = 0; at + sizeof(pattern) <= USER_SIZE; at += sizeof(pattern))
        expect_is(copy_to_user(USER_BUF + at, pattern, sizeof(pattern)), 0);
    expect_is(file_write(file, USER_BUF, size, &file->pos), size);
    file->pos = 0;
    expect_is(file_read(file, USER_BUF + 1, USER_SIZE - 1, &file->pos), size);
    for (u32 at = 0; at + sizeof(u32) <= size; at += sizeof(u32)) {
        u32 word;

        expect_is(copy_from_user(&word, USER_BUF + 1 + at, sizeof(word)), 0);
        wrong += word != pattern[at / 4 % 256];
    }
    expect_is(wrong, 0);
    /* The part before the bad address is transferred; if there is none, it is an error. */
    file->pos = 0;
    expect_is(file_read(file, USER_BUF + USER_SIZE - 100, 200, &file->pos), 100);
    expect_is(file->pos, 100);
    expect_is(file_read(file, USER_BUF + USER_SIZE, 1, &file->pos), -EFAULT);
    expect_is(file_read(file, (char *)PAGE_OFFSET, 1, &file->pos), -EFAULT);
    expect_is(file_write(file, USER_BUF + USER_SIZE - 100, 200, &file->pos), 100);
    expect_is(file_write(file, USER_BUF + USER_SIZE, 1, &file->pos), -EFAULT);
    expect_is(file_write(file, NULL, 0, &file->pos), 0);
    expect_is(file->pos, 200);
    expect_is(file->inode->data.size, size);
    file_put(file);
    remove_all("/t");
    user_leave();
}

static struct inode *being_cut;
static int started; /* the result of running it meanwhile; 1: not tried yet */

static void start_program_meanwhile(void)
{
    if (started == 1)
        started = inode_start_program(being_cut);
}

/*
 * As on Linux: truncating a file counts as writing to it, so the file cannot be run meanwhile, in
 * whatever way it is truncated.
 */
KTEST(fs_file, nobody_runs_what_is_being_cut)
{
    struct mm *mm = mm_create();
    struct resched_hook saved;
    int err;

    if (!expect(mm != NULL))
        return;
    make_dir("/t");
    make_file("/t/f");
    being_cut = inode_at("/t/f");
    expect_is(filemap_write(&being_cut->data, 0, "x", 1, filemap_copy_kernel), 1);
    expect_is(mm_add_area(mm, MMAP_MIN_ADDR, PAGE_SIZE, VM_READ, NULL, &being_cut->data, 0), 0);
    started = 1;
    saved = yield_everywhere(start_program_meanwhile);
    err = inode_truncate(being_cut, 0);
    resched_hook = saved;
    expect_is(err, 0);
    expect_is(started, -ETXTBSY);
    if (started == 0)
        inode_end_program(being_cut);
    expect_is(inode_start_program(being_cut), 0);
    inode_end_program(being_cut);
    mm_put(mm);
    remove_all("/t");
}

/* An unlinked file lives until its last close, and then all its pages come back. */
KTEST(fs_file, unlinked_file_in_use)
{
    struct file *file;
    char path[32];
    u32 inodes = inode_count;

    if (!user_enter())
        return;
    make_dir("/t");
    file = open_file("/t/f", O_RDWR | O_CREAT);
    expect_is(write_text(file, "still here"), 10);
    expect_is(remove_file("/t/f"), 0);
    expect_is(file->inode->nlink, 0);
    make_file("/t/f"); /* another one */
    file->pos = 0;
    expect_text(file, "still here");
    expect_is(write_text(file, " and growing"), 12);
    expect_is(inode_path(file->inode, path, sizeof(path)), 14);
    expect_str_eq(path, "/t/f (deleted)");
    remove_all("/t");
    expect_is(file_get(file)->refcount, 2);
    file_put(file);
    file->pos = 0;
    expect_text(file, "still here and growing");
    file_put(file);
    expect_is(inode_count, inodes);
    user_leave();
}

/* ---- devices ---- */

KTEST(fs_file, memory_devices)
{
    struct file *file;
    u32 words[4] = {1, 2, 3, 4}, more[4];

    if (!user_enter())
        return;
    file = open_file("/dev/null", O_RDWR);
    expect_is(read_at(file, words, 16, &file->pos), 0);
    expect_is(write_text(file, "gone"), 4);
    expect_is(file_write(file, NULL, 4, &file->pos), 4); /* it does not even read the address */
    expect_is(file_seek(file, 5, SEEK_SET), 0);
    file_put(file);
    file = open_file("/dev/zero", O_RDWR);
    expect_is(read_at(file, words, 16, &file->pos), 16);
    expect_is(words[0] | words[1] | words[2] | words[3], 0);
    expect_is(file_read(file, USER_BUF, USER_SIZE + 1, &file->pos), USER_SIZE);
    expect_is(file_read(file, USER_BUF + USER_SIZE, 1, &file->pos), -EFAULT);
    file_put(file);
    file = open_file("/dev/full", O_RDWR);
    expect_is(write_text(file, "x"), -ENOSPC);
    file_put(file);
    file = open_file("/dev/urandom", O_RDONLY);
    expect_is(read_at(file, words, 15, &file->pos), 15);
    expect_is(read_at(file, more, 16, &file->pos), 16);
    expect(words[0] != more[0] || words[1] != more[1]);
    expect(more[0] != more[1] || more[1] != more[2]);
    file_put(file);
    expect_is(inode_at("/dev/full")->mode, S_IFCHR | 0666);
    user_leave();
}
