/*
 * Traps: dispatches exceptions, interrupts and system calls, whose registers are saved by
 * entry.asm, through a table that the higher layers fill in. This file has the names and handlers
 * of vectors, not their meaning.
 *
 * The IDT (Intel SDM vol. 3, 6.10) has an interrupt gate for every vector, so handlers start with
 * interrupts off; only int 0x80 and int3 may be used from ring 3, and vector 8 is a task gate,
 * because after a double fault there is usually no stack to push on. The IDT and the table are
 * written during start-up and read-only afterwards.
 *
 * Two mechanisms recover from a trap in the kernel: the exception table (instructions that may
 * fault, and where to continue then: user copies) and the fault probe (self-tests).
 */
#include <arch/x86/cpu.h>
#include <arch/x86/entry.h>
#include <arch/x86/extable.h>
#include <arch/x86/gdt.h>
#include <arch/x86/irqflags.h>
#include <arch/x86/probe.h>
#include <arch/x86/trap.h>
#include <lib/detach.h>
#include <lib/panic.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <mm/layout.h>

/* Gate types: present, 32-bit; the ring is added. */
#define GATE_INTERRUPT 0x8e
#define GATE_TASK      0x85
#define GATE_RING3     0x60

struct gate {
    u16 offset_low, selector;
    u8 zero, type;
    u16 offset_high;
};

struct exception_fixup {
    u32 insn, fixup;
    enum ex_kind kind;
};
extern const struct exception_fixup __ex_table_start[], __ex_table_end[];

static struct gate idt[VECTORS] __ro_after_init;
static trap_handler_t trap_table[VECTORS] __ro_after_init;
static trap_handler_t trap_default __ro_after_init;
static trap_handler_t return_hook __ro_after_init;

struct fault_probe *fault_probe_current;

/* The gate that leads to the vector's stub. */
static struct gate stub_gate(u32 vector)
{
    bool for_ring3 = vector == X86_TRAP_BP || vector == SYSCALL_VECTOR;
    u32 stub = trap_stubs[vector];

    return (struct gate){.offset_low = stub & 0xffff,
                         .offset_high = stub >> 16,
                         .selector = KERNEL_CS,
                         .type = GATE_INTERRUPT | (for_ring3 ? GATE_RING3 : 0)};
}

static struct gate task_gate(u16 selector)
{
    return (struct gate){.selector = selector, .type = GATE_TASK};
}

void idt_init(void)
{
    struct table_register idtr = {sizeof(idt) - 1, (u32)idt};

    for (u32 v = 0; v < VECTORS; v++)
        idt[v] = stub_gate(v);
    asm volatile("lidt %0" : : "m"(idtr) : "memory");
}

const char *idt_check(void)
{
    static char text[80];
    struct table_register idtr;

    asm volatile("sidt %0" : "=m"(idtr));
    if (idtr.base != (u32)idt || idtr.limit != sizeof(idt) - 1)
        return "I5: IDTR does not point to the kernel's IDT";
    for (u32 v = 0; v < VECTORS; v++) {
        struct gate expected = v == X86_TRAP_DF ? task_gate(DF_TSS_SELECTOR) : stub_gate(v);
        u32 found[2], right[2];

        memcpy(found, &idt[v], sizeof(found));
        memcpy(right, &expected, sizeof(right));
        if (found[0] != right[0] || found[1] != right[1]) {
            snprintf(text, sizeof(text),
                     "I5: the gate of vector %u is 0x%08x%08x, expected 0x%08x%08x", v, found[1],
                     found[0], right[1], right[0]);
            return text;
        }
    }
    return NULL;
}

void idt_set_task_gate(u32 vector, u16 selector)
{
    idt[vector] = task_gate(selector);
}

void trap_set_handler(u32 vector, trap_handler_t handler)
{
    assert_op(vector, <, VECTORS);
    assert(trap_table[vector] == trap_default);
    trap_table[vector] = handler;
}

void trap_set_default(trap_handler_t handler)
{
    for (u32 v = 0; v < VECTORS; v++)
        if (trap_table[v] == trap_default)
            trap_table[v] = handler;
    trap_default = handler;
}

trap_handler_t trap_set_return_hook(trap_handler_t hook)
{
    return exchange(&return_hook, hook);
}

/*
 * A handler may have turned interrupts on. They must be off here: a tick after the hook would be
 * handled late.
 */
void trap_leave(struct pt_regs *regs)
{
    local_irq_disable();
    if (user_mode(regs))
        return_hook(regs);
}

#define V86_WORDS 4 /* words that the processor also saves in virtual 8086 mode */

/*
 * No processor lets a program set IOPL or enter virtual 8086 mode, but QEMU does. Its iret accepts
 * VM in any ring, and after a cmpxchg8b or a rotation it may save any value as flags, even for
 * kernel code (version 7.2). The interrupted code continues without these flags; for a program in
 * virtual 8086 mode, whose CS may have any value, the load of its selectors then fails. A program's
 * registers are at the top of the stack. The kernel was entered with the same IOPL, and clears its
 * own, too.
 */
