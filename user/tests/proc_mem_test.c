/*
 * /proc/self/mem: the process's own memory as a file, by address. It reads pages that are not
 * readable and writes pages that are not writable, as debuggers do, but never pages that others
 * share. Also passes on Linux.
 */
#include "lib/check.h"
#include <asm/stat.h>
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/mman.h>

#define PAGE      4096u
#define FILE_NAME "/tmp/proc_mem_test"
#define BAD       ((void *)0x10) /* nothing is mapped at this address */

static long mem;
static uint32_t word;

static long read_at(const void *addr, void *to, uint32_t size)
{
    return SYS(pread64, mem, to, size, addr, 0);
}

static long write_at(const void *addr, const void *from, uint32_t size)
{
    return SYS(pwrite64, mem, from, size, addr, 0);
}

static char *map(uint32_t prot, uint32_t flags, long fd)
{
    char *at = (char *)SYS(mmap2, 0, 2 * PAGE, prot, flags, fd, 0);

    CHECK((uint32_t)at < -4095u);
    return at;
}

static void own_variables(void)
{
    uint32_t value = 0;

    word = 0x12345678;
    CHECK(read_at(&word, &value, 4) == 4 && value == 0x12345678);
    value = 0x9abcdef0;
    CHECK(write_at(&word, &value, 4) == 4 && word == 0x9abcdef0);
    CHECK(read_at(&word, &value, 0) == 0 && write_at(&word, &value, 0) == 0);
    CHECK(read_at(&word, BAD, 4) == -EFAULT && write_at(&word, BAD, 4) == -EFAULT);
    CHECK(word == 0x9abcdef0);
}

static void across_pages(void)
{
    char *from = map(PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1), bytes[8];

    CHECK(read_at(from + PAGE - 4, bytes, 8) == 8 && bytes[0] == 0 && bytes[7] == 0);
    CHECK(write_at(from + PAGE - 4, "across..", 8) == 8);
    CHECK(from[PAGE - 4] == 'a' && from[PAGE - 1] == 'o');
    CHECK(from[PAGE + 3] == '.' && from[PAGE] == 's');
    CHECK(SYS(munmap, from + PAGE, PAGE) == 0); /* the mapped part is copied */
    CHECK(read_at(from + PAGE - 4, bytes, 8) == 4 && bytes[0] == 'a');
    CHECK(write_at(from + PAGE - 4, "xyz.....", 8) == 4 && from[PAGE - 4] == 'x');
    CHECK(read_at(from + PAGE, bytes, 1) == -EIO && write_at(from + PAGE, bytes, 1) == -EIO);
    CHECK(SYS(munmap, from, PAGE) == 0);
}

static void outside(void)
{
    char byte = 0;

    CHECK(read_at(BAD, &byte, 1) == -EIO && write_at(BAD, &byte, 1) == -EIO);
    if (!in_attic())
        return; /* other kernels lie elsewhere, and a 32-bit Linux truncates the position */
    CHECK(SYS(pread64, mem, &byte, 1, &word, 0x100) == -EIO); /* beyond 4 GiB */
    for (uint32_t addr = 0xc0000000; addr; addr += 0x100000) {
        CHECK(read_at((void *)addr, &byte, 1) == -EIO);
        CHECK(write_at((void *)addr, &byte, 1) == -EIO);
    }
    CHECK(read_at((void *)0xffffffff, &byte, 1) == -EIO);
}

static void without_rights(void)
{
    char *none = map(PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1), byte = 0;

    none[0] = 'n';
    CHECK(SYS(mprotect, none, 2 * PAGE, PROT_NONE) == 0);
    CHECK(read_at(none, &byte, 1) == 1 && byte == 'n');
    CHECK(write_at(none, "p", 1) == 1 && write_at(none + PAGE, "q", 1) == 1);
    EXPECT_DEATH(11, *(volatile char *)none = 1); /* and it still has no rights */
    CHECK(SYS(mprotect, none, 2 * PAGE, PROT_READ) == 0 && none[0] == 'p' && none[PAGE] == 'q');
    CHECK(write_at(none, "r", 1) == 1 && none[0] == 'r');
    EXPECT_DEATH(11, *(volatile char *)none = 1);
    CHECK(SYS(munmap, none, 2 * PAGE) == 0);
}

