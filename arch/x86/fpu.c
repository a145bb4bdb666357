/*
 * Moving the floating-point and SSE registers between the processor and memory.
 *
 * The processor holds the registers of one thread, fpu_owner, no matter which thread runs. While
 * another one runs, CR0.TS makes the first floating-point instruction trap, and only then the
 * registers are switched: threads without floating point have no cost. fpu_traps holds the value of
 * TS, which is written only when it must change, because reading or writing CR0 is slow.
 *
 * The load instructions must not run while an exception of a former owner is pending: fninit clears
 * it first.
 *
 * Limits: no AVX or later registers; CR4.OSXSAVE stays off, so programs cannot use them. Processors
 * that use another process's registers speculatively in spite of CR0.TS (CVE-2018-3665) can leak
 * them.
 */
#include <arch/x86/cpu.h>
#include <arch/x86/fpu.h>
#include <lib/string.h>

#define CWD_DEFAULT   0x037fu /* all exceptions masked, 64 bits of precision */
#define MXCSR_DEFAULT 0x1f80u
#define MXCSR_MASK_P3 0xffbfu /* used if fxsave stores 0: without denormals-are-zeros */

struct thread *fpu_owner;
bool fpu_traps = true; /* cpu_init() */

void fpu_set_traps(bool traps)
{
    if (traps)
        write_cr0(read_cr0() | CR0_TS);
    else
        asm volatile("clts" : : : "memory");
    fpu_traps = traps;
}

static void save(struct fpu_state *state)
{
    if (cpu_features.fxsr)
        asm volatile("fxsave %0" : "=m"(*state));
    else
        asm volatile("fnsave %0" : "=m"(*state)); /* fnsave includes fninit */
}

static void load(const struct fpu_state *state)
{
    asm volatile("fninit");
    if (cpu_features.fxsr)
        asm volatile("fxrstor %0" : : "m"(*state));
    else
        asm volatile("frstor %0" : : "m"(*state));
}

u32 fpu_mxcsr_mask(void)
{
    static u32 mask;
    struct fpu_state state;

    if (cpu_features.sse && !mask) {
        bool traps = fpu_traps;

        memset(&state, 0, sizeof(state));
        fpu_set_traps(false);
        save(&state);
        fpu_set_traps(traps);
        mask = state.fx.mxcsr_mask ? state.fx.mxcsr_mask : MXCSR_MASK_P3;
    }
    return mask;
}

void fpu_state_init(struct fpu_state *state)
{
    memset(state, 0, sizeof(*state));
    if (cpu_features.fxsr) {
        state->fx.cwd = CWD_DEFAULT;
        state->fx.mxcsr = MXCSR_DEFAULT;
    } else {
        state->fn.cwd = 0xffff0000 | CWD_DEFAULT;
        state->fn.swd = 0xffff0000;
        state->fn.twd = 0xffffffff;
    }
}

void fpu_take(struct thread *running)
{
    fpu_set_traps(false);
    if (fpu_owner == running)
        return;
    if (fpu_owner)
        save(fpu_owner->fpu);
    load(running->fpu);
    fpu_owner = running;
}

void fpu_task_switched(void)
{
    fpu_traps = true;
}

void fpu_sync(struct thread *running)
{
    if (fpu_owner != running)
        return;
    if (unlikely(fpu_traps))
        fpu_set_traps(false);
    save(running->fpu);
    if (!cpu_features.fxsr)
        load(running->fpu);
}

void fpu_forget(struct thread *thread)
{
    if (fpu_owner != thread)
        return;
    fpu_owner = NULL;
    if (!fpu_traps)
        fpu_set_traps(true);
}
