/*
 * System calls: `int 0x80` with Linux's i386 numbers, arguments, structures and error codes (man 2
 * syscalls), so that the same static binary runs on both. The number comes in EAX, arguments in
 * EBX, ECX, EDX, ESI, EDI, EBP; the result is returned in EAX, an error as its negative number. All
 * other registers are preserved.
 *
 * A call is a function of the saved registers, found in this table by its number. It runs with
 * interrupts on, on the task's own kernel stack, and is not preempted. It copies its data from user
 * memory first (arch/x86/uaccess.h) and then works on the copy; a bad pointer only gives -EFAULT. A
 * number without a function is -ENOSYS.
 *
 * With strace=1 on the kernel command line another handler is installed at start-up, which calls
 * kernel/syscall/strace.c; without it tracing has no cost.
 *
 * Some calls share a function: with one thread per process, gettid() is getpid(); there is one
 * user, 0; memory is the only storage, so the sync calls do nothing.
 *
 * Neighbours: arch/x86/entry.asm saves the registers; the calls are in the other files of this
 * folder, each as sys_NAME().
 */
#include <arch/x86/boot_info.h>
#include <arch/x86/irqflags.h>
#include <arch/x86/trap.h>
#include <asm/errno.h>
#include <asm/unistd.h>
#include <kernel/syscall/syscall.h>
#include <lib/string.h>
#include <mm/user/mm.h>

typedef long (*syscall_t)(struct pt_regs *regs);

