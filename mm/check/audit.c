/*
 * The audit: one walk over memory that checks the invariants of the design. It changes nothing,
 * allocates nothing, and stops at the first error.
 *
 *   I1  lowmem's entries match the address map and the image's sections     lowmem_check()
 *   I2  PDE 768..1023 are the same in every directory                       check_directories()
 *   I4  no entry of the kernel half has the user bit                        check_kernel_half()
 *   I5  structures for kernel entries are mapped, gates are correct         check_entry_points(), cpu_check()
 *   I6  text, constants, sealed data are never writable; WP, SMEP, SMAP on  check_kernel_half(), check_user_half(), cpu_check()
 *   I7  the vmalloc ranges tile their area, guards are not mapped           vmalloc_check()
 *   I8  free lists are whole; reference counts equal mappings and holders   page_alloc_check(), slab_check(), audit_counts()
 *       areas of processes: no entry allows more than its area; a writable private page has
 *       only one owner; pages, tables and areas are counted correctly       check_user_half(), vma_check()
 *       every frame has one owner, none is lost                             frames_check(), audit_lost(), check_tables()
 *       areas and files map only their own pages                            check_areas(), check_files()
 *       tables kept for reuse are empty                                     user_tables_check()
 *       no kmap slot is taken                                               kmap_check()
 *
 *  I10  memory mapped for devices is RAM in use, addresses are lowmem        dma_check()
 *
 * The checks that higher layers have registered run last.
 *
 * I9 is about operations, not about state: tests check it. I3 is about operations, too; only its
 * half that lies in memory can be checked here, and that is I2. Whether an old translation is still
 * in a TLB cannot be read, and an access to the page would load a new one. Tests touch, then unmap,
 * then touch again.
 *
 * Reference counts are checked without memory for a tally: every mapping found subtracts one from
 * the count of its page, then the counts must equal the number of holders, then all mappings are
 * added again.
 */
#include <arch/x86/cpu.h>
#include <arch/x86/pgtable.h>
#include <arch/x86/sections.h>
#include <lib/panic.h>
#include <lib/printf.h>
#include <mm/check/audit.h>
#include <mm/check/audit_internal.h>
#include <mm/check/frames.h>
#include <mm/frame/highmem.h>
#include <mm/frame/page_alloc.h>
#include <mm/frame/slab.h>
#include <mm/kva/dma.h>
#include <mm/kva/lowmem.h>
#include <mm/kva/vmalloc.h>
#include <mm/user/filemap.h>
#include <mm/user/mm_internal.h>

#define REGISTERED_MAX 4 /* checks of higher layers */

static struct frames frames; /* counted once per audit, because it visits every frame */

/* Frames that must not be writable through any mapping. */
static bool frame_is_sealed(phys_addr_t frame)
{
    return frame >= virt_to_phys(__text_start) && frame < virt_to_phys(__sealed_end);
}

/* ---- the kernel half ---- */

static const char *check_kernel_pte(u32 addr, pte_t pte)
{
    if (!pte_present(pte))
        return NULL;
    if (pte_user(pte))
        return audit_report("I4: the PTE of kernel page 0x%08x has the user bit: 0x%08x", addr,
                            pte.val);
    if (pte_writable(pte) && frame_is_sealed(pte_frame(pte)))
        return audit_report("I6: page 0x%08x maps sealed frame 0x%08x writable", addr,
                            pte_frame(pte));
    return NULL;
}

static const char *check_kernel_pde(u32 index)
{
    pde_t pde = swapper_pg_dir[index];
    u32 addr = index << PDE_SHIFT;

    if (!pde_present(pde))
        return NULL;
    if (pde.val & PTE_US)
        return audit_report("I4: kernel PDE %u has the user bit: 0x%08x", index, pde.val);
    if (pde_is_large(pde))
        return NULL; /* lowmem beyond the image: I1 */
    for (u32 i = 0; i < 1024; i++) {
        const char *text = check_kernel_pte(addr + (i << PAGE_SHIFT), pde_page_table(pde)[i]);

        if (text)
            return text;
    }
    return NULL;
}

static const char *check_hole(u32 start, u32 end, const char *name)
{
    for (u32 addr = start; addr != end; addr += PAGE_SIZE) {
        if (!pde_present(swapper_pg_dir[PDE_INDEX(addr)])) {
            u32 last = addr | (LARGE_PAGE_SIZE - PAGE_SIZE);

            addr = last < end - PAGE_SIZE ? last : end - PAGE_SIZE;
            continue;
        }
        if (pgd_walk(swapper_pg_dir, addr).mapped)
            return audit_report("I1: page 0x%08x is mapped, but lies in %s", addr, name);
    }
    return NULL;
}

