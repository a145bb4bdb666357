/*
 * Traps reach the higher layers through a table: these register a handler per vector, arch/x86
 * saves the registers and calls it.
 */
#pragma once

#include <arch/x86/regs.h>

/* Exceptions by vector (Intel SDM vol. 3, table 6-1). */
enum {
    X86_TRAP_DE = 0,
    X86_TRAP_DB = 1,
    X86_TRAP_NMI = 2,
    X86_TRAP_BP = 3,
    X86_TRAP_OF = 4,
    X86_TRAP_BR = 5,
    X86_TRAP_UD = 6,
    X86_TRAP_NM = 7,
    X86_TRAP_DF = 8,
    X86_TRAP_TS = 10,
    X86_TRAP_NP = 11,
    X86_TRAP_SS = 12,
    X86_TRAP_GP = 13,
    X86_TRAP_PF = 14,
    X86_TRAP_MF = 16,
    X86_TRAP_AC = 17,
    X86_TRAP_MC = 18,
    X86_TRAP_XF = 19,
    X86_TRAP_EXCEPTIONS = 32,
};

#define IRQ_VECTOR 32 /* the PIC's inputs 0..15 arrive at vectors 32..47 */

/* Page-fault error code (Intel SDM vol. 3, 4.7; Linux's names). */
#define X86_PF_PROT  (1u << 0) /* 0: not present, 1: a right was violated */
#define X86_PF_WRITE (1u << 1) /* 0: read or fetch, 1: write */
#define X86_PF_USER  (1u << 2) /* the access was made in ring 3 */
#define X86_PF_RSVD  (1u << 3)
#define X86_PF_INSTR (1u << 4) /* fetch; only reported where SMEP or NX is on */

typedef void (*trap_handler_t)(struct pt_regs *regs);

/*
 * Build the IDT and load it. Every vector ends in the handler of trap_set_handler(), or in
 * trap_set_default().
 */
void idt_init(void);

/*
 * Enable sysenter for programs, if the processor has it, through the vDSO that every process maps
 * at vdso_addr; the calls arrive at SYSCALL_VECTOR. After double_fault_init(), before mm_seal().
 * (arch/x86/sysenter.c)
 */
void sysenter_init(u32 vdso_addr);

/* Handlers run with interrupts off and may turn them on. Start-up only. */
void trap_set_handler(u32 vector, trap_handler_t handler);
void trap_set_default(trap_handler_t handler); /* before idt_init(); later ones replace it */

/*
 * Called, with interrupts off, each time a trap is about to return to ring 3. Returns the hook that
 * was set before. Start-up only.
 */
trap_handler_t trap_set_return_hook(trap_handler_t hook);

/* "page fault" for 14, and so on. */
const char *trap_name(u32 vector);

/* The linear address of the last page fault. Read it before interrupts are on again. */
static inline u32 read_cr2(void)
{
    u32 value;
    asm volatile("mov %%cr2, %0" : "=r"(value));
    return value;
}

/*
 * If the exception table (arch/x86/extable.h) has a fix-up for this trap of the kernel, continue
 * there and return true. addr: the address of a page fault; ignored for other vectors.
 */
bool trap_fixup(struct pt_regs *regs, u32 addr);

/*
 * The state of a task whose fault could not be delivered: its registers (error is 0; esp is in
 * regs, as if from ring 3), its page directory, and the address of its last page fault.
 */
struct double_fault {
    struct pt_regs regs;
    u32 cr2, cr3;
};

/* The last double fault, for a self-test whose probe caught it. */
extern struct double_fault double_fault_state;

/*
 * Set up the double-fault task on a stack of THREAD_SIZE that ends at stack_top; `report` is called
 * on it and must not return. Start-up, after vmalloc_init(), before mm_seal().
 */
void double_fault_init(u32 stack_top, void (*report)(const struct double_fault *state));
