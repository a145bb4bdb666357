/*
 * Ranges of page-table entries of processes: clearing, sharing, changing and moving them.
 *
 * An entry is 0, or holds a page: present, or kept without rights (PAGE_USER_NONE). Code that sets
 * or clears one updates mm->pages and the page's reference count. All pages are counted alike,
 * whether anonymous, of a file or the zero page, so the loops need not distinguish them: dropping
 * the last reference of an anonymous page frees it.
 *
 * Callers process a range in pieces, each under one table (plus the part without tables behind it),
 * and yield in between: a piece is bounded work, and after each the counts are right.
 *
 * The TLB holds what was present (Intel SDM vol. 3, 4.10.2.3): entries of the loaded directory that
 * were cleared or lost rights are invalidated, one by one or, when there are many, all together,
 * before their pages can be reused.
 *
 * Neighbours: mm/user/mmap.c, mm/user/mm.c, mm/user/mremap.c.
 */
#include <arch/x86/tlb.h>
#include <lib/resched.h>
#include <mm/user/mm_internal.h>

u32 user_piece_end(const struct mm *mm, u32 addr, u32 end)
{
    u32 stop = ALIGN_DOWN(addr, LARGE_PAGE_SIZE) + LARGE_PAGE_SIZE; /* TASK_SIZE at most */

    while (stop < end && !pde_present(mm->pgd[PDE_INDEX(stop)]))
        stop += LARGE_PAGE_SIZE;
    return min(stop, end);
}

u32 user_piece_start(const struct mm *mm, u32 addr, u32 end)
{
    u32 start = ALIGN_DOWN(end - 1, LARGE_PAGE_SIZE);

    if (!pde_present(mm->pgd[PDE_INDEX(start)])) {
        while (start > addr && !pde_present(mm->pgd[PDE_INDEX(start) - 1]))
            start -= LARGE_PAGE_SIZE;
    }
    return max(start, addr);
}

/* The entries of a piece, up to the end of their table; false if there is no table. */
static inline bool piece_entries(const struct mm *mm, u32 addr, u32 end, pte_t **first,
                                 pte_t **last)
{
    u32 table_end = ALIGN_DOWN(addr, LARGE_PAGE_SIZE) + LARGE_PAGE_SIZE;

    *first = pgd_user_pte(mm->pgd, addr);
    if (!*first)
        return false;
    *last = *first + ((min(end, table_end) - addr) >> PAGE_SHIFT);
    return true;
}

/* ---- the TLB ---- */

/* How the entries of a piece are invalidated. */
enum flush { FLUSH_NONE, FLUSH_EACH, FLUSH_ALL };

static inline enum flush how_to_flush(const struct mm *mm, u32 entries)
{
    if (!mm_is_loaded(mm))
        return FLUSH_NONE;
    return entries > TLB_FLUSH_MAX_PAGES ? FLUSH_ALL : FLUSH_EACH;
}

/* ---- clearing ---- */

void user_zap(struct mm *mm, u32 addr, u32 end)
{
    struct page *chain = NULL, *const map = mem_map;
    pte_t *first, *last, *pte;
    enum flush flush;
    u32 found = 0;

    if (!piece_entries(mm, addr, end, &first, &last) || (pte = pte_skip_none(first, last)) == last)
        return;
    flush = how_to_flush(mm, last - first);
    for (; pte < last; pte++) {
        struct page *page;

        if (pte_none(*pte) && (pte = pte_skip_none(pte, last)) == last)
            break;
        page = map + pte_pfn(*pte);
        user_note_change(mm, addr + ((u32)(pte - first) << PAGE_SHIFT), *pte, (pte_t){0});
        pte->val = 0;
        found++;
        if (flush == FLUSH_EACH)
            tlb_flush_page(addr + ((u32)(pte - first) << PAGE_SHIFT));
        if (page->refcount > 1) {
            page->refcount--;
        } else {
            page->next = chain;
            chain = page;
        }
    }
    mm->pages -= found;
    if (flush == FLUSH_ALL)
        tlb_flush_user();
    if (chain)
        free_pages_bulk(chain);
}

/* ---- changing rights ---- */

