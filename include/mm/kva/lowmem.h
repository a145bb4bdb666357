/* Lowmem: built at boot, made read-only at its end, checked (mm/kva/lowmem.c). */
#pragma once

#include <arch/x86/pgtable.h>

/* Build the master directory from the table of rows and load it. */
void lowmem_map_init(void);

/* The table of rows: for the boot log and the tests. NULL past the last. */
const struct map_row *lowmem_map_row(u32 i);

/* True when lowmem maps every byte of [start, end), and the range is not empty: RAM has holes. */
__must_check bool lowmem_is_mapped(phys_addr_t start, phys_addr_t end);

/*
 * With KASAN=1, from here on accesses to lowmem and to the vmalloc area are checked; otherwise
 * nothing. Refuses the boot when there is no memory for the shadow. Start-up.
 */
void kasan_init(void);

/*
 * End of boot: make data that is written once read-only, free the boot code's memory, and print an
 * error that lowmem_check() finds. The machine continues, so that the error can be examined.
 */
void mm_seal(void);

/*
 * Compare the master directory and lowmem's tables with the rows and the address map; NULL or the
 * first wrong entry. For the audit.
 */
const char *lowmem_check(void);

/*
 * The value of an entry of the kernel half, KERNEL_PDE_FIRST to 1023, in the master directory when
 * mm_seal() ran; 0 before. Any context.
 */
pde_t lowmem_boot_pde(u32 index);
