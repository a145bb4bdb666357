/*
 * The heap of a C library: glibc takes small blocks from brk and large ones from mmap, and moves
 * them with mremap; musl makes a guard page at the start of its heap. Then mmap by the program
 * itself, anonymous and of a file, and a deep stack.
 *
 * See check.h for its output; tests/run/linux/test_libc.py runs it, with glibc and with musl.
 */
#define _GNU_SOURCE
#include "check.h"

#include <fcntl.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define BLOCKS 400

/*
 * The same block, but hidden from the compiler. The compiler knows what malloc() and others
 * guarantee, and would optimize with it: that a block exists, is aligned, or all zeros; that only
 * this function writes to it; and that a write before free() can be left out.
 */
static void *given(void *block)
{
    void *volatile unknown = block;

    return unknown;
}

static void many_blocks(void)
{
    static unsigned char *block[BLOCKS];
    static size_t size[BLOCKS];
    unsigned int next = 7;
    size_t total = 0;

    for (int round = 0; round < 20000; round++) {
        int i;

        next = next * 1103515245 + 12345;
        i = (next >> 16) % BLOCKS;
        for (size_t k = 0; k < size[i]; k += 97)
            check(block[i][k] == (unsigned char)i);
        free(block[i]);
        size[i] = (next >> 8) % (round % 50 == 0 ? 300000 : 2000);
        block[i] = given(malloc(size[i]));
        check(block[i] != NULL || size[i] == 0);
        memset(block[i], i, size[i]);
        total += size[i];
    }
    for (int i = 0; i < BLOCKS; i++)
        free(block[i]);
    printf("allocated %zu bytes in all\n", total);
}

static void growing(void)
{
    volatile size_t too_much = 3u << 30;
    char *block = NULL;

    for (size_t size = 1; size <= 8 << 20; size *= 2) {
        char *bigger = given(realloc(block, size));

        check(bigger != NULL);
        block = bigger;
        check(size == 1 || block[size / 2 - 1] == 'x');
        memset(block, 'x', size);
    }
    block = given(realloc(block, 10));
    check(block != NULL && block[9] == 'x');
    free(block);
    block = given(calloc(1000, 1000));
    check(block != NULL && block[0] == 0 && block[999999] == 0);
    free(block);
    block = given(memalign(4096, 100));
    check(block != NULL && (unsigned long)block % 4096 == 0);
    free(block);
    errno = 0;
    block = given(malloc(too_much));
    check(block == NULL && errno == ENOMEM);
}

