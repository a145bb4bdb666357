/*
 * Calls for names: creating, linking, renaming and removing them, listing directories. Each is its
 * *at form; the plain one starts at the working directory.
 *
 * getdents() packs records into the program's buffer one by one and advances the directory's
 * position with each, so that nothing is lost if a part of the buffer is bad: the call returns what
 * was delivered, and the next call the rest.
 *
 * Limits: there is one user, root, so no permission is checked. renameat2() supports only
 * RENAME_NOREPLACE.
 *
 * Neighbours: fs/namei.c does the work; kernel/process/user_path.c copies the paths.
 */
#include <arch/x86/uaccess.h>
#include <asm/errno.h>
#include <kernel/process/fdtable.h>
#include <kernel/process/user_path.h>
#include <kernel/syscall/syscall.h>
#include <lib/resched.h>
#include <lib/string.h>
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/stat.h>
#include <mm/frame/slab.h>

#define MODE_BITS 07777u

/* ---- creating ---- */

static u32 masked(u32 mode)
{
    return mode & ~current->umask;
}

static long do_mkdir(s32 dirfd, const char *path, u32 mode)
{
    struct user_name name;
    long err = user_name_get(&name, dirfd, path);

    if (err)
        return err;
    err = vfs_mkdir(name.base, name.path, masked(mode) & 01777);
    user_name_put(&name);
    return err;
}

long sys_mkdir(struct pt_regs *regs)
{
    return do_mkdir(AT_FDCWD, (const char *)regs->ebx, regs->ecx);
}

long sys_mkdirat(struct pt_regs *regs)
{
    return do_mkdir(regs->ebx, (const char *)regs->ecx, regs->edx);
}

static long do_mknod(s32 dirfd, const char *path, u32 mode, u32 rdev)
{
    struct user_name name;
    long err;

    if (S_ISDIR(mode))
        return -EPERM;
    err = user_name_get(&name, dirfd, path);
    if (err)
        return err;
    err = vfs_mknod(name.base, name.path, (mode & S_IFMT) | (masked(mode) & MODE_BITS), rdev);
    user_name_put(&name);
    return err;
}

long sys_mknod(struct pt_regs *regs)
{
    return do_mknod(AT_FDCWD, (const char *)regs->ebx, regs->ecx, regs->edx);
}

long sys_mknodat(struct pt_regs *regs)
{
    return do_mknod(regs->ebx, (const char *)regs->ecx, regs->edx, regs->esi);
}

static long do_symlink(const char *user_target, s32 dirfd, const char *path)
{
    struct user_name name;
    char *target;
    long err = user_path(user_target, false, &target);

    if (err)
        return err;
    err = user_name_get(&name, dirfd, path);
    if (err == 0) {
        err = vfs_symlink(name.base, target, name.path);
        user_name_put(&name);
    }
    user_path_free(target);
    return err;
}

long sys_symlink(struct pt_regs *regs)
{
    return do_symlink((const char *)regs->ebx, AT_FDCWD, (const char *)regs->ecx);
}

long sys_symlinkat(struct pt_regs *regs)
{
    return do_symlink((const char *)regs->ebx, regs->ecx, (const char *)regs->edx);
}

/* ---- two names ---- */

struct two_names {
    struct user_name old, new;
};

static long two_names_get(struct two_names *names, s32 old_fd, const char *old, s32 new_fd,
                          const char *new)
{
    long err = user_name_get(&names->old, old_fd, old);

    if (err)
        return err;
    err = user_name_get(&names->new, new_fd, new);
    if (err)
        user_name_put(&names->old);
    return err;
}

static void two_names_put(struct two_names *names)
{
    user_name_put(&names->old);
    user_name_put(&names->new);
}

static long do_link(s32 old_fd, const char *old, s32 new_fd, const char *new, u32 flags)
{
    struct two_names names;
    long err;

    if (flags & ~AT_SYMLINK_FOLLOW)
        return -EINVAL;
    err = two_names_get(&names, old_fd, old, new_fd, new);
    if (err)
        return err;
    err = vfs_link(names.old.base, names.old.path, names.new.base, names.new.path,
                   flags & AT_SYMLINK_FOLLOW ? 0 : LOOKUP_NOFOLLOW);
    two_names_put(&names);
    return err;
}

long sys_link(struct pt_regs *regs)
{
    return do_link(AT_FDCWD, (const char *)regs->ebx, AT_FDCWD, (const char *)regs->ecx, 0);
}

long sys_linkat(struct pt_regs *regs)
{
    return do_link(regs->ebx, (const char *)regs->ecx, regs->edx, (const char *)regs->esi,
                   regs->edi);
}

static long do_rename(s32 old_fd, const char *old, s32 new_fd, const char *new, u32 flags)
{
    struct two_names names;
    long err;

    if (flags & ~RENAME_NOREPLACE)
        return -EINVAL;
    err = two_names_get(&names, old_fd, old, new_fd, new);
    if (err)
        return err;
    err = vfs_rename(names.old.base, names.old.path, names.new.base, names.new.path, flags);
    two_names_put(&names);
    return err;
}

long sys_rename(struct pt_regs *regs)
{
    return do_rename(AT_FDCWD, (const char *)regs->ebx, AT_FDCWD, (const char *)regs->ecx, 0);
}

