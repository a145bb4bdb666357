/*
 * /proc as programs read it, which rely on Linux's formats. Also passes on Linux.
 *
 * `proc_test again` is the program after it has executed /proc/self/exe, as a shell that is several
 * programs in one does for each of them.
 */
#include "lib/check.h"
#include <asm/stat.h>
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/mman.h>
#include <linux/prctl.h>

static char text[65536];

static const char *read_file(const char *path)
{
    long fd = SYS(open, path, O_RDONLY), used = 0, count;

    CHECK(fd >= 0);
    while ((count = SYS(read, fd, text + used, sizeof(text) - 1 - used)) > 0)
        used += count;
    CHECK(count == 0 && SYS(close, fd) == 0);
    text[used] = '\0';
    return text;
}

static bool starts(const char *s, const char *start)
{
    while (*start) {
        if (*s++ != *start++)
            return false;
    }
    return true;
}

/* The start of the line, or NULL. */
static const char *line(const char *start)
{
    for (const char *s = text; *s; s++) {
        if ((s == text || s[-1] == '\n') && starts(s, start))
            return s;
    }
    return NULL;
}

static uint32_t hex(const char **s)
{
    uint32_t value = 0;

    for (;; ++*s) {
        char c = **s;

        if (c >= '0' && c <= '9')
            value = value * 16 + c - '0';
        else if (c >= 'a' && c <= 'f')
            value = value * 16 + c - 'a' + 10;
        else
            return value;
    }
}

/* The line of maps for an address: its rights and the rest; NULL if there is none. */
static const char *area_of(const void *addr)
{
    read_file("/proc/self/maps");
    for (const char *s = text; *s; s++) {
        if (s == text || s[-1] == '\n') {
            const char *at = s;
            uint32_t start = hex(&at), end;

            CHECK(*at++ == '-');
            end = hex(&at);
            CHECK(*at++ == ' ');
            if ((uint32_t)addr >= start && (uint32_t)addr < end)
                return at;
        }
    }
    return NULL;
}

static bool ends_line(const char *s, const char *end)
{
    for (; *s && *s != '\n'; s++) {
        if (starts(s, end) && s[strlen(end)] == '\n')
            return true;
    }
    return false;
}

