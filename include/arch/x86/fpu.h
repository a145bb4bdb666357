/*
 * The floating-point and SSE registers (Intel SDM vol. 1, chapters 8 and 10; vol. 3, 13). There
 * is one set of them, and they belong to one thread until another needs them: then they move to
 * that thread's struct fpu_state. kernel/process/process_fpu.c decides when.
 *
 * Where the processor has FXSR, the image is fxsave's, else fnsave's, which knows no SSE.
 */
#pragma once

#include <arch/x86/switch.h>
#include <lib/types.h>

struct fpu_register {
    u16 significand[4], exponent, padding[3];
};

struct fxsave_image {
    u16 cwd, swd;
    u8 tag; /* one bit a register: it is not empty */
    u8 reserved;
    u16 fop;
    u32 fip, fcs, foo, fos;
    u32 mxcsr, mxcsr_mask;
    struct fpu_register st[8]; /* st[0] is the top of the stack */
    u32 xmm[8][4];
    u32 unused[56];
};

struct fnsave_image {
    u32 cwd, swd, twd, fip, fcs, foo, fos;
    u16 st[8][5];
};

struct fpu_state {
    union {
        struct fxsave_image fx;
        struct fnsave_image fn;
    };
} __attribute__((aligned(16)));

_Static_assert(sizeof(struct fxsave_image) == 512, "Intel's layout");
_Static_assert(sizeof(struct fnsave_image) == 108, "Intel's layout");

/*
 * Whose registers the processor holds, and whether their use traps now (CR0.TS). Read-only
 * outside.
 */
extern struct thread *fpu_owner;
extern bool fpu_traps;
void fpu_set_traps(bool traps);

/* The processor sets CR0.TS by itself when it switches tasks: the way back from a double fault. */
void fpu_task_switched(void);

/* Bits of MXCSR that may be set; loading any other faults. 0 without SSE. */
u32 fpu_mxcsr_mask(void);

/* What a process starts with: empty, all exceptions masked, round to nearest, 64-bit precision. */
void fpu_state_init(struct fpu_state *state);

/*
 * The running thread, whose state is in its buffer, gets the registers; those of the owner before
 * go into the owner's buffer. Interrupts on or off.
 */
void fpu_take(struct thread *running);

/* Write the registers into the buffer, if they are this thread's; they stay its own. */
void fpu_sync(struct thread *running);

/*
 * What is in the processor is no longer this thread's; if it is the one that runs, its next use
 * traps.
 */
void fpu_forget(struct thread *thread);
