/*
 * The kinds of arguments of system calls, so that calls get further than their first check: one
 * letter each, see fuzz_argument(). A call that is not listed gets arbitrary values.
 */
#pragma once

#include "fuzz_values.h"
#include <linux/time.h>

struct fuzz_call {
    uint16_t number;
    const char *arguments;
};

#define C(name, arguments) ((struct fuzz_call){__NR_##name, arguments})
static const struct fuzz_call fuzz_calls[] = {
    C(waitpid, "ipb"),
    C(wait4, "ipbp"),
    C(waitid, "nipbp"),
    C(kill, "ig"),
    C(tkill, "ig"),
    C(tgkill, "iig"),
    C(rt_sigqueueinfo, "igp"),
    C(setpgid, "ii"),
    C(getpgid, "i"),
    C(getsid, "i"),
    C(setsid, ""),
    C(set_thread_area, "p"),
    C(get_thread_area, "p"),
    C(prctl, "nppp"),
    C(sigaction, "gpp"),
    C(rt_sigaction, "gpp8"),
    C(signal, "gp"),
    C(rt_sigprocmask, "npp8"),
    C(sigprocmask, "npp"),
    C(rt_sigpending, "p8"),
    C(rt_sigsuspend, "p8"),
    C(rt_sigtimedwait, "ppt8"),
    C(sigaltstack, "pp"),
    C(setitimer, "npp"),
    C(getitimer, "np"),
    C(alarm, "n"),
    C(read, "fps"),
    C(read, "fps"),
    C(write, "fps"),
    C(write, "fps"),
    C(readv, "fpn"),
    C(writev, "fpn"),
    C(pread64, "fpsoz"),
    C(pwrite64, "fpsoz"),
    C(preadv, "fpnoz"),
    C(pwritev, "fpnoz"),
    C(lseek, "fon"),
    C(_llseek, "faopn"),
    C(sendfile, "ffps"),
    C(sendfile64, "ffps"),
    C(poll, "pnn"),
    C(ppoll, "pntp8"),
    C(_newselect, "npppt"),
    C(pselect6, "npppt"),
    C(select, "p"),
    C(open, "POM"),
    C(open, "POM"),
    C(openat, "DPOM"),
    C(creat, "PM"),
    C(close, "f"),
    C(close_range, "ffb"),
    C(dup, "f"),
    C(dup2, "ff"),
    C(dup3, "ffO"),
    C(fcntl, "fna"),
    C(fcntl64, "fca"),
    C(pipe, "p"),
    C(pipe2, "pO"),
    C(ioctl, "fIp"),
    C(truncate, "Po"),
    C(ftruncate, "fo"),
    C(truncate64, "Poz"),
    C(ftruncate64, "foz"),
    C(fallocate, "fbozoz"),
    C(getdents, "fps"),
    C(getdents64, "fps"),
    C(mkdir, "PM"),
    C(mkdirat, "DPM"),
    C(rmdir, "P"),
    C(unlink, "P"),
    C(unlinkat, "DPb"),
    C(rename, "PP"),
    C(renameat2, "DPDPn"),
    C(link, "PP"),
    C(linkat, "DPDPb"),
    C(symlink, "PP"),
    C(symlinkat, "PDP"),
    C(mknod, "PMn"),
    C(mknodat, "DPMn"),
    C(readlink, "Pps"),
    C(readlinkat, "DPps"),
    C(chdir, "P"),
    C(fchdir, "f"),
    C(getcwd, "ps"),
    C(stat, "Pp"),
    C(lstat64, "Pp"),
    C(fstat64, "fp"),
    C(fstatat64, "DPpb"),
    C(statx, "DPbbp"),
    C(statfs64, "Psp"),
    C(fstatfs64, "fsp"),
    C(access, "Pb"),
    C(faccessat2, "DPbb"),
    C(chmod, "PM"),
    C(fchmodat, "DPM"),
    C(fchownat, "DPaab"),
    C(utimensat, "DPtb"),
    C(utimes, "Pt"),
    C(utimensat_time64, "DPpb"),
    C(brk, "B"),
    C(mmap, "p"),
    C(mmap2, "ALrmfn"),
    C(mmap2, "zLrmzz"),
    C(munmap, "AL"),
    C(munmap, "AL"),
    C(mprotect, "ALr"),
    C(mprotect, "ALr"),
    C(mremap, "ALLnA"),
    C(mremap, "ALLbA"),
    C(madvise, "ALn"),
    C(msync, "ALb"),
    C(mincore, "ALp"),
    C(mlock, "AL"),
    C(munlock, "AL"),
    C(nanosleep, "tp"),
    C(clock_nanosleep, "nbtp"),
    C(clock_gettime, "np"),
    C(clock_getres, "np"),
    C(gettimeofday, "pp"),
    C(times, "p"),
    C(futex, "pnntpa"),
    C(getrlimit, "np"),
    C(setrlimit, "np"),
    C(prlimit64, "jnpp"),
    C(getrusage, "np"),
    C(getpriority, "ni"),
    C(setpriority, "njn"),
    C(sched_getaffinity, "isp"),
    C(sched_setaffinity, "jsp"),
    C(sched_setscheduler, "jnp"),
    C(sched_getparam, "ip"),
    C(getgroups32, "np"),
    C(setgroups32, "np"),
    C(uname, "p"),
    C(sysinfo, "p"),
    C(getrandom, "psb"),
    C(getcpu, "ppp"),
    C(set_tid_address, "p"),
    C(set_robust_list, "ps"),
    C(execve, "Ppp"),
    C(sethostname, "ps"),
    C(getpgrp, ""),
    C(sched_yield, ""),
    C(umask, "M"),
};
#undef C