long sys_renameat(struct pt_regs *regs)
{
    return do_rename(regs->ebx, (const char *)regs->ecx, regs->edx, (const char *)regs->esi, 0);
}

long sys_renameat2(struct pt_regs *regs)
{
    return do_rename(regs->ebx, (const char *)regs->ecx, regs->edx, (const char *)regs->esi,
                     regs->edi);
}

/* ---- removing ---- */

static long do_remove(s32 dirfd, const char *path, bool directory)
{
    struct user_name name;
    long err = user_name_get(&name, dirfd, path);

    if (err)
        return err;
    err = directory ? vfs_rmdir(name.base, name.path) : vfs_unlink(name.base, name.path);
    user_name_put(&name);
    return err;
}

long sys_rmdir(struct pt_regs *regs)
{
    return do_remove(AT_FDCWD, (const char *)regs->ebx, true);
}

long sys_unlink(struct pt_regs *regs)
{
    return do_remove(AT_FDCWD, (const char *)regs->ebx, false);
}

long sys_unlinkat(struct pt_regs *regs)
{
    if (regs->edx & ~AT_REMOVEDIR)
        return -EINVAL;
    return do_remove(regs->ebx, (const char *)regs->ecx, regs->edx & AT_REMOVEDIR);
}

/* ---- symbolic links ---- */

static long read_link(struct inode *inode, char *user_buf, u32 size)
{
    char *target;
    long length;

    if (!S_ISLNK(inode->mode))
        return -EINVAL;
    target = kmalloc(PATH_SIZE);
    if (!target)
        return -ENOMEM;
    length = inode_readlink(inode, target, PATH_SIZE);
    if (length >= 0) {
        length = min((u32)length, size);
        if (copy_to_user(user_buf, target, length))
            length = -EFAULT;
    }
    kfree(target);
    return length;
}

static long do_readlink(s32 dirfd, const char *path, char *user_buf, s32 size)
{
    struct inode *inode;
    long result;

    if (size <= 0)
        return -EINVAL;
    result = user_lookup(dirfd, path, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH, &inode);
    if (result)
        return result;
    result = read_link(inode, user_buf, size);
    inode_put(inode);
    return result;
}

long sys_readlink(struct pt_regs *regs)
{
    return do_readlink(AT_FDCWD, (const char *)regs->ebx, (char *)regs->ecx, regs->edx);
}

long sys_readlinkat(struct pt_regs *regs)
{
    return do_readlink(regs->ebx, (const char *)regs->ecx, (char *)regs->edx, regs->esi);
}

/* ---- listing ---- */

/*
 * A record (man 2 getdents; UAPI has no header for it): for getdents64 two u64, the length, the
 * type, the name; for getdents two u32, the length, the name, and the type in the record's last
 * byte.
 */
struct dirent64 {
    u64 ino, next;
    u16 reclen;
    u8 type;
    char name[];
} __attribute__((packed));

struct dirent32 {
    u32 ino, next;
    u16 reclen;
    char name[];
};

#define DIRENT_SIZE_MAX (sizeof(struct dirent64) + NAME_MAX_ + 1 + 8)

struct dir_record {
    char name[NAME_MAX_ + 1];
    u32 ino, type;
    u64 next;
};

/* Write its bytes to buf; returns how many. */
static u32 pack64(void *buf, const struct dir_record *record)
{
    struct dirent64 *dirent = buf;
    u32 length = strlen(record->name);
    u32 size = ALIGN_UP(sizeof(*dirent) + length + 1, 8);

    memset(buf, 0, size);
    dirent->ino = record->ino;
    dirent->next = record->next;
    dirent->reclen = size;
    dirent->type = record->type;
    memcpy(dirent->name, record->name, length);
    return size;
}

static u32 pack32(void *buf, const struct dir_record *record)
{
    struct dirent32 *dirent = buf;
    u32 length = strlen(record->name), at = offsetof(struct dirent32, name);
    u32 size = ALIGN_UP(at + length + 2, 4);

    memset(buf, 0, size);
    dirent->ino = record->ino;
    dirent->next = record->next;
    dirent->reclen = size;
    memcpy(dirent->name, record->name, length);
    ((u8 *)buf)[size - 1] = record->type;
    return size;
}

static long do_getdents(const struct pt_regs *regs,
                        u32 (*pack)(void *buf, const struct dir_record *record))
{
    struct file *file = fd_get_for_io(regs->ebx);
    char *user_buf = (char *)regs->ecx;
    u32 room = regs->edx, used = 0;
    struct dir_record record;
    u8 buf[DIRENT_SIZE_MAX];
    long err = 0;

    if (!file)
        return -EBADF;
    if (!S_ISDIR(file->inode->mode))
        return -ENOTDIR;
    for (;;) {
        u32 size;

        err = file_readdir(file, record.name, &record.ino, &record.type, &record.next);
        if (err <= 0)
            break;
        size = pack(buf, &record);
        err = -EINVAL; /* no room for even one */
        if (size > room - used)
            break;
        err = -EFAULT;
        if (copy_to_user(user_buf + used, buf, size))
            break;
        used += size;
        file->pos = record.next;
        cond_resched();
    }
    return used ? (long)used : err;
}

long sys_getdents(struct pt_regs *regs)
{
    return do_getdents(regs, pack32);
}

long sys_getdents64(struct pt_regs *regs)
{
    return do_getdents(regs, pack64);
}
