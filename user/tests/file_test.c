/*
 * Calls about files, directories and descriptors, with the expected results and errors. Leaves
 * nothing behind. Also passes on Linux.
 */
#include "lib/cases.h"
#include <asm/ioctls.h>
#include <asm/stat.h>
#include <linux/close_range.h>
#include <linux/fs.h>
#include <linux/resource.h>
#include <linux/stat.h>

#define HOME "/tmp/file_test"

static long open_rw(const char *path)
{
    return open_new(path);
}

static void write_text(long fd, const char *text)
{
    CHECK(sys_write(fd, text, strlen(text)) == (long)strlen(text));
}

static bool reads(long fd, const char *text)
{
    char buf[64];
    long size = SYS(read, fd, buf, sizeof(buf) - 1);

    CHECK(size >= 0);
    buf[size] = '\0';
    return streq(buf, text);
}

static uint32_t size_of(const char *path)
{
    struct stat64 st;

    CHECK(SYS(stat64, path, &st) == 0);
    return st.st_size;
}

static void close_all(long from)
{
    CHECK(SYS(close_range, from, -1, 0) == 0);
}

/* ---- descriptors ---- */

static void lowest_descriptor(void)
{
    long fd = SYS(dup, 0);

    CHECK(fd >= 3 || fd == 2);
    for (long i = 1; i < 100; i++)
        CHECK(SYS(dup, 0) == fd + i);
    CHECK(SYS(close, fd + 7) == 0);
    CHECK(SYS(close, fd + 70) == 0);
    CHECK(SYS(close, fd + 70) == -EBADF);
    CHECK(SYS(dup, 0) == fd + 7);
    CHECK(SYS(fcntl64, 0, F_DUPFD, fd + 8) == fd + 70);
    CHECK(SYS(fcntl64, 0, F_DUPFD, fd + 8) == fd + 100);
    CHECK(SYS(dup2, fd, 300) == 300);
    CHECK(SYS(dup2, fd, fd) == fd);
    CHECK(SYS(dup2, 299, 299) == -EBADF);
    CHECK(SYS(dup3, fd, fd, 0) == -EINVAL);
    CHECK(SYS(dup3, fd, 5, O_APPEND) == -EINVAL);
    CHECK(SYS(fcntl64, fd, 4711, 0) == -EINVAL);
    CHECK(SYS(fcntl64, 299, F_GETFD, 0) == -EBADF);
    CHECK(SYS(close_range, fd + 1, fd, 0) == -EINVAL);
    close_all(fd);
    CHECK(SYS(fcntl64, 0, F_DUPFD, 20) == 20 && SYS(fcntl64, 0, F_DUPFD, 20) == 21);
    CHECK(SYS(fcntl64, 0, F_DUPFD, 45) == 45 && SYS(fcntl64, 0, F_DUPFD, 31) == 31);
    CHECK(SYS(dup, 0) == fd);
}

static void descriptor_limit(void)
{
    struct rlimit limit = {40, 1024}, old;
    long fd, count = 0;

    CHECK(SYS(ugetrlimit, RLIMIT_NOFILE, &old) == 0);
    limit.rlim_max = old.rlim_max;
    CHECK(SYS(setrlimit, RLIMIT_NOFILE, &limit) == 0);
    write_text(open_rw("kept"), "text");
    while ((fd = SYS(dup, 0)) >= 0)
        count = fd + 1;
    CHECK(fd == -EMFILE && count == 40);
    CHECK(SYS(open, "/", O_RDONLY) == -EMFILE);
    CHECK(SYS(open, "many", O_RDWR | O_CREAT, 0600) == -EMFILE);
    CHECK(SYS(access, "many", 0) == -ENOENT);
    CHECK(SYS(open, "kept", O_RDWR | O_TRUNC) == -EMFILE);
    CHECK(size_of("kept") == 4);
    CHECK(SYS(fcntl64, 0, F_DUPFD, 40) == -EINVAL);
    CHECK(SYS(dup2, 0, 40) == -EBADF);
    CHECK(SYS(dup2, 0, 39) == 39);
    limit.rlim_cur = limit.rlim_max + 1;
    CHECK(SYS(setrlimit, RLIMIT_NOFILE, &limit) == -EINVAL);
}

static void close_on_exec_flag(void)
{
    long fd = SYS(openat, AT_FDCWD, "/", O_RDONLY | O_CLOEXEC), copy;

    CHECK(fd >= 0);
    CHECK(SYS(fcntl64, fd, F_GETFD) == FD_CLOEXEC);
    copy = SYS(dup, fd);
    CHECK(SYS(fcntl64, copy, F_GETFD) == 0);
    CHECK(SYS(fcntl64, fd, F_SETFD, 0) == 0);
    CHECK(SYS(fcntl64, fd, F_GETFD) == 0);
    CHECK(SYS(ioctl, fd, FIOCLEX, 0) == 0);
    CHECK(SYS(fcntl64, fd, F_GETFD) == FD_CLOEXEC);
    copy = SYS(fcntl64, fd, F_DUPFD_CLOEXEC, 20);
    CHECK(SYS(fcntl64, copy, F_GETFD) == FD_CLOEXEC);
    CHECK(SYS(dup3, fd, 30, O_CLOEXEC) == 30);
    CHECK(SYS(fcntl64, 30, F_GETFD) == FD_CLOEXEC);
    CHECK(SYS(dup2, fd, 30) == 30);
    CHECK(SYS(fcntl64, 30, F_GETFD) == 0); /* that of the file which was there is gone */
}

