/*
 * Explanations of kernel addresses: look() compares each with the raw tables, and the tests with
 * what made the mapping. Those of user addresses are in tests/kernel/view/explain_user_test.c.
 */
#include "tests/drivers/edu.h"
#include "tests/kernel/view/explain.h"
#include <arch/x86/irqflags.h>
#include <arch/x86/sections.h>
#include <arch/x86/tlb.h>
#include <kernel/kernel.h>
#include <kernel/task.h>
#include <lib/printf.h>
#include <mm/frame/page_alloc.h>
#include <mm/kva/vmalloc.h>

/* ---- lowmem ---- */

/* A page of the kernel image: its row, and whether the kernel may write it. */
static void expect_image(u32 addr, const char *row, bool writable)
{
    struct explanation facts = look(NULL, addr);
    u32 write_to = writable ? DMA_GRANTED : DMA_READ_ONLY;

    expect_eq(facts.region, &layout_regions[REGION_LOWMEM]);
    expect_eq(facts.area.kind, EXPLAIN_ROW);
    expect_str_eq(facts.area.name, row);
    expect(addr >= facts.area.start && addr <= facts.area.last);
    expect_eq(facts.phys, addr - PAGE_OFFSET);
    expect_right(&facts, EXPLAIN_RING0, EXPLAIN_READ, EXPLAIN_NOTHING, EXPLAIN_NOWHERE);
    if (writable)
        expect_right(&facts, EXPLAIN_RING0, EXPLAIN_WRITE, EXPLAIN_NOTHING, EXPLAIN_NOWHERE);
    else
        expect_right(&facts, EXPLAIN_RING0, EXPLAIN_WRITE, EXPLAIN_RW_WP, EXPLAIN_PTE);
    expect_right(&facts, EXPLAIN_RING3, EXPLAIN_WRITE, EXPLAIN_US, EXPLAIN_PDE);
    expect(facts.frame.ram);
    expect_eq(facts.frame.owner.type, PAGE_RESERVED);
    expect_str_eq(facts.frame.owner.name, "kernel image");
    expect_eq(facts.dma[0], DMA_GRANTED);
    expect_eq(facts.dma[1], write_to);
}

KTEST(explain, the_image)
{
    expect_image((u32)__text_start, "text", false);
    expect_image((u32)__text_end - 1, "text", false);
    expect_image((u32)__rodata_start, "rodata", false);
    expect_image((u32)__sealed_start, "sealed", false);
    expect_image((u32)swapper_pg_dir, "sealed", false);
    expect_image((u32)__data_start, "data and bss", true);
    expect_image((u32)__bss_end - 1, "data and bss", true);
}

/* A ring 0 that ignores RW: only for a moment, with interrupts off. */
KTEST(explain, without_write_protection)
{
    u32 flags = local_irq_save(), cr0 = read_cr0();
    struct explanation facts;

    write_cr0(cr0 & ~CR0_WP);
    explain_walk(&facts, virt_to_phys(swapper_pg_dir), NULL, (u32)__text_start);
    write_cr0(cr0);
    local_irq_restore(flags);
    expect(facts.right[EXPLAIN_RING0][EXPLAIN_WRITE].allowed);
    expect_right(&facts, EXPLAIN_RING0, EXPLAIN_WRITE, EXPLAIN_RW_WITHOUT_WP, EXPLAIN_PTE);
    expect_right(&facts, EXPLAIN_RING3, EXPLAIN_WRITE, EXPLAIN_US, EXPLAIN_PDE);
    expect_brief(&facts, EXPLAIN_RING0, EXPLAIN_WRITE, "lowmem, text; PTE 259: RW=0, but CR0.WP=0");
}

KTEST(explain, a_text_page_with_another_address)
{
    void *memory = vmalloc(PAGE_SIZE);
    pte_t *pte = kernel_pte((u32)memory), saved = *pte;
    phys_addr_t frame = (u32)__text_start - PAGE_OFFSET;

    pte->val = frame | (saved.val & 0xfff & ~PTE_RW);
    expect_eq(find_aliases(frame), 2);
    expect(is_alias(NULL, (u32)__text_start, true));
    expect(is_alias(NULL, (u32)memory, true));
    *pte = saved;
    tlb_flush_page((u32)memory);
    vfree(memory);
}

