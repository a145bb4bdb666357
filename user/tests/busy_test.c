/*
 * A file that runs as a program cannot be opened for writing, and a file that is open for writing
 * cannot be run. Also passes on Linux.
 */
#include "lib/auxv.h"
#include "lib/check.h"
#include <asm/mman.h>
#include <linux/fcntl.h>
#include <linux/mman.h>

/* Text that is neither a program nor a script: when nothing is busy, execve returns -ENOEXEC. */
#define PAGE   4096
#define FILE   "/tmp/busy_test.file"
#define SCRIPT "/tmp/busy_test.script"

static void write_text(const char *path, const char *text)
{
    long fd = SYS(open, path, O_WRONLY | O_CREAT | O_TRUNC, 0700);

    CHECK(fd >= 0);
    CHECK(sys_write(fd, text, strlen(text)) == (long)strlen(text));
    CHECK(SYS(close, fd) == 0);
}

static bool is_busy(const char *path)
{
    long err = SYS(execve, path, NULL, NULL);

    CHECK(err == -ETXTBSY || err == -ENOEXEC);
    return err == -ETXTBSY;
}

static long open_file(int flags)
{
    long fd = SYS(open, FILE, flags);

    CHECK(fd >= 0);
    return fd;
}

/* Two pages of the file, mapped through a descriptor that is closed again. */
static char *map_and_close(int open_flags, int prot, int flags)
{
    long fd = open_file(open_flags), addr = SYS(mmap2, 0, 2 * PAGE, prot, flags, fd, 0);

    CHECK(addr > 0 || addr < -4095);
    CHECK(SYS(close, fd) == 0);
    return (char *)addr;
}

static void running_program(void)
{
    const char *self = (const char *)aux_value(AT_EXECFN);

    CHECK(SYS(open, self, O_RDWR) == -ETXTBSY);
    CHECK(SYS(open, self, O_RDONLY | O_TRUNC) == -ETXTBSY);
    CHECK(SYS(truncate, self, 0) == -ETXTBSY);
}

static void open_for_writing(void)
{
    long fd = open_file(O_WRONLY), copy = SYS(dup, fd);

    CHECK(copy >= 0 && is_busy(FILE));
    CHECK(SYS(close, fd) == 0);
    CHECK(is_busy(FILE));
    CHECK(SYS(close, copy) == 0);
    CHECK(!is_busy(FILE));
    fd = open_file(O_RDONLY);
    CHECK(!is_busy(FILE));
    CHECK(SYS(close, fd) == 0);
}

/*
 * A mapping keeps its file open like a descriptor, also for writing, whatever its own rights are.
 */
static void mapped_for_writing(void)
{
    char *shared = map_and_close(O_RDWR, PROT_READ | PROT_WRITE, MAP_SHARED);
    char *private;

    CHECK(is_busy(FILE));
    CHECK(SYS(mprotect, shared, PAGE, PROT_NONE) == 0); /* two areas now */
    CHECK(SYS(munmap, shared, PAGE) == 0);
    CHECK(is_busy(FILE));
    CHECK(SYS(munmap, shared + PAGE, PAGE) == 0);
    CHECK(!is_busy(FILE));
    private = map_and_close(O_RDWR, PROT_READ, MAP_PRIVATE);
    CHECK(is_busy(FILE));
    CHECK(SYS(munmap, private, 2 * PAGE) == 0);
    CHECK(!is_busy(FILE));
}

static void mapped_for_reading(void)
{
    char *shared = map_and_close(O_RDONLY, PROT_READ, MAP_SHARED);
    char *private = map_and_close(O_RDONLY, PROT_READ | PROT_WRITE, MAP_PRIVATE);

    CHECK(!is_busy(FILE));
    CHECK(SYS(munmap, shared, 2 * PAGE) == 0);
    CHECK(SYS(munmap, private, 2 * PAGE) == 0);
}

/* Split, joined again, moved, in a child and after its end. */
static void mappings_that_change(void)
{
    char *shared = map_and_close(O_RDWR, PROT_READ | PROT_WRITE, MAP_SHARED);
    long moved, pid;

    CHECK(SYS(mprotect, shared, PAGE, PROT_READ) == 0);
    CHECK(SYS(mprotect, shared, PAGE, PROT_READ | PROT_WRITE) == 0);
    moved = SYS(mremap, shared, PAGE, 4 * PAGE, MREMAP_MAYMOVE, 0);
    CHECK(moved > 0 || moved < -4095);
    pid = fork_process();
    if (pid == 0) {
        CHECK(SYS(munmap, moved, 4 * PAGE) == 0);
        CHECK(SYS(munmap, shared, 2 * PAGE) == 0);
        sys_exit(is_busy(FILE) ? 0 : 1); /* the parent has them */
    }
    CHECK(wait_status(pid) == 0);
    CHECK(SYS(munmap, moved, 4 * PAGE) == 0);
    CHECK(is_busy(FILE));
    CHECK(SYS(munmap, shared, 2 * PAGE) == 0);
    CHECK(!is_busy(FILE));
}

/* The script itself is as busy as the program that runs it. */
static void scripts(void)
{
    long fd;

    write_text(SCRIPT, "#!" FILE "\n");
    CHECK(!is_busy(SCRIPT));
    fd = SYS(open, SCRIPT, O_WRONLY);
    CHECK(fd >= 0 && is_busy(SCRIPT));
    CHECK(SYS(close, fd) == 0);
    fd = open_file(O_WRONLY);
    CHECK(is_busy(SCRIPT));
    CHECK(SYS(close, fd) == 0);
    CHECK(!is_busy(SCRIPT));
    CHECK(SYS(unlink, SCRIPT) == 0);
}

int main(void)
{
    write_text(FILE, "text");
    running_program();
    open_for_writing();
    mapped_for_writing();
    mapped_for_reading();
    mappings_that_change();
    scripts();
    CHECK(SYS(unlink, FILE) == 0);
    return 0;
}
