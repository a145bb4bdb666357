/*
 * The tables of strace=1: a row for each system call, names of flags and of errors.
 *
 * Letters for arguments are explained where they are printed, in kernel/syscall/strace.c. A call
 * without a row is printed with its number, syscall_0x1a2(...).
 *
 * The texts are those of the C library's strerror(), because strace prints these.
 */
#include <asm/errno.h>
#include <asm/ioctls.h>
#include <asm/unistd.h>
#include <kernel/syscall/strace.h>
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/mman.h>
#include <linux/poll.h>
#include <linux/random.h>
#include <linux/resource.h>
#include <linux/sched.h>
#include <linux/stat.h>
#include <linux/time.h>
#include <linux/wait.h>

/* clang-format off */
#define CALL(name, arguments) {__NR_##name, #name, arguments}

static const struct strace_call calls[] = {
    CALL(exit, "!d"), CALL(fork, ""), CALL(read, "dru"), CALL(write, "dwu"), CALL(open, "sOc"),
    CALL(close, "d"), CALL(waitpid, "diJ"), CALL(creat, "so"), CALL(link, "ss"),
    CALL(unlink, "s"), CALL(execve, "!sae"), CALL(chdir, "s"), CALL(time, "p"),
    CALL(mknod, "sox"), CALL(chmod, "so"), CALL(lchown, "sdd"), CALL(lseek, "ddW"),
    CALL(getpid, ""), CALL(mount, "sssxp"), CALL(setuid, "d"), CALL(getuid, ""),
    CALL(alarm, "u"), CALL(pause, ""), CALL(utime, "sp"), CALL(access, "sb"), CALL(nice, "d"),
    CALL(sync, ""), CALL(kill, "dS"), CALL(rename, "ss"), CALL(mkdir, "so"), CALL(rmdir, "s"),
    CALL(dup, "d"), CALL(pipe, "q"), CALL(times, "p"), CALL(brk, "#p"), CALL(setgid, "d"),
    CALL(getgid, ""), CALL(signal, "Sp"), CALL(geteuid, ""), CALL(getegid, ""),
    CALL(umount2, "sx"), CALL(ioctl, "dIp"), CALL(fcntl, "dF"), CALL(setpgid, "dd"),
    CALL(umask, "%o"), CALL(chroot, "s"), CALL(dup2, "dd"), CALL(getppid, ""),
    CALL(getpgrp, ""), CALL(setsid, ""), CALL(sigaction, "Spp"), CALL(sigsuspend, "xxx"),
    CALL(sigpending, "p"), CALL(sethostname, "su"), CALL(setrlimit, "LB"),
    CALL(getrlimit, "LQ"), CALL(getrusage, "dp"), CALL(gettimeofday, "vp"),
    CALL(settimeofday, "tp"), CALL(getgroups, "dp"), CALL(setgroups, "dp"),
    CALL(symlink, "ss"), CALL(readlink, "sRu"), CALL(reboot, "xxxp"), CALL(mmap, "#p"),
    CALL(munmap, "pu"), CALL(truncate, "sd"), CALL(ftruncate, "dd"), CALL(fchmod, "do"),
    CALL(fchown, "ddd"), CALL(getpriority, "3d"), CALL(setpriority, "3dd"), CALL(statfs, "sp"),
    CALL(fstatfs, "dp"), CALL(syslog, "dpd"), CALL(setitimer, "dpp"), CALL(getitimer, "dp"),
    CALL(stat, "sp"), CALL(lstat, "sp"), CALL(fstat, "dp"), CALL(vhangup, ""),
    CALL(wait4, "diJp"), CALL(sysinfo, "p"), CALL(fsync, "d"), CALL(sigreturn, "!"),
    CALL(clone, "C"), CALL(uname, "N"), CALL(mprotect, "puP"), CALL(sigprocmask, "Hpp"),
    CALL(getpgid, "d"), CALL(fchdir, "d"), CALL(personality, "x"), CALL(_llseek, "dUjW"),
    CALL(getdents, "d2u"), CALL(_newselect, "dpppp"), CALL(select, "p"), CALL(flock, "dd"),
    CALL(msync, "pux"), CALL(readv, "dpu"), CALL(writev, "dyu"), CALL(getsid, "d"),
    CALL(fdatasync, "d"), CALL(mlock, "pu"), CALL(munlock, "pu"), CALL(mlockall, "x"),
    CALL(munlockall, ""), CALL(sched_yield, ""), CALL(nanosleep, "tv"),
    CALL(mremap, "#puuxp"), CALL(poll, "nud"), CALL(prctl, "dpppp"), CALL(rt_sigreturn, "!"),
    CALL(rt_sigaction, "Sppu"), CALL(rt_sigprocmask, "HkKu"), CALL(rt_sigpending, "Ku"),
    CALL(rt_sigtimedwait, "kptu"), CALL(rt_sigsuspend, "ku"), CALL(pread64, "drul"),
    CALL(pwrite64, "dwul"), CALL(chown, "sdd"), CALL(getcwd, "hu"), CALL(sigaltstack, "pp"),
    CALL(sendfile, "ddpu"), CALL(vfork, ""), CALL(ugetrlimit, "LQ"), CALL(mmap2, "#puPMdg"),
    CALL(truncate64, "sl"), CALL(ftruncate64, "dl"), CALL(fallocate, "dxll"), CALL(stat64, "sE"), CALL(lstat64, "sE"),
    CALL(fstat64, "dE"), CALL(lchown32, "sdd"), CALL(getuid32, ""), CALL(getgid32, ""),
    CALL(geteuid32, ""), CALL(getegid32, ""), CALL(setreuid32, "dd"), CALL(setregid32, "dd"),
    CALL(getgroups32, "dp"), CALL(setgroups32, "dp"), CALL(fchown32, "ddd"),
    CALL(setresuid32, "ddd"), CALL(getresuid32, "ppp"), CALL(setresgid32, "ddd"),
    CALL(getresgid32, "ppp"), CALL(chown32, "sdd"), CALL(setuid32, "d"), CALL(setgid32, "d"),
    CALL(mincore, "pup"), CALL(madvise, "pux"), CALL(getdents64, "dDu"), CALL(fcntl64, "dF"),
    CALL(gettid, ""), CALL(tkill, "dS"), CALL(sendfile64, "ddpu"), CALL(futex, "pxu"),
    CALL(sched_setaffinity, "dup"), CALL(sched_getaffinity, "dup"),
    CALL(set_thread_area, "p"), CALL(fadvise64, "dlud"), CALL(exit_group, "!d"),
    CALL(set_tid_address, "p"), CALL(clock_gettime, "zv"), CALL(clock_getres, "zv"),
    CALL(clock_nanosleep, "zxtv"), CALL(statfs64, "sup"), CALL(fstatfs64, "dup"),
    CALL(tgkill, "ddS"), CALL(utimes, "sp"), CALL(waitid, "ddpJp"), CALL(openat, "AsOc"),
    CALL(mkdirat, "Aso"), CALL(mknodat, "Asox"), CALL(fchownat, "AsddZ"),
    CALL(fstatat64, "AsEZ"), CALL(unlinkat, "AsZ"), CALL(renameat, "AsAs"),
    CALL(linkat, "AsAsZ"), CALL(symlinkat, "sAs"), CALL(readlinkat, "AsRu"),
    CALL(fchmodat, "Aso"), CALL(faccessat, "Asb"), CALL(pselect6, "dppptp"),
    CALL(ppoll, "nutku"), CALL(set_robust_list, "pu"), CALL(utimensat, "AspZ"),
    CALL(dup3, "ddf"), CALL(pipe2, "qf"), CALL(prlimit64, "dLpp"), CALL(renameat2, "AsAsx"),
    CALL(getrandom, "ruG"), CALL(statx, "As1YX"), CALL(rseq, "pxdx"),
    CALL(clock_gettime64, "zV"), CALL(clock_getres_time64, "zV"),
    CALL(clock_nanosleep_time64, "zxTV"), CALL(utimensat_time64, "AspZ"),
    CALL(pselect6_time64, "dpppTp"), CALL(ppoll_time64, "nuTku"),
    CALL(futex_time64, "pxu"), CALL(close_range, "uux"), CALL(faccessat2, "AsbZ"),
    /* Not implemented, but programs call them. */
    CALL(socket, "ddd"), CALL(connect, "dpd"), CALL(clone3, "pu"), CALL(getxattr, "sspu"),
    CALL(lgetxattr, "sspu"), CALL(fgetxattr, "dspu"), CALL(epoll_create1, "x"),
    CALL(arch_prctl, "xp"), CALL(socketcall, "dp"), CALL(copy_file_range, "dpdpux"),
    CALL(memfd_create, "sx"), CALL(execveat, "!Asaex"), CALL(inotify_init1, "x"),
    CALL(restart_syscall, ""), CALL(capget, "pp"), CALL(ptrace, "dddp"),
};

