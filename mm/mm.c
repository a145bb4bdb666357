/*
 * Address spaces. A struct mm is a page directory and a list of areas. The upper quarter of the
 * directory is a copy of the master's entries, made once, right for ever (invariant I2). Below, the
 * areas say what a process may use, and the page tables say what it has used: a page, and a table
 * to enter it in, come with the first touch, in mm_fault().
 *
 * Everything that can fail is done before the first change: mm_fault() gets the page, then the
 * table, and enters both when it has both. mm_write() is how the kernel fills the memory of a
 * process that is not running yet: it goes through lowmem, so it needs neither the process's
 * directory nor its rights.
 *
 * Kernel threads have no address space and run in whatever directory is loaded; all of them show
 * the same kernel. Therefore a directory that is to be freed must not be the loaded one:
 * mm_destroy() loads the master first.
 */
#include <arch/x86/tlb.h>
#include <asm/errno.h>
#include <lib/string.h>
#include <mm/highmem.h>
#include <mm/mm.h>
#include <mm/page_alloc.h>
#include <mm/slab.h>

static LIST_HEAD(all_mms); /* lock: not preempted */

/* ---- making and destroying ---- */

struct mm *mm_create(void)
{
    struct mm *mm = kmalloc(sizeof(*mm));
    struct page *page = alloc_page(GFP_KERNEL);

    if (!mm || !page) {
        kfree(mm);
        if (page)
            free_page(page);
        return NULL;
    }
    page->type = PAGE_PGTABLE;
    *mm = (struct mm){.pgd = page_address(page), .pgd_phys = page_to_phys(page)};
    INIT_LIST_HEAD(&mm->areas);
    pgd_init(mm->pgd);
    list_add_tail(&mm->link, &all_mms);
    return mm;
}

static void free_table(struct mm *mm, pde_t *pde)
{
    pte_t *table = pde_page_table(*pde);

    for (u32 i = 0; i < 1024; i++) {
        if (pte_present(table[i])) {
            free_page(phys_to_page(pte_frame(table[i])));
            mm->pages--;
        }
    }
    free_page(phys_to_page(pde_frame(*pde)));
    pde->val = 0;
    mm->tables--;
}

void mm_destroy(struct mm *mm)
{
    struct vm_area *area, *next;

    if (pgd_loaded() == mm->pgd_phys)
        mm_switch(NULL);
    for (u32 i = 0; mm->tables > 0; i++) {
        if (pde_present(mm->pgd[i]))
            free_table(mm, &mm->pgd[i]);
    }
    assert_op(mm->pages, ==, 0);
    assert_op(mm->tables, ==, 0);
    list_for_each_entry_safe (area, next, &mm->areas, link)
        kfree(area);
    list_del(&mm->link);
    free_page(virt_to_page(mm->pgd));
    kfree(mm);
}

void mm_switch(struct mm *mm)
{
    phys_addr_t pgd = mm ? mm->pgd_phys : virt_to_phys(swapper_pg_dir);

    if (pgd != pgd_loaded())
        pgd_load(pgd);
}

struct mm *mm_next(struct mm *mm)
{
    struct list_head *next = mm ? mm->link.next : all_mms.next;

    return next == &all_mms ? NULL : list_entry(next, struct mm, link);
}

/* ---- areas ---- */

struct vm_area *mm_find_area(struct mm *mm, u32 addr)
{
    struct vm_area *area;

    list_for_each_entry (area, &mm->areas, link) {
        if (addr < area->start)
            return NULL;
        if (addr < area->end)
            return area;
    }
    return NULL;
}

/* The first area that ends above addr, NULL when there is none. */
static struct vm_area *area_ending_above(struct mm *mm, u32 addr)
{
    struct vm_area *area;

    list_for_each_entry (area, &mm->areas, link) {
        if (area->end > addr)
            return area;
    }
    return NULL;
}

int mm_add_area(struct mm *mm, u32 start, u32 size, u32 flags, const char *name)
{
    struct vm_area *area, *next;

    if (!IS_ALIGNED(start | size, PAGE_SIZE) || size == 0 || size > TASK_SIZE ||
        start < MMAP_MIN_ADDR || start > TASK_SIZE - size)
        return -EINVAL;
    next = area_ending_above(mm, start);
    if (next && next->start < start + size)
        return -EEXIST;
    area = kmalloc(sizeof(*area));
    if (!area)
        return -ENOMEM;
    *area = (struct vm_area){.start = start, .end = start + size, .flags = flags, .name = name};
    list_add_tail(&area->link, next ? &next->link : &mm->areas);
    return 0;
}

/* ---- pages ---- */

/*
 * The entry for an address whose area exists: a zeroed page is entered if there is none yet. NULL
 * when out of memory.
 */
static pte_t *touch(struct mm *mm, const struct vm_area *area, u32 addr)
{
    pte_t *pte = pgd_user_pte(mm->pgd, addr);
    struct page *page, *table;

    if (pte && pte_present(*pte))
        return pte;
    page = alloc_page(GFP_HIGHUSER | __GFP_ZERO);
    table = pte ? NULL : alloc_page(GFP_KERNEL | __GFP_ZERO);
    if (!page || (!pte && !table)) {
        if (page)
            free_page(page);
        if (table)
            free_page(table);
        return NULL;
    }
    if (!pte) {
        table->type = PAGE_PGTABLE;
        pgd_set_user_table(mm->pgd, addr, page_to_phys(table));
        mm->tables++;
        pte = pgd_user_pte(mm->pgd, addr);
    }
    page->type = PAGE_USER;
    *pte = pte_make(page_to_phys(page), area->flags & VM_WRITE ? PAGE_USER_RW : PAGE_USER_RO);
    mm->pages++;
    return pte;
}

