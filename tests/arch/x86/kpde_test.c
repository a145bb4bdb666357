/*
 * One kernel half for all address spaces: a change in it is visible everywhere at once, because
 * nothing has to be copied.
 */
#include "tests/kernel/process/run.h"
#include <arch/x86/pgtable.h>
#include <arch/x86/trap.h>
#include <arch/x86/uaccess.h>
#include <mm/frame/page_alloc.h>
#include <mm/frame/slab.h>
#include <mm/kva/vmalloc.h>

KTEST(kpde, every_table_exists_from_boot)
{
    for (u32 addr = VMALLOC_START; addr; addr += LARGE_PAGE_SIZE)
        expect(pde_present(swapper_pg_dir[PDE_INDEX(addr)]));
}

static void expect_kernel_half_of_master(const struct mm *mm)
{
    expect(memcmp(mm->pgd + KERNEL_PDE_FIRST, swapper_pg_dir + KERNEL_PDE_FIRST,
                  KERNEL_PDES * sizeof(pde_t)) == 0);
}

KTEST(kpde, identical_in_every_process)
{
    u32 pids[4], seen = 0;
    void *memory;

    for (u32 i = 0; i < ARRAY_SIZE(pids); i++)
        pids[i] = start_program(ARGV("spin", "until-told"));
    sched_sleep(3);
    memory = vmalloc(40 * PAGE_SIZE);
    for (struct mm *mm = mm_next(NULL); mm; mm = mm_next(mm)) {
        expect_kernel_half_of_master(mm);
        seen++;
    }
    expect(seen >= ARRAY_SIZE(pids));
    vfree(memory);
    for (u32 i = 0; i < ARRAY_SIZE(pids); i++)
        tell_to_end(pids[i]);
    for (u32 i = 0; i < ARRAY_SIZE(pids); i++)
        expect_eq(wait_for(pids[i]).exit_code, 0);
}

KTEST(kpde, no_user_bit)
{
    for (u32 i = KERNEL_PDE_FIRST; i < 1024; i++)
        expect(!(swapper_pg_dir[i].val & PTE_US));
}

KTEST(kpde, new_mapping_seen_by_older_process)
{
    struct mm *older = mm_create();
    volatile u32 *memory;

    if (!expect(older != NULL))
        return;
    memory = vmalloc(PAGE_SIZE);
    *memory = 0xcafe;
    mm_switch(older);
    expect_eq(pgd_loaded(), older->pgd_phys);
    expect_eq(*memory, 0xcafe);
    *memory = 0xbeef;
    mm_switch(NULL);
    expect_eq(*memory, 0xbeef);
    vfree((void *)memory);
    mm_put(older);
}

/* An area that ends under another page table than it starts. */
KTEST(kpde, next_table_seen_by_older_process)
{
    const u32 count = LARGE_PAGE_SIZE / PAGE_SIZE;
    struct page *page = alloc_page(GFP_KERNEL), **pages = kmalloc(count * sizeof(*pages));
    struct mm *older = mm_create();
    u32 value = 0, *map;

    if (expect(page && pages && older)) {
        for (u32 i = 0; i < count; i++)
            pages[i] = page;
        *(u32 *)page_address(page) = 0xcafe;
        map = vmap(pages, count);
        mm_switch(older);
        if (expect(map))
            expect_eq(copy_from_kernel_nofault(&value, map + (LARGE_PAGE_SIZE - PAGE_SIZE) / 4, 4),
                      0);
        expect_eq(value, 0xcafe);
        mm_switch(NULL);
        vunmap(map);
    }
    mm_put(older);
    kfree(pages);
    free_page(page);
}

/* The older directory is loaded all the time: no CR3 load drops the entry, only vfree() does. */
KTEST(kpde, removed_mapping_gone_in_older_process)
{
    struct mm *older = mm_create();
    volatile u32 *memory;

    if (!expect(older != NULL))
        return;
    memory = vmalloc(2 * PAGE_SIZE);
    mm_switch(older);
    memory[0] = 1;
    memory[PAGE_SIZE / 4] = 2;
    vfree((void *)memory);
    expect_fault((void)memory[0], (u32)memory, 0);
    expect_fault(memory[PAGE_SIZE / 4] = 3, (u32)memory + PAGE_SIZE, X86_PF_WRITE);
    expect_eq(pgd_loaded(), older->pgd_phys);
    mm_switch(NULL);
    mm_put(older);
}

/*
 * A page that moves to another frame under the same address shows its new contents in every
 * directory.
 */
KTEST(kpde, reused_address_shows_new_frame)
{
    struct mm *older = mm_create();
    struct page *one = alloc_page(GFP_KERNEL), *two = alloc_page(GFP_KERNEL);
    volatile u32 *map;

    *(u32 *)page_address(one) = 1;
    *(u32 *)page_address(two) = 2;
    mm_switch(older);
    map = vmap(&one, 1);
    expect_eq(*map, 1);
    vunmap((void *)map);
    expect_eq(vmap(&two, 1), map); /* the lowest gap again */
    expect_eq(*map, 2);
    vunmap((void *)map);
    mm_switch(NULL);
    mm_put(older);
    free_page(one);
    free_page(two);
}

KTEST(kpde, master_cannot_be_written)
{
    volatile pde_t *pde = &swapper_pg_dir[KERNEL_PDE_FIRST];

    expect_fault(pde->val = pde->val, (u32)pde, X86_PF_PROT | X86_PF_WRITE);
}

KTEST(kpde, destroying_the_loaded_one_loads_the_master)
{
    struct mm *mm = mm_create();

    mm_switch(mm);
    mm_put(mm);
    expect_eq(pgd_loaded(), virt_to_phys(swapper_pg_dir));
}
