/*
 * Kernel stacks: all in the vmalloc area, each with pages around it that are never mapped, and an
 * overflow that ends in a report by name (invariant I7).
 */
#include <arch/x86/cpu.h>
#include <arch/x86/fpu.h>
#include <arch/x86/irqflags.h>
#include <arch/x86/pgtable.h>
#include <arch/x86/trap.h>
#include <kernel/kernel.h>
#include <kernel/monitor/ktest.h>
#include <kernel/process/process_fpu.h>
#include <kernel/task.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <mm/kva/vmalloc.h>
#include <mm/user/mm.h>

KTEST(stack, every_stack_in_vmalloc)
{
    u32 tasks = 0;

    for (struct task *task = task_next(NULL); task; task = task_next(task), tasks++) {
        u32 start = (u32)task->stack;
        const struct vmap_area *area = find_vmap_area(start);

        expect(is_vmalloc_addr(task->stack));
        if (!expect(area))
            continue;
        expect_eq(area->start, start);
        expect_eq(area->end, start + THREAD_SIZE + PAGE_SIZE);
        for (u32 offset = 0; offset < THREAD_SIZE; offset += PAGE_SIZE)
            expect(vmalloc_to_page((void *)(start + offset)));
    }
    expect(tasks >= 2); /* this one and idle */
    expect_eq(task_by_stack_address((u32)__builtin_frame_address(0)), current);
}

KTEST(stack, guard_unmapped)
{
    for (struct task *task = task_next(NULL); task; task = task_next(task)) {
        u32 bottom = (u32)task->stack, top = task_stack_top(task);

        expect(!pgd_walk(swapper_pg_dir, bottom - PAGE_SIZE).mapped);
        expect(!pgd_walk(swapper_pg_dir, bottom - 1).mapped);
        expect(!pgd_walk(swapper_pg_dir, top).mapped);
        expect_fault(*(volatile u32 *)(bottom - 4), bottom - 4, 0);
        expect_fault(*(volatile u32 *)(bottom - 4) = 0, bottom - 4, X86_PF_WRITE);
        expect_fault(*(volatile u32 *)top, top, 0);
    }
}

/* ---- an overflow ---- */

/*
 * What the thread saw; not on its stack, which cannot be trusted below the probe afterwards.
 */
static struct {
    void (*way)(void);
    struct fault_probe probe;
    bool probe_hit, described;
    u32 pid, stack, cr3;
    struct double_fault state;
    char line[200], expected[200];
} overflow;

/* Each step is far smaller than the guard page, so that none can skip it. */
static __noinline u32 recurse(u32 depth)
{
    volatile u32 local[16];

    local[depth % ARRAY_SIZE(local)] = depth;
    if (depth == UINT32_MAX)
        return 0;
    return recurse(depth + 1) + local[depth % ARRAY_SIZE(local)];
}

static void overflow_by_calls(void)
{
    recurse(0);
}

#define MARK(i) (0x11111111u * (i))

static void overflow_by_pushes(void)
{
    asm volatile("1: push %%eax; jmp 1b"
                 :
                 : "a"(MARK(1)), "b"(MARK(2)), "c"(MARK(3)), "d"(MARK(4)), "S"(MARK(5)),
                   "D"(MARK(6))
                 : "memory");
}

/*
 * Interrupts are off on the way down: one at the end of the stack would be lost, because the
 * controller waits for an acknowledgement from a handler that never ran.
 */
static void overflow_thread(void *unused)
{
    (void)unused;
    overflow.pid = current->pid;
    overflow.stack = (u32)current->stack;
    overflow.cr3 = pgd_loaded();
    local_irq_disable();
    if (fault_probe_set(&overflow.probe) == 0) {
        overflow.way();
        fault_probe_clear(&overflow.probe);
    } else {
        overflow.probe_hit = true;
    }
    local_irq_enable();
    overflow.state = double_fault_state;
    overflow.described =
        double_fault_describe(&overflow.state, overflow.line, sizeof(overflow.line));
}

/* The same while this thread owns the floating-point registers. */
static void overflow_with_registers(void *unused)
{
    if (!expect(fpu_state_get()))
        return;
    fpu_take(&current->thread);
    overflow_thread(unused);
    expect_eq(fpu_traps, !!(read_cr0() & CR0_TS));
    fpu_sync(&current->thread); /* which must not trap */
    fpu_take(&current->thread);
    expect(!fpu_traps && !(read_cr0() & CR0_TS));
    fpu_drop(current);
}

