/*
 * A failed operation changes nothing (invariant I9), for files: each operation is run with its
 * first, second, third... allocation refused until it needs no more. Each time it must return
 * -ENOMEM, and the objects of each cache, the free pages and the tree must be the same as before.
 */
#include "tests/fs/fs.h"
#include "tests/kernel/process/run.h"
#include <lib/printf.h>
#include <linux/fs.h>
#include <mm/fail.h>
#include <mm/frame/page_alloc.h>
#include <mm/frame/slab.h>
#include <mm/user/filemap.h>

#define ALLOCATIONS_MAX 100 /* no operation here has more */

struct footprint {
    u32 free_pages, objects, inodes, entries, size;
};

static struct file *file, *other; /* what an operation works on, or has made */

static struct footprint footprint(void)
{
    struct footprint now = {.inodes = inode_count};
    struct slabinfo info;

    filemap_shrink();
    slab_shrink();
    now.free_pages = nr_free_pages() + slab_pages(); /* the number of slabs may vary */
    for (u32 i = 0; slabinfo_at(i, &info); i++)
        now.objects += info.active_objs;
    now.entries = inode_at("/t")->dir.entries;
    now.size = file ? file->inode->data.size : 0;
    return now;
}

struct operation {
    const char *name;
    int (*run)(void);   /* 0, or an error */
    void (*undo)(void); /* after a success */
};

/* Run it with the k-th allocation refused; true when there was one. */
static bool attempt(const struct operation *op, u32 k)
{
    struct footprint before = footprint(), after;
    bool refused;
    int err;

    alloc_fail_countdown = k;
    err = op->run();
    refused = alloc_fail_countdown == 0;
    alloc_fail_countdown = 0;
    if (err != (refused ? -ENOMEM : 0))
        ktest_fail(__FILE__, __LINE__, "%s, allocation %u %srefused: error %d", op->name, k,
                   refused ? "" : "not ", -err);
    if (!err)
        op->undo();
    after = footprint();
    if (memcmp(&before, &after, sizeof(before)) != 0)
        ktest_fail(__FILE__, __LINE__,
                   "%s, allocation %u: free pages %u -> %u, objects %u -> %u, inodes %u -> %u, "
                   "entries %u -> %u, size %u -> %u",
                   op->name, k, before.free_pages, after.free_pages, before.objects, after.objects,
                   before.inodes, after.inodes, before.entries, after.entries, before.size,
                   after.size);
    expect_none(fs_check());
    return refused;
}

static void sweep(const struct operation *op)
{
    u32 k = 1;

    while (k < ALLOCATIONS_MAX && ktest_ok() && attempt(op, k))
        k++;
    expect(k > 1); /* at least one allocation was refused */
    expect(k < ALLOCATIONS_MAX);
}

