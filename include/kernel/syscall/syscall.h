/*
 * System calls. Each is a function of the saved registers, in the table of kernel/syscall/syscall.c
 * under its number: arguments in EBX, ECX, EDX, ESI, EDI, EBP (also for sysenter, whose stub moves
 * them there), the result in EAX, an error as its negative number. They run with interrupts on.
 *
 * A call that a signal interrupts returns -ERESTARTSYS or a similar value (kernel/task.h). Paths
 * are always copied from user memory by user_path().
 */
#pragma once

#include <arch/x86/regs.h>
#include <lib/types.h>

/* Register int 0x80, and sysenter where the processor has it. `strace`: from the command line. */
void syscall_init(void);

/* ---- dispatch and its shadow (kernel/syscall/syscall.c, strace.c) ---- */

/*
 * Call the function of a number and return its result, or -ENOSYS. For strace and tests: int 0x80
 * reaches kernel/syscall/syscall.c through the table of handlers.
 */
long syscall_by_number(u32 number, struct pt_regs *regs);

/* The same, with one line about it on the console. */
long strace_call(u32 number, struct pt_regs *regs);

/* For tests: the first number from `number` on that has a function, or SYSCALL_NONE. */
#define SYSCALL_NONE 0xffffffffu
u32 syscall_next(u32 number);

/* ---- time (kernel/syscall/sys_time.c) ---- */

#define NSEC_PER_SEC 1000000000

/* Read the clock of the machine, set the clock for time stamps of files. Start-up. */
void time_init(void);

/*
 * A struct __kernel_timespec, or __kernel_old_timespec (`old`), of a program, in ticks, rounded up,
 * + 1 for the current tick: 0, -EFAULT, -EINVAL.
 */
__must_check int ticks_from_user(u64 *ticks, const void *user_time, bool old);

/* Write ticks as such a structure to user memory: 0 or -EFAULT. */
__must_check int ticks_to_user(void *user_time, u64 ticks, bool old);

/*
 * The tick at which such a time of a program has passed: when the clock reaches it (`absolute`), or
 * that long from now. 0, -EFAULT, -EINVAL.
 */
__must_check int deadline_by_clock(u64 *deadline, u32 clock, bool absolute, const void *user_time,
                                   bool old);

/* ---- names (kernel/syscall/sys_misc.c): returned by uname(); hostname may change ---- */

extern struct new_utsname utsname;

/* ---- kernel/syscall/sys_process.c, sys_wait.c, sys_futex.c ---- */
long sys_fork(struct pt_regs *regs);
long sys_vfork(struct pt_regs *regs);
long sys_clone(struct pt_regs *regs);
long sys_execve(struct pt_regs *regs);
long sys_exit(struct pt_regs *regs);
long sys_exit_group(struct pt_regs *regs);
long sys_wait4(struct pt_regs *regs);
long sys_waitpid(struct pt_regs *regs);
long sys_waitid(struct pt_regs *regs);
long sys_set_tid_address(struct pt_regs *regs);
long sys_getpid(struct pt_regs *regs);
long sys_getppid(struct pt_regs *regs);
long sys_sched_yield(struct pt_regs *regs);
long sys_setpgid(struct pt_regs *regs);
long sys_getpgid(struct pt_regs *regs);
long sys_getpgrp(struct pt_regs *regs);
long sys_setsid(struct pt_regs *regs);
long sys_getsid(struct pt_regs *regs);

/* ---- kernel/syscall/sys_signal.c ---- */
long sys_kill(struct pt_regs *regs);
long sys_tkill(struct pt_regs *regs);
long sys_tgkill(struct pt_regs *regs);
long sys_signal(struct pt_regs *regs);
long sys_sigaction(struct pt_regs *regs);
long sys_rt_sigaction(struct pt_regs *regs);
long sys_sigprocmask(struct pt_regs *regs);
long sys_rt_sigprocmask(struct pt_regs *regs);
long sys_sigpending(struct pt_regs *regs);
long sys_rt_sigpending(struct pt_regs *regs);
long sys_sigsuspend(struct pt_regs *regs);
long sys_rt_sigsuspend(struct pt_regs *regs);
long sys_rt_sigtimedwait(struct pt_regs *regs);
long sys_rt_sigtimedwait_time64(struct pt_regs *regs);
long sys_rt_sigqueueinfo(struct pt_regs *regs);
long sys_sigaltstack(struct pt_regs *regs);
long sys_sigreturn(struct pt_regs *regs);
long sys_rt_sigreturn(struct pt_regs *regs);
long sys_pause(struct pt_regs *regs);
long sys_alarm(struct pt_regs *regs);
long sys_setitimer(struct pt_regs *regs);
long sys_getitimer(struct pt_regs *regs);

long sys_set_thread_area(struct pt_regs *regs);
long sys_get_thread_area(struct pt_regs *regs);