static void flags_are_the_open_files(void)
{
    long fd = SYS(open, "f", O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0600), copy = SYS(dup, fd);
    int on = 1;

    CHECK((SYS(fcntl64, fd, F_GETFL) & ~O_LARGEFILE) == (O_WRONLY | O_APPEND));
    CHECK(SYS(fcntl64, copy, F_SETFL, O_NONBLOCK) == 0);
    CHECK((SYS(fcntl64, fd, F_GETFL) & ~O_LARGEFILE) == (O_WRONLY | O_NONBLOCK));
    CHECK(SYS(fcntl64, fd, F_SETFL, 0) == 0);
    CHECK(SYS(ioctl, fd, FIONBIO, &on) == 0);
    CHECK((SYS(fcntl64, copy, F_GETFL) & ~O_LARGEFILE) == (O_WRONLY | O_NONBLOCK));
    write_text(fd, "ab");
    CHECK(SYS(lseek, copy, 0, 1) == 2);
}

static void path_descriptor(void)
{
    struct stat64 st;
    long fd = SYS(open, HOME, O_PATH);
    char c;

    CHECK(fd >= 0);
    CHECK(SYS(fstat64, fd, &st) == 0 && S_ISDIR(st.st_mode));
    CHECK(SYS(read, fd, &c, 1) == -EBADF);
    CHECK(SYS(fchmod, fd, 0700) == -EBADF);
    CHECK(SYS(ioctl, fd, FIONBIO, &c) == -EBADF);
    CHECK(SYS(fcntl64, fd, F_SETFL, 0) == -EBADF);
    CHECK(SYS(mkdirat, fd, "below", 0700) == 0);
    CHECK(SYS(unlinkat, fd, "below", AT_REMOVEDIR) == 0);
}

/* ---- open ---- */

static void opening(void)
{
    long fd;

    CHECK(SYS(open, "nothing", O_RDONLY) == -ENOENT);
    CHECK(SYS(open, "", O_RDONLY) == -ENOENT);
    CHECK(SYS(open, "no/thing", O_RDWR | O_CREAT, 0600) == -ENOENT);
    CHECK(SYS(open, ".", O_WRONLY) == -EISDIR);
    CHECK(SYS(open, ".", O_RDONLY | O_CREAT, 0600) == -EISDIR);
    fd = SYS(creat, "new", 0640);
    CHECK(fd >= 0);
    write_text(fd, "text");
    CHECK(SYS(open, "new", O_RDWR | O_CREAT | O_EXCL, 0600) == -EEXIST);
    CHECK(SYS(open, "new/x", O_RDONLY) == -ENOTDIR);
    CHECK(SYS(open, "new", O_RDONLY | O_DIRECTORY) == -ENOTDIR);
    CHECK(SYS(symlink, "new", "soft") == 0);
    CHECK(SYS(open, "soft", O_RDONLY | O_NOFOLLOW) == -ELOOP);
    CHECK(reads(SYS(open, "soft", O_RDONLY), "text"));
    CHECK(SYS(open, "new", O_RDWR | O_TRUNC) >= 0);
    CHECK(size_of("new") == 0);
    CHECK(SYS(openat, fd, "x", O_RDONLY) == -ENOTDIR);
    CHECK(SYS(openat, 999, "x", O_RDONLY) == -EBADF);
    CHECK(SYS(openat, 999, HOME "/new", O_RDONLY) >= 0);
}

/*
 * Neither readable nor writable, but both rights are required: the meaning of 3 in Linux's open().
 */
static void access_mode_three(void)
{
    long fd = open_rw("three");
    char c;

    write_text(fd, "text");
    CHECK(SYS(open, ".", 3) == -EISDIR);
    CHECK(SYS(open, ".", O_RDONLY | O_TRUNC) == -EISDIR);
    CHECK(SYS(open, ".", O_RDONLY | O_DIRECTORY | O_TRUNC) == -EISDIR);
    fd = SYS(open, "three", 3);
    CHECK(fd >= 0 && SYS(read, fd, &c, 1) == -EBADF && sys_write(fd, "x", 1) == -EBADF);
    CHECK(SYS(ftruncate, fd, 1) == -EINVAL && size_of("three") == 4);
    CHECK(SYS(mknod, "fifo", S_IFIFO | 0600, 0) == 0);
    CHECK(SYS(open, "fifo", 3) == -EINVAL && SYS(open, "fifo", 3 | O_NONBLOCK) == -EINVAL);
}

static void path_too_long(void)
{
    static char path[5000];

    memset(path, '/', sizeof(path) - 1);
    CHECK(SYS(open, path, O_RDONLY) == -ENAMETOOLONG);
    path[4095] = '\0';
    CHECK(SYS(open, path, O_RDONLY) >= 0);
    memset(path, 'a', 256);
    path[256] = '\0';
    CHECK(SYS(open, path, O_RDONLY) == -ENAMETOOLONG);
    CHECK(SYS(mkdir, path, 0700) == -ENAMETOOLONG);
    path[255] = '\0';
    CHECK(SYS(mkdir, path, 0700) == 0);
    CHECK(SYS(rmdir, path) == 0);
}

