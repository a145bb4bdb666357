/*
 * The page tables and directories of processes.
 *
 * A new table must be all zero, which costs 1024 writes, and a new directory has the kernel's 256
 * entries in it. When one is freed, it is in this state again: entries are cleared one by one as
 * their pages are released. So a few are kept for the next process or the next fault (Linux had
 * such "quicklists"): most processes start just after another one has ended. They are freed by
 * user_tables_shrink(), when memory is short and in tests that count pages.
 *
 * The kernel half of a kept directory stays correct: no kernel entry changes after boot. The audit
 * checks them, too.
 *
 * Lock: not preempted. Neighbours: mm/user/mm.c, mm/user/fault.c and mm/user/user_pte.c add and
 * remove tables.
 */
#include <arch/x86/tlb.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <mm/fail.h>
#include <mm/frame/highmem.h>
#include <mm/user/mm_internal.h>

#define TABLES_KEPT_MAX 32
#define PGDS_KEPT_MAX   8

/* Pages of type PAGE_PGTABLE, linked through `next`. */
struct kept {
    struct page *top;
    u32 room;
};

static struct kept tables = {.room = TABLES_KEPT_MAX};
/* without __used, clang may split the struct into separate variables, and gdb cannot find them. */
static struct kept pgds __used = {.room = PGDS_KEPT_MAX};

static struct page *pop(struct kept *kept)
{
    struct page *page = kept->top;

    if (page) {
        kept->top = page->next;
        kept->room++;
    }
    return page;
}

/* Keep the page, or free it when there are enough. */
static void push_or_free(struct kept *kept, struct page *page)
{
    tlb_debug_free(page_to_phys(page), 0, __builtin_return_address(0));
    if (kept->room == 0) {
        free_page(page);
        return;
    }
    page->next = kept->top;
    kept->top = page;
    kept->room--;
}

struct page *user_table_alloc(void)
{
    struct page *page;

    if (alloc_should_fail(ALLOC_TABLE))
        return NULL;
    page = pop(&tables);
    if (likely(page != NULL))
        return page;
    page = mm_alloc_page(GFP_KERNEL);
    if (page) {
        clear_highpage(page);
        page->type = PAGE_PGTABLE;
    }
    return page;
}

void user_table_free(struct page *table)
{
    push_or_free(&tables, table);
}

void user_table_remove(struct mm *mm, u32 addr)
{
    struct page *table = phys_to_page(pgd_clear_user_table(mm->pgd, addr));

    mm->tables--;
    if (mm_is_loaded(mm)) {
        tlb_debug_lose_table(page_to_phys(table));
        tlb_flush_page(addr);
    }
    user_table_free(table);
}

pde_t *user_pgd_alloc(void)
{
    struct page *page;

    if (alloc_should_fail(ALLOC_TABLE))
        return NULL;
    page = pop(&pgds);
    if (likely(page != NULL))
        return page_address(page);
    page = mm_alloc_page(GFP_KERNEL);
    if (!page)
        return NULL;
    page->type = PAGE_PGTABLE;
    pgd_init(page_address(page));
    return page_address(page);
}

void user_pgd_free(pde_t *pgd)
{
    push_or_free(&pgds, virt_to_page(pgd));
}

static u32 give_back(struct kept *kept)
{
    struct page *page;
    u32 count = 0;

    while ((page = pop(kept))) {
        free_page(page);
        count++;
    }
    return count;
}

/* There are never more pages than one batch. */
u32 user_tables_shrink(u32 most)
{
    (void)most;
    return give_back(&tables) + give_back(&pgds);
}

u32 user_tables_kept(void)
{
    return TABLES_KEPT_MAX - tables.room + PGDS_KEPT_MAX - pgds.room;
}

/* ---- the check ---- */

static const char *check_empty(const struct page *page, u32 entries)
{
    static char text[80];
    const u32 *entry = page_address(page);

    for (u32 i = 0; i < entries; i++) {
        if (entry[i] != 0) {
            snprintf(text, sizeof(text), "I8: the empty page table 0x%08x has entry %u: 0x%08x",
                     page_to_phys(page), i, entry[i]);
            return text;
        }
    }
    return NULL;
}

const char *user_tables_check(void)
{
    const char *wrong = NULL;
    struct page *page;

    for (page = tables.top; page && !wrong; page = page->next)
        wrong = check_empty(page, 1024);
    for (page = pgds.top; page && !wrong; page = page->next) {
        const pde_t *pgd = page_address(page);

        wrong = check_empty(page, KERNEL_PDE_FIRST);
        if (!wrong && memcmp(pgd + KERNEL_PDE_FIRST, swapper_pg_dir + KERNEL_PDE_FIRST,
                             KERNEL_PDES * sizeof(pde_t)) != 0)
            wrong = "I2: a directory that is kept differs from the master";
    }
    return wrong;
}
