/*
 * Explaining an address: walks the directory and the table as the processor does, and then adds
 * what the kernel knows about the address.
 *
 * The processor looks for P at both levels first; an access to what is mapped then needs US at both
 * levels (ring 3), RW at both (writes; ring 0 only as long as CR0.WP is set), and ring 0 must not
 * run (SMEP) or touch (SMAP, unless EFLAGS.AC is set) what ring 3 may use. The first check that
 * fails, at the first level where it fails, decides: Intel SDM vol. 3, 4.6 and 4.7. 32-bit paging
 * has no execute bit.
 *
 * The reader wants to know why something broke, so no data is trusted: a page table is read only if
 * it is in lowmem, each entry, node and pointer is read with copy_from_kernel_nofault(), and a
 * search ends after more steps than a correct tree has levels. What cannot be read is not guessed.
 *
 * Limits: a 4 MiB page whose frame is above 4 GiB (PSE-36) is not followed; Attic has none.
 *
 * Neighbours: mm/check/rmap.c finds the other addresses of a frame, mm/kva/dma_verdict.c judges
 * DMA, kernel/view/explain.c writes the text.
 */
#include <arch/x86/cpu.h>
#include <arch/x86/sections.h>
#include <arch/x86/uaccess.h>
#include <mm/check/explain_walk.h>
#include <mm/kva/lowmem.h>
#include <mm/kva/vmap_area_internal.h>
#include <mm/user/mm_internal.h>

#define TREE_DEPTH_MAX 64 /* twice the levels of a tree of 2^32 nodes */

/* Copy from a kernel address that may be invalid. */
static bool peek(void *to, const void *from, u32 size)
{
    return copy_from_kernel_nofault(to, from, size) == 0;
}

/* ---- the walk ---- */

/* Read entry `index` of the directory or table at physical address `table`. */
static bool read_entry(struct explain_entry *entry, phys_addr_t table, u32 index)
{
    entry->index = index;
    entry->phys = table + index * sizeof(entry->val);
    if (entry->phys >= lowmem_size)
        return false;
    entry->virt = PAGE_OFFSET + entry->phys;
    return peek(&entry->val, (const void *)entry->virt, sizeof(entry->val));
}

/* The kind of tag in an entry that is not present, if its range has a tag at this address. */
static enum explain_content tag_kind(u32 addr, u32 val)
{
    struct vmap_area range;

    if (!peek(&range, (const void *)val, sizeof(range)))
        return EXPLAIN_LEFTOVER;
    if (range.flags)
        return addr == range.end - PAGE_SIZE ? EXPLAIN_GUARD : EXPLAIN_LEFTOVER;
    return addr == range.start || addr == range.end - PAGE_SIZE ? EXPLAIN_BORDER : EXPLAIN_LEFTOVER;
}

/* The meaning of the other bits of a page-table entry that is not present. */
static enum explain_content content_of(u32 addr, u32 val)
{
    if (val == 0)
        return EXPLAIN_EMPTY;
    if (addr < TASK_SIZE)
        return (val & ~PTE_FRAME) == PAGE_USER_NONE.val ? EXPLAIN_KEPT : EXPLAIN_LEFTOVER;
    return addr >= VMALLOC_START && addr <= VMALLOC_END ? tag_kind(addr, val) : EXPLAIN_LEFTOVER;
}

static void walk_table(struct explanation *facts)
{
    struct explain_entry *pte = &facts->pte;
    u32 page = ALIGN_DOWN(facts->addr, PAGE_SIZE);

    facts->stop = EXPLAIN_PTE;
    if (!read_entry(pte, facts->pde.val & PTE_FRAME, PTE_INDEX(facts->addr)))
        return;
    if (pte->val & PTE_P) {
        pte->form = EXPLAIN_PAGE;
        facts->stop = EXPLAIN_NOWHERE;
        facts->phys = (pte->val & PTE_FRAME) + facts->addr % PAGE_SIZE;
    } else {
        pte->form = EXPLAIN_NOT_PRESENT;
        pte->content = content_of(page, pte->val);
    }
    facts->has_frame = pte->val & PTE_P || pte->content == EXPLAIN_KEPT;
    facts->frame.phys = pte->val & PTE_FRAME;
}