static void creation_mask(void)
{
    struct stat64 st;

    CHECK(SYS(umask, 027) >= 0);
    CHECK(SYS(umask, 027) == 027);
    CHECK(SYS(open, "masked", O_RDWR | O_CREAT, 0666) >= 0);
    CHECK(SYS(stat64, "masked", &st) == 0 && st.st_mode == (S_IFREG | 0640));
    CHECK(SYS(mkdir, "masked_dir", 0777) == 0);
    CHECK(SYS(stat64, "masked_dir", &st) == 0 && st.st_mode == (S_IFDIR | 0750));
    CHECK(SYS(mknod, "masked_fifo", S_IFIFO | 0666, 0) == 0);
    CHECK(SYS(stat64, "masked_fifo", &st) == 0 && st.st_mode == (S_IFIFO | 0640));
    CHECK(SYS(chmod, "masked", 04777) == 0);
    CHECK(SYS(stat64, "masked", &st) == 0 && st.st_mode == (S_IFREG | 04777));
}

/* Names can be made for devices that do not exist: they cannot be opened. */
static void special_files(void)
{
    static const struct {
        uint32_t type, rdev;
        long open;
        uint32_t told;
    } kinds[] = {
        {S_IFBLK, 0x801, -ENXIO, 0x801},
        {S_IFBLK, 0x12345678, -ENXIO, 0x12345678},
        {S_IFCHR, 0x12345678, -ENXIO, 0x12345678},
        {S_IFSOCK, 5, -ENXIO, 0},
    };
    struct stat64 st;

    for (unsigned i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        long made = SYS(mknod, "special", kinds[i].type | 0640, kinds[i].rdev);

        if (made == -EPERM && !in_attic())
            return; /* only root may make devices there */
        CHECK(made == 0 && SYS(mknod, "special", kinds[i].type, 0) == -EEXIST);
        CHECK(SYS(stat64, "special", &st) == 0 && st.st_mode == (kinds[i].type | 0640));
        CHECK(st.st_rdev == kinds[i].told && st.st_size == 0);
        CHECK(SYS(open, "special", O_RDONLY) == kinds[i].open);
        CHECK(SYS(truncate, "special", 0) == -EINVAL && SYS(unlink, "special") == 0);
    }
    CHECK(SYS(mknod, "special", S_IFLNK | 0600, 0) == -EINVAL);
    CHECK(SYS(mknod, "special", S_IFMT | 0600, 0) == -EINVAL);
    CHECK(SYS(mknod, "special", S_IFDIR | 0600, 0) == -EPERM);
    CHECK(SYS(mknod, "special", 0600, 0) == 0 && size_of("special") == 0);
}

/* ---- bytes ---- */

static void places(void)
{
    long fd = open_rw("places");
    int64_t pos;
    char c;

    write_text(fd, "0123456789");
    CHECK(SYS(lseek, fd, 3, 0) == 3);
    CHECK(SYS(read, fd, &c, 1) == 1 && c == '3');
    CHECK(SYS(lseek, fd, -2, 2) == 8);
    CHECK(SYS(lseek, fd, -9, 1) == -EINVAL);
    CHECK(SYS(lseek, fd, 0, 99) == -EINVAL);
    CHECK(SYS(lseek, fd, 0, 1) == 8);
    CHECK(SYS(_llseek, fd, 1, 5, &pos, 0) == 0 && pos == 0x100000005ll);
    CHECK(SYS(read, fd, &c, 1) == 0);
    CHECK(SYS(_llseek, fd, 0, 20, &pos, 0) == 0 && pos == 20);
    write_text(fd, "x");
    CHECK(size_of("places") == 21);
    CHECK(SYS(pread64, fd, &c, 1, 15, 0) == 1 && c == 0);
    CHECK(SYS(pread64, fd, &c, 1, 7, 0) == 1 && c == '7');
    CHECK(SYS(pread64, fd, &c, 1, -1, -1) == -EINVAL);
    CHECK(SYS(pwrite64, fd, "y", 1, 7, 0) == 1);
    CHECK(SYS(pread64, fd, &c, 1, 7, 0) == 1 && c == 'y');
    CHECK(SYS(lseek, fd, 0, 1) == 21);
}

static void vectors(void)
{
    long fd = open_rw("vectors");
    char a[4] = "", b[16] = "";
    struct iovec out[3] = {{"one", 3}, {"", 0}, {"two", 3}}, in[2] = {{a, 3}, {b, sizeof(b)}};

    CHECK(SYS(writev, fd, out, 3) == 6);
    CHECK(SYS(writev, fd, out, -1) == -EINVAL);
    CHECK(SYS(writev, fd, out, 0) == 0);
    CHECK(SYS(lseek, fd, 0, 0) == 0);
    CHECK(SYS(readv, fd, in, 2) == 6 && streq(a, "one") && streq(b, "two"));
    CHECK(SYS(pwritev, fd, out, 3, 3, 0) == 6);
    CHECK(SYS(preadv, fd, in, 2, 1, 0) == 8 && streq(a, "neo") && streq(b, "netwo"));
    CHECK(size_of("vectors") == 9);
}

