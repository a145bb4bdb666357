/*
 * Page-directory and page-table entries of 32-bit paging (Intel SDM vol. 3, 4.3), and the
 * directories of address spaces.
 *
 * arch/x86 decides nothing: it reads and writes the entries that the caller names, and never
 * allocates or chooses. Above PAGE_OFFSET all directories are equal and all page tables of the
 * vmalloc area and the fixmap exist from boot on, contiguous in one array, so an index into it
 * gives the entry of a vmalloc address: kernel_pte().
 */
#pragma once

#include <lib/types.h>
#include <mm/layout.h>

typedef struct {
    u32 val;
} pte_t;

typedef struct {
    u32 val;
} pde_t;

typedef struct {
    u32 val;
} pgprot_t;

/* The bits of both kinds of entry, with Intel's names. */
#define PTE_P           (1u << 0) /* present */
#define PTE_RW          (1u << 1) /* writable */
#define PTE_US          (1u << 2) /* ring 3 may use it */
#define PTE_PWT         (1u << 3) /* write-through */
#define PTE_PCD         (1u << 4) /* cache disable */
#define PTE_A           (1u << 5) /* accessed */
#define PTE_D           (1u << 6) /* dirty */
#define PTE_PS          (1u << 7) /* PDE: maps a 4 MiB page itself */
#define PTE_G           (1u << 8) /* global: survives a CR3 load */
#define PTE_AVL         (7u << 9) /* not the processor's: see include/mm/kva/vmap_area_internal.h */
#define PTE_FRAME       0xFFFFF000u
#define PDE_LARGE_FRAME 0xFFC00000u

/*
 * Accessed and dirty are preset in kernel entries: the processor then never writes them, and
 * entries can be compared bit by bit.
 */
#define PAGE_KERNEL         ((pgprot_t){PTE_P | PTE_RW | PTE_A | PTE_D | PTE_G})
#define PAGE_KERNEL_RO      ((pgprot_t){PTE_P | PTE_A | PTE_D | PTE_G})
#define PAGE_KERNEL_NOCACHE ((pgprot_t){PTE_P | PTE_RW | PTE_A | PTE_D | PTE_G | PTE_PCD | PTE_PWT})
#define PAGE_USER_RW        ((pgprot_t){PTE_P | PTE_RW | PTE_US})
#define PAGE_USER_RO        ((pgprot_t){PTE_P | PTE_US})

/*
 * An entry of an area without any right (PROT_NONE). It is not present, so the processor ignores
 * its other bits and no access is possible; but it keeps the page until a right is given back. So
 * in the tables of processes "not 0" means "holds a page".
 */
#define PAGE_USER_NONE ((pgprot_t){PTE_US})

static inline pte_t pte_make(phys_addr_t frame, pgprot_t prot)
{
    return (pte_t){frame | prot.val};
}

static inline pde_t pde_table(phys_addr_t table, pgprot_t prot)
{
    return (pde_t){table | prot.val};
}

static inline pde_t pde_large(phys_addr_t frame, pgprot_t prot)
{
    return (pde_t){frame | PTE_PS | prot.val};
}

static inline bool pte_present(pte_t pte)
{
    return pte.val & PTE_P;
}

/* The entry is empty: it does not even hold a page without rights. */
static inline bool pte_none(pte_t pte)
{
    return pte.val == 0;
}

static inline bool pte_writable(pte_t pte)
{
    return pte.val & PTE_RW;
}

static inline bool pte_user(pte_t pte)
{
    return pte.val & PTE_US;
}

static inline phys_addr_t pte_frame(pte_t pte)
{
    return pte.val & PTE_FRAME;
}

static inline u32 pte_pfn(pte_t pte)
{
    return pte.val >> PAGE_SHIFT;
}

/* True for an entry of ioremap(): it is not cached, so it maps a device and not a frame of RAM. */
static inline bool pte_device(pte_t pte)
{
    return pte.val & PTE_PCD;
}

static inline bool pde_present(pde_t pde)
{
    return pde.val & PTE_P;
}

static inline bool pde_is_large(pde_t pde)
{
    return pde.val & PTE_PS;
}

/* The frame of the page table, or of the 4 MiB page. */
static inline phys_addr_t pde_frame(pde_t pde)
{
    return pde.val & (pde_is_large(pde) ? PDE_LARGE_FRAME : PTE_FRAME);
}

