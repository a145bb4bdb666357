/*
 * For user/tests/helpers/sweep.c: what all its cases use, and the cases of calls that need nothing
 * before and leave nothing, so that they can be made at any time and any number of times. A case
 * consists of the call's name and its arguments.
 */
#pragma once

#include "cases.h"
#include "sweep.h"
#include <linux/reboot.h>
#include <linux/resource.h>

/* Open from the beginning. */
enum {
    FILE_FD = 10,
    FOLDER_FD,
    CONSOLE_FD,
    PIPE_OUT,
    PIPE_IN,
    MEMORY_FD,
    PROC_FD,
    CONTROL_FD,
    NEW_FD
};

/* Through a link to the folder itself, which the walk follows. */
#define A_FILE    "link/file"
#define OLD_FILE  "/dev/console" /* its inode number has 16 bits */
#define FILE_SIZE (2 * PAGE)

/* Arguments that are known only when the call is made. */
#define OWN_PID  0x5e1f0001
#define KID_PID  0x5e1f0002 /* a child that has ended */
#define HEAP_END 0x5e1f0003 /* beyond the present one */

/* Only zeros, even after a call has written the rest of a time there. */
static uint32_t zeros[64];
/* Whatever calls write; not read. */
static char out[4 * PAGE] __attribute__((aligned(4096)));
static uint32_t one = 1;
static uint32_t select_arguments[5] = {0, 0, 0, 0, (uint32_t)zeros};
static const char name[] = "attic", domain[] = "(none)"; /* as they are */

/* clang-format off */
#define A(...)                                                                                     \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }
#define NAMED(name_, call_, argument_, ...)                                                        \
    {                                                                                              \
        .name = name_, .number = __NR_##call_, .argument = argument_, ##__VA_ARGS__                \
    }
#define CALL(call_, argument_, ...) NAMED(#call_, call_, argument_, ##__VA_ARGS__)
#define PLAIN(call_, ...)           CALL(call_, A(__VA_ARGS__))
#define ERROR(call_, error_, ...)   CALL(call_, A(__VA_ARGS__), .error = error_)

/* What changes the process. */
#define IN_CHILD(call_, ...) CALL(call_, A(__VA_ARGS__), .flags = CHILD)

