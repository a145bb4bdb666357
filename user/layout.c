/*
 * Prints where its own parts lie, the highest address at the top.
 *
 * Two of them at the same time print the same addresses but share nothing: each has its own address
 * space.
 */
#include "lib/attic.h"

#define HEAP_SIZE   0x3000
#define KERNEL_HALF 0xc0000000u

extern char etext[], edata[], end[], __executable_start[];

static const char constant[] = "read-only data";
static int initialized = 1;
static int uninitialized[1024];

static void row(uint32_t addr, const char *part, const char *what)
{
    print("  0x%08x  %s  %s\n", addr, part, what);
}

int main(int argc, char *argv[])
{
    uintptr_t heap = sys_brk(0), heap_end = sys_brk(heap + HEAP_SIZE);
    int local = argc;

    initialized += uninitialized[0];
    print("%s[%d]: my address space\n", argv[0], (int)sys_getpid());
    row(KERNEL_HALF, "kernel", "from here up: the same for all, and out of reach");
    row((uintptr_t)argv[0], "stack ", "the first argument");
    row((uintptr_t)&local, "stack ", "a local variable of main()");
    row(heap_end, "heap  ", "its end (brk)");
    row(heap, "heap  ", "its start");
    row((uintptr_t)uninitialized, "bss   ", "a variable that starts as 0");
    row((uintptr_t)&initialized, "data  ", "a variable that starts as 1");
    row((uintptr_t)constant, "rodata", constant);
    row((uintptr_t)main, "text  ", "main()");
    row((uintptr_t)__executable_start, "text  ", "the ELF header: the lowest mapped address");
    return 0;
}
