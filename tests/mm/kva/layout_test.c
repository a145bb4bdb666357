/* The address map: the edges chosen at boot, the conversions, and what is never mapped. */
#include <arch/x86/pgtable.h>
#include <arch/x86/sections.h>
#include <arch/x86/trap.h>
#include <kernel/monitor/ktest.h>
#include <mm/frame/memblock.h>
#include <mm/layout.h>

KTEST(layout, edges_in_order)
{
    expect(PAGE_OFFSET < high_memory);
    expect(high_memory + VMALLOC_OFFSET <= VMALLOC_START);
    expect(VMALLOC_START < VMALLOC_END);
    expect_eq(VMALLOC_END + PAGE_SIZE, FIXMAP_START);
    expect(VMALLOC_START % LARGE_PAGE_SIZE == 0);
    expect(lowmem_size % PAGE_SIZE == 0);
}

KTEST(layout, lowmem_ends_with_ram_or_room)
{
    u32 room = VMALLOC_START - VMALLOC_OFFSET - PAGE_OFFSET;

    expect(lowmem_size <= memblock_ram_end());
    expect(lowmem_size <= room);
}

KTEST(layout, image_where_linked)
{
    expect((u32)__text_start >= KERNEL_VIRT);
    expect_eq((u32)__boot_start, KERNEL_PHYS);
    expect((u32)__kernel_end <= PAGE_OFFSET + LARGE_PAGE_SIZE);
    expect_eq(virt_to_phys(__text_start), (u32)__text_start - PAGE_OFFSET);
}

KTEST(layout, conversions_are_inverse)
{
    for (phys_addr_t phys = 0; phys < lowmem_size; phys += LARGE_PAGE_SIZE / 2 + 12345)
        expect_eq(virt_to_phys(phys_to_virt(phys)), phys);
    expect_eq(virt_to_phys(phys_to_virt(lowmem_size - 1)), lowmem_size - 1);
}

KTEST(layout, kinds_of_address_are_disjoint)
{
    static const u32 addresses[] = {0,           MMAP_MIN_ADDR, PAGE_OFFSET - 1,
                                    PAGE_OFFSET, FIXMAP_START,  0xffffffff};

    for (u32 i = 0; i < ARRAY_SIZE(addresses); i++) {
        const void *addr = (void *)addresses[i];

        expect(!(is_lowmem_addr(addr) && is_vmalloc_addr(addr)));
        expect_eq(is_lowmem_addr(addr), addresses[i] == PAGE_OFFSET);
        expect(!is_vmalloc_addr(addr));
    }
    expect(is_lowmem_addr((void *)(high_memory - 1)));
    expect(!is_lowmem_addr((void *)high_memory));
    expect(is_vmalloc_addr((void *)VMALLOC_START));
    expect(is_vmalloc_addr((void *)(VMALLOC_END - 1)));
    expect(!is_vmalloc_addr((void *)VMALLOC_END));
}

/*
 * A separate function, because a probe returns twice and the caller's loop would not survive it.
 */
static __noinline void expect_unmapped(u32 addr)
{
    volatile u8 *at = (volatile u8 *)addr;

    expect_fault((void)*at, addr, 0);
    expect_fault(*at = 1, addr, X86_PF_WRITE);
}

/* One byte into each part of the map that must never be mapped. */
KTEST(layout, holes_fault)
{
    const u32 holes[] = {high_memory,       high_memory + VMALLOC_OFFSET / 2,
                         VMALLOC_START - 1, VMALLOC_END,
                         FIXMAP_START - 1,  FIXMAP_END,
                         0xffffffff};

    for (u32 i = 0; i < ARRAY_SIZE(holes); i++)
        expect_unmapped(holes[i]);
}

KTEST(layout, null_faults)
{
    expect_unmapped(0);
}