KTEST(explain, a_large_page)
{
    struct explanation facts = look(NULL, PAGE_OFFSET + LARGE_PAGE_SIZE + 0x123456);

    /* The span may also be split, by the tables of lowmem themselves (mm/kva/lowmem.c). */
    if (lowmem_size < 2 * LARGE_PAGE_SIZE || !pde_is_large(swapper_pg_dir[KERNEL_PDE_FIRST + 1])) {
        ktest_skip("lowmem has no whole 4 MiB behind the image's");
        return;
    }
    expect_eq(facts.pde.form, EXPLAIN_LARGE);
    expect_eq(facts.pte.form, EXPLAIN_UNREAD);
    expect_eq(facts.phys, LARGE_PAGE_SIZE + 0x123456);
    find_aliases(LARGE_PAGE_SIZE + 0x123000);
    expect(is_alias(NULL, PAGE_OFFSET + LARGE_PAGE_SIZE + 0x123000, true));
    expect_right(&facts, EXPLAIN_RING3, EXPLAIN_READ, EXPLAIN_US, EXPLAIN_PDE);
    expect_str_eq(facts.area.name, "memory");
    expect_brief(&facts, EXPLAIN_RING3, EXPLAIN_READ, "lowmem, memory; PDE 769: US=0");
}

KTEST(explain, page_tables)
{
    struct explanation facts = look(NULL, (u32)kernel_pte(VMALLOC_START));
    struct mm *mm = space_with(1, RW);

    expect_eq(facts.frame.owner.type, PAGE_RESERVED);
    expect_str_eq(facts.frame.owner.name, "page tables");
    if (!mm)
        return;
    facts = look(NULL, (u32)mm->pgd + 8);
    expect_eq(facts.frame.owner.type, PAGE_PGTABLE);
    expect_eq(facts.frame.references, 1);
    expect_eq(facts.frame.block_frames, 1);
    mm_put(mm);
}

KTEST(explain, a_page_inside_a_block)
{
    struct page *page = alloc_pages(GFP_KERNEL, 2);
    u32 addr = (u32)page_address(page);
    struct explanation facts = look(NULL, addr + 2 * PAGE_SIZE + 5);

    expect_eq(facts.frame.phys, addr - PAGE_OFFSET + 2 * PAGE_SIZE);
    expect_eq(facts.frame.block, addr - PAGE_OFFSET);
    expect_eq(facts.frame.block_frames, 4);
    expect_eq(facts.frame.references, 0);
    expect_eq(facts.frame.block_references, 1);
    expect_eq(facts.dma[0], DMA_GRANTED);
    expect_eq(facts.dma[1], DMA_GRANTED);
    free_pages(page, 2);
    facts = look(NULL, addr);
    expect_eq(facts.dma[0], DMA_FREE);
}

/* ---- the vmalloc area ---- */

KTEST(explain, a_vmalloc_area_and_its_guard)
{
    u32 start = (u32)vmalloc(2 * PAGE_SIZE), guard = start + 2 * PAGE_SIZE;
    struct explanation facts = look(NULL, start + PAGE_SIZE + 7);

    expect_same_area(&facts.area, EXPLAIN_VMALLOC, start, guard - 1);
    expect_made_by(&facts.area, "ktest_explain_a_vmalloc_area");
    expect_eq(facts.gap, EXPLAIN_NO_GAP);
    expect_eq(facts.frame.owner.type, PAGE_VMALLOC);
    expect_eq(facts.frame.references, 1);
    expect_eq(facts.dma[0], DMA_VMALLOC);
    expect_eq(facts.dma[1], DMA_VMALLOC);
    expect_right(&facts, EXPLAIN_RING3, EXPLAIN_READ, EXPLAIN_US, EXPLAIN_PDE);
    facts = look(NULL, guard + 100);
    expect_eq(facts.gap, EXPLAIN_GUARD_PAGE);
    expect_eq(facts.area.kind, EXPLAIN_NONE);
    expect_same_area(&facts.below, EXPLAIN_VMALLOC, start, guard - 1);
    expect_eq(facts.pte.content, EXPLAIN_GUARD);
    expect_eq(facts.stop, EXPLAIN_PTE);
    expect(!facts.has_frame);
    expect_eq(look(NULL, guard + PAGE_SIZE - 1).gap, EXPLAIN_GUARD_PAGE);
    vfree((void *)start);
}

