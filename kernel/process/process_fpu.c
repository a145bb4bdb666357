/*
 * Floating point for processes: their FPU states, and the exceptions of the FPU.
 *
 * A process gets a struct fpu_state with its first floating-point instruction,
 * which traps (#NM). From then on the registers are switched: arch/x86/fpu.c knows whose are
 * loaded, and saves them at the next #NM of another process. fork copies the state, exec and exit
 * drop it.
 *
 * When there is no memory for the state, the process is killed, as when no page can be allocated.
 *
 * An exception that the program unmasked causes SIGFPE, with the reason from the status word or
 * MXCSR. x87 exceptions are reported late: EIP is the next instruction that uses the FPU.
 *
 * Neighbours: arch/x86 traps and switches; kernel/process/fpu_frame.c puts the registers on the
 * user stack for signals; kernel/process/fork.c, exec.c and exit.c call this file.
 */
#include <arch/x86/cpu.h>
#include <arch/x86/fpu.h>
#include <arch/x86/irqflags.h>
#include <arch/x86/probe.h>
#include <arch/x86/trap.h>
#include <asm/errno.h>
#include <asm/siginfo.h>
#include <asm/signal.h>
#include <kernel/kernel.h>
#include <kernel/process/process.h>
#include <kernel/process/process_fpu.h>
#include <kernel/process/signal.h>
#include <lib/detach.h>
#include <lib/panic.h>
#include <mm/frame/slab.h>

/* ---- states ---- */

/* fxsave needs a multiple of 16; kmalloc() aligns a power of two to itself. */
static struct fpu_state *state_new(void)
{
    _Static_assert(sizeof(struct fpu_state) == 512, "a power of two");
    return kmalloc(sizeof(struct fpu_state));
}

struct fpu_state *fpu_state_get(void)
{
    struct thread *thread = &current->thread;

    if (!thread->fpu) {
        thread->fpu = state_new();
        if (thread->fpu)
            fpu_state_init(thread->fpu);
    }
    return thread->fpu;
}

int fpu_copy(struct task *child)
{
    struct thread *parent = &current->thread;

    if (!parent->fpu)
        return 0;
    child->thread.fpu = state_new();
    if (!child->thread.fpu)
        return -ENOMEM;
    fpu_sync(parent);
    *child->thread.fpu = *parent->fpu;
    return 0;
}

void fpu_drop(struct task *task)
{
    fpu_forget(&task->thread);
    kfree(detach(&task->thread.fpu));
}

/* ---- traps ---- */

static bool from_program(struct pt_regs *regs)
{
    if (user_mode(regs)) {
        local_irq_enable();
        return true;
    }
    if (!fault_probe_hit(regs, 0))
        panic_trap(regs, trap_name(regs->vector));
    return false;
}

static void device_not_available(struct pt_regs *regs)
{
    if (!from_program(regs))
        return;
    if (!cpu_features.fpu)
        force_signal_fault(SIGFPE, FPE_FLTINV, regs->eip,
                           "floating point at eip 0x%08x: this processor has none", regs->eip);
    else if (!fpu_state_get())
        process_kill_current(SIGKILL, "no memory for its floating-point registers, at eip 0x%08x",
                             regs->eip);
    else
        fpu_take(&current->thread);
}

/* Exceptions that happened and are not masked: bits of the status word; MXCSR has the same bits. */
static u32 unmasked_exceptions(u32 vector, const struct fpu_state *state)
{
    if (vector == X86_TRAP_XF)
        return state->fx.mxcsr & ~(state->fx.mxcsr >> 7);
    if (cpu_features.fxsr)
        return state->fx.swd & ~state->fx.cwd;
    return state->fn.swd & ~state->fn.cwd;
}

/* The bits are in Intel SDM vol. 1, 8.1.3; the first one in Linux's order counts. */
static s32 exception_code(u32 exceptions)
{
    if (exceptions & 0x01)
        return FPE_FLTINV;
    if (exceptions & 0x04)
        return FPE_FLTDIV;
    if (exceptions & 0x08)
        return FPE_FLTOVF;
    if (exceptions & 0x12) /* the result, or an operand, is denormal */
        return FPE_FLTUND;
    if (exceptions & 0x20)
        return FPE_FLTRES;
    return 0;
}

static void floating_point_error(struct pt_regs *regs)
{
    struct thread *thread = &current->thread;
    s32 code;

    if (!from_program(regs))
        return;
    assert_op(fpu_owner, ==, thread); /* otherwise it would have been #NM */
    fpu_sync(thread);
    code = exception_code(unmasked_exceptions(regs->vector, thread->fpu));
    force_signal_fault(SIGFPE, code, regs->eip, "%s at eip 0x%08x", trap_name(regs->vector),
                       regs->eip);
}

void fpu_init(void)
{
    trap_set_handler(X86_TRAP_NM, device_not_available);
    trap_set_handler(X86_TRAP_MF, floating_point_error);
    trap_set_handler(X86_TRAP_XF, floating_point_error);
}