/* These end the machine, or are made in a different way. */
static inline bool call_is_excluded(uint32_t number)
{
    return number == __NR_reboot || number == __NR_fork || number == __NR_vfork ||
           number == __NR_clone || number == 435 /* clone3 */;
}

static inline uint32_t open_flags(void)
{
    static const uint32_t flags[] = {O_CREAT,     O_TRUNC,    O_APPEND,  O_EXCL,   O_NONBLOCK,
                                     O_DIRECTORY, O_NOFOLLOW, O_CLOEXEC, O_NOCTTY, O_CREAT};

    return below(4) | PICK(flags) | (one_in(2) ? PICK(flags) : 0) | (one_in(8) ? bits() : 0);
}

static inline uint32_t map_flags(void)
{
    static const uint32_t flags[] = {ANONYMOUS,
                                     ANONYMOUS,
                                     ANONYMOUS | MAP_FIXED,
                                     ANONYMOUS | MAP_GROWSDOWN,
                                     MAP_PRIVATE,
                                     MAP_PRIVATE | MAP_FIXED,
                                     MAP_SHARED,
                                     MAP_SHARED | MAP_ANONYMOUS,
                                     ANONYMOUS | MAP_POPULATE,
                                     ANONYMOUS | MAP_NORESERVE};

    return PICK(flags) | (one_in(8) ? bits() : 0);
}

static inline uint32_t mode_value(void)
{
    static const uint32_t modes[] = {0, 0777, 0600, 0100644, 0010600, 0040700, 0020600, 07777};

    return one_in(8) ? bits() : PICK(modes);
}

/* Most often a short time; two of them for calls that take two. */
static inline uint32_t time_value(void)
{
    static uint32_t times[4];

    if (one_in(4))
        return one_in(2) ? pointer_value() : 0;
    for (int i = 0; i < 4; i += 2) {
        times[i] = one_in(16) ? any_value() : 0;
        times[i + 1] = one_in(16) ? any_value() : below(2000000);
    }
    return (uint32_t)times;
}

static inline uint32_t fuzz_argument(char letter)
{
    switch (letter) {
    case 'z':
        return 0;
    case '8':
        return one_in(16) ? size_value() : 8;
    case 'f':
        return fd_value();
    case 'D':
        return one_in(4) ? fd_value() : (uint32_t)AT_FDCWD;
    case 'p':
        return pointer_value();
    case 's':
        return size_value();
    case 'P':
        return path_value();
    case 'i':
        return pid_value();
    case 'j':
        return one_in(2) ? 0 : PICK(own_children);
    case 'g':
        return signal_value();
    case 'b':
        return bits();
    case 'n':
        return one_in(16) ? any_value() : below(16);
    case 'c':
        return one_in(4) ? 1024 + below(16) : below(16);
    case 'I':
        return one_in(4) ? any_value() : 0x5400 + below(0x60);
    case 'A':
        return place_value();
    case 'L':
        return length_value();
    case 'B':
        return one_in(16) ? pointer_value() : sys_brk(0) + length_value() - 8 * PAGE;
    case 'o':
        return one_in(2) ? size_value() : below(20000);
    case 'r':
        return one_in(8) ? bits() : below(8);
    case 'm':
        return map_flags();
    case 'O':
        return open_flags();
    case 'M':
        return mode_value();
    case 't':
        return time_value();
    default:
        return any_value();
    }
}
