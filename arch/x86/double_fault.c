/*
 * The double-fault task. When the processor cannot deliver a fault, most often because the kernel
 * stack has run into its guard page, it needs a stack that is certainly valid. A task gate in the
 * IDT provides one: the processor saves all registers in the main TSS and loads those of the
 * double-fault TSS, CR3 included (Intel SDM vol. 3, 6.15, interrupt 8).
 *
 * Its stack lies in the vmalloc area like every kernel stack, behind its own guard page. A
 * self-test may have set a fault probe: then the interrupted task continues in the probe.
 *
 * Neighbours: kernel/panic_report.c reports the state, through the report callback.
 */
#include <arch/x86/cpu.h>
#include <arch/x86/entry.h>
#include <arch/x86/fpu.h>
#include <arch/x86/gdt.h>
#include <arch/x86/pgtable.h>
#include <arch/x86/trap.h>
#include <lib/panic.h>

struct tss double_fault_tss;
struct double_fault double_fault_state;
static void (*double_fault_report)(const struct double_fault *state) __ro_after_init;

void double_fault_init(u32 stack_top, void (*report)(const struct double_fault *state))
{
    double_fault_report = report;
    double_fault_tss = (struct tss){
        .cr3 = virt_to_phys(swapper_pg_dir),
        .eip = (u32)double_fault_entry,
        .eflags = 2, /* the bit that is always 1 */
        .esp = stack_top,
        .esp0 = stack_top,
        .ss0 = KERNEL_DS,
        .cs = KERNEL_CS,
        .ds = KERNEL_DS,
        .es = KERNEL_DS,
        .ss = KERNEL_DS,
        .iomap_base = sizeof(struct tss),
    };
    idt_set_task_gate(X86_TRAP_DF, DF_TSS_SELECTOR);
}

/* Let the interrupted task continue where a probe was set. */
static bool resume_probe(u32 address)
{
    struct fault_probe *probe = fault_probe_take(X86_TRAP_DF, 0, address);

    if (!probe)
        return false;
    main_tss.eax = (u32)probe;
    /* Its old stack is unusable, and an interrupt may come before the probe loads ESP. */
    main_tss.esp = probe->esp;
    main_tss.eip = (u32)fault_probe_resume;
    fpu_task_switched();
    return true;
}

/* The registers of the interrupted task, as saved by the task switch. */
static struct pt_regs saved_registers(void)
{
    const struct tss *tss = &main_tss;

    return (struct pt_regs){.ebx = tss->ebx,
                            .ecx = tss->ecx,
                            .edx = tss->edx,
                            .esi = tss->esi,
                            .edi = tss->edi,
                            .ebp = tss->ebp,
                            .eax = tss->eax,
                            .ds = tss->ds,
                            .es = tss->es,
                            .vector = X86_TRAP_DF,
                            .eip = tss->eip,
                            .cs = tss->cs,
                            .eflags = tss->eflags,
                            .esp = tss->esp,
                            .ss = tss->ss};
}

/* From entry.asm, on the double-fault stack. A return switches back to the interrupted task. */
void double_fault_task(void)
{
    double_fault_state =
        (struct double_fault){.regs = saved_registers(), .cr2 = read_cr2(), .cr3 = main_tss.cr3};
    if (resume_probe(double_fault_state.cr2))
        return;
    double_fault_report(&double_fault_state);
    panic("the double-fault report returned");
}
