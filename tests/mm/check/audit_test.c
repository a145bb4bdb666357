/*
 * The audit must detect errors: each test breaks one invariant on purpose, runs the audit, and
 * repairs it.
 */
#include <arch/x86/cpu.h>
#include <arch/x86/gdt.h>
#include <arch/x86/irqflags.h>
#include <arch/x86/pgtable.h>
#include <arch/x86/sections.h>
#include <arch/x86/tlb.h>
#include <arch/x86/trap.h>
#include <kernel/monitor/ktest.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <mm/check/audit.h>
#include <mm/frame/page_alloc.h>
#include <mm/frame/slab.h>
#include <mm/kva/dma.h>
#include <mm/kva/vmap_area_internal.h>
#include <mm/user/mm.h>

/* The audit's line must start with the invariant's name. */
static void expect_audit(const char *invariant)
{
    const char *text = mm_audit();

    if (!text || strncmp(text, invariant, strlen(invariant)) != 0)
        ktest_fail(__FILE__, __LINE__, "expected the audit to name %s, it says: %s", invariant,
                   text ? text : "nothing");
}

KTEST(audit, all_holds)
{
    expect_none(mm_audit());
}

KTEST(audit, notices_changed_kernel_pde)
{
    struct mm *mm = mm_create();
    pde_t saved = mm->pgd[1000];

    mm->pgd[1000].val ^= PTE_PCD;
    expect_audit("I2: ");
    mm->pgd[1000] = saved;
    mm_put(mm);
}

KTEST(audit, notices_user_bit)
{
    void *memory = vmalloc(PAGE_SIZE);
    pte_t *pte = kernel_pte((u32)memory);

    pte->val |= PTE_US;
    expect_audit("I4: ");
    pte->val &= ~PTE_US;
    vfree(memory);
}

KTEST(audit, notices_writable_alias_of_text)
{
    void *memory = vmalloc(PAGE_SIZE);
    pte_t *pte = kernel_pte((u32)memory), saved = *pte;

    *pte = pte_make(virt_to_phys(__text_start), PAGE_KERNEL);
    expect_audit("I6: ");
    *pte = saved;
    tlb_flush_page((u32)memory);
    vfree(memory);
}

KTEST(audit, notices_mapped_guard)
{
    void *memory = vmalloc(PAGE_SIZE);
    pte_t *guard = kernel_pte((u32)memory + PAGE_SIZE), saved = *guard;

    *guard = *kernel_pte((u32)memory);
    expect_audit("I7: ");
    *guard = saved;
    vfree(memory);
}

KTEST(audit, notices_wrong_reference_count)
{
    struct page *page = alloc_page(GFP_KERNEL);

    page->refcount++;
    expect_audit("I8: ");
    page->refcount--;
    free_page(page);
}

KTEST(audit, notices_mapping_without_area)
{
    struct mm *mm = mm_create();

    expect(mm_add_area(mm, 0x10000, PAGE_SIZE, VM_READ, "x", NULL, 0) == 0);
    expect_eq(mm_fault(mm, 0x10000, false), MM_FAULT_OK);
    *pgd_user_pte(mm->pgd, 0x20000) = *pgd_user_pte(mm->pgd, 0x10000);
    expect(mm_audit() != NULL);
    pgd_user_pte(mm->pgd, 0x20000)->val = 0;
    expect_none(mm_audit());
    mm_put(mm);
}

KTEST(audit, notices_page_in_the_fixmap_gap)
{
    pte_t *gap = kernel_pte(VMALLOC_END), *last = kernel_pte(FIXMAP_END), saved = *gap;

    *gap = pte_make(0, PAGE_KERNEL_RO);
    expect_audit("I1: ");
    *gap = saved;
    *last = pte_make(0, PAGE_KERNEL_RO);
    expect_audit("I1: ");
    last->val = 0;
}

KTEST(audit, notices_stray_entry_in_a_gap)
{
    void *below = vmalloc(PAGE_SIZE), *gap = vmalloc(3 * PAGE_SIZE), *above = vmalloc(PAGE_SIZE);
    pte_t *pte = kernel_pte((u32)gap + PAGE_SIZE);

    vfree(gap);
    *pte = *kernel_pte((u32)below);
    expect_audit("I7: ");
    pte->val = 0;
    expect_none(mm_audit());
    vfree(above);
    vfree(below);
}

