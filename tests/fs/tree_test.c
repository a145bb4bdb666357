/*
 * Names: paths, symbolic links, making, linking, renaming, removing. Everything happens below /t,
 * which each test makes and removes.
 */
#include "tests/fs/fs.h"
#include <lib/printf.h>
#include <linux/fs.h>

static struct inode *root(void)
{
    return fs_root();
}

/* ---- paths ---- */

KTEST(fs, path_errors)
{
    static char path[PATH_SIZE + 1];

    make_dir("/t");
    make_file("/t/file");
    expect_is(lookup_error("", 0), -ENOENT);
    expect_is(lookup_error("/t/none", 0), -ENOENT);
    expect_is(lookup_error("/t/none/x", 0), -ENOENT);
    expect_is(lookup_error("/t/file/x", 0), -ENOTDIR);
    expect_is(lookup_error("/t/file/..", 0), -ENOTDIR);
    expect_is(lookup_error("/t/file/", 0), -ENOTDIR);
    expect_is(lookup_error("/t/file", LOOKUP_DIRECTORY), -ENOTDIR);
    memset(path, '/', PATH_SIZE);
    expect_is(lookup_error(path, 0), -ENAMETOOLONG);
    path[PATH_SIZE - 1] = '\0';
    expect_is(lookup_error(path, 0), 0);
    memset(path, 'x', PATH_SIZE);
    path[NAME_MAX_ + 1] = '\0';
    expect_is(lookup_error(path, 0), -ENAMETOOLONG);
    expect_is(vfs_mkdir(root(), path, 0755), -ENAMETOOLONG);
    path[NAME_MAX_] = '\0';
    expect_is(lookup_error(path, 0), -ENOENT);
    make_dir(path);
    expect_is(lookup_error(path, 0), 0);
    expect_is(remove_dir(path), 0);
    remove_all("/t");
}

KTEST(fs, dots_and_slashes)
{
    make_dir("/t");
    make_dir("t//a/");
    expect_is(inode_at("/"), root());
    expect_is(inode_at("/.."), root());
    expect_is(inode_at("/../../t/."), inode_at("t"));
    expect_is(inode_at("//t///a/.././a//.."), inode_at("/t"));
    expect_is(inode_at("t/a/."), inode_at("/t/a/"));
    remove_all("/t");
}

KTEST(fs, path_of_an_inode)
{
    char buf[32];

    make_dir("/t");
    make_dir("/t/a");
    make_file("/t/a/f");
    expect_is(inode_path(inode_at("/t/a/f"), buf, sizeof(buf)), 6);
    expect_str_eq(buf, "/t/a/f");
    expect_is(inode_path(inode_at("/t/a/f"), buf, 7), 6);
    expect_is(inode_path(inode_at("/t/a/f"), buf, 6), -ERANGE);
    expect_is(inode_path(root(), buf, sizeof(buf)), 1);
    expect_str_eq(buf, "/");
    expect_is(rename_file("/t/a", "/t/bb"), 0);
    expect_is(inode_path(inode_at("/t/bb/f"), buf, sizeof(buf)), 7);
    expect_str_eq(buf, "/t/bb/f");
    remove_all("/t");
}

/* ---- symbolic links ---- */

static void make_link(const char *target, const char *path)
{
    expect_is(vfs_symlink(root(), target, path), 0);
}

