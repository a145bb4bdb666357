/*
 * The DMA API: what it refuses and with which error, and what it grants, on devices that exist only
 * here, with any mask that a test needs. Transfers are in dma_edu_test.c.
 */
#include "tests/mm/kva/dma.h"
#include <arch/x86/pgtable.h>
#include <arch/x86/sections.h>
#include <asm/errno.h>
#include <drivers/edu.h>
#include <kernel/monitor/ktest.h>
#include <lib/string.h>
#include <mm/fail.h>
#include <mm/frame/highmem.h>
#include <mm/frame/page_alloc.h>
#include <mm/kva/dma.h>
#include <mm/kva/vmalloc.h>

#define EVERYTHING DMA_BIT_MASK(32)

/* ---- the mask ---- */

KTEST(dma, mask_must_cover_the_dma_zone)
{
    struct device dev = {.name = "test", .dma_mask = 7};

    expect_eq(dma_set_mask(&dev, 0), -EIO);
    expect_eq(dma_set_mask(&dev, DMA_BIT_MASK(12)), -EIO);
    expect_eq(dma_set_mask(&dev, ~0xffull), -EIO); /* covers it, but not from 0 on */
    expect_eq(dev.dma_mask, 7);
    expect_eq(dma_set_mask(&dev, DMA_BIT_MASK(24)), 0);
    expect(dev.dma_mask == MIB(16) - 1);
    expect_eq(dma_set_mask(&dev, DMA_BIT_MASK(64)), 0);
    expect(dev.dma_mask == ~0ull);
}

/* ---- what is refused ---- */

KTEST(dma, empty_range_is_refused)
{
    struct device dev = {.name = "test", .dma_mask = EVERYTHING};
    struct scatterlist sg[2];
    struct page *page = alloc_page(GFP_KERNEL);

    expect_refused(&dev, page_address(page), 0, -EINVAL);
    expect_page_refused(&dev, page, 0, 0, -EINVAL);
    sg_set_page(&sg[0], page, 8, 0);
    sg_set_page(&sg[1], page, 0, 8);
    expect_eq(dma_map_sg(&dev, sg, 0, DMA_TO_DEVICE), -EINVAL);
    expect_eq(dma_map_sg(&dev, sg, 2, DMA_TO_DEVICE), -EINVAL);
    expect_nothing_mapped(&dev);
    free_page(page);
}

KTEST(dma, user_address_is_refused)
{
    struct device dev = {.name = "test", .dma_mask = EVERYTHING};

    expect_refused(&dev, NULL, 4, -EFAULT);
    expect_refused(&dev, (void *)MMAP_MIN_ADDR, 4, -EFAULT);
    expect_refused(&dev, (void *)(PAGE_OFFSET - 1), 1, -EFAULT);
    expect_refused(&dev, (void *)(PAGE_OFFSET - 1), PAGE_SIZE, -EFAULT); /* the rest is lowmem */
}

KTEST(dma, vmalloc_address_is_refused)
{
    struct device dev = {.name = "test", .dma_mask = EVERYTHING};
    struct page *page = alloc_page(GFP_KERNEL);
    char *memory = vmalloc(2 * PAGE_SIZE), *map = vmap(&page, 1);
    char on_the_stack[16];

    expect_refused(&dev, memory, 1, -EADDRNOTAVAIL);
    expect_refused(&dev, memory + PAGE_SIZE + 5, 100, -EADDRNOTAVAIL);
    expect_refused(&dev, memory, 2 * PAGE_SIZE, -EADDRNOTAVAIL);
    expect_refused(&dev, map, PAGE_SIZE, -EADDRNOTAVAIL); /* though its page is lowmem */
    expect_refused(&dev, on_the_stack, sizeof(on_the_stack), -EADDRNOTAVAIL);
    expect_refused(&dev, (void *)(VMALLOC_END - 1), 1, -EADDRNOTAVAIL);
    if (edu_device())
        expect_refused(&dev, (const void *)edu_registers(), 4, -EADDRNOTAVAIL);
    vunmap(map);
    vfree(memory);
    free_page(page);
}

KTEST(dma, kernel_address_that_is_no_lowmem_is_refused)
{
    struct device dev = {.name = "test", .dma_mask = EVERYTHING};

    expect_refused(&dev, (void *)high_memory, 4, -ENXIO);
    expect_refused(&dev, (void *)(VMALLOC_START - 1), 1, -ENXIO);
    expect_refused(&dev, (void *)VMALLOC_END, 4, -ENXIO);
    expect_refused(&dev, (void *)FIXMAP_START, PAGE_SIZE, -ENXIO);
    expect_refused(&dev, (void *)FIXMAP_END, 4, -ENXIO);
}