#define NAME(name) {name, #name}
#define NAMES(list, unknown_text, ...)                                                             \
    static const struct strace_name list##_names[] = {__VA_ARGS__};                                \
    const struct strace_names strace_##list = {list##_names, ARRAY_SIZE(list##_names), unknown_text}

/* O_RDONLY, O_WRONLY and O_RDWR are numbers, not bits: strace.c prints them. */
NAMES(open_flags, NULL, NAME(O_CREAT), NAME(O_EXCL), NAME(O_NOCTTY), NAME(O_TRUNC), NAME(O_APPEND),
      NAME(O_NONBLOCK), NAME(O_SYNC), NAME(O_DSYNC), NAME(O_DIRECT), NAME(O_LARGEFILE),
      NAME(O_NOFOLLOW), NAME(O_NOATIME), NAME(O_CLOEXEC), NAME(O_PATH), NAME(O_DIRECTORY));
NAMES(prot, "PROT_NONE", NAME(PROT_READ), NAME(PROT_WRITE), NAME(PROT_EXEC));
NAMES(map_flags, NULL, NAME(MAP_SHARED), NAME(MAP_PRIVATE), NAME(MAP_FIXED), NAME(MAP_ANONYMOUS),
      NAME(MAP_GROWSDOWN), NAME(MAP_DENYWRITE), NAME(MAP_NORESERVE), NAME(MAP_POPULATE),
      NAME(MAP_STACK), NAME(MAP_FIXED_NOREPLACE));
