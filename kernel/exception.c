/*
 * Exceptions: maps a missing page, sends a signal to a faulty program, or panics for a kernel bug.
 *
 * From ring 3, a page fault first goes to the address space, which may have an area without this
 * page yet, or a shared page that must now be copied. If not, and for every other exception, the
 * process gets the signal that Linux would send, with the same code and address; if it has no
 * handler, it is killed, with one line that gives the access, why it failed, and which bit of which
 * entry forbids it (kernel/view/explain.c). When memory runs out, it is killed. The rest of the
 * system is not affected.
 *
 * From ring 0 there are three valid reasons for a trap, checked in this order: an instruction
 * listed in the exception table (uaccess) accessed a user page that must be mapped or copied first,
 * or used a bad pointer, for which it has a fix-up; or a self-test set a probe. Anything else is a
 * bug in the kernel, and a panic. This includes user addresses: kernel code that accesses user
 * memory outside uaccess is wrong even when the page is mapped.
 *
 * The address space is used only when interrupts were on, because it allocates, and uaccess in an
 * interrupt handler does not belong to a process. For a page that is present, only a write that its
 * entry forbids can be resolved: any other violation would be repeated forever.
 *
 * A fault that the tables already allow has two reasons. The TLB may have an older entry with fewer
 * rights (a spurious fault; Intel SDM vol. 3, 4.10.4.3): mm/ invalidates the page, and the access
 * is repeated. Or the processor made a supervisor access while the program ran: the error code then
 * lacks U, and SMAP forbids what the entry allows. QEMU does this for the stack accesses of a far
 * call and an iret. So is_stuck() limits the repetitions, and then the program gets its signal.
 *
 * The floating-point exceptions (#NM, #MF, #XF) have their own handlers in the code that switches
 * the FPU; the rows in the table below are for processors without such switching.
 *
 * Neighbours: arch/x86/trap.c calls this file through its table; mm/ maps pages;
 * kernel/process/signal.c delivers.
 */
#include <arch/x86/irqflags.h>
#include <arch/x86/probe.h>
#include <arch/x86/trap.h>
#include <arch/x86/umip.h>
#include <asm/siginfo.h>
#include <asm/signal.h>
#include <kernel/kernel.h>
#include <kernel/task.h>
#include <lib/panic.h>
#include <lib/printk.h>
#include <mm/user/mm.h>

/* ---- page faults ---- */

/*
 * The last access that faulted though the tables allowed it. One for all tasks is enough: a task
 * that repeats one faults again immediately, many times in its time slice.
 */
static struct {
    const struct task *task;
    u32 eip, addr, times;
    u64 tick;
} allowed_fault;

#define ALLOWED_FAULT_MAX 4 /* in one tick */

/* True when the same access faults again and again though nothing forbids it. */
static bool is_stuck(const struct pt_regs *regs, u32 addr)
{
    if (allowed_fault.task != current || allowed_fault.eip != regs->eip ||
        allowed_fault.addr != addr || allowed_fault.tick != jiffies_64()) {
        allowed_fault.task = current;
        allowed_fault.eip = regs->eip;
        allowed_fault.addr = addr;
        allowed_fault.tick = jiffies_64();
        allowed_fault.times = 0;
    }
    return ++allowed_fault.times > ALLOWED_FAULT_MAX;
}

/* The kind of access, for the decision and for the report. */
static enum explain_access access_kind(const struct pt_regs *regs, u32 addr)
{
    if ((regs->error & X86_PF_INSTR) || addr == regs->eip)
        return EXPLAIN_EXECUTE;
    return regs->error & X86_PF_WRITE ? EXPLAIN_WRITE : EXPLAIN_READ;
}

static const char *access_text(enum explain_access access)
{
    static const char *const text[] = {
        [EXPLAIN_READ] = "read from", [EXPLAIN_WRITE] = "write to", [EXPLAIN_EXECUTE] = "jump to"};

    return text[access];
}

/* The signal for a fault that cannot be resolved, and the information for its handler. */
struct fault_signal {
    u32 signal;
    s32 code;
};

static struct fault_signal fault_signal(enum mm_fault fault)
{
    switch (fault) {
    case MM_FAULT_NO_MEMORY:
        return (struct fault_signal){SIGKILL, SI_KERNEL};
    case MM_FAULT_BEYOND_FILE:
    case MM_FAULT_NO_SPACE:
        return (struct fault_signal){SIGBUS, BUS_ADRERR};
    case MM_FAULT_ALLOWED:
    case MM_FAULT_READONLY:
    case MM_FAULT_NO_ACCESS:
        return (struct fault_signal){SIGSEGV, SEGV_ACCERR};
    default:
        return (struct fault_signal){SIGSEGV, SEGV_MAPERR};
    }
}

/* The explanation is made only if it is printed: some programs handle many such faults. */
static __noinline void refuse(const struct pt_regs *regs, u32 addr, enum mm_fault fault)
{
    enum explain_access access = access_kind(regs, addr);
    enum explain_ring ring = user_mode(regs) ? EXPLAIN_RING3 : EXPLAIN_RING0;
    struct fault_signal what = fault_signal(fault);
    char where[EXPLAIN_BRIEF_MAX] = "";
    struct explanation facts;

    if (!process_ops.catches(what.signal)) {
        explain_walk(&facts, current->mm->pgd_phys, current->mm, addr);
        report_ops.explain(where, sizeof(where), &facts, ring, access);
    }
    process_ops.fault(what.signal, what.code, addr, "%s 0x%08x at eip 0x%08x: %s (%s)",
                      access_text(access), addr, regs->eip, mm_fault_text(fault), where);
}

