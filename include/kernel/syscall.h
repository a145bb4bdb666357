/*
 * System calls. Each is a function of the saved registers, in the table of kernel/syscall.c under
 * its number: arguments in EBX, ECX, EDX, ESI, EDI, EBP (also for sysenter, whose stub brings them
 * there), the result in EAX, an error as its negative number. They run with interrupts on.
 *
 * A call that a signal cuts short returns -ERESTARTSYS and its like (kernel/signal.h). Wherever a
 * path is taken from user memory, user_path() does it.
 */
#pragma once

#include <arch/x86/regs.h>
#include <lib/types.h>

#define SYSCALL(name) long sys_##name(struct pt_regs *regs)

struct file;
struct inode;

/* ---- dispatch and its shadow (kernel/syscall.c, strace.c) ---- */

/* Make a call: what its function gives, or -ENOSYS. */
long syscall_call(u32 number, struct pt_regs *regs);

/* The same, with one line about it on the console. */
long strace_call(u32 number, struct pt_regs *regs);

/* ---- arguments (kernel/user_path.c) ---- */

/*
 * Copy a path of a program; free with user_path_free(). 0, -EFAULT, -ENAMETOOLONG, -ENOENT for an
 * empty one (unless `empty`), -ENOMEM.
 */
__must_check int user_path(const char *user_path, bool empty, char **out);
void user_path_free(char *path);

/*
 * Where a relative path of an *at call starts: AT_FDCWD is the working directory. With a reference.
 * 0, -EBADF, -ENOTDIR.
 */
__must_check int user_path_base(s32 dirfd, const char *path, struct inode **base);

/* A path and where it starts, ready for the functions of fs/fs.h. */
struct user_name {
    char *path;
    struct inode *base; /* with a reference */
};
/* 0, or why not: then there is nothing to put. */
__must_check int user_name_get(struct user_name *name, s32 dirfd, const char *path);
void user_name_put(struct user_name *name);

/*
 * What a path with AT_* flags means, with a reference: AT_SYMLINK_NOFOLLOW, and AT_EMPTY_PATH for
 * the descriptor itself. Errors as above, and path_lookup()'s.
 */
__must_check int user_lookup(s32 dirfd, const char *path, u32 at_flags, struct inode **out);

/* The inode of a descriptor, with a reference: 0 or -EBADF. `io`: O_PATH is not enough. */
__must_check int user_fd_inode(u32 fd, bool io, struct inode **out);

/* ---- time (kernel/sys_time.c) ---- */

#define NSEC_PER_SEC 1000000000

/* Read the clock of the machine, give files their time stamps. Start-up. */
void time_init(void);

/*
 * A struct __kernel_timespec, or __kernel_old_timespec (`old`), of a program, in ticks, rounded up,
 * + 1 for the tick that is under way: 0, -EFAULT, -EINVAL.
 */
__must_check int ticks_from_user(u64 *ticks, const void *user_time, bool old);

/* Ticks as such a structure into user memory: 0 or -EFAULT. */
__must_check int ticks_to_user(void *user_time, u64 ticks, bool old);

/*
 * When a call ends that waits until tick `deadline`: as it was the first time, if a signal without
 * a handler has cut it short and it is made again. Such a call leaves its deadline in
 * task->restart_deadline.
 */
u64 deadline_resumed(u64 deadline);

/*
 * The tick at which such a time of a program is over: when the clock shows it (`absolute`), or that
 * long from now. 0, -EFAULT, -EINVAL.
 */
__must_check int deadline_by_clock(u64 *deadline, u32 clock, bool absolute, const void *user_time,
                                   bool old);

/* ---- futex (kernel/futex.c) ---- */

/*
 * Wake one that sleeps on the word at a user address of the current task, also one of another
 * process that shares it. For the end of a task (man 2 set_tid_address).
 */
void futex_wake_at(u32 addr);

/* ---- names (kernel/sys_misc.c): what uname() tells; hostname may change ---- */

extern struct new_utsname utsname;

/* ---- limits (kernel/sys_limit.c) ---- */

