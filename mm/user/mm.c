/*
 * Address spaces: creation, fork, switch and destruction.
 *
 * A struct mm is a page directory and a tree of areas. The upper quarter of the directory is a copy
 * of the master's entries, which never change (invariant I2). Below, the areas define what a
 * process may use, and the page tables contain what it has used.
 *
 * Fork copies no page. Both sides get the same entries, read-only where a write would be seen by
 * the other, and the first write on either side makes a copy (mm/user/fault.c). Only the ranges of
 * the areas are walked, and only tables that exist. The parent's pages become read-only, so its TLB
 * is flushed once at the end; until then it does not run.
 *
 * Fork and the destruction of an address space may be long: they yield after each page table. At
 * these points areas, entries and counts agree, and the incomplete child is in the list of address
 * spaces, so that the audit sees what it holds.
 *
 * Kernel threads have no address space and run with the directory that is loaded; all of them map
 * the same kernel. Therefore the loaded directory must not be freed.
 */
#include <arch/x86/tlb.h>
#include <asm/errno.h>
#include <lib/panic.h>
#include <lib/resched.h>
#include <lib/string.h>
#include <mm/frame/slab.h>
#include <mm/user/filemap.h>
#include <mm/user/mm_internal.h>

static LIST_HEAD(all_mms); /* lock: not preempted */
static struct kmem_cache *mm_cache __ro_after_init;

void mm_init(void)
{
    mm_cache = kmem_cache_create("mm_struct", sizeof(struct mm));
    if (!mm_cache)
        panic("no memory for address spaces");
    reclaim_init();
    register_shrinker(user_tables_shrink);
    register_shrinker(filemap_reclaim);
    vma_init();
    page_tree_init();
}

/* ---- creating and destroying ---- */

struct mm *mm_create(void)
{
    pde_t *pgd = user_pgd_alloc();
    struct mm *mm;

    if (!pgd)
        return NULL;
    mm = kmem_cache_alloc(mm_cache);
    if (!mm) {
        user_pgd_free(pgd);
        return NULL;
    }
    *mm = (struct mm){.users = 1,
                      .pgd = pgd,
                      .pgd_phys = virt_to_phys(pgd),
                      .stack_limit = STACK_LIMIT,
                      .size_limit = ~0u,
                      .data_limit = ~0u,
                      .heap_limit = ~0u};
    list_add_tail(&mm->link, &all_mms);
    return mm;
}

/* Release the pages of an area, and free the tables that lie under it. */
static void empty_area(struct mm *mm, const struct vm_area *area)
{
    u32 stop;

    for (u32 addr = area->start; addr < area->end && mm->tables; addr = stop) {
        stop = user_piece_end(mm, addr, area->end);
        user_zap(mm, addr, stop);
        cond_resched();
    }
}

/*
 * Free the tables of the 4 MiB steps that an area touches. The first and the last may hold entries
 * of other areas, so all areas are emptied before.
 */
static void free_tables(struct mm *mm, const struct vm_area *area)
{
    u32 stop;

    for (u32 addr = area->start; addr < area->end && mm->tables; addr = stop) {
        stop = user_piece_end(mm, addr, area->end);
        if (pgd_user_pte(mm->pgd, addr))
            user_table_remove(mm, addr);
    }
}

static void destroy(struct mm *mm)
{
    struct vm_area *area;

    if (mm_is_loaded(mm))
        mm_switch(NULL);
    for (area = mm_area_above(mm, 0); area; area = area->next)
        empty_area(mm, area);
    for (area = mm_area_above(mm, 0); area; area = area->next)
        free_tables(mm, area);
    assert_op(mm->pages, ==, 0);
    assert_op(mm->tables, ==, 0);
    list_del(&mm->link);
    user_pgd_free(mm->pgd); /* before other tasks run: the audit no longer counts it */
    vma_free_all(mm);
    kmem_cache_free(mm_cache, mm);
}

void mm_put(struct mm *mm)
{
    assert_op(mm->users, >, 0);
    if (--mm->users == 0)
        destroy(mm);
}

/* ---- fork ---- */

/* Copy an area, and add the copy behind `prev`. Returns the copy, or NULL. */
static struct vm_area *copy_area(struct mm *to, struct vm_area *prev, const struct vm_area *area)
{
    struct vm_area *copy = vma_new(area->start, area->end, area->flags, area->name, area->file,
                                   area->pgoff, area->caller);

    if (copy)
        vma_insert(to, prev, copy, NULL);
    return copy;
}

static bool copy_pages(struct mm *to, struct mm *mm, const struct vm_area *area)
{
    u32 stop;

    for (u32 addr = area->start; addr < area->end; addr = stop) {
        stop = user_piece_end(mm, addr, area->end);
        if (!user_copy(to, mm, addr, stop, area->flags))
            return false;
        if (stop < area->end)
            cond_resched();
    }
    return true;
}

static bool copy_areas(struct mm *to, struct mm *mm)
{
    struct vm_area *copy = NULL;

    for (struct vm_area *area = mm_area_above(mm, 0); area; area = area->next) {
        if (area->flags & VM_DONTCOPY)
            continue;
        copy = copy_area(to, copy, area);
        if (!copy || (!(area->flags & VM_WIPEONFORK) && !copy_pages(to, mm, area)))
            return false;
        cond_resched(); /* many may have no pages to copy */
    }
    return true;
}

static void copy_layout(struct mm *to, const struct mm *mm)
{
    to->start_brk = mm->start_brk;
    to->brk = mm->brk;
    to->stack_limit = mm->stack_limit;
    to->size_limit = mm->size_limit;
    to->data_limit = mm->data_limit;
    to->heap_limit = mm->heap_limit;
    to->arg_start = mm->arg_start;
    to->arg_end = mm->arg_end;
    to->env_start = mm->env_start;
    to->env_end = mm->env_end;
    to->auxv = mm->auxv;
    to->auxv_end = mm->auxv_end;
    to->undumpable = mm->undumpable;
}

struct mm *mm_fork(struct mm *mm)
{
    struct mm *to = mm_create();
    bool done;

    if (!to)
        return NULL;
    copy_layout(to, mm);
    done = copy_areas(to, mm);
    if (mm_is_loaded(mm))
        tlb_flush_user();
    if (!done) {
        mm_put(to);
        return NULL;
    }
    return to;
}

/* ---- the loaded address space, all address spaces ---- */

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