static void modes_of_access(void)
{
    long fd = SYS(open, "modes", O_WRONLY | O_CREAT, 0600), reader;
    char c;

    CHECK(SYS(read, fd, &c, 1) == -EBADF);
    CHECK(SYS(read, fd, KERNEL, 1) == -EBADF);
    reader = SYS(open, "modes", O_RDONLY);
    CHECK(sys_write(reader, "x", 1) == -EBADF);
    CHECK(sys_write(reader, "", 0) == -EBADF);
    CHECK(SYS(ftruncate, reader, 0) == -EINVAL);
    reader = SYS(open, ".", O_RDONLY);
    CHECK(SYS(read, reader, &c, 1) == -EISDIR);
}

static void sizes(void)
{
    long fd = open_rw("sizes");
    char c = 1;

    write_text(fd, "0123456789");
    CHECK(SYS(ftruncate, fd, 4) == 0 && size_of("sizes") == 4);
    CHECK(SYS(truncate, "sizes", 8) == 0 && size_of("sizes") == 8);
    CHECK(SYS(pread64, fd, &c, 1, 6, 0) == 1 && c == 0);
    CHECK(SYS(ftruncate64, fd, 0, 0) == 0 && size_of("sizes") == 0);
    CHECK(SYS(fallocate, fd, 0, 5000, 0, 5000, 0) == 0 && size_of("sizes") == 10000);
    CHECK(SYS(fallocate, fd, 0, 0, 0, 100, 0) == 0 && size_of("sizes") == 10000);
    CHECK(SYS(fallocate, fd, 0, 0, 0, 0, 0) == -EINVAL);
    CHECK(SYS(fallocate, fd, 0, -1, -1, 10, 0) == -EINVAL);
    CHECK(SYS(fallocate, 99, 0, 0, 0, 10, 0) == -EBADF);
    CHECK(SYS(ftruncate64, fd, 0, 0) == 0 && size_of("sizes") == 0);
    CHECK(SYS(ftruncate, fd, -1) == -EINVAL);
    CHECK(SYS(truncate, ".", 0) == -EISDIR);
    CHECK(SYS(truncate64, "nothing", 0, 0) == -ENOENT);
    CHECK(SYS(fsync, fd) == 0 && SYS(fdatasync, fd) == 0);
    CHECK(SYS(fsync, 999) == -EBADF);
}

/* Where there are bytes, and where there are holes. */
static void data_and_holes(void)
{
    static const char *const programs[] = {"holes", "/proc/self/exe"};
    int fds[2];
    long fd = open_rw("holes"), size, null;

    CHECK(SYS(lseek, fd, 0, SEEK_DATA) == -ENXIO && SYS(lseek, fd, 0, SEEK_HOLE) == -ENXIO);
    while (size_of("holes") < 5000)
        write_text(fd, "0123456789");
    for (unsigned i = 0; i < 2; i++) {
        fd = SYS(open, programs[i], O_RDONLY);
        size = SYS(lseek, fd, 0, SEEK_END);
        CHECK(fd >= 0 && size >= 5000);
        CHECK(SYS(lseek, fd, 0, SEEK_DATA) == 0 && SYS(lseek, fd, 17, SEEK_DATA) == 17);
        CHECK(SYS(lseek, fd, 0, SEEK_HOLE) == size && SYS(lseek, fd, 0, SEEK_CUR) == size);
        CHECK(SYS(lseek, fd, size - 1, SEEK_DATA) == size - 1);
        CHECK(SYS(lseek, fd, size - 1, SEEK_HOLE) == size);
        CHECK(SYS(lseek, fd, size, SEEK_DATA) == -ENXIO);
        CHECK(SYS(lseek, fd, size, SEEK_HOLE) == -ENXIO);
        CHECK(SYS(lseek, fd, -1, SEEK_DATA) == -ENXIO && SYS(lseek, fd, -1, SEEK_HOLE) == -ENXIO);
        CHECK(SYS(lseek, fd, 0, SEEK_CUR) == size && SYS(lseek, fd, 0, SEEK_HOLE + 1) == -EINVAL);
        CHECK(SYS(close, fd) == 0);
    }
    null = SYS(open, "/dev/null", O_RDONLY);
    CHECK(SYS(lseek, null, 9, SEEK_DATA) == 0 && SYS(lseek, null, 9, SEEK_HOLE) == 0);
    CHECK(SYS(pipe, fds) == 0 && SYS(lseek, fds[0], 0, SEEK_DATA) == -ESPIPE);
    CHECK(SYS(close, null) == 0 && SYS(close, fds[0]) == 0 && SYS(close, fds[1]) == 0);
    CHECK(SYS(unlink, "holes") == 0);
}

static bool is_there(const char *path)
{
    return SYS(access, path, 0) == 0;
}

static const char *where(void)
{
    static char path[256];

    CHECK(SYS(getcwd, path, sizeof(path)) > 0);
    return path;
}

/* The path of HOME from outside of the root. Without the real root there is more in between. */
static bool is_home_outside(const char *path)
{
    const char *outside = "(unreachable)";
    size_t length, home = strlen(HOME);

    while (*outside && *path == *outside)
        path++, outside++;
    length = strlen(path);
    return !*outside && length >= home && streq(path + length - home, HOME) &&
           (length == home || !in_attic());
}

