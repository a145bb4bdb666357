/*
 * Kernel stacks: all in the vmalloc area, each with pages around it that are never mapped, and an
 * overflow that ends in a report by name (invariant I7).
 */
#include <arch/x86/irqflags.h>
#include <arch/x86/pgtable.h>
#include <arch/x86/trap.h>
#include <kernel/kernel.h>
#include <kernel/ktest.h>
#include <kernel/task.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <mm/vmalloc.h>

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
 * What the thread saw; not on its stack, of which nothing below the probe can be trusted
 * afterwards.
 */
static struct {
    struct fault_probe probe;
    bool probe_hit, described;
    u32 stack;
    char line[200], expected[200];
} overflow;

/* Each step is far smaller than the guard page, so that none can jump over it. */
static __noinline u32 recurse(u32 depth)
{
    volatile u32 local[16];

    local[depth % ARRAY_SIZE(local)] = depth;
    if (depth == UINT32_MAX)
        return 0;
    return recurse(depth + 1) + local[depth % ARRAY_SIZE(local)];
}

static void describe_overflow(void)
{
    u32 addr = overflow.probe.address;
    struct double_fault state = {.regs = {.eip = (u32)recurse, .esp = addr}, .cr2 = addr};

    overflow.described = double_fault_describe(&state, overflow.line, sizeof(overflow.line));
    snprintf(overflow.expected, sizeof(overflow.expected),
             "kernel stack overflow: task overflow (pid %u): ESP 0x%08x is in the guard page below "
             "its stack 0x%08x-0x%08x",
             current->pid, addr, (u32)current->stack, task_stack_top(current));
}

/*
 * Interrupts are off on the way down: one that hits the end of the stack would be lost between the
 * controller, which waits for its acknowledgement, and a handler that never ran.
 */
static void overflow_thread(void *unused)
{
    (void)unused;
    overflow.stack = (u32)current->stack;
    local_irq_disable();
    if (fault_probe_set(&overflow.probe) == 0) {
        recurse(0);
        fault_probe_clear(&overflow.probe);
    } else {
        overflow.probe_hit = true;
    }
    local_irq_enable();
    describe_overflow();
}

KTEST(stack, guard_reported)
{
    struct task_result result;
    struct task *thread;

    memset(&overflow, 0, sizeof(overflow));
    thread = kthread_create("overflow", overflow_thread, NULL);
    if (!expect(thread) || !expect_eq(task_wait(thread->pid, &result), 0))
        return;
    expect(overflow.probe_hit);
    expect_eq(overflow.probe.vector, X86_TRAP_DF);
    expect(overflow.probe.address >= overflow.stack - PAGE_SIZE);
    expect(overflow.probe.address < overflow.stack);
    expect(overflow.described);
    expect_str_eq(overflow.line, overflow.expected);
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
