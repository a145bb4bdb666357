/*
 * For user/tests/helpers/sweep.c: the cases of calls for open files and the tree that need
 * something before, or leave something. The files are in one folder, which has a link to itself.
 */
#pragma once

#include "sweep_cases.h"
#include <linux/stat.h>

static void close_it(long fd)
{
    if (fd >= 0)
        SYS(close, fd);
}

static void close_both(long result)
{
    const int *ends = (const int *)out;

    if (result == 0) {
        SYS(close, ends[0]);
        SYS(close, ends[1]);
    }
}

static void remove_names(long unused)
{
    (void)unused;
    SYS(unlink, "a");
    SYS(unlink, "b");
    SYS(unlink, "c");
    SYS(rmdir, "d");
}

static void close_and_remove(long fd)
{
    close_it(fd);
    remove_names(0);
}

static void make_names(void)
{
    SYS(mknod, "a", S_IFREG | 0600, 0);
    SYS(mknod, "b", S_IFREG | 0600, 0);
    SYS(mkdir, "d", 0700);
}

static void make_a(void)
{
    SYS(mknod, "a", S_IFREG | 0600, 0);
}

static void make_fifo(void)
{
    SYS(mknod, "a", S_IFIFO | 0600, 0);
}

static void go_to_start(void)
{
    CHECK(SYS(lseek, FILE_FD, 0, 0) == 0);
}

static void go_to_end(void)
{
    CHECK(SYS(lseek, FILE_FD, 0, 2) == FILE_SIZE);
}

static void lengthen(void)
{
    CHECK(SYS(ftruncate, FILE_FD, 4 * FILE_SIZE) == 0);
}

static void shorten(long unused)
{
    (void)unused;
    CHECK(SYS(ftruncate, FILE_FD, FILE_SIZE) == 0);
}

/* A new one: a pipe that was used keeps a page. */
static void make_pipe(void)
{
    int ends[2];

    CHECK(SYS(pipe2, ends, O_NONBLOCK) == 0);
    CHECK(SYS(dup2, ends[0], PIPE_OUT) == PIPE_OUT && SYS(dup2, ends[1], PIPE_IN) == PIPE_IN);
    SYS(close, ends[0]);
    SYS(close, ends[1]);
    go_to_start();
}

static void close_pipe(long unused)
{
    (void)unused;
    SYS(close, PIPE_OUT);
    SYS(close, PIPE_IN);
}

static void make_new_fd(void)
{
    CHECK(SYS(dup2, FILE_FD, NEW_FD) == NEW_FD);
}

/* More pieces than fit on the kernel's stack. */
static const struct iovec pieces[16] = {
    {out, PAGE}, {out, PAGE}, {out, 8}, {out, 8}, {out, 8}, {out, 8}, {out, 8}, {out, 8},
    {out, 8},    {out, 8},    {out, 8}, {out, 8}, {out, 8}, {out, 8}, {out, 8}, {out, 8}};

/* ---- what is open from the beginning ---- */

static void open_as(int fd, const char *path, int flags)
{
    long opened = SYS(open, path, flags, 0700);

    CHECK(opened >= 0 && SYS(dup2, opened, fd) == fd && SYS(close, opened) == 0);
}

static void make_files(void)
{
    static const char script[] = "#!/status 0\n";

    open_as(CONTROL_FD, SWEEP_CONTROL, O_RDWR);
    CHECK(SYS(chdir, SWEEP_FOLDER) == 0 && SYS(symlink, ".", "link") == 0);
    open_as(FILE_FD, "script", O_RDWR | O_CREAT);
    CHECK(SYS(write, FILE_FD, script, sizeof(script) - 1) == sizeof(script) - 1);
    open_as(FILE_FD, "file", O_RDWR | O_CREAT);
    CHECK(SYS(write, FILE_FD, out, FILE_SIZE) == FILE_SIZE);
    open_as(FOLDER_FD, ".", O_RDONLY | O_DIRECTORY);
    open_as(CONSOLE_FD, "/dev/console", O_RDWR);
    open_as(MEMORY_FD, "/proc/self/mem", O_RDWR);
    open_as(PROC_FD, "/proc", O_RDONLY | O_DIRECTORY);
}

/* ---- cases ---- */

/* A write may write less, and say so. */
#define WRITES(call_, ...)                                                                         \
    CALL(call_, A(__VA_ARGS__), .flags = MAY_SUCCEED, .prepare = go_to_end, .undo = shorten)
#define OPENS(call_, ...)   CALL(call_, A(__VA_ARGS__), .undo = close_and_remove)
#define MAKES(call_, ...)   CALL(call_, A(__VA_ARGS__), .undo = remove_names)
#define CHANGES(call_, ...) CALL(call_, A(__VA_ARGS__), .prepare = make_names, .undo = remove_names)

