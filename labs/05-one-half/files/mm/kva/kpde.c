/*
 * Three policies for the kernel half of the page directories (include/arch/x86/kpde.h says what
 * each function is for).
 *
 *   copied         The master gets an entry when an area needs it. Other directories never do: they
 *                  have what the master had when they were made. This is wrong.
 *   preallocated   The master has all entries before the first directory is copied from it, so no
 *                  entry of the kernel half ever changes.
 *   lazy           The master gets an entry when an area needs it. Another directory gets it when
 *                  the kernel misses it there, which is a page fault. Only what the page fault
 *                  itself needs must be there before: the kernel stack.
 *
 * The master is read-only after boot: only pgtable_set_kernel_table() can write to it. All other
 * directories are ordinary memory.
 *
 * Neighbours: mm/kva/kpde_choice.c chooses and calls at boot; later calls come from
 * mm/kva/vmap_area.c, arch/x86/pgtable.c, kernel/exception.c, kernel/sched.c and mm/check/.
 */
#include <mm/kva/kpde.h>
#include <mm/layout.h>

/* Enter the page table for addr, in the vmalloc area or the fixmap, into the master. */
static void enter(u32 addr)
{
    u32 span = ALIGN_DOWN(addr, LARGE_PAGE_SIZE);

    if (!pde_present(swapper_pg_dir[PDE_INDEX(span)]))
        pgtable_set_kernel_table(span, kernel_pte(span));
}

/* ---- copied ---- */

static void copied_boot(void)
{
    enter(VMALLOC_END); /* the fixmap guard, which the audit looks at through the master */
    enter(FIXMAP_START);
}

static void copied_area(u32 start, u32 end)
{
    for (u32 addr = ALIGN_DOWN(start, LARGE_PAGE_SIZE); addr < end - PAGE_SIZE;
         addr += LARGE_PAGE_SIZE)
        enter(addr);
}

static bool copied_missed(pde_t *pgd, u32 addr)
{
    (void)pgd, (void)addr;
    return false;
}

static void copied_stack(pde_t *pgd, u32 start, u32 end)
{
    (void)pgd, (void)start, (void)end;
}

static bool copied_is_right(u32 index, pde_t entry)
{
    return entry.val == swapper_pg_dir[index].val;
}

const struct kpde_policy kpde_copied = {
    .boot = copied_boot,
    .area = copied_area,
    .missed = copied_missed,
    .stack = copied_stack,
    .is_right = copied_is_right,
};

/* ---- preallocated ---- */

/* The master gets the entries of all page tables, those of the vmalloc area and of the fixmap. */
static void preallocated_boot(void)
{
    for (u32 addr = VMALLOC_START; addr; addr += LARGE_PAGE_SIZE) /* 0 is behind the fixmap */
        enter(addr);
}

static void preallocated_area(u32 start, u32 end)
{
    (void)start, (void)end;
}

static bool preallocated_missed(pde_t *pgd, u32 addr)
{
    (void)pgd, (void)addr;
    return false;
}

static void preallocated_stack(pde_t *pgd, u32 start, u32 end)
{
    (void)pgd, (void)start, (void)end;
}

static bool preallocated_is_right(u32 index, pde_t entry)
{
    return entry.val == swapper_pg_dir[index].val;
}

const struct kpde_policy kpde_preallocated = {
    .boot = preallocated_boot,
    .area = preallocated_area,
    .missed = preallocated_missed,
    .stack = preallocated_stack,
    .is_right = preallocated_is_right,
};

/* ---- lazy ---- */

/* The master gets no more entries than it needs at boot: those of the fixmap and its guard. */
static void lazy_boot(void)
{
    copied_boot();
}

/* The master gets the entries of the area's pages that it does not have yet; no other directory. */
static void lazy_area(u32 start, u32 end)
{
    copied_area(start, end);
}

/* Copy the master's entry for addr into a directory that lacks it; false if nothing is missing. */
static bool copy_entry(pde_t *pgd, u32 addr)
{
    pde_t *entry = &pgd[PDE_INDEX(addr)], master = swapper_pg_dir[PDE_INDEX(addr)];

    if (addr < VMALLOC_START || pde_present(*entry) || !pde_present(master))
        return false;
    *entry = master;
    return true;
}

/* The directory may lack what the master has. No entry is changed but the one that is missed. */
static bool lazy_missed(pde_t *pgd, u32 addr)
{
    return copy_entry(pgd, addr);
}

/*
 * A page fault cannot bring what it needs itself. Afterwards the directory has the master's entries
 * for all pages of the stack; no other entry is changed.
 */
static void lazy_stack(pde_t *pgd, u32 start, u32 end)
{
    copy_entry(pgd, start);
    copy_entry(pgd, end - 1);
}

/* Only an entry of the vmalloc area may be missing (0). */
static bool lazy_is_right(u32 index, pde_t entry)
{
    bool may_lack = index >= PDE_INDEX(VMALLOC_START) && index < PDE_INDEX(VMALLOC_END);

    return entry.val == swapper_pg_dir[index].val || (may_lack && entry.val == 0);
}

const struct kpde_policy kpde_lazy = {
    .boot = lazy_boot,
    .area = lazy_area,
    .missed = lazy_missed,
    .stack = lazy_stack,
    .is_right = lazy_is_right,
};
