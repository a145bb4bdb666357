/*
 * Numbers for nasm, taken from the C headers. This file is compiled to assembly and never linked:
 * each DEFINE leaves a line "->NAME value" there, which the Makefile turns into "%define NAME
 * value" in build/gen/asm-offsets.inc.
 */
#include <arch/x86/cpu.h>
#include <arch/x86/extable.h>
#include <arch/x86/gdt.h>
#include <arch/x86/irqflags.h>
#include <arch/x86/probe.h>
#include <arch/x86/regs.h>
#include <arch/x86/switch.h>
#include <arch/x86/trap.h>
#include <asm/sigcontext.h>
#include <asm/unistd.h>
#include <drivers/power.h>
#include <mm/layout.h>

#define DEFINE(name, value) asm volatile("\n->" #name " %0" : : "i"((u64)(value)))

void asm_offsets(void);

void asm_offsets(void)
{
    DEFINE(PAGE_OFFSET, PAGE_OFFSET);
    DEFINE(PAGE_SIZE, PAGE_SIZE);
    DEFINE(PDE_SHIFT, PDE_SHIFT);
    DEFINE(LARGE_PAGE_SIZE, LARGE_PAGE_SIZE);
    DEFINE(BOOT_MAP_SIZE, BOOT_MAP_SIZE);

    DEFINE(BOOT_CR0, BOOT_CR0);
    DEFINE(BOOT_CR4, BOOT_CR4);
    DEFINE(KERNEL_CS, KERNEL_CS);
    DEFINE(KERNEL_DS, KERNEL_DS);
    DEFINE(USER_CS, USER_CS);
    DEFINE(USER_DS, USER_DS);
    DEFINE(TSS_SELECTOR, TSS_SELECTOR);
    DEFINE(DEBUG_EXIT_PORT, DEBUG_EXIT_PORT);
    DEFINE(MACHINE_REFUSE, MACHINE_REFUSE);
    DEFINE(MACHINE_PANIC, MACHINE_PANIC);
    DEFINE(MMAP_MIN_ADDR, MMAP_MIN_ADDR);

    DEFINE(REGS_CS, offsetof(struct pt_regs, cs));
    DEFINE(REGS_DS, offsetof(struct pt_regs, ds));

    DEFINE(EFLAGS_FIXED, EFLAGS_FIXED);
    DEFINE(EFLAGS_TF, EFLAGS_TF);
    DEFINE(EFLAGS_IF, EFLAGS_IF);
    DEFINE(SYSCALL_VECTOR, SYSCALL_VECTOR);
    DEFINE(X86_TRAP_DB, X86_TRAP_DB);
    DEFINE(X86_TRAP_GP, X86_TRAP_GP);
    DEFINE(EX_SELECTOR, EX_SELECTOR);

    /* for the vDSO */
    DEFINE(NR_SIGRETURN, __NR_sigreturn);
    DEFINE(NR_RT_SIGRETURN, __NR_rt_sigreturn);
    DEFINE(SC_DI, offsetof(struct sigcontext_32, di));
    DEFINE(SC_SI, offsetof(struct sigcontext_32, si));
    DEFINE(SC_BP, offsetof(struct sigcontext_32, bp));
    DEFINE(SC_SP, offsetof(struct sigcontext_32, sp));
    DEFINE(SC_BX, offsetof(struct sigcontext_32, bx));
    DEFINE(SC_DX, offsetof(struct sigcontext_32, dx));
    DEFINE(SC_CX, offsetof(struct sigcontext_32, cx));
    DEFINE(SC_AX, offsetof(struct sigcontext_32, ax));
    DEFINE(SC_IP, offsetof(struct sigcontext_32, ip));
    DEFINE(UC_MCONTEXT, 20); /* struct ucontext: its header needs types missing in UAPI */

    DEFINE(TSS_ESP0, offsetof(struct tss, esp0));

    DEFINE(THREAD_ESP, offsetof(struct thread, esp));
    DEFINE(THREAD_FS, offsetof(struct thread, fs));
    DEFINE(THREAD_GS, offsetof(struct thread, gs));

    DEFINE(PROBE_EBX, offsetof(struct fault_probe, ebx));
    DEFINE(PROBE_ESI, offsetof(struct fault_probe, esi));
    DEFINE(PROBE_EDI, offsetof(struct fault_probe, edi));
    DEFINE(PROBE_EBP, offsetof(struct fault_probe, ebp));
    DEFINE(PROBE_ESP, offsetof(struct fault_probe, esp));
    DEFINE(PROBE_EIP, offsetof(struct fault_probe, eip));
}