static const struct sweep_case plain_cases[] = {
    /* processes and signals */
    PLAIN(getpid, 0), PLAIN(gettid, 0), PLAIN(getppid, 0), PLAIN(set_tid_address, (long)out),
    PLAIN(sched_yield, 0), PLAIN(getpgid, 0), PLAIN(getpgrp, 0), PLAIN(getsid, 0),
    PLAIN(set_robust_list, (long)out, 12), PLAIN(prctl, 16 /* PR_GET_NAME */, (long)out),
    PLAIN(personality, -1), PLAIN(kill, OWN_PID, 0), PLAIN(tkill, OWN_PID, 0),
    PLAIN(tgkill, OWN_PID, OWN_PID, 0), PLAIN(sigprocmask, 0, 0, (long)out),
    PLAIN(rt_sigprocmask, 0, 0, (long)out, 8), PLAIN(sigpending, (long)out),
    PLAIN(rt_sigpending, (long)out, 8), PLAIN(sigaltstack, 0, (long)out), PLAIN(alarm, 0),
    PLAIN(setitimer, 0, (long)zeros, (long)out), PLAIN(getitimer, 0, (long)out),
    /* open files */
    PLAIN(pread64, FILE_FD, (long)out, FILE_SIZE, 0, 0), PLAIN(lseek, FILE_FD, 0, 0),
    PLAIN(_llseek, FILE_FD, 0, 0, (long)out, 0), PLAIN(poll, (long)zeros, 1, 0),
    PLAIN(ppoll, (long)zeros, 1, (long)zeros, 0, 8),
    PLAIN(ppoll_time64, (long)zeros, 1, (long)zeros, 0, 8), PLAIN(select, (long)select_arguments),
    PLAIN(_newselect, 0, 0, 0, 0, (long)zeros), PLAIN(pselect6, 0, 0, 0, 0, (long)zeros, 0),
    PLAIN(pselect6_time64, 0, 0, 0, 0, (long)zeros, 0), PLAIN(fcntl, FILE_FD, F_GETFL),
    PLAIN(fcntl64, FILE_FD, F_GETFL), PLAIN(ioctl, CONSOLE_FD, 0x5401 /* TCGETS */, (long)out),
    PLAIN(truncate, (long)A_FILE, FILE_SIZE), PLAIN(ftruncate, FILE_FD, FILE_SIZE),
    PLAIN(truncate64, (long)A_FILE, FILE_SIZE, 0), PLAIN(ftruncate64, FILE_FD, FILE_SIZE, 0),
    PLAIN(fsync, FILE_FD), PLAIN(fdatasync, FILE_FD), PLAIN(sync, 0), PLAIN(syncfs, FILE_FD),
    PLAIN(flock, FILE_FD, 8 /* LOCK_UN */), PLAIN(fadvise64, FILE_FD, 0, 0, 0, 0),
    PLAIN(fadvise64_64, FILE_FD, 0, 0, 0, 0),
    /* the tree */
    PLAIN(getdents, FOLDER_FD, (long)out, PAGE), PLAIN(getdents64, FOLDER_FD, (long)out, PAGE),
    NAMED("getdents64, /proc", getdents64, A(PROC_FD, (long)out, PAGE)),
    PLAIN(readlink, (long)"link/link", (long)out, PAGE),
    PLAIN(readlinkat, FOLDER_FD, (long)"link", (long)out, PAGE),
    NAMED("readlink, /proc", readlink, A((long)"/proc/self/exe", (long)out, PAGE)),
    PLAIN(umask, 022), PLAIN(chdir, (long)"link"), PLAIN(fchdir, FOLDER_FD),
    PLAIN(getcwd, (long)out, PAGE), PLAIN(oldstat, (long)OLD_FILE, (long)out),
    PLAIN(oldlstat, (long)OLD_FILE, (long)out), PLAIN(oldfstat, CONSOLE_FD, (long)out),
    PLAIN(stat, (long)A_FILE, (long)out), PLAIN(lstat, (long)A_FILE, (long)out),
    PLAIN(fstat, FILE_FD, (long)out), PLAIN(stat64, (long)A_FILE, (long)out),
    PLAIN(lstat64, (long)A_FILE, (long)out), PLAIN(fstat64, FILE_FD, (long)out),
    PLAIN(fstatat64, FOLDER_FD, (long)A_FILE, (long)out, 0),
    PLAIN(statx, FOLDER_FD, (long)A_FILE, 0, 0xfff, (long)out),
    NAMED("stat64, /proc", stat64, A((long)"/proc/self/fd/10", (long)out)),
    PLAIN(statfs, (long)A_FILE, (long)out), PLAIN(fstatfs, FILE_FD, (long)out),
    PLAIN(statfs64, (long)A_FILE, 84, (long)out), PLAIN(fstatfs64, FILE_FD, 84, (long)out),
    PLAIN(access, (long)A_FILE, 0), PLAIN(faccessat, FOLDER_FD, (long)A_FILE, 0),
    PLAIN(faccessat2, FOLDER_FD, (long)A_FILE, 0, 0), PLAIN(chmod, (long)A_FILE, 0644),
    PLAIN(fchmod, FILE_FD, 0644), PLAIN(fchmodat, FOLDER_FD, (long)A_FILE, 0644),
    PLAIN(chown, (long)A_FILE, 0, 0), PLAIN(lchown, (long)A_FILE, 0, 0),
    PLAIN(fchown, FILE_FD, 0, 0), PLAIN(chown32, (long)A_FILE, 0, 0),
    PLAIN(lchown32, (long)A_FILE, 0, 0), PLAIN(fchown32, FILE_FD, 0, 0),
    PLAIN(fchownat, FOLDER_FD, (long)A_FILE, 0, 0, 0), PLAIN(utime, (long)A_FILE, 0),
    PLAIN(utimes, (long)A_FILE, 0), PLAIN(futimesat, FOLDER_FD, (long)A_FILE, 0),
    PLAIN(utimensat, FOLDER_FD, (long)A_FILE, 0, 0),
    PLAIN(utimensat_time64, FOLDER_FD, (long)A_FILE, 0, 0),
    ERROR(mount, EPERM, 0), ERROR(umount, EPERM, 0), ERROR(umount2, EPERM, 0),
    ERROR(pivot_root, EPERM, 0),
    /* memory and time */
    PLAIN(msync, (long)out, PAGE, MS_ASYNC), PLAIN(mincore, (long)out, PAGE, (long)out),
    PLAIN(mlockall, 1 /* MCL_CURRENT */), PLAIN(munlockall, 0), PLAIN(munlock, (long)out, PAGE),
    PLAIN(nanosleep, (long)zeros, 0), PLAIN(clock_nanosleep, 0, 0, (long)zeros, 0),
    PLAIN(clock_nanosleep_time64, 0, 0, (long)zeros, 0), PLAIN(clock_gettime, 0, (long)out),
    PLAIN(clock_gettime64, 0, (long)out), PLAIN(clock_getres, 0, (long)out),
    PLAIN(clock_getres_time64, 0, (long)out), PLAIN(gettimeofday, (long)out, 0),
    PLAIN(time, (long)out), PLAIN(times, (long)out), ERROR(clock_settime, EPERM, 0),
    ERROR(clock_settime64, EPERM, 0), ERROR(settimeofday, EPERM, 0), ERROR(stime, EPERM, 0),
    ERROR(adjtimex, EPERM, 0), PLAIN(futex, (long)zeros, 1 /* FUTEX_WAKE */, 1),
    PLAIN(futex_time64, (long)zeros, 1, 1),
    /* limits and priorities */
    PLAIN(getrlimit, RLIMIT_CORE, (long)out), PLAIN(ugetrlimit, RLIMIT_CORE, (long)out),
    PLAIN(getrusage, 0, (long)out), PLAIN(getpriority, PRIO_PROCESS, 0),
    PLAIN(setpriority, PRIO_PROCESS, 0, 0), PLAIN(nice, 0),
    PLAIN(sched_getaffinity, 0, 4, (long)out), PLAIN(sched_setaffinity, 0, 4, (long)&one),
    PLAIN(sched_getscheduler, 0), PLAIN(sched_setscheduler, 0, 0, (long)zeros),
    PLAIN(sched_getparam, 0, (long)out), PLAIN(sched_setparam, 0, (long)zeros),
    PLAIN(sched_get_priority_max, 0), PLAIN(sched_get_priority_min, 0),
    /* user and group ids */
    PLAIN(getuid, 0), PLAIN(geteuid, 0), PLAIN(getgid, 0), PLAIN(getegid, 0), PLAIN(getuid32, 0),
    PLAIN(geteuid32, 0), PLAIN(getgid32, 0), PLAIN(getegid32, 0), PLAIN(setuid, 0),
    PLAIN(setgid, 0), PLAIN(setuid32, 0), PLAIN(setgid32, 0), PLAIN(setreuid, 0, 0),
    PLAIN(setregid, 0, 0), PLAIN(setreuid32, 0, 0), PLAIN(setregid32, 0, 0),
    PLAIN(setresuid, 0, 0, 0), PLAIN(setresgid, 0, 0, 0), PLAIN(setresuid32, 0, 0, 0),
    PLAIN(setresgid32, 0, 0, 0), PLAIN(getresuid, (long)out, (long)out, (long)out),
    PLAIN(getresgid, (long)out, (long)out, (long)out),
    PLAIN(getresuid32, (long)out, (long)out, (long)out),
    PLAIN(getresgid32, (long)out, (long)out, (long)out), PLAIN(setfsuid, 0), PLAIN(setfsgid, 0),
    PLAIN(setfsuid32, 0), PLAIN(setfsgid32, 0), PLAIN(getgroups, 16, (long)out),
    PLAIN(getgroups32, 16, (long)out), PLAIN(setgroups, 0, 0), PLAIN(setgroups32, 0, 0),
    /* the machine */
    PLAIN(uname, (long)out), PLAIN(olduname, (long)out), PLAIN(oldolduname, (long)out),
    PLAIN(sethostname, (long)name, sizeof(name) - 1),
    PLAIN(setdomainname, (long)domain, sizeof(domain) - 1), PLAIN(sysinfo, (long)out),
    PLAIN(getrandom, (long)out, 16, 0), PLAIN(getcpu, (long)out, (long)out, 0),
    ERROR(vhangup, EPERM, 0),
    PLAIN(reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_CAD_OFF),
    PLAIN(syslog, 0), ERROR(swapon, EPERM, 0), ERROR(swapoff, EPERM, 0), ERROR(acct, EPERM, 0),
};
/* clang-format on */