void trap_drop_foreign_flags(struct pt_regs *regs)
{
    u32 top = main_tss.esp0; /* 0 until the first task runs */

    asm volatile("push %0\n\tpopf" : : "i"(EFLAGS_FIXED) : "memory", "cc");
    regs->eflags &= ~EFLAGS_FOREIGN;
    if (top && (u32)(regs + 1) + V86_WORDS * sizeof(u32) >= top) {
        regs->eflags |= EFLAGS_IF;
        regs->cs |= 3;
    }
}

/* From entry.asm, with interrupts off. */
void trap_dispatch(struct pt_regs *regs)
{
    if (unlikely(regs->eflags & EFLAGS_FOREIGN))
        trap_drop_foreign_flags(regs);
    trap_table[regs->vector](regs);
    trap_leave(regs);
}

const char *trap_name(u32 vector)
{
    static const char *const names[] = {
        [X86_TRAP_DE] = "divide error",
        [X86_TRAP_DB] = "debug exception",
        [X86_TRAP_NMI] = "non-maskable interrupt",
        [X86_TRAP_BP] = "breakpoint",
        [X86_TRAP_OF] = "overflow",
        [X86_TRAP_BR] = "bound range exceeded",
        [X86_TRAP_UD] = "invalid opcode",
        [X86_TRAP_NM] = "device not available",
        [X86_TRAP_DF] = "double fault",
        [X86_TRAP_TS] = "invalid TSS",
        [X86_TRAP_NP] = "segment not present",
        [X86_TRAP_SS] = "stack-segment fault",
        [X86_TRAP_GP] = "general protection",
        [X86_TRAP_PF] = "page fault",
        [X86_TRAP_MF] = "floating-point error",
        [X86_TRAP_AC] = "alignment check",
        [X86_TRAP_MC] = "machine check",
        [X86_TRAP_XF] = "SIMD floating-point exception",
    };

    if (vector < ARRAY_SIZE(names) && names[vector])
        return names[vector];
    return vector < X86_TRAP_EXCEPTIONS ? "reserved exception" : "interrupt";
}

/* True when an entry of this kind is for the trap; addr is the address of a page fault. */
static bool fixup_is_for(enum ex_kind kind, const struct pt_regs *regs, u32 addr)
{
    bool page_fault = regs->vector == X86_TRAP_PF, write = regs->error & X86_PF_WRITE;

    switch (kind) {
    case EX_USER_READ:
        return page_fault && addr < TASK_SIZE && !write;
    case EX_USER_WRITE:
        return page_fault && addr < TASK_SIZE && write;
    case EX_KERNEL_READ:
        return page_fault && addr >= TASK_SIZE && !write;
    case EX_SELECTOR:
        return regs->vector >= X86_TRAP_TS && regs->vector <= X86_TRAP_GP;
    }
    return false;
}

bool trap_fixup(struct pt_regs *regs, u32 addr)
{
    for (const struct exception_fixup *e = __ex_table_start; e < __ex_table_end; e++) {
        if (e->insn == regs->eip && fixup_is_for(e->kind, regs, addr)) {
            regs->eip = e->fixup;
            return true;
        }
    }
    return false;
}

void fault_probe_clear(struct fault_probe *probe)
{
    assert_op(fault_probe_current, ==, probe);
    fault_probe_current = NULL;
}

struct fault_probe *fault_probe_take(u32 vector, u32 error, u32 address)
{
    struct fault_probe *probe = fault_probe_current;

    if (probe) {
        probe->vector = vector;
        probe->error = error;
        probe->address = address;
        fault_probe_current = NULL;
    }
    return probe;
}

bool fault_probe_hit(struct pt_regs *regs, u32 address)
{
    struct fault_probe *probe = fault_probe_take(regs->vector, regs->error, address);

    if (!probe)
        return false;
    regs->eax = (u32)probe;
    regs->eip = (u32)fault_probe_resume;
    regs->eflags &= ~EFLAGS_AC; /* it may have been in the middle of a copy */
    return true;
}

bool cpu_entry_point(u32 i, struct cpu_entry_point *out)
{
    u32 gdt_size, gdt_start = gdt_address(&gdt_size), here = (u32)__builtin_frame_address(0);
    u32 stack_top = main_tss.esp0; /* 0 until the first task runs */
    const struct cpu_entry_point points[] = {
        {"IDT", (u32)idt, (u32)(idt + VECTORS)},
        {"GDT", gdt_start, gdt_start + gdt_size},
        {"TSS", (u32)&main_tss, (u32)(&main_tss + 1)},
        {"double-fault TSS", (u32)&double_fault_tss, (u32)(&double_fault_tss + 1)},
        {"stack for traps from ring 3", stack_top - (stack_top ? THREAD_SIZE : 0), stack_top},
        {"stack that is in use", here, here + sizeof(u32)},
        {"double-fault stack", double_fault_tss.esp0 - THREAD_SIZE, double_fault_tss.esp0},
        {"entry stubs", (u32)entry_text_start, (u32)entry_text_end},
    };

    if (i >= ARRAY_SIZE(points))
        return false;
    *out = points[i];
    return true;
}