#define FAIL_TEST(name_)                                                                           \
    KTEST(fs_fail, name_)                                                                          \
    {                                                                                              \
        make_dir("/t");                                                                            \
        sweep(                                                                                     \
            &(const struct operation){.name = #name_, .run = run_##name_, .undo = undo_##name_});  \
        remove_all("/t");                                                                          \
    }

/* ---- names ---- */

static int run_create(void)
{
    return file_open(fs_root(), "/t/new", O_RDWR | O_CREAT, 0644, &other);
}

static void undo_create(void)
{
    file_put(other);
    expect_is(remove_file("/t/new"), 0);
}

FAIL_TEST(create)

static int run_mkdir(void)
{
    return vfs_mkdir(fs_root(), "/t/dir", 0755);
}

static void undo_mkdir(void)
{
    expect_is(remove_dir("/t/dir"), 0);
}

FAIL_TEST(mkdir)

static int run_symlink(void)
{
    return vfs_symlink(fs_root(), "somewhere", "/t/link");
}

static void undo_symlink(void)
{
    expect_is(remove_file("/t/link"), 0);
}

FAIL_TEST(symlink)

/* Along a link, over an existing file. */
static int run_rename(void)
{
    return rename_file("/t/link/a", "/t/link/b");
}

static void undo_rename(void)
{
    expect_is(lookup_error("/t/a", 0), -ENOENT);
    make_file("/t/a");
}

KTEST(fs_fail, rename)
{
    make_dir("/t");
    make_file("/t/a");
    make_file("/t/b");
    expect_is(vfs_symlink(fs_root(), ".", "/t/link"), 0);
    sweep(&(const struct operation){.name = "rename", .run = run_rename, .undo = undo_rename});
    remove_all("/t");
}

static int run_link(void)
{
    return vfs_link(fs_root(), "/t/a", fs_root(), "/t/b", 0);
}

static void undo_link(void)
{
    expect_is(remove_file("/t/b"), 0);
}

KTEST(fs_fail, link)
{
    make_dir("/t");
    make_file("/t/a");
    sweep(&(const struct operation){.name = "link", .run = run_link, .undo = undo_link});
    remove_all("/t");
}

/* ---- open files ---- */

static int run_write(void)
{
    u64 pos = 0;
    long result = file_write(file, USER_BUF, 100, &pos);

    expect(result == 100 || pos == 0);
    return result == 100 ? 0 : result;
}

static void undo_write(void)
{
    expect_is(inode_truncate(file->inode, 0), 0);
}

KTEST(fs_fail, write)
{
    if (!user_enter())
        return;
    expect_is(copy_to_user(USER_BUF, "touch", 5), 0);
    make_dir("/t");
    file = open_file("/t/f", O_RDWR | O_CREAT);
    sweep(&(const struct operation){.name = "write", .run = run_write, .undo = undo_write});
    file_put(file);
    file = NULL;
    remove_all("/t");
    user_leave();
}

static struct file *ends[2];

static int run_pipe(void)
{
    return pipe_open(&ends[0], &ends[1], 0);
}

static void undo_pipe(void)
{
    file_put(ends[0]);
    file_put(ends[1]);
}

FAIL_TEST(pipe)

/* Two pages at once. */
static int run_pipe_write(void)
{
    long result = file_write(ends[1], USER_BUF, PAGE_SIZE, &ends[1]->pos);

    return result == PAGE_SIZE ? 0 : result;
}

static void undo_pipe_write(void)
{
    expect_is(file_read(ends[0], USER_BUF, PAGE_SIZE, &ends[0]->pos), PAGE_SIZE);
}

KTEST(fs_fail, pipe_write)
{
    if (!user_enter())
        return;
    make_dir("/t");
    expect_is(copy_to_user(USER_BUF, "touch", 5), 0);
    expect_is(copy_to_user(USER_BUF + PAGE_SIZE, "touch", 5), 0);
    expect_is(run_pipe(), 0);
    expect_is(file_write(ends[1], USER_BUF, 200, &ends[1]->pos), 200);
    sweep(&(const struct operation){
        .name = "pipe_write", .run = run_pipe_write, .undo = undo_pipe_write});
    undo_pipe();
    remove_all("/t");
    user_leave();
}

static int run_proc_open(void)
{
    return file_open(fs_root(), "/t/text", O_RDONLY, 0, &other);
}

static void undo_proc_open(void)
{
    file_put(other);
}

/* More than one buffer is needed until it fits. */
static int show_much(struct inode *inode, struct seq_file *seq)
{
    (void)inode;
    for (u32 i = 0; i < 3000; i++)
        seq_printf(seq, "%5u\n", i);
    return 0;
}

KTEST(fs_fail, proc_open)
{
    make_dir("/t");
    make_file("/t/text");
    inode_at("/t/text")->fops = &proc_file_ops;
    inode_at("/t/text")->proc.show = show_much;
    sweep(&(const struct operation){
        .name = "proc_open", .run = run_proc_open, .undo = undo_proc_open});
    remove_all("/t");
}

/* ---- what files leave to processes ---- */

enum kind { DIRECTORIES, LONG_LINKS, HARD_LINKS, FAR_PAGES, KINDS };

static char long_target[PATH_SIZE];

static int make_one(enum kind kind, const char *name)
{
    struct inode *dir = inode_at("/t");
    struct inode *inode;
    int err;

    switch (kind) {
    case DIRECTORIES:
        return vfs_mkdir(dir, name, 0755);
    case LONG_LINKS:
        return vfs_symlink(dir, long_target, name);
    case HARD_LINKS:
        return vfs_link(dir, "file", dir, name, 0);
    default:
        err = vfs_mknod(dir, name, S_IFREG | 0644, 0);
        if (err || path_lookup(dir, name, 0, &inode))
            return err;
        err = filemap_write(&inode->data, FILE_SIZE_MAX - 1, "x", 1, filemap_copy_kernel);
        inode_put(inode);
        return err < 0 ? err : 0;
    }
}

static u32 free_lowmem_kept(void)
{
    return (zone_managed_pages(ZONE_DMA) + zone_managed_pages(ZONE_NORMAL)) / 16;
}

/* However files use memory, a sixteenth of lowmem stays free, so that programs can be run. */
KTEST(fs_fail, files_leave_memory_to_processes)
{
    char name[16];

    memset(long_target, 'x', sizeof(long_target) - 1);
    for (u32 kind = 0; kind < KINDS && ktest_ok(); kind++) {
        u32 made = 0;
        int err = 0;

        make_dir("/t");
        make_file("/t/file");
        do {
            snprintf(name, sizeof(name), "%u", made++);
            err = make_one(kind, name);
        } while (!err);
        if (err != -ENOSPC)
            ktest_fail(__FILE__, __LINE__, "kind %u, name %u: error %d", kind, made, -err);
        expect(fs_names <= fs_names_max());
        expect(nr_free_lowmem_pages() + 64 > free_lowmem_kept());
        expect_eq(run_program(ARGV("status", "3")).exit_code, EXIT_STATUS(3));
        expect_none(fs_check());
        expect_is(rename_file("/t/0", "/t/another"), 0); /* needs no more than before */
        expect_is(rename_file("/t/another", "/t/0"), 0);
        remove_all("/t");
    }
}
