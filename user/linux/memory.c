/*
 * The heap of a C library: glibc takes small blocks from brk and large ones from mmap, moves them
 * with mremap; musl makes a guard page over the start of its heap. Then mmap by the program itself,
 * anonymous and of a file, and a deep stack.
 *
 * See check.h for how it tells; tests/libc.t runs it, with glibc and with musl.
 */
#define _GNU_SOURCE
#include "check.h"

#include <fcntl.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define BLOCKS 400

/*
 * The same block, which the compiler then knows nothing of. It knows what malloc() and others
 * promise, and would answer for them: that a block is there, aligned, or all zeros; that nobody but
 * this function writes to it; and that what is written before free() need not be.
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

/* A private mapping of a file has its bytes, zeros behind its end, and keeps what is written. */
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

static int __attribute__((noinline)) deep(int depth)
{
    volatile char frame[1000];

    frame[0] = depth;
    return depth ? deep(depth - 1) + (frame[0] == (char)depth) : 0;
}

/* What one process writes is its own. */
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
    file_mapping();
    shared_with_a_child();
    printf("a stack of %d frames\n", deep(5000));
    check(sbrk(0) >= before);
    return checks_done("memory");
}