KTEST(dma, range_past_the_end_is_refused)
{
    struct device dev = {.name = "test", .dma_mask = EVERYTHING};
    char *last = (char *)high_memory - PAGE_SIZE;

    expect_refused(&dev, last, PAGE_SIZE + 1, -EOVERFLOW);
    expect_refused(&dev, last, ~(size_t)0, -EOVERFLOW); /* would wrap around */
    expect_refused(&dev, (void *)PAGE_OFFSET, lowmem_size + 1, -EOVERFLOW);
    expect_page_refused(&dev, pfn_to_page(max_pfn - 1), 0, PAGE_SIZE + 1, -EOVERFLOW);
    expect_page_refused(&dev, pfn_to_page(max_pfn - 1), PAGE_SIZE, 1, -EOVERFLOW);
    expect_page_refused(&dev, pfn_to_page(max_pfn - 1), 0, ~(size_t)0, -EOVERFLOW);
}

KTEST(dma, memory_above_the_mask_is_refused)
{
    struct page *page = alloc_pages(GFP_KERNEL, 1);
    char *edge = (char *)page_address(page) + PAGE_SIZE;
    struct device dev = {.name = "test", .dma_mask = virt_to_phys(edge) - 1};
    dma_addr_t handle;

    expect_refused(&dev, edge, 1, -ERANGE);
    expect_refused(&dev, edge - 1, 2, -ERANGE);
    expect_page_refused(&dev, virt_to_page(edge), 0, 4, -ERANGE);
    expect_page_refused(&dev, virt_to_page(edge - 1), PAGE_SIZE - 4, 5, -ERANGE);
    expect_eq(dma_map_single(&dev, edge - 1, 1, DMA_TO_DEVICE, &handle), 0);
    expect_eq(handle, virt_to_phys(edge) - 1);
    dma_unmap_single(&dev, handle, 1, DMA_TO_DEVICE);
    expect_nothing_mapped(&dev);
    free_pages(page, 1);
}

/* Lowmem addresses and frames have holes, and free pages cannot be mapped. */
KTEST(dma, holes_and_free_memory_are_refused)
{
    struct device dev = {.name = "test", .dma_mask = EVERYTHING};
    struct page *page = alloc_pages(GFP_KERNEL, 1), *vga = phys_to_page(0xa0000);
    void *memory = page_address(page);
    struct scatterlist sg;

    expect_refused(&dev, phys_to_virt(0xa0000), 4, -ENOENT);
    expect_refused(&dev, phys_to_virt(0xb8000), PAGE_SIZE, -ENOENT);
    expect_page_refused(&dev, vga, 0, 4, -ENOENT);
    sg_set_page(&sg, vga, 8, 0);
    expect_eq(dma_map_sg(&dev, &sg, 1, DMA_TO_DEVICE), -ENOENT);
    free_pages(page, 1);
    expect_refused(&dev, memory, 4, -ESTALE);
    expect_refused(&dev, (char *)memory + PAGE_SIZE, 4, -ESTALE);
    drain_all_pages();
    expect_refused(&dev, memory, 4, -ESTALE);
    expect_page_refused(&dev, page, 0, 4, -ESTALE);
    expect_nothing_mapped(&dev);
}

/* The first frame of the range is in use, the second is not. */
KTEST(dma, range_that_reaches_into_free_memory_is_refused)
{
    struct device dev = {.name = "test", .dma_mask = EVERYTHING};
    struct page *page = alloc_pages(GFP_KERNEL, 1);
    char *memory = page_address(page);

    page[0].order = 0;
    page[1].block = BLOCK_HEAD(0);
    page[1].type = PAGE_USED;
    page[1].refcount = 1;
    free_page(page + 1);
    expect_refused(&dev, memory, PAGE_SIZE + 1, -ESTALE);
    expect_page_refused(&dev, page, PAGE_SIZE - 1, 2, -ESTALE);
    expect_page_refused(&dev, page, PAGE_SIZE, 2, -ESTALE);
    free_page(page);
    expect_nothing_mapped(&dev);
}

