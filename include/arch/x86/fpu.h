/*
 * The floating-point and SSE registers (Intel SDM vol. 1, chapters 8 and 10; vol. 3, 13). There is
 * one set of them. They belong to one thread until another uses them: then they are saved in the
 * first thread's struct fpu_state. kernel/process/process_fpu.c decides when.
 *
 * Where the processor has FXSR, the image has the format of fxsave, otherwise that of fnsave, which
 * has no SSE.
 */
#pragma once

#include <arch/x86/switch.h>
#include <lib/types.h>

struct fpu_register {
    u16 significand[4], exponent, padding[3];
};

struct fxsave_image {
    u16 cwd, swd;
    u8 tag; /* one bit per register: it is not empty */
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
 * The thread whose registers the processor holds, and whether their use traps now (CR0.TS).
 * Read-only for other files.
 */
extern struct thread *fpu_owner;
extern bool fpu_traps;
void fpu_set_traps(bool traps);

/*
 * The processor sets CR0.TS by itself when it switches tasks: this happens on the return from a
 * double fault.
 */
void fpu_task_switched(void);

/* Bits of MXCSR that may be set; loading other bits faults. 0 without SSE. */
u32 fpu_mxcsr_mask(void);

/*
 * The initial state of a process: empty, all exceptions masked, round to nearest, 64-bit precision.
 */
void fpu_state_init(struct fpu_state *state);

/*
 * Save the registers into their owner's buffer, and load those of the running thread from its
 * buffer. Interrupts on or off.
 */
void fpu_take(struct thread *running);

/* Write the registers into the buffer, if they are this thread's; the thread stays their owner. */
void fpu_sync(struct thread *running);

/*
 * The registers in the processor no longer belong to this thread; if it is running, its next use
 * traps.
 */
void fpu_forget(struct thread *thread);
