/*
 * Every system call with every bad pointer: each must return EFAULT, and the process must continue.
 * Also passes on Linux.
 *
 * A row is a call with arguments that would work, one of which is a pointer, marked BAD. It is
 * replaced in turn by NULL, addresses on page 0, in a hole, in the kernel's half, one byte below
 * it, by a place so near the end of mapped memory that the last byte of the object is not mapped,
 * and, where the kernel writes, by a read-only page.
 *
 * Not in the table, because Linux and Attic may differ: mount and related calls, which Attic
 * refuses before it checks anything; and the old stat, which has another layout on a 64-bit Linux.
 */
#include "lib/check.h"
#include <asm/ioctls.h>
#include <linux/fcntl.h>
#include <linux/mman.h>
#include <linux/prctl.h>
#include <linux/stat.h>
#include <linux/wait.h>

#define PAGE        4096u
#define KERNEL_HALF 0xc0000000u
#define BAD         ((long)0xbadbadba)

/* Descriptors that the rows use. */
enum { FD_DIR = 20, FD_FILE, FD_IN, FD_OUT };

enum {
    STRING = 1,   /* a path: copied up to its 0 */
    OUT = 2,      /* the kernel writes: a read-only page is bad as well */
    NULL_OK = 4,  /* NULL has a special meaning */
    PARTIAL = 8,  /* the part before the bad one is used: no place at the edge */
    ROOT = 16,    /* others are refused first */
    ALIGNED = 32, /* an odd address is EINVAL */
};

struct row {
    const char *name;
    long number;
    long arg[6];
    unsigned size, flags;
};

#define ROW(call, size, flags, ...) ((struct row){#call, __NR_##call, {__VA_ARGS__}, size, flags})

/* Space for the valid arguments of a row. */
static long good[64];
#define GOOD ((long)good)

/* One iovec that is ready, and bytes for it. */
static const char exists[] = "exists", target[] = "link", none[] = "none/none",
                  self[] = "/proc/self/exe";
#define EXISTS ((long)exists)
#define LINK   ((long)target)
#define NONE   ((long)none)
#define HERE   AT_FDCWD

