/*
 * The registers that the entry stubs save on the kernel stack (arch/x86/entry.asm pushes it,
 * asm-offsets.c exports the offsets). fs and gs are not here: the kernel does not use them, so they
 * change only in a context switch (include/arch/x86/usersegs.h).
 */
#pragma once

#include <lib/types.h>

struct pt_regs {
    u32 ebx, ecx, edx, esi, edi, ebp, eax;
    u32 ds, es;
    u32 vector;
    u32 error; /* the processor's error code, 0 if it has none; EAX at entry for system calls */
    u32 eip, cs, eflags;
    u32 esp, ss; /* exist only when the trap came from ring 3: see user_mode() */
};

/* Flags that no program has: IOPL, and VM (virtual 8086 mode). But see trap_dispatch(). */
#define EFLAGS_FOREIGN 0x00023000u

/* True when the interrupted code ran in ring 3 (only rings 0 and 3 are used). */
static inline bool user_mode(const struct pt_regs *regs)
{
    return regs->cs & 3;
}

/* ---- system calls ---- */

/* The vector of int 0x80. sysenter ends in the same vector, with the same registers. */
#define SYSCALL_VECTOR 0x80

#define SYSCALL_INSN_SIZE 2     /* int 0x80; the vDSO has one in front of where sysenter returns */
#define NO_SYSCALL        (~0u) /* as a number: there is no call to restart */

static inline bool in_syscall(const struct pt_regs *regs)
{
    return regs->vector == SYSCALL_VECTOR;
}

/* The number that the program passed; it is kept when EAX already has the result. */
static inline u32 syscall_number(const struct pt_regs *regs)
{
    return regs->error;
}

/* After sigreturn the registers do not belong to a call that can be restarted. */
static inline void syscall_forget_number(struct pt_regs *regs)
{
    regs->error = NO_SYSCALL;
}

static inline void syscall_set_result(struct pt_regs *regs, long result)
{
    regs->eax = result;
}

/* Go back to the instruction that made the call, with this number (0: the number it had). */
static inline void syscall_restart(struct pt_regs *regs, u32 number)
{
    regs->eax = number ? number : regs->error;
    regs->eip -= SYSCALL_INSN_SIZE;
}

/* ---- registers that a program chose ---- */

/*
 * The flags that ring 3 may set by a signal frame: CF PF AF ZF SF TF DF OF AC (Linux's FIX_EFLAGS
 * without RF).
 */
#define EFLAGS_FROM_FRAME 0x00040dd5u

/* Set the flags from a frame; NT, IF and RF do not change. */
static inline void regs_set_flags(struct pt_regs *regs, u32 flags)
{
    regs->eflags = (regs->eflags & ~EFLAGS_FROM_FRAME) | (flags & EFLAGS_FROM_FRAME);
}

/*
 * Set selectors that may be invalid. CS and SS get ring 3; an invalid one is detected on the return
 * to ring 3: DS and ES become 0, CS and SS cause a general protection fault of the program.
 */
static inline void regs_set_selectors(struct pt_regs *regs, u16 cs, u16 ss, u16 ds, u16 es)
{
    regs->cs = cs | 3;
    regs->ss = ss | 3;
    regs->ds = ds;
    regs->es = es;
}
