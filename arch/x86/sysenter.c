/*
 * sysenter, the fast entry into the kernel (Intel SDM vol. 3, 5.8.7), if CPUID reports it.
 *
 * The instruction itself is in the vDSO: __kernel_vsyscall (arch/x86/vdso.asm) is what programs
 * call on any processor. The image holds no-ops in front of an int 0x80; sysenter_init() replaces
 * them by sysenter. The int 0x80 stays, because a call that a signal interrupted is restarted
 * there: two bytes before the address to which both ways return.
 *
 * Three MSRs hold the entry of sysenter. Its stack is needed for only one instruction, until the
 * task's stack is loaded, but an exception may come just then: a debug exception, when a program
 * single-steps, or an NMI. So it must be a valid stack: that of the double-fault task, which is
 * unused unless a double fault occurs.
 *
 * The stub (entry.asm) builds the same frame as int 0x80, except for the sixth argument, which is
 * read from the user stack: this may fault, and needs interrupts on.
 */
#include <arch/x86/cpu.h>
#include <arch/x86/entry.h>
#include <arch/x86/gdt.h>
#include <arch/x86/irqflags.h>
#include <arch/x86/trap.h>
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
