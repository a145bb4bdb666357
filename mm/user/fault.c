/*
 * The first touch of a page, the first write after a fork, and the growth of the stack.
 *
 * An area promises pages, a fault provides them. Which page depends on the kind of area:
 *
 *   no file     a read maps the page of zeros that all share; a write gets a new page of zeros
 *   private     a read maps the file's own page; a write gets a copy of it
 *   VM_SHARED   the file's own page, writable only after a write fault
 *
 * So one rule covers all private memory: a page may be written through an entry only if this entry
 * is its only reference. Such a page is anonymous (PAGE_USER), because a file and the kernel also
 * hold references to their pages. A write to any other page copies it first; when the other owners
 * have exited or have made copies, the last one keeps the page without a copy.
 *
 * The stack: a touch below an area that is VM_GROWSDOWN moves its start down to there, as long as
 * it stays within the limit, and MM_GUARD_GAP away from the area below. The address is not compared
 * with ESP: programs may touch below it (pusha, enter, probes of large frames), and Linux dropped
 * that test, too.
 *
 * mm_touch_for_write() does the same for the kernel, on behalf of an owner that may not be running.
 * It serves mm_write(), which needs the right that the owner would need, and mm_clear(), which
 * needs no right but does not write shared pages.
 *
 * Everything that can fail comes before the entry is written, and a table that was allocated for it
 * is freed again. Neighbours: kernel/exception.c calls it; mm/user/filemap.c has the pages of
 * files.
 */
#include <arch/x86/tlb.h>
#include <asm/errno.h>
#include <mm/frame/highmem.h>
#include <mm/user/filemap.h>
#include <mm/user/mm_internal.h>

/* ---- entering pages ---- */

/* Map the page in the entry, which takes a reference; the page that it held before is released. */
static inline void set_entry(struct mm *mm, u32 addr, pte_t *pte, struct page *page, pgprot_t prot)
{
    pte_t old = *pte, new = pte_make(page_to_phys(page), prot);

    user_note_change(mm, addr, old, new);
    *pte = new;
    if (pte_none(old)) {
        mm->pages++;
        return;
    }
    if (mm_is_loaded(mm))
        tlb_flush_page(addr);
    user_page_put(pfn_to_page(pte_pfn(old)));
}

static inline pgprot_t without_write(pgprot_t prot)
{
    return (pgprot_t){prot.val & ~PTE_RW};
}

/* A page for this entry alone: a copy of `from`, or zeros when that is NULL. */
static enum mm_fault enter_own_page(struct mm *mm, const struct vm_area *area, u32 addr, pte_t *pte,
                                    const struct page *from)
{
    struct page *page = mm_alloc_page(GFP_HIGHUSER);

    if (!page)
        return MM_FAULT_NO_MEMORY;
    if (from)
        copy_highpage(page, from);
    else
        clear_highpage(page);
    page->type = PAGE_USER;
    set_entry(mm, addr, pte, page, vma_prot(area->flags));
    return MM_FAULT_OK;
}

/* Map a page that others may share: it gets a reference. */
static void enter_shared_page(struct mm *mm, u32 addr, pte_t *pte, struct page *page, pgprot_t prot)
{
    page->refcount++;
    set_entry(mm, addr, pte, page, prot);
}

static enum mm_fault first_touch_of_file(struct mm *mm, const struct vm_area *area, u32 addr,
                                         pte_t *pte, bool write)
{
    u32 index = area->pgoff + ((addr - area->start) >> PAGE_SHIFT);
    bool shared = area->flags & VM_SHARED;
    pgprot_t prot = vma_prot(area->flags);
    enum mm_fault result = MM_FAULT_OK;
    struct page *page;

    if (index >= PFN_UP(area->file->size))
        return MM_FAULT_BEYOND_FILE;
    if (write && shared && !filemap_may_write(area->file))
        return MM_FAULT_NO_SPACE;
    page = filemap_get_page(area->file, index, write && shared);
    if (!page)
        return MM_FAULT_NO_MEMORY;
    if (write && !shared) {
        page->refcount++; /* so that it is not reclaimed when memory is short */
        result = enter_own_page(mm, area, addr, pte, page);
        page->refcount--;
    } else {
        enter_shared_page(mm, addr, pte, page, write ? prot : without_write(prot));
    }
    return result;
}

