/*
 * Reading directories while they change, large directories, and what the check of the tree detects.
 */
#include "tests/fs/fs.h"
#include <lib/printf.h>
#include <linux/fs.h>
#include <mm/check/audit.h>

static struct inode *root(void)
{
    return fs_root();
}

/* ---- reading directories ---- */

static char name[NAME_MAX_ + 1];

/* The next name, or false at the end. */
static bool read_name(struct file *dir)
{
    u32 ino, type;
    u64 next;

    if (file_readdir(dir, name, &ino, &type, &next) != 1)
        return false;
    dir->pos = next;
    return true;
}

static void expect_name(struct file *dir, const char *expected)
{
    if (expect(read_name(dir)))
        expect_str_eq(name, expected);
}

KTEST(fs, readdir)
{
    u32 ino, type;
    u64 next;
    struct file *dir;

    make_dir("/t");
    make_file("/t/one");
    make_dir("/t/two");
    expect_is(vfs_symlink(root(), "x", "/t/three"), 0);
    dir = open_file("/t", O_RDONLY | O_DIRECTORY);
    if (!dir)
        return;
    expect_is(file_readdir(dir, name, &ino, &type, &next), 1);
    expect_str_eq(name, ".");
    expect_is(ino, dir->inode->ino);
    dir->pos = next;
    expect_is(file_readdir(dir, name, &ino, &type, &next), 1);
    expect_str_eq(name, "..");
    expect_is(ino, root()->ino);
    dir->pos = next;
    expect_is(file_readdir(dir, name, &ino, &type, &next), 1);
    expect_str_eq(name, "one");
    expect_is(ino, inode_at("/t/one")->ino);
    expect_is(type, S_IFREG >> 12);
    dir->pos = next;
    expect_is(file_readdir(dir, name, &ino, &type, &next), 1);
    expect_is(type, S_IFDIR >> 12);
    dir->pos = next;
    expect_is(file_readdir(dir, name, &ino, &type, &next), 1);
    expect_is(type, S_IFLNK >> 12);
    dir->pos = next;
    expect_is(file_readdir(dir, name, &ino, &type, &next), 0);
    dir->pos = ~0ull;
    expect_is(file_readdir(dir, name, &ino, &type, &next), 0);
    expect_is(file_seek(dir, 0, SEEK_SET), 0);
    expect_name(dir, ".");
    remove_all("/t");
    expect_is(file_readdir(dir, name, &ino, &type, &next), -ENOENT);
    file_put(dir);
}

/* Changes meanwhile do not make other names be missed or returned twice. */
KTEST(fs, readdir_while_it_changes)
{
    struct file *dir;

    make_dir("/t");
    for (u32 i = 0; i < 6; i++) {
        char path[] = "/t/a";

        path[3] += i;
        make_file(path);
    }
    dir = open_file("/t", O_RDONLY);
    if (!dir)
        return;
    expect_name(dir, ".");
    expect_name(dir, "..");
    expect_name(dir, "a");
    expect_name(dir, "b");
    expect_is(remove_file("/t/a"), 0);         /* behind the reader */
    expect_is(remove_file("/t/c"), 0);         /* at its position */
    expect_is(rename_file("/t/b", "/t/B"), 0); /* returned already */
    expect_is(rename_file("/t/d", "/t/D"), 0); /* not yet */
    expect_is(rename_file("/t/f", "/t/e"), 0); /* one takes the other's name */
    make_file("/t/new");
    expect_name(dir, "D");
    expect_name(dir, "e");
    expect(!read_name(dir));
    file_put(dir);
    remove_all("/t");
}

/* A reader that goes back to the start sees what was made since. */
KTEST(fs, readdir_from_the_start_again)
{
    struct file *dir;

    make_dir("/t");
    make_file("/t/a");
    dir = open_file("/t", O_RDONLY);
    if (!dir)
        return;
    while (read_name(dir))
        ;
    make_file("/t/b");
    expect(!read_name(dir));
    expect_is(file_seek(dir, 0, SEEK_SET), 0);
    expect_name(dir, ".");
    expect_name(dir, "..");
    expect_name(dir, "a");
    expect_name(dir, "b");
    expect(!read_name(dir));
    file_put(dir);
    remove_all("/t");
}