static void mappings(void)
{
    char *map = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    check(map != MAP_FAILED && map[0] == 0 && map[3 * 4096 - 1] == 0);
    strcpy(map + 4096, "kept");
    check(mprotect(map, 4096, PROT_NONE) == 0);
    check(munmap(map + 2 * 4096, 4096) == 0);
    check(strcmp(map + 4096, "kept") == 0);
    check(madvise(map + 4096, 4096, MADV_DONTNEED) == 0 && map[4096] == 0);
    check(munmap(map, 3 * 4096) == 0);
    check(mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED &&
          errno == EINVAL);
    map = mmap((void *)0x50000000, 4096, PROT_READ | PROT_WRITE,
               MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    check(map == (char *)0x50000000 && map[100] == 0);
    check(munmap(map, 4096) == 0);
}

/* A move that keeps the old place, a second place for shared memory, and shrinking. */
static void moving(void)
{
    const int rw = PROT_READ | PROT_WRITE, dontunmap = 4;
    char *map = mmap(NULL, 6 * 4096, rw, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), *moved, *shared;

    strcpy(map, "first");
    strcpy(map + 4096, "second");
    check(mprotect(map + 2 * 4096, 4096, PROT_READ) == 0);
    check(mremap(map, 4 * 4096, 4 * 4096, 0) == map);
    check(mremap(map, 4 * 4096, 5 * 4096, MREMAP_MAYMOVE) == MAP_FAILED && errno == EFAULT);
    check(mremap(map, 0, 4096, MREMAP_MAYMOVE) == MAP_FAILED && errno == EINVAL);
    moved = mremap(map, 2 * 4096, 2 * 4096, MREMAP_MAYMOVE | dontunmap, NULL);
    check(moved != MAP_FAILED && moved != map && strcmp(moved + 4096, "second") == 0);
    check(map[0] == 0 && map[4096] == 0);
    strcpy(map, "new");
    check(strcmp(moved, "first") == 0);
    check(mremap(map, 2 * 4096, 4096, MREMAP_MAYMOVE | dontunmap, NULL) == MAP_FAILED &&
          errno == EINVAL);
    check(mremap(map, 2 * 4096, 2 * 4096, dontunmap, NULL) == MAP_FAILED && errno == EINVAL);
    check(mremap(map, 6 * 4096, 4096, 0) == map && strcmp(map, "new") == 0);
    check(madvise(map + 4096, 4096, MADV_NORMAL) == -1 && errno == ENOMEM);
    shared = mmap(NULL, 2 * 4096, rw, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    strcpy(shared + 4096, "one");
    check(mremap(shared, 0, 4096, 0) == MAP_FAILED && errno == ENOMEM);
    moved = mremap(shared, 0, 2 * 4096, MREMAP_MAYMOVE);
    check(moved != MAP_FAILED && moved != shared && strcmp(moved + 4096, "one") == 0);
    strcpy(moved, "two");
    check(strcmp(shared, "two") == 0 && munmap(shared, 2 * 4096) == 0);
    check(strcmp(moved, "two") == 0 && munmap(moved, 2 * 4096) == 0);
}

static int run(int (*body)(void))
{
    int status = -1;
    pid_t child;

    fflush(stdout);
    child = fork();
    if (child == 0)
        _exit(body());
    check(waitpid(child, &status, 0) == child);
    return status >> 8;
}

/* Not brk(), which musl does not have. */
static unsigned long heap_end(void)
{
    return syscall(SYS_brk, 0);
}

static int heap_to(char *end)
{
    return syscall(SYS_brk, end) == (long)end;
}

/* What a child has of memory for which madvise() was called. */
static char *advised;

static int look_at_advised(void)
{
    unsigned char there;

    if (mincore(advised, 4096, &there) == 0 || errno != ENOMEM)
        return 1;
    if (advised[4096] != 'p' || advised[2 * 4096] != 0 || advised[3 * 4096] != 0)
        return 2;
    advised[2 * 4096] = 'c';
    return advised[2 * 4096] == 'c' ? 0 : 3;
}

static int look_at_all(void)
{
    for (int i = 0; i < 4; i++) {
        if (advised[i * 4096] != 'p')
            return 1;
    }
    return 0;
}

static void advice_about_forks(void)
{
    const int rw = PROT_READ | PROT_WRITE;
    char *shared = mmap(NULL, 4096, rw, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    advised = mmap(NULL, 4 * 4096, rw, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memset(advised, 'p', 4 * 4096);
    check(madvise(advised, 4096, MADV_DONTFORK) == 0);
    check(madvise(advised + 2 * 4096, 2 * 4096, MADV_WIPEONFORK) == 0);
    check(run(look_at_advised) == 0);
    check(look_at_all() == 0);
    check(madvise(advised, 4 * 4096, MADV_DOFORK) == 0);
    check(madvise(advised, 4 * 4096, MADV_KEEPONFORK) == 0);
    check(run(look_at_all) == 0);
    check(madvise(shared, 4096, MADV_WIPEONFORK) == -1 && errno == EINVAL);
    check(madvise(shared, 4096, MADV_DONTFORK) == 0);
    check(madvise(shared + 1, 4096, MADV_DONTFORK) == -1 && errno == EINVAL);
    check(munmap(shared, 4096) == 0 && munmap(advised, 4 * 4096) == 0);
    check(madvise(advised, 4096, MADV_DONTFORK) == -1 && errno == ENOMEM);
}

/* The heap ends one page below what lies above it. */
static int meet_mapping(void)
{
    char *end = (char *)((heap_end() + 4095) & -4096ul);
    const int rw = PROT_READ | PROT_WRITE;

    if (!heap_to(end + 4096))
        return 1;
    if (mmap(end + 4 * 4096, 4096, rw, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) !=
        end + 4 * 4096)
        return 2;
    if (!heap_to(end + 3 * 4096) || heap_to(end + 3 * 4096 + 1) || heap_to(end + 400 * 4096))
        return 3;
    end[3 * 4096 - 1] = 1;
    return heap_end() == (unsigned long)end + 3 * 4096 ? 0 : 4;
}

static int limited_size(void)
{
    struct rlimit limit = {64 << 20, RLIM_INFINITY};
    const int none = PROT_NONE, flags = MAP_PRIVATE | MAP_ANONYMOUS;

    if (setrlimit(RLIMIT_AS, &limit) != 0)
        return 1;
    if (mmap(NULL, 65 << 20, none, flags, -1, 0) != MAP_FAILED || errno != ENOMEM)
        return 2;
    return mmap(NULL, 16 << 20, none, flags, -1, 0) == MAP_FAILED ? 3 : 0;
}

static int limited_data(void)
{
    struct rlimit limit = {8 * 4096, RLIM_INFINITY};
    const int rw = PROT_READ | PROT_WRITE, anonymous = MAP_ANONYMOUS;
    char *map;

    if (setrlimit(RLIMIT_DATA, &limit) != 0 || heap_to((char *)heap_end() + (1 << 20)))
        return 1;
    if (mmap(NULL, 1 << 20, rw, MAP_PRIVATE | anonymous, -1, 0) != MAP_FAILED || errno != ENOMEM)
        return 2;
    if (mmap(NULL, 1 << 20, rw, MAP_SHARED | anonymous, -1, 0) == MAP_FAILED)
        return 3;
    map = mmap(NULL, 1 << 20, PROT_READ, MAP_PRIVATE | anonymous, -1, 0);
    if (map == MAP_FAILED || mprotect(map, 1 << 20, rw) == 0 || errno != ENOMEM)
        return 4;
    limit.rlim_cur = 0; /* Valgrind's */
    if (setrlimit(RLIMIT_DATA, &limit) != 0 || heap_to((char *)heap_end() + (1 << 20)))
        return 5;
    return mmap(NULL, 1 << 20, rw, MAP_PRIVATE | anonymous, -1, 0) == MAP_FAILED ? 6 : 0;
}

/* A private mapping of a file has its bytes, zeros after its end, and keeps what is written. */
static void file_mapping(void)
{
    const char *name = "/tmp/attic-libc-map";
    int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);
    char *map, text[6] = "";

    check(fd >= 0 && write(fd, "hello", 5) == 5);
    map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    check(map != MAP_FAILED);
    if (map != MAP_FAILED) {
        check(memcmp(map, "hello", 6) == 0 && map[4095] == 0);
        map[0] = 'J';
        check(pread(fd, text, 5, 0) == 5 && strcmp(text, "hello") == 0);
        printf("mapped: %s, the file: %s\n", map, text);
        check(munmap(map, 4096) == 0);
    }
    close(fd);
    unlink(name);
}

/*
 * mmap() of a path that must be refused. Returns the error. The address is allowed for every user,
 * because Linux checks it first.
 */
static int refusal(const char *path, int open_flags, size_t size, int prot, int flags)
{
    int fd = open(path, open_flags, 0600), error;

    check(fd >= 0);
    errno = 0;
    check(mmap((void *)0x10000000, size, prot, flags, fd, 0) == MAP_FAILED);
    error = errno;
    close(fd);
    return error;
}

static void kinds_of_mappings(void)
{
    const char *name = "/tmp/attic-libc-map";
    const int unknown = 0x200, fixed_noreplace = 0x100000;
    int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);
    char *map;

    check(refusal(name, O_RDWR, 4096, PROT_READ, 0) == EINVAL);
    check(refusal(name, O_WRONLY, 4096, PROT_READ, 0) == EINVAL);
    check(refusal(name, O_RDWR, 4096, PROT_READ, 4) == EINVAL);
    check(refusal(name, O_WRONLY, 0, PROT_READ, MAP_PRIVATE) == EINVAL);
    check(refusal(name, O_RDWR, 4096, PROT_READ, 3 | unknown) == EOPNOTSUPP);
    check(refusal(name, O_RDWR, 4096, PROT_READ, 3 | fixed_noreplace) == EOPNOTSUPP);
    check(refusal(name, O_WRONLY, 4096, PROT_READ, MAP_PRIVATE) == EACCES);
    check(refusal(name, O_RDONLY, 4096, PROT_WRITE, MAP_SHARED) == EACCES);
    check(refusal("/tmp", O_RDONLY, 4096, PROT_READ, MAP_PRIVATE) == ENODEV);
    map = mmap(NULL, 4096, PROT_READ, MAP_SHARED | unknown, fd, 0);
    check(map != MAP_FAILED && munmap(map, 4096) == 0);
    map = mmap(NULL, 4096, PROT_READ, 3 | MAP_NORESERVE, fd, 0);
    check(map != MAP_FAILED && munmap(map, 4096) == 0);
    errno = 0;
    check(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, -1, 0) == MAP_FAILED && errno == EBADF);
    check(mmap(NULL, 4096, PROT_READ, MAP_ANONYMOUS, -1, 0) == MAP_FAILED && errno == EINVAL);
    check(mmap(NULL, 4096, PROT_READ, 3 | MAP_ANONYMOUS, -1, 0) == MAP_FAILED && errno == EINVAL);
    close(fd);
    unlink(name);
}

/* How to get memory before MAP_ANONYMOUS existed. Other devices cannot be mapped. */
static void zero_device(void)
{
    int fd = open("/dev/zero", O_RDWR), status = -1;
    char *private = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 4096);
    char *shared = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    char *other = mmap(NULL, 4096, PROT_READ | PROT_WRITE, 3, fd, 0);
    pid_t child;

    check(private != MAP_FAILED && shared != MAP_FAILED && other != MAP_FAILED);
    close(fd);
    check(private[0] == 0 && private[8191] == 0 && shared[0] == 0);
    fflush(stdout);
    child = fork();
    if (child == 0) {
        private[0] = shared[0] = shared[4096] = 'c';
        _exit(0);
    }
    check(waitpid(child, &status, 0) == child && status == 0);
    check(private[0] == 0 && shared[0] == 'c' && shared[4096] == 'c' && other[0] == 0);
    check(munmap(private, 8192) == 0 && munmap(shared, 8192) == 0 && munmap(other, 4096) == 0);
    check(refusal("/dev/zero", O_RDONLY, 4096, PROT_WRITE, MAP_SHARED) == EACCES);
    check(refusal("/dev/null", O_RDWR, 4096, PROT_READ, MAP_PRIVATE) == ENODEV);
    check(refusal("/dev/urandom", O_RDWR, 4096, PROT_READ, MAP_SHARED) == ENODEV);
}

static int __attribute__((noinline)) deep(int depth)
{
    volatile char frame[1000];

    frame[0] = depth;
    return depth ? deep(depth - 1) + (frame[0] == (char)depth) : 0;
}

/* The writes of a process are private. */
static void shared_with_a_child(void)
{
    char *block = given(malloc(200000));
    int status = -1;
    pid_t child;

    memset(block, 'p', 200000);
    fflush(stdout);
    child = fork();
    if (child == 0) {
        memset(block, 'c', 200000);
        free(given(block));
        _exit(0);
    }
    check(waitpid(child, &status, 0) == child && status == 0);
    for (int i = 0; i < 200000; i += 1000)
        check(block[i] == 'p');
    free(block);
}

int main(void)
{
    void *before = sbrk(0);

    many_blocks();
    growing();
    mappings();
    moving();
    advice_about_forks();
    check(run(meet_mapping) == 0);
    check(run(limited_size) == 0);
    check(run(limited_data) == 0);
    file_mapping();
    kinds_of_mappings();
    zero_device();
    shared_with_a_child();
    printf("a stack of %d frames\n", deep(5000));
    check(sbrk(0) >= before);
    return checks_done("memory");
}