static void walk(struct explanation *facts, phys_addr_t pgd)
{
    struct explain_entry *pde = &facts->pde;

    facts->stop = EXPLAIN_PDE;
    if (!read_entry(pde, pgd, PDE_INDEX(facts->addr)))
        return;
    if (!(pde->val & PTE_P)) {
        pde->form = EXPLAIN_NOT_PRESENT;
        pde->content = pde->val ? EXPLAIN_LEFTOVER : EXPLAIN_EMPTY;
    } else if (pde->val & PTE_PS) {
        pde->form = EXPLAIN_LARGE;
        facts->stop = EXPLAIN_NOWHERE;
        facts->has_frame = true;
        facts->phys = (pde->val & PDE_LARGE_FRAME) + facts->addr % LARGE_PAGE_SIZE;
        facts->frame.phys = ALIGN_DOWN(facts->phys, PAGE_SIZE);
    } else {
        pde->form = EXPLAIN_TABLE;
        walk_table(facts);
    }
}

/* ---- rights ---- */

/* The first level of the walk whose entry has this bit clear; EXPLAIN_NOWHERE when none has. */
static enum explain_level level_without(const struct explanation *facts, u32 bit)
{
    if (!(facts->pde.val & bit))
        return EXPLAIN_PDE;
    return facts->pde.form == EXPLAIN_TABLE && !(facts->pte.val & bit) ? EXPLAIN_PTE
                                                                       : EXPLAIN_NOWHERE;
}

static struct explain_right allowed(void)
{
    return (struct explain_right){.allowed = true};
}

static struct explain_right refused(enum explain_why why, enum explain_level level)
{
    return (struct explain_right){.why = why, .level = level};
}

/* The walk has found a frame. */
static struct explain_right right_of_ring3(const struct explanation *facts, u32 access)
{
    if (level_without(facts, PTE_US))
        return refused(EXPLAIN_US, level_without(facts, PTE_US));
    if (access == EXPLAIN_WRITE && level_without(facts, PTE_RW))
        return refused(EXPLAIN_RW, level_without(facts, PTE_RW));
    return allowed();
}

static struct explain_right right_of_ring0(const struct explanation *facts, u32 access)
{
    enum explain_level last = facts->pde.form == EXPLAIN_TABLE ? EXPLAIN_PTE : EXPLAIN_PDE;
    enum explain_level read_only =
        access == EXPLAIN_WRITE ? level_without(facts, PTE_RW) : EXPLAIN_NOWHERE;
    bool user = !level_without(facts, PTE_US);

    if (read_only && cpu_wp_is_on())
        return refused(EXPLAIN_RW_WP, read_only);
    if (user && access == EXPLAIN_EXECUTE && cpu_smep_is_on())
        return refused(EXPLAIN_SMEP, last);
    if (user && access != EXPLAIN_EXECUTE && cpu_smap_is_on())
        return refused(EXPLAIN_SMAP, last);
    if (read_only)
        return (struct explain_right){true, EXPLAIN_RW_WITHOUT_WP, read_only};
    return allowed();
}

static struct explain_right right_of(const struct explanation *facts, u32 ring, u32 access)
{
    if (facts->pde.form == EXPLAIN_UNREAD ||
        (facts->pde.form == EXPLAIN_TABLE && facts->pte.form == EXPLAIN_UNREAD))
        return refused(EXPLAIN_CANNOT_TELL, facts->stop);
    if (facts->stop)
        return refused(EXPLAIN_P, facts->stop);
    return ring == EXPLAIN_RING0 ? right_of_ring0(facts, access) : right_of_ring3(facts, access);
}

static void find_rights(struct explanation *facts)
{
    for (u32 ring = 0; ring < EXPLAIN_RINGS; ring++) {
        for (u32 access = 0; access < EXPLAIN_ACCESSES; access++)
            facts->right[ring][access] = right_of(facts, ring, access);
    }
}

/* ---- trees of areas ---- */

/* The two nodes around the address that was searched for; NULL if there is no such node. */
struct sides {
    const struct rb_node *below; /* the last node that starts at or below it */
    const struct rb_node *above; /* the first that starts above it */
};

/* Both kinds of area begin with their node; their first address is `start` bytes behind it. */
static struct sides find_sides(const struct rb_root *tree, u32 start, u32 addr)
{
    struct sides sides = {NULL, NULL};
    struct rb_root root = RB_ROOT;
    struct rb_node node;
    u32 at;

