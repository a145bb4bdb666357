/*
 * One long write, in a single system call: `long_write 256` writes 256 KiB that are invisible on
 * any terminal. For tests of task switches within the kernel, during which the memory may be
 * unmapped.
 */
#include "lib/attic.h"

int main(int argc, char *argv[])
{
    uintptr_t heap = sys_brk(0);
    uint32_t size;

    if (argc != 2 || !parse_number(argv[1], &size)) {
        print("usage: long_write KIB\n");
        return 2;
    }
    size <<= 10;
    if (sys_brk(heap + size) != heap + size)
        return 3;
    memset((void *)heap, '\r', size);
    if (sys_write(1, (const void *)heap, size) <= 0)
        return 1;
    print("\n");
    return 0;
}
