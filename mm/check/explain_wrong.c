/*
 * Compares a page-table entry with what the address map says it should be. The walk alone shows
 * what the processor does; the reader of an explanation must also see whether that is right.
 *
 * Used after boot, when the map is complete. The expected values are not taken from the tables:
 * lowmem's frames follow from the address, its rights from its rows, the page tables of the vmalloc
 * area and the fixmap from the one array that they lie in, and what is in use there and in a
 * process from the lists of areas.
 *
 * Neighbours: mm/check/explain_walk.c gathers the rest; mm/check/audit.c checks the same for all
 * addresses.
 */
#include <arch/x86/cpu.h>
#include <mm/check/explain_walk.h>
#include <mm/kva/lowmem.h>
#include <mm/user/mm.h>

static bool is_mapped(const struct explanation *facts)
{
    return facts->stop == EXPLAIN_NOWHERE;
}

static bool has_user_bit(const struct explanation *facts)
{
    return (facts->pde.val & PTE_P && facts->pde.val & PTE_US) ||
           (facts->pte.form == EXPLAIN_PAGE && facts->pte.val & PTE_US);
}

/* By both levels. */
static bool is_writable(const struct explanation *facts)
{
    return facts->pde.val & PTE_RW && (facts->pte.form != EXPLAIN_PAGE || facts->pte.val & PTE_RW);
}

static const struct map_row *row_of(u32 addr)
{
    const struct map_row *row;

    for (u32 i = 0; (row = lowmem_map_row(i)); i++) {
        if (addr - row->virt < row->size)
            return row;
    }
    return NULL;
}

/* An address must be mapped if and only if something is there. */
static enum explain_wrong presence(const struct explanation *facts, bool expected)
{
    if (is_mapped(facts) == expected)
        return EXPLAIN_SOUND;
    return expected ? EXPLAIN_WRONG_MISSING : EXPLAIN_WRONG_MAPPED;
}

static enum explain_wrong wrong_in_lowmem(const struct explanation *facts)
{
    const struct map_row *row = row_of(facts->addr);
    enum explain_wrong wrong = presence(facts, row);

    if (wrong || !row)
        return wrong;
    if (facts->phys != facts->addr - PAGE_OFFSET)
        return EXPLAIN_WRONG_FRAME;
    return is_writable(facts) == !!(row->prot.val & PTE_RW) ? EXPLAIN_SOUND : EXPLAIN_WRONG_RIGHTS;
}

/* In the vmalloc area and the fixmap. */
static enum explain_wrong wrong_above_lowmem(const struct explanation *facts)
{
    u32 span = ALIGN_DOWN(facts->addr, LARGE_PAGE_SIZE);

    if (facts->pde.form != EXPLAIN_TABLE ||
        (facts->pde.val & PTE_FRAME) != virt_to_phys(kernel_pte(span)))
        return EXPLAIN_WRONG_TABLE;
    return presence(facts, facts->area.kind != EXPLAIN_NONE);
}

static enum explain_wrong wrong_in_kernel_half(const struct explanation *facts)
{
    if (has_user_bit(facts))
        return EXPLAIN_WRONG_USER;
    switch (facts->region - layout_regions) {
    case REGION_LOWMEM:
        return wrong_in_lowmem(facts);
    case REGION_VMALLOC:
    case REGION_FIXMAP:
        return wrong_above_lowmem(facts);
    default:
        return presence(facts, false);
    }
}

/* A page of an area may not exist yet, and an entry may allow less than its area. */
static enum explain_wrong wrong_in_user_half(const struct explanation *facts)
{
    const struct explain_area *area = &facts->area;

    if (!facts->mm || !is_mapped(facts))
        return EXPLAIN_SOUND;
    if (area->kind != EXPLAIN_USER)
        return EXPLAIN_WRONG_MAPPED;
    if (!(area->flags & VM_ACCESS) || (is_writable(facts) && !(area->flags & VM_WRITE)))
        return EXPLAIN_WRONG_RIGHTS;
    return EXPLAIN_SOUND;
}

enum explain_wrong explain_find_wrong(const struct explanation *facts)
{
    enum explain_wrong wrong;

    if (!cpu_wp_is_on())
        return EXPLAIN_SOUND; /* CR0.WP is turned on when the map is complete */
    if (facts->addr < PAGE_OFFSET)
        return wrong_in_user_half(facts);
    wrong = wrong_in_kernel_half(facts);
    if (!wrong && facts->pde.val != swapper_pg_dir[PDE_INDEX(facts->addr)].val)
        wrong = EXPLAIN_WRONG_PDE;
    return wrong;
}
