/* The linear map: correct everywhere, with the rights of its table, and never changed. */
#include <arch/x86/cpu.h>
#include <arch/x86/irqflags.h>
#include <arch/x86/pgtable.h>
#include <arch/x86/sections.h>
#include <arch/x86/trap.h>
#include <kernel/monitor/ktest.h>
#include <lib/random.h>
#include <lib/string.h>
#include <mm/frame/memblock.h>
#include <mm/frame/slab.h>
#include <mm/kva/lowmem.h>
#include <mm/kva/vmalloc.h>

/* Whether the boot loader has put data here. */
static bool is_loaded(phys_addr_t page)
{
    const struct memblock_range *range;

    for (u32 i = 0; (range = memblock_reserved(i)); i++) {
        if ((strcmp(range->name, "module") == 0 || strcmp(range->name, "symbols") == 0) &&
            page >= range->start && page < range->end)
            return true;
    }
    return false;
}

/*
 * The first MiB, the image, RAM, and data of the boot loader elsewhere; no hole between them.
 */
KTEST(lowmem, linear_where_there_is_ram)
{
    for (phys_addr_t phys = 0; phys < lowmem_size; phys += PAGE_SIZE) {
        struct pgwalk walk = pgd_walk(swapper_pg_dir, phys + PAGE_OFFSET);
        bool wanted = phys < (u32)__kernel_end - PAGE_OFFSET ||
                      memblock_overlaps_ram(phys, phys + PAGE_SIZE) || is_loaded(phys);

        if (walk.mapped != wanted || walk.user || (wanted && walk.phys != phys)) {
            ktest_fail(__FILE__, __LINE__, "physical 0x%x: mapped %d, expected %d, walk 0x%x", phys,
                       walk.mapped, wanted, walk.phys);
            return;
        }
        if (wanted != lowmem_is_mapped(phys, phys + PAGE_SIZE)) {
            ktest_fail(__FILE__, __LINE__, "physical 0x%x: lowmem_is_mapped() is wrong", phys);
            return;
        }
    }
    expect(!lowmem_is_mapped(0, lowmem_size + PAGE_SIZE));
    expect(!lowmem_is_mapped(PAGE_SIZE, PAGE_SIZE));
    expect(lowmem_is_mapped(0, (u32)__kernel_end - PAGE_OFFSET));
}

/* The live tables compared with the table of rows. */
KTEST(lowmem, rows_are_what_is_mapped)
{
    const struct map_row *row;
    u32 at = PAGE_OFFSET;

    for (u32 i = 0; (row = lowmem_map_row(i)); i++) {
        expect(row->virt >= at);
        expect_eq(row->phys, row->virt - PAGE_OFFSET);
        at = row->virt + row->size;
        for (u32 offset = 0; offset < row->size; offset += PAGE_SIZE) {
            struct pgwalk walk = pgd_walk(swapper_pg_dir, row->virt + offset);

            if (walk.phys != row->phys + offset || walk.writable != !!(row->prot.val & PTE_RW)) {
                ktest_fail(__FILE__, __LINE__, "row %s at offset 0x%x: physical 0x%x, %swritable",
                           row->name, offset, walk.phys, walk.writable ? "" : "not ");
                return;
            }
        }
    }
    expect(at <= high_memory);
}

KTEST(lowmem, large_pages_where_possible)
{
    for (u32 virt = PAGE_OFFSET + LARGE_PAGE_SIZE; virt + LARGE_PAGE_SIZE <= high_memory;
         virt += LARGE_PAGE_SIZE) {
        bool whole = true, large = pde_is_large(swapper_pg_dir[PDE_INDEX(virt)]);

        for (u32 i = 1; i < 1024 && whole; i++)
            whole = pgd_walk(swapper_pg_dir, virt + i * PAGE_SIZE).writable ==
                    pgd_walk(swapper_pg_dir, virt).writable;
        expect_eq(large, whole && pgd_walk(swapper_pg_dir, virt).mapped);
    }
    expect(!pde_is_large(swapper_pg_dir[PDE_INDEX(PAGE_OFFSET)]));
}

/* Accessed and dirty are preset, so the processor never writes an entry, and equal stays equal. */
KTEST(lowmem, accessed_and_dirty_preset)
{
    for (u32 i = KERNEL_PDE_FIRST; i < 1024; i++) {
        pde_t pde = swapper_pg_dir[i];

        if (pde_present(pde))
            expect_eq(pde.val & (PTE_A | PTE_US), PTE_A);
        if (pde_present(pde) && pde_is_large(pde))
            expect_eq(pde.val & (PTE_D | PTE_G), PTE_D | PTE_G);
    }
}