/* clang-format off */
static const struct sweep_case file_cases[] = {
    /* open files */
    CALL(read, A(FILE_FD, (long)out, FILE_SIZE), .prepare = go_to_start),
    CALL(readv, A(FILE_FD, (long)pieces, 16), .prepare = go_to_start),
    PLAIN(preadv, FILE_FD, (long)pieces, 16, 0, 0),
    NAMED("pread64, memory", pread64, A(MEMORY_FD, (long)out, PAGE, (long)zeros, 0)),
    WRITES(write, FILE_FD, (long)out, 3 * PAGE), WRITES(writev, FILE_FD, (long)pieces, 16),
    WRITES(pwrite64, FILE_FD, (long)out, 3 * PAGE, 0x10000000, 0),
    WRITES(pwritev, FILE_FD, (long)pieces, 16, 0x10000000, 0),
    NAMED("write, pipe", write, A(PIPE_IN, (long)out, 3 * PAGE), .flags = MAY_SUCCEED,
          .prepare = make_pipe, .undo = close_pipe),
    CALL(sendfile, A(PIPE_IN, FILE_FD, 0, FILE_SIZE), .flags = MAY_SUCCEED,
         .prepare = make_pipe, .undo = close_pipe),
    CALL(sendfile64, A(PIPE_IN, FILE_FD, 0, FILE_SIZE), .flags = MAY_SUCCEED,
         .prepare = make_pipe, .undo = close_pipe),
    CALL(open, A((long)A_FILE, O_RDONLY), .undo = close_it),
    NAMED("open, new file", open, A((long)"link/a", O_RDWR | O_CREAT, 0600),
          .undo = close_and_remove),
    NAMED("open, O_TRUNC", open, A((long)"link/a", O_RDWR | O_TRUNC), .prepare = make_a,
          .undo = close_and_remove),
    NAMED("open, fifo", open, A((long)"link/a", O_RDWR), .prepare = make_fifo,
          .undo = close_and_remove),
    OPENS(creat, (long)"link/a", 0600), OPENS(openat, FOLDER_FD, (long)"a", O_RDWR | O_CREAT, 0600),
    CALL(close, A(NEW_FD), .prepare = make_new_fd),
    CALL(close_range, A(NEW_FD, NEW_FD, 0), .prepare = make_new_fd),
    CALL(dup, A(FILE_FD), .undo = close_it), CALL(dup2, A(FILE_FD, NEW_FD), .undo = close_it),
    NAMED("dup2, larger table", dup2, A(FILE_FD, 1000), .flags = CHILD),
    CALL(dup3, A(FILE_FD, NEW_FD, O_CLOEXEC), .undo = close_it),
    NAMED("fcntl64, F_DUPFD", fcntl64, A(FILE_FD, F_DUPFD, 1000), .flags = CHILD),
    CALL(pipe, A((long)out), .undo = close_both), CALL(pipe2, A((long)out, 0), .undo = close_both),
    CALL(fallocate, A(FILE_FD, 0, FILE_SIZE, 0, 4 * PAGE, 0), .refused = -ENOSPC, .undo = shorten),
    NAMED("fallocate, hole", fallocate, A(FILE_FD, 0, FILE_SIZE, 0, 4 * PAGE, 0),
          .refused = -ENOSPC, .prepare = lengthen, .undo = shorten),
    /* the tree */
    MAKES(mkdir, (long)"link/d", 0700), MAKES(mkdirat, FOLDER_FD, (long)"d", 0700),
    MAKES(link, (long)"link/file", (long)"link/a"),
    MAKES(linkat, FOLDER_FD, (long)"file", FOLDER_FD, (long)"a", 0),
    MAKES(symlink, (long)"target", (long)"link/a"),
    MAKES(symlinkat, (long)"target", FOLDER_FD, (long)"a"),
    MAKES(mknod, (long)"link/a", S_IFREG | 0600, 0),
    MAKES(mknodat, FOLDER_FD, (long)"a", S_IFIFO | 0600, 0),
    CHANGES(rmdir, (long)"link/d"), CHANGES(unlink, (long)"link/a"),
    CHANGES(unlinkat, FOLDER_FD, (long)"a", 0), CHANGES(rename, (long)"link/a", (long)"link/b"),
    CHANGES(renameat, FOLDER_FD, (long)"a", FOLDER_FD, (long)"c"),
    CHANGES(renameat2, FOLDER_FD, (long)"a", FOLDER_FD, (long)"c", 1 /* RENAME_NOREPLACE */),
};
/* clang-format on */
