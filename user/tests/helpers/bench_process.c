/*
 * The costs of processes: `bench_process [GLOB]` prints a row per line, "bench: NAME COUNT", in
 * counts of the time-stamp counter per operation, which are instructions under QEMU's -icount
 * shift=0. The same binary measures Linux (scripts/bench-linux); docs/bench.md explains the rows.
 *
 * A row runs once to warm up and then three times, and the median is printed, as in the kernel
 * (kernel/monitor/bench.c). The loop around the operations is part of the figure, and so are the
 * timer's interrupts, because a process cannot turn them off. A row that fails ends the program
 * with a line and a status other than 0.
 *
 * The number of repetitions matters on Linux: the figures of short runs of brk and fork vary, and a
 * round trip of two processes through pipes costs an eighth more somewhere after the thousandth.
 * These rows are long enough to include that; docs/bench.md has the measurements.
 *
 * A pattern supports * and ?; Attic's kernel, which has its own rows, supports more.
 */
#include "lib/check.h"
#include <linux/mman.h>
#include <linux/signal.h>

#define PAGE 4096u

#define BIG_PAGES 2048u /* 8 MiB */

/* There is no 64-bit division here: a time that needs more than 32 bits loses its lowest eight. */
static uint32_t per_operation(uint64_t counts, uint32_t operations)
{
    if (counts >> 32)
        return (uint32_t)(counts >> 8) / operations << 8;
    return (uint32_t)counts / operations;
}