/* In a separate process, for which "jail" becomes the root. */
static void in_jail(void)
{
    long out = SYS(open, ".", O_RDONLY | O_DIRECTORY);

    CHECK(SYS(chroot, "nothing") == -ENOENT && SYS(chroot, "jail/f") == -ENOTDIR);
    CHECK(SYS(chroot, 1) == -EFAULT && SYS(chroot, "jail") == 0);
    CHECK(is_home_outside(where()) && is_there("jail/f"));
    CHECK(SYS(chdir, "/") == 0 && streq(where(), "/"));
    CHECK(is_there("/f") && is_there("f") && !is_there("/jail") && !is_there("jail"));
    CHECK(is_there("/../f") && is_there("../../f") && is_there("/inner/../../f"));
    CHECK(is_there("absolute") && is_there("/inner/climbing") && !is_there("outside"));
    CHECK(SYS(chdir, "inner") == 0 && streq(where(), "/inner"));
    EXPECT_EXIT(0, CHECK(is_there("/f") && SYS(chroot, ".") == 0 && streq(where(), "/"));
                CHECK(is_there("climbing") == 0 && !is_there("../f")); sys_exit(0));
    CHECK(is_there("/f") && SYS(rename, "/f", "/inner/g") == 0 && is_there("g"));
    CHECK(SYS(fchdir, out) == 0 && is_there("jail/inner/g")); /* a descriptor leads out */
}

static void roots(void)
{
    CHECK(SYS(mkdir, "jail", 0700) == 0 && SYS(mkdir, "jail/inner", 0700) == 0);
    CHECK(SYS(close, open_rw("jail/f")) == 0 && SYS(symlink, "/f", "jail/absolute") == 0);
    CHECK(SYS(symlink, "../../../f", "jail/inner/climbing") == 0);
    CHECK(SYS(symlink, HOME, "jail/outside") == 0);
    EXPECT_EXIT(0, if (in_attic() || SYS(chroot, "/") != -EPERM) in_jail(); sys_exit(0));
    CHECK(is_there("jail") && streq(where(), HOME));
}

static void appending(void)
{
    long a = SYS(open, "log", O_WRONLY | O_CREAT | O_APPEND, 0600), b = SYS(open, "log", O_RDWR);

    write_text(b, "12345");
    write_text(a, "6");
    CHECK(SYS(lseek, a, 0, 0) == 0);
    write_text(a, "7");
    CHECK(SYS(lseek, b, 0, 0) == 0 && reads(b, "1234567"));
}

static void sending(void)
{
    long fd = open_rw("from"), to = open_rw("to");
    int fds[2], pos = 5;
    int64_t pos64 = 7;

    write_text(fd, "0123456789");
    CHECK(SYS(pipe, fds) == 0);
    CHECK(SYS(sendfile, fds[1], fd, &pos, 3) == 3 && pos == 8);
    CHECK(reads(fds[0], "567"));
    CHECK(SYS(sendfile64, to, fd, &pos64, 100) == 3 && pos64 == 10);
    CHECK(SYS(sendfile64, to, fd, &pos64, 100) == 0);
    CHECK(SYS(lseek, fd, 2, 0) == 2);
    CHECK(SYS(sendfile, to, fd, NULL, 4) == 4 && SYS(lseek, fd, 0, 1) == 6);
    CHECK(SYS(lseek, to, 0, 0) == 0 && reads(to, "7892345"));
    CHECK(SYS(sendfile, fds[0], fd, NULL, 4) == -EBADF);
    CHECK(SYS(sendfile, 999, fd, NULL, 4) == -EBADF);
    CHECK(SYS(sendfile, to, 999, NULL, 4) == -EBADF);
}

static void large_send(void)
{
    static uint8_t block[PAGE];
    long fd = open_rw("large"), to = open_rw("copy");
    uint8_t byte = 0;

    for (unsigned i = 0; i < 200; i++) {
        block[17] = i;
        CHECK(sys_write(fd, block, PAGE) == PAGE);
    }
    CHECK(SYS(lseek, fd, 100, 0) == 100);
    CHECK(SYS(sendfile, to, fd, NULL, 1 << 20) == 200 * PAGE - 100);
    CHECK(SYS(pread64, to, &byte, 1, 150 * PAGE + 17 - 100, 0) == 1 && byte == 150);
}

/* ---- names ---- */

static void directories(void)
{
    long fd;

    CHECK(SYS(mkdir, "d", 0755) == 0);
    CHECK(SYS(mkdir, "d", 0755) == -EEXIST);
    CHECK(SYS(mkdir, "d/e/f", 0755) == -ENOENT);
    CHECK(SYS(mkdir, "d/e/", 0755) == 0);
    CHECK(SYS(rmdir, "d") == -ENOTEMPTY);
    CHECK(SYS(unlink, "d") == -EISDIR);
    CHECK(SYS(rmdir, "d/e/.") == -EINVAL);
    fd = SYS(open, "d", O_RDONLY | O_DIRECTORY);
    CHECK(SYS(mkdirat, fd, "x", 0755) == 0);
    CHECK(SYS(unlinkat, fd, "x", 0) == -EISDIR);
    CHECK(SYS(unlinkat, fd, "x", 4711) == -EINVAL);
    CHECK(SYS(unlinkat, fd, "x", AT_REMOVEDIR) == 0);
    CHECK(SYS(rmdir, "d/e") == 0);
    CHECK(SYS(close, open_rw("d/file")) == 0);
    CHECK(SYS(rmdir, "d/file") == -ENOTDIR);
    CHECK(SYS(unlink, "d/file") == 0);
    CHECK(SYS(rmdir, "d") == 0);
}

