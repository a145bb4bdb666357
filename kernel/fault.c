/*
 * What an exception means: a page to bring in, a broken program, or a broken kernel.
 *
 * From ring 3, a page fault is first offered to the address space, which may have promised the page
 * and not yet made it. If not, and for every other exception, the process is ended with the signal
 * that Linux would send and one line that says what it tried and why that failed; nothing else in
 * the system notices.
 *
 * From ring 0 there are three honest reasons for a trap, asked in this order: an instruction listed
 * in the exception table (uaccess) met a user page that is still to come, or a bad pointer, for
 * which it has a way out; or a self-test set a probe. Anything else is a bug in the kernel, and a
 * panic. A user address alone is no excuse: kernel code that touches user memory outside uaccess is
 * wrong even when the page is there.
 *
 * The address space is only asked when interrupts were on, because it allocates, and uaccess in an
 * interrupt handler has no process it could speak for. Nor is it asked about a page that is
 * present: then a right was violated, there is nothing to bring in, and the access would fault for
 * ever.
 *
 * Neighbours: arch/x86/trap calls in here through its table; mm/ brings in pages; kernel/process.c
 * ends processes.
 */
#include <arch/x86/irqflags.h>
#include <arch/x86/probe.h>
#include <arch/x86/trap.h>
#include <asm/signal.h>
#include <kernel/kernel.h>
#include <kernel/process.h>
#include <lib/panic.h>
#include <lib/printk.h>
#include <mm/mm.h>

/* ---- page faults ---- */

static const char *access_text(const struct pt_regs *regs, u32 addr)
{
    if ((regs->error & X86_PF_INSTR) || addr == regs->eip)
        return "jump to";
    return regs->error & X86_PF_WRITE ? "write to" : "read from";
}

static void user_page_fault(struct pt_regs *regs, u32 addr)
{
    enum mm_fault result = mm_fault(current->mm, addr, regs->error & X86_PF_WRITE);

    if (result == MM_FAULT_OK)
        return;
    process_kill_current(result == MM_FAULT_NO_MEMORY ? SIGKILL : SIGSEGV,
                         "%s 0x%08x at eip 0x%08x: %s", access_text(regs, addr), addr, regs->eip,
                         mm_fault_text(result));
}

/* True when the page at a user address that uaccess touched was missing and is there now. */
static bool bring_in_for_kernel(const struct pt_regs *regs, u32 addr)
{
    if (addr >= TASK_SIZE || (regs->error & X86_PF_PROT) || !(regs->eflags & EFLAGS_IF))
        return false;
    return current && current->mm &&
           mm_fault(current->mm, addr, regs->error & X86_PF_WRITE) == MM_FAULT_OK;
}

static void kernel_page_fault(struct pt_regs *regs, u32 addr)
{
    u32 eip = regs->eip;

    if (trap_fixup(regs)) {
        if (bring_in_for_kernel(regs, addr))
            regs->eip = eip; /* again, instead of the way out */
        return;
    }
    if (fault_probe_hit(regs, addr))
        return;
    panic_trap(regs, addr < TASK_SIZE ? "page fault in the kernel, at a user address"
                                      : "page fault in the kernel");
}

static void page_fault(struct pt_regs *regs)
{
    u32 addr = read_cr2();

    if (regs->eflags & EFLAGS_IF)
        local_irq_enable();
    if (user_mode(regs))
        user_page_fault(regs, addr);
    else
        kernel_page_fault(regs, addr);
}

/* ---- all others ---- */

/*
 * Signals as Linux sends them (arch/x86/kernel/traps.c); a vector that is not here is never a
 * program's doing.
 */
static const u8 trap_signals[X86_TRAP_EXCEPTIONS] = {
    [X86_TRAP_DE] = SIGFPE,  [X86_TRAP_DB] = SIGTRAP, [X86_TRAP_BP] = SIGTRAP,
    [X86_TRAP_OF] = SIGSEGV, [X86_TRAP_BR] = SIGSEGV, [X86_TRAP_UD] = SIGILL,
    [X86_TRAP_NM] = SIGFPE,  [X86_TRAP_TS] = SIGSEGV, [X86_TRAP_NP] = SIGSEGV,
    [X86_TRAP_SS] = SIGSEGV, [X86_TRAP_GP] = SIGSEGV, [X86_TRAP_MF] = SIGFPE,
    [X86_TRAP_AC] = SIGBUS,  [X86_TRAP_XF] = SIGFPE,
};

static bool is_floating_point(u32 vector)
{
    return vector == X86_TRAP_NM || vector == X86_TRAP_MF || vector == X86_TRAP_XF;
}

static void user_exception(struct pt_regs *regs)
{
    u32 vector = regs->vector, signal = trap_signals[vector];

    if (!signal)
        panic_trap(regs, trap_name(vector));
    local_irq_enable();
    if (is_floating_point(vector))
        process_kill_current(signal, "floating point at eip 0x%08x: it is not available",
                             regs->eip);
    process_kill_current(signal, "%s at eip 0x%08x, error code 0x%x", trap_name(vector), regs->eip,
                         regs->error);
}

static void other_trap(struct pt_regs *regs)
{
    if (regs->vector >= X86_TRAP_EXCEPTIONS)
        printk("unexpected interrupt, vector %u\n", regs->vector);
    else if (user_mode(regs))
        user_exception(regs);
    else if (!trap_fixup(regs) && !fault_probe_hit(regs, 0))
        panic_trap(regs, trap_name(regs->vector));
}

void fault_init(void)
{
    trap_set_default(other_trap);
    trap_set_handler(X86_TRAP_PF, page_fault);
}
