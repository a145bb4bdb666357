/*
 * Does what a processor refuses a program: `trap divide`, and so on. On Attic each ends in a
 * signal; Linux allows float.
 */
#include "lib/attic.h"

static void divide(void)
{
    uint32_t zero = 0, quotient = 1, remainder = 0;

    asm volatile("divl %2" : "+a"(quotient), "+d"(remainder) : "m"(zero) : "cc");
}

static void opcode(void)
{
    asm volatile("ud2");
}

static void breakpoint(void)
{
    asm volatile("int3");
}

/* An instruction that only ring 0 may execute. */
static void halt(void)
{
    asm volatile("hlt");
}

static void port(void)
{
    asm volatile("outb %%al, $0x80" : : "a"(0));
}

static void interrupt(void)
{
    asm volatile("int $14"); /* pretends to be a page fault */
}

static void floating(void)
{
    asm volatile("fld1; fstp %st(0)");
}

/* The selector of a local descriptor, of which there are none. */
static void selector(void)
{
    asm volatile("mov %0, %%fs" : : "r"(7));
}

/* ---- with the trap flag on, which takes effect after the next instruction ---- */

#define STEP "pushf; orl $0x100, (%%esp); popf\n\t"

static void step(void)
{
    asm volatile(STEP "nop" : : : "memory", "cc");
}

static void step_syscall(void)
{
    long result = __NR_getpid;

    asm volatile(STEP "int $0x80; nop" : "+a"(result) : : "memory", "cc");
}

/* Loading SS puts the trap off by one more instruction, the one that enters the kernel. */
static void step_segment(void)
{
    uint32_t result = __NR_getpid, ss;

    asm volatile("mov %%ss, %0" : "=r"(ss));
    asm volatile(STEP "mov %1, %%ss; int $0x80; nop" : "+a"(result) : "r"(ss) : "memory", "cc");
}

static void step_fault(void)
{
    uintptr_t heap = sys_brk(0);

    sys_brk(heap + 1);
    asm volatile(STEP "movl $1, (%0); nop" : : "r"(heap) : "memory", "cc");
}

static void step_opcode(void)
{
    asm volatile(STEP "ud2" : : : "memory", "cc");
}

static const struct {
    const char *name;
    void (*run)(void);
} traps[] = {
    {"divide", divide},
    {"opcode", opcode},
    {"breakpoint", breakpoint},
    {"halt", halt},
    {"port", port},
    {"interrupt", interrupt},
    {"float", floating},
    {"selector", selector},
    {"step", step},
    {"step-syscall", step_syscall},
    {"step-segment", step_segment},
    {"step-fault", step_fault},
    {"step-opcode", step_opcode},
};

int main(int argc, char *argv[])
{
    for (unsigned i = 0; argc == 2 && i < sizeof(traps) / sizeof(traps[0]); i++) {
        if (streq(argv[1], traps[i].name)) {
            traps[i].run();
            return 1;
        }
    }
    print("usage: trap divide|opcode|breakpoint|halt|port|interrupt|float|selector|step[-...]\n");
    return 2;
}
