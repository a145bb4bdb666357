/* Lowmem: made at boot, sealed at its end, checked (mm/kva/lowmem.c). */
#pragma once

#include <arch/x86/pgtable.h>

/* Build the master directory from the table of rows and load it. */
void lowmem_map_init(void);

/* The table of rows: for the boot log and the tests. NULL past the last. */
const struct map_row *lowmem_map_row(u32 i);

/* True when lowmem has a mapping for each byte of [start, end), and there is one: RAM has holes. */
__must_check bool lowmem_is_mapped(phys_addr_t start, phys_addr_t end);

/*
 * End of boot: what is written once is read-only from here, the boot code's memory is free, and
 * what lowmem_check() finds wrong is printed. The machine goes on: who has broken it wants to look.
 */
void mm_seal(void);

/*
 * Compare the master directory and lowmem's tables with what the rows and the address map say; NULL
 * or the first entry that is wrong. For the audit.
 */
const char *lowmem_check(void);

/*
 * What an entry of the kernel half, KERNEL_PDE_FIRST to 1023, was in the master directory when
 * mm_seal() ran; 0 before. Any context.
 */
pde_t lowmem_boot_pde(u32 index);
