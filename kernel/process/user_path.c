/*
 * Paths that programs pass: copied from their memory, with the directory where they start.
 *
 * The whole path is copied before the lookup, into a buffer from kmalloc(): the kernel stack has no
 * room for 4096 bytes, and later changes by the program have no effect. Every call with a path uses
 * this: the plain ones start at the working directory, the *at ones at a descriptor, both at the
 * root when the path begins with "/".
 *
 * The order of errors is Linux's: first the path itself (EFAULT, ENAMETOOLONG, ENOENT when empty),
 * then the descriptor, then the lookup.
 *
 * Neighbours: fs/namei.c walks paths; kernel/syscall/sys_dir.c, sys_cwd.c, sys_stat.c, sys_attr.c
 * and sys_file.c are the calls.
 */
#include <arch/x86/uaccess.h>
#include <asm/errno.h>
#include <kernel/process/fdtable.h>
#include <kernel/process/user_path.h>
#include <lib/detach.h>
#include <linux/fcntl.h>
#include <linux/stat.h>
#include <mm/frame/slab.h>

int user_path(const char *user_path, bool empty, char **out)
{
    char *path = kmalloc(PATH_SIZE);
    long length;

    if (!path)
        return -ENOMEM;
    length = strncpy_from_user(path, user_path, PATH_SIZE);
    if (length == 0 && !empty)
        length = -ENOENT;
    if (length < 0) {
        kfree(path);
        return length;
    }
    *out = path;
    return 0;
}

void user_path_free(char *path)
{
    kfree(path);
}

/*
 * The directory where a relative path of an *at call starts, with a reference: AT_FDCWD is the
 * working directory. 0, -EBADF, -ENOTDIR.
 */
static int user_path_base(s32 dirfd, const char *path, struct inode **base)
{
    struct file *file;

    if (*path == '/') {
        *base = fs_root();
    } else if (dirfd == AT_FDCWD) {
        *base = current->cwd;
    } else {
        file = fd_get(dirfd);
        if (!file)
            return -EBADF;
        if (!S_ISDIR(file->inode->mode))
            return -ENOTDIR;
        *base = file->inode;
    }
    inode_get(*base);
    return 0;
}

int user_name_get(struct user_name *name, s32 dirfd, const char *path)
{
    int err = user_path(path, false, &name->path);

    if (err)
        return err;
    err = user_path_base(dirfd, name->path, &name->base);
    if (err)
        user_path_free(name->path);
    return err;
}

void user_name_put(struct user_name *name)
{
    inode_put(detach(&name->base));
    user_path_free(name->path);
}

int user_fd_inode(u32 fd, bool io, struct inode **out)
{
    struct file *file = io ? fd_get_for_io(fd) : fd_get(fd);

    if (!file)
        return -EBADF;
    *out = file->inode;
    inode_get(*out);
    return 0;
}

static int lookup_copied(s32 dirfd, const char *path, u32 at_flags, struct inode **out)
{
    struct inode *base;
    int err;

    if (!*path) {
        if (dirfd != AT_FDCWD)
            return user_fd_inode(dirfd, false, out);
        *out = current->cwd;
        inode_get(*out);
        return 0;
    }
    err = user_path_base(dirfd, path, &base);
    if (err)
        return err;
    err = path_lookup(base, path, at_flags & AT_SYMLINK_NOFOLLOW ? LOOKUP_NOFOLLOW : 0, out);
    inode_put(base);
    return err;
}

int user_lookup(s32 dirfd, const char *user, u32 at_flags, struct inode **out)
{
    char *path;
    int err = user_path(user, at_flags & AT_EMPTY_PATH, &path);

    if (err)
        return err;
    err = lookup_copied(dirfd, path, at_flags, out);
    user_path_free(path);
    return err;
}
