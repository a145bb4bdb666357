/*
 * The reverse map: which virtual addresses show a frame.
 *
 * Nothing is kept for it. The entries themselves are the only record of who maps what, so all of
 * them are looked at: the kernel half once, as it is the same for all, and the user half of each
 * process. That takes time in proportion to the page tables there are, which is right for a person
 * who asks, and would be wrong for a kernel that swaps.
 *
 * Between two tables others may run. The address space that is being walked is held meanwhile, and
 * the next one in the list before this one is let go: so the place in the list cannot be lost.
 *
 * Neighbours: mm/explain.c; mm/audit.c counts the same entries to check reference counts.
 */
#include <lib/resched.h>
#include <mm/explain.h>
#include <mm/mm.h>

/* What is looked for, and who is told. */
struct search {
    u32 pfn;
    rmap_see_t see;
    void *arg;
};

/* The entries of one table; they are those of [start, start + 4 MiB). */
static void walk_entries(const struct search *search, const struct mm *mm, const pte_t *table,
                         u32 start)
{
    for (u32 i = 0; i < 1024; i++) {
        if (pte_pfn(table[i]) == search->pfn && (pte_present(table[i]) || (mm && table[i].val)))
            search->see(mm, start + (i << PAGE_SHIFT), pte_present(table[i]), search->arg);
    }
}

static void walk_kernel_half(const struct search *search)
{
    phys_addr_t phys = search->pfn << PAGE_SHIFT;

    if (phys < lowmem_size && pgd_walk(swapper_pg_dir, PAGE_OFFSET + phys).mapped)
        search->see(NULL, PAGE_OFFSET + phys, true, search->arg);
    for (u32 addr = VMALLOC_START; addr; addr += LARGE_PAGE_SIZE) {
        walk_entries(search, NULL, kernel_pte(addr), addr);
        cond_resched();
    }
}

static void walk_user_half(const struct search *search, const struct mm *mm)
{
    for (u32 i = 0; i < KERNEL_PDE_FIRST; i++) {
        if (!pde_present(mm->pgd[i]))
            continue;
        walk_entries(search, mm, pde_page_table(mm->pgd[i]), i << PDE_SHIFT);
        cond_resched();
    }
}

/*
 * The next address space, held; `mm`, which was, is let go. One without users is on its way out and
 * cannot be held.
 */
static struct mm *next_held(struct mm *mm)
{
    struct mm *next = mm_next(mm);

    while (next && next->users == 0)
        next = mm_next(next);
    if (next)
        mm_get(next);
    if (mm)
        mm_put(mm);
    return next;
}

void rmap_walk(phys_addr_t frame, rmap_see_t see, void *arg)
{
    const struct search search = {PFN_DOWN(frame), see, arg};

    walk_kernel_half(&search);
    for (struct mm *mm = next_held(NULL); mm; mm = next_held(mm))
        walk_user_half(&search, mm);
}
