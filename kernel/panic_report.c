/*
 * The reports of a panic, of a trap in the kernel, and of an overflow of a kernel stack.
 *
 * Three ways lead here. panic() and the checks of lib/panic.h come with a place in the source; a
 * trap in the kernel comes with all registers; a double fault comes, on its own stack, with the
 * state that the processor saved of the task, which has no usable stack any more. All three print
 * a sentence "PANIC at ...", then control registers, the current task and a backtrace with names,
 * and end the machine with a failing exit code.
 *
 * Nothing here trusts what it reports on: no allocation, no locks, frame pointers are followed only
 * upward and only through copy_from_kernel_nofault(). A panic inside a panic prints one line and
 * ends; a third one ends silently.
 *
 * A double fault with its address or stack pointer in the guard page below a task's stack is an
 * overflow of that stack, and is reported as such: the most frequent kernel bug deserves a better
 * report than a dump.
 *
 * Neighbours: lib/panic.c, arch/x86/double_fault.c and kernel/exception.c call it; kernel/symbols.c
 * has the names.
 */
#include <arch/x86/cpu.h>
#include <arch/x86/irqflags.h>
#include <arch/x86/trap.h>
#include <arch/x86/uaccess.h>
#include <drivers/power.h>
#include <kernel/kernel.h>
#include <kernel/task.h>
#include <lib/panic.h>
#include <lib/printf.h>
#include <lib/printk.h>
#include <mm/kva/vmalloc.h>
#include <mm/layout.h>
#include <mm/user/mm.h>

#define BACKTRACE_MAX 512 /* all of a kernel stack, if its frames are of 16 bytes */
#define REPORT_MAX    512 /* the first sentence */

struct report_ops report_ops __ro_after_init;

static u32 panic_depth;
static struct {
    u32 used;
    char text[REPORT_MAX]; /* not on a stack that may be nearly full */
} report;

/* ---- parts of the report ---- */

static void __printf(1, 0) report_vadd(const char *fmt, va_list args)
{
    report.used += vscnprintf(report.text + report.used, REPORT_MAX - report.used, fmt, args);
}

static void __printf(1, 2) report_add(const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    report_vadd(fmt, args);
    va_end(args);
}

static void report_print(void)
{
    printk_folded(report.text);
    report.used = 0;
}

/* Called before anything is printed. */
static void panic_enter(void)
{
    local_irq_disable();
    panic_depth++;
    if (panic_depth == 2) {
        report.text[report.used] = '\0'; /* the panic may have come while a part was added */
        printk_folded(report.text);
        printk("\nPANIC inside of a panic: the report above is not complete\n");
    }
    if (panic_depth >= 2)
        machine_exit(MACHINE_PANIC);
}

/* cr3 is a parameter, because the double-fault task has its own. */
static void print_control_registers(u32 cr3)
{
    printk("CR0: %08x CR2: %08x CR3: %08x CR4: %08x\n", read_cr0(), read_cr2(), cr3, read_cr4());
}

static void print_task(void)
{
    const struct task *task = current;

    if (task)
        printk("Task: %s (pid %u), kernel stack 0x%08x-0x%08x\n", task->comm, task->pid,
               (u32)task->stack, task_stack_top(task));
    else
        printk("Task: none, this is start-up\n");
}

static void print_registers(const struct pt_regs *regs, u32 esp, u32 ss)
{
    printk("EIP: %04x:%08x EFLAGS: %08x error: %08x\n", regs->cs & 0xffff, regs->eip, regs->eflags,
           regs->error);
    printk("EAX: %08x EBX: %08x ECX: %08x EDX: %08x\n", regs->eax, regs->ebx, regs->ecx, regs->edx);
    printk("ESI: %08x EDI: %08x EBP: %08x ESP: %08x\n", regs->esi, regs->edi, regs->ebp, esp);
    printk("DS: %04x ES: %04x SS: %04x\n", regs->ds & 0xffff, regs->es & 0xffff, ss & 0xffff);
}