KTEST(explain, a_gap_between_two_areas)
{
    u32 below = (u32)vmalloc(PAGE_SIZE), gap = (u32)vmalloc(3 * PAGE_SIZE);
    u32 above = (u32)vmalloc(PAGE_SIZE);
    struct explanation facts;

    vfree((void *)gap);
    for (u32 i = 0; i < 4; i++) {
        facts = look(NULL, gap + i * PAGE_SIZE);
        expect_eq(facts.gap, EXPLAIN_FREE);
        expect_same_area(&facts.below, EXPLAIN_VMALLOC, below, below + PAGE_SIZE - 1);
        expect_same_area(&facts.above, EXPLAIN_VMALLOC, above, above + PAGE_SIZE - 1);
        expect_eq(facts.pte.content, i == 0 || i == 3 ? EXPLAIN_BORDER : EXPLAIN_EMPTY);
    }
    vfree((void *)above);
    vfree((void *)below);
}

/* Above all areas: the one below is the last, and above is only the next region. */
KTEST(explain, the_end_of_the_vmalloc_area)
{
    struct explanation facts = look(NULL, VMALLOC_END - PAGE_SIZE);
    const struct vmap_area *area = NULL, *last = NULL;

    for (u32 at = VMALLOC_START; (area = vmap_area_at_or_above(at)); at = area->end)
        last = area;
    if (!expect(last != NULL))
        return;
    expect_eq(facts.gap, EXPLAIN_FREE);
    expect_eq(facts.below.start, last->start);
    expect_eq(facts.below.last, last->end - PAGE_SIZE - 1);
    expect_eq(facts.above.kind, EXPLAIN_REGION);
    expect_eq(facts.above.start, VMALLOC_END);
}

KTEST(explain, what_is_left_over_in_an_entry)
{
    pte_t *last = kernel_pte(VMALLOC_END - PAGE_SIZE), saved = *last;

    last->val = 0x12345000 | (PAGE_USER_RW.val & ~PTE_P);
    expect_eq(look(NULL, VMALLOC_END - PAGE_SIZE).pte.content, EXPLAIN_LEFTOVER);
    find_aliases(0x12345000); /* only processes keep pages in such entries; here they are tags */
    expect(!is_alias(NULL, VMALLOC_END - PAGE_SIZE, false));
    last->val = (u32)__data_start & ~PTE_P; /* an address, but of no range */
    expect_eq(look(NULL, VMALLOC_END - PAGE_SIZE).pte.content, EXPLAIN_LEFTOVER);
    *last = saved;
}

KTEST(explain, every_address_of_a_shared_page)
{
    struct page *page = alloc_page(GFP_KERNEL);
    void *first = vmap(&page, 1), *second = vmap(&page, 1);
    struct explanation facts = look(NULL, (u32)second);

    expect_same_area(&facts.area, EXPLAIN_VMAP, (u32)second, (u32)second + PAGE_SIZE - 1);
    expect_made_by(&facts.area, "ktest_explain_every_address");
    expect_eq(facts.frame.references, 3);
    expect_eq(find_aliases(page_to_phys(page)), 3);
    expect(is_alias(NULL, (u32)page_address(page), true));
    expect(is_alias(NULL, (u32)first, true));
    expect(is_alias(NULL, (u32)second, true));
    vunmap(first);
    expect_eq(find_aliases(page_to_phys(page)), 2);
    vunmap(second);
    free_page(page);
}

KTEST(explain, a_kernel_stack_and_its_guard)
{
    u32 stack = (u32)current->stack;
    struct explanation facts = look(NULL, (u32)&stack);
    char expected[EXPLAIN_BRIEF_MAX];

    expect_same_area(&facts.area, EXPLAIN_VMALLOC, stack, stack + THREAD_SIZE - 1);
    facts = look(NULL, stack + THREAD_SIZE);
    expect_eq(facts.gap, EXPLAIN_GUARD_PAGE);
    snprintf(expected, sizeof(expected), "vmalloc, guard of 0x%08x..0x%08x by %pS; PTE %u: P=0",
             stack, stack + THREAD_SIZE - 1, facts.below.caller, PTE_INDEX(stack + THREAD_SIZE));
    expect_brief(&facts, EXPLAIN_RING0, EXPLAIN_WRITE, expected);
}

