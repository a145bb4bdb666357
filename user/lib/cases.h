/*
 * Programs of many small tests: `PROGRAM` runs each case in its own child and prints those that
 * fail; `PROGRAM NAME` runs one. The status is 0 if all passed.
 */
#pragma once

#include "check.h"
#include <asm/signal.h>
#include <linux/fcntl.h>
#include <linux/mman.h>

#define PAGE      4096u
#define KERNEL    0xc0000000u
#define IS_ERR(x) ((unsigned long)(x) >= 0xfffff001u)
#define BAD       ((void *)0x5000) /* never mapped */
#define RW        (PROT_READ | PROT_WRITE)
#define ANONYMOUS (MAP_PRIVATE | MAP_ANONYMOUS)

struct test_case {
    const char *name;
    void (*run)(void);
};

/* How to start this program again. */
static const char *self;

static inline int run_cases(int argc, char *argv[], const struct test_case *cases, unsigned count)
{
    int failed = 0;

    self = argv[0];
    SYS(mkdir, "/tmp", 0777);
    for (unsigned i = 0; i < count; i++) {
        if (argc > 1 && !streq(argv[1], cases[i].name))
            continue;
        if (argc > 1) {
            cases[i].run();
            return 0;
        }
        if (CHILD_STATUS(cases[i].run(); sys_exit(0)) != 0) {
            print("# %s failed\n", cases[i].name);
            failed++;
        }
    }
    CHECK(argc <= 1);
    return failed != 0;
}

static inline void *map(void *at, uint32_t size, int prot, int flags, int fd)
{
    return (void *)SYS(mmap2, at, size, prot, flags, fd, 0);
}

static inline long open_new(const char *path)
{
    long fd = SYS(open, path, O_RDWR | O_CREAT | O_TRUNC, 0600);

    CHECK(fd >= 0);
    return fd;
}

static inline void *sbrk(long change)
{
    uintptr_t end = sys_brk(0);

    return sys_brk(end + change) == end + change ? (void *)end : (void *)-1;
}

static inline bool all_bytes(const volatile uint8_t *from, uint32_t size, uint8_t byte)
{
    for (uint32_t i = 0; i < size; i++)
        if (from[i] != byte)
            return false;
    return true;
}

static inline uint8_t load(const volatile void *address)
{
    return *(const volatile uint8_t *)address;
}

static inline void store(volatile void *address, uint8_t byte)
{
    *(volatile uint8_t *)address = byte;
}