static const char *check_kernel_half(void)
{
    const char *text = check_hole(high_memory, VMALLOC_START, "the hole below the vmalloc area");

    if (!text)
        text = check_hole(VMALLOC_END, FIXMAP_START, "the page below the fixmap");
    if (!text)
        text = check_hole(FIXMAP_END, 0, "the last page");
    for (u32 i = KERNEL_PDE_FIRST; i < 1024 && !text; i++)
        text = check_kernel_pde(i);
    return text;
}

static const char *check_entry_points(void)
{
    struct cpu_entry_point point;

    for (u32 i = 0; cpu_entry_point(i, &point); i++) {
        for (u32 addr = ALIGN_DOWN(point.start, PAGE_SIZE); addr < point.end; addr += PAGE_SIZE) {
            if (!pgd_walk(swapper_pg_dir, addr).mapped)
                return audit_report("I5: %s: page 0x%08x is not mapped", point.name, addr);
        }
    }
    return NULL;
}

/* ---- the user halves ---- */

/* An entry that holds a page may grant no right that its area or its page forbids. */
static const char *check_user_rights(const struct mm *mm, u32 addr, pte_t pte,
                                     const struct vm_area *area, const struct page *page)
{
    bool shared = area->flags & VM_SHARED;
    const char *what = NULL;

    if (pte_present(pte) && !(area->flags & VM_ACCESS))
        what = "can be used, its area cannot";
    else if (!pte_writable(pte))
        return NULL;
    else if (!(area->flags & VM_WRITE))
        what = "is writable, its area is not";
    else if (page == zero_page)
        what = "is writable and shows the page of zeros";
    else if (page->type == PAGE_FILE && !(shared && page->dirty))
        what = "is writable and shows a page of a file";
    else if (page->type == PAGE_USER && !shared && page->refcount != 1)
        what = "is writable and private, but its page is shared";
    return what ? audit_report("I8: directory 0x%08x: 0x%08x %s (frame 0x%08x, %d references)",
                               mm->pgd_phys, addr, what, pte_frame(pte), page->refcount)
                : NULL;
}

/*
 * True when this page may be mapped at addr in the area: a page of a file must be the one of that
 * file offset.
 */
static bool page_fits(const struct vm_area *area, u32 addr, const struct page *page)
{
    u32 index = area->pgoff + ((addr - area->start) >> PAGE_SHIFT);

    if (page->type == PAGE_USER)
        return true;
    if (!area->file)
        return page == zero_page;
    return page->type == PAGE_FILE && filemap_find_page(area->file, index) == page;
}

static const char *check_user_pte(struct mm *mm, u32 addr, pte_t pte)
{
    struct vm_area *area = mm_find_area(mm, addr);
    const struct page *page;

    if (!area)
        return audit_report("I8: directory 0x%08x maps 0x%08x, where it has no area", mm->pgd_phys,
                            addr);
    if (!pte_user(pte))
        return audit_report("I8: directory 0x%08x: the PTE of user page 0x%08x has no user bit",
                            mm->pgd_phys, addr);
    if (pte_writable(pte) && frame_is_sealed(pte_frame(pte)))
        return audit_report("I6: directory 0x%08x: 0x%08x maps sealed frame 0x%08x writable",
                            mm->pgd_phys, addr, pte_frame(pte));
    if (pte_pfn(pte) >= max_pfn)
        return audit_report("I8: directory 0x%08x: 0x%08x maps 0x%08x, which is not usable RAM",
                            mm->pgd_phys, addr, pte_frame(pte));
    page = phys_to_page(pte_frame(pte));
    if (!page_fits(area, addr, page))
        return audit_report("I8: directory 0x%08x: 0x%08x maps frame 0x%08x of type %u",
                            mm->pgd_phys, addr, pte_frame(pte), page->type);
    return check_user_rights(mm, addr, pte, area, page);
}

static const char *check_user_half(struct mm *mm)
{
    u32 pages = 0, tables = 0;

    for (u32 i = 0; i < KERNEL_PDE_FIRST; i++) {
        if (!pde_present(mm->pgd[i]))
            continue;
        tables++;
        for (u32 k = 0; k < 1024; k++) {
            pte_t pte = pde_page_table(mm->pgd[i])[k];
            const char *text = NULL;

            if (pte_none(pte))
                continue;
            pages++;
            text = check_user_pte(mm, i << PDE_SHIFT | k << PAGE_SHIFT, pte);
            if (text)
                return text;
        }
    }
    if (pages != mm->pages || tables != mm->tables)
        return audit_report("I8: directory 0x%08x has %u pages in %u tables, counted as %u in %u",
                            mm->pgd_phys, pages, tables, mm->pages, mm->tables);
    return NULL;
}