static void test_maps(void)
{
    int on_stack = 0;
    char *heap = (char *)sys_brk(0), *page;

    CHECK(starts(area_of(read_file), "r-xp ") && ends_line(area_of(read_file), "/proc_test"));
    CHECK(starts(area_of(&on_stack), "rw") && ends_line(area_of(&on_stack), "[stack]"));
    CHECK(sys_brk((uintptr_t)heap + 4096) == (uintptr_t)heap + 4096);
    CHECK(starts(area_of(heap), "rw-p 00000000 00:00 0 ") && ends_line(area_of(heap), "[heap]"));
    page = (char *)SYS(mmap2, NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(starts(area_of(page), "r--p 00000000 00:00 0 "));
    CHECK(SYS(mprotect, page, 4096, PROT_NONE) == 0 && starts(area_of(page), "---p "));
    CHECK(SYS(munmap, page, 4096) == 0 && !area_of(page));
}

static uint32_t decimal(const char *s)
{
    uint32_t value = 0;

    while (*s >= '0' && *s <= '9')
        value = value * 10 + *s++ - '0';
    return value;
}

static void test_links(void)
{
    char link[64] = "", path[256] = "";
    long len = SYS(readlink, "/proc/self", link, sizeof(link));

    CHECK(len > 0 && decimal(link) == (uint32_t)sys_getpid());
    len = SYS(readlink, "/proc/self/exe", path, sizeof(path) - 1);
    CHECK(len >= 10 && path[0] == '/' && streq(path + len - 10, "/proc_test"));
    len = SYS(chdir, "/");
    CHECK(len == 0 && SYS(readlink, "/proc/self/cwd", path, sizeof(path)) == 1 && path[0] == '/');
    CHECK(SYS(open, "/proc/self/nothing", O_RDONLY) == -ENOENT);
    CHECK(SYS(open, "/proc/4000000/maps", O_RDONLY) == -ENOENT);
    CHECK(SYS(open, "/proc/0/maps", O_RDONLY) == -ENOENT);
}

static void test_process(void)
{
    const char *name;

    read_file("/proc/self/cmdline");
    name = text + strlen(text);
    CHECK(streq(name - 9, "proc_test") && name[1] == '\0');
    CHECK(streq(read_file("/proc/self/comm"), "proc_test\n"));
    CHECK(decimal(read_file("/proc/self/stat")) == (uint32_t)sys_getpid());
    for (name = text; *name != '('; name++)
        ;
    CHECK(starts(name, "(proc_test) R ") && decimal(name + 14) == (uint32_t)SYS(getppid));
    read_file("/proc/self/status");
    CHECK(starts(text, "Name:\tproc_test\n") && line("State:\tR (running)\n"));
    CHECK(line("Pid:\t") && decimal(line("Pid:\t") + 5) == (uint32_t)sys_getpid());
    CHECK(line("VmSize:\t") && line("VmRSS:\t") && line("SigBlk:\t0000000000000000\n"));
    CHECK(decimal(read_file("/proc/self/statm")) > 2);
}

/* ---- descriptors ---- */

#define FD_FILE "/tmp/proc_test.fd"

static char *append(char *to, const char *from)
{
    while (*from)
        *to++ = *from++;
    *to = '\0';
    return to;
}

/* "/proc/self/fd/3" and what follows. */
static const char *fd_path_to(long fd, const char *rest)
{
    static char path[64];
    char digits[2] = "", *to = append(path, "/proc/self/fd/");

    CHECK(fd >= 0 && fd < 100);
    if (fd >= 10)
        digits[0] = '0' + fd / 10, to = append(to, digits);
    digits[0] = '0' + fd % 10;
    append(append(to, digits), rest);
    return path;
}

static const char *fd_path(long fd)
{
    return fd_path_to(fd, "");
}

static const char *link_text(const char *path)
{
    static char to[256];
    long length = SYS(readlink, path, to, sizeof(to) - 1);

    CHECK(length > 0);
    to[length] = '\0';
    return to;
}

static uint32_t mode_of_link(const char *path)
{
    struct stat64 stat;

    CHECK(SYS(lstat64, path, &stat) == 0);
    return stat.st_mode;
}

/* Open files are found, also when their name was removed. */
static void test_fd_of_file(void)
{
    long fd = SYS(open, FD_FILE, O_RDONLY | O_CREAT, 0600), again;
    char c = 0;

    CHECK(fd >= 0 && streq(link_text(fd_path(fd)), FD_FILE));
    CHECK(mode_of_link(fd_path(fd)) == 0120500);
    again = SYS(open, fd_path(fd), O_RDWR | O_CREAT, 0);
    CHECK(again >= 0 && mode_of_link(fd_path(again)) == 0120700);
    CHECK(SYS(write, again, "x", 1) == 1 && SYS(read, fd, &c, 1) == 1 && c == 'x');
    CHECK(SYS(unlink, FD_FILE) == 0 && streq(link_text(fd_path(fd)), FD_FILE " (deleted)"));
    CHECK(SYS(close, again) == 0);
    again = SYS(open, fd_path(fd), O_RDONLY);
    CHECK(again >= 0 && SYS(read, again, &c, 1) == 1);
    CHECK(SYS(open, fd_path(fd), O_RDONLY | O_NOFOLLOW) == -ELOOP);
    CHECK(SYS(open, fd_path(fd), O_RDONLY | O_DIRECTORY) == -ENOTDIR);
    CHECK(SYS(unlink, fd_path(fd)) == -EPERM);
    CHECK(SYS(close, again) == 0 && SYS(close, fd) == 0);
    CHECK(SYS(open, fd_path(fd), O_RDONLY) == -ENOENT);
}

static void test_fd_of_directory(void)
{
    long dir = SYS(open, "/proc/self", O_RDONLY | O_DIRECTORY), file;

    CHECK(dir >= 0 && streq(read_file(fd_path_to(dir, "/comm")), "proc_test\n"));
    CHECK(SYS(access, fd_path_to(dir, "/"), 0) == 0);
    file = SYS(open, "/proc/self/comm", O_RDONLY);
    CHECK(file >= 0);
    CHECK(SYS(access, fd_path_to(file, "/"), 0) == -ENOTDIR);
    CHECK(SYS(access, fd_path_to(file, "/.."), 0) == -ENOTDIR);
    CHECK(SYS(close, file) == 0 && SYS(close, dir) == 0);
}

static void test_fd_of_pipe(void)
{
    long end;
    int fds[2];
    char c = 0;

    CHECK(SYS(pipe, fds) == 0 && starts(link_text(fd_path(fds[0])), "pipe:["));
    end = SYS(open, fd_path(fds[0]), O_RDONLY);
    CHECK(end >= 0 && SYS(write, fds[1], "p", 1) == 1 && SYS(read, end, &c, 1) == 1 && c == 'p');
    CHECK(SYS(close, end) == 0 && SYS(close, fds[0]) == 0 && SYS(close, fds[1]) == 0);
}

/* An end of a pipe without a name can be opened even if the other end is closed for ever. */
static void test_fd_of_half_a_pipe(void)
{
    long end;
    int fds[2];
    char c = 0;

    SYS(alarm, 5);
    CHECK(SYS(pipe, fds) == 0 && SYS(write, fds[1], "p", 1) == 1 && SYS(close, fds[1]) == 0);
    end = SYS(open, fd_path(fds[0]), O_RDONLY);
    CHECK(end >= 0 && SYS(read, end, &c, 1) == 1 && c == 'p' && SYS(read, end, &c, 1) == 0);
    CHECK(SYS(close, end) == 0 && SYS(close, fds[0]) == 0);
    CHECK(SYS(pipe, fds) == 0 && SYS(close, fds[0]) == 0);
    for (long flags = O_WRONLY; flags <= (O_WRONLY | O_NONBLOCK); flags += O_NONBLOCK) {
        end = SYS(open, fd_path(fds[1]), flags);
        CHECK(end >= 0 && SYS(close, end) == 0);
    }
    CHECK(SYS(close, fds[1]) == 0);
    SYS(alarm, 0);
}

static void test_fds(void)
{
    test_fd_of_file();
    test_fd_of_directory();
    test_fd_of_pipe();
    test_fd_of_half_a_pipe();
    if (in_attic()) { /* on Linux programs make these */
        CHECK(streq(link_text("/dev/stdin"), "/proc/self/fd/0"));
        CHECK(SYS(access, "/dev/fd/1", 0) == 0);
    }
    CHECK(SYS(access, "/proc/self/fd/01", 0) == -ENOENT);
    CHECK(SYS(access, "/proc/self/fd/x", 0) == -ENOENT);
    CHECK(SYS(access, "/proc/self/fd/4294967296", 0) == -ENOENT);
    CHECK(mode_of_link("/proc/self/fd") == 0040500);
    CHECK(SYS(access, "/proc/1/fd", 0) == 0 || !in_attic());
}

/* ---- threads: there is one ---- */

static char path_text[64];

/* /proc/self/task/TID and what follows. */
static const char *task_path(long tid, const char *rest)
{
    char digits[12], *digit = digits + sizeof(digits), *to = path_text;

    for (*--digit = '\0'; tid; tid /= 10)
        *--digit = '0' + tid % 10;
    for (const char *s = "/proc/self/task/"; *s;)
        *to++ = *s++;
    while (*digit)
        *to++ = *digit++;
    while ((*to++ = *rest++))
        ;
    return path_text;
}

static void test_task(void)
{
    struct linux_dirent64 {
        uint64_t ino;
        int64_t off;
        uint16_t reclen;
        uint8_t type;
        char name[];
    };
    struct linux_dirent64 *entry;
    long dir = SYS(open, "/proc/self/task", O_RDONLY | O_DIRECTORY), size, names = 0;

    CHECK(dir >= 0 && (size = SYS(getdents64, dir, text, sizeof(text))) > 0);
    for (long at = 0; at < size; at += entry->reclen) {
        entry = (struct linux_dirent64 *)(text + at);
        if (entry->name[0] == '.')
            continue;
        CHECK(starts(task_path(sys_getpid(), ""), "/proc/self/task/"));
        CHECK(streq(path_text + 16, entry->name) && entry->type == 4);
        names++;
    }
    CHECK(names == 1 && SYS(getdents64, dir, text, sizeof(text)) == 0 && SYS(close, dir) == 0);
    CHECK(streq(read_file(task_path(sys_getpid(), "/comm")), "proc_test\n"));
    CHECK(SYS(access, task_path(sys_getpid(), "/fd/0"), 0) == 0);
    CHECK(SYS(access, task_path(sys_getpid(), "/task"), 0) == -ENOENT);
    CHECK(SYS(access, task_path(sys_getpid() + 1, ""), 0) == -ENOENT);
    CHECK(SYS(access, "/proc/self/task/0", 0) == -ENOENT);
    CHECK(SYS(access, "/proc/self/task/x", 0) == -ENOENT);
}

/* ---- /proc/sys, auxv, places ---- */

static const char *with_newline(const char *s)
{
    char *to = path_text;

    while ((*to = *s++))
        to++;
    to[0] = '\n', to[1] = '\0';
    return path_text;
}

static void test_sys(void)
{
    struct new_utsname name;

    CHECK(SYS(uname, &name) == 0);
    CHECK(streq(read_file("/proc/sys/kernel/ostype"), with_newline(name.sysname)));
    CHECK(streq(read_file("/proc/sys/kernel/osrelease"), with_newline(name.release)));
    CHECK(streq(read_file("/proc/sys/kernel/hostname"), with_newline(name.nodename)));
    CHECK(read_file("/proc/sys/kernel/pid_max")[0] > '0');
    CHECK(read_file("/proc/sys/vm/overcommit_memory")[1] == '\n' && text[0] <= '2');
    CHECK(SYS(open, "/proc/sys/kernel/ostype", O_WRONLY) == -EACCES);
    CHECK(SYS(access, "/proc/sys/kernel/nothing", 0) == -ENOENT);
    CHECK(SYS(open, "/proc/sys/kernel/nothing", O_WRONLY | O_CREAT, 0600) < 0);
    CHECK(SYS(mkdir, "/proc/sys/kernel/folder", 0700) < 0 && SYS(rmdir, "/proc/sys/vm") < 0);
    CHECK(SYS(unlink, "/proc/sys/kernel/ostype") < 0);
    CHECK(mode_of_link("/proc/sys/kernel") == 0040555);
    CHECK(mode_of_link("/proc/sys/kernel/ostype") == 0100444);
}

static void test_auxv(void)
{
    const uint32_t *word = (const uint32_t *)environ, *read = (const uint32_t *)text;

    read_file("/proc/self/auxv");
    while (*word++)
        ;
    for (; word[0]; word += 2, read += 2)
        CHECK(read[0] == word[0] && read[1] == word[1]);
    CHECK(read[0] == 0 && read[1] == 0);
}

/* The text files of processes have no end to seek to, and are not data. */
static void test_places(void)
{
    long fd = SYS(open, "/proc/self/status", O_RDONLY);

    CHECK(fd >= 0 && SYS(lseek, fd, 3, SEEK_SET) == 3 && SYS(lseek, fd, 1, SEEK_CUR) == 4);
    for (long whence = SEEK_END; whence <= SEEK_HOLE; whence++)
        CHECK(SYS(lseek, fd, 0, whence) == -EINVAL);
    CHECK(SYS(close, fd) == 0);
}

/* A name cannot imitate a line. */
static void test_forged_name(void)
{
    CHECK(SYS(prctl, PR_SET_NAME, "a\nUid:\t\\9") == 0);
    CHECK(starts(read_file("/proc/self/status"), "Name:\ta\\nUid:\t\\\\9\nUmask:"));
    CHECK(streq(read_file("/proc/self/comm"), "a\nUid:\t\\9\n"));
}

static void test_machine(void)
{
    CHECK(starts(read_file("/proc/meminfo"), "MemTotal:       ") && line("MemFree:        "));
    CHECK(line("MemAvailable:   ") && line("Buffers: ") && line("Cached: ") && line("Slab: "));
    CHECK(starts(read_file("/proc/version"), "Linux version "));
    CHECK(starts(read_file("/proc/stat"), "cpu  ") && line("cpu0 ") && line("btime "));
    CHECK(starts(read_file("/proc/cpuinfo"), "processor\t: 0\n") && line("flags\t\t: "));
    read_file("/proc/uptime");
    read_file("/proc/loadavg");
    CHECK(read_file("/proc/mounts") && read_file("/proc/filesystems") && line("nodev\tproc\n"));
}

/* Reading in pieces gives a consistent text, even if it changes meanwhile. */
static void test_pieces(void)
{
    char whole[4096] = "", piece[4096] = "";
    long fd = SYS(open, "/proc/self/status", O_RDONLY), size, used = 0, count;

    CHECK(fd >= 0);
    while ((count = SYS(read, fd, piece + used, 7)) > 0)
        used += count;
    size = SYS(pread64, fd, whole, sizeof(whole), 0, 0);
    CHECK(size == used && SYS(lseek, fd, 0, 0) == 0);
    CHECK(starts(piece, "Name:\tproc_test\n") && starts(whole, "Name:\tproc_test\n"));
    CHECK(SYS(close, fd) == 0);
}

static uint64_t device_of(const char *path)
{
    struct stat64 st;

    CHECK(SYS(stat64, path, &st) == 0);
    return st.st_dev;
}

/* A program that walks a tree on one file system does not enter /proc. */
static void test_device(void)
{
    CHECK(device_of("/proc") != device_of("/"));
    CHECK(device_of("/proc/self/maps") == device_of("/proc"));
    CHECK(device_of("/proc/meminfo") == device_of("/proc"));
    CHECK(SYS(rename, "/proc/meminfo", "/tmp/x") == -EXDEV);
    CHECK(SYS(rename, "/tmp", "/proc/x") == -EXDEV);
    CHECK(SYS(link, "/proc/meminfo", "/tmp/proc_test.x") == -EXDEV);
    CHECK(SYS(link, "/proc/meminfo", "/tmp") == -EEXIST);
    CHECK(SYS(link, "/tmp", "/proc/x") == -ENOENT);
}

int main(int argc, char **argv)
{
    const char *again[] = {"proc_test", "again", NULL};

    if (argc > 1 && streq(argv[1], "again"))
        return 7;
    test_maps();
    test_links();
    test_fds();
    test_process();
    test_machine();
    test_pieces();
    test_device();
    EXPECT_EXIT(7, SYS(execve, "/proc/self/exe", again, NULL));
    test_task();
    test_sys();
    test_auxv();
    test_places();
    test_forged_name();
    return 0;
}