static uint8_t *map_pages(uint32_t pages)
{
    long address =
        SYS(mmap2, 0, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    CHECK((unsigned long)address < 0xfffff000u);
    return (uint8_t *)address;
}

static void unmap_pages(void *address, uint32_t pages)
{
    CHECK(SYS(munmap, address, pages * PAGE) == 0);
}

static void touch_pages(volatile uint8_t *address, uint32_t pages)
{
    for (uint32_t i = 0; i < pages; i++)
        address[i * PAGE] = 1;
}

/* ---- the rows: each does its operations once and returns the cost of one of them ---- */

static uint32_t getpid_row(void)
{
    enum { OPERATIONS = 1000 };
    uint64_t start = rdtsc();

    for (int i = 0; i < OPERATIONS; i++)
        sys_getpid();
    return per_operation(rdtsc() - start, OPERATIONS);
}

static uint32_t fork_exit_wait(int operations)
{
    uint64_t start = rdtsc();

    for (int i = 0; i < operations; i++) {
        long pid = fork_process();

        if (pid == 0)
            sys_exit(0);
        wait_status(pid);
    }
    return per_operation(rdtsc() - start, operations);
}

static uint32_t fork_exit_wait_row(void)
{
    return fork_exit_wait(400);
}

static uint32_t fork_exit_wait_8m_row(void)
{
    uint8_t *memory = map_pages(BIG_PAGES);
    uint32_t result;

    touch_pages(memory, BIG_PAGES);
    result = fork_exit_wait(20);
    unmap_pages(memory, BIG_PAGES);
    return result;
}

static uint32_t anon_fault_row(void)
{
    uint8_t *memory = map_pages(BIG_PAGES);
    uint64_t start = rdtsc(), end;

    touch_pages(memory, BIG_PAGES);
    end = rdtsc();
    unmap_pages(memory, BIG_PAGES);
    return per_operation(end - start, BIG_PAGES);
}

/* The child writes first, so that each of its writes copies; its figure comes through a pipe. */
static uint32_t cow_fault_row(void)
{
    enum { PAGES = 512 };
    uint8_t *memory = map_pages(PAGES);
    uint32_t result = 0;
    int ends[2];
    long pid;

    CHECK(SYS(pipe, ends) == 0);
    touch_pages(memory, PAGES);
    pid = fork_process();
    if (pid == 0) {
        uint64_t start = rdtsc();

        touch_pages(memory, PAGES);
        result = per_operation(rdtsc() - start, PAGES);
        sys_write(ends[1], &result, sizeof(result));
        sys_exit(0);
    }
    CHECK(SYS(read, ends[0], &result, sizeof(result)) == sizeof(result));
    wait_status(pid);
    SYS(close, ends[0]);
    SYS(close, ends[1]);
    unmap_pages(memory, PAGES);
    return result;
}

static uint32_t munmap_page_row(void)
{
    uint8_t *memory = map_pages(BIG_PAGES);
    uint64_t start;

    touch_pages(memory, BIG_PAGES);
    start = rdtsc();
    unmap_pages(memory, BIG_PAGES);
    return per_operation(rdtsc() - start, BIG_PAGES);
}

static uint32_t mmap_touch_munmap_64k_row(void)
{
    enum { OPERATIONS = 100 };
    uint64_t start = rdtsc();

    for (int i = 0; i < OPERATIONS; i++) {
        uint8_t *memory = map_pages(16);

        touch_pages(memory, 1);
        unmap_pages(memory, 16);
    }
    return per_operation(rdtsc() - start, OPERATIONS);
}

static uint32_t brk_64k_row(void)
{
    enum { OPERATIONS = 2000 };
    uintptr_t heap = sys_brk(0);
    uint64_t start = rdtsc();

    for (int i = 0; i < OPERATIONS; i++) {
        sys_brk(heap + 16 * PAGE);
        sys_brk(heap);
    }
    return per_operation(rdtsc() - start, OPERATIONS);
}

static void echo(int from, int to)
{
    char byte;

    while (SYS(read, from, &byte, 1) == 1)
        sys_write(to, &byte, 1);
    sys_exit(0);
}

static uint32_t pipe_roundtrip_row(void)
{
    enum { OPERATIONS = 2000 };
    int there[2], back[2];
    uint64_t start, end;
    char byte = 'x';
    long pid;

    CHECK(SYS(pipe, there) == 0 && SYS(pipe, back) == 0);
    pid = fork_process();
    if (pid == 0) {
        SYS(close, there[1]);
        echo(there[0], back[1]);
    }
    start = rdtsc();
    for (int i = 0; i < OPERATIONS; i++) {
        CHECK(sys_write(there[1], &byte, 1) == 1);
        CHECK(SYS(read, back[0], &byte, 1) == 1);
    }
    end = rdtsc();
    for (int i = 0; i < 2; i++) {
        SYS(close, there[i]);
        SYS(close, back[i]);
    }
    wait_status(pid);
    return per_operation(end - start, OPERATIONS);
}

static const struct {
    const char *name;
    uint32_t (*run)(void);
} rows[] = {
    {"getpid", getpid_row},
    {"fork_exit_wait", fork_exit_wait_row},
    {"fork_exit_wait_8m", fork_exit_wait_8m_row},
    {"anon_fault", anon_fault_row},
    {"cow_fault", cow_fault_row},
    {"munmap_page", munmap_page_row},
    {"mmap_touch_munmap_64k", mmap_touch_munmap_64k_row},
    {"brk_64k", brk_64k_row},
    {"pipe_roundtrip", pipe_roundtrip_row},
};

static bool matches(const char *pattern, const char *text)
{
    if (*pattern == '*')
        return matches(pattern + 1, text) || (*text && matches(pattern, text + 1));
    if (*text && (*pattern == '?' || *pattern == *text))
        return matches(pattern + 1, text + 1);
    return !*pattern && !*text;
}

static uint32_t median(uint32_t (*run)(void))
{
    uint32_t a, b, c;

    run();
    a = run();
    b = run();
    c = run();
    if ((a <= b && b <= c) || (c <= b && b <= a))
        return b;
    return (b <= a && a <= c) || (c <= a && a <= b) ? a : c;
}

int main(int argc, char *argv[])
{
    const char *pattern = argc > 1 ? argv[1] : "*";
    bool any = false;

    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (!matches(pattern, rows[i].name))
            continue;
        any = true;
        print("bench: %s %u\n", rows[i].name, median(rows[i].run));
    }
    if (!any)
        print("bench: no row matches \"%s\"\n", pattern);
    return 0;
}