KTEST(explain, registers_of_a_device)
{
    struct explanation facts;

    if (no_edu())
        return;
    facts = look(NULL, (u32)edu_registers());
    expect_eq(facts.area.kind, EXPLAIN_IOREMAP);
    expect_made_by(&facts.area, "edu_bind");
    expect_eq(facts.phys, (u32)edu_pci()->bar[0].start);
    expect(facts.pte.val & PTE_PCD);
    expect(!facts.frame.ram);
    expect_eq(facts.dma[0], DMA_VMALLOC);
    expect_eq(find_aliases(facts.frame.phys), 1);
}

/* ---- the fixmap, and addresses that are never mapped ---- */

KTEST(explain, kmap_slots)
{
    struct explanation facts = look(NULL, FIXMAP_START);
    struct page *page = alloc_page(GFP_HIGHUSER);
    char *slot;

    expect_eq(facts.gap, EXPLAIN_FREE);
    expect_eq(facts.pte.content, EXPLAIN_EMPTY);
    expect_eq(facts.dma[0], DMA_NO_LOWMEM);
    if (!page_is_highmem(page)) {
        free_page(page);
        return;
    }
    slot = kmap_local_page(page);
    facts = look(NULL, (u32)slot + 3);
    expect_same_area(&facts.area, EXPLAIN_SLOT, (u32)slot, (u32)slot + PAGE_SIZE - 1);
    expect_eq(facts.phys, page_to_phys(page) + 3);
    facts = look(NULL, (u32)slot + 2 * PAGE_SIZE);
    expect_same_area(&facts.below, EXPLAIN_SLOT, (u32)slot, (u32)slot + PAGE_SIZE - 1);
    expect_eq(facts.above.kind, EXPLAIN_REGION);
    kunmap_local(slot);
    free_page(page);
}

/* Nothing is mapped, and the regions on both sides are the neighbours. */
static void expect_never_mapped(u32 addr, enum layout_region_id region, u32 stop)
{
    struct explanation facts = look(NULL, addr);

    expect_eq(facts.region, &layout_regions[region]);
    expect_eq(facts.stop, stop);
    expect_eq(facts.area.kind, EXPLAIN_NONE);
    expect(!facts.has_frame);
    expect_right(&facts, EXPLAIN_RING0, EXPLAIN_READ, EXPLAIN_P, stop);
    expect_right(&facts, EXPLAIN_RING3, EXPLAIN_WRITE, EXPLAIN_P, stop);
    if (region == REGION_LAST_PAGE)
        expect_eq(facts.above.kind, EXPLAIN_NONE);
    else
        expect_eq(facts.above.start, layout_regions[region - 1].start);
    if (region == REGION_NULL)
        expect_eq(facts.below.kind, EXPLAIN_NONE);
    else
        expect_eq(facts.below.start, layout_regions[region + 1].start);
}

KTEST(explain, never_mapped)
{
    struct explanation facts = look(NULL, VMALLOC_START - 1);
    char expected[EXPLAIN_BRIEF_MAX];

    expect_never_mapped(0, REGION_NULL, EXPLAIN_PDE);
    expect_never_mapped(MMAP_MIN_ADDR - 1, REGION_NULL, EXPLAIN_PDE);
    expect_never_mapped(VMALLOC_START - 1, REGION_HOLE, EXPLAIN_PDE);
    expect_never_mapped(VMALLOC_END, REGION_FIXMAP_GUARD, EXPLAIN_PTE);
    expect_never_mapped(UINT32_MAX, REGION_LAST_PAGE, EXPLAIN_PTE);
    snprintf(expected, sizeof(expected), "hole; PDE %u: P=0", PDE_INDEX(VMALLOC_START) - 1);
    expect_brief(&facts, EXPLAIN_RING0, EXPLAIN_READ, expected);
}

/* ---- the words ---- */

/* Each number of an enumeration has its word, and each bit of a present entry is explained. */
KTEST(explain, every_word_is_there)
{
    for (u32 form = EXPLAIN_TABLE; form < EXPLAIN_FORMS; form++) {
        u32 mask = 0;

        for (u32 i = 0; i < EXPLAIN_BITS; i++) {
            const struct explain_bit *bit = &explain_bits[form][i];

            expect(bit->name && bit->meaning[0] && bit->meaning[1]);
            expect_eq(mask & bit->mask, 0);
            mask |= bit->mask;
        }
        expect_eq(mask, 0xfff);
    }
    for (u32 i = 0; i < LABELS; i++)
        expect(explain_labels[i] && strlen(explain_labels[i]) < 10);
    for (u32 i = 0; i < TEXTS; i++)
        expect(explain_texts[i] != NULL);
    for (u32 i = 0; i < EXPLAIN_WHYS; i++)
        expect(explain_whys[i] != NULL);
    for (u32 i = 1; i < DMA_REFUSALS; i++)
        expect(dma_refusals[i].error < 0 && dma_refusals[i].name[0] == '-' && dma_refusals[i].why);
}

