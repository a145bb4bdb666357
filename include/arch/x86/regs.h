/*
 * What the entry stubs leave on the kernel stack (arch/x86/entry.asm pushes it, asm-offsets.c
 * exports the offsets). fs and gs are not here: the kernel does not use them, so they change only
 * in a context switch (include/arch/x86/usersegs.h).
 */
#pragma once

#include <lib/types.h>

struct pt_regs {
    u32 ebx, ecx, edx, esi, edi, ebp, eax;
    u32 ds, es;
    u32 vector;
    u32 error; /* the processor's error code, 0 where it has none; EAX at entry for system calls */
    u32 eip, cs, eflags;
    u32 esp, ss; /* only there when the trap came from ring 3: see user_mode() */
};

/* No program has these: IOPL, and VM, virtual 8086 mode. But see trap_dispatch(). */
#define EFLAGS_FOREIGN 0x00023000u

/* True when the interrupted code ran in ring 3: no other but 0 is used. */
static inline bool user_mode(const struct pt_regs *regs)
{
    return regs->cs & 3;
}

/* ---- system calls ---- */

/* The vector of int 0x80. sysenter ends in the same vector, with the same registers. */
#define SYSCALL_VECTOR 0x80

#define SYSCALL_INSN_SIZE 2     /* int 0x80; the vDSO has one in front of where sysenter returns */
#define NO_SYSCALL        (~0u) /* as a number: nothing is to be made again */

static inline bool in_syscall(const struct pt_regs *regs)
{
    return regs->vector == SYSCALL_VECTOR;
}

/* The number that the program gave, which stays when EAX has the result already. */
static inline u32 syscall_number(const struct pt_regs *regs)
{
    return regs->error;
}

/* After sigreturn these registers are not those of a call that could be made again. */
static inline void syscall_forget_number(struct pt_regs *regs)
{
    regs->error = NO_SYSCALL;
}

static inline void syscall_set_result(struct pt_regs *regs, long result)
{
    regs->eax = result;
}

/* Back to the instruction that made the call, with the number it had (0: the same one). */
static inline void syscall_restart(struct pt_regs *regs, u32 number)
{
    regs->eax = number ? number : regs->error;
    regs->eip -= SYSCALL_INSN_SIZE;
}

/* ---- registers that a program chose ---- */

/*
 * What ring 3 may set by a signal frame: CF PF AF ZF SF TF DF OF AC (Linux's FIX_EFLAGS without
 * RF).
 */
#define EFLAGS_FROM_FRAME 0x00040dd5u

/* Take the flags of a frame; NT, IF and RF stay what they are. */
static inline void regs_set_flags(struct pt_regs *regs, u32 flags)
{
    regs->eflags = (regs->eflags & ~EFLAGS_FROM_FRAME) | (flags & EFLAGS_FROM_FRAME);
}

/*
 * Take selectors that may be anything. CS and SS get ring 3; what cannot be loaded is found on
 * the way back to it: DS and ES become 0, CS and SS end in a general protection fault of the
 * program.
 */
static inline void regs_set_selectors(struct pt_regs *regs, u16 cs, u16 ss, u16 ds, u16 es)
{
    regs->cs = cs | 3;
    regs->ss = ss | 3;
    regs->ds = ds;
    regs->es = es;
}
