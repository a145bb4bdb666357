/* The interface between entry.asm and the C files of arch/x86; internal to arch/x86. */
#pragma once

#include <arch/x86/probe.h>
#include <arch/x86/regs.h>

#define VECTORS 256

/* entry.asm: the first instruction for each vector, and the bounds of the entry code. */
extern const u32 trap_stubs[VECTORS];
extern char entry_text_start[], entry_text_end[];

/*
 * entry.asm: continue where the probe in EAX was set; where new threads start; where the
 * double-fault task starts.
 */
void fault_probe_resume(void);
void thread_start(void);
void double_fault_entry(void);

/* entry.asm: where sysenter leads to, when sysenter_return is not 0 (sysenter.c). */
void sysenter_entry(void);
extern u32 sysenter_return;

/* entry.asm: reload all segment registers and TR; cause a triple fault. */
void gdt_flush(void);
void triple_fault(void) __noreturn;

/* Called from entry.asm. */
void trap_dispatch(struct pt_regs *regs);
void sysenter_dispatch(struct pt_regs *regs);
void double_fault_task(void);

/* trap.c: the probe that is set, or NULL; taking it records the trap and clears it. */
extern struct fault_probe *fault_probe_current;
struct fault_probe *fault_probe_take(u32 vector, u32 error, u32 address);

/* trap.c: the end of each trap: interrupts off, and the hook if it came from ring 3. */
void trap_leave(struct pt_regs *regs);

/* For registers with EFLAGS_FOREIGN, before any code uses them. */
void trap_drop_foreign_flags(struct pt_regs *regs);

/* The operand of lgdt, lidt, sgdt and sidt (Intel SDM vol. 3, 3.5.1). */
struct table_register {
    u16 limit;
    u32 base;
} __attribute__((packed));

/* trap.c: NULL when IDTR and all gates are as start-up left them. */
const char *idt_check(void);

/* sysenter.c: NULL when the MSRs are as sysenter_init() left them. */
const char *sysenter_check(void);

/* trap.c: make a vector switch to the task of this TSS selector. */
void idt_set_task_gate(u32 vector, u16 selector);