/* ---- what contradicts the address map ---- */

static struct mm *broken; /* an address space in which no task runs: its entries may be anything */

static void expect_wrong(u32 addr, enum explain_wrong wrong)
{
    struct explanation facts;
    char text[EXPLAIN_BRIEF_MAX];

    explain_walk(&facts, broken->pgd_phys, broken, addr);
    if (facts.wrong != wrong)
        ktest_fail(__FILE__, __LINE__, "0x%08x: expected wrong %u, got %u", addr, wrong,
                   facts.wrong);
    explain_brief(text, sizeof(text), &facts, EXPLAIN_RING0, EXPLAIN_READ);
    expect_eq(strstr(text, "WRONG: ") != NULL, wrong != EXPLAIN_SOUND);
}

/* Give a directory entry another value for a moment. */
static void expect_wrong_pde(u32 addr, u32 val, enum explain_wrong wrong)
{
    pde_t *pde = &broken->pgd[PDE_INDEX(addr)], saved = *pde;

    expect_wrong(addr, EXPLAIN_SOUND);
    pde->val = val;
    expect_wrong(addr, wrong);
    *pde = saved;
}

static void expect_wrong_pte(pte_t *pte, u32 addr, u32 val, enum explain_wrong wrong)
{
    pte_t saved = *pte;

    expect_wrong(addr, EXPLAIN_SOUND);
    pte->val = val;
    expect_wrong(addr, wrong);
    *pte = saved;
    tlb_flush_page(addr);
}

static void check_wrong_in_kernel_half(void)
{
    u32 text = (u32)__text_start, area = (u32)vmalloc(PAGE_SIZE), guard = area + PAGE_SIZE;
    u32 large = broken->pgd[PDE_INDEX(text)].val, frame = kernel_pte(area)->val;

    expect_wrong_pde(text, PTE_PS | (large & 0xfff), EXPLAIN_WRONG_RIGHTS);
    expect_wrong_pde(text, LARGE_PAGE_SIZE | PTE_PS | (large & 0xfff), EXPLAIN_WRONG_FRAME);
    expect_wrong_pde(text, 0, EXPLAIN_WRONG_MISSING);
    expect_wrong_pde(text, large | PTE_US, EXPLAIN_WRONG_USER);
    expect_wrong_pde(text, large | PTE_PCD, EXPLAIN_WRONG_PDE);
    expect_wrong_pde(VMALLOC_START - PAGE_SIZE, LARGE_PAGE_SIZE | PTE_PS | PTE_P,
                     EXPLAIN_WRONG_MAPPED);
    expect_wrong_pde(area, 0, EXPLAIN_WRONG_TABLE);
    expect_wrong_pde(area, broken->pgd[PDE_INDEX(FIXMAP_START)].val, EXPLAIN_WRONG_TABLE);
    expect_wrong_pte(kernel_pte(area), area, 0, EXPLAIN_WRONG_MISSING);
    expect_wrong_pte(kernel_pte(area), area, frame | PTE_US, EXPLAIN_WRONG_USER);
    expect_wrong_pte(kernel_pte(guard), guard, frame, EXPLAIN_WRONG_MAPPED);
    expect_wrong_pte(kernel_pte(FIXMAP_END), FIXMAP_END, frame, EXPLAIN_WRONG_MAPPED);
    vfree((void *)area);
}

static void check_wrong_in_user_half(void)
{
    u32 frame;

    expect_eq(mm_fault(broken, PAGE(0), false), MM_FAULT_OK);
    frame = entry_at(broken, PAGE(0));
    expect_wrong_pte(pgd_user_pte(broken->pgd, PAGE(0)), PAGE(0), frame | PTE_RW,
                     EXPLAIN_WRONG_RIGHTS);
    expect_wrong_pte(pgd_user_pte(broken->pgd, PAGE(1)), PAGE(1), frame, EXPLAIN_WRONG_MAPPED);
}

KTEST(explain, what_contradicts_the_map)
{
    broken = space_with(1, VM_READ);
    if (!broken)
        return;
    check_wrong_in_kernel_half();
    check_wrong_in_user_half();
    mm_put(broken);
}