static const char *check_directory(struct mm *mm)
{
    const char *text = vma_check(mm);

    for (u32 i = KERNEL_PDE_FIRST; i < 1024; i++) {
        if (mm->pgd[i].val != swapper_pg_dir[i].val)
            return audit_report("I2: directory 0x%08x: PDE %u is 0x%08x, the master's is 0x%08x",
                                mm->pgd_phys, i, mm->pgd[i].val, swapper_pg_dir[i].val);
    }
    return text ? audit_report("I8: %s", text) : check_user_half(mm);
}

static const char *check_files(void)
{
    u32 pages;
    const char *text = filemap_check(&pages);

    if (text || frames.by_type[PAGE_FILE] == pages)
        return text;
    return audit_report("I8: there are %u frames of files, but files have %u",
                        frames.by_type[PAGE_FILE], pages);
}

static const char *check_frames(void)
{
    return frames_check(&frames);
}

/* The tables and areas of the address spaces, and those kept for reuse, must be all that exist. */
static const char *check_tables(u32 tables)
{
    if (frames.by_type[PAGE_PGTABLE] == tables)
        return NULL;
    return audit_report(
        "I8: there are %u frames of directories and tables, but address spaces have %u",
        frames.by_type[PAGE_PGTABLE], tables);
}

static const char *check_directories(void)
{
    u32 tables = user_tables_kept();
    bool loaded_is_known = pgd_loaded() == virt_to_phys(swapper_pg_dir);

    for (struct mm *mm = mm_next(NULL); mm; mm = mm_next(mm)) {
        const char *text = check_directory(mm);

        if (text)
            return text;
        loaded_is_known |= pgd_loaded() == mm->pgd_phys;
        tables += mm->tables + 1;
    }
    if (!loaded_is_known)
        return audit_report("I2: CR3 holds 0x%08x, the directory of no process", pgd_loaded());
    return check_tables(tables);
}

/* ---- mappings of the vmalloc area ---- */

/* True when an area of this kind may map this page. */
static bool entry_fits(u32 kind, pte_t pte)
{
    bool ram = !pte_device(pte) && pte_pfn(pte) < max_pfn;

    if (kind == VM_IOREMAP)
        return pte_device(pte);
    return ram && (kind == VM_MAP || pfn_to_page(pte_pfn(pte))->type == PAGE_VMALLOC);
}

static const char *check_area(const struct vmap_area *area)
{
    for (u32 addr = area->start; addr < area->end - PAGE_SIZE; addr += PAGE_SIZE) {
        pte_t pte = *kernel_pte(addr);

        if (!entry_fits(area->flags, pte))
            return audit_report(
                "I8: the PTE of 0x%08x, in area 0x%08x of kind %u, is 0x%08x: not a page of "
                "that kind",
                addr, area->start, area->flags, pte.val);
    }
    return NULL;
}

/*
 * Areas that own their pages map only pages of that type, and map as many as exist. Together with
 * the reference counts, this means that each page has exactly one owner.
 */
static const char *check_areas(void)
{
    const struct vmap_area *area = vmap_area_at_or_above(VMALLOC_START);
    u32 owned = 0;

    for (; area; area = vmap_area_at_or_above(area->end)) {
        const char *text = check_area(area);

        if (text)
            return text;
        owned += area->flags == VM_ALLOC ? vmap_area_pages(area) : 0;
    }
    if (frames.by_type[PAGE_VMALLOC] != owned)
        return audit_report("I8: there are %u frames of vmalloc, but its areas own %u",
                            frames.by_type[PAGE_VMALLOC], owned);
    return NULL;
}

/* ---- all checks ---- */

static const char *(*registered[REGISTERED_MAX])(void)__ro_after_init;

void audit_register(const char *(*check)(void))
{
    u32 i = 0;

    while (i < REGISTERED_MAX && registered[i])
        i++;
    assert_op(i, <, REGISTERED_MAX);
    registered[i] = check;
}

/* audit_counts() relies on page_alloc_check(). */
const char *mm_audit(void)
{
    static const char *(*const checks[])(void) = {
        lowmem_check,      check_kernel_half, check_entry_points, check_directories,
        vmalloc_check,     page_alloc_check,  slab_check,         audit_lost,
        audit_counts,      check_frames,      check_areas,        check_files,
        user_tables_check, kmap_check,        dma_check,          cpu_check,
    };

    const char *text = NULL;

    frames_count(&frames);
    for (u32 i = 0; i < ARRAY_SIZE(checks) && !text; i++)
        text = checks[i]();
    for (u32 i = 0; i < REGISTERED_MAX && registered[i] && !text; i++)
        text = registered[i]();
    return text;
}
