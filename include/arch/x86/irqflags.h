/* Interrupts on and off on this processor (Linux's names). */
#pragma once

#include <lib/types.h>

#define EFLAGS_FIXED (1u << 1) /* always set */
#define EFLAGS_TF    (1u << 8)
#define EFLAGS_IF    (1u << 9)
#define EFLAGS_AC    (1u << 18) /* in ring 0 with SMAP: user pages may be touched */

static inline void local_irq_enable(void)
{
    asm volatile("sti" : : : "memory");
}

static inline void local_irq_disable(void)
{
    asm volatile("cli" : : : "memory");
}

/* Disable interrupts; pass the result to local_irq_restore() later. Nests. */
static inline u32 local_irq_save(void)
{
    u32 flags;
    asm volatile("pushf; pop %0; cli" : "=rm"(flags) : : "memory");
    return flags;
}

static inline void local_irq_restore(u32 flags)
{
    if (flags & EFLAGS_IF)
        local_irq_enable();
}

/*
 * Wait for an interrupt; call with interrupts off. sti takes effect after the next instruction, so
 * none is missed.
 */
static inline void irq_enable_and_halt(void)
{
    asm volatile("sti; hlt" : : : "memory");
}
