/*
 * How the kernel half of the page directories is kept the same: a policy, which arch/x86, kernel/
 * and mm/ ask where it matters (mm/kva/kpde.c has three of them).
 *
 * The page tables of the vmalloc area and the fixmap exist from boot on (kernel_ptes). What a
 * policy decides is when a directory gets the entry that leads to one of them: first the master,
 * swapper_pg_dir, which the loaded directory is compared with, and then all others. A new directory
 * begins as a copy of the master's kernel half (pgd_init()). But one that is older, which a process
 * uses or which is kept for the next process, has the entries of that time.
 */
#pragma once

#include <arch/x86/pgtable.h>

struct kpde_policy {
    /*
     * At boot, when the page tables have been made: no process exists. Afterwards the master has
     * entries for the fixmap (FIXMAP_START) and the guard below it (VMALLOC_END), which no area
     * announces.
     */
    void (*boot)(void);

    /*
     * An area takes the addresses [start, end) of the vmalloc area; its last page is a guard, which
     * is never mapped. Afterwards the master has entries for all other pages.
     */
    void (*area)(u32 start, u32 end);

    /*
     * Ring 0 has accessed any address, and it is not mapped in `pgd`, the loaded directory. True
     * when it is now, as far as the directory can help: then the access is repeated. False when
     * nothing has changed: then it is handled as any other fault.
     */
    bool (*missed)(pde_t *pgd, u32 addr);

    /*
     * While `pgd` is loaded, the kernel stack [start, end) is used from now on. It may lie in the
     * vmalloc area or, for the boot stack, in lowmem, and its pages may have two page tables.
     */
    void (*stack)(pde_t *pgd, u32 start, u32 end);

    /*
     * For the audit and `explain`: true when entry `index` (768 to 1023) of a directory may have
     * this value now.
     */
    bool (*is_right)(u32 index, pde_t entry);
};

/* The one in use: chosen by kpde_boot(), before the first directory is loaded. */
extern const struct kpde_policy *kpde;