    peek(&root, tree, sizeof(root));
    for (u32 depth = 0; root.rb_node && depth < TREE_DEPTH_MAX; depth++) {
        if (!peek(&node, root.rb_node, sizeof(node)) ||
            !peek(&at, (const char *)root.rb_node + start, sizeof(at)))
            break;
        if (at <= addr)
            sides.below = root.rb_node;
        else
            sides.above = root.rb_node;
        root.rb_node = at <= addr ? node.rb_right : node.rb_left;
    }
    return sides;
}

/* ---- the vmalloc area ---- */

/* Read a busy range as an area without its guard; false when it is not a busy range. */
static bool take_vmap_area(struct explain_area *out, const struct rb_node *node)
{
    struct vmap_area area;

    if (!node || !peek(&area, node, sizeof(area)) || !area.flags)
        return false;
    *out = (struct explain_area){
        .kind = area.flags & VM_IOREMAP ? EXPLAIN_IOREMAP
                : area.flags & VM_MAP   ? EXPLAIN_VMAP
                                        : EXPLAIN_VMALLOC,
        .start = area.start,
        .last = area.end - PAGE_SIZE - 1,
        .caller = area.caller,
    };
    return true;
}

static struct sides vmap_sides(u32 addr)
{
    return find_sides(&vmap_ranges, offsetof(struct vmap_area, start), addr);
}

static u32 start_of(const struct rb_node *node)
{
    u32 start = 0;

    peek(&start, (const char *)node + offsetof(struct vmap_area, start), sizeof(start));
    return start;
}

/*
 * Free ranges are nodes, too. The neighbour of a free range is a busy area or nothing, except at
 * the upper end of the tree, where two free ranges may touch (mm/kva/vmap_area.c: the spare).
 */
static void find_vmap_neighbours(struct explanation *facts)
{
    struct sides sides = vmap_sides(facts->addr);
    const struct rb_node *below = sides.below, *above = sides.above;

    for (u32 i = 0; i < 3 && below && !take_vmap_area(&facts->below, below); i++)
        below = vmap_sides(start_of(below) - 1).below;
    for (u32 i = 0; i < 3 && above && !take_vmap_area(&facts->above, above); i++)
        above = vmap_sides(start_of(above)).above;
}

static void find_vmap_area_around(struct explanation *facts)
{
    struct explain_area area;

    find_vmap_neighbours(facts);
    area = facts->below;
    facts->gap = EXPLAIN_FREE;
    if (!area.kind)
        return;
    if (facts->addr <= area.last)
        facts->area = area;
    else if (facts->addr <= area.last + PAGE_SIZE)
        facts->gap = EXPLAIN_GUARD_PAGE;
}

/* ---- other regions ---- */

static struct explain_area region_area(const struct layout_region *region)
{
    return (struct explain_area){.kind = EXPLAIN_REGION,
                                 .start = region->start,
                                 .last = layout_region_last(region),
                                 .name = region->text};
}

static void find_row(struct explanation *facts)
{
    const struct map_row *row;

    for (u32 i = 0; (row = lowmem_map_row(i)); i++) {
        if (facts->addr - row->virt < row->size)
            facts->area = (struct explain_area){.kind = EXPLAIN_ROW,
                                                .start = row->virt,
                                                .last = row->virt + row->size - 1,
                                                .name = row->name};
    }
}

/* The nearest page of the fixmap from addr on, in steps of a page up or down, that maps a frame. */
static void find_slot(struct explain_area *out, u32 addr, u32 step)
{
    pte_t pte;

    for (; addr >= FIXMAP_START && addr < FIXMAP_END; addr += step) {
        if (peek(&pte, kernel_pte(addr), sizeof(pte)) && pte_present(pte)) {
            *out = (struct explain_area){
                .kind = EXPLAIN_SLOT, .start = addr, .last = addr + PAGE_SIZE - 1};
            return;
        }
    }
}

static void find_slots(struct explanation *facts)
{
    u32 page = ALIGN_DOWN(facts->addr, PAGE_SIZE);

    find_slot(&facts->below, page, 0u - PAGE_SIZE);
    find_slot(&facts->above, page, PAGE_SIZE);
    facts->gap = EXPLAIN_FREE;
    if (facts->below.kind && facts->below.start == page)
        facts->area = facts->below;
}