KTEST(fs, symlinks)
{
    char buf[16];

    make_dir("/t");
    make_dir("/t/dir");
    make_file("/t/dir/file");
    make_link("dir", "/t/rel");
    make_link("/t/dir", "/t/abs");
    make_link("dir/file", "/t/last");
    make_link("none", "/t/dangling");
    make_link("/", "/t/top");
    expect_is(inode_at("/t/rel/file"), inode_at("/t/dir/file"));
    expect_is(inode_at("/t/abs/file"), inode_at("/t/dir/file"));
    expect_is(inode_at("/t/abs/../abs/./file"), inode_at("/t/dir/file"));
    expect_is(inode_at("/t/rel/"), inode_at("/t/dir")); /* a final slash follows the link */
    expect_is(inode_at("/t/top/t/top/t/dir"), inode_at("/t/dir"));
    expect(S_ISLNK(inode_at("/t/last")->mode));
    expect_is(lookup_error("/t/last", 0), 0);
    expect_is(lookup_error("/t/last/", 0), -ENOTDIR);
    expect_is(lookup_error("/t/dangling", 0), -ENOENT);
    expect_is(lookup_error("/t/dangling", LOOKUP_NOFOLLOW), 0);
    expect_is(inode_readlink(inode_at("/t/last"), buf, sizeof(buf)), 8);
    expect_str_eq(buf, "dir/file");
    expect_is(inode_readlink(inode_at("/t/last"), buf, 4), 3);
    expect_str_eq(buf, "dir");
    expect_is(inode_readlink(inode_at("/t/dir"), buf, sizeof(buf)), -EINVAL);
    expect_is(vfs_symlink(root(), "", "/t/empty"), -ENOENT);
    expect_is(vfs_symlink(root(), "x", "/t/last"), -EEXIST);
    remove_all("/t");
}

/* /t/0 is a directory, /t/N leads to /t/N-1: LINKS_MAX are followed, and one more is not. */
KTEST(fs, symlinks_to_symlinks)
{
    char path[16], target[16];

    make_dir("/t");
    make_dir("/t/0");
    for (u32 i = 1; i <= LINKS_MAX + 1; i++) {
        snprintf(path, sizeof(path), "/t/%u", i);
        snprintf(target, sizeof(target), "%u", i - 1);
        make_link(target, path);
    }
    expect_is(lookup_error("/t/40", 0), 0);
    expect_is(lookup_error("/t/40/", LOOKUP_NOFOLLOW), 0);
    expect_is(lookup_error("/t/41", 0), -ELOOP);
    expect_is(lookup_error("/t/41/x", 0), -ELOOP);
    expect_is(lookup_error("/t/20/../20/../1", 0), -ELOOP);
    expect_is(lookup_error("/t/20/../20", 0), 0);
    make_link("self", "/t/self");
    expect_is(lookup_error("/t/self", 0), -ELOOP);
    expect_is(open_error("/t/self", O_RDONLY), -ELOOP);
    expect_is(open_error("/t/self", O_RDWR | O_CREAT), -ELOOP);
    expect_is(lookup_error("/t/self", LOOKUP_NOFOLLOW), 0);
    remove_all("/t");
}

/* ---- making and removing ---- */

KTEST(fs, making)
{
    make_dir("/t");
    make_file("/t/f");
    expect_is(vfs_mkdir(root(), "/t", 0755), -EEXIST);
    expect_is(vfs_mkdir(root(), "/t/f", 0755), -EEXIST);
    expect_is(vfs_mkdir(root(), "/t/f/d", 0755), -ENOTDIR);
    expect_is(vfs_mkdir(root(), "/", 0755), -EEXIST);
    expect_is(vfs_mkdir(root(), "/t/.", 0755), -EEXIST);
    expect_is(vfs_mkdir(root(), "/t/..", 0755), -EEXIST);
    expect_is(vfs_mkdir(root(), "/none/d", 0755), -ENOENT);
    expect_is(vfs_mkdir(root(), "", 0755), -ENOENT);
    expect_is(vfs_mknod(root(), "/t/g/", S_IFREG | 0644, 0), -ENOENT);
    expect_is(vfs_mknod(root(), "/t/g", S_IFDIR | 0644, 0), -EPERM);
    expect_is(vfs_mknod(root(), "/t/g", S_IFLNK | 0644, 0), -EINVAL);
    expect_is(vfs_symlink(root(), "x", "/t/g/"), -ENOENT);
    expect_is(vfs_mknod(root(), "/t/n", 0600, 0), 0);
    expect_is(inode_at("/t/n")->mode, S_IFREG | 0600);
    expect_is(vfs_mknod(root(), "/t/c", S_IFCHR | 0600, MKDEV(4, 64)), 0);
    expect_is(inode_at("/t/c")->rdev, 4 << 8 | 64);
    expect_is(vfs_mkdir(root(), "/t/s", 01777), 0);
    expect_is(inode_at("/t/s")->mode, S_IFDIR | 01777);
    remove_all("/t");
}