static void __noreturn panic_leave(u32 ebp, u32 eip, u32 cr3)
{
    print_control_registers(cr3);
    print_task();
    if (report_ops.test_name && report_ops.test_name())
        printk("Self-test: %s\n", report_ops.test_name());
    printk("Call trace:\n");
    backtrace(ebp, eip);
    machine_exit(MACHINE_PANIC);
}

/* ---- backtrace ---- */

u32 stack_trace_save(u32 *entries, u32 max, u32 ebp)
{
    u32 count = 0;

    while (count < max && ebp >= PAGE_OFFSET && IS_ALIGNED(ebp, sizeof(u32))) {
        u32 frame[2]; /* the caller's frame pointer, the return address */

        if (copy_from_kernel_nofault(frame, (const void *)ebp, sizeof(frame)) || !frame[1])
            break;
        entries[count++] = frame[1];
        if (frame[0] <= ebp)
            break;
        ebp = frame[0];
    }
    return count;
}

/*
 * A return address is the byte after a call, and after a call that does not return this may be the
 * next function: `back` is 1 for these.
 */
static void print_frame(u32 addr, u32 back)
{
    struct symbol symbol;

    if (symbol_find(addr - back, &symbol))
        printk("  [<%08x>] %s+0x%x/0x%x\n", addr, symbol.name, addr - symbol.start, symbol.size);
    else
        printk("  [<%08x>]\n", addr);
}

void backtrace(u32 ebp, u32 eip)
{
    static u32 entries[BACKTRACE_MAX]; /* too large for a stack that may have run out */
    u32 count = stack_trace_save(entries, BACKTRACE_MAX, ebp);

    if (eip)
        print_frame(eip, 0);
    for (u32 i = 0, same; i < count; i += same) {
        for (same = 1; i + same < count && entries[i + same] == entries[i];)
            same++;
        print_frame(entries[i], 1);
        if (same > 1)
            printk("  ... and %u more of the same\n", same - 1);
    }
    if (count == BACKTRACE_MAX)
        printk("  ... and more\n");
}

/* ---- panic() ---- */

static void panic_report(const struct source_location *where, const char *fmt, va_list args)
{
    if (report_ops.catch_panic)
        report_ops.catch_panic(fmt, args);
    panic_enter();
    printk("\n");
    report_add("PANIC at %s:%u (%s): ", where->file, where->line, where->function);
    report_vadd(fmt, args);
    report_print();
    panic_leave((u32)__builtin_frame_address(0), 0, read_cr3());
}

/* ---- a trap in the kernel ---- */

static void report_page_fault(const struct pt_regs *regs, u32 addr)
{
    u32 error = regs->error;
    const char *access = error & X86_PF_INSTR   ? "fetch of an instruction from"
                         : error & X86_PF_WRITE ? "write to"
                                                : "read of";
    const char *cause = error & X86_PF_RSVD   ? "a reserved bit is set in an entry"
                        : error & X86_PF_PROT ? "the page's rights forbid it"
                                              : "no page is mapped there";

    report_add(": %s 0x%08x in ring %u, %s", access, addr, error & X86_PF_USER ? 3 : 0, cause);
}

/* The current task's address space, if it is loaded. */
static const struct mm *loaded_mm(void)
{
    const struct mm *mm = current ? current->mm : NULL;
    phys_addr_t pgd;

    if (!mm || copy_from_kernel_nofault(&pgd, &mm->pgd_phys, sizeof(pgd)))
        return NULL;
    return pgd == pgd_loaded() ? mm : NULL;
}