KTEST(audit, notices_area_with_an_unmapped_page)
{
    void *memory = vmalloc(2 * PAGE_SIZE);
    pte_t *pte = kernel_pte((u32)memory), saved = *pte;

    char line[128];

    pte->val = 0;
    snprintf(line, sizeof(line),
             "I7: vmalloc range 0x%08x..0x%08x: page 0x%08x: expected a mapped page, found entry "
             "0x00000000",
             (u32)memory, (u32)memory + 3 * PAGE_SIZE, (u32)memory);
    expect_audit(line);
    *pte = saved;
    vfree(memory);
}

/* Only the first entry of an area holds its kind. */
KTEST(audit, notices_wrong_kind_in_an_entry)
{
    void *memory = vmalloc(2 * PAGE_SIZE);
    pte_t *pte = kernel_pte((u32)memory), saved[2] = {pte[0], pte[1]};

    pte[0].val &= ~PTE_AVL;
    expect_audit("I7: ");
    pte[0].val |= PTE_KIND(VM_MAP);
    expect_audit("I7: ");
    pte[0] = saved[0];
    pte[1].val |= PTE_KIND(VM_ALLOC);
    expect_audit("I7: ");
    pte[1] = saved[1];
    expect_none(mm_audit());
    vfree(memory);
}

/* An entry with another frame, and otherwise unchanged. */
static pte_t with_frame(pte_t pte, phys_addr_t frame)
{
    return (pte_t){(pte.val & ~PTE_FRAME) | frame};
}

/* RAM where a device should be mapped, and a device where RAM should. */
KTEST(audit, notices_ram_in_a_device_area)
{
    void *device = ioremap(0xb8000, PAGE_SIZE), *memory = vmalloc(PAGE_SIZE);
    pte_t *pte = kernel_pte((u32)device), saved = *pte;
    struct page *page = vmalloc_to_page(memory);

    pte->val &= ~(PTE_PCD | PTE_PWT);
    phys_to_page(0xb8000)->refcount++; /* as if vmap() had done it */
    expect_audit("I8: the PTE of");
    phys_to_page(0xb8000)->refcount--;
    *pte = with_frame((pte_t){saved.val & ~(PTE_PCD | PTE_PWT)}, page_to_phys(page));
    page->refcount++;
    expect_audit("I8: the PTE of");
    page->refcount--;
    *pte = saved;
    pte = kernel_pte((u32)memory);
    saved = *pte;
    pte->val |= PTE_PCD;
    expect_audit("I8: ");
    *pte = saved;
    vfree(memory);
    iounmap(device);
}

/* A page after the first of a block, mapped once more or less than its count. */
KTEST(audit, notices_wrong_count_behind_the_first)
{
    struct page *block = alloc_pages(GFP_KERNEL, 1), *behind = block + 1;
    void *map = vmap(&behind, 1);

    expect_none(mm_audit());
    behind->refcount++;
    expect_audit("I8: frame");
    behind->refcount -= 2;
    expect_audit("I8: frame");
    behind->refcount++;
    block->refcount--;
    expect_audit("I8: frame");
    block->refcount++;
    vunmap(map);
    behind->refcount++;
    expect_audit("I8: frame");
    behind->refcount--;
    free_pages(block, 1);
}

/* A page of a kind that exists only while it is mapped, without a mapping. */
static void expect_unmapped_noticed(enum page_type type)
{
    struct page *page = alloc_page(GFP_KERNEL);

    page->type = type;
    expect_audit("I8: ");
    page->type = PAGE_USED;
    free_page(page);
}

KTEST(audit, notices_pages_that_nobody_maps)
{
    expect_unmapped_noticed(PAGE_USER);
    expect_unmapped_noticed(PAGE_VMALLOC);
}

/* The counts are right: a page has one holder and one mapping. But its owner is not the area. */
KTEST(audit, notices_area_that_shows_a_page_it_does_not_own)
{
    void *memory = vmalloc(PAGE_SIZE);
    struct page *own = vmalloc_to_page(memory), *other = alloc_page(GFP_KERNEL);
    pte_t *pte = kernel_pte((u32)memory), saved = *pte;

    *pte = with_frame(saved, page_to_phys(other));
    other->refcount++;
    own->type = PAGE_USED;
    expect_audit("I8: ");
    own->type = PAGE_VMALLOC;
    other->refcount--;
    *pte = saved;
    tlb_flush_page((u32)memory);
    free_page(other);
    vfree(memory);
}