/*
 * The write right is never added here, because the page may be shared: the next write fault adds
 * it.
 */
static inline u32 reprotect(u32 val, u32 flags)
{
    u32 rights = vma_prot(flags).val;

    return (val & PTE_FRAME) | (rights & ~PTE_RW) | (val & rights & PTE_RW);
}

void user_protect(struct mm *mm, u32 addr, u32 end, u32 flags)
{
    pte_t *pte, *last;
    enum flush flush;

    if (!piece_entries(mm, addr, end, &pte, &last))
        return;
    flush = how_to_flush(mm, last - pte);
    for (; pte < last; pte++, addr += PAGE_SIZE) {
        pte_t new;

        if (pte_none(*pte))
            continue;
        new = (pte_t){reprotect(pte->val, flags)};
        user_note_change(mm, addr, *pte, new);
        *pte = new;
        if (flush == FLUSH_EACH)
            tlb_flush_page(addr);
    }
    if (flush == FLUSH_ALL)
        tlb_flush_user();
}

/* ---- sharing ---- */

/* `keep`: the bits that both sides keep. */
static u32 copy_entries(pte_t *to, pte_t *from, u32 count, u32 keep)
{
    struct page *const map = mem_map;
    u32 copied = 0;

    for (u32 i = 0; i < count; i++) {
        u32 val = from[i].val & keep;

        if (!val)
            continue;
        from[i].val = val;
        to[i].val = val;
        map[val >> PAGE_SHIFT].refcount++;
        copied++;
    }
    return copied;
}

bool user_copy(struct mm *to, struct mm *mm, u32 addr, u32 end, u32 flags)
{
    u32 count, keep = flags & VM_SHARED ? ~0u : ~PTE_RW;
    pte_t *from, *last, *pte;
    struct page *table;

    if (!piece_entries(mm, addr, end, &from, &last))
        return true;
    count = last - from;
    pte = pgd_user_pte(to->pgd, addr);
    if (!pte) {
        table = user_table_alloc();
        if (!table)
            return false;
        user_table_enter(to, addr, table);
        pte = pgd_user_pte(to->pgd, addr);
    }
    for (u32 i = 0; i < count; i++)
        user_note_change(mm, addr + (i << PAGE_SHIFT), from[i], (pte_t){from[i].val & keep});
    to->pages += copy_entries(pte, from, count, keep);
    return true;
}

/* ---- moving ---- */

u32 user_count_tables(const struct mm *mm, u32 addr, u32 size)
{
    u32 count = 0, end = addr + size;

    for (; addr < end; addr = user_piece_end(mm, addr, end))
        count += pgd_user_pte(mm->pgd, addr) != NULL;
    return count;
}

/* The empty entry of an address; its table may have to be added, too. */
static pte_t *entry_for(struct mm *mm, u32 addr, struct page **tables)
{
    pte_t *pte = pgd_user_pte(mm->pgd, addr);
    struct page *table = *tables;

    if (pte)
        return pte;
    *tables = table->next;
    table->type = PAGE_PGTABLE;
    user_table_enter(mm, addr, table);
    return pgd_user_pte(mm->pgd, addr);
}

static void move_piece(struct mm *mm, u32 from, u32 end, u32 to, struct page **tables)
{
    pte_t *pte, *last;
    enum flush flush;

    if (!piece_entries(mm, from, end, &pte, &last))
        return;
    flush = how_to_flush(mm, last - pte);
    for (; pte < last; pte++, from += PAGE_SIZE, to += PAGE_SIZE) {
        if (pte_none(*pte))
            continue;
        *entry_for(mm, to, tables) = *pte;
        user_note_change(mm, from, *pte, (pte_t){0});
        pte->val = 0;
        if (flush == FLUSH_EACH)
            tlb_flush_page(from);
    }
    if (flush == FLUSH_ALL)
        tlb_flush_user();
}

void user_move(struct mm *mm, u32 from, u32 to, u32 size, struct page **tables)
{
    u32 end = from + size, stop;

    for (; from < end; to += stop - from, from = stop) {
        stop = user_piece_end(mm, from, end);
        move_piece(mm, from, stop, to, tables);
        cond_resched();
    }
}
