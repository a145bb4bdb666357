/* Pages without a permanent address, and the slots that map them. */
#include "tests/mm/chain.h"
#include <arch/x86/pgtable.h>
#include <arch/x86/trap.h>
#include <kernel/monitor/ktest.h>
#include <lib/string.h>
#include <mm/frame/highmem.h>
#include <mm/frame/page_alloc.h>
#include <mm/kva/vmalloc.h>
#include <mm/user/mm.h>

/* A highmem page, or NULL (and the test is skipped) if the machine has none. */
static struct page *highmem_page(void)
{
    struct page *page = alloc_page(GFP_HIGHUSER);

    if (page && page_is_highmem(page))
        return page;
    if (page)
        free_page(page);
    ktest_skip("all RAM is lowmem");
    return NULL;
}

KTEST(highmem, has_no_address)
{
    struct page *page = highmem_page();

    if (!page)
        return;
    expect(page_address(page) == NULL);
    expect_eq(page->zone, ZONE_HIGHMEM);
    expect_panic((void)phys_to_virt(page_to_phys(page)), "lowmem ends at");
    free_page(page);
}

KTEST(highmem, kernel_memory_is_lowmem)
{
    struct page *page = alloc_page(GFP_KERNEL);

    if (!expect(page != NULL))
        return;
    expect(!page_is_highmem(page));
    expect_eq(kmap_local_page(page), page_address(page));
    kunmap_local(page_address(page));
    expect_eq(kmap_local_depth(), 0);
    free_page(page);
}

KTEST(highmem, slots_show_their_page)
{
    struct page *page = highmem_page();
    u32 *shown, address;

    if (!page)
        return;
    shown = kmap_local_page(page);
    address = (u32)shown;
    expect(address >= FIXMAP_START && address < FIXMAP_END);
    shown[5] = 0x12345678;
    kunmap_local(&shown[7]);
    expect_fault((void)*(volatile u32 *)address, address, 0);
    shown = kmap_local_page(page);
    expect_eq(shown[5], 0x12345678);
    kunmap_local(shown);
    free_page(page);
}

/* The same slot maps another frame: the old entry must not be in the TLB any more. */
KTEST(highmem, slot_is_used_again)
{
    struct page *one = highmem_page(), *two = one ? alloc_page(GFP_HIGHUSER) : NULL;
    u32 *shown;

    if (!one || !expect(two != NULL))
        return;
    shown = kmap_local_page(one);
    *shown = 1;
    kunmap_local(shown);
    expect_eq(kmap_local_page(two), shown);
    *shown = 2;
    kunmap_local(shown);
    expect_eq(kmap_local_page(one), shown);
    expect_eq(*shown, 1);
    kunmap_local(shown);
    free_page(one);
    free_page(two);
}

KTEST(highmem, clear_and_copy)
{
    struct page *one = alloc_page(GFP_HIGHUSER), *two = alloc_page(GFP_HIGHUSER);
    u8 *shown;

    if (!expect(one && two))
        return;
    shown = kmap_local_page(one);
    memset(shown, 0xee, PAGE_SIZE);
    kunmap_local(shown);
    copy_highpage(two, one);
    clear_highpage(one);
    shown = kmap_local_page(one);
    expect(shown[0] == 0 && shown[PAGE_SIZE - 1] == 0);
    kunmap_local(shown);
    shown = kmap_local_page(two);
    expect(shown[0] == 0xee && shown[PAGE_SIZE - 1] == 0xee);
    kunmap_local(shown);
    free_page(one);
    free_page(two);
}

KTEST(highmem, slots_nest_and_misuse_panics)
{
    struct page *page = highmem_page();
    void *outer, *inner;

    if (!page)
        return;
    expect_panic(kunmap_local((void *)FIXMAP_START), "not the page that was mapped last");
    outer = kmap_local_page(page);
    inner = kmap_local_page(page);
    expect(inner != outer);
    expect_eq(kmap_local_depth(), 2);
    expect_panic(kunmap_local(outer), "not the page that was mapped last");
    kunmap_local(inner);
    kunmap_local(outer);
    expect_eq(kmap_local_depth(), 0);
    free_page(page);
}

KTEST(highmem, vmalloc_takes_it_first)
{
    u32 before = zone_free_pages(ZONE_HIGHMEM);
    char *memory;

    if (before == 0) {
        ktest_skip("all RAM is lowmem");
        return;
    }
    memory = vmalloc(16 * PAGE_SIZE);
    if (!expect(memory != NULL))
        return;
    expect_eq(before - zone_free_pages(ZONE_HIGHMEM), 16);
    memset(memory, 1, 16 * PAGE_SIZE);
    vfree(memory);
    expect_eq(zone_free_pages(ZONE_HIGHMEM), before);
}

KTEST(highmem, processes_take_it_first)
{
    u32 before = zone_free_pages(ZONE_HIGHMEM);
    struct mm *mm;

    if (before == 0) {
        ktest_skip("all RAM is lowmem");
        return;
    }
    mm = mm_create();
    if (!expect(mm != NULL))
        return;
    expect_eq(mm_add_area(mm, MMAP_MIN_ADDR, 4 * PAGE_SIZE, VM_READ | VM_WRITE, "x", NULL, 0), 0);
    for (u32 i = 0; i < 4; i++)
        expect_eq(mm_fault(mm, MMAP_MIN_ADDR + i * PAGE_SIZE, true), MM_FAULT_OK);
    expect_eq(before - zone_free_pages(ZONE_HIGHMEM), 4); /* the page table is lowmem */
    mm_put(mm);
    expect_eq(zone_free_pages(ZONE_HIGHMEM), before);
}

/* A zone is used up before the one below it is used. */
KTEST(highmem, zones_follow_from_the_top)
{
    struct page *chain = NULL, *page;
    u32 zone = ZONE_HIGHMEM, count = 0, out_of_turn = 0, before;

    drain_all_pages(); /* larger blocks that are hot are joined only when all zones are used up */
    before = nr_free_pages();
    while ((page = alloc_page(GFP_HIGHUSER))) {
        out_of_turn += page->zone > zone;
        zone = page->zone;
        chain_push(&chain, page);
        count++;
    }
    expect_eq(out_of_turn, 0);
    expect_eq(zone, ZONE_DMA);
    expect_eq(count, before);
    free_pages_bulk(chain);
    expect_eq(nr_free_pages(), before);
}

#define SLOTS 16

KTEST(highmem, slots_run_out)
{
    struct page *page = highmem_page();
    void *shown[SLOTS], *one_more = NULL;

    if (!page)
        return;
    for (u32 i = 0; i < SLOTS; i++)
        shown[i] = kmap_local_page(page);
    expect_panic(one_more = kmap_local_page(page), "slots are taken");
    expect(one_more == NULL);
    for (u32 i = SLOTS; i > 0; i--)
        kunmap_local(shown[i - 1]);
    expect_eq(kmap_local_depth(), 0);
    free_page(page);
}