KTEST(dma, no_memory_to_remember_by)
{
    struct device dev = {.name = "test", .dma_mask = EVERYTHING};
    struct page *page = alloc_pages(GFP_KERNEL, 2);
    struct scatterlist sg[3], before[3];
    dma_addr_t handle = 0x5a5a5a5a;

    alloc_fail_countdown = 1;
    expect_eq(dma_map_single(&dev, page_address(page), 8, DMA_TO_DEVICE, &handle), -ENOMEM);
    alloc_fail_countdown = 1;
    expect_eq(dma_map_page(&dev, page, 0, 8, DMA_TO_DEVICE, &handle), -ENOMEM);
    expect_eq(handle, 0x5a5a5a5a);
    for (u32 i = 0; i < 3; i++)
        sg_set_page(&sg[i], page + i, 8, 0);
    memcpy(before, sg, sizeof(sg));
    for (u32 k = 1; k <= 3; k++) {
        alloc_fail_countdown = k;
        expect_eq(dma_map_sg(&dev, sg, 3, DMA_TO_DEVICE), -ENOMEM);
        expect_eq(alloc_fail_countdown, 0);
        expect_eq(memcmp(before, sg, sizeof(sg)), 0);
        expect_nothing_mapped(&dev);
    }
    alloc_fail_countdown = 2; /* the memory itself is there */
    expect(dma_alloc_coherent(&dev, PAGE_SIZE, &handle) == NULL);
    alloc_fail_countdown = 0;
    expect_nothing_mapped(&dev);
    free_pages(page, 2);
}

KTEST(dma, highmem_above_the_mask_is_refused)
{
    struct page *page = alloc_page(GFP_HIGHUSER);
    struct device near = {.name = "near", .dma_mask = page_to_phys(page) - 1};
    struct device far = {.name = "far", .dma_mask = EVERYTHING};
    dma_addr_t handle = 0;
    void *slot;

    if (page_is_highmem(page)) {
        expect_page_refused(&near, page, 0, PAGE_SIZE, -EOPNOTSUPP);
        expect_eq(dma_map_page(&far, page, 16, 32, DMA_FROM_DEVICE, &handle), 0);
        expect_eq(handle, page_to_phys(page) + 16);
        dma_unmap_page(&far, handle, 32, DMA_FROM_DEVICE);
        slot = kmap_local_page(page);
        expect_refused(&far, slot, 4, -ENXIO); /* the slot will be used for another page */
        kunmap_local(slot);
        expect_nothing_mapped(&far);
    } else {
        ktest_skip("no highmem on this machine");
    }
    free_page(page);
}

/* A device does not use the page tables: text is protected from it here, or not at all. */
KTEST(dma, read_only_memory_is_no_target)
{
    struct device dev = {.name = "test", .dma_mask = EVERYTHING};
    const void *targets[] = {__text_start, __rodata_start, swapper_pg_dir};
    const void *before = (const void *)((u32)__text_start - 1); /* the range reaches into text */
    struct scatterlist sg;
    dma_addr_t handle;

    for (u32 i = 0; i < ARRAY_SIZE(targets); i++) {
        expect_eq(dma_map_single(&dev, targets[i], 8, DMA_FROM_DEVICE, &handle), -EACCES);
        expect_eq(dma_map_single(&dev, targets[i], 8, DMA_BIDIRECTIONAL, &handle), -EACCES);
        expect_eq(dma_map_single(&dev, targets[i], 8, DMA_TO_DEVICE, &handle), 0);
        dma_unmap_single(&dev, handle, 8, DMA_TO_DEVICE);
    }
    expect_eq(dma_map_single(&dev, before, 8, DMA_FROM_DEVICE, &handle), -EACCES);
    sg_set_page(&sg, virt_to_page(__text_start), 8, 0);
    expect_eq(dma_map_sg(&dev, &sg, 1, DMA_FROM_DEVICE), -EACCES);
    expect_nothing_mapped(&dev);
}

/* ---- what is granted ---- */

KTEST(dma, maps_and_unmaps_balance)
{
    struct device dev = {.name = "test", .dma_mask = EVERYTHING};
    struct page *page = alloc_pages(GFP_KERNEL, 1);
    char *memory = page_address(page);
    dma_addr_t one, two;

    expect_eq(dma_map_single(&dev, memory + 3, 6000, DMA_TO_DEVICE, &one), 0);
    expect_eq(one, page_to_phys(page) + 3);
    expect_eq(dma_map_page(&dev, page, PAGE_SIZE + 1, 10, DMA_FROM_DEVICE, &two), 0);
    expect_eq(two, page_to_phys(page + 1) + 1);
    expect_eq(dev.mapped.pieces, 2);
    expect_eq(dev.mapped.bytes, 6010);
    dma_unmap_single(&dev, one, 6000, DMA_TO_DEVICE);
    expect_eq(dev.mapped.pieces, 1);
    expect_eq(dev.mapped.bytes, 10);
    dma_unmap_page(&dev, two, 10, DMA_FROM_DEVICE);
    expect_nothing_mapped(&dev);
    free_pages(page, 1);
}