struct mm;
struct rlimit;

/* What the first process may use. */
void rlimits_init(struct rlimit *rlimits);

/* Let an address space heed those that are about memory. */
void rlimits_apply(const struct rlimit *rlimits, struct mm *mm);

/* ---- kernel/process.c, fork.c, exec.c, exit.c ---- */
SYSCALL(fork);
SYSCALL(vfork);
SYSCALL(clone);
SYSCALL(execve);
SYSCALL(exit);
SYSCALL(exit_group);
SYSCALL(wait4);
SYSCALL(waitpid);
SYSCALL(waitid);
SYSCALL(set_tid_address);
SYSCALL(getpid);
SYSCALL(getppid);
SYSCALL(sched_yield);

/* ---- kernel/job.c ---- */
SYSCALL(setpgid);
SYSCALL(getpgid);
SYSCALL(getpgrp);
SYSCALL(setsid);
SYSCALL(getsid);

/* ---- kernel/sys_signal.c ---- */
SYSCALL(kill);
SYSCALL(tkill);
SYSCALL(tgkill);
SYSCALL(signal);
SYSCALL(sigaction);
SYSCALL(rt_sigaction);
SYSCALL(sigprocmask);
SYSCALL(rt_sigprocmask);
SYSCALL(sigpending);
SYSCALL(rt_sigpending);
SYSCALL(sigsuspend);
SYSCALL(rt_sigsuspend);
SYSCALL(rt_sigtimedwait);
SYSCALL(rt_sigtimedwait_time64);
SYSCALL(rt_sigqueueinfo);
SYSCALL(sigaltstack);
SYSCALL(sigreturn);
SYSCALL(rt_sigreturn);
SYSCALL(pause);
SYSCALL(alarm);
SYSCALL(setitimer);
SYSCALL(getitimer);

/* ---- kernel/fpu.c, tls.c ---- */

SYSCALL(set_thread_area);
SYSCALL(get_thread_area);

/* ---- kernel/read_write.c, sendfile.c ---- */
SYSCALL(read);
SYSCALL(write);
SYSCALL(readv);
SYSCALL(writev);
SYSCALL(pread64);
SYSCALL(pwrite64);
SYSCALL(preadv);
SYSCALL(pwritev);
SYSCALL(lseek);
SYSCALL(llseek);
SYSCALL(sendfile);
SYSCALL(sendfile64);

/* ---- kernel/poll.c ---- */
SYSCALL(poll);
SYSCALL(ppoll);
SYSCALL(ppoll_time64);
SYSCALL(select);
SYSCALL(newselect);
SYSCALL(pselect6);
SYSCALL(pselect6_time64);

/* ---- kernel/sys_file.c, sys_fcntl.c ---- */
SYSCALL(open);
SYSCALL(creat);
SYSCALL(openat);
SYSCALL(close);
SYSCALL(close_range);
SYSCALL(dup);
SYSCALL(dup2);
SYSCALL(dup3);
SYSCALL(fcntl);
SYSCALL(fcntl64);
SYSCALL(pipe);
SYSCALL(pipe2);
SYSCALL(ioctl);
SYSCALL(truncate);
SYSCALL(ftruncate);
SYSCALL(truncate64);
SYSCALL(ftruncate64);
SYSCALL(fallocate);
SYSCALL(fsync);
SYSCALL(sync);
SYSCALL(syncfs);
SYSCALL(flock);
SYSCALL(fadvise64);
SYSCALL(fadvise64_64);

/* ---- kernel/sys_dir.c ---- */
SYSCALL(getdents);
SYSCALL(getdents64);
SYSCALL(mkdir);
SYSCALL(mkdirat);
SYSCALL(rmdir);
SYSCALL(unlink);
SYSCALL(unlinkat);
SYSCALL(rename);
SYSCALL(renameat);
SYSCALL(renameat2);
SYSCALL(link);
SYSCALL(linkat);
SYSCALL(symlink);
SYSCALL(symlinkat);
SYSCALL(mknod);
SYSCALL(mknodat);
SYSCALL(readlink);
SYSCALL(readlinkat);
SYSCALL(umask);
SYSCALL(chdir);
SYSCALL(fchdir);
SYSCALL(getcwd);
SYSCALL(chroot);

