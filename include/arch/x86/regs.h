/*
 * What the entry stubs leave on the kernel stack (arch/x86/entry.asm pushes it, asm-offsets.c
 * exports the offsets). fs and gs are not here: the kernel does not use them, so they change only
 * in a context switch.
 */
#pragma once

#include <lib/types.h>

struct pt_regs {
    u32 ebx, ecx, edx, esi, edi, ebp, eax;
    u32 ds, es;
    u32 vector;
    u32 error; /* the processor's error code, 0 where it has none; orig_eax for system calls */
    u32 eip, cs, eflags;
    u32 esp, ss; /* only there when the trap came from ring 3: see user_mode() */
};

/* True when the interrupted code ran in ring 3. */
static inline bool user_mode(const struct pt_regs *regs)
{
    return (regs->cs & 3) == 3;
}
