/*
 * What a page directory maps, read from the entries themselves, and not from the kernel's other
 * data: a wrong entry is shown unchanged.
 *
 * Limits: a page table outside lowmem means that the entry is damaged; its pages are left out.
 *
 * Neighbours: kernel/view/snapshot_map.c and kernel/view/pgdiff.c use it for their walks.
 */
#include <kernel/view/leaf.h>
#include <mm/layout.h>

#define TABLE_SIZE 1024u

static bool has_leaves(pde_t pde)
{
    return pde_present(pde) && (pde_is_large(pde) || pde_frame(pde) < lowmem_size);
}

/* Entries of the kernel half that are not present may be tags; those of user pages hold a page. */
static bool holds_page(u32 page, pte_t pte)
{
    return page < PFN_DOWN(PAGE_OFFSET) ? !pte_none(pte) : pte_present(pte);
}

struct leaf leaf_at(const pde_t *pgd, u32 page)
{
    pde_t pde = pgd[page / TABLE_SIZE];
    u32 index = page % TABLE_SIZE;
    struct leaf leaf = {.pages = TABLE_SIZE - index};
    pte_t pte;

    if (!has_leaves(pde))
        return leaf;
    leaf.large = pde_is_large(pde);
    if (leaf.large) {
        leaf.bits = pde.val & LEAF_BITS;
        leaf.pfn = PFN_DOWN(pde_frame(pde)) + index;
        return leaf;
    }
    pte = pde_page_table(pde)[index];
    leaf.pages = 1;
    leaf.bits = holds_page(page, pte) ? pte.val & LEAF_BITS : 0;
    leaf.pfn = pte_pfn(pte);
    return leaf;
}