/* Print where the address is, and which bit of which entry caused the fault. */
static void explain_page_fault(const struct pt_regs *regs, u32 addr)
{
    static struct explanation facts; /* not on a stack that may be nearly full */
    static char where[EXPLAIN_BRIEF_MAX];
    enum explain_access access = regs->error & X86_PF_INSTR   ? EXPLAIN_EXECUTE
                                 : regs->error & X86_PF_WRITE ? EXPLAIN_WRITE
                                                              : EXPLAIN_READ;

    explain_walk(&facts, pgd_loaded(), loaded_mm(), addr);
    if (!report_ops.explain)
        return;
    report_ops.explain(where, sizeof(where), &facts,
                       regs->error & X86_PF_USER ? EXPLAIN_RING3 : EXPLAIN_RING0, access);
    report_add("Address 0x%08x: %s", addr, where);
    report_print();
}

void panic_trap(const struct pt_regs *regs, const char *why)
{
    char place[SYMBOL_TEXT_MAX];
    u32 addr = read_cr2();

    panic_enter();
    symbol_format(place, sizeof(place), regs->eip);
    printk("\n");
    report_add("PANIC at %s: %s", place, trap_name(regs->vector));
    if (regs->vector == X86_TRAP_PF)
        report_page_fault(regs, addr);
    if (why)
        report_add(" (%s)", why);
    report_print();
    if (regs->vector == X86_TRAP_PF)
        explain_page_fault(regs, addr);
    if (user_mode(regs))
        print_registers(regs, regs->esp, regs->ss);
    else
        print_registers(regs, (u32)&regs->esp, KERNEL_DS); /* ring 0 pushes no stack pointer */
    panic_leave(regs->ebp, regs->eip, read_cr3());
}

/*
 * Until fault_init() registers the handlers, every trap is a bug, except in
 * copy_from_kernel_nofault().
 */
static void early_trap(struct pt_regs *regs)
{
    if (!trap_fixup(regs, read_cr2()))
        panic_trap(regs, "before exceptions are handled");
}

static void refuse(void)
{
    machine_exit(MACHINE_REFUSE);
}

void panic_init(void)
{
    panic_set_handler(panic_report);
    refuse_set_handler(refuse);
    trap_set_default(early_trap);
}

/* ---- double fault ---- */

/* The task whose guard page holds addr. */
static const struct task *task_by_guard_page(u32 addr)
{
    const struct task *task = task_by_stack_address(addr);

    return task && addr < (u32)task->stack ? task : NULL;
}

/*
 * A push at the very end of the stack faults while ESP still points into it; a frame larger than
 * the rest of the stack moves ESP first. So either address may be in the guard page.
 */
bool double_fault_describe(const struct double_fault *state, char *buf, size_t size)
{
    const struct task *task = task_by_guard_page(state->regs.esp);
    const char *what = "ESP";
    u32 addr = state->regs.esp;

    if (!task) {
        task = task_by_guard_page(state->cr2);
        what = "fault address";
        addr = state->cr2;
    }
    if (!task) {
        snprintf(buf, size, "double fault: ESP 0x%08x, last page fault at 0x%08x", state->regs.esp,
                 state->cr2);
        return false;
    }
    snprintf(buf, size,
             "kernel stack overflow: task %s (pid %u): %s 0x%08x is in the guard page below its "
             "stack 0x%08x-0x%08x",
             task->comm, task->pid, what, addr, (u32)task->stack, task_stack_top(task));
    return true;
}

static void double_fault_report(const struct double_fault *state)
{
    char place[SYMBOL_TEXT_MAX], line[160];

    panic_enter();
    symbol_format(place, sizeof(place), state->regs.eip);
    double_fault_describe(state, line, sizeof(line));
    printk("\n");
    report_add("PANIC at %s: %s", place, line);
    report_print();
    print_registers(&state->regs, state->regs.esp, state->regs.ss);
    panic_leave(state->regs.ebp, state->regs.eip, state->cr3);
}

void double_fault_report_init(void)
{
    void *stack = vmalloc(THREAD_SIZE);

    if (!stack)
        boot_refuse("no memory for the double-fault stack");
    double_fault_init((u32)stack + THREAD_SIZE, double_fault_report);
}
