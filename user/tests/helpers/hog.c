/*
 * System calls that a program can make long. Kernel code is not preempted, so each must yield on
 * the way: a second process reads the clock all the time, and the longest time for which it did not
 * run is printed for each call and compared with the limit. `hog` runs all, `hog NAME` one.
 *
 * The result is meaningful where the clock counts instructions (tests/run/costs/test_hog.py);
 * elsewhere the load of the host is measured as well.
 */
#include "lib/cases.h"

#define LIMIT_MS 50
#define PART     ((long)4096)

struct hogs {
    unsigned longest, failed;
};

static volatile struct hogs *shared;

static char buf[65536];

static unsigned now_ms(void)
{
    struct __kernel_old_timespec time;

    CHECK(SYS(clock_gettime, 1, &time) == 0);
    return time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

static long start_watcher(void)
{
    long pid = fork_process();
    unsigned last, now;

    if (pid)
        return pid;
    for (last = now_ms();; last = now) {
        now = now_ms();
        if (now - last > shared->longest)
            shared->longest = now - last;
    }
}

static void begin(void)
{
    for (int i = 0; i < 6; i++)
        sys_sched_yield();
    shared->longest = 0;
}

static void end(const char *what)
{
    for (int i = 0; i < 3; i++)
        sys_sched_yield();
    print("hog: %s: %u ms\n", what, shared->longest);
    shared->failed += shared->longest >= LIMIT_MS;
}

#define MEASURE(what, ...)                                                                         \
    do {                                                                                           \
        begin();                                                                                   \
        __VA_ARGS__;                                                                               \
        end(what);                                                                                 \
    } while (0)

static char *number(char *to, unsigned n)
{
    char digits[12], *p = digits + 11;

    for (*p = 0; n || !*p; n /= 10)
        *--p = '0' + n % 10;
    while (*p)
        *to++ = *p++;
    *to = 0;
    return to;
}

static long memory_of(unsigned size, int prot, int flags)
{
    long addr = SYS(mmap2, 0, size, prot, ANONYMOUS | flags, -1, 0);

    CHECK(!IS_ERR(addr));
    return addr;
}

/* ---- files ---- */

static char *sparse(unsigned n)
{
    static char name[16] = "s";

    number(name + 1, n);
    return name;
}

/* Far pages in many files, and then no memory: every write tries to reclaim some. */
static void full(void)
{
    long fd;

    for (unsigned i = 0; i < 60; i++) {
        fd = SYS(open, sparse(i), O_RDWR | O_CREAT, 0600);
        CHECK(SYS(pwrite64, fd, buf, 1, 0x7fffe000, 0) == 1 || i > 20);
        SYS(close, fd);
    }
    fd = SYS(open, "fill", O_RDWR | O_CREAT, 0600);
    MEASURE("writes until nothing is left", while (sys_write(fd, buf, sizeof(buf)) > 0));
    MEASURE("a write when nothing is left", CHECK(sys_write(fd, buf, sizeof(buf)) == -ENOSPC));
    MEASURE("a name when nothing is left", CHECK(SYS(mkdir, "no", 0700) == -ENOSPC));
    MEASURE("a cut", CHECK(SYS(ftruncate, fd, 1) == 0));
    MEASURE("room that is asked for", SYS(fallocate, fd, 0, 0, 0, 0x40000000, 0));
    MEASURE("the end of a file", SYS(close, fd); SYS(unlink, "fill"));
    for (unsigned i = 0; i < 60; i++)
        SYS(unlink, sparse(i));
}

/* As many names in a directory as possible. */
static void names(void)
{
    unsigned n = 0;
    long fd;

    for (long result = 0; result >= 0; n++)
        result = SYS(mkdir, sparse(n), 0700);
    CHECK(n > 1000);
    fd = SYS(open, ".", O_RDONLY | O_DIRECTORY);
    MEASURE("a large directory", while (SYS(getdents64, fd, buf, sizeof(buf)) > 0));
    SYS(close, fd);
    while (n--)
        SYS(rmdir, sparse(n));
}

/* Nested directories, removed from below, all kept by one descriptor. */
static void chain(void)
{
    unsigned depth = 0;
    long fd;

    while (SYS(mkdir, "d", 0700) == 0 && SYS(chdir, "d") == 0)
        depth++;
    CHECK(depth > 1000);
    SYS(rmdir, "d");
    MEASURE("a way up", SYS(getcwd, buf, PART));
    fd = SYS(open, ".", O_RDONLY | O_DIRECTORY);
    while (depth--)
        CHECK(SYS(chdir, "..") == 0 && SYS(rmdir, "d") == 0);
    MEASURE("the end of removed directories", SYS(close, fd));
}

static void make_link(unsigned n)
{
    static char text[4096];
    char *p = text, name[16] = "L";

    *p++ = 'L';
    p = number(p, n + 1);
    *p++ = '/';
    for (; p < text + sizeof(text) - 4; p += 2)
        memcpy(p, "./", 2);
    *p = 0;
    number(name + 1, n);
    CHECK(SYS(symlink, text, name) == 0);
}

/* A path through the maximum number of links, each of maximum length. */
static void links(void)
{
    static char stat[128];
    char name[16] = "L";

    for (unsigned i = 0; i < 39; i++)
        make_link(i);
    CHECK(SYS(mkdir, "L39", 0700) == 0);
    MEASURE("a path through links", CHECK(SYS(stat64, "L0", stat) == 0));
    MEASURE("a name behind links", CHECK(SYS(rename, "L0/none", "L0/more") == -ENOENT));
    for (unsigned i = 0; i < 39; i++) {
        number(name + 1, i);
        SYS(unlink, name);
    }
    SYS(rmdir, "L39");
}

/* ---- memory ---- */

#define HUGE 0x90000000u

static void ranges(void)
{
    long area = memory_of(HUGE, PROT_READ, 0), bits = memory_of(HUGE / PAGE, RW, 0);

    MEASURE("mincore", CHECK(SYS(mincore, area, HUGE, bits) == 0));
    MEASURE("populate", SYS(madvise, area, HUGE, 22); SYS(mlock, area, HUGE));
    MEASURE("mprotect", CHECK(SYS(mprotect, area, HUGE, PROT_NONE) == 0));
    MEASURE("msync", SYS(msync, area, HUGE, 4));
    MEASURE("madvise", CHECK(SYS(madvise, area, HUGE, 4) == 0));
    MEASURE("mremap", CHECK(SYS(mremap, area, HUGE, HUGE - PAGE, 1, 0) == area));
    MEASURE("munmap", CHECK(SYS(munmap, area, HUGE) == 0));
    CHECK(SYS(munmap, bits, HUGE / PAGE) == 0);
    area = SYS(mmap2, 0, HUGE, PROT_READ, ANONYMOUS | MAP_POPULATE, -1, 0);
    MEASURE("munmap of touched pages", CHECK(SYS(munmap, area, HUGE) == 0));
}

/* The /proc file of all areas. */
static void told(void)
{
    static const char *const files[] = {"/proc/self/maps", "/proc/self/status", "/proc/self/stat"};

    for (int i = 0; i < 3; i++) {
        long fd = SYS(open, files[i], O_RDONLY);

        while (fd >= 0 && SYS(read, fd, buf, sizeof(buf)) > 0)
            ;
        SYS(close, fd);
    }
}

static void areas(void)
{
    long area = memory_of(65000 * PAGE, PROT_NONE, 0), pid;

    for (unsigned i = 1; i < 65000; i += 2)
        CHECK(SYS(mprotect, area + i * PAGE, PAGE, PROT_READ) == 0);
    MEASURE("/proc about many areas", told());
    MEASURE("fork of many areas", pid = SYS(fork); if (pid == 0) sys_exit(0);
            if (pid > 0) wait_status(pid));
    MEASURE("advice about many areas", SYS(madvise, area, 65000 * PAGE, MADV_WIPEONFORK));
    MEASURE("fork of many areas that are wiped", pid = SYS(fork); if (pid == 0) sys_exit(0);
            if (pid > 0) wait_status(pid));
    MEASURE("advice to leave them out", SYS(madvise, area, 65000 * PAGE, MADV_DONTFORK));
    MEASURE("fork without them", pid = SYS(fork); if (pid == 0) sys_exit(0);
            if (pid > 0) wait_status(pid));
    MEASURE("mprotect of many areas", SYS(mprotect, area, 65000 * PAGE, PROT_NONE));
    for (unsigned i = 1; i < 65000; i += 2)
        CHECK(SYS(mprotect, area + i * PAGE, PAGE, PROT_READ) == 0);
    MEASURE("munmap of many areas", CHECK(SYS(munmap, area, 65000 * PAGE) == 0));
}

static void arguments(void)
{
    static char text[131000], *argv[] = {text, text, text, text, text, text, NULL};
    int pipe[2];

    memset(text, 'x', sizeof(text) - 1);
    CHECK(SYS(pipe, pipe) == 0);
    MEASURE(
        "execve with long arguments", long pid = fork_process(); if (pid == 0) {
            SYS(dup2, pipe[1], 1);
            sys_exit(SYS(execve, "/status", argv, argv) == 0);
        } wait_status(pid));
    SYS(close, pipe[0]);
    SYS(close, pipe[1]);
}

static void bytes(void)
{
    static struct iovec many[1024];
    long zero = SYS(open, "/dev/zero", O_RDONLY), memory = memory_of(1 << 24, RW, 0);

    for (int i = 0; i < 1024; i++)
        many[i] = (struct iovec){(void *)memory, 1 << 20};
    MEASURE("getrandom", SYS(getrandom, memory, 1 << 18, 0));
    MEASURE("a long read", CHECK(SYS(readv, zero, many, 64) > 0));
    SYS(close, zero);
    CHECK(SYS(munmap, memory, 1 << 24) == 0);
}

int main(int argc, char *argv[])
{
    static const struct test_case cases[] = {
        {"full", full},     {"names", names}, {"chain", chain},         {"links", links},
        {"ranges", ranges}, {"areas", areas}, {"arguments", arguments}, {"bytes", bytes},
    };
    long watcher;

    shared = (void *)SYS(mmap2, 0, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(!IS_ERR(shared) && SYS(mkdir, "/tmp/hog", 0700) == 0 && SYS(chdir, "/tmp/hog") == 0);
    watcher = start_watcher();
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        if (argc == 1 || streq(argv[1], cases[i].name))
            cases[i].run();
    SYS(kill, watcher, SIGKILL);
    wait_status(watcher);
    CHECK(SYS(chdir, "/") == 0 && SYS(rmdir, "/tmp/hog") == 0);
    return shared->failed != 0;
}
