/*
 * Run kernel code that is expected to trap, and record the trap. A probe is a jump buffer:
 * fault_probe_set() returns 0 at first, and a second time, with 1, when a trap was taken in kernel
 * mode while the probe was set. Probes do not nest; one thread at a time. Self-tests only.
 */
#pragma once

#include <arch/x86/regs.h>

struct fault_probe {
    u32 ebx, esi, edi, ebp, esp, eip; /* written by fault_probe_set, in entry.asm's order */
    u32 vector, error, address;       /* address: CR2 for page and double faults */
};

int fault_probe_set(struct fault_probe *probe) __attribute__((returns_twice));
void fault_probe_clear(struct fault_probe *probe);

/*
 * For trap handlers: if a probe is set, record the trap, make `regs` return into the probe, clear
 * it, return true.
 */
bool fault_probe_hit(struct pt_regs *regs, u32 address);
