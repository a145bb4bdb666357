/* Segments: flat code and data for both rings, and the two task-state segments. */
#pragma once

#include <lib/types.h>

#define GDT_ENTRIES 32

extern u64 gdt[GDT_ENTRIES]; /* arch/x86 only */

/* Load the GDT, every segment register and the task register. */
void gdt_init(void);

/* NULL when GDTR and TR are as gdt_init() left them, otherwise the error. */
const char *gdt_check(void);

/* The address of the GDT. */
u32 gdt_address(u32 *size);

/*
 * The task-state segments (Intel SDM vol. 3, 7.2.1). The main one holds the stack for traps from
 * ring 3; the other is the double-fault task, with its own stack and CR3, so that it runs even when
 * the current stack is unusable.
 */
struct tss {
    u32 link;
    u32 esp0, ss0, esp1, ss1, esp2, ss2;
    u32 cr3, eip, eflags;
    u32 eax, ecx, edx, ebx, esp, ebp, esi, edi;
    u32 es, cs, ss, ds, fs, gs;
    u32 ldt;
    u16 trap, iomap_base;
};

_Static_assert(sizeof(struct tss) == 104, "Intel's layout");

extern struct tss main_tss;
extern struct tss double_fault_tss;