KTEST(fs, removing)
{
    make_dir("/t");
    make_dir("/t/d");
    make_file("/t/f");
    make_file("/t/d/f");
    expect_is(remove_file("/t/d"), -EISDIR);
    expect_is(remove_file("/t/none"), -ENOENT);
    expect_is(remove_file("/t/f/"), -ENOTDIR);
    expect_is(remove_file("/t/."), -EISDIR);
    expect_is(remove_file("/"), -EISDIR);
    expect_is(remove_dir("/t/f"), -ENOTDIR);
    expect_is(remove_dir("/t/d"), -ENOTEMPTY);
    expect_is(remove_dir("/t/."), -EINVAL);
    expect_is(remove_dir("/t/.."), -ENOTEMPTY);
    expect_is(remove_dir("/"), -EBUSY);
    expect_is(remove_dir("/proc"), -EBUSY);
    expect_is(remove_dir("/t/none"), -ENOENT);
    expect_is(remove_file("/t/d/f"), 0);
    expect_is(remove_dir("/t/d/"), 0);
    expect_is(lookup_error("/t/d", 0), -ENOENT);
    remove_all("/t");
}

KTEST(fs, links)
{
    struct inode *inode;

    make_dir("/t");
    make_file("/t/a");
    make_link("a", "/t/link");
    inode = inode_at("/t/a");
    expect_is(vfs_link(root(), "/t/a", root(), "/t/b", LOOKUP_NOFOLLOW), 0);
    expect_is(inode_at("/t/b"), inode);
    expect_is(inode->nlink, 2);
    expect_is(vfs_link(root(), "/t/a", root(), "/t/b", 0), -EEXIST);
    expect_is(vfs_link(root(), "/t", root(), "/t/c", 0), -EPERM);
    expect_is(vfs_link(root(), "/t", root(), "/t/a", 0), -EEXIST);
    expect_is(vfs_link(root(), "/t/none", root(), "/t/c", 0), -ENOENT);
    expect_is(vfs_link(root(), "/t/a", root(), "/none/c", 0), -ENOENT);
    expect_is(vfs_link(root(), "/t/link", root(), "/t/c", LOOKUP_NOFOLLOW), 0);
    expect(S_ISLNK(inode_at("/t/c")->mode));
    expect_is(vfs_link(root(), "/t/link", root(), "/t/d", 0), 0);
    expect_is(inode_at("/t/d"), inode);
    expect_is(inode->nlink, 3);
    expect_none(fs_check());
    expect_is(remove_file("/t/a"), 0);
    expect_is(inode->nlink, 2);
    expect_is(inode_at("/t/b"), inode);
    remove_all("/t");
}

/* ---- renaming ---- */

KTEST(fs, rename_refused)
{
    make_dir("/t");
    make_dir("/t/d");
    make_dir("/t/d/e");
    make_dir("/t/empty");
    make_file("/t/f");
    expect_is(rename_file("/t/none", "/t/x"), -ENOENT);
    expect_is(rename_file("/t/f", "/none/x"), -ENOENT);
    expect_is(rename_file("/t/f", ""), -ENOENT);
    expect_is(rename_file("/t/d", "/t/d/x"), -EINVAL);
    expect_is(rename_file("/t/d", "/t/d/e/x"), -EINVAL);
    expect_is(rename_file("/t/empty", "/t/d"), -ENOTEMPTY);
    expect_is(rename_file("/t/d/e", "/t/d"), -ENOTEMPTY);
    expect_is(rename_file("/t/f", "/t/empty"), -EISDIR);
    expect_is(rename_file("/t/empty", "/t/f"), -ENOTDIR);
    expect_is(rename_file("/t/f", "/t/x/"), -ENOTDIR);
    expect_is(rename_file("/t/f/", "/t/x"), -ENOTDIR);
    expect_is(rename_file("/t/.", "/t/x"), -EBUSY);
    expect_is(rename_file("/t/f", "/t/.."), -EBUSY);
    expect_is(rename_file("/", "/t/x"), -EBUSY);
    expect_is(rename_file("/proc", "/t/x"), -EBUSY);
    expect_is(vfs_rename(root(), "/t/f", root(), "/t/d", RENAME_NOREPLACE), -EEXIST);
    expect_is(vfs_rename(root(), "/t/f", root(), "/t/x", RENAME_EXCHANGE), -EINVAL);
    expect_none(fs_check());
    remove_all("/t");
}

