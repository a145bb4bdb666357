/* What only the boot used is gone: its page directory, the identity mapping, its memory. */
#include <arch/x86/cpu.h>
#include <arch/x86/pgtable.h>
#include <arch/x86/sections.h>
#include <arch/x86/trap.h>
#include <kernel/monitor/ktest.h>
#include <mm/frame/page.h>

extern char boot_page_directory[];

KTEST(boot, identity_mapping_gone)
{
    volatile u8 *image = (volatile u8 *)KERNEL_PHYS;

    expect_fault((void)*image, KERNEL_PHYS, 0);
    for (u32 i = 0; i < KERNEL_PDE_FIRST; i++)
        expect_eq(swapper_pg_dir[i].val, 0);
}

KTEST(boot, directory_not_loaded)
{
    expect(pgd_loaded() != (u32)boot_page_directory);
}

KTEST(boot, memory_given_back)
{
    expect((u32)__boot_end > (u32)__boot_start);
    expect((u32)boot_page_directory >= (u32)__boot_start &&
           (u32)boot_page_directory < (u32)__boot_end);
    for (phys_addr_t at = (u32)__boot_start; at < (u32)__boot_end; at += PAGE_SIZE)
        expect(page_head(phys_to_page(at))->head);
}

KTEST(boot, image_stays_reserved)
{
    for (phys_addr_t at = (u32)__boot_end; at < virt_to_phys(__kernel_end); at += PAGE_SIZE)
        expect_eq(page_head(phys_to_page(at))->type, PAGE_RESERVED);
    expect_eq(phys_to_page(0)->type, PAGE_RESERVED);
}

KTEST(boot, protections_on)
{
    expect(read_cr0() & CR0_WP);
    expect(read_cr4() & CR4_PGE);
    expect_eq(!!(read_cr4() & CR4_SMEP), cpu_features.smep);
    expect_eq(!!(read_cr4() & CR4_SMAP), cpu_features.smap);
}
