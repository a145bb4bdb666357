/*
 * The exception table: which instructions of the kernel may trap, from what, and where each goes on
 * then (trap_fixup()). An entry is for one kind of fault alone: a non-maskable interrupt that
 * arrives at such an instruction is none of its business, and a fault on the side of a copy that
 * must not fault is a bug in the kernel. entry.asm writes the same entries into the same section.
 */
#pragma once

/* What an entry is for. A page fault is told apart by its error code and its address. */
enum ex_kind {
    EX_USER_READ,   /* a page fault from reading below TASK_SIZE */
    EX_USER_WRITE,  /* a page fault from writing below TASK_SIZE */
    EX_KERNEL_READ, /* a page fault from reading above TASK_SIZE */
    EX_SELECTOR,    /* a selector that cannot be loaded: #TS, #NP, #SS, #GP */
};

/*
 * For inline assembly: the instruction at label `insn` goes on at label `fixup` after a fault of
 * this kind, which is an operand: [kind] "i"(EX_...).
 */
#define EX_TABLE(insn, fixup)                                                                      \
    ".pushsection .ex_table, \"a\"; .long " insn ", " fixup ", %c[kind]; .popsection\n\t"
