/*
 * Numbers for nasm, taken from the C headers. This file is compiled to assembly and never linked:
 * each DEFINE leaves a line "->NAME value" there, which the Makefile turns into "%define NAME
 * value" in build/gen/asm-offsets.inc.
 */
#include <arch/x86/cpu.h>
#include <arch/x86/probe.h>
#include <arch/x86/regs.h>
#include <arch/x86/switch.h>
#include <arch/x86/tss.h>
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

    DEFINE(KERNEL_CS, KERNEL_CS);
    DEFINE(KERNEL_DS, KERNEL_DS);
    DEFINE(TSS_SELECTOR, TSS_SELECTOR);
    DEFINE(DEBUG_EXIT_PORT, DEBUG_EXIT_PORT);
    DEFINE(MACHINE_REFUSE, MACHINE_REFUSE);

    DEFINE(REGS_CS, offsetof(struct pt_regs, cs));
    DEFINE(REGS_DS, offsetof(struct pt_regs, ds));

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