static const struct row rows[] = {
    /* bytes */
    ROW(read, 16, OUT | PARTIAL, FD_FILE, BAD, 16),
    ROW(write, 16, PARTIAL, FD_FILE, BAD, 16),
    ROW(pread64, 16, OUT | PARTIAL, FD_FILE, BAD, 16, 0, 0),
    ROW(pwrite64, 16, PARTIAL, FD_FILE, BAD, 16, 0, 0),
    ROW(write, 16, PARTIAL, FD_OUT, BAD, 16),
    ROW(readv, 8, 0, FD_FILE, BAD, 1),
    ROW(writev, 8, 0, FD_FILE, BAD, 1),
    ROW(preadv, 8, 0, FD_FILE, BAD, 1, 0, 0),
    ROW(pwritev, 8, 0, FD_FILE, BAD, 1, 0, 0),
    ROW(_llseek, 8, OUT, FD_FILE, 0, 0, BAD, 0),
    ROW(sendfile, 4, NULL_OK, FD_OUT, FD_FILE, BAD, 0),
    ROW(sendfile64, 8, NULL_OK, FD_OUT, FD_FILE, BAD, 0),
    ROW(getdents, 16, OUT | PARTIAL, FD_DIR, BAD, 512),
    ROW(getdents64, 24, OUT | PARTIAL, FD_DIR, BAD, 512),
    ROW(getrandom, 16, OUT | PARTIAL, BAD, 16, 0),
    ROW(poll, 8, OUT, BAD, 1, 0),
    ROW(ppoll, 8, OUT, BAD, 1, GOOD, 0, 8),
    ROW(ppoll, 8, NULL_OK, GOOD, 0, BAD, 0, 8),
    ROW(ppoll, 8, NULL_OK, GOOD, 0, GOOD, BAD, 8),
    ROW(ppoll_time64, 16, NULL_OK, GOOD, 0, BAD, 0, 8),
    ROW(_newselect, 4, OUT | NULL_OK, 1, BAD, 0, 0, GOOD),
    ROW(_newselect, 4, OUT | NULL_OK, 1, 0, BAD, 0, GOOD),
    ROW(_newselect, 4, OUT | NULL_OK, 1, 0, 0, BAD, GOOD),
    ROW(_newselect, 8, NULL_OK, 0, 0, 0, 0, BAD),
    ROW(select, 20, 0, BAD),
    ROW(pselect6, 4, OUT | NULL_OK, 1, BAD, 0, 0, GOOD, 0),
    ROW(pselect6, 8, NULL_OK, 0, 0, 0, 0, BAD, 0),
    ROW(pselect6, 8, NULL_OK, 0, 0, 0, 0, GOOD, BAD),
    ROW(pselect6_time64, 16, NULL_OK, 0, 0, 0, 0, BAD, 0),
    /* descriptors */
    ROW(open, 1, STRING, BAD, O_RDONLY),
    ROW(creat, 1, STRING, BAD, 0600),
    ROW(openat, 1, STRING, HERE, BAD, O_RDONLY),
    ROW(pipe, 8, OUT, BAD),
    ROW(pipe2, 8, OUT, BAD, O_CLOEXEC),
    ROW(fcntl64, 24, OUT, FD_FILE, F_GETLK64, BAD),
    ROW(fcntl64, 24, 0, FD_FILE, F_SETLK64, BAD),
    ROW(fcntl64, 16, OUT, FD_FILE, F_GETLK, BAD),
    ROW(fcntl, 16, 0, FD_FILE, F_SETLK, BAD),
    ROW(ioctl, 4, 0, FD_IN, FIONBIO, BAD),
    ROW(ioctl, 4, OUT, FD_IN, FIONREAD, BAD),
    ROW(ioctl, 4, OUT, FD_FILE, FIONREAD, BAD),
    /* names */
    ROW(truncate, 1, STRING, BAD, 0),
    ROW(truncate64, 1, STRING, BAD, 0, 0),
    ROW(mkdir, 1, STRING, BAD, 0700),
    ROW(mkdirat, 1, STRING, HERE, BAD, 0700),
    ROW(rmdir, 1, STRING, BAD),
    ROW(unlink, 1, STRING, BAD),
    ROW(unlinkat, 1, STRING, HERE, BAD, 0),
    ROW(rename, 1, STRING, BAD, NONE),
    ROW(rename, 1, STRING, EXISTS, BAD),
    ROW(renameat, 1, STRING, HERE, BAD, HERE, NONE),
    ROW(renameat, 1, STRING, HERE, EXISTS, HERE, BAD),
    ROW(renameat2, 1, STRING, HERE, BAD, HERE, NONE, 0),
    ROW(renameat2, 1, STRING, HERE, EXISTS, HERE, BAD, 0),
    ROW(link, 1, STRING, BAD, NONE),
    ROW(link, 1, STRING, EXISTS, BAD),
    ROW(linkat, 1, STRING, HERE, BAD, HERE, NONE, 0),
    ROW(linkat, 1, STRING, HERE, EXISTS, HERE, BAD, 0),
    ROW(symlink, 1, STRING, BAD, NONE),
    ROW(symlink, 1, STRING, EXISTS, BAD),
    ROW(symlinkat, 1, STRING, BAD, HERE, NONE),
    ROW(symlinkat, 1, STRING, EXISTS, HERE, BAD),
    ROW(mknod, 1, STRING, BAD, S_IFIFO, 0),
    ROW(mknodat, 1, STRING, HERE, BAD, S_IFIFO, 0),
    ROW(readlink, 1, STRING, BAD, GOOD, 64),
    ROW(readlink, 6, OUT, LINK, BAD, 64),
    ROW(readlinkat, 1, STRING, HERE, BAD, GOOD, 64),
    ROW(readlinkat, 6, OUT, HERE, LINK, BAD, 64),
    ROW(chdir, 1, STRING, BAD),
    ROW(getcwd, 2, OUT, BAD, 4096),
    /* inodes */
    ROW(stat, 1, STRING, BAD, GOOD),
    ROW(stat, 64, OUT, EXISTS, BAD),
    ROW(lstat, 1, STRING, BAD, GOOD),
    ROW(lstat, 64, OUT, EXISTS, BAD),
    ROW(fstat, 64, OUT, FD_FILE, BAD),
    ROW(stat64, 1, STRING, BAD, GOOD),
    ROW(stat64, 96, OUT, EXISTS, BAD),
    ROW(lstat64, 1, STRING, BAD, GOOD),
    ROW(lstat64, 96, OUT, EXISTS, BAD),
    ROW(fstat64, 96, OUT, FD_FILE, BAD),
    ROW(fstatat64, 1, STRING, HERE, BAD, GOOD, 0),
    ROW(fstatat64, 96, OUT, HERE, EXISTS, BAD, 0),
    ROW(statx, 1, STRING, HERE, BAD, 0, STATX_ALL, GOOD),
    ROW(statx, 256, OUT, HERE, EXISTS, 0, STATX_ALL, BAD),
    ROW(statfs, 1, STRING, BAD, GOOD),
    ROW(statfs, 64, OUT, EXISTS, BAD),
    ROW(fstatfs, 64, OUT, FD_FILE, BAD),
    ROW(statfs64, 1, STRING, BAD, 84, GOOD),
    ROW(statfs64, 84, OUT, EXISTS, 84, BAD),
    ROW(fstatfs64, 84, OUT, FD_FILE, 84, BAD),
    ROW(access, 1, STRING, BAD, 0),
    ROW(faccessat, 1, STRING, HERE, BAD, 0),
    ROW(faccessat2, 1, STRING, HERE, BAD, 0, 0),
    ROW(chmod, 1, STRING, BAD, 0600),
    ROW(fchmodat, 1, STRING, HERE, BAD, 0600),
    ROW(chown, 1, STRING, BAD, -1, -1),
    ROW(lchown, 1, STRING, BAD, -1, -1),
    ROW(chown32, 1, STRING, BAD, -1, -1),
    ROW(lchown32, 1, STRING, BAD, -1, -1),
    ROW(fchownat, 1, STRING, HERE, BAD, -1, -1, 0),
    ROW(utime, 1, STRING, BAD, GOOD),
    ROW(utime, 8, NULL_OK, EXISTS, BAD),
    ROW(utimes, 1, STRING, BAD, GOOD),
    ROW(utimes, 16, NULL_OK, EXISTS, BAD),
    ROW(futimesat, 1, STRING, HERE, BAD, GOOD),
    ROW(futimesat, 16, NULL_OK, HERE, EXISTS, BAD),
    ROW(utimensat, 1, STRING, HERE, BAD, GOOD, 0),
    ROW(utimensat, 16, NULL_OK, HERE, EXISTS, BAD, 0),
    ROW(utimensat_time64, 1, STRING, HERE, BAD, GOOD, 0),
    ROW(utimensat_time64, 32, NULL_OK, HERE, EXISTS, BAD, 0),
    /* memory and time */
    ROW(mmap, 24, 0, BAD),
    ROW(mincore, 1, OUT, 0 /* see main() */, PAGE, BAD),
    ROW(nanosleep, 8, 0, BAD, 0),
    ROW(clock_nanosleep, 8, 0, 0, 0, BAD, 0),
    ROW(clock_nanosleep_time64, 16, 0, 0, 0, BAD, 0),
    ROW(clock_gettime, 8, OUT, 1, BAD),
    ROW(clock_gettime64, 16, OUT, 1, BAD),
    ROW(clock_getres, 8, OUT | NULL_OK, 1, BAD),
    ROW(clock_getres_time64, 16, OUT | NULL_OK, 1, BAD),
    ROW(gettimeofday, 8, OUT | NULL_OK, BAD, 0),
    ROW(gettimeofday, 8, OUT | NULL_OK, 0, BAD),
    ROW(time, 4, OUT | NULL_OK, BAD),
    ROW(times, 16, OUT | NULL_OK, BAD),
    ROW(futex, 4, PARTIAL | ALIGNED, BAD, 0, 1, 0),
    ROW(futex, 8, NULL_OK, GOOD, 0, 1, BAD),
    /* limits, users, the machine */
    ROW(ugetrlimit, 8, OUT, 3, BAD),
    ROW(getrlimit, 8, OUT, 3, BAD),
    ROW(setrlimit, 8, 0, 3, BAD),
    ROW(prlimit64, 16, NULL_OK, 0, 3, BAD, 0),
    ROW(prlimit64, 16, OUT | NULL_OK, 0, 3, 0, BAD),
    ROW(getrusage, 72, OUT, 0, BAD),
    ROW(sched_getaffinity, 4, OUT | PARTIAL, 0, 8, BAD),
    ROW(sched_setaffinity, 4, 0, 0, 4, BAD),
    ROW(sched_getparam, 4, OUT | NULL_OK, 0, BAD),
    ROW(sched_setparam, 4, NULL_OK, 0, BAD),
    ROW(sched_setscheduler, 4, NULL_OK, 0, 0, BAD),
    ROW(getresuid32, 4, OUT, BAD, GOOD, GOOD),
    ROW(getresuid32, 4, OUT, GOOD, BAD, GOOD),
    ROW(getresuid32, 4, OUT, GOOD, GOOD, BAD),
    ROW(getresgid, 2, OUT, BAD, GOOD, GOOD),
    ROW(getresgid32, 4, OUT, GOOD, GOOD, BAD),
    ROW(setgroups32, 4, ROOT, 1, BAD),
    ROW(setgroups, 2, ROOT, 1, BAD),
    ROW(uname, 390, OUT, BAD),
    ROW(olduname, 325, OUT, BAD),
    ROW(oldolduname, 45, OUT, BAD),
    ROW(sethostname, 4, ROOT, BAD, 4),
    ROW(setdomainname, 4, ROOT, BAD, 4),
    ROW(sysinfo, 64, OUT, BAD),
    ROW(getcpu, 4, OUT | NULL_OK, BAD, 0, 0),
    ROW(getcpu, 4, OUT | NULL_OK, 0, BAD, 0),
    ROW(prctl, 1, STRING, PR_SET_NAME, BAD),
    ROW(prctl, 16, OUT, PR_GET_NAME, BAD),
    /* processes and signals */
    ROW(execve, 1, STRING, BAD, GOOD, GOOD),
    ROW(execve, 4, NULL_OK, (long)self, BAD, GOOD),
    ROW(execve, 4, NULL_OK, (long)self, GOOD, BAD),
    ROW(set_thread_area, 16, 0, BAD),
    ROW(get_thread_area, 16, PARTIAL, BAD),
    ROW(sigaction, 16, NULL_OK, 10, BAD, 0),
    ROW(sigaction, 16, OUT | NULL_OK, 10, 0, BAD),
    ROW(rt_sigaction, 20, NULL_OK, 10, BAD, 0, 8),
    ROW(rt_sigaction, 20, OUT | NULL_OK, 10, 0, BAD, 8),
    ROW(sigprocmask, 4, NULL_OK, 0, BAD, 0),
    ROW(sigprocmask, 4, OUT | NULL_OK, 0, 0, BAD),
    ROW(rt_sigprocmask, 8, NULL_OK, 0, BAD, 0, 8),
    ROW(rt_sigprocmask, 8, OUT | NULL_OK, 0, 0, BAD, 8),
    ROW(sigpending, 4, OUT, BAD),
    ROW(rt_sigpending, 8, OUT, BAD, 8),
    ROW(rt_sigsuspend, 8, 0, BAD, 8),
    ROW(rt_sigtimedwait, 8, 0, BAD, 0, GOOD, 8),
    ROW(rt_sigtimedwait, 8, NULL_OK, GOOD, 0, BAD, 8),
    ROW(sigaltstack, 12, NULL_OK, BAD, 0),
    ROW(sigaltstack, 12, OUT | NULL_OK, 0, BAD),
    ROW(setitimer, 16, NULL_OK, 0, BAD, 0),
    ROW(getitimer, 16, OUT, 0, BAD),
};