/* The lowmem address of the page table that a present entry without PTE_PS points to. */
static inline pte_t *pde_page_table(pde_t pde)
{
    return (pte_t *)phys_to_virt(pde_frame(pde));
}

/* ---- the kernel half ---- */

/*
 * The master directory (Linux's name): every new directory copies entries 768..1023 from it.
 * Read-only after mm_seal().
 */
extern pde_t swapper_pg_dir[1024];

/*
 * Entries of [VMALLOC_START, 0xFFFFFFFF], one per page, in order; indexed by the page number of the
 * address, so that a lookup is a shift and an addition. There are no entries below VMALLOC_START.
 */
extern pte_t *kernel_ptes;

/* The entry of a page in the vmalloc area or the fixmap. */
static inline pte_t *kernel_pte(u32 addr)
{
    return &kernel_ptes[addr >> PAGE_SHIFT];
}

/* The address whose entry this is. */
static inline u32 kernel_pte_addr(const pte_t *pte)
{
    return (u32)(pte - kernel_ptes) << PAGE_SHIFT;
}

/*
 * A row of the table that lowmem is built from: [virt, virt + size) -> phys with these rights. All
 * page-aligned.
 */
struct map_row {
    const char *name;
    u32 virt;
    phys_addr_t phys;
    u32 size;
    pgprot_t prot;
};

/*
 * Enter a row into the master directory: 4 MiB pages where virt, phys and size allow it, 4 KiB
 * pages elsewhere, in tables from `alloc_table` (zeroed pages, never NULL). Start-up only.
 */
void pgtable_map_row(const struct map_row *row, void *(*alloc_table)(void));

/* The entry of a kernel page table in every directory. `table` lies in lowmem. */
pde_t pgtable_kernel_pde(const pte_t *table);

/* Enter the table page into the master directory at addr. Start-up only. */
void pgtable_set_kernel_table(u32 addr, pte_t *table);

/*
 * Load the master directory for the first time: mappings that only the boot tables had no longer
 * exist. Start-up only.
 */
void pgtable_leave_boot(void);

/* ---- any directory ---- */

/* Copy the kernel half of the master into a directory and clear the user half. */
void pgd_init(pde_t *pgd);

/*
 * The entry of a user address, or NULL when no page table covers it. No user directory entry maps a
 * 4 MiB page, and the tables are lowmem pages, so nothing needs a check.
 */
static inline pte_t *pgd_user_pte(pde_t *pgd, u32 addr)
{
    pde_t pde = pgd[PDE_INDEX(addr)];

    return pde_present(pde) ? (pte_t *)((pde.val & PTE_FRAME) + PAGE_OFFSET) + PTE_INDEX(addr)
                            : NULL;
}

/* The first entry of [pte, end) that is not 0, or end. */
static inline pte_t *pte_skip_none(pte_t *pte, pte_t *end)
{
    while (pte < end && pte_none(*pte))
        pte++;
    return pte;
}

/* Set a zeroed page table for the 4 MiB around a user address that has no table. */
void pgd_set_user_table(pde_t *pgd, u32 addr, phys_addr_t table);

/*
 * Remove the table; returns its frame. All its entries must be 0. If the directory may be the
 * loaded one, the caller invalidates a page: that also drops cached directory entries (Intel SDM
 * vol. 3, 4.10.4.1).
 */
static inline phys_addr_t pgd_clear_user_table(pde_t *pgd, u32 addr)
{
    phys_addr_t table = pde_frame(pgd[PDE_INDEX(addr)]);

    pgd[PDE_INDEX(addr)].val = 0;
    return table;
}

/* The result of walking a directory for one address, as the processor would. */
struct pgwalk {
    pde_t pde;
    pte_t pte;        /* 0 if there is no page table */
    bool mapped;      /* an access by ring 0 would find a frame */
    bool writable;    /* both levels allow writes */
    bool user;        /* both levels allow ring 3 */
    phys_addr_t phys; /* of the byte at the address */
};
struct pgwalk pgd_walk(const pde_t *pgd, u32 addr);

/* The directory that is loaded now, by the CR3 register. */
static inline phys_addr_t pgd_loaded(void)
{
    u32 cr3;

    asm volatile("mov %%cr3, %0" : "=r"(cr3));
    return cr3 & PTE_FRAME;
}

void pgd_load(phys_addr_t pgd);
