/*
 * Where the linker put the parts of the kernel image (linker.ld): each pair is [start, end),
 * page-aligned but for data/bss.
 */
#pragma once

extern char __boot_start[], __boot_end[]; /* physical addresses; freed at the end of boot */
extern char __text_start[], __text_end[];
extern char __rodata_start[], __rodata_end[];
extern char __sealed_start[], __sealed_end[]; /* written during start-up only */
extern char __data_start[], __data_end[];
extern char __bss_start[], __bss_end[];
extern char __kernel_end[];
