/*
 * Page directories: the master, those of processes, and a walk like the processor's.
 *
 * The difficulty of a shared kernel half is that a directory entry is copied into every address
 * space: if one is changed later, all copies are wrong. So none is changed later. pgtable_map_row()
 * and pgtable_set_kernel_table() fill the master during start-up; from then on the kernel half
 * changes only below the directories, in page tables that all of them share.
 *
 * Kernel entries are global (CR4.PGE), so a CR3 load keeps them in the TLB, and a removed one must
 * be invalidated by address.
 */
#include <arch/x86/gdt.h>
#include <arch/x86/pgtable.h>
#include <arch/x86/tlb.h>
#include <lib/string.h>

#define PAGE_TABLE      ((pgprot_t){PTE_P | PTE_RW | PTE_A})
#define PAGE_TABLE_USER ((pgprot_t){PTE_P | PTE_RW | PTE_US})

pde_t swapper_pg_dir[1024] __section(".sealed.pages") __attribute__((aligned(PAGE_SIZE)));
pte_t *kernel_ptes __ro_after_init;

static pte_t *row_table(u32 virt, void *(*alloc_table)(void))
{
    pde_t *pde = &swapper_pg_dir[PDE_INDEX(virt)];

    if (!pde_present(*pde))
        pgtable_set_kernel_table(virt, alloc_table());
    return pde_page_table(*pde);
}

void pgtable_map_row(const struct map_row *row, void *(*alloc_table)(void))
{
    u32 offset = 0;

    while (offset < row->size) {
        u32 virt = row->virt + offset;
        phys_addr_t phys = row->phys + offset;

        if (IS_ALIGNED(virt | phys, LARGE_PAGE_SIZE) && row->size - offset >= LARGE_PAGE_SIZE) {
            swapper_pg_dir[PDE_INDEX(virt)] = pde_large(phys, row->prot);
            offset += LARGE_PAGE_SIZE;
        } else {
            row_table(virt, alloc_table)[PTE_INDEX(virt)] = pte_make(phys, row->prot);
            offset += PAGE_SIZE;
        }
    }
}

pde_t pgtable_kernel_pde(const pte_t *table)
{
    return pde_table(virt_to_phys(table), PAGE_TABLE);
}

void pgtable_set_kernel_table(u32 addr, pte_t *table)
{
    swapper_pg_dir[PDE_INDEX(addr)] = pgtable_kernel_pde(table);
}

void pgtable_leave_boot(void)
{
    pgd_load(virt_to_phys(swapper_pg_dir));
}

void pgd_init(pde_t *pgd)
{
    memset(pgd, 0, KERNEL_PDE_FIRST * sizeof(pde_t));
    memcpy(pgd + KERNEL_PDE_FIRST, swapper_pg_dir + KERNEL_PDE_FIRST, KERNEL_PDES * sizeof(pde_t));
}

void pgd_set_user_table(pde_t *pgd, u32 addr, phys_addr_t table)
{
    pgd[PDE_INDEX(addr)] = pde_table(table, PAGE_TABLE_USER);
}

struct pgwalk pgd_walk(const pde_t *pgd, u32 addr)
{
    struct pgwalk walk = {.pde = pgd[PDE_INDEX(addr)]};
    u32 both;

    if (!pde_present(walk.pde))
        return walk;
    if (pde_is_large(walk.pde)) {
        both = walk.pde.val;
        walk.phys = pde_frame(walk.pde) + addr % LARGE_PAGE_SIZE;
    } else {
        walk.pte = pde_page_table(walk.pde)[PTE_INDEX(addr)];
        both = walk.pde.val & walk.pte.val;
        walk.phys = pte_frame(walk.pte) + addr % PAGE_SIZE;
    }
    walk.mapped = both & PTE_P;
    walk.writable = walk.mapped && both & PTE_RW;
    walk.user = walk.mapped && both & PTE_US;
    return walk;
}

void pgd_load(phys_addr_t pgd)
{
    main_tss.cr3 = pgd; /* the return from the double-fault task loads CR3 from here */
    asm volatile("mov %0, %%cr3" : : "r"(pgd) : "memory");
    tlb_debug_flush(0, PAGE_OFFSET - 1);
}
