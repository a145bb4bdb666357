/*
 * Calls that return information about files and the file system: stat in all its versions (the
 * oldest, the one with 16-bit owners, stat64, statx), and statfs.
 *
 * A separate function fills each of the structures; the lookup of the inode is shared. A value that
 * does not fit into a structure gives EOVERFLOW, never a wrong number.
 *
 * All files are on device 0:1 except those of /proc, which programs recognize by statfs().
 *
 * Neighbours: fs/fs.h has struct inode; kernel/syscall/sys_attr.c changes what is returned here.
 */
#include <arch/x86/uaccess.h>
#include <asm/errno.h>
#include <asm/stat.h>
#include <asm/statfs.h>
#include <fs/fs.h>
#include <kernel/process/user_path.h>
#include <kernel/syscall/syscall.h>
#include <lib/string.h>
#include <linux/fcntl.h>
#include <linux/magic.h>
#include <linux/stat.h>
#include <mm/frame/page_alloc.h>

/*
 * Contents in units of 512 bytes: pages that were written to. A file from the archive counts as a
 * whole.
 */
static u32 blocks(const struct inode *inode)
{
    const struct address_space *data = &inode->data;
    u32 pages = data->backing_size ? PFN_UP(data->size) : data->nrpages - data->nrclean;

    return S_ISREG(inode->mode) ? pages * (PAGE_SIZE / 512) : 0;
}

/*
 * The size of a symbolic link is the length of its text; links in /proc generate it only when they
 * are read.
 */
static u32 size_of(const struct inode *inode)
{
    return S_ISLNK(inode->mode) && inode->link ? strlen(inode->link) : inode->data.size;
}

/* ---- stat ---- */

static int to_stat(struct stat *st, const struct inode *inode)
{
    *st = (struct stat){
        .st_dev = inode->dev,
        .st_ino = inode->ino,
        .st_mode = inode->mode,
        .st_nlink = inode->nlink,
        .st_uid = inode->uid > 0xffff ? 65534 : inode->uid,
        .st_gid = inode->gid > 0xffff ? 65534 : inode->gid,
        .st_rdev = inode->rdev,
        .st_size = size_of(inode),
        .st_blksize = PAGE_SIZE,
        .st_blocks = blocks(inode),
        .st_atime = inode->atime.sec,
        .st_atime_nsec = inode->atime.nsec,
        .st_mtime = inode->mtime.sec,
        .st_mtime_nsec = inode->mtime.nsec,
        .st_ctime = inode->ctime.sec,
        .st_ctime_nsec = inode->ctime.nsec,
    };
    return inode->nlink > 0xffff ? -EOVERFLOW : 0;
}

/* There is padding behind st_rdev. */
static int to_old_stat(struct __old_kernel_stat *st, const struct inode *inode)
{
    memset(st, 0, sizeof(*st));
    st->st_dev = inode->dev;
    st->st_ino = inode->ino;
    st->st_mode = inode->mode;
    st->st_nlink = inode->nlink;
    st->st_uid = inode->uid > 0xffff ? 65534 : inode->uid;
    st->st_gid = inode->gid > 0xffff ? 65534 : inode->gid;
    st->st_rdev = inode->rdev;
    st->st_size = size_of(inode);
    st->st_atime = inode->atime.sec;
    st->st_mtime = inode->mtime.sec;
    st->st_ctime = inode->ctime.sec;
    return inode->nlink > 0xffff || inode->ino > 0xffff ? -EOVERFLOW : 0;
}

static void to_stat64(struct stat64 *st, const struct inode *inode)
{
    *st = (struct stat64){
        .st_dev = inode->dev,
        .__st_ino = inode->ino,
        .st_mode = inode->mode,
        .st_nlink = inode->nlink,
        .st_uid = inode->uid,
        .st_gid = inode->gid,
        .st_rdev = inode->rdev,
        .st_size = size_of(inode),
        .st_blksize = PAGE_SIZE,
        .st_blocks = blocks(inode),
        .st_atime = inode->atime.sec,
        .st_atime_nsec = inode->atime.nsec,
        .st_mtime = inode->mtime.sec,
        .st_mtime_nsec = inode->mtime.nsec,
        .st_ctime = inode->ctime.sec,
        .st_ctime_nsec = inode->ctime.nsec,
        .st_ino = inode->ino,
    };
}

/* Each of these drops the reference of the inode. */
static long tell_stat(struct inode *inode, void *user)
{
    struct stat st;
    int err = to_stat(&st, inode);

    inode_put(inode);
    if (err)
        return err;
    return copy_object_to_user(user, &st);
}

static long tell_old_stat(struct inode *inode, void *user)
{
    struct __old_kernel_stat st;
    int err = to_old_stat(&st, inode);

    inode_put(inode);
    if (err)
        return err;
    return copy_object_to_user(user, &st);
}

static long tell_stat64(struct inode *inode, void *user)
{
    struct stat64 st;

    to_stat64(&st, inode);
    inode_put(inode);
    return copy_object_to_user(user, &st);
}

typedef long (*tell_t)(struct inode *inode, void *user);

static long path_stat(const struct pt_regs *regs, u32 at_flags, tell_t tell)
{
    struct inode *inode;
    long err = user_lookup(AT_FDCWD, (const char *)regs->ebx, at_flags, &inode);

    return err ? err : tell(inode, (void *)regs->ecx);
}

static long fd_stat(const struct pt_regs *regs, tell_t tell)
{
    struct inode *inode;
    long err = user_fd_inode(regs->ebx, false, &inode);

    return err ? err : tell(inode, (void *)regs->ecx);
}

long sys_oldstat(struct pt_regs *regs)
{
    return path_stat(regs, 0, tell_old_stat);
}