static void working_directory(void)
{
    char buf[64] = "";
    long fd;

    CHECK(SYS(getcwd, buf, sizeof(buf)) == sizeof(HOME) && streq(buf, HOME));
    CHECK(SYS(getcwd, buf, sizeof(HOME) - 1) == -ERANGE);
    CHECK(SYS(mkdir, "w", 0755) == 0 && SYS(chdir, "w") == 0);
    CHECK(SYS(getcwd, buf, sizeof(buf)) == sizeof(HOME "/w") && streq(buf, HOME "/w"));
    fd = SYS(open, "..", O_RDONLY);
    CHECK(SYS(rmdir, HOME "/w") == 0);
    CHECK(SYS(getcwd, buf, sizeof(buf)) == -ENOENT);
    CHECK(SYS(mkdir, "x", 0755) == -ENOENT);
    CHECK(SYS(fchdir, fd) == 0);
    CHECK(SYS(getcwd, buf, sizeof(buf)) == sizeof(HOME) && streq(buf, HOME));
    CHECK(SYS(chdir, "nothing") == -ENOENT);
    fd = open_rw("file");
    CHECK(SYS(chdir, "file") == -ENOTDIR && SYS(fchdir, fd) == -ENOTDIR);
}

static void links(void)
{
    struct stat64 st;
    char buf[16];

    CHECK(SYS(close, open_rw("a")) == 0);
    CHECK(SYS(link, "a", "b") == 0);
    CHECK(SYS(link, "a", "b") == -EEXIST);
    CHECK(SYS(stat64, "b", &st) == 0 && st.st_nlink == 2);
    CHECK(SYS(link, ".", "c") == -EPERM);
    CHECK(SYS(symlink, "b", "s") == 0);
    CHECK(SYS(symlink, "b", "s") == -EEXIST);
    CHECK(SYS(symlink, "", "t") == -ENOENT);
    CHECK(SYS(lstat64, "s", &st) == 0 && S_ISLNK(st.st_mode) && st.st_size == 1);
    CHECK(SYS(readlink, "s", buf, sizeof(buf)) == 1 && buf[0] == 'b');
    CHECK(SYS(readlink, "s", buf, 0) == -EINVAL);
    CHECK(SYS(readlink, "a", buf, sizeof(buf)) == -EINVAL);
    CHECK(SYS(linkat, AT_FDCWD, "s", AT_FDCWD, "hard", 0) == 0);
    CHECK(SYS(lstat64, "hard", &st) == 0 && S_ISLNK(st.st_mode));
    CHECK(SYS(unlink, "hard") == 0);
    CHECK(SYS(linkat, AT_FDCWD, "s", AT_FDCWD, "hard", AT_SYMLINK_FOLLOW) == 0);
    CHECK(SYS(lstat64, "hard", &st) == 0 && S_ISREG(st.st_mode) && st.st_nlink == 3);
    CHECK(SYS(symlink, "round", "round") == 0);
    CHECK(SYS(open, "round", O_RDONLY) == -ELOOP);
}

static void renaming(void)
{
    CHECK(SYS(close, open_rw("old")) == 0);
    CHECK(SYS(rename, "old", "new_name") == 0);
    CHECK(SYS(rename, "old", "x") == -ENOENT);
    CHECK(SYS(close, open_rw("other")) == 0);
    CHECK(SYS(renameat2, AT_FDCWD, "new_name", AT_FDCWD, "other", RENAME_NOREPLACE) == -EEXIST);
    CHECK(SYS(renameat2, AT_FDCWD, "new_name", AT_FDCWD, "other", 0x80) == -EINVAL);
    CHECK(SYS(rename, "new_name", "other") == 0);
    CHECK(SYS(access, "new_name", 0) == -ENOENT);
    CHECK(SYS(mkdir, "dir", 0755) == 0);
    CHECK(SYS(rename, "other", "dir") == -EISDIR);
    CHECK(SYS(rename, "dir", "other") == -ENOTDIR);
    CHECK(SYS(rename, "dir", "dir/below") == -EINVAL);
    CHECK(SYS(rename, "other", "dir/") == -ENOTDIR);
    CHECK(SYS(link, "dir", "x") == -EPERM && SYS(link, "dir", "x/") == -ENOENT);
    CHECK(SYS(link, "dir", "other/") == -EEXIST);
    CHECK(SYS(rename, "other", "dir/other") == 0);
    CHECK(SYS(rename, "dir", "dir") == 0 && SYS(rename, "dir/", "../file_test/dir") == 0);
    CHECK(SYS(renameat2, AT_FDCWD, "dir", AT_FDCWD, "dir", RENAME_NOREPLACE) == -EEXIST);
    CHECK(SYS(access, "dir/other", 0) == 0);
}

struct entry64 {
    uint64_t ino, next;
    uint16_t size;
    uint8_t type;
    char name[];
} __attribute__((packed));