/* The area is gone, but another mapping keeps the count of its page right. */
KTEST(audit, notices_page_whose_area_does_not_own_it)
{
    struct page *page = alloc_page(GFP_KERNEL);
    void *alias = vmap(&page, 1);

    page->type = PAGE_VMALLOC;
    page->refcount--;
    expect_audit("I8: ");
    page->refcount++;
    page->type = PAGE_USED;
    vunmap(alias);
    free_page(page);
}

KTEST(audit, notices_kmap_slot_left)
{
    pte_t *slot = kernel_pte(FIXMAP_START + 3 * PAGE_SIZE);

    *slot = pte_make(0, PAGE_KERNEL_RO);
    expect_audit("I8: ");
    slot->val = 0;
    expect_none(mm_audit());
}

KTEST(audit, notices_frame_without_owner)
{
    struct page *page = alloc_page(GFP_KERNEL);

    page->head = 0;
    page->refcount = 0; /* so that nothing else is wrong with it */
    expect_audit("I8: the owners have");
    page->refcount = 1;
    page->block = BLOCK_HEAD(0);
    free_page(page);
}

/* A page that lost its last reference, but was not freed. */
KTEST(audit, notices_page_without_references)
{
    static const enum page_type types[] = {PAGE_USED, PAGE_USER};
    struct page *page = alloc_page(GFP_KERNEL);

    for (u32 i = 0; i < ARRAY_SIZE(types); i++) {
        page->type = types[i];
        page->refcount = 0;
        expect_audit("I8: frame");
    }
    page->type = PAGE_USED;
    page->refcount = 1;
    free_page(page);
}

KTEST(audit, notices_table_that_no_address_space_has)
{
    struct page *page = alloc_page(GFP_KERNEL);

    page->type = PAGE_PGTABLE;
    expect_audit("I8: there are");
    page->type = PAGE_USED;
    free_page(page);
}

/* The frame belongs to a process, and is counted; but a block in use holds it, too. */
KTEST(audit, notices_block_within_a_block)
{
    struct page *block = alloc_pages(GFP_KERNEL, 1);

    block[1].type = PAGE_USER;
    block[1].block = BLOCK_HEAD(0);
    expect_audit("I8: frame");
    block[1].head = 0;
    expect_none(mm_audit());
    free_pages(block, 1);
}

static void set_write_protect(bool on)
{
    u32 cr0 = on ? read_cr0() | CR0_WP : read_cr0() & ~CR0_WP;

    asm volatile("mov %0, %%cr0" : : "r"(cr0) : "memory");
}

KTEST(audit, notices_write_protect_off)
{
    set_write_protect(false);
    expect_audit("I6: CR0.WP");
    set_write_protect(true);
}

/* The entry of a text page, which the kernel can change only without write protection. */
KTEST(audit, notices_changed_lowmem_entry)
{
    pte_t *pte = &pde_page_table(swapper_pg_dir[PDE_INDEX(__text_start)])[PTE_INDEX(__text_start)];

    set_write_protect(false);
    pte->val ^= PTE_PWT;
    set_write_protect(true);
    expect_audit("I1: lowmem PTE");
    set_write_protect(false);
    pte->val ^= PTE_PWT;
    set_write_protect(true);
    expect_none(mm_audit());
}

/* The stack that the processor uses for traps from ring 3. */
KTEST(audit, notices_entry_stack_that_is_not_mapped)
{
    u32 flags = local_irq_save(), saved = main_tss.esp0;

    expect_none(mm_audit());
    main_tss.esp0 = high_memory + 2 * THREAD_SIZE; /* in the hole */
    expect_audit("I5: stack for traps from ring 3: page");
    main_tss.esp0 = saved - PAGE_SIZE; /* its last page is the guard of another */
    expect_audit("I5: stack for traps from ring 3: page");
    main_tss.esp0 = saved;
    local_irq_restore(flags);
}

