/* For tests of files: user memory for reads and writes, and short functions to make files. */
#pragma once

#include <arch/x86/uaccess.h>
#include <asm/errno.h>
#include <asm/fcntl.h>
#include <fs/internal.h>
#include <kernel/monitor/ktest.h>
#include <kernel/task.h>
#include <lib/string.h>
#include <linux/stat.h>
#include <mm/user/mm.h>

#define __maybe_unused __attribute__((unused))

#define USER_BUF  ((char *)0x10000000u)
#define USER_SIZE 0x80000u /* nothing is mapped after it */

/*
 * expect_eq() that prints file, line and the two numbers, but not their texts: these tests have so
 * many of them that the texts would be a tenth of the kernel's image.
 */
#define expect_is(a, b) expect_is_at(__FILE__, __LINE__, (u32)(a), (u32)(b))

static __noinline __maybe_unused bool expect_is_at(const char *file, u32 line, u32 a, u32 b)
{
    if (a != b)
        ktest_fail(file, line, "got %d (0x%x), expected %d (0x%x)", (s32)a, a, (s32)b, b);
    return a == b;
}

/* Borrow an address space with one area of memory. */
static __noinline __maybe_unused bool user_enter(void)
{
    struct mm *mm = mm_create();

    if (!expect(mm != NULL))
        return false;
    current->mm = mm;
    mm_switch(mm);
    return expect_is(mm_add_area(mm, (u32)USER_BUF, USER_SIZE, VM_READ | VM_WRITE, NULL, NULL, 0),
                     0);
}

static __noinline __maybe_unused void user_leave(void)
{
    struct mm *mm = current->mm;

    current->mm = NULL;
    mm_put(mm);
}

static __noinline __maybe_unused long write_at(struct file *file, const void *from, u32 size,
                                               u64 *pos)
{
    expect_is(copy_to_user(USER_BUF, from, size), 0);
    return file_write(file, USER_BUF, size, pos);
}

static __noinline __maybe_unused long write_text(struct file *file, const char *text)
{
    return write_at(file, text, strlen(text), &file->pos);
}

static __noinline __maybe_unused long read_at(struct file *file, void *to, u32 size, u64 *pos)
{
    long got = file_read(file, USER_BUF, size, pos);

    if (got > 0)
        expect_is(copy_from_user(to, USER_BUF, got), 0);
    return got;
}

/* The next bytes of the file are these. */
static __noinline __maybe_unused void expect_text(struct file *file, const char *text)
{
    char buf[128] = "";

    assert(strlen(text) < sizeof(buf));
    expect_is(read_at(file, buf, strlen(text), &file->pos), strlen(text));
    expect_str_eq(buf, text);
}

/* An open file, or NULL after a failed expectation. */
static __noinline __maybe_unused struct file *open_file(const char *path, u32 flags)
{
    struct file *file = NULL;
    int err = file_open(fs_root(), path, flags, 0644, &file);

    if (err)
        ktest_fail(__FILE__, __LINE__, "%s cannot be opened: error %d", path, -err);
    return file;
}

/* The error of opening when it must fail; 0 after closing a file that should not have opened. */
static __noinline __maybe_unused int open_error(const char *path, u32 flags)
{
    struct file *file;
    int err = file_open(fs_root(), path, flags, 0644, &file);

    if (!err)
        file_put(file);
    return err;
}

static __noinline __maybe_unused bool make_file(const char *path)
{
    return expect_is(vfs_mknod(fs_root(), path, S_IFREG | 0644, 0), 0);
}

static __noinline __maybe_unused bool make_dir(const char *path)
{
    return expect_is(vfs_mkdir(fs_root(), path, 0755), 0);
}

static __noinline __maybe_unused int remove_file(const char *path)
{
    return vfs_unlink(fs_root(), path);
}

static __noinline __maybe_unused int remove_dir(const char *path)
{
    return vfs_rmdir(fs_root(), path);
}

static __noinline __maybe_unused int rename_file(const char *from, const char *to)
{
    return vfs_rename(fs_root(), from, fs_root(), to, 0);
}

/* 0, or the error of looking the path up. */
static __noinline __maybe_unused int lookup_error(const char *path, u32 flags)
{
    struct inode *inode;
    int err = path_lookup(fs_root(), path, flags, &inode);

    if (!err)
        inode_put(inode);
    return err;
}

/* The inode, valid as long as it has its name; NULL after a failed expectation. */
static __noinline __maybe_unused struct inode *inode_at(const char *path)
{
    struct inode *inode;
    int err = path_lookup(fs_root(), path, LOOKUP_NOFOLLOW, &inode);

    if (err) {
        ktest_fail(__FILE__, __LINE__, "%s is not there: error %d", path, -err);
        return NULL;
    }
    inode_put(inode);
    return inode;
}

/* Remove everything in a directory, and the directory. */
static __noinline __maybe_unused void remove_all(const char *path)
{
    static char name[3 * NAME_MAX_];
    u32 ino, type, len = strlen(path);
    u64 next;

    for (;;) {
        struct inode *dir = inode_at(path);

        if (!dir || inode_readdir(dir, COOKIE_FIRST, name + len + 1, &ino, &type, &next) != 1)
            break;
        memcpy(name, path, len);
        name[len] = '/';
        if (type == S_IFDIR >> 12) {
            char sub[256];

            strscpy(sub, name, sizeof(sub));
            remove_all(sub);
        } else if (!expect_is(remove_file(name), 0)) {
            return;
        }
    }
    expect_is(remove_dir(path), 0);
}
