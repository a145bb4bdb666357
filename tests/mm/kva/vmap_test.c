/* Mappings of pages that others own: vmap and vunmap. */
#include <arch/x86/pgtable.h>
#include <kernel/monitor/ktest.h>
#include <lib/string.h>
#include <mm/check/audit.h>
#include <mm/frame/page_alloc.h>
#include <mm/kva/vmalloc.h>

KTEST(vmalloc, vmap_shows_the_same_bytes)
{
    struct page *pages[3];
    u32 *map;

    for (u32 i = 0; i < ARRAY_SIZE(pages); i++) {
        pages[i] = alloc_page(GFP_KERNEL);
        *(u32 *)page_address(pages[i]) = 100 + i;
    }
    map = vmap(pages, ARRAY_SIZE(pages));
    if (expect(map != NULL)) {
        for (u32 i = 0; i < ARRAY_SIZE(pages); i++) {
            expect_eq(map[i * PAGE_SIZE / 4], 100 + i);
            expect_eq(pages[i]->refcount, 2);
            expect_eq(vmalloc_to_page(&map[i * PAGE_SIZE / 4]), pages[i]);
            expect_eq(kernel_pte((u32)map)[i].val & 0x1ff, PAGE_KERNEL.val);
        }
        map[5] = 99;
        expect_eq(((u32 *)page_address(pages[0]))[5], 99);
        vunmap(map);
        expect_fault((void)*(volatile u32 *)map, (u32)map, 0);
    }
    for (u32 i = 0; i < ARRAY_SIZE(pages); i++)
        free_page(pages[i]);
}

/* No page at all, or more than there are addresses for, with the guard or without. */
KTEST(vmalloc, vmap_refuses_nonsense)
{
    static const u32 counts[] = {0, ~0u, ~0u - 1, ~0u >> PAGE_SHIFT};
    const u32 all = (VMALLOC_END - VMALLOC_START) / PAGE_SIZE;
    struct page *page = alloc_page(GFP_KERNEL);

    for (u32 i = 0; i < ARRAY_SIZE(counts); i++)
        expect(vmap(&page, counts[i]) == NULL);
    expect(vmap(&page, all) == NULL);
    vunmap(NULL);
    vfree(NULL);
    expect_eq(page->refcount, 1);
    expect_none(vmalloc_check());
    free_page(page);
}

/* A mapping owns no frames: there may be more of its pages than there are frames. */
KTEST(vmalloc, vmap_of_more_pages_than_frames)
{
    u32 count = max_pfn + 16, size = PAGE_ALIGN(count * sizeof(struct page *));
    struct page **pages, *page;
    char *map;

    if ((u64)count * PAGE_SIZE + size + MIB(1) > vmalloc_stats().largest_free) {
        ktest_skip("more RAM than addresses");
        return;
    }
    pages = vmalloc(size);
    page = alloc_page(GFP_KERNEL);
    if (!expect(pages && page))
        return;
    for (u32 i = 0; i < count; i++)
        pages[i] = page;
    map = vmap(pages, count);
    if (expect(map != NULL)) {
        expect_eq(page->refcount, 1 + count);
        expect_eq(vmalloc_to_page(map + (count - 1) * PAGE_SIZE), page);
        vunmap(map);
    }
    expect_eq(page->refcount, 1);
    free_page(page);
    vfree(pages);
}

/* Pages after the first of a block: each counts its mappings, and one for the block. */
KTEST(vmalloc, vmap_of_pages_behind_the_first)
{
    struct page *block = alloc_pages(GFP_KERNEL, 2);
    struct page *pages[] = {block + 1, block + 3, block + 1, block};
    u32 *map, *again;

    if (!expect(block != NULL))
        return;
    map = vmap(pages, 4);
    again = vmap(pages, 1);
    if (expect(map && again)) {
        map[0] = 11;
        map[PAGE_SIZE / 4] = 33;
        expect_eq(((u32 *)page_address(block + 1))[0], 11);
        expect_eq(((u32 *)page_address(block + 3))[0], 33);
        expect_eq(again[0], 11);
        expect_eq(block[0].refcount, 4); /* its holder, its mapping, page 1, page 3 */
        expect_eq(block[1].refcount, 3);
        expect_eq(block[2].refcount, 0);
        expect_eq(block[3].refcount, 1);
        expect_none(mm_audit());
        expect_panic(__free_pages(block, 2), "with 4 references");
        vunmap(map);
        expect_eq(block[0].refcount, 2);
        expect_eq(block[1].refcount, 1);
        expect_none(mm_audit());
        expect_panic(__free_pages(block, 2), "or a page behind it, is still mapped");
        vunmap(again);
        expect_eq(block[0].refcount, 1);
        expect_eq(block[1].refcount, 0);
    }
    free_pages(block, 2);
}

/* The page's owner has freed it, once or even twice, before the mapping is gone. */
KTEST(vmalloc, vunmap_notices_a_freed_page)
{
    struct page *page = alloc_page(GFP_KERNEL);
    void *map = vmap(&page, 1);
    pte_t entry = *kernel_pte((u32)map);

    page->refcount = 1;
    expect_panic(vunmap(map), "has no other holder");
    *kernel_pte((u32)map) = entry;
    page->refcount = 0;
    expect_panic(vunmap(map), "has no other holder");
    *kernel_pte((u32)map) = entry;
    page->refcount = 2;
    vunmap(map);
    expect_eq(page->refcount, 1);
    free_page(page);
}

/* The block was freed while a page after its first one was mapped. */
KTEST(vmalloc, unmapping_a_page_of_a_freed_block_panics)
{
    struct page *block = alloc_pages(GFP_KERNEL, 1), *behind = block + 1;
    char *map = vmap(&behind, 1);
    pte_t *pte = kernel_pte((u32)map), saved = *pte;

    block->refcount = 1;
    expect_panic(vunmap(map), "no other holder");
    *pte = saved;
    block->refcount = 2;
    behind->refcount = 1;
    block->type = PAGE_HOT;
    expect_panic(vunmap(map), "no other holder");
    *pte = saved;
    block->type = PAGE_USED;
    behind->refcount = 1;
    vunmap(map);
    free_pages(block, 1);
}