/* The names of areas are constant strings; other pointers are not followed. */
static const char *sound_name(const char *name)
{
    return name >= __rodata_start && name < __rodata_end ? name : NULL;
}

static bool take_user_area(struct explain_area *out, const struct rb_node *node)
{
    struct vm_area area;

    if (!node || !peek(&area, node, sizeof(area)))
        return false;
    *out = (struct explain_area){
        .kind = EXPLAIN_USER,
        .start = area.start,
        .last = area.end - 1,
        .name = sound_name(area.name),
        .caller = area.caller,
        .flags = area.flags,
        .file = area.file,
        .page = area.pgoff,
    };
    return true;
}

/* The area above is a stack that may grow down to here (mm/user/fault.c), or has its gap here. */
static bool is_below_stack(const struct explanation *facts)
{
    const struct explain_area *stack = &facts->above;
    u32 limit = 0;

    if (!(stack->flags & VM_GROWSDOWN))
        return false;
    peek(&limit, &facts->mm->stack_limit, sizeof(limit));
    return stack->last - ALIGN_DOWN(facts->addr, PAGE_SIZE) < limit ||
           stack->start - facts->addr <= MM_GUARD_GAP;
}

static void find_user_area(struct explanation *facts)
{
    struct sides sides;

    if (!facts->mm)
        return;
    sides = find_sides(&facts->mm->areas, offsetof(struct vm_area, start), facts->addr);
    facts->gap = EXPLAIN_FREE;
    if (take_user_area(&facts->below, sides.below) && facts->addr <= facts->below.last)
        facts->area = facts->below;
    if (take_user_area(&facts->above, sides.above) && is_below_stack(facts))
        facts->gap = EXPLAIN_STACK_GAP;
}

/* The neighbours of the first and the last area of a region are the adjacent regions. */
static void find_regions_around(struct explanation *facts)
{
    u32 i = facts->region - layout_regions;

    if (!facts->below.kind && i + 1 < LAYOUT_REGIONS)
        facts->below = region_area(&layout_regions[i + 1]);
    if (!facts->above.kind && i > 0)
        facts->above = region_area(&layout_regions[i - 1]);
}

static void find_area(struct explanation *facts)
{
    switch (facts->region - layout_regions) {
    case REGION_LOWMEM:
        find_row(facts);
        break;
    case REGION_VMALLOC:
        find_vmap_area_around(facts);
        break;
    case REGION_FIXMAP:
        find_slots(facts);
        break;
    case REGION_USER:
    case REGION_NULL:
        find_user_area(facts);
        break;
    default: /* nothing is ever there */
        break;
    }
    if (facts->area.kind)
        facts->gap = EXPLAIN_NO_GAP;
    else
        find_regions_around(facts);
}

void explain_walk(struct explanation *facts, phys_addr_t pgd, const struct mm *mm, u32 addr)
{
    *facts = (struct explanation){.addr = addr, .mm = mm, .region = layout_region_of(addr)};
    walk(facts, pgd);
    find_rights(facts);
    find_area(facts);
    facts->wrong = explain_find_wrong(facts);
}

/* ---- frames, devices ---- */

static void find_frame(struct explain_frame *frame)
{
    u32 pfn = PFN_DOWN(frame->phys);
    struct page *page, *first;

    if (pfn >= max_pfn)
        return;
    page = pfn_to_page(pfn);
    first = page_head(page);
    frame->ram = true;
    frame->zero_page = page == zero_page;
    frame_owner(pfn, &frame->owner);
    frame->references = page->refcount;
    frame->block = page_to_phys(first);
    frame->block_frames = page_block_size(first);
    frame->block_references = first->refcount;
}

void explain_address(struct explanation *facts, const struct mm *mm, u32 addr)
{
    static const struct device any = {.name = "any", .dma_mask = DMA_BIT_MASK(32)};
    const void *pointer = (const void *)addr;

    explain_walk(facts, mm ? mm->pgd_phys : virt_to_phys(swapper_pg_dir), mm, addr);
    if (facts->has_frame)
        find_frame(&facts->frame);
    facts->dma[0] = dma_query_single(&any, pointer, 1, DMA_TO_DEVICE);
    facts->dma[1] = dma_query_single(&any, pointer, 1, DMA_FROM_DEVICE);
}