static enum mm_fault first_touch(struct mm *mm, const struct vm_area *area, u32 addr, pte_t *pte,
                                 bool write)
{
    if (area->file)
        return first_touch_of_file(mm, area, addr, pte, write);
    if (write)
        return enter_own_page(mm, area, addr, pte, NULL);
    enter_shared_page(mm, addr, pte, zero_page, without_write(vma_prot(area->flags)));
    return MM_FAULT_OK;
}

/* ---- entries that hold a page ---- */

static void set_rights(struct mm *mm, u32 addr, pte_t *pte, pgprot_t prot)
{
    pte_t new = pte_make(pte_frame(*pte), prot);

    user_note_change(mm, addr, *pte, new);
    *pte = new;
    if (mm_is_loaded(mm))
        tlb_flush_page(addr);
}

/* Make the page writable (copy it if needed), and the entry, too, if the area allows it. */
static enum mm_fault separate(struct mm *mm, const struct vm_area *area, u32 addr, pte_t *pte)
{
    struct page *page = pfn_to_page(pte_pfn(*pte));

    if (area->flags & VM_SHARED) {
        if (page->type == PAGE_FILE && (!page->dirty || page->reserved)) {
            if (!filemap_may_write(page->mapping))
                return MM_FAULT_NO_SPACE;
            filemap_set_dirty(page);
        }
    } else if (page->refcount > 1) {
        return enter_own_page(mm, area, addr, pte, page == zero_page ? NULL : page);
    }
    set_rights(mm, addr, pte, vma_prot(area->flags));
    return MM_FAULT_OK;
}

static inline enum mm_fault handle_entry(struct mm *mm, const struct vm_area *area, u32 addr,
                                         pte_t *pte, bool write)
{
    if (pte_none(*pte))
        return first_touch(mm, area, addr, pte, write);
    if (write && !pte_writable(*pte))
        return separate(mm, area, addr, pte);
    if (pte_present(*pte)) {
        if (mm_is_loaded(mm))
            tlb_flush_page(addr);
        return MM_FAULT_ALLOWED;
    }
    /* the page was kept without rights; the area allows access again */
    set_rights(mm, addr, pte, without_write(vma_prot(area->flags)));
    return MM_FAULT_OK;
}

/* Map the page at addr, in an area; a table allocated for it is freed again if this fails. */
static enum mm_fault handle_page(struct mm *mm, const struct vm_area *area, u32 addr, bool write)
{
    pte_t *pte = pgd_user_pte(mm->pgd, addr);
    enum mm_fault result;
    struct page *table;

    if (likely(pte != NULL))
        return handle_entry(mm, area, addr, pte, write);
    table = user_table_alloc();
    if (!table)
        return MM_FAULT_NO_MEMORY;
    user_table_enter(mm, addr, table);
    result = handle_entry(mm, area, addr, pgd_user_pte(mm->pgd, addr), write);
    if (result != MM_FAULT_OK)
        user_table_remove(mm, addr);
    return result;
}

/* ---- the stack ---- */

/*
 * The reason why the area, which is above addr, may not grow down to the page `start`, or
 * MM_FAULT_OK.
 */
static enum mm_fault may_grow(struct mm *mm, const struct vm_area *area, u32 start)
{
    u32 size = area->end - start, limit = mm->stack_limit;
    const struct vm_area *prev;

