/*
 * The exception table: which instructions of the kernel may trap, for which fault, and where each
 * continues then (trap_fixup()). An entry is for only one kind of fault: it does not apply to a
 * non-maskable interrupt at such an instruction, and a fault on the other side of a copy is a bug
 * in the kernel. entry.asm writes the same entries into the same section.
 */
#pragma once

/* The kind of fault of an entry. Page faults are distinguished by error code and address. */
enum ex_kind {
    EX_USER_READ,   /* a page fault from reading below TASK_SIZE */
    EX_USER_WRITE,  /* a page fault from writing below TASK_SIZE */
    EX_KERNEL_READ, /* a page fault from reading above TASK_SIZE */
    EX_SELECTOR,    /* a selector that cannot be loaded: #TS, #NP, #SS, #GP */
};

/*
 * For inline assembly: after a fault of this kind, the instruction at label `insn` continues at
 * label `fixup`. The kind is an operand: [kind] "i"(EX_...).
 */
#define EX_TABLE(insn, fixup)                                                                      \
    ".pushsection .ex_table, \"a\"; .long " insn ", " fixup ", %c[kind]; .popsection\n\t"