static void user_page_fault(struct pt_regs *regs, u32 addr)
{
    enum mm_fault result = mm_fault_taken(current->mm, addr, regs->error & X86_PF_WRITE);

    if (likely(result == MM_FAULT_OK) || (result == MM_FAULT_ALLOWED && !is_stuck(regs, addr)))
        return;
    refuse(regs, addr, result);
}

/*
 * True when the cause of a fault in uaccess has been removed: a missing page is mapped, or a
 * read-only one is writable. When memory runs out, the process is killed: the call fails with
 * -EFAULT, which the program never sees.
 */
static bool bring_in_for_kernel(const struct pt_regs *regs, u32 addr)
{
    bool write = regs->error & X86_PF_WRITE;
    enum mm_fault result;

    if (addr >= TASK_SIZE || !(regs->eflags & EFLAGS_IF) || !current || !current->mm)
        return false;
    if (regs->error & X86_PF_PROT && (!write || pgd_walk(current->mm->pgd, addr).writable))
        return false;
    result = mm_fault_taken(current->mm, addr, write);
    if (unlikely(result == MM_FAULT_NO_MEMORY && current->signals))
        refuse(regs, addr, result);
    return result == MM_FAULT_OK || (result == MM_FAULT_ALLOWED && !is_stuck(regs, addr));
}

static void kernel_page_fault(struct pt_regs *regs, u32 addr)
{
    u32 eip = regs->eip;

    if (trap_fixup(regs, addr)) {
        if (bring_in_for_kernel(regs, addr))
            regs->eip = eip; /* repeat it, instead of the fix-up */
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

    if (likely(user_mode(regs))) { /* ring 3 has interrupts on */
        local_irq_enable();
        user_page_fault(regs, addr);
        return;
    }
    if (regs->eflags & EFLAGS_IF)
        local_irq_enable();
    kernel_page_fault(regs, addr);
}

/* ---- all others ---- */

/*
 * Signals and codes as Linux sends them (arch/x86/kernel/traps.c); a program cannot cause a vector
 * that is not here. As in Linux, SIGSEGV and SIGBUS here have no address; the others have that of
 * the instruction.
 */
static const struct {
    u8 signal;
    s16 code;
} trap_signals[X86_TRAP_EXCEPTIONS] = {
    [X86_TRAP_DE] = {SIGFPE, FPE_INTDIV}, [X86_TRAP_DB] = {SIGTRAP, TRAP_TRACE},
    [X86_TRAP_BP] = {SIGTRAP, SI_KERNEL}, [X86_TRAP_OF] = {SIGSEGV, SI_KERNEL},
    [X86_TRAP_BR] = {SIGSEGV, SI_KERNEL}, [X86_TRAP_UD] = {SIGILL, ILL_ILLOPN},
    [X86_TRAP_NM] = {SIGFPE, SI_KERNEL},  [X86_TRAP_TS] = {SIGSEGV, SI_KERNEL},
    [X86_TRAP_NP] = {SIGBUS, SI_KERNEL},  [X86_TRAP_SS] = {SIGBUS, SI_KERNEL},
    [X86_TRAP_GP] = {SIGSEGV, SI_KERNEL}, [X86_TRAP_MF] = {SIGFPE, SI_KERNEL},
    [X86_TRAP_AC] = {SIGBUS, BUS_ADRALN}, [X86_TRAP_XF] = {SIGFPE, SI_KERNEL},
};

/*
 * True when a general protection fault came from an instruction that UMIP forbids, which has been
 * emulated or has caused a page fault.
 */
static bool umip_took(struct pt_regs *regs)
{
    u32 addr;
    enum umip_result result = umip_answer(regs, &addr);

    if (result == UMIP_FAULT)
        process_ops.fault(SIGSEGV, SEGV_MAPERR, addr, "%s 0x%08x at eip 0x%08x",
                          access_text(EXPLAIN_WRITE), addr, regs->eip);
    return result != UMIP_OTHER;
}

static void user_exception(struct pt_regs *regs)
{
    u32 vector = regs->vector, signal = trap_signals[vector].signal;
    s32 code = trap_signals[vector].code;

    if (!signal)
        panic_trap(regs, trap_name(vector));
    local_irq_enable();
    if (vector == X86_TRAP_GP && umip_took(regs))
        return;
    process_ops.fault(signal, code, code == SI_KERNEL ? 0 : regs->eip,
                      "%s at eip 0x%08x, error code 0x%x", trap_name(vector), regs->eip,
                      regs->error);
}

/* False for events from outside, which are not caused by the interrupted code. */
static bool is_fault(u32 vector)
{
    return vector != X86_TRAP_NMI && vector != X86_TRAP_MC;
}

static void other_trap(struct pt_regs *regs)
{
    if (regs->vector >= X86_TRAP_EXCEPTIONS)
        printk("unexpected interrupt, vector %u\n", regs->vector);
    else if (user_mode(regs))
        user_exception(regs);
    else if (!trap_fixup(regs, 0) && (!is_fault(regs->vector) || !fault_probe_hit(regs, 0)))
        panic_trap(regs, trap_name(regs->vector));
}

void fault_init(void)
{
    trap_set_default(other_trap);
    trap_set_handler(X86_TRAP_PF, page_fault);
}