/* ---- kernel/syscall/sys_read_write.c, sys_sendfile.c ---- */
long sys_read(struct pt_regs *regs);
long sys_write(struct pt_regs *regs);
long sys_readv(struct pt_regs *regs);
long sys_writev(struct pt_regs *regs);
long sys_pread64(struct pt_regs *regs);
long sys_pwrite64(struct pt_regs *regs);
long sys_preadv(struct pt_regs *regs);
long sys_pwritev(struct pt_regs *regs);
long sys_lseek(struct pt_regs *regs);
long sys_llseek(struct pt_regs *regs);
long sys_sendfile(struct pt_regs *regs);
long sys_sendfile64(struct pt_regs *regs);

/* ---- kernel/syscall/sys_poll.c ---- */
long sys_poll(struct pt_regs *regs);
long sys_ppoll(struct pt_regs *regs);
long sys_ppoll_time64(struct pt_regs *regs);
long sys_select(struct pt_regs *regs);
long sys_newselect(struct pt_regs *regs);
long sys_pselect6(struct pt_regs *regs);
long sys_pselect6_time64(struct pt_regs *regs);

/* ---- kernel/syscall/sys_file.c, sys_fcntl.c ---- */
long sys_open(struct pt_regs *regs);
long sys_creat(struct pt_regs *regs);
long sys_openat(struct pt_regs *regs);
long sys_close(struct pt_regs *regs);
long sys_close_range(struct pt_regs *regs);
long sys_dup(struct pt_regs *regs);
long sys_dup2(struct pt_regs *regs);
long sys_dup3(struct pt_regs *regs);
long sys_fcntl(struct pt_regs *regs);
long sys_fcntl64(struct pt_regs *regs);
long sys_pipe(struct pt_regs *regs);
long sys_pipe2(struct pt_regs *regs);
long sys_ioctl(struct pt_regs *regs);
long sys_truncate(struct pt_regs *regs);
long sys_ftruncate(struct pt_regs *regs);
long sys_truncate64(struct pt_regs *regs);
long sys_ftruncate64(struct pt_regs *regs);
long sys_fallocate(struct pt_regs *regs);
long sys_fsync(struct pt_regs *regs);
long sys_syncfs(struct pt_regs *regs);
long sys_flock(struct pt_regs *regs);
long sys_fadvise64(struct pt_regs *regs);
long sys_fadvise64_64(struct pt_regs *regs);

/* ---- kernel/syscall/sys_dir.c ---- */
long sys_getdents(struct pt_regs *regs);
long sys_getdents64(struct pt_regs *regs);
long sys_mkdir(struct pt_regs *regs);
long sys_mkdirat(struct pt_regs *regs);
long sys_rmdir(struct pt_regs *regs);
long sys_unlink(struct pt_regs *regs);
long sys_unlinkat(struct pt_regs *regs);
long sys_rename(struct pt_regs *regs);
long sys_renameat(struct pt_regs *regs);
long sys_renameat2(struct pt_regs *regs);
long sys_link(struct pt_regs *regs);
long sys_linkat(struct pt_regs *regs);
long sys_symlink(struct pt_regs *regs);
long sys_symlinkat(struct pt_regs *regs);
long sys_mknod(struct pt_regs *regs);
long sys_mknodat(struct pt_regs *regs);
long sys_readlink(struct pt_regs *regs);
long sys_readlinkat(struct pt_regs *regs);

/* ---- kernel/syscall/sys_cwd.c ---- */
long sys_umask(struct pt_regs *regs);
long sys_chroot(struct pt_regs *regs);
long sys_chdir(struct pt_regs *regs);
long sys_fchdir(struct pt_regs *regs);
long sys_getcwd(struct pt_regs *regs);

/* ---- kernel/syscall/sys_stat.c ---- */
long sys_oldstat(struct pt_regs *regs);
long sys_oldlstat(struct pt_regs *regs);
long sys_oldfstat(struct pt_regs *regs);
long sys_stat(struct pt_regs *regs);
long sys_lstat(struct pt_regs *regs);
long sys_fstat(struct pt_regs *regs);
long sys_stat64(struct pt_regs *regs);
long sys_lstat64(struct pt_regs *regs);
long sys_fstat64(struct pt_regs *regs);
long sys_fstatat64(struct pt_regs *regs);
long sys_statx(struct pt_regs *regs);
long sys_statfs(struct pt_regs *regs);
long sys_fstatfs(struct pt_regs *regs);
long sys_statfs64(struct pt_regs *regs);
long sys_fstatfs64(struct pt_regs *regs);