/* A gate that does not lead to its stub, and one that ring 3 may use. */
KTEST(audit, notices_wrong_gate)
{
    static const u32 vectors[] = {X86_TRAP_DF, X86_TRAP_PF, 0x80, 255};
    struct {
        u16 limit;
        u32 base;
    } __attribute__((packed)) idtr;

    asm volatile("sidt %0" : "=m"(idtr));
    for (u32 i = 0; i < ARRAY_SIZE(vectors); i++) {
        u32 *gate = (u32 *)(idtr.base + 8 * vectors[i]), flags = local_irq_save();

        for (u32 bit = 0; bit < 2; bit++) {
            u32 *word = &gate[bit], flip = bit ? 0x6000 : 0x10000; /* the ring; the selector */

            set_write_protect(false);
            *word ^= flip;
            set_write_protect(true);
            expect_audit("I5: the gate of vector");
            set_write_protect(false);
            *word ^= flip;
            set_write_protect(true);
        }
        local_irq_restore(flags);
    }
    expect_none(mm_audit());
}

KTEST(audit, notices_sysenter_that_leads_elsewhere)
{
    u32 flags = local_irq_save();

    for (u32 msr = 0x174; cpu_features.sep && msr <= 0x176; msr++) { /* CS, ESP, EIP */
        u32 low, high;

        asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
        asm volatile("wrmsr" : : "a"(low ^ 16), "d"(high), "c"(msr));
        expect_audit("I5: the MSRs of sysenter");
        asm volatile("wrmsr" : : "a"(low), "d"(high), "c"(msr));
    }
    local_irq_restore(flags);
}

KTEST(audit, notices_changed_floating_point_bits)
{
    static const u32 bits[] = {CR0_EM, CR0_MP, CR0_NE, CR0_AM};
    u32 cr0 = read_cr0(), flags = local_irq_save(), cr4;

    for (u32 i = 0; i < ARRAY_SIZE(bits); i++) {
        write_cr0(cr0 ^ bits[i]);
        expect_audit("I6: CR0's floating-point bits");
        write_cr0(cr0);
    }
    if (cpu_features.sse) {
        asm volatile("mov %%cr4, %0" : "=r"(cr4));
        asm volatile("mov %0, %%cr4" : : "r"(cr4 & ~CR4_OSFXSR));
        expect_audit("I6: CR4.OSFXSR");
        asm volatile("mov %0, %%cr4" : : "r"(cr4));
    }
    local_irq_restore(flags);
}

static void expect_alias_noticed(const void *target)
{
    void *memory = vmalloc(PAGE_SIZE);
    pte_t *pte = kernel_pte((u32)memory), saved = *pte;

    *pte = pte_make(ALIGN_DOWN(virt_to_phys(target), PAGE_SIZE), PAGE_KERNEL);
    expect_audit("I6: page");
    *pte = saved;
    tlb_flush_page((u32)memory);
    vfree(memory);
}

KTEST(audit, notices_writable_alias_of_constants_and_tables)
{
    expect_alias_noticed(__rodata_start);
    expect_alias_noticed(swapper_pg_dir);
    expect_alias_noticed(phys_to_virt(virt_to_phys(__sealed_end) - 1));
}

/* An address space with one page, as a process has it, damaged in one way after the other. */
KTEST(audit, notices_damaged_user_half)
{
    struct mm *mm = mm_create();
    struct page *page;
    pte_t *pte, saved;

    expect_eq(mm_add_area(mm, 0x10000, PAGE_SIZE, VM_READ | VM_WRITE, "x", NULL, 0), 0);
    if (!expect_eq(mm_fault(mm, 0x10000, true), MM_FAULT_OK))
        return;
    pte = pgd_user_pte(mm->pgd, 0x10000);
    saved = *pte;
    page = pfn_to_page(pte_pfn(saved));
    *pte = pte_make(virt_to_phys(__text_start), PAGE_USER_RW);
    expect_audit("I6: directory");
    *pte = saved;
    page->type = PAGE_USED;
    expect_audit("I8: directory");
    page->type = PAGE_USER;
    mm->pages++;
    expect_audit("I8: directory");
    mm->pages--;
    mm->tables++;
    expect_audit("I8: directory");
    mm->tables--;
    expect_none(mm_audit());
    mm_put(mm);
}