long sys_oldlstat(struct pt_regs *regs)
{
    return path_stat(regs, AT_SYMLINK_NOFOLLOW, tell_old_stat);
}

long sys_oldfstat(struct pt_regs *regs)
{
    return fd_stat(regs, tell_old_stat);
}

long sys_stat(struct pt_regs *regs)
{
    return path_stat(regs, 0, tell_stat);
}

long sys_lstat(struct pt_regs *regs)
{
    return path_stat(regs, AT_SYMLINK_NOFOLLOW, tell_stat);
}

long sys_fstat(struct pt_regs *regs)
{
    return fd_stat(regs, tell_stat);
}

long sys_stat64(struct pt_regs *regs)
{
    return path_stat(regs, 0, tell_stat64);
}

long sys_lstat64(struct pt_regs *regs)
{
    return path_stat(regs, AT_SYMLINK_NOFOLLOW, tell_stat64);
}

long sys_fstat64(struct pt_regs *regs)
{
    return fd_stat(regs, tell_stat64);
}

long sys_fstatat64(struct pt_regs *regs)
{
    struct inode *inode;
    long err;

    if (regs->esi & ~(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH))
        return -EINVAL;
    err = user_lookup(regs->ebx, (const char *)regs->ecx, regs->esi, &inode);
    return err ? err : tell_stat64(inode, (void *)regs->edx);
}

/* ---- statx ---- */

static struct statx_timestamp timestamp(const struct timespec_fs *time)
{
    return (struct statx_timestamp){.tv_sec = time->sec, .tv_nsec = time->nsec};
}

static void to_statx(struct statx *st, const struct inode *inode)
{
    *st = (struct statx){
        .stx_mask = STATX_BASIC_STATS,
        .stx_blksize = PAGE_SIZE,
        .stx_nlink = inode->nlink,
        .stx_uid = inode->uid,
        .stx_gid = inode->gid,
        .stx_mode = inode->mode,
        .stx_ino = inode->ino,
        .stx_size = size_of(inode),
        .stx_blocks = blocks(inode),
        .stx_atime = timestamp(&inode->atime),
        .stx_ctime = timestamp(&inode->ctime),
        .stx_mtime = timestamp(&inode->mtime),
        .stx_rdev_major = inode->rdev >> 8,
        .stx_rdev_minor = inode->rdev & 0xff,
        .stx_dev_major = inode->dev >> 8,
        .stx_dev_minor = inode->dev & 0xff,
    };
}

long sys_statx(struct pt_regs *regs)
{
    u32 flags = regs->edx, mask = regs->esi;
    struct inode *inode;
    struct statx st;
    long err;

    if (mask & STATX__RESERVED || (flags & AT_STATX_SYNC_TYPE) == AT_STATX_SYNC_TYPE ||
        flags & ~(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH | AT_STATX_SYNC_TYPE))
        return -EINVAL;
    err = user_lookup(regs->ebx, (const char *)regs->ecx, flags, &inode);
    if (err)
        return err;
    to_statx(&st, inode);
    inode_put(inode);
    return copy_object_to_user((void *)regs->edi, &st);
}

/* ---- statfs ---- */

/* True for inodes of /proc. */
static bool is_made_up(const struct inode *inode)
{
    if (S_ISREG(inode->mode))
        return !inode->fops->mappable;
    return inode->pid_file || (S_ISDIR(inode->mode) && inode->dir.ops);
}

/*
 * Size and free space of the file system are those of memory. Both structures have the same
 * members, of different sizes.
 */
#define FILL_STATFS(st, inode)                                                                     \
    do {                                                                                           \
        bool pages_ = !is_made_up(inode);                                                          \
        memset(st, 0, sizeof(*(st)));                                                              \
        (st)->f_type = pages_ ? TMPFS_MAGIC : PROC_SUPER_MAGIC;                                    \
        (st)->f_bsize = (st)->f_frsize = PAGE_SIZE;                                                \
        (st)->f_blocks = pages_ ? nr_managed_pages() : 0;                                          \
        (st)->f_bfree = (st)->f_bavail = pages_ ? nr_free_pages() : 0;                             \
        (st)->f_files = pages_ ? fs_names_max() : 0;                                               \
        (st)->f_ffree = pages_ ? fs_names_max() - min(fs_names, fs_names_max()) : 0;               \
        (st)->f_namelen = NAME_MAX_;                                                               \
    } while (0)

static long tell_statfs(struct inode *inode, void *user)
{
    struct statfs st;

    FILL_STATFS(&st, inode);
    inode_put(inode);
    return copy_object_to_user(user, &st);
}

static long tell_statfs64(struct inode *inode, void *user)
{
    struct statfs64 st;

    FILL_STATFS(&st, inode);
    inode_put(inode);
    return copy_object_to_user(user, &st);
}

long sys_statfs(struct pt_regs *regs)
{
    return path_stat(regs, 0, tell_statfs);
}

long sys_fstatfs(struct pt_regs *regs)
{
    return fd_stat(regs, tell_statfs);
}

/* These get the size of the program's structure. */
long sys_statfs64(struct pt_regs *regs)
{
    struct inode *inode;
    long err;

    if (regs->ecx != sizeof(struct statfs64))
        return -EINVAL;
    err = user_lookup(AT_FDCWD, (const char *)regs->ebx, 0, &inode);
    return err ? err : tell_statfs64(inode, (void *)regs->edx);
}

long sys_fstatfs64(struct pt_regs *regs)
{
    struct inode *inode;
    long err;

    if (regs->ecx != sizeof(struct statfs64))
        return -EINVAL;
    err = user_fd_inode(regs->ebx, false, &inode);
    return err ? err : tell_statfs64(inode, (void *)regs->edx);
}