KTEST(dma, unmapping_what_is_not_mapped_panics)
{
    struct device dev = {.name = "test", .dma_mask = EVERYTHING}, other = {.name = "other"};
    struct page *page = alloc_page(GFP_KERNEL);
    dma_addr_t handle;

    expect_eq(dma_map_single(&dev, page_address(page), 100, DMA_TO_DEVICE, &handle), 0);
    expect_panic(dma_unmap_single(&dev, handle, 101, DMA_TO_DEVICE), "gives back 101 bytes at 0x");
    expect_panic(dma_unmap_single(&dev, handle, 101, DMA_TO_DEVICE), "but has 100 bytes there");
    expect_panic(dma_unmap_single(&dev, handle, 100, DMA_FROM_DEVICE),
                 "from the device, by dma_map_single, but has 100 bytes there, to the device");
    expect_panic(dma_unmap_single(&dev, handle + 4, 100, DMA_TO_DEVICE), "but has nothing there");
    expect_panic(dma_unmap_page(&dev, handle, 100, DMA_TO_DEVICE), "by dma_map_page, but has");
    expect_panic(dma_unmap_single(&other, handle, 100, DMA_TO_DEVICE),
                 "other gives back 100 bytes");
    expect_panic(
        dma_free_coherent(&dev, 100, page_address(page), handle),
        "by dma_alloc_coherent, but has 100 bytes there, to the device, by dma_map_single");
    expect_eq(dev.mapped.pieces, 1);
    expect_eq(dev.mapped.bytes, 100);
    dma_unmap_single(&dev, handle, 100, DMA_TO_DEVICE);
    expect_panic(dma_unmap_single(&dev, handle, 100, DMA_TO_DEVICE), "but has nothing there");
    expect_nothing_mapped(&dev);
    free_page(page);
}

/* The same range twice, in the other direction too: each is unmapped separately. */
KTEST(dma, one_range_may_be_mapped_more_than_once)
{
    struct device dev = {.name = "test", .dma_mask = EVERYTHING};
    struct page *page = alloc_page(GFP_KERNEL);
    void *memory = page_address(page);
    dma_addr_t handle;

    expect_eq(dma_map_single(&dev, memory, 8, DMA_TO_DEVICE, &handle), 0);
    expect_eq(dma_map_single(&dev, memory, 8, DMA_TO_DEVICE, &handle), 0);
    expect_eq(dma_map_single(&dev, memory, 8, DMA_FROM_DEVICE, &handle), 0);
    expect_eq(dev.mapped.pieces, 3);
    dma_unmap_single(&dev, handle, 8, DMA_TO_DEVICE);
    dma_unmap_single(&dev, handle, 8, DMA_FROM_DEVICE);
    dma_unmap_single(&dev, handle, 8, DMA_TO_DEVICE);
    expect_nothing_mapped(&dev);
    free_page(page);
}

KTEST(dma, list_joins_neighbours)
{
    struct device dev = {.name = "test", .dma_mask = EVERYTHING};
    struct page *page = alloc_pages(GFP_KERNEL, 2);
    struct scatterlist sg[5];

    sg_set_page(&sg[0], &page[0], PAGE_SIZE - 100, 100);
    sg_set_page(&sg[1], &page[1], PAGE_SIZE, 0);
    sg_set_page(&sg[2], &page[2], 50, 0);
    sg_set_page(&sg[3], &page[2], 50, 51); /* a byte is left out */
    sg_set_page(&sg[4], &page[1], 8, 0);   /* backwards */
    expect_eq(dma_map_sg(&dev, sg, 5, DMA_TO_DEVICE), 3);
    expect_eq(sg_dma_address(&sg[0]), page_to_phys(page) + 100);
    expect_eq(sg_dma_len(&sg[0]), 2 * PAGE_SIZE - 50);
    expect_eq(sg_dma_address(&sg[1]), page_to_phys(page + 2) + 51);
    expect_eq(sg_dma_len(&sg[1]), 50);
    expect_eq(sg_dma_address(&sg[2]), page_to_phys(page + 1));
    expect_eq(sg_dma_len(&sg[2]), 8);
    expect_eq(dev.mapped.pieces, 5);
    dma_unmap_sg(&dev, sg, 5, DMA_TO_DEVICE);
    expect_nothing_mapped(&dev);
    free_pages(page, 2);
}