static const syscall_t syscalls[] = {
    /* processes */
    [__NR_exit] = sys_exit,
    [__NR_exit_group] = sys_exit_group,
    [__NR_fork] = sys_fork,
    [__NR_vfork] = sys_vfork,
    [__NR_clone] = sys_clone,
    [__NR_execve] = sys_execve,
    [__NR_waitpid] = sys_waitpid,
    [__NR_wait4] = sys_wait4,
    [__NR_waitid] = sys_waitid,
    [__NR_getpid] = sys_getpid,
    [__NR_gettid] = sys_getpid,
    [__NR_getppid] = sys_getppid,
    [__NR_set_tid_address] = sys_set_tid_address,
    [__NR_sched_yield] = sys_sched_yield,
    [__NR_setpgid] = sys_setpgid,
    [__NR_getpgid] = sys_getpgid,
    [__NR_getpgrp] = sys_getpgrp,
    [__NR_setsid] = sys_setsid,
    [__NR_getsid] = sys_getsid,
    [__NR_set_thread_area] = sys_set_thread_area,
    [__NR_get_thread_area] = sys_get_thread_area,
    [__NR_set_robust_list] = sys_set_robust_list,
    [__NR_prctl] = sys_prctl,
    [__NR_personality] = sys_personality,

    /* signals */
    [__NR_kill] = sys_kill,
    [__NR_tkill] = sys_tkill,
    [__NR_tgkill] = sys_tgkill,
    [__NR_signal] = sys_signal,
    [__NR_sigaction] = sys_sigaction,
    [__NR_rt_sigaction] = sys_rt_sigaction,
    [__NR_sigprocmask] = sys_sigprocmask,
    [__NR_rt_sigprocmask] = sys_rt_sigprocmask,
    [__NR_sigpending] = sys_sigpending,
    [__NR_rt_sigpending] = sys_rt_sigpending,
    [__NR_sigsuspend] = sys_sigsuspend,
    [__NR_rt_sigsuspend] = sys_rt_sigsuspend,
    [__NR_rt_sigtimedwait] = sys_rt_sigtimedwait,
    [__NR_rt_sigtimedwait_time64] = sys_rt_sigtimedwait_time64,
    [__NR_rt_sigqueueinfo] = sys_rt_sigqueueinfo,
    [__NR_sigaltstack] = sys_sigaltstack,
    [__NR_sigreturn] = sys_sigreturn,
    [__NR_rt_sigreturn] = sys_rt_sigreturn,
    [__NR_pause] = sys_pause,
    [__NR_alarm] = sys_alarm,
    [__NR_setitimer] = sys_setitimer,
    [__NR_getitimer] = sys_getitimer,

    /* open files */
    [__NR_read] = sys_read,
    [__NR_write] = sys_write,
    [__NR_readv] = sys_readv,
    [__NR_writev] = sys_writev,
    [__NR_pread64] = sys_pread64,
    [__NR_pwrite64] = sys_pwrite64,
    [__NR_preadv] = sys_preadv,
    [__NR_pwritev] = sys_pwritev,
    [__NR_lseek] = sys_lseek,
    [__NR__llseek] = sys_llseek,
    [__NR_sendfile] = sys_sendfile,
    [__NR_sendfile64] = sys_sendfile64,
    [__NR_poll] = sys_poll,
    [__NR_ppoll] = sys_ppoll,
    [__NR_ppoll_time64] = sys_ppoll_time64,
    [__NR_select] = sys_select,
    [__NR__newselect] = sys_newselect,
    [__NR_pselect6] = sys_pselect6,
    [__NR_pselect6_time64] = sys_pselect6_time64,
    [__NR_open] = sys_open,
    [__NR_creat] = sys_creat,
    [__NR_openat] = sys_openat,
    [__NR_close] = sys_close,
    [__NR_close_range] = sys_close_range,
    [__NR_dup] = sys_dup,
    [__NR_dup2] = sys_dup2,
    [__NR_dup3] = sys_dup3,
    [__NR_fcntl] = sys_fcntl,
    [__NR_fcntl64] = sys_fcntl64,
    [__NR_pipe] = sys_pipe,
    [__NR_pipe2] = sys_pipe2,
    [__NR_ioctl] = sys_ioctl,
    [__NR_truncate] = sys_truncate,
    [__NR_ftruncate] = sys_ftruncate,
    [__NR_truncate64] = sys_truncate64,
    [__NR_ftruncate64] = sys_ftruncate64,
    [__NR_fallocate] = sys_fallocate,
    [__NR_fsync] = sys_fsync,
    [__NR_fdatasync] = sys_fsync,
    [__NR_sync] = sys_zero,
    [__NR_syncfs] = sys_syncfs,
    [__NR_flock] = sys_flock,
    [__NR_fadvise64] = sys_fadvise64,
    [__NR_fadvise64_64] = sys_fadvise64_64,

    /* the tree */
    [__NR_getdents] = sys_getdents,
    [__NR_getdents64] = sys_getdents64,
    [__NR_mkdir] = sys_mkdir,
    [__NR_mkdirat] = sys_mkdirat,
    [__NR_rmdir] = sys_rmdir,
    [__NR_unlink] = sys_unlink,
    [__NR_unlinkat] = sys_unlinkat,
    [__NR_rename] = sys_rename,
    [__NR_renameat] = sys_renameat,
    [__NR_renameat2] = sys_renameat2,
    [__NR_link] = sys_link,
    [__NR_linkat] = sys_linkat,
    [__NR_symlink] = sys_symlink,
    [__NR_symlinkat] = sys_symlinkat,
    [__NR_mknod] = sys_mknod,
    [__NR_mknodat] = sys_mknodat,
    [__NR_readlink] = sys_readlink,
    [__NR_readlinkat] = sys_readlinkat,
    [__NR_umask] = sys_umask,
    [__NR_chdir] = sys_chdir,
    [__NR_fchdir] = sys_fchdir,
    [__NR_getcwd] = sys_getcwd,
    [__NR_chroot] = sys_chroot,
    [__NR_mount] = sys_refused,
    [__NR_umount] = sys_refused,
    [__NR_umount2] = sys_refused,
    [__NR_pivot_root] = sys_refused,
    [__NR_oldstat] = sys_oldstat,
    [__NR_oldlstat] = sys_oldlstat,
    [__NR_oldfstat] = sys_oldfstat,
    [__NR_stat] = sys_stat,
    [__NR_lstat] = sys_lstat,
    [__NR_fstat] = sys_fstat,
    [__NR_stat64] = sys_stat64,
    [__NR_lstat64] = sys_lstat64,
    [__NR_fstat64] = sys_fstat64,
    [__NR_fstatat64] = sys_fstatat64,
    [__NR_statx] = sys_statx,
    [__NR_statfs] = sys_statfs,
    [__NR_fstatfs] = sys_fstatfs,
    [__NR_statfs64] = sys_statfs64,
    [__NR_fstatfs64] = sys_fstatfs64,
    [__NR_access] = sys_access,
    [__NR_faccessat] = sys_faccessat,
    [__NR_faccessat2] = sys_faccessat2,
    [__NR_chmod] = sys_chmod,
    [__NR_fchmod] = sys_fchmod,
    [__NR_fchmodat] = sys_fchmodat,
    [__NR_chown] = sys_chown16,
    [__NR_lchown] = sys_lchown16,
    [__NR_fchown] = sys_fchown16,
    [__NR_chown32] = sys_chown,
    [__NR_lchown32] = sys_lchown,
    [__NR_fchown32] = sys_fchown,
    [__NR_fchownat] = sys_fchownat,
    [__NR_utime] = sys_utime,
    [__NR_utimes] = sys_utimes,
    [__NR_futimesat] = sys_futimesat,
    [__NR_utimensat] = sys_utimensat,
    [__NR_utimensat_time64] = sys_utimensat_time64,

    /* memory */
    [__NR_brk] = sys_brk,
    [__NR_mmap] = sys_mmap,
    [__NR_mmap2] = sys_mmap2,
    [__NR_munmap] = sys_munmap,
    [__NR_mprotect] = sys_mprotect,
    [__NR_mremap] = sys_mremap,
    [__NR_madvise] = sys_madvise,
    [__NR_msync] = sys_msync,
    [__NR_mincore] = sys_mincore,
    [__NR_mlock] = sys_mlock,
    [__NR_mlock2] = sys_mlock2,
    [__NR_munlock] = sys_munlock,
    [__NR_mlockall] = sys_mlockall,
    [__NR_munlockall] = sys_munlockall,

    /* time */
    [__NR_nanosleep] = sys_nanosleep,
    [__NR_clock_nanosleep] = sys_clock_nanosleep,
    [__NR_clock_nanosleep_time64] = sys_clock_nanosleep_time64,
    [__NR_clock_gettime] = sys_clock_gettime,
    [__NR_clock_gettime64] = sys_clock_gettime64,
    [__NR_clock_getres] = sys_clock_getres,
    [__NR_clock_getres_time64] = sys_clock_getres_time64,
    [__NR_clock_settime] = sys_refused,
    [__NR_clock_settime64] = sys_refused,
    [__NR_gettimeofday] = sys_gettimeofday,
    [__NR_settimeofday] = sys_refused,
    [__NR_stime] = sys_refused,
    [__NR_adjtimex] = sys_refused,
    [__NR_time] = sys_time,
    [__NR_times] = sys_times,
    [__NR_futex] = sys_futex,
    [__NR_futex_time64] = sys_futex_time64,

    /* limits and priorities */
    [__NR_getrlimit] = sys_getrlimit,
    [__NR_ugetrlimit] = sys_ugetrlimit,
    [__NR_setrlimit] = sys_setrlimit,
    [__NR_prlimit64] = sys_prlimit64,
    [__NR_getrusage] = sys_getrusage,
    [__NR_getpriority] = sys_getpriority,
    [__NR_setpriority] = sys_setpriority,
    [__NR_nice] = sys_nice,
    [__NR_sched_getaffinity] = sys_sched_getaffinity,
    [__NR_sched_setaffinity] = sys_sched_setaffinity,
    [__NR_sched_getscheduler] = sys_sched_getscheduler,
    [__NR_sched_setscheduler] = sys_sched_setscheduler,
    [__NR_sched_getparam] = sys_sched_getparam,
    [__NR_sched_setparam] = sys_sched_setparam,
    [__NR_sched_get_priority_max] = sys_sched_get_priority_max,
    [__NR_sched_get_priority_min] = sys_sched_get_priority_min,

    /* user and group ids */
    [__NR_getuid] = sys_zero,
    [__NR_geteuid] = sys_zero,
    [__NR_getgid] = sys_zero,
    [__NR_getegid] = sys_zero,
    [__NR_getuid32] = sys_zero,
    [__NR_geteuid32] = sys_zero,
    [__NR_getgid32] = sys_zero,
    [__NR_getegid32] = sys_zero,
    [__NR_setuid] = sys_setid16,
    [__NR_setgid] = sys_setid16,
    [__NR_setuid32] = sys_setid,
    [__NR_setgid32] = sys_setid,
    [__NR_setreuid] = sys_setreid16,
    [__NR_setregid] = sys_setreid16,
    [__NR_setreuid32] = sys_setreid,
    [__NR_setregid32] = sys_setreid,
    [__NR_setresuid] = sys_setresid16,
    [__NR_setresgid] = sys_setresid16,
    [__NR_setresuid32] = sys_setresid,
    [__NR_setresgid32] = sys_setresid,
    [__NR_getresuid] = sys_getresid16,
    [__NR_getresgid] = sys_getresid16,
    [__NR_getresuid32] = sys_getresid,
    [__NR_getresgid32] = sys_getresid,
    [__NR_setfsuid] = sys_setfsid,
    [__NR_setfsgid] = sys_setfsid,
    [__NR_setfsuid32] = sys_setfsid,
    [__NR_setfsgid32] = sys_setfsid,
    [__NR_getgroups] = sys_getgroups,
    [__NR_getgroups32] = sys_getgroups,
    [__NR_setgroups] = sys_setgroups16,
    [__NR_setgroups32] = sys_setgroups,

    /* the machine */
    [__NR_uname] = sys_uname,
    [__NR_olduname] = sys_olduname,
    [__NR_oldolduname] = sys_oldolduname,
    [__NR_sethostname] = sys_sethostname,
    [__NR_setdomainname] = sys_setdomainname,
    [__NR_sysinfo] = sys_sysinfo,
    [__NR_getrandom] = sys_getrandom,
    [__NR_getcpu] = sys_getcpu,
    [__NR_vhangup] = sys_refused,
    [__NR_reboot] = sys_reboot,
    [__NR_syslog] = sys_syslog,
    [__NR_swapon] = sys_refused,
    [__NR_swapoff] = sys_refused,
    [__NR_acct] = sys_refused,
};

u32 syscall_next(u32 number)
{
    while (number < ARRAY_SIZE(syscalls) && !syscalls[number])
        number++;
    return number < ARRAY_SIZE(syscalls) ? number : SYSCALL_NONE;
}

long syscall_by_number(u32 number, struct pt_regs *regs)
{
    return number < ARRAY_SIZE(syscalls) && syscalls[number] ? syscalls[number](regs) : -ENOSYS;
}

static void syscall_entry(struct pt_regs *regs)
{
    u32 number = regs->eax;

    local_irq_enable();
    if (likely(number < ARRAY_SIZE(syscalls) && syscalls[number]))
        regs->eax = syscalls[number](regs);
    else
        regs->eax = -ENOSYS;
}

static void syscall_entry_traced(struct pt_regs *regs)
{
    local_irq_enable();
    regs->eax = strace_call(regs->eax, regs);
}

void syscall_init(void)
{
    char value[4];
    const char *strace = boot_option("strace", value, sizeof(value));

    trap_set_handler(SYSCALL_VECTOR,
                     strace && strcmp(strace, "0") != 0 ? syscall_entry_traced : syscall_entry);
    sysenter_init(VDSO_ADDR);
}