/* ---- kernel/syscall/sys_attr.c ---- */
long sys_access(struct pt_regs *regs);
long sys_faccessat(struct pt_regs *regs);
long sys_faccessat2(struct pt_regs *regs);
long sys_chmod(struct pt_regs *regs);
long sys_fchmod(struct pt_regs *regs);
long sys_fchmodat(struct pt_regs *regs);
long sys_chown(struct pt_regs *regs);
long sys_lchown(struct pt_regs *regs);
long sys_fchown(struct pt_regs *regs);
long sys_chown16(struct pt_regs *regs);
long sys_lchown16(struct pt_regs *regs);
long sys_fchown16(struct pt_regs *regs);
long sys_fchownat(struct pt_regs *regs);
long sys_utime(struct pt_regs *regs);
long sys_utimes(struct pt_regs *regs);
long sys_futimesat(struct pt_regs *regs);
long sys_utimensat(struct pt_regs *regs);
long sys_utimensat_time64(struct pt_regs *regs);

/* ---- kernel/syscall/sys_mm.c ---- */
long sys_brk(struct pt_regs *regs);
long sys_mmap(struct pt_regs *regs);
long sys_mmap2(struct pt_regs *regs);
long sys_munmap(struct pt_regs *regs);
long sys_mprotect(struct pt_regs *regs);
long sys_mremap(struct pt_regs *regs);
long sys_madvise(struct pt_regs *regs);
long sys_msync(struct pt_regs *regs);
long sys_mincore(struct pt_regs *regs);
long sys_mlock(struct pt_regs *regs);
long sys_mlock2(struct pt_regs *regs);
long sys_munlock(struct pt_regs *regs);
long sys_mlockall(struct pt_regs *regs);
long sys_munlockall(struct pt_regs *regs);

/* ---- kernel/syscall/sys_time.c ---- */
long sys_nanosleep(struct pt_regs *regs);
long sys_clock_nanosleep(struct pt_regs *regs);
long sys_clock_nanosleep_time64(struct pt_regs *regs);
long sys_clock_gettime(struct pt_regs *regs);
long sys_clock_gettime64(struct pt_regs *regs);
long sys_clock_getres(struct pt_regs *regs);
long sys_clock_getres_time64(struct pt_regs *regs);
long sys_gettimeofday(struct pt_regs *regs);
long sys_time(struct pt_regs *regs);
long sys_times(struct pt_regs *regs);
long sys_futex(struct pt_regs *regs);
long sys_futex_time64(struct pt_regs *regs);

/* ---- kernel/syscall/sys_limit.c ---- */
long sys_getrlimit(struct pt_regs *regs);
long sys_ugetrlimit(struct pt_regs *regs);
long sys_setrlimit(struct pt_regs *regs);
long sys_prlimit64(struct pt_regs *regs);
long sys_getrusage(struct pt_regs *regs);
long sys_getpriority(struct pt_regs *regs);
long sys_setpriority(struct pt_regs *regs);
long sys_nice(struct pt_regs *regs);
long sys_sched_getaffinity(struct pt_regs *regs);
long sys_sched_setaffinity(struct pt_regs *regs);
long sys_sched_getscheduler(struct pt_regs *regs);
long sys_sched_setscheduler(struct pt_regs *regs);
long sys_sched_getparam(struct pt_regs *regs);
long sys_sched_setparam(struct pt_regs *regs);
long sys_sched_get_priority_max(struct pt_regs *regs);
long sys_sched_get_priority_min(struct pt_regs *regs);

/* ---- kernel/syscall/sys_misc.c ---- */
long sys_zero(struct pt_regs *regs);    /* does nothing, or returns the only user id: 0 */
long sys_refused(struct pt_regs *regs); /* -EPERM */
long sys_uname(struct pt_regs *regs);
long sys_olduname(struct pt_regs *regs);
long sys_oldolduname(struct pt_regs *regs);
long sys_sethostname(struct pt_regs *regs);
long sys_setdomainname(struct pt_regs *regs);
long sys_sysinfo(struct pt_regs *regs);
long sys_getrandom(struct pt_regs *regs);
long sys_getcpu(struct pt_regs *regs);
long sys_prctl(struct pt_regs *regs);
long sys_personality(struct pt_regs *regs);
long sys_set_robust_list(struct pt_regs *regs);
long sys_reboot(struct pt_regs *regs);
long sys_syslog(struct pt_regs *regs);

/* ---- kernel/syscall/sys_user.c ---- */
long sys_setid(struct pt_regs *regs);
long sys_setreid(struct pt_regs *regs);
long sys_setresid(struct pt_regs *regs);
long sys_setid16(struct pt_regs *regs);
long sys_setreid16(struct pt_regs *regs);
long sys_setresid16(struct pt_regs *regs);
long sys_getresid(struct pt_regs *regs);
long sys_getresid16(struct pt_regs *regs);
long sys_setfsid(struct pt_regs *regs);
long sys_getgroups(struct pt_regs *regs);
long sys_setgroups(struct pt_regs *regs);
long sys_setgroups16(struct pt_regs *regs);
