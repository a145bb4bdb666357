/*
 * Files through a C library: streams with their buffers, folders, names, the results of stat,
 * errors. Everything happens in a separate folder in /tmp, which is removed at the end.
 *
 * See check.h for its output; tests/run/linux/test_libc.py runs it, with glibc and with musl.
 */
#define _GNU_SOURCE
#include "check.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static void streams(void)
{
    FILE *file = fopen("stream", "w+");
    char line[100];
    long sum = 0;

    check(file != NULL);
    if (!file)
        return;
    for (int i = 0; i < 20000; i++)
        fprintf(file, "line %d\n", i);
    check(ftell(file) == 208890);
    check(fseek(file, 0, SEEK_SET) == 0);
    for (int i; fgets(line, sizeof(line), file) && sscanf(line, "line %d", &i) == 1;)
        sum += i;
    check(feof(file) && !ferror(file));
    check(fseek(file, -6, SEEK_END) == 0 && fgetc(file) == '1' && ungetc('x', file) == 'x');
    check(fgetc(file) == 'x' && ftell(file) == 208885);
    check(fclose(file) == 0);
    printf("sum %ld\n", sum);
    check(freopen("stream", "a+", stdin) != NULL && fputs("more\n", stdin) >= 0);
    check(fseek(stdin, -5, SEEK_END) == 0 && fgets(line, sizeof(line), stdin) != NULL);
    check(strcmp(line, "more\n") == 0);
    file = fopen("nosuch", "r");
    check(file == NULL && errno == ENOENT);
}

static void descriptors(void)
{
    char text[20] = "";
    struct iovec parts[2] = {{"abc", 3}, {"defg", 4}};
    int fd = open("plain", O_RDWR | O_CREAT | O_EXCL, 0640), other;

    check(fd >= 0 && writev(fd, parts, 2) == 7);
    check(pwrite(fd, "X", 1, 1) == 1 && lseek(fd, 0, SEEK_CUR) == 7);
    check(pread(fd, text, 19, 0) == 7 && strcmp(text, "aXcdefg") == 0);
    check(lseek(fd, 100, SEEK_SET) == 100 && write(fd, "end", 3) == 3);
    check(pread(fd, text, 3, 98) == 3 && memcmp(text, "\0\0e", 3) == 0);
    check(ftruncate(fd, 3) == 0 && lseek(fd, 0, SEEK_END) == 3);
    other = dup2(fd, 40);
    check(other == 40 && lseek(other, 1, SEEK_SET) == 1 && lseek(fd, 0, SEEK_CUR) == 1);
    check(fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 && fcntl(fd, F_GETFD) == FD_CLOEXEC);
    check(fcntl(other, F_GETFD) == 0 && (fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDWR);
    check(fcntl(fd, F_DUPFD, 50) == 50 && close(50) == 0 && close(other) == 0);
    check(close(fd) == 0 && close(fd) == -1 && errno == EBADF);
    check(open("plain", O_RDWR | O_CREAT | O_EXCL, 0600) == -1 && errno == EEXIST);
    fd = open("plain", O_WRONLY | O_APPEND);
    check(write(fd, "++", 2) == 2 && read(fd, text, 1) == -1 && errno == EBADF);
    close(fd);
}

static void tell(const char *name)
{
    struct stat about;

    if (lstat(name, &about) != 0) {
        printf("%s: %s\n", name, strerror(errno));
        return;
    }
    printf("%s: mode %o, %d link(s), %lld bytes\n", name, (unsigned int)about.st_mode,
           S_ISDIR(about.st_mode) ? 0 : (int)about.st_nlink,
           S_ISDIR(about.st_mode) ? 0LL : (long long)about.st_size);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static void names(void)
{
    char target[PATH_MAX];
    struct dirent **entry;
    ssize_t length;
    int count;

    check(mkdir("sub", 0755) == 0 && mkdir("sub", 0755) == -1 && errno == EEXIST);
    check(symlink("../plain", "sub/link") == 0 && link("plain", "sub/hard") == 0);
    length = readlink("sub/link", target, sizeof(target));
    check(length == 8 && memcmp(target, "../plain", 8) == 0);
    check(chmod("plain", 0604) == 0 && access("plain", R_OK) == 0);
    tell("plain");
    tell("sub");
    tell("sub/link");
    tell("nosuch");
    tell("plain/x");
    check(rename("sub/hard", "sub/renamed") == 0 && access("sub/hard", F_OK) == -1);
    check(rmdir("sub") == -1 && errno == ENOTEMPTY);
    count = scandir("sub", &entry, NULL, by_name);
    for (int i = 0; i < count; i++) {
        printf("%s%s", entry[i]->d_name, i + 1 < count ? " " : "\n");
        free(entry[i]);
    }
    if (count >= 0)
        free(entry);
    check(count == 4 && chdir("sub") == 0 && getcwd(target, sizeof(target)) != NULL);
    check(strcmp(strrchr(target, '/'), "/sub") == 0 && chdir("..") == 0);
    check(realpath("sub/../sub/link", target) && strcmp(strrchr(target, '/'), "/plain") == 0);
    check(unlink("sub/link") == 0 && remove("sub/renamed") == 0 && remove("sub") == 0);
}

static void times(void)
{
    struct timespec when[2] = {{1000000000, 5}, {1234567890, 6}};
    struct stat about;

    check(utimensat(AT_FDCWD, "plain", when, 0) == 0 && stat("plain", &about) == 0);
    check(about.st_mtim.tv_sec == 1234567890 && about.st_atim.tv_sec == 1000000000);
    check(fstatat(AT_FDCWD, "plain", &about, 0) == 0 && (about.st_mode & 0777) == 0604);
}

static void refusals(void)
{
    static char name[300];

    memset(name, 'n', 299);
    check(open(name, O_RDONLY) == -1 && errno == ENAMETOOLONG);
    check(open("plain", O_RDONLY | O_DIRECTORY) == -1 && errno == ENOTDIR);
    check(open(".", O_WRONLY) == -1 && errno == EISDIR);
    check(open("", O_RDONLY) == -1 && errno == ENOENT);
    check(unlink(".") == -1 && (errno == EISDIR || errno == EINVAL));
    check(symlink("a", "b") == 0 && symlink("b", "a") == 0);
    check(open("a", O_RDONLY) == -1 && errno == ELOOP);
    check(unlink("a") == 0 && unlink("b") == 0);
    check(lseek(99, 0, SEEK_SET) == -1 && errno == EBADF);
}

int main(void)
{
    char folder[] = "/tmp/attic-libc-XXXXXX";

    umask(022);
    check(mkdtemp(folder) != NULL && chdir(folder) == 0);
    streams();
    descriptors();
    names();
    times();
    refusals();
    check(unlink("stream") == 0 && unlink("plain") == 0 && chdir("/") == 0 && rmdir(folder) == 0);
    return checks_done("files");
}