NAMES(at_flags, NULL, NAME(AT_SYMLINK_NOFOLLOW), NAME(AT_REMOVEDIR), NAME(AT_SYMLINK_FOLLOW),
      NAME(AT_NO_AUTOMOUNT), NAME(AT_EMPTY_PATH));
NAMES(clone_flags, NULL, NAME(CLONE_VM), NAME(CLONE_FS), NAME(CLONE_FILES), NAME(CLONE_SIGHAND),
      NAME(CLONE_VFORK), NAME(CLONE_THREAD), NAME(CLONE_SETTLS), NAME(CLONE_PARENT_SETTID),
      NAME(CLONE_CHILD_CLEARTID), NAME(CLONE_CHILD_SETTID));
NAMES(whence, NULL, NAME(SEEK_SET), NAME(SEEK_CUR), NAME(SEEK_END), NAME(SEEK_DATA),
      NAME(SEEK_HOLE));
NAMES(fcntl, NULL, NAME(F_DUPFD), NAME(F_GETFD), NAME(F_SETFD), NAME(F_GETFL), NAME(F_SETFL),
      NAME(F_GETLK), NAME(F_SETLK), NAME(F_SETLKW), NAME(F_SETOWN), NAME(F_GETOWN),
      NAME(F_GETLK64), NAME(F_SETLK64), NAME(F_SETLKW64), NAME(F_DUPFD_CLOEXEC),
      NAME(F_SETPIPE_SZ), NAME(F_GETPIPE_SZ));
NAMES(ioctl, NULL, NAME(TCGETS), NAME(TCSETS), NAME(TCSETSW), NAME(TCSETSF), NAME(TIOCGWINSZ),
      NAME(TIOCSWINSZ), NAME(TIOCGPGRP), NAME(TIOCSPGRP), NAME(TIOCSCTTY), NAME(TIOCGSID),
      NAME(TIOCNOTTY), NAME(TCFLSH), NAME(FIONREAD), NAME(FIONBIO), NAME(FIOCLEX));
NAMES(clocks, NULL, NAME(CLOCK_REALTIME), NAME(CLOCK_MONOTONIC), NAME(CLOCK_PROCESS_CPUTIME_ID),
      NAME(CLOCK_THREAD_CPUTIME_ID), NAME(CLOCK_MONOTONIC_RAW), NAME(CLOCK_REALTIME_COARSE),
      NAME(CLOCK_MONOTONIC_COARSE), NAME(CLOCK_BOOTTIME));
