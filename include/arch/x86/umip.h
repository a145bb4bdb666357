/*
 * SGDT, SIDT, SLDT, SMSW and STR in ring 3. Where the processor has UMIP they fault, because they
 * reveal kernel addresses; but old programs and emulators use them, so Linux returns fixed values,
 * and so does Attic (Linux: arch/x86/kernel/umip.c).
 */
#pragma once

#include <arch/x86/regs.h>

enum umip_result {
    UMIP_OTHER, /* the fault has another reason; nothing was changed */
    UMIP_DONE,  /* emulated, and EIP is behind the instruction */
    UMIP_FAULT, /* the result cannot be written to *addr: a page fault of the program */
};

/* For a general protection fault of ring 3, with the program's address space loaded. May sleep. */
enum umip_result umip_answer(struct pt_regs *regs, u32 *addr);
