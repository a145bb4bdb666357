/*
 * Invalidation of more than one page (Intel SDM vol. 3, 4.10.4): user entries are flushed by a load
 * of CR3, which keeps global ones; kernel entries one by one or, when there are many, by a flush of
 * the whole TLB.
 *
 * Neighbours: include/arch/x86/tlb.h has the single page; tlb_debug.c records changes with DEBUG=1.
 */
#include <arch/x86/cpu.h>
#include <arch/x86/pgtable.h>
#include <arch/x86/tlb.h>

void tlb_flush_user(void)
{
    pgd_load(pgd_loaded());
}

/* Clearing CR4.PGE drops every entry, the global ones included (Intel SDM vol. 3, 4.10.4.1). */
static void tlb_flush_everything(void)
{
    u32 cr4 = read_cr4();

    asm volatile("mov %0, %%cr4; mov %1, %%cr4" : : "r"(cr4 & ~CR4_PGE), "r"(cr4) : "memory");
    tlb_debug_flush(0, ~0u);
}

void tlb_flush_kernel_range(u32 start, u32 end)
{
    if (end - start > TLB_FLUSH_MAX_PAGES * PAGE_SIZE) {
        tlb_flush_everything();
        return;
    }
    for (u32 addr = start; addr < end; addr += PAGE_SIZE)
        tlb_flush_page(addr);
}
