/*
 * What a process begins its paths with: the working directory, the root directory; and the mode
 * that its new files do not get.
 *
 * Neighbours: kernel/process/user_path.c starts there; sys_dir.c has the calls for names.
 */
#include <arch/x86/uaccess.h>
#include <asm/errno.h>
#include <fs/fs.h>
#include <kernel/process/user_path.h>
#include <kernel/syscall/syscall.h>
#include <kernel/task.h>
#include <lib/detach.h>
#include <lib/string.h>
#include <linux/fcntl.h>
#include <linux/stat.h>
#include <mm/frame/slab.h>

long sys_umask(struct pt_regs *regs)
{
    u32 old = current->umask;

    current->umask = regs->ebx & 0777;
    return old;
}

/* Takes over the reference. */
static long set_folder(struct inode **folder, struct inode *inode)
{
    struct inode *old;

    if (!S_ISDIR(inode->mode)) {
        inode_put(inode);
        return -ENOTDIR;
    }
    old = exchange(folder, inode);
    if (old)
        inode_put(old);
    return 0;
}

long sys_chdir(struct pt_regs *regs)
{
    struct inode *inode;
    long err = user_lookup(AT_FDCWD, (const char *)regs->ebx, 0, &inode);

    return err ? err : set_folder(&current->cwd, inode);
}

long sys_fchdir(struct pt_regs *regs)
{
    struct inode *inode;
    long err = user_fd_inode(regs->ebx, false, &inode);

    return err ? err : set_folder(&current->cwd, inode);
}

static struct inode *current_root(void)
{
    return current->root ? current->root : fs_root();
}

/* The working directory does not change, and may lie outside then. */
long sys_chroot(struct pt_regs *regs)
{
    struct inode *inode;
    long err = user_lookup(AT_FDCWD, (const char *)regs->ebx, 0, &inode);

    fs_current_root = current_root; /* NULL before the first chroot(2) */
    return err ? err : set_folder(&current->root, inode);
}

/* Returns the length with the 0. */
static long cwd_to_user(char *path, char *user_buf, u32 size)
{
    bool inside = !current->root || dir_lies_in(current->cwd, current->root);
    u32 mark = strscpy(path, inside ? "" : "(unreachable)", PATH_SIZE);
    long length = inode_path(current->cwd, path + mark, PATH_SIZE - mark);

    if (length < 0)
        return length;
    length += mark;
    if ((u32)length + 1 > size)
        return -ERANGE;
    return copy_to_user(user_buf, path, length + 1) ? -EFAULT : length + 1;
}

long sys_getcwd(struct pt_regs *regs)
{
    char *path;
    long result;

    if (inode_is_removed(current->cwd))
        return -ENOENT;
    path = kmalloc(PATH_SIZE);
    if (!path)
        return -ENOMEM;
    result = cwd_to_user(path, (char *)regs->ebx, regs->ecx);
    kfree(path);
    return result;
}