/* The number of entries of a directory, read into a buffer of that size; -1: too small. */
static int count_entries(const char *path, unsigned room, const char *find, int *type)
{
    long fd = SYS(open, path, O_RDONLY | O_DIRECTORY), used;
    static uint8_t buf[4096];
    int count = 0;

    *type = -1;
    CHECK(room <= sizeof(buf));
    while ((used = SYS(getdents64, fd, buf, room)) > 0) {
        for (long at = 0; at < used;) {
            const struct entry64 *entry = (const struct entry64 *)(buf + at);

            CHECK(entry->size % 8 == 0 && entry->size > 19 && at + entry->size <= used);
            if (streq(entry->name, find))
                *type = entry->type;
            at += entry->size;
            count++;
        }
    }
    CHECK(SYS(close, fd) == 0);
    return used == 0 ? count : -1;
}

static void listing(void)
{
    char name[] = "list/00";
    int type;

    CHECK(SYS(mkdir, "list", 0755) == 0);
    CHECK(count_entries("list", 4096, ".", &type) == 2 && type == 4);
    for (int i = 0; i < 100; i++) {
        name[5] = '0' + i / 10;
        name[6] = '0' + i % 10;
        CHECK(SYS(close, open_rw(name)) == 0);
    }
    CHECK(SYS(symlink, "x", "list/soft") == 0);
    CHECK(count_entries("list", 4096, "42", &type) == 103 && type == 8);
    CHECK(count_entries("list", 64, "soft", &type) == 103 && type == 10);
    CHECK(count_entries("list", 8, "x", &type) == -1);
    CHECK(SYS(getdents64, open_rw("file"), name, 4) == -ENOTDIR);
}

/* The position after an entry, as returned by one open file, is valid in another one. */
static void listing_from_a_place(void)
{
    long one, two, used, again;
    uint8_t first[64], rest[512], same[512];

    CHECK(SYS(mkdir, "abc", 0755) == 0 && SYS(mkdir, "abc/a", 0755) == 0);
    CHECK(SYS(mkdir, "abc/b", 0755) == 0 && SYS(mkdir, "abc/c", 0755) == 0);
    one = SYS(open, "abc", O_RDONLY | O_DIRECTORY);
    two = SYS(open, "abc", O_RDONLY | O_DIRECTORY);
    CHECK(SYS(getdents64, one, first, sizeof(first)) == 48); /* "." and ".." */
    CHECK(SYS(lseek, two, ((struct entry64 *)(first + 24))->next, SEEK_SET) >= 2);
    used = SYS(getdents64, one, rest, sizeof(rest));
    again = SYS(getdents64, two, same, sizeof(same));
    CHECK(used == 3 * 24 && again == used);
    for (long i = 0; i < used; i++)
        CHECK(rest[i] == same[i]);
}

/* ---- attributes of inodes ---- */

static void status(void)
{
    struct stat64 st, same;
    struct statx stx;
    struct stat small;
    long fd = open_rw("stat_me");

    write_text(fd, "12345");
    CHECK(SYS(stat64, "stat_me", &st) == 0);
    CHECK(st.st_mode == (S_IFREG | 0600) && st.st_nlink == 1 && st.st_size == 5);
    CHECK(SYS(fstat64, fd, &same) == 0 && same.st_ino == st.st_ino && same.st_dev == st.st_dev);
    CHECK(SYS(fstatat64, fd, "", &same, AT_EMPTY_PATH) == 0 && same.st_ino == st.st_ino);
    CHECK(SYS(fstatat64, fd, "", &same, 0) == -ENOENT);
    CHECK(SYS(fstatat64, AT_FDCWD, "stat_me", &same, 0x10000000) == -EINVAL);
    CHECK(SYS(stat, "stat_me", &small) == 0 && small.st_size == 5 && small.st_mode == st.st_mode);
    CHECK(SYS(statx, AT_FDCWD, "stat_me", 0, STATX_BASIC_STATS, &stx) == 0);
    CHECK((stx.stx_mask & STATX_BASIC_STATS) == STATX_BASIC_STATS && stx.stx_size == 5);
    CHECK(stx.stx_ino == st.st_ino && stx.stx_mode == st.st_mode);
    CHECK(SYS(statx, AT_FDCWD, "stat_me", AT_STATX_SYNC_TYPE, STATX_BASIC_STATS, &stx) == -EINVAL);
    CHECK(SYS(stat64, "stat_me/x", &st) == -ENOTDIR && SYS(stat64, "", &st) == -ENOENT);
    CHECK(SYS(stat64, "/dev/null", &st) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == 0x103);
}

static void rights(void)
{
    struct stat64 st;

    CHECK(SYS(close, open_rw("r")) == 0);
    CHECK(SYS(access, "r", 4) == 0);
    CHECK(SYS(access, "r", 1) == -EACCES);
    CHECK(SYS(access, "r", 8) == -EINVAL);
    CHECK(SYS(chmod, "r", 0710) == 0 && SYS(access, "r", 1) == 0);
    CHECK(SYS(faccessat2, AT_FDCWD, "r", 1, 0x4711000) == -EINVAL);
    if (SYS(geteuid32) != 0)
        return;
    CHECK(SYS(chmod, "r", 06755) == 0 && SYS(chown32, "r", 7, 8) == 0);
    CHECK(SYS(stat64, "r", &st) == 0 && st.st_uid == 7 && st.st_gid == 8);
    CHECK(st.st_mode == (S_IFREG | 0755));
    CHECK(SYS(chown32, "r", -1, 9) == 0 && SYS(lchown, "r", 10, -1) == 0);
    CHECK(SYS(stat64, "r", &st) == 0 && st.st_uid == 10 && st.st_gid == 9);
}

