/*
 * Executes an instruction that faults in ring 3: `trap divide`.
 *
 * Alone it lists the others. On Attic each ends in a signal; Linux allows float.
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

/* The selector of a local descriptor; there are none. */
static void selector(void)
{
    asm volatile("mov %0, %%fs" : : "r"(7));
}

/* ---- what makes the processor itself use the program's stack ---- */

static struct {
    uint32_t offset;
    uint16_t selector;
} __attribute__((packed)) far;

void far_target(void);
asm("far_target: lret");

/* They lead to the program's own segment, which is allowed. */
static void set_far(void)
{
    uint32_t cs;

    asm("mov %%cs, %0" : "=r"(cs));
    far.offset = (uint32_t)far_target;
    far.selector = cs;
}

static void far_call(void)
{
    set_far();
    asm volatile("lcall *%0" : : "m"(far) : "memory");
    far.selector = 0;
    asm volatile("lcall *%0" : : "m"(far) : "memory");
}

/* The same with a stack that was never touched, */
static void far_call_new(void)
{
    uintptr_t heap = sys_brk(0);

    sys_brk(heap + 3 * 4096);
    set_far();
    asm volatile("mov %0, %%esp; lcall *%1; movw $0, %2; lcall *%1"
                 :
                 : "r"((heap + 2 * 4096) & ~4095u), "m"(far), "m"(far.selector)
                 : "memory");
}

/* and with one that a child has as well. */
static void far_call_shared(void)
{
    set_far();
    asm volatile("mov %%esp, %%esi; mov %1, %%esp; push %%eax; mov %2, %%eax; int $0x80\n\t"
                 "test %%eax, %%eax; jnz 1f; mov %3, %%eax; int $0x80\n1: pop %%eax\n\t"
                 "lcall *%0; movw $0, 4+%0; lcall *%0"
                 :
                 : "m"(far), "r"((sys_brk(sys_brk(0) + 3 * 4096) - 4096) & ~4095u), "i"(__NR_fork),
                   "i"(__NR_exit)
                 : "memory", "eax", "esi");
}

/* Back to the same segment, and then to one that does not exist. */
static void interrupt_return(void)
{
    set_far();
    asm volatile("pushf; push %0; push $1f; iret\n1:" : : "r"((uint32_t)far.selector) : "memory");
    asm volatile("pushf; push $0xf3; push $1f; iret\n1:" : : : "memory");
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

/* Loading SS delays the trap by one more instruction, the one that enters the kernel. */
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
    {"far-call", far_call},
    {"far-call-new", far_call_new},
    {"far-call-shared", far_call_shared},
    {"iret", interrupt_return},
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
    print("usage: trap divide|opcode|breakpoint|halt|port|interrupt|float|selector|iret\n"
          "       trap far-call[-...]|step[-...]\n");
    return 2;
}