enum mm_fault mm_fault(struct mm *mm, u32 addr, bool write)
{
    struct vm_area *area;

    if (addr >= TASK_SIZE)
        return MM_FAULT_KERNEL;
    area = mm_find_area(mm, addr);
    if (!area)
        return MM_FAULT_NO_AREA;
    if (write && !(area->flags & VM_WRITE))
        return MM_FAULT_READONLY;
    return touch(mm, area, addr) ? MM_FAULT_OK : MM_FAULT_NO_MEMORY;
}

const char *mm_fault_text(enum mm_fault fault)
{
    static const char *const text[] = {
        [MM_FAULT_OK] = "nothing is wrong",
        [MM_FAULT_KERNEL] = "the address belongs to the kernel",
        [MM_FAULT_NO_AREA] = "nothing is mapped there",
        [MM_FAULT_READONLY] = "the page is read-only",
        [MM_FAULT_NO_MEMORY] = "out of memory",
    };

    return text[fault];
}

/* Touch every page of [addr, addr + size). The pages stay when a later one fails: see mm_write(). */
static int touch_range(struct mm *mm, u32 addr, u32 size)
{
    u32 last = PFN_DOWN(addr + size - 1);

    if (size > TASK_SIZE || addr > TASK_SIZE - size)
        return -EFAULT;
    for (u32 pfn = PFN_DOWN(addr); pfn <= last; pfn++) {
        struct vm_area *area = mm_find_area(mm, pfn << PAGE_SHIFT);

        if (!area)
            return -EFAULT;
        if (!touch(mm, area, pfn << PAGE_SHIFT))
            return -ENOMEM;
    }
    return 0;
}

static void write_page(struct page *page, u32 offset, const void *from, u32 size)
{
    char *addr = kmap_local_page(page);

    memcpy(addr + offset, from, size);
    kunmap_local(addr);
}

int mm_write(struct mm *mm, u32 addr, const void *from, u32 size)
{
    int err = size ? touch_range(mm, addr, size) : 0;

    if (err)
        return err;
    while (size) {
        u32 offset = addr % PAGE_SIZE, part = min(size, PAGE_SIZE - offset);

        write_page(pfn_to_page(pte_pfn(*pgd_user_pte(mm->pgd, addr))), offset, from, part);
        from = (const char *)from + part;
        addr += part;
        size -= part;
    }
    return 0;
}

/* Give back the pages of [start, end) of an address space; its tables stay until it ends. */
static void unmap_range(struct mm *mm, u32 start, u32 end)
{
    bool loaded = pgd_loaded() == mm->pgd_phys;

    for (u32 addr = start; addr < end; addr += PAGE_SIZE) {
        pte_t *pte = pgd_user_pte(mm->pgd, addr);
        struct page *page;

        if (!pte)
            addr |= LARGE_PAGE_SIZE - PAGE_SIZE; /* no table: on to the last page of its 4 MiB */
        if (!pte || !pte_present(*pte))
            continue;
        page = phys_to_page(pte_frame(*pte));
        pte->val = 0;
        if (loaded)
            tlb_flush_page(addr);
        free_page(page);
        mm->pages--;
    }
}

/* ---- the heap ---- */

/* True when [start, end) and the guard gap above it are free of other areas. */
static bool room_for_heap(struct mm *mm, u32 start, u32 end)
{
    struct vm_area *next = area_ending_above(mm, start);

    return end <= TASK_SIZE - MM_GUARD_GAP && (!next || next->start >= end + MM_GUARD_GAP);
}

static bool create_heap(struct mm *mm, u32 end)
{
    if (!room_for_heap(mm, mm->start_brk, end) ||
        mm_add_area(mm, mm->start_brk, end - mm->start_brk, VM_READ | VM_WRITE, "heap"))
        return false;
    mm->heap = mm_find_area(mm, mm->start_brk);
    return true;
}

static void shrink_heap(struct mm *mm, u32 end)
{
    unmap_range(mm, end, mm->heap->end);
    mm->heap->end = end;
    if (end == mm->start_brk) {
        list_del(&mm->heap->link);
        kfree(mm->heap);
        mm->heap = NULL;
    }
}

/* Let the heap's area end at `end`, a page border; it exists only while it is not empty. */
static bool set_heap_end(struct mm *mm, u32 end)
{
    if (!mm->heap)
        return end == mm->start_brk || create_heap(mm, end);
    if (end > mm->heap->end && !room_for_heap(mm, mm->heap->end, end))
        return false;
    if (end < mm->heap->end)
        shrink_heap(mm, end);
    else
        mm->heap->end = end;
    return true;
}

u32 mm_brk(struct mm *mm, u32 brk)
{
    if (brk >= mm->start_brk && brk <= TASK_SIZE - PAGE_SIZE && set_heap_end(mm, PAGE_ALIGN(brk)))
        mm->brk = brk;
    return mm->brk;
}
