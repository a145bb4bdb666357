/* Context switch and the way into ring 3. */
#pragma once

#include <arch/x86/regs.h>

struct fpu_state;

#define TLS_ENTRIES 3 /* GDT slots 6 to 8 (Linux's GDT_ENTRY_TLS_MIN) */

/* The processor state of a thread that is not running. */
struct thread {
    u32 esp; /* switch_to()'s frame lies there */
    u16 fs, gs;
    u64 tls[TLS_ENTRIES];  /* its own descriptors; 0: none */
    struct fpu_state *fpu; /* NULL until it first uses them (kernel/process/process_fpu.c) */
};

/*
 * Load the next thread's own descriptors, and let its first use of the FPU trap unless its
 * registers are loaded. Call this just before switch_to(). Interrupts off.
 */
void thread_load(const struct thread *next);

/* For fork: a thread that has not run gets the segments of the current one, *from. */
void thread_copy_segments(struct thread *to, const struct thread *from);

/* For exec: set FS and GS of the current thread, *thread, to 0, and clear its descriptors. */
void thread_clear_segments(struct thread *thread);

/*
 * Save the caller in *prev and continue where *next was saved. Interrupts off. `next_stack_top`
 * becomes the stack for traps from ring 3. The caller has loaded next's page directory already.
 */
void switch_to(struct thread *prev, struct thread *next, u32 next_stack_top);

/*
 * Let *thread start in entry(arg) on the stack that ends at stack_top; entry must not return.
 * Interrupts will be off.
 */
void thread_init(struct thread *thread, u32 stack_top, void (*entry)(void *), void *arg);

/*
 * Fill regs so that it returns to ring 3 at eip with stack pointer esp, flat segments, IF on and
 * all other registers 0.
 */
void regs_init_user(struct pt_regs *regs, u32 eip, u32 esp);

/* Leave the kernel through regs, which lies at the top of the current kernel stack. */
void __noreturn return_to_user(struct pt_regs *regs);