KTEST(audit, notices_directory_that_is_nobodys)
{
    struct page *page = alloc_page(GFP_KERNEL);
    phys_addr_t before = pgd_loaded();

    pgd_init(page_address(page));
    pgd_load(page_to_phys(page));
    expect_audit("I2: CR3");
    pgd_load(before);
    free_page(page);
}

/* The allocators' own checks are part of the audit. */
KTEST(audit, asks_the_allocators)
{
    struct page *page = alloc_page(GFP_KERNEL);
    u32 *object = kmalloc(64), link;

    page->type = PAGE_FREE;
    expect_audit("I8: zone");
    page->type = PAGE_USED;
    free_page(page);
    kfree(object);
    link = *object;
    *object = 1;
    expect_audit("I8: cache");
    *object = link;
}

/* Entries that allow what their area or their page forbids, one after the other. */
KTEST(audit, notices_entries_that_allow_too_much)
{
    struct mm *mm = mm_create(), *child;
    struct vm_area *area;
    pte_t *pte;

    expect_eq(mm_add_area(mm, 0x10000, 2 * PAGE_SIZE, VM_READ | VM_WRITE, NULL, NULL, 0), 0);
    if (!expect_eq(mm_fault(mm, 0x10000, true), MM_FAULT_OK) ||
        !expect_eq(mm_fault(mm, 0x11000, false), MM_FAULT_OK))
        return;
    area = mm_find_area(mm, 0x10000);
    pte = pgd_user_pte(mm->pgd, 0x10000);
    area->flags = VM_READ;
    expect_audit("I8: directory"); /* the area may only be read */
    area->flags = 0;
    pte->val &= ~PTE_RW;
    expect_audit("I8: directory"); /* or not even that */
    area->flags = VM_READ | VM_WRITE;
    pte[1].val |= PTE_RW;
    expect_audit("I8: directory"); /* the page of zeros */
    pte[1].val &= ~PTE_RW;
    mm->area_count++;
    expect_audit("I8: directory");
    mm->area_count--;
    child = mm_fork(mm);
    if (expect(child != NULL)) {
        pte->val |= PTE_RW;
        expect_audit("I8: directory"); /* the child would see the write */
        pte->val &= ~PTE_RW;
        mm_put(child);
    }
    expect_none(mm_audit());
    mm_put(mm);
}

static void expect_dma_noticed(struct device *dev, struct page *page)
{
    dma_addr_t handle;

    if (!expect_eq(dma_map_page(dev, page, 0, 8, DMA_TO_DEVICE, &handle), 0))
        return;
    expect_none(mm_audit());
    free_page(page);
    expect_audit("I10: test has 8 bytes at physical 0x");
    expect_eq(alloc_page(GFP_KERNEL), page); /* on top of the stack */
    expect_none(mm_audit());
    dma_unmap_page(dev, handle, 8, DMA_TO_DEVICE);
}

/* Memory that a device still uses was freed. */
KTEST(audit, notices_free_memory_in_the_hands_of_a_device)
{
    struct device dev = {.name = "test", .dma_mask = DMA_BIT_MASK(32)};
    struct page *page = alloc_page(GFP_KERNEL);

    expect_dma_noticed(&dev, page);
    free_page(page);
}

/* The record of dma_map_single() if it had accepted a vmalloc address, or a hole. */
KTEST(audit, notices_dma_address_made_by_arithmetic)
{
    struct device dev = {.name = "test", .dma_mask = DMA_BIT_MASK(32)};
    struct page *page = alloc_page(GFP_KERNEL);
    u32 flags, lowmem = lowmem_size;
    const char *text;
    dma_addr_t handle;

    expect_eq(dma_map_single(&dev, page_address(page), 8, DMA_TO_DEVICE, &handle), 0);
    flags = local_irq_save();
    set_write_protect(false);
    lowmem_size = handle; /* so that the address is not in lowmem */
    text = dma_check();
    lowmem_size = lowmem;
    set_write_protect(true);
    local_irq_restore(flags);
    expect(text && strstr(text, "I10: test has 8 bytes") && strstr(text, "not in lowmem"));
    dma_unmap_single(&dev, handle, 8, DMA_TO_DEVICE);
    free_page(page);
}
