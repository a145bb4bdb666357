/*
 * The reverse map: which virtual addresses map a frame.
 *
 * It stores nothing. The page-table entries are the only record of mappings, so all of them are
 * read: the kernel half once, as it is the same for all, and the user half of each process. The
 * time is proportional to the number of page tables, which is good enough for a monitor command,
 * but would be too slow for a kernel that swaps.
 *
 * Like the audit it does not yield, so the addresses are those of one moment, and their number
 * agrees with the reference count printed beside them.
 *
 * Neighbours: mm/check/explain_walk.c; mm/check/audit.c counts the same entries to check reference
 * counts.
 */
#include <mm/check/explain_walk.h>
#include <mm/user/mm.h>

/* The frame to find, and the function to call for each address. */
struct search {
    u32 pfn;
    rmap_see_t see;
    void *arg;
};

/* The entries of one table, which are those of [start, start + 4 MiB). */
static void walk_table(const struct search *search, const struct mm *mm, pde_t pde, u32 start)
{
    const pte_t *table = pde_page_table(pde);

    for (u32 i = 0; i < 1024; i++) {
        if (pte_pfn(table[i]) == search->pfn &&
            (pte_present(table[i]) || (mm && pte_user(table[i]))))
            search->see(mm, start + (i << PAGE_SHIFT), pte_present(table[i]), search->arg);
    }
}

/*
 * Entries [first, end) of a directory: the kernel half of the master's, or a process's user half.
 */
static void walk_half(const struct search *search, const struct mm *mm, const pde_t *pgd, u32 first,
                      u32 end)
{
    for (u32 i = first; i < end; i++) {
        pde_t pde = pgd[i];

        if (!pde_present(pde))
            continue;
        if (pde_is_large(pde) && PDE_INDEX(pde_frame(pde)) == search->pfn >> 10)
            search->see(mm, (i << PDE_SHIFT) + (search->pfn % 1024 << PAGE_SHIFT), true,
                        search->arg);
        if (!pde_is_large(pde) && pde_frame(pde) < lowmem_size)
            walk_table(search, mm, pde, i << PDE_SHIFT);
    }
}

void rmap_walk(phys_addr_t frame, rmap_see_t see, void *arg)
{
    const struct search search = {PFN_DOWN(frame), see, arg};

    walk_half(&search, NULL, swapper_pg_dir, KERNEL_PDE_FIRST, 1024);
    for (struct mm *mm = mm_next(NULL); mm; mm = mm_next(mm))
        walk_half(&search, mm, mm->pgd, 0, KERNEL_PDE_FIRST);
}