/* The second piece is refused: the first must not be mapped, and the list is unchanged. */
KTEST(dma, refused_list_changes_nothing)
{
    struct page *page = alloc_pages(GFP_KERNEL, 1);
    struct device dev = {.name = "test", .dma_mask = page_to_phys(page) + PAGE_SIZE - 1};
    struct scatterlist sg[2], before[2];

    sg_set_page(&sg[0], page, PAGE_SIZE, 0);
    sg_set_page(&sg[1], page + 1, PAGE_SIZE, 0);
    memcpy(before, sg, sizeof(sg));
    expect_eq(dma_map_sg(&dev, sg, 2, DMA_TO_DEVICE), -ERANGE);
    expect_eq(memcmp(before, sg, sizeof(sg)), 0);
    expect_nothing_mapped(&dev);
    free_pages(page, 1);
}

KTEST(dma, vmalloc_range_becomes_frames)
{
    struct scatterlist sg[4];
    char *memory = vmalloc(3 * PAGE_SIZE);

    expect_eq(sg_set_vmalloc(sg, 4, memory + PAGE_SIZE - 10, PAGE_SIZE + 20), 3);
    for (u32 i = 0; i < 3; i++) {
        expect_eq(sg[i].page, vmalloc_to_page(memory + i * PAGE_SIZE));
        expect_eq(sg[i].offset, i == 0 ? PAGE_SIZE - 10 : 0);
        expect_eq(sg[i].length, i == 1 ? PAGE_SIZE : 10);
    }
    expect_eq(sg_set_vmalloc(sg, 4, memory + 7, 5), 1);
    expect_eq(sg_set_vmalloc(sg, 2, memory, 3 * PAGE_SIZE), -ENOSPC);
    expect_eq(sg_set_vmalloc(sg, 4, memory, 0), -EINVAL);
    expect_eq(sg_set_vmalloc(sg, 4, memory, 3 * PAGE_SIZE + 1), -EINVAL); /* the guard */
    expect_eq(sg_set_vmalloc(sg, 4, (void *)PAGE_OFFSET, 4), -EINVAL);
    if (edu_device())
        expect_eq(sg_set_vmalloc(sg, 4, (const void *)edu_registers(), 4), -EINVAL);
    vfree(memory);
}

/* ---- coherent memory ---- */

static void check_coherent(struct device *dev, u32 size)
{
    dma_addr_t handle;
    u8 *memory = dma_alloc_coherent(dev, size, &handle);

    if (!expect(memory != NULL))
        return;
    expect_eq(handle, virt_to_phys(memory));
    expect(handle + size - 1 <= dev->dma_mask);
    expect_eq(handle % PAGE_SIZE, 0);
    for (u32 i = 0; i < size; i += 64)
        expect_eq(memory[i], 0);
    expect_eq(dev->coherent.pieces, 1);
    expect_eq(dev->coherent.bytes, size);
    memset(memory, 0xff, size); /* the next one must clear it again */
    dma_free_coherent(dev, size, memory, handle);
}

KTEST(dma, coherent_memory_is_reached)
{
    const u32 sizes[] = {1, PAGE_SIZE, PAGE_SIZE + 1, 3 * PAGE_SIZE, 16 * PAGE_SIZE};
    struct device dev = {.name = "test"};

    for (u32 bits = 24; bits <= 32; bits += 4) {
        expect_eq(dma_set_mask(&dev, DMA_BIT_MASK(bits)), 0);
        for (u32 i = 0; i < ARRAY_SIZE(sizes); i++)
            check_coherent(&dev, sizes[i]);
    }
    expect_nothing_mapped(&dev);
}

KTEST(dma, coherent_memory_that_cannot_be)
{
    struct device dev = {.name = "test", .dma_mask = EVERYTHING},
                  near = {.name = "near", .dma_mask = 0xfff};
    dma_addr_t handle;

    expect(dma_alloc_coherent(&dev, 0, &handle) == NULL);
    expect(dma_alloc_coherent(&dev, (PAGE_SIZE << MAX_ORDER) + 1, &handle) == NULL);
    expect(dma_alloc_coherent(&dev, ~(size_t)0, &handle) == NULL);
    expect(dma_alloc_coherent(&near, PAGE_SIZE, &handle) == NULL); /* only frame 0 would do */
    alloc_fail_countdown = 1;
    expect(dma_alloc_coherent(&dev, PAGE_SIZE, &handle) == NULL);
    alloc_fail_countdown = 0;
    expect_nothing_mapped(&dev);
    expect_nothing_mapped(&near);
}