static void mappings_of_a_file(void)
{
    long fd = SYS(open, FILE_NAME, O_RDWR | O_CREAT | O_TRUNC, 0600);
    char *own, *shared, *writable, bytes[4] = "";

    CHECK(fd >= 0 && sys_write(fd, "file", 4) == 4);
    own = map(PROT_READ, MAP_PRIVATE, fd);
    shared = map(PROT_READ, MAP_SHARED, fd);
    writable = map(PROT_READ | PROT_WRITE, MAP_SHARED, fd);
    CHECK(read_at(own, bytes, 4) == 4 && bytes[0] == 'f');
    CHECK(write_at(own, "mine", 4) == 4 && own[0] == 'm' && shared[0] == 'f');
    CHECK(write_at(shared, "ours", 4) == -EIO && shared[0] == 'f');
    CHECK(write_at(writable, "ours", 4) == 4 && shared[0] == 'o' && own[0] == 'm');
    CHECK(SYS(pread64, fd, bytes, 4, 0, 0) == 4 && bytes[0] == 'o');
    CHECK(read_at(own + PAGE, bytes, 1) == -EIO && write_at(own + PAGE, bytes, 1) == -EIO);
    CHECK(SYS(munmap, own, 2 * PAGE) == 0 && SYS(munmap, shared, 2 * PAGE) == 0);
    CHECK(SYS(munmap, writable, 2 * PAGE) == 0 && SYS(close, fd) == 0);
    CHECK(SYS(unlink, FILE_NAME) == 0);
}

static __attribute__((noinline)) int one(void)
{
    int value;

    asm volatile("movl $1, %0" : "=r"(value));
    return value;
}

/* The program's text, which others may run: only this process sees the change. */
static void own_text(void)
{
    uint8_t *code = (uint8_t *)one, two = 2;
    uint32_t at = 0;

    while (code[at] != 1 || code[at + 1] || code[at + 2])
        at++;
    CHECK(at < 32 && one() == 1);
    EXPECT_EXIT(2, CHECK(!in_attic() || write_at(code + at, &two, 1) == -EACCES);
                mem = SYS(open, "/proc/self/mem", O_RDWR); CHECK(write_at(code + at, &two, 1) == 1);
                sys_exit(one()));
    CHECK(one() == 1);
}

/* The file belongs to the process that opened it: a child reads its parent's memory there. */
static void of_the_parent(void)
{
    uint32_t value = 0;

    word = 5;
    EXPECT_EXIT(5, word = 6; CHECK(read_at(&word, &value, 4) == 4); sys_exit(value));
}

static void places(void)
{
    struct stat64 stat;
    uint32_t value = 0;

    word = 77;
    CHECK(SYS(lseek, mem, &word, SEEK_SET) == (long)&word);
    CHECK(SYS(read, mem, &value, 4) == 4 && value == 77);
    CHECK(SYS(lseek, mem, 0, SEEK_CUR) == (long)&word + 4);
    CHECK(SYS(lseek, mem, -4, SEEK_CUR) == (long)&word);
    CHECK(SYS(write, mem, "\1\0\0\0", 4) == 4 && word == 1);
    CHECK(SYS(lseek, mem, 0, SEEK_END) == -EINVAL && SYS(lseek, mem, 0, SEEK_DATA) == -EINVAL);
    CHECK(SYS(fstat64, mem, &stat) == 0 && stat.st_size == 0 && stat.st_mode == 0100600);
    CHECK((uint32_t)SYS(mmap2, 0, PAGE, PROT_READ, MAP_PRIVATE, mem, 0) == (uint32_t)-ENODEV);
}

int main(void)
{
    mem = SYS(open, "/proc/self/mem", O_RDWR);
    CHECK(mem >= 0);
    own_variables();
    across_pages();
    outside();
    without_rights();
    mappings_of_a_file();
    own_text();
    of_the_parent();
    places();
    CHECK(SYS(close, mem) == 0);
    return 0;
}