    if (!(area->flags & VM_GROWSDOWN) || (size > limit && size - limit > MM_GUARD_GAP))
        return MM_FAULT_NO_AREA;
    prev = area->prev;
    if (size > limit || start < MMAP_MIN_ADDR || (prev && start - prev->end < MM_GUARD_GAP))
        return MM_FAULT_STACK;
    if (!mm_may_expand(mm, area->flags, area->start - start, 0, 0))
        return MM_FAULT_STACK;
    return MM_FAULT_OK;
}

static enum mm_fault grow_stack(struct mm *mm, struct vm_area *area, u32 addr, bool write)
{
    u32 start = area->start;
    enum mm_fault result = may_grow(mm, area, addr);

    if (result != MM_FAULT_OK)
        return result;
    vma_set_start(mm, area, addr);
    result = handle_page(mm, area, addr, write);
    if (result != MM_FAULT_OK)
        vma_set_start(mm, area, start);
    return result;
}

/* ---- faults ---- */

/*
 * The reason why the area forbids the access, or MM_FAULT_OK. As on Linux, every right includes
 * reading.
 */
static inline enum mm_fault check_access(const struct vm_area *area, bool write)
{
    if (likely(area->flags & (write ? VM_WRITE : VM_ACCESS)))
        return MM_FAULT_OK;
    return area->flags & VM_ACCESS ? MM_FAULT_READONLY : MM_FAULT_NO_ACCESS;
}

enum mm_fault mm_fault_taken(struct mm *mm, u32 addr, bool write)
{
    struct vm_area *area;
    enum mm_fault result;

    if (unlikely(addr >= TASK_SIZE))
        return MM_FAULT_KERNEL;
    area = mm_area_above(mm, addr);
    if (unlikely(!area))
        return MM_FAULT_NO_AREA;
    addr = ALIGN_DOWN(addr, PAGE_SIZE);
    result = check_access(area, write);
    if (unlikely(addr < area->start))
        return result == MM_FAULT_OK ? grow_stack(mm, area, addr, write) : MM_FAULT_NO_AREA;
    return likely(result == MM_FAULT_OK) ? handle_page(mm, area, addr, write) : result;
}

enum mm_fault mm_fault(struct mm *mm, u32 addr, bool write)
{
    enum mm_fault result = mm_fault_taken(mm, addr, write);

    return result == MM_FAULT_ALLOWED ? MM_FAULT_OK : result;
}

/* For the program's loader: no right is needed, but the page must belong only to the owner. */
static enum mm_fault touch_unasked(struct mm *mm, u32 addr)
{
    struct vm_area *area = mm_find_area(mm, addr);

    if (!area)
        return mm_fault(mm, addr, true);
    if (area->flags & VM_SHARED)
        return MM_FAULT_NO_ACCESS;
    return handle_page(mm, area, ALIGN_DOWN(addr, PAGE_SIZE), true);
}

int mm_touch_for_write(struct mm *mm, u32 addr, bool unasked)
{
    enum mm_fault result = unasked ? touch_unasked(mm, addr) : mm_fault(mm, addr, true);

    if (result == MM_FAULT_NO_MEMORY)
        return -ENOMEM;
    return result == MM_FAULT_OK || result == MM_FAULT_ALLOWED ? 0 : -EFAULT;
}

const char *mm_fault_text(enum mm_fault fault)
{
    static const char *const text[] = {
        [MM_FAULT_OK] = "nothing is wrong",
        [MM_FAULT_ALLOWED] = "the page-table entry allows it, the processor does not",
        [MM_FAULT_KERNEL] = "the address belongs to the kernel",
        [MM_FAULT_NO_AREA] = "nothing is mapped there",
        [MM_FAULT_STACK] = "the stack may not grow that far",
        [MM_FAULT_READONLY] = "the page is read-only",
        [MM_FAULT_NO_ACCESS] = "the page has no access rights",
        [MM_FAULT_BEYOND_FILE] = "the file ends before it",
        [MM_FAULT_NO_SPACE] = "files have reached their limit of memory",
        [MM_FAULT_NO_MEMORY] = "out of memory",
    };

    return text[fault];
}
