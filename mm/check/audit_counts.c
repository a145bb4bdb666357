/*
 * The audit of reference counts (invariant I8): every mapping is subtracted, the rest must equal
 * the number of holders, and every mapping is added again.
 *
 * Neighbours: mm/check/audit.c calls it; include/mm/frame/page.h has the rule.
 */
#include <arch/x86/pgtable.h>
#include <mm/check/audit_internal.h>
#include <mm/frame/page.h>
#include <mm/user/mm.h>

static bool too_few; /* some page has fewer references than mappings */

/*
 * Add or subtract one mapping, by the rule of mm/frame/page.h: the first mapping of a page behind
 * the block's first page also counts for the block.
 */
static void count_mapping(struct page *page, s32 add)
{
    s32 before = page->refcount;

    page->refcount += add;
    too_few |= page->refcount < 0;
    if (!page->head && min(before, page->refcount) == 0) {
        struct page *first = page_head(page);

        first->refcount += first != page ? add : 0;
    }
}

static void count_table(const pte_t *table, u32 entries, s32 add)
{
    for (u32 i = 0; i < entries; i++) {
        if (pte_present(table[i]) && !pte_device(table[i]) && pte_pfn(table[i]) < max_pfn)
            count_mapping(pfn_to_page(pte_pfn(table[i])), add);
    }
}

/* A process's entry holds its page whether it is present or not. */
static void count_user_table(const pte_t *table, s32 add)
{
    for (u32 i = 0; i < 1024; i++) {
        if (!pte_none(table[i]) && pte_pfn(table[i]) < max_pfn) {
            struct page *page = pfn_to_page(pte_pfn(table[i]));

            page->refcount += add;
            too_few |= page->refcount < 0;
        }
    }
}

static void count_mappings(s32 add)
{
    count_table(kernel_pte(VMALLOC_START), (VMALLOC_END - VMALLOC_START) >> PAGE_SHIFT, add);
    for (struct mm *mm = mm_next(NULL); mm; mm = mm_next(mm)) {
        for (u32 i = 0; i < KERNEL_PDE_FIRST; i++) {
            if (pde_present(mm->pgd[i]))
                count_user_table(pde_page_table(mm->pgd[i]), add);
        }
    }
}

/*
 * The reference count without mappings: 1 for a block that a holder, for example a file, has a
 * pointer to. A page of a process or of the vmalloc area is held by its mappings alone.
 */
static s32 holders(const struct page *page)
{
    return page->head && (page->type == PAGE_USED || page->type == PAGE_SLAB ||
                          page->type == PAGE_PGTABLE || page->type == PAGE_FILE);
}

/*
 * Without mappings, only the first page of a block has a count; a later page that starts another
 * block would have two owners.
 */
static const char *check_block_counts(u32 pfn, u32 pages)
{
    for (u32 i = 0; i < pages; i++) {
        const struct page *page = pfn_to_page(pfn + i);
        s32 expected = i == 0 ? holders(page) : 0;

        if (i > 0 && page->head)
            return audit_report(
                "I8: frame 0x%08x begins a block of type %u, but lies in that of %u frames "
                "at 0x%08x",
                page_to_phys(page), page->type, pages, page_to_phys(page - i));
        if (page->refcount != expected)
            return audit_report(
                "I8: frame 0x%08x, in a block of type %u, has %d references, its mappings "
                "and holders explain %d less",
                page_to_phys(page), pfn_to_page(pfn)->type, page->refcount,
                page->refcount - expected);
    }
    return NULL;
}

const char *audit_lost(void)
{
    u32 pages;

    for (u32 pfn = 0; pfn < max_pfn; pfn += pages) {
        const struct page *page = pfn_to_page(pfn);

        pages = page_block_size(page);
        if (page->head && page->type >= PAGE_USED && page->refcount < 1)
            return audit_report("I8: frame 0x%08x is in use, of type %u, but has %d references",
                                page_to_phys(page), page->type, page->refcount);
    }
    return NULL;
}

/*
 * page_alloc_check() has found no references in free blocks. So only a mapping can be wrong there,
 * and it makes a count negative.
 */
static bool is_checked(const struct page *page)
{
    return !too_few && page->head && (page->type == PAGE_FREE || page->type == PAGE_HOT);
}

const char *audit_counts(void)
{
    const char *text = NULL;
    u32 pages;

    too_few = false;
    count_mappings(-1);
    for (u32 pfn = 0; pfn < max_pfn && !text; pfn += pages) {
        const struct page *page = pfn_to_page(pfn);

        pages = page_block_size(page);
        text = is_checked(page) ? NULL : check_block_counts(pfn, pages);
    }
    count_mappings(1);
    return text;
}