/* Memory: a writable page with nothing after it; elsewhere a read-only page. */
static uint8_t *page, *read_only;

static void make_pages(void)
{
    long memory =
        SYS(mmap2, 0, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    CHECK(memory > 0 || memory < -4095);
    page = (uint8_t *)memory;
    CHECK(SYS(munmap, page + PAGE, PAGE) == 0);
    read_only = page + 2 * PAGE;
    CHECK(SYS(mprotect, read_only, PAGE, PROT_READ) == 0);
}

static bool failed;

static void check_call(const struct row *row, uintptr_t bad, const char *where)
{
    long arg[6], result;

    for (unsigned i = 0; i < 6; i++)
        arg[i] = row->arg[i] == BAD ? (long)bad : row->arg[i];
    if (row->number == __NR_mincore)
        arg[0] = (long)page;
    result = syscall6(row->number, arg[0], arg[1], arg[2], arg[3], arg[4], arg[5]);
    if (result == -EFAULT)
        return;
    print("# %s with %s (%x): %d\n", row->name, where, bad, (int)result);
    failed = true;
}

static void check_row(const struct row *row)
{
    uint8_t *end = page + PAGE;

    if (row->flags & ROOT && SYS(geteuid32) != 0)
        return;
    if (!(row->flags & NULL_OK)) {
        check_call(row, 0, "NULL");
        check_call(row, 0x10, "page 0");
    }
    check_call(row, PAGE - 4, "the end of page 0");
    check_call(row, (uintptr_t)end, "a hole");
    check_call(row, KERNEL_HALF, "the kernel's half");
    check_call(row, KERNEL_HALF + 0x100000, "the kernel");
    check_call(row, 0xfffff000, "the last page");
    if (!(row->flags & ALIGNED))
        check_call(row, KERNEL_HALF - 1, "a byte below the kernel's half");
    if (row->flags & STRING) {
        end[-1] = end[-2] = 'x';
        check_call(row, (uintptr_t)end - 2, "a path without end");
        end[-1] = end[-2] = 0;
    } else if (row->size > 1 && !(row->flags & PARTIAL)) {
        check_call(row, (uintptr_t)end - row->size + 1, "the last byte missing");
    }
    if (row->flags & OUT)
        check_call(row, (uintptr_t)read_only, "a read-only page");
}

/* ---- cases that do not fit the table ---- */

static void check_vectors(void)
{
    struct iovec iov[2] = {{(void *)KERNEL_HALF, 4}, {page, 4}};
    long args[2] = {KERNEL_HALF, 0};

    CHECK(SYS(writev, FD_FILE, iov, 2) == -EFAULT);
    CHECK(SYS(readv, FD_FILE, iov, 2) == -EFAULT);
    CHECK(SYS(execve, self, args, NULL) == -EFAULT);
    CHECK(SYS(execve, self, NULL, args) == -EFAULT);
}

/* A child is removed after its status was to be returned, even if that failed. */
static void check_wait(void)
{
    long pid = fork_process();

    if (pid == 0)
        sys_exit(0);
    CHECK(SYS(wait4, pid, KERNEL_HALF, 0, NULL) == -EFAULT);
    CHECK(SYS(wait4, pid, NULL, 0, NULL) == -ECHILD);
    pid = fork_process();
    if (pid == 0)
        sys_exit(0);
    CHECK(SYS(waitid, P_PID, pid, KERNEL_HALF, WEXITED | WNOWAIT, NULL) == -EFAULT);
    CHECK(SYS(waitid, P_PID, pid, KERNEL_HALF, WEXITED, NULL) == -EFAULT);
    CHECK(SYS(wait4, pid, NULL, 0, NULL) == -ECHILD);
}

static void use_as(long fd, int number)
{
    CHECK(fd >= 0);
    CHECK(SYS(dup2, fd, number) == number);
    CHECK(SYS(close, fd) == 0);
}

static void make_files(void)
{
    static uint8_t bytes[64];
    int fds[2];

    SYS(mkdir, "/tmp", 0777);
    SYS(mkdir, "/tmp/bad_pointer_test", 0700);
    CHECK(SYS(chdir, "/tmp/bad_pointer_test") == 0);
    use_as(SYS(open, ".", O_RDONLY | O_DIRECTORY), FD_DIR);
    use_as(SYS(open, exists, O_RDWR | O_CREAT | O_TRUNC, 0600), FD_FILE);
    CHECK(sys_write(FD_FILE, bytes, sizeof(bytes)) == sizeof(bytes));
    CHECK(SYS(lseek, FD_FILE, 0, 0) == 0);
    SYS(unlink, target); /* left by a run that was killed */
    CHECK(SYS(symlink, exists, target) == 0);
    CHECK(SYS(pipe, fds) == 0);
    use_as(fds[0], FD_IN);
    use_as(fds[1], FD_OUT);
}

static int open_descriptors(void)
{
    int count = 0;

    for (int fd = 0; fd < 256; fd++)
        count += SYS(fcntl64, fd, F_GETFD) >= 0;
    return count;
}

int main(void)
{
    int count;

    make_pages();
    make_files();
    count = open_descriptors();
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        check_row(&rows[i]);
    CHECK(!failed);
    check_vectors();
    check_wait();
    /* Nothing has changed: no more descriptors; both names exist, and no others. */
    CHECK(open_descriptors() == count);
    CHECK(SYS(lseek, FD_FILE, 0, 1) == 0);
    CHECK(SYS(lseek, FD_FILE, 0, 2) == 64);
    CHECK(SYS(unlink, target) == 0);
    CHECK(SYS(unlink, exists) == 0);
    CHECK(SYS(chdir, "/") == 0);
    CHECK(SYS(rmdir, "/tmp/bad_pointer_test") == 0);
    return 0;
}
