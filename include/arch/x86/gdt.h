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
