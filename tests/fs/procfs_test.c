/* /proc: text that is made at open, and directories that exist only while they are in use. */
#include "tests/fs/fs.h"
#include <lib/printf.h>
#include <linux/fs.h>

static u32 lines, shows; /* the contents of the file below, how often it was made */

static int show_lines(struct inode *inode, struct seq_file *seq)
{
    shows++;
    if (lines == ~0u)
        return -ESRCH;
    for (u32 i = 0; i < lines; i++)
        seq_printf(seq, "line %07u of %u\n", i, inode->ino);
    seq_write(seq, "end\n", 4);
    return 0;
}

/* An open file of that text; the inode goes with it. */
static int open_text(struct file **out)
{
    struct inode *inode = inode_new(S_IFREG | 0444, 0);
    int err = -ENOMEM;

    if (inode) {
        inode->fops = &proc_file_ops;
        inode->proc.show = show_lines;
        err = file_open_inode(inode, O_RDONLY, out);
        inode_put(inode);
    }
    return err;
}

KTEST(fs_proc, text_is_made_at_open)
{
    struct file *file;
    u64 pos = 1;
    char c;

    if (!user_enter())
        return;
    lines = shows = 0;
    expect_is(open_text(&file), 0);
    lines = 5; /* too late */
    expect_is(read_at(file, &c, 1, &pos), 1);
    expect_is(c, 'n');
    expect_text(file, "end\n");
    expect_is(read_at(file, &c, 1, &file->pos), 0);
    expect_is(shows, 1);
    expect_is(file->inode->data.size, 0);
    expect_is(write_text(file, "x"), -EBADF);
    expect_is(file_read(file, USER_BUF + USER_SIZE, 1, &(u64){0}), -EFAULT);
    expect_is(file_read(file, USER_BUF + USER_SIZE - 2, 4, &(u64){0}), 2);
    file_put(file);
    lines = ~0u;
    expect_is(open_text(&file), -ESRCH);
    user_leave();
}

/* Every length around those where the buffer grows; each read in pieces. */
KTEST(fs_proc, text_of_any_length)
{
    struct file *file;
    char piece[100], expected[32];

    if (!user_enter())
        return;
    for (lines = 50; lines < 20000 && ktest_ok(); lines += lines < 120 ? 1 : 9777) {
        u32 size = 0, got;
        u64 last = lines - 1;

        expect_is(open_text(&file), 0);
        do {
            got = read_at(file, piece, sizeof(piece), &file->pos);
            size += got;
        } while (got == sizeof(piece));
        snprintf(expected, sizeof(expected), "line %07u of %u\n", lines - 1, file->inode->ino);
        expect_is(size, lines * strlen(expected) + 4);
        last *= strlen(expected);
        expect_is(read_at(file, piece, strlen(expected), &last), strlen(expected));
        expect_is(memcmp(piece, expected, strlen(expected)), 0);
        file_put(file);
    }
    user_leave();
}

static int show_bytes(struct inode *inode, struct seq_file *seq)
{
    (void)inode;
    shows++;
    for (u32 i = 1; i < lines; i++)
        seq_printf(seq, "x");
    seq_printf(seq, "y");
    return 0;
}

/* The last byte before and after the end of the first buffer. */
KTEST(fs_proc, text_as_long_as_its_buffer)
{
    struct inode *inode = inode_new(S_IFREG | 0444, 0);
    struct file *file;
    char last[2];

    if (!expect(inode != NULL) || !user_enter())
        return;
    inode->fops = &proc_file_ops;
    inode->proc.show = show_bytes;
    for (lines = 2046; lines < 2051; lines++) {
        u64 pos = lines - 1;

        shows = 0;
        expect_is(file_open_inode(inode, O_RDONLY, &file), 0);
        expect_is(shows, lines < 2048 ? 1 : 2);
        expect_is(read_at(file, last, 2, &pos), 1);
        expect_is(last[0], 'y');
        file_put(file);
    }
    inode_put(inode);
    user_leave();
}

KTEST(fs_proc, cannot_be_changed)
{
    make_file("/f");
    expect_is(vfs_mkdir(fs_root(), "/proc/x", 0755), -ENOENT);
    expect_is(open_error("/proc/x", O_RDWR | O_CREAT), -ENOENT);
    expect_is(vfs_link(fs_root(), "/f", fs_root(), "/proc/x", 0), -ENOENT);
    expect_is(rename_file("/f", "/proc/x"), -EXDEV);
    expect_is(remove_file("/proc/none"), -ENOENT);
    if (lookup_error("/proc/self", LOOKUP_NOFOLLOW) == 0) {
        expect_is(remove_file("/proc/self"), -EPERM);
        expect_is(rename_file("/proc/self", "/x"), -EXDEV);
        expect_is(rename_file("/f", "/proc/self"), -EXDEV);
        expect_is(vfs_mkdir(fs_root(), "/proc/self", 0755), -EEXIST);
    }
    expect_is(remove_file("/f"), 0);
}

/* Every task is listed and found, with the same number each time, and nothing stays allocated. */
KTEST(fs_proc, processes)
{
    char name[NAME_MAX_ + 1], path[32], back[32];
    u32 ino, type, inodes = inode_count, found = 0, tasks = 0;
    u64 next = 0;
    struct inode *dir;

    if (lookup_error("/proc/self", LOOKUP_NOFOLLOW) != 0) {
        ktest_skip("nobody has registered processes");
        return;
    }
    while (inode_readdir(proc_root(), next, name, &ino, &type, &next) == 1) {
        if (name[0] < '0' || name[0] > '9')
            continue;
        snprintf(path, sizeof(path), "/proc/%s", name);
        if (!expect_is(path_lookup(fs_root(), path, LOOKUP_DIRECTORY, &dir), 0))
            return;
        expect_is(dir->ino, ino);
        expect_is(inode_path(dir, back, sizeof(back)), strlen(path));
        expect_str_eq(back, path);
        expect_is(dir_parent(dir), proc_root());
        inode_put(dir);
        found++;
    }
    for (struct task *task = task_next(NULL); task; task = task_next(task))
        tasks++;
    expect(found > 0 && found <= tasks);
    expect_is(inode_count, inodes);
    expect_is(lookup_error("/proc/0", 0), -ENOENT);
    expect_is(lookup_error("/proc/01", 0), -ENOENT);
    expect_is(lookup_error("/proc/4294967297", 0), -ENOENT);
    expect_is(lookup_error("/proc/8388607", 0), -ENOENT);
    expect_is(lookup_error("/proc/1x", 0), -ENOENT);
}
