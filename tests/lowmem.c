/* The linear map: everywhere right, with the rights of its table, and never changed. */
#include <arch/x86/pgtable.h>
#include <arch/x86/sections.h>
#include <arch/x86/trap.h>
#include <kernel/ktest.h>
#include <lib/random.h>
#include <mm/mm_init.h>
#include <mm/page_alloc.h>
#include <mm/slab.h>
#include <mm/vmalloc.h>

KTEST(lowmem, linear_everywhere)
{
    for (u32 virt = PAGE_OFFSET; virt < high_memory; virt += PAGE_SIZE) {
        struct pgwalk walk = pgd_walk(swapper_pg_dir, virt);

        if (!walk.mapped || walk.user || walk.phys != virt - PAGE_OFFSET) {
            expect(walk.mapped);
            expect(!walk.user);
            expect_eq(walk.phys, virt - PAGE_OFFSET);
            return;
        }
    }
}

/* The live tables against the table of rows. */
KTEST(lowmem, rows_are_what_is_mapped)
{
    const struct map_row *row;
    u32 at = PAGE_OFFSET;

    for (u32 i = 0; (row = lowmem_map_row(i)); i++) {
        expect_eq(row->virt, at);
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
    expect_eq(at, high_memory);
}

KTEST(lowmem, large_pages_where_possible)
{
    for (u32 virt = PAGE_OFFSET + LARGE_PAGE_SIZE; virt + LARGE_PAGE_SIZE <= high_memory;
         virt += LARGE_PAGE_SIZE)
        expect(pde_is_large(swapper_pg_dir[PDE_INDEX(virt)]));
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
}

KTEST(lowmem, last_byte_usable_next_faults)
{
    volatile u8 *end = (volatile u8 *)high_memory;

    (void)end[-1];
    expect_fault((void)*end, high_memory, 0);
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