/* ---- kernel/sys_stat.c ---- */
SYSCALL(oldstat);
SYSCALL(oldlstat);
SYSCALL(oldfstat);
SYSCALL(stat);
SYSCALL(lstat);
SYSCALL(fstat);
SYSCALL(stat64);
SYSCALL(lstat64);
SYSCALL(fstat64);
SYSCALL(fstatat64);
SYSCALL(statx);
SYSCALL(statfs);
SYSCALL(fstatfs);
SYSCALL(statfs64);
SYSCALL(fstatfs64);

/* ---- kernel/sys_attr.c ---- */
SYSCALL(access);
SYSCALL(faccessat);
SYSCALL(faccessat2);
SYSCALL(chmod);
SYSCALL(fchmod);
SYSCALL(fchmodat);
SYSCALL(chown);
SYSCALL(lchown);
SYSCALL(fchown);
SYSCALL(chown16);
SYSCALL(lchown16);
SYSCALL(fchown16);
SYSCALL(fchownat);
SYSCALL(utime);
SYSCALL(utimes);
SYSCALL(futimesat);
SYSCALL(utimensat);
SYSCALL(utimensat_time64);

/* ---- kernel/sys_mm.c ---- */
SYSCALL(brk);
SYSCALL(mmap);
SYSCALL(mmap2);
SYSCALL(munmap);
SYSCALL(mprotect);
SYSCALL(mremap);
SYSCALL(madvise);
SYSCALL(msync);
SYSCALL(mincore);
SYSCALL(mlock);
SYSCALL(mlock2);
SYSCALL(munlock);
SYSCALL(mlockall);
SYSCALL(munlockall);

/* ---- kernel/sys_time.c ---- */
SYSCALL(nanosleep);
SYSCALL(clock_nanosleep);
SYSCALL(clock_nanosleep_time64);
SYSCALL(clock_gettime);
SYSCALL(clock_gettime64);
SYSCALL(clock_getres);
SYSCALL(clock_getres_time64);
SYSCALL(gettimeofday);
SYSCALL(time);
SYSCALL(times);
SYSCALL(futex);
SYSCALL(futex_time64);

/* ---- kernel/sys_limit.c ---- */
SYSCALL(getrlimit);
SYSCALL(ugetrlimit);
SYSCALL(setrlimit);
SYSCALL(prlimit64);
SYSCALL(getrusage);
SYSCALL(getpriority);
SYSCALL(setpriority);
SYSCALL(nice);
SYSCALL(sched_getaffinity);
SYSCALL(sched_setaffinity);
SYSCALL(sched_getscheduler);
SYSCALL(sched_setscheduler);
SYSCALL(sched_getparam);
SYSCALL(sched_setparam);
SYSCALL(sched_get_priority_max);
SYSCALL(sched_get_priority_min);

/* ---- kernel/sys_misc.c ---- */
SYSCALL(zero);    /* nothing to do, or the number of the only user: 0 */
SYSCALL(refused); /* -EPERM */
SYSCALL(uname);
SYSCALL(olduname);
SYSCALL(oldolduname);
SYSCALL(sethostname);
SYSCALL(setdomainname);
SYSCALL(sysinfo);
SYSCALL(getrandom);
SYSCALL(getcpu);
SYSCALL(prctl);
SYSCALL(personality);
SYSCALL(set_robust_list);
SYSCALL(reboot);
SYSCALL(syslog);

/* ---- kernel/sys_user.c ---- */
SYSCALL(setid);
SYSCALL(setreid);
SYSCALL(setresid);
SYSCALL(setid16);
SYSCALL(setreid16);
SYSCALL(setresid16);
SYSCALL(getresid);
SYSCALL(getresid16);
SYSCALL(setfsid);
SYSCALL(getgroups);
SYSCALL(setgroups);
SYSCALL(setgroups16);