/* Overflow a thread's stack. False if that did not end in a double fault. */
static bool overflow_in(void (*thread_main)(void *), void (*way)(void))
{
    struct task_result result;
    struct task *thread;

    memset(&overflow, 0, sizeof(overflow));
    memset(&double_fault_state, 0, sizeof(double_fault_state));
    overflow.way = way;
    thread = kthread_create("overflow", thread_main, NULL);
    if (!expect(thread) || !expect_eq(task_wait(thread->pid, &result), 0))
        return false;
    return expect(overflow.probe_hit) && expect_eq(overflow.probe.vector, X86_TRAP_DF);
}

static bool overflow_a_stack(void (*way)(void))
{
    return overflow_in(overflow_thread, way);
}

static void expect_report(const char *what, u32 addr)
{
    snprintf(overflow.expected, sizeof(overflow.expected),
             "kernel stack overflow: task overflow (pid %u): %s 0x%08x is in the guard page below "
             "its stack 0x%08x-0x%08x",
             overflow.pid, what, addr, overflow.stack, overflow.stack + THREAD_SIZE);
    expect(overflow.described);
    expect_str_eq(overflow.line, overflow.expected);
}

KTEST(stack, guard_reported)
{
    const struct pt_regs *regs = &overflow.state.regs;
    struct symbol symbol;

    if (!overflow_a_stack(overflow_by_calls))
        return;
    expect(overflow.state.cr2 >= overflow.stack - PAGE_SIZE);
    expect(overflow.state.cr2 < overflow.stack);
    expect_eq(overflow.probe.address, overflow.state.cr2);
    if (symbol_find(regs->eip, &symbol))
        expect_eq(symbol.start, recurse);
    expect(regs->ebp - overflow.stack < PAGE_SIZE);
    if (regs->esp < overflow.stack)
        expect_report("ESP", regs->esp);
    else
        expect_report("fault address", overflow.state.cr2);
}

/* A push that does not fit changes neither ESP nor any other register. */
KTEST(stack, state_of_an_overflow)
{
    const struct pt_regs *regs = &overflow.state.regs;
    struct mm *mm = mm_create(); /* a directory other than the one that the report runs in */
    bool hit;

    if (!expect(mm != NULL))
        return;
    mm_switch(mm);
    hit = overflow_a_stack(overflow_by_pushes);
    expect_eq(overflow.cr3, mm->pgd_phys);
    expect_eq(pgd_loaded(), mm->pgd_phys);
    mm_put(mm);
    if (!hit)
        return;
    expect_eq(regs->eax, MARK(1));
    expect_eq(regs->ebx, MARK(2));
    expect_eq(regs->ecx, MARK(3));
    expect_eq(regs->edx, MARK(4));
    expect_eq(regs->esi, MARK(5));
    expect_eq(regs->edi, MARK(6));
    expect_eq(regs->esp, overflow.stack);
    expect_eq(overflow.state.cr2, overflow.stack - 4);
    expect(regs->ebp - overflow.stack < THREAD_SIZE);
    expect(regs->eip - (u32)overflow_by_pushes < 64);
    expect_eq(regs->cs, KERNEL_CS);
    expect_eq(regs->ss, KERNEL_DS);
    expect_eq(regs->ds, KERNEL_DS);
    expect_eq(regs->es, KERNEL_DS);
    expect_eq(regs->vector, X86_TRAP_DF);
    expect_eq(regs->eflags & EFLAGS_IF, 0);
    expect_eq(overflow.state.cr3, overflow.cr3);
    expect_report("fault address", overflow.stack - 4);
}

/* A push at the very end: ESP is still inside, only the address of the fault is not. */
KTEST(stack, overflow_described_by_address)
{
    u32 bottom = (u32)current->stack;
    struct double_fault state = {.regs = {.esp = bottom}, .cr2 = bottom - 4};
    char line[200], part[64];

    expect(double_fault_describe(&state, line, sizeof(line)));
    snprintf(part, sizeof(part), "fault address 0x%08x is in the guard page", bottom - 4);
    expect(strstr(line, part));
    expect(strstr(line, current->comm));
}

KTEST(stack, other_double_fault_is_no_overflow)
{
    struct double_fault state = {.regs = {.esp = (u32)__builtin_frame_address(0)}, .cr2 = 0x1234};
    char line[200];

    expect(!double_fault_describe(&state, line, sizeof(line)));
    expect(strstr(line, "double fault"));
    expect(!strstr(line, "overflow"));
}

/* The task switches to the double fault and back set CR0.TS, which the kernel has to handle. */
KTEST(stack, overflow_keeps_floating_point)
{
    if (!cpu_features.fpu) {
        ktest_skip("no floating-point unit");
        return;
    }
    overflow_in(overflow_with_registers, overflow_by_calls);
}