/* Readers that make or rename a file for each one that they find come to an end. */
KTEST(fs, readdir_ends)
{
    struct file *dir;
    char path[32], other[32];
    u32 count = 0;

    make_dir("/t");
    make_file("/t/0");
    make_file("/t/1");
    dir = open_file("/t", O_RDONLY);
    if (!dir)
        return;
    while (count < 20 && read_name(dir)) {
        snprintf(path, sizeof(path), "/t/x%u", count++);
        make_file(path);
        snprintf(other, sizeof(other), "/t/y%u", count);
        expect_is(rename_file(path, other), 0);
    }
    expect_is(count, 4);
    file_put(dir);
    remove_all("/t");
}

/* Enough that a walk along a list would be slow; each is found, returned once, and removed. */
KTEST(fs, many_entries)
{
    const u32 n = fs_names_max() > 6000 ? 5000 : 500;
    struct file *dir;
    char path[32];
    u32 count = 0;

    make_dir("/t");
    for (u32 i = 0; i < n; i++) {
        snprintf(path, sizeof(path), "/t/file%u", i * 7919 % n);
        if (vfs_mknod(root(), path, S_IFREG | 0644, 0) != 0)
            make_file(path); /* reports errors */
    }
    expect_is(inode_at("/t")->dir.entries, n);
    expect_none(fs_check());
    dir = open_file("/t", O_RDONLY);
    while (dir && read_name(dir))
        count++;
    expect_is(count, n + 2);
    for (u32 i = 0; i < n; i += 2) {
        snprintf(path, sizeof(path), "/t/file%u", i);
        expect_is(remove_file(path), 0);
        expect_is(lookup_error(path, 0), -ENOENT);
    }
    expect_none(fs_check());
    file_put(dir);
    remove_all("/t");
}

/* ---- the check ---- */

/* Break a number, expect the check and the audit to report it, and repair it. */
#define expect_noticed(field, value, part)                                                         \
    ({                                                                                             \
        __typeof__(field) kept_ = (field);                                                         \
        const char *text_;                                                                         \
        (field) = (value);                                                                         \
        text_ = fs_check();                                                                        \
        if (!text_ || !strstr(text_, part))                                                        \
            ktest_fail(__FILE__, __LINE__, "%s: \"%s\" instead of \"%s\"", #field,                 \
                       text_ ? text_ : "nothing", part);                                           \
        expect(mm_audit() != NULL);                                                                \
        (field) = kept_;                                                                           \
        expect_none(fs_check());                                                                   \
    })

KTEST(fs, check_notices)
{
    struct dir_entry *entry;
    struct inode *dir, *file;

    make_dir("/t");
    make_dir("/t/sub");
    make_file("/t/sub/f");
    make_file("/t/sub/g");
    dir = inode_at("/t/sub");
    file = inode_at("/t/sub/f");
    entry = list_first_entry(&file->names, struct dir_entry, link);
    expect_noticed(dir->dir.entries, 1, "entries");
    expect_noticed(dir->dir.entries, 3, "entries");
    expect_noticed(dir->nlink, 3, "links of a directory");
    expect_noticed(file->nlink, 2, "links");
    expect_noticed(file->data.refcount, 0, "references");
    expect_noticed(entry->dir, root(), "another directory");
    expect_noticed(entry->removed, true, "another directory");
    expect_noticed(entry->hash, entry->hash ^ 0x80000000, "");
    expect_noticed(entry->name[0], 'x', "not found");
    expect_noticed(entry->cookie, 77, "");
    expect_noticed(entry->inode, inode_at("/t/sub/g"), "entries of all");
    expect_noticed(inode_count, 2, "inodes");
    remove_all("/t");
}