KTEST(fs, rename_moves)
{
    struct inode *dir, *file;

    make_dir("/t");
    make_dir("/t/a");
    make_dir("/t/b");
    make_dir("/t/a/sub");
    make_dir("/t/a/sub/deeper");
    make_file("/t/a/sub/f");
    dir = inode_at("/t/a/sub");
    file = inode_at("/t/a/sub/f");
    expect_is(inode_at("/t/a")->nlink, 3);
    expect_is(rename_file("/t/a/sub", "/t/b/new"), 0);
    expect_is(inode_at("/t/b/new"), dir);
    expect_is(inode_at("/t/b/new/f"), file);
    expect_is(inode_at("/t/b/new/.."), inode_at("/t/b"));
    expect_is(inode_at("/t/a")->nlink, 2);
    expect_is(inode_at("/t/b")->nlink, 3);
    expect_is(dir->nlink, 3);
    expect_is(rename_file("/t/b/new/f", "/t/f"), 0);
    expect_is(rename_file("/t/b/new", "/t/a"), 0); /* over an empty directory */
    expect_is(inode_at("/t/a"), dir);
    expect_none(fs_check());
    make_file("/t/g");
    expect_is(rename_file("/t/f", "/t/g"), 0); /* over a file */
    expect_is(inode_at("/t/g"), file);
    expect_is(rename_file("/t/g", "/t/g"), 0);
    expect_is(vfs_link(root(), "/t/g", root(), "/t/h", 0), 0);
    expect_is(rename_file("/t/g", "/t/h"), 0); /* two names of one file: both stay */
    expect_is(inode_at("/t/g"), file);
    expect_is(file->nlink, 2);
    expect_none(fs_check());
    remove_all("/t");
}

/* ---- removing what is in use ---- */

KTEST(fs, removed_directory_in_use)
{
    struct inode *dir, *found;
    char buf[32];

    make_dir("/t");
    make_dir("/t/cwd");
    expect_is(path_lookup(root(), "/t/cwd", 0, &dir), 0);
    expect_is(remove_dir("/t/cwd"), 0);
    expect(inode_is_removed(dir));
    expect_is(vfs_mkdir(dir, "x", 0755), -ENOENT);
    expect_is(vfs_mknod(dir, "x", S_IFREG | 0644, 0), -ENOENT);
    expect_is(vfs_rename(root(), "/t", dir, "x", 0), -EINVAL);
    expect_is(path_lookup(dir, "x", 0, &found), -ENOENT);
    expect_is(path_lookup(dir, ".", 0, &found), 0);
    expect_is(found, dir);
    inode_put(found);
    expect_is(inode_path(dir, buf, sizeof(buf)), 16);
    expect_str_eq(buf, "/t/cwd (deleted)");
    expect_is(remove_dir("/t"), 0);
    expect_is(path_lookup(dir, "../../tmp", 0, &found), 0);
    inode_put(found);
    inode_put(dir); /* and with it what is left of /t */
    expect_is(lookup_error("/t", 0), -ENOENT);
}

/* A chain of removed directories, each held only by the one below, is freed without recursion. */
KTEST(fs, deep_chain_of_removed_directories)
{
    struct inode *bottom = root(), *dir;
    u32 before = inode_count;

    inode_get(bottom);
    for (u32 i = 0; i < 2000; i++) {
        if (!expect_is(vfs_mkdir(bottom, "d", 0755), 0) ||
            !expect_is(path_lookup(bottom, "d", 0, &dir), 0))
            return;
        inode_put(bottom);
        bottom = dir;
    }
    expect_none(fs_check());
    while (dir != root()) {
        dir = dir_parent(dir);
        expect_is(vfs_rmdir(dir, "d"), 0);
    }
    expect_is(inode_count, before + 2000);
    inode_put(bottom);
    expect_is(inode_count, before);
}
