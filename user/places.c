/*
 * Has a page of every kind, and prints where: for `explain`.
 *
 * It forks, and sleeps with its child until both are killed.
 *
 * The child has the pages of `shared` and `forked`, too: the first through a shared mapping, the
 * second since the fork, until one of the two writes. Only the child has written to `own` since
 * then.
 */
#include "lib/attic.h"
#include <linux/mman.h>

#define PAGE 4096
#define RW   (PROT_READ | PROT_WRITE)

static volatile char data[PAGE] __attribute__((aligned(PAGE))) = {1};
static volatile char bss[2 * PAGE] __attribute__((aligned(PAGE)));

static volatile char *map(int flags)
{
    return (volatile char *)SYS(mmap2, 0, 2 * PAGE, RW, flags | MAP_ANONYMOUS, -1);
}

/* One page of each pair is used, the other is never touched. */
static volatile char *map_and_write(int flags)
{
    volatile char *page = map(flags);

    *page = 1;
    return page;
}

static volatile char *heap(void)
{
    long start = SYS(brk, 0);

    SYS(brk, start + 2 * PAGE);
    *(volatile char *)start = 1;
    return (volatile char *)start;
}

static void tell(const char *what, const volatile void *where)
{
    print("places[%d]: %s 0x%08x\n", (int)sys_getpid(), what, (unsigned)where);
}

int main(void)
{
    volatile char *none = map_and_write(MAP_PRIVATE), *zeros = map(MAP_PRIVATE),
                  *forked = map_and_write(MAP_PRIVATE), *own = map(MAP_PRIVATE);

    data[0] = bss[0] = 1;
    (void)zeros[0];
    SYS(mprotect, none, PAGE, PROT_NONE);
    tell("text", main);
    tell("data", data);
    tell("bss", bss);
    tell("heap", heap());
    tell("stack", __builtin_frame_address(0));
    tell("none", none);
    tell("zeros", zeros);
    tell("shared", map_and_write(MAP_SHARED));
    tell("forked", forked);
    tell("own", own);
    if (SYS(fork) == 0)
        *own = 1;
    for (;;)
        sleep_ms(1000000);
}
