/* Grows and shrinks the heap, and requests impossible heaps. Also passes on Linux. */
#include "lib/check.h"

#define PAGE 4096u

static bool all_bytes_are(const uint8_t *p, size_t size, uint8_t byte)
{
    while (size && *p == byte)
        p++, size--;
    return size == 0;
}

static void check_growth(uintptr_t start)
{
    uint8_t *heap = (uint8_t *)start;

    CHECK(sys_brk(start + 3 * PAGE) == start + 3 * PAGE);
    CHECK(all_bytes_are(heap, 3 * PAGE, 0));
    memset(heap, 0xa5, 3 * PAGE);
    CHECK(sys_brk(start + 3 * PAGE + 1) == start + 3 * PAGE + 1);
    CHECK(all_bytes_are(heap, 3 * PAGE, 0xa5));
    heap[3 * PAGE] = 1;
    CHECK(sys_brk(0) == start + 3 * PAGE + 1);
}

/* Freed memory comes back as zeros; kept memory is unchanged. */
static void check_shrinking(uintptr_t start)
{
    uint8_t *heap = (uint8_t *)start;

    CHECK(sys_brk(start + PAGE) == start + PAGE);
    CHECK(sys_brk(start + 4 * PAGE) == start + 4 * PAGE);
    CHECK(all_bytes_are(heap, PAGE, 0xa5));
    CHECK(all_bytes_are(heap + PAGE, 3 * PAGE, 0));
}

static void check_refusals(uintptr_t start)
{
    uintptr_t end = sys_brk(0);
    uint32_t local;

    CHECK(sys_brk(start - 1) == end);
    CHECK(sys_brk(1) == end);
    CHECK(sys_brk(0xffffffff) == end);
    CHECK(sys_brk(0xfffff000) == end);
    CHECK(sys_brk((uintptr_t)&local) == end); /* the stack is there */
    CHECK(sys_brk(0) == end);
}

int main(int argc, char *argv[])
{
    uintptr_t start = sys_brk(0);

    (void)argc;
    (void)argv;
    CHECK(start % PAGE == 0);
    check_growth(start);
    check_shrinking(start);
    check_refusals(start);
    CHECK(sys_brk(start) == start);
    return 0;
}
