/*
 * Calls for the attributes of an inode: mode, owner, times.
 *
 * Modes and owners are stored and returned, but forbid nothing: every process is root. access()
 * returns what Linux returns for root: everything is allowed, but a file without any x bit cannot
 * be executed.
 *
 * Times come in five shapes (seconds, microseconds, nanoseconds, 32 and 64 bits); each is first
 * converted to a pair of struct timespec_fs, whose nsec may be UTIME_NOW or UTIME_OMIT.
 *
 * Neighbours: fs/fs.h has struct inode; kernel/syscall/sys_stat.c returns what is changed here.
 */
#include <arch/x86/uaccess.h>
#include <asm/errno.h>
#include <fs/fs.h>
#include <kernel/process/user_path.h>
#include <kernel/syscall/syscall.h>
#include <linux/fcntl.h>
#include <linux/stat.h>
#include <linux/time_types.h>
#include <linux/utime.h>

#define MODE_BITS 07777u

/* man 2 access, man 2 utimensat; these are in libc, not in UAPI headers. */
#define X_OK       1u
#define ACCESS_ALL 7u
#define UTIME_NOW  0x3fffffffu
#define UTIME_OMIT 0x3ffffffeu

/* ---- access ---- */

static long do_access(s32 dirfd, const char *path, u32 mode, u32 at_flags)
{
    struct inode *inode;
    long err;

    if (mode & ~ACCESS_ALL || at_flags & ~(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
        return -EINVAL;
    err = user_lookup(dirfd, path, at_flags, &inode);
    if (err)
        return err;
    if (mode & X_OK && !S_ISDIR(inode->mode) && !(inode->mode & (S_IXUSR | S_IXGRP | S_IXOTH)))
        err = -EACCES;
    inode_put(inode);
    return err;
}

long sys_access(struct pt_regs *regs)
{
    return do_access(AT_FDCWD, (const char *)regs->ebx, regs->ecx, 0);
}

long sys_faccessat(struct pt_regs *regs)
{
    return do_access(regs->ebx, (const char *)regs->ecx, regs->edx, 0);
}

long sys_faccessat2(struct pt_regs *regs)
{
    return do_access(regs->ebx, (const char *)regs->ecx, regs->edx, regs->esi);
}

/* ---- chmod ---- */

static void changed(struct inode *inode)
{
    inode->ctime = fs_now();
}

/* These drop the reference of the inode. */
static long set_mode(struct inode *inode, u32 mode)
{
    inode->mode = (inode->mode & ~MODE_BITS) | (mode & MODE_BITS);
    changed(inode);
    inode_put(inode);
    return 0;
}

static long do_chmod(s32 dirfd, const char *path, u32 mode)
{
    struct inode *inode;
    long err = user_lookup(dirfd, path, 0, &inode);

    return err ? err : set_mode(inode, mode);
}

long sys_chmod(struct pt_regs *regs)
{
    return do_chmod(AT_FDCWD, (const char *)regs->ebx, regs->ecx);
}

long sys_fchmodat(struct pt_regs *regs)
{
    return do_chmod(regs->ebx, (const char *)regs->ecx, regs->edx);
}

long sys_fchmod(struct pt_regs *regs)
{
    struct inode *inode;
    long err = user_fd_inode(regs->ebx, true, &inode);

    return err ? err : set_mode(inode, regs->ecx);
}

/* ---- chown ---- */

#define UNCHANGED 0xffffffffu

/* A change of the owner clears the set-user-ID and set-group-ID bits of a program (man 2 chown). */
static void drop_lent_rights(struct inode *inode)
{
    if (!S_ISREG(inode->mode))
        return;
    inode->mode &= ~S_ISUID;
    if (inode->mode & S_IXGRP)
        inode->mode &= ~S_ISGID;
}

static long set_owner(struct inode *inode, u32 uid, u32 gid)
{
    if (uid != UNCHANGED)
        inode->uid = uid;
    if (gid != UNCHANGED)
        inode->gid = gid;
    drop_lent_rights(inode);
    changed(inode);
    inode_put(inode);
    return 0;
}

static long do_chown(s32 dirfd, const char *path, u32 uid, u32 gid, u32 at_flags)
{
    struct inode *inode;
    long err;

    if (at_flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
        return -EINVAL;
    err = user_lookup(dirfd, path, at_flags, &inode);
    return err ? err : set_owner(inode, uid, gid);
}

static long do_fchown(u32 fd, u32 uid, u32 gid)
{
    struct inode *inode;
    long err = user_fd_inode(fd, true, &inode);

    return err ? err : set_owner(inode, uid, gid);
}

/* The 16 bits of the old calls; all ones also mean "unchanged". */
static u32 wide_id(u32 id)
{
    return (u16)id == 0xffff ? UNCHANGED : (u16)id;
}

long sys_chown(struct pt_regs *regs)
{
    return do_chown(AT_FDCWD, (const char *)regs->ebx, regs->ecx, regs->edx, 0);
}

long sys_lchown(struct pt_regs *regs)
{
    return do_chown(AT_FDCWD, (const char *)regs->ebx, regs->ecx, regs->edx, AT_SYMLINK_NOFOLLOW);
}

long sys_fchown(struct pt_regs *regs)
{
    return do_fchown(regs->ebx, regs->ecx, regs->edx);
}

long sys_chown16(struct pt_regs *regs)
{
    return do_chown(AT_FDCWD, (const char *)regs->ebx, wide_id(regs->ecx), wide_id(regs->edx), 0);
}

long sys_lchown16(struct pt_regs *regs)
{
    return do_chown(AT_FDCWD, (const char *)regs->ebx, wide_id(regs->ecx), wide_id(regs->edx),
                    AT_SYMLINK_NOFOLLOW);
}

long sys_fchown16(struct pt_regs *regs)
{
    return do_fchown(regs->ebx, wide_id(regs->ecx), wide_id(regs->edx));
}

long sys_fchownat(struct pt_regs *regs)
{
    return do_chown(regs->ebx, (const char *)regs->ecx, regs->edx, regs->esi, regs->edi);
}

/* ---- times ---- */

struct file_times {
    struct timespec_fs atime, mtime;
};

static const struct file_times times_now = {{.nsec = UTIME_NOW}, {.nsec = UTIME_NOW}};

static void set_time(struct timespec_fs *time, const struct timespec_fs *to)
{
    if (to->nsec == UTIME_NOW)
        *time = fs_now();
    else if (to->nsec != UTIME_OMIT)
        *time = *to;
}

static bool is_time(const struct timespec_fs *time)
{
    return time->nsec < NSEC_PER_SEC || time->nsec == UTIME_NOW || time->nsec == UTIME_OMIT;
}

/* Drops the reference of the inode. */
static void set_times(struct inode *inode, const struct file_times *times)
{
    set_time(&inode->atime, &times->atime);
    set_time(&inode->mtime, &times->mtime);
    changed(inode);
    inode_put(inode);
}

static long do_utimes(s32 dirfd, const char *path, const struct file_times *times, u32 at_flags)
{
    struct inode *inode;
    long err;

    if (at_flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
        return -EINVAL;
    if (path || dirfd == AT_FDCWD)
        err = user_lookup(dirfd, path, at_flags, &inode);
    else if (at_flags)
        err = -EINVAL;
    else
        err = user_fd_inode(dirfd, true, &inode);
    if (err == 0)
        set_times(inode, times);
    return err;
}

long sys_utime(struct pt_regs *regs)
{
    struct utimbuf user;
    struct file_times times = times_now;

    if (regs->ecx) {
        if (copy_from_user(&user, (const void *)regs->ecx, sizeof(user)))
            return -EFAULT;
        times = (struct file_times){{.sec = user.actime}, {.sec = user.modtime}};
    }
    return do_utimes(AT_FDCWD, (const char *)regs->ebx, &times, 0);
}

/* Two struct timeval, or NULL for now. 0, -EFAULT, -EINVAL. */
static int times_from_timevals(struct file_times *times, const void *user)
{
    struct __kernel_old_timeval tv[2];

    *times = times_now;
    if (!user)
        return 0;
    if (copy_from_user(tv, user, sizeof(tv)))
        return -EFAULT;
    if ((u32)tv[0].tv_usec >= 1000000 || (u32)tv[1].tv_usec >= 1000000)
        return -EINVAL;
    times->atime = (struct timespec_fs){tv[0].tv_sec, tv[0].tv_usec * 1000};
    times->mtime = (struct timespec_fs){tv[1].tv_sec, tv[1].tv_usec * 1000};
    return 0;
}

long sys_utimes(struct pt_regs *regs)
{
    struct file_times times;
    long err = times_from_timevals(&times, (const void *)regs->ecx);

    return err ? err : do_utimes(AT_FDCWD, (const char *)regs->ebx, &times, 0);
}

long sys_futimesat(struct pt_regs *regs)
{
    struct file_times times;
    long err = times_from_timevals(&times, (const void *)regs->edx);

    return err ? err : do_utimes(regs->ebx, (const char *)regs->ecx, &times, 0);
}

/* Two structures of nanoseconds, or NULL for now. */
static int times_from_timespecs(struct file_times *times, const void *user, bool old)
{
    struct __kernel_old_timespec old_ts[2];
    struct __kernel_timespec ts[2];

    *times = times_now;
    if (!user)
        return 0;
    if (old ? copy_from_user(old_ts, user, sizeof(old_ts)) : copy_from_user(ts, user, sizeof(ts)))
        return -EFAULT;
    times->atime = old ? (struct timespec_fs){old_ts[0].tv_sec, old_ts[0].tv_nsec}
                       : (struct timespec_fs){ts[0].tv_sec, (u32)ts[0].tv_nsec};
    times->mtime = old ? (struct timespec_fs){old_ts[1].tv_sec, old_ts[1].tv_nsec}
                       : (struct timespec_fs){ts[1].tv_sec, (u32)ts[1].tv_nsec};
    return is_time(&times->atime) && is_time(&times->mtime) ? 0 : -EINVAL;
}

static long do_utimensat(const struct pt_regs *regs, bool old)
{
    struct file_times times;
    long err = times_from_timespecs(&times, (const void *)regs->edx, old);

    if (err)
        return err;
    if (times.atime.nsec == UTIME_OMIT && times.mtime.nsec == UTIME_OMIT)
        return 0; /* Linux then ignores the rest */
    return do_utimes(regs->ebx, (const char *)regs->ecx, &times, regs->esi);
}

long sys_utimensat(struct pt_regs *regs)
{
    return do_utimensat(regs, true);
}

long sys_utimensat_time64(struct pt_regs *regs)
{
    return do_utimensat(regs, false);
}
