/*
 * The first stack frames: what a new thread finds when it is switched to for the first time, and
 * what a new process finds when it returns to ring 3 for the first time. Both must match the pops
 * in entry.asm.
 */
#include <arch/x86/cpu.h>
#include <arch/x86/entry.h>
#include <arch/x86/irqflags.h>
#include <arch/x86/switch.h>

#define EFLAGS_FIXED 0x2u /* bit 1 is always set */

/* What switch_to() pushes, from the lowest address up. */
struct switch_frame {
    u32 edi, esi, ebx, ebp, eip;
};

void thread_init(struct thread *thread, u32 stack_top, void (*entry)(void *), void *arg)
{
    struct switch_frame *frame = (struct switch_frame *)stack_top - 1;

    *frame = (struct switch_frame){.esi = (u32)arg, .ebx = (u32)entry, .eip = (u32)thread_start};
    *thread = (struct thread){.esp = (u32)frame};
}

void regs_init_user(struct pt_regs *regs, u32 eip, u32 esp)
{
    *regs = (struct pt_regs){.ds = USER_DS,
                             .es = USER_DS,
                             .eip = eip,
                             .cs = USER_CS,
                             .eflags = EFLAGS_FIXED | EFLAGS_IF,
                             .esp = esp,
                             .ss = USER_DS};
}