static __noinline void expect_read_only(u32 addr)
{
    volatile u8 *at = (volatile u8 *)addr;

    expect_fault(*at = *at, addr, X86_PF_PROT | X86_PF_WRITE);
}

KTEST(lowmem, sealed_parts_not_writable)
{
    expect_read_only((u32)__text_start);
    expect_read_only((u32)__text_end - 1);
    expect_read_only((u32)__rodata_start);
    expect_read_only((u32)__rodata_end - 1);
    expect_read_only((u32)__sealed_start);
    expect_read_only((u32)__sealed_end - 1);
    expect_read_only((u32)swapper_pg_dir);
    expect_read_only((u32)pde_page_table(swapper_pg_dir[KERNEL_PDE_FIRST]));
    expect_read_only((u32)lowmem_map_row(0));
}

KTEST(lowmem, last_byte_usable_next_faults)
{
    volatile u8 *end = (volatile u8 *)high_memory;

    if (lowmem_is_mapped(lowmem_size - PAGE_SIZE, lowmem_size)) /* and not in a hole of RAM */
        (void)end[-1];
    expect_fault((void)*end, high_memory, 0);
}

static __noinline void expect_hole(phys_addr_t page)
{
    expect_fault((void)*(volatile u8 *)(page + PAGE_OFFSET), page + PAGE_OFFSET, 0);
}

/* The first page of each hole between two ranges of RAM; UEFI machines have some. */
KTEST(lowmem, holes_are_not_mapped)
{
    const struct memblock_range *range, *next;

    for (u32 i = 0; (range = memblock_usable(i)) && (next = memblock_usable(i + 1)); i++) {
        if (range->end >= MIB(4) && next->start <= lowmem_size && !is_loaded(range->end))
            expect_hole(range->end);
    }
}

/* The result of lowmem_check() while two entries are swapped. Nothing else runs meanwhile. */
static const char *check_swapped(u32 *a, u32 *b)
{
    u32 flags = local_irq_save(), cr0 = read_cr0(), saved = *a;
    const char *text;

    write_cr0(cr0 & ~CR0_WP);
    *a = *b;
    *b = saved;
    text = lowmem_check();
    *b = *a;
    *a = saved;
    write_cr0(cr0);
    local_irq_restore(flags);
    return text;
}

static void expect_swap_noticed(u32 *a, u32 *b, const char *as)
{
    const char *text = check_swapped(a, b);

    if (!text || !strstr(text, as))
        ktest_fail(__FILE__, __LINE__, "expected \"%s\", got \"%s\"", as, text ? text : "");
}

/* Each would be right in the other's place: the check does not compare with a copy. */
KTEST(lowmem, check_notices_swapped_entries)
{
    pde_t *pde = &swapper_pg_dir[KERNEL_PDE_FIRST];
    pte_t *pte = pde_page_table(*pde);

    expect_swap_noticed(&pte[2].val, &pte[3].val, "I1: lowmem PTE of page 0xc0002000");
    expect_swap_noticed(&pde[200].val, &swapper_pg_dir[1022].val, "I1: master PDE 968");
    if (lowmem_size >= MIB(64)) /* the data of the check lie at both ends of it */
        expect_swap_noticed(&pde[2].val, &pde[3].val, "I1: master PDE 770");
    expect_none(lowmem_check());
}

#define STRESS_SLOTS 64

static void stress_round(struct rnd_state *random, void **slots)
{
    u32 i = prandom_u32_state(random) % STRESS_SLOTS,
        size = prandom_u32_state(random) % (8 * PAGE_SIZE) + 1;

    if (slots[i]) {
        if (is_vmalloc_addr(slots[i]))
            vfree(slots[i]);
        else
            kfree(slots[i]);
        slots[i] = NULL;
        return;
    }
    slots[i] = size % 2 ? vmalloc(size) : kmalloc(size);
    if (slots[i])
        *(volatile u8 *)slots[i] = 1;
}

KTEST(lowmem, unchanged_after_stress)
{
    struct rnd_state random;
    void *slots[STRESS_SLOTS] = {NULL};

    prandom_seed_state(&random, 42);
    for (u32 i = 0; i < 3000; i++)
        stress_round(&random, slots);
    expect_none(lowmem_check());
    for (u32 i = 0; i < STRESS_SLOTS; i++) {
        if (is_vmalloc_addr(slots[i]))
            vfree(slots[i]);
        else
            kfree(slots[i]);
    }
    expect_none(lowmem_check());
}
