/*
 * sysenter, the fast way into the kernel (Intel SDM vol. 3, 5.8.7), where CPUID announces it.
 *
 * The instruction itself is in the vDSO: __kernel_vsyscall (arch/x86/vdso.asm) is what programs
 * call, whatever the processor has. The image holds no-ops where the sysenter goes, in front of an
 * int 0x80; sysenter_init() writes it there. The int 0x80 stays, because that is where a call
 * that a signal interrupted is made again: two bytes before the place where both ways come back
 * to.
 *
 * Three MSRs say where sysenter leads to. The stack among them is only needed for one instruction,
 * until the task's own is loaded, but an exception may come right then: a debug exception, when a
 * program single-steps, or an NMI. So it is a real one: that of the double-fault task, which nobody
 * uses as long as nothing is past saving.
 *
 * The stub (entry.asm) makes the frame that int 0x80 makes, but for the sixth argument, which lies
 * on the user stack: a read that may fault, with interrupts on.
 */
#include <arch/x86/cpu.h>
#include <arch/x86/entry.h>
#include <arch/x86/irqflags.h>
#include <arch/x86/trap.h>
#include <arch/x86/tss.h>
#include <arch/x86/uaccess.h>
#include <arch/x86/vdso.h>
#include <asm/errno.h>
#include <lib/string.h>

#define MSR_IA32_SYSENTER_CS  0x174
#define MSR_IA32_SYSENTER_ESP 0x175
#define MSR_IA32_SYSENTER_EIP 0x176

u32 sysenter_return __ro_after_init;

void sysenter_init(u32 vdso_addr)
{
    /* mov ebp, esp; sysenter */
    static const u8 code[] = {0x89, 0xe5, 0x0f, 0x34};
    u8 *place = (u8 *)vdso_image + vdso_sysenter_return - SYSCALL_INSN_SIZE - sizeof(code);

    if (!cpu_features.sep)
        return;
    sysenter_return = vdso_addr + vdso_sysenter_return;
    memcpy(place, code, sizeof(code));
    wrmsr(MSR_IA32_SYSENTER_CS, KERNEL_CS); /* SS is the next one */
    wrmsr(MSR_IA32_SYSENTER_ESP, double_fault_tss.esp0);
    wrmsr(MSR_IA32_SYSENTER_EIP, (u32)sysenter_entry);
}

const char *sysenter_check(void)
{
    if (!sysenter_return)
        return NULL;
    if (rdmsr(MSR_IA32_SYSENTER_CS) != KERNEL_CS ||
        rdmsr(MSR_IA32_SYSENTER_ESP) != double_fault_tss.esp0 ||
        rdmsr(MSR_IA32_SYSENTER_EIP) != (u32)sysenter_entry)
        return "I5: the MSRs of sysenter do not lead to its stub";
    return NULL;
}

/* From entry.asm, with interrupts off; EBP is still the user stack pointer. */
void sysenter_dispatch(struct pt_regs *regs)
{
    u32 argument;

    local_irq_enable();
    if (likely(copy_from_user(&argument, (const void *)regs->esp, sizeof(argument)) == 0)) {
        regs->ebp = argument;
        trap_dispatch(regs);
    } else {
        if (regs->eflags & EFLAGS_FOREIGN)
            trap_drop_foreign_flags(regs);
        syscall_set_result(regs, -EFAULT);
        trap_leave(regs);
    }
}
