/*
 * For inline assembly: the instruction at label `insn` may fault, and goes on at label `fixup` then
 * (trap_fixup()). nasm writes the same pairs into the same section.
 */
#pragma once

#define EX_TABLE(insn, fixup)                                                                      \
    ".pushsection .ex_table, \"a\"; .long " insn ", " fixup "; .popsection\n\t"