static void times_of_files(void)
{
    struct __kernel_old_timespec times[2] = {{1000, 5}, {2000, 6}};
    struct __kernel_timespec times64[2] = {{3000, 7}, {0, 0x3ffffffe}};
    struct stat64 st;
    long fd = open_rw("t");

    CHECK(SYS(utimensat, AT_FDCWD, "t", times, 0) == 0);
    CHECK(SYS(fstat64, fd, &st) == 0 && st.st_atime == 1000 && st.st_mtime == 2000);
    CHECK(SYS(utimensat_time64, fd, NULL, times64, 0) == 0);
    CHECK(SYS(fstat64, fd, &st) == 0 && st.st_atime == 3000 && st.st_mtime == 2000);
    times[0].tv_nsec = 1000000000;
    CHECK(SYS(utimensat, AT_FDCWD, "t", times, 0) == -EINVAL);
    CHECK(SYS(utimensat, AT_FDCWD, "t", NULL, 0) == 0);
    CHECK(SYS(fstat64, fd, &st) == 0 && st.st_atime > 1000000000 && st.st_mtime > 1000000000);
    CHECK(SYS(utimensat, AT_FDCWD, "nothing", NULL, 0) == -ENOENT);
    CHECK(st.st_ctime >= st.st_mtime);
}

/* A name less is a change of the file that the others name. */
static void unlink_is_a_change(void)
{
    struct stat64 before, after;
    long fd = open_rw("two");

    CHECK(SYS(link, "two", "names") == 0 && SYS(fstat64, fd, &before) == 0);
    sleep_ms(30);
    CHECK(SYS(unlink, "names") == 0 && SYS(fstat64, fd, &after) == 0 && after.st_nlink == 1);
    CHECK(after.st_ctime > before.st_ctime ||
          (after.st_ctime == before.st_ctime && after.st_ctime_nsec > before.st_ctime_nsec));
}

static void locks(void)
{
    struct flock lock = {.l_type = F_WRLCK};
    long fd = open_rw("lock"), reader = SYS(open, "lock", O_RDONLY);

    CHECK(SYS(fcntl64, fd, F_GETLK, &lock) == 0 && lock.l_type == F_UNLCK);
    lock.l_type = F_WRLCK;
    CHECK(SYS(fcntl64, fd, F_SETLK, &lock) == 0);
    CHECK(SYS(fcntl64, reader, F_SETLK, &lock) == -EBADF);
    lock.l_type = 77;
    CHECK(SYS(fcntl64, fd, F_SETLK, &lock) == -EINVAL);
    CHECK(SYS(flock, fd, 2) == 0 && SYS(flock, fd, 8) == 0 && SYS(flock, fd, 77) == -EINVAL);
    CHECK(SYS(flock, 999, 2) == -EBADF);
}

/* ---- all of them, in an empty directory ---- */

static const struct test_case cases[] = {
    {"lowest_descriptor", lowest_descriptor},
    {"descriptor_limit", descriptor_limit},
    {"close_on_exec_flag", close_on_exec_flag},
    {"flags_are_the_open_files", flags_are_the_open_files},
    {"path_descriptor", path_descriptor},
    {"opening", opening},
    {"access_mode_three", access_mode_three},
    {"path_too_long", path_too_long},
    {"creation_mask", creation_mask},
    {"special_files", special_files},
    {"places", places},
    {"vectors", vectors},
    {"modes_of_access", modes_of_access},
    {"sizes", sizes},
    {"data_and_holes", data_and_holes},
    {"roots", roots},
    {"appending", appending},
    {"sending", sending},
    {"large_send", large_send},
    {"directories", directories},
    {"working_directory", working_directory},
    {"links", links},
    {"renaming", renaming},
    {"listing", listing},
    {"listing_from_a_place", listing_from_a_place},
    {"status", status},
    {"rights", rights},
    {"times_of_files", times_of_files},
    {"unlink_is_a_change", unlink_is_a_change},
    {"locks", locks},
};

/* Remove everything in the working directory and below. */
static void remove_all(void)
{
    static uint8_t buf[1024];
    long fd = SYS(open, ".", O_RDONLY | O_DIRECTORY), used;

    while ((used = SYS(getdents64, fd, buf, sizeof(buf))) > 0) {
        for (long at = 0; at < used; at += ((const struct entry64 *)(buf + at))->size) {
            const char *name = ((const struct entry64 *)(buf + at))->name;

            if (streq(name, ".") || streq(name, "..") || SYS(unlink, name) == 0)
                continue;
            if (SYS(rmdir, name) == -ENOTEMPTY) {
                EXPECT_EXIT(0, CHECK(SYS(chdir, name) == 0); remove_all(); sys_exit(0));
                CHECK(SYS(rmdir, name) == 0);
            }
        }
    }
    CHECK(SYS(close, fd) == 0);
}

int main(int argc, char *argv[])
{
    int failed;

    SYS(umask, 022);
    close_all(3);
    SYS(mkdir, "/tmp", 0777);
    SYS(mkdir, HOME, 0755);
    CHECK(SYS(chdir, HOME) == 0);
    remove_all();
    failed = run_cases(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
    remove_all();
    CHECK(SYS(chdir, "/") == 0 && SYS(rmdir, HOME) == 0);
    return failed;
}
