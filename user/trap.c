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

static void single_step(void)
{
    asm volatile("pushf; orl $0x100, (%%esp); popf; nop" : : : "memory", "cc");
}

static const struct {
    const char *name;
    void (*run)(void);
} traps[] = {
    {"divide", divide}, {"opcode", opcode},       {"breakpoint", breakpoint}, {"halt", halt},
    {"port", port},     {"interrupt", interrupt}, {"float", floating},        {"step", single_step},
};

int main(int argc, char *argv[])
{
    for (unsigned i = 0; argc == 2 && i < sizeof(traps) / sizeof(traps[0]); i++) {
        if (streq(argv[1], traps[i].name)) {
            traps[i].run();
            return 1;
        }
    }
    print("usage: trap divide|opcode|breakpoint|halt|port|interrupt|float|step\n");
    return 2;
}