NAMES(resources, NULL, NAME(RLIMIT_CPU), NAME(RLIMIT_FSIZE), NAME(RLIMIT_DATA),
      NAME(RLIMIT_STACK), NAME(RLIMIT_CORE), NAME(RLIMIT_RSS), NAME(RLIMIT_NPROC),
      NAME(RLIMIT_NOFILE), NAME(RLIMIT_MEMLOCK), NAME(RLIMIT_AS));
NAMES(priorities, NULL, NAME(PRIO_PROCESS), NAME(PRIO_PGRP), NAME(PRIO_USER));
NAMES(poll_events, NULL, NAME(POLLIN), NAME(POLLPRI), NAME(POLLOUT), NAME(POLLERR),
      NAME(POLLHUP), NAME(POLLNVAL), NAME(POLLRDNORM), NAME(POLLWRNORM));
NAMES(wait_options, NULL, NAME(WNOHANG), {WUNTRACED, "WSTOPPED"}, NAME(WEXITED),
      NAME(WCONTINUED));
NAMES(mask_how, NULL, {0, "SIG_BLOCK"}, {1, "SIG_UNBLOCK"}, {2, "SIG_SETMASK"});
NAMES(random_flags, NULL, NAME(GRND_NONBLOCK), NAME(GRND_RANDOM), NAME(GRND_INSECURE));
NAMES(access_modes, "F_OK", {4, "R_OK"}, {2, "W_OK"}, {1, "X_OK"});
NAMES(statx_masks, NULL, NAME(STATX_BASIC_STATS), NAME(STATX_ALL));
NAMES(file_types, NULL, NAME(S_IFIFO), NAME(S_IFCHR), NAME(S_IFDIR), NAME(S_IFBLK), NAME(S_IFREG),
      NAME(S_IFLNK), NAME(S_IFSOCK));

#define ERROR(name, text) [name] = #name "\0" text

static const char *const errors[] = {
    ERROR(EPERM, "Operation not permitted"), ERROR(ENOENT, "No such file or directory"),
    ERROR(ESRCH, "No such process"), ERROR(EINTR, "Interrupted system call"),
    ERROR(EIO, "Input/output error"), ERROR(ENXIO, "No such device or address"),
    ERROR(E2BIG, "Argument list too long"), ERROR(ENOEXEC, "Exec format error"),
    ERROR(EBADF, "Bad file descriptor"), ERROR(ECHILD, "No child processes"),
    ERROR(EAGAIN, "Resource temporarily unavailable"), ERROR(ENOMEM, "Cannot allocate memory"),
    ERROR(EACCES, "Permission denied"), ERROR(EFAULT, "Bad address"),
    ERROR(EBUSY, "Device or resource busy"), ERROR(EEXIST, "File exists"),
    ERROR(EXDEV, "Invalid cross-device link"), ERROR(ENODEV, "No such device"),
    ERROR(ENOTDIR, "Not a directory"), ERROR(EISDIR, "Is a directory"),
    ERROR(EINVAL, "Invalid argument"), ERROR(ENFILE, "Too many open files in system"),
    ERROR(EMFILE, "Too many open files"), ERROR(ENOTTY, "Inappropriate ioctl for device"),
    ERROR(ETXTBSY, "Text file busy"), ERROR(EFBIG, "File too large"),
    ERROR(ENOSPC, "No space left on device"), ERROR(ESPIPE, "Illegal seek"),
    ERROR(EROFS, "Read-only file system"), ERROR(EMLINK, "Too many links"),
    ERROR(EPIPE, "Broken pipe"), ERROR(EDOM, "Numerical argument out of domain"),
    ERROR(ERANGE, "Numerical result out of range"), ERROR(ENAMETOOLONG, "File name too long"),
    ERROR(ENOSYS, "Function not implemented"), ERROR(ENOTEMPTY, "Directory not empty"),
    ERROR(ELOOP, "Too many levels of symbolic links"),
    ERROR(EOVERFLOW, "Value too large for defined data type"),
    ERROR(EOPNOTSUPP, "Operation not supported"), ERROR(ETIMEDOUT, "Connection timed out"),
};
/* clang-format on */

const struct strace_call *strace_find(u32 number)
{
    for (u32 i = 0; i < ARRAY_SIZE(calls); i++) {
        if (calls[i].number == number)
            return &calls[i];
    }
    return NULL;
}

const char *strace_errno(u32 number, const char **text)
{
    const char *name = number < ARRAY_SIZE(errors) ? errors[number] : NULL;

    for (*text = name; name && **text; ++*text)
        ;
    if (name)
        ++*text;
    return name;
}
