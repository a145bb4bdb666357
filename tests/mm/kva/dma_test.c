/*
 * The DMA API: what it refuses and with which error, on devices that exist only here, with any mask
 * that a test needs; and transfers of the edu device with mappings that it grants. A transfer takes
 * a tenth of a second, so there are few of them.
 */
#include "tests/drivers/edu.h"
#include <arch/x86/pgtable.h>
#include <arch/x86/sections.h>
#include <arch/x86/timer.h>
#include <asm/errno.h>
#include <drivers/edu.h>
#include <kernel/monitor/edu_copy.h>
#include <kernel/monitor/ktest.h>
#include <kernel/task.h>
#include <lib/string.h>
#include <mm/fail.h>
#include <mm/frame/highmem.h>
#include <mm/frame/page_alloc.h>
#include <mm/kva/dma.h>
#include <mm/kva/vmalloc.h>

#define EVERYTHING DMA_BIT_MASK(32)

static void fill(u8 *bytes, u32 size, u8 salt)
{
    for (u32 i = 0; i < size; i++)
        bytes[i] = i * 31 + (i >> 8) + salt;
}

static bool filled(const u8 *bytes, u32 size, u8 salt)
{
    for (u32 i = 0; i < size; i++) {
        if (bytes[i] != (u8)(i * 31 + (i >> 8) + salt))
            return false;
    }
    return true;
}

static void expect_nothing_mapped(const struct device *dev)
{
    expect_eq(dev->mapped.pieces, 0);
    expect_eq(dev->mapped.bytes, 0);
    expect_eq(dev->coherent.pieces, 0);
    expect_eq(dev->coherent.bytes, 0);
}

/* Both directions of transfer, each with its own error, and nothing is mapped afterwards. */
static __noinline void expect_refused(struct device *dev, const void *addr, size_t size, int error)
{
    struct dma_count before = dev->mapped;
    dma_addr_t handle = 0x5a5a5a5a;

    expect_eq(dma_refusals[dma_query_single(dev, addr, size, DMA_FROM_DEVICE)].error, error);
    expect_eq(dma_map_single(dev, addr, size, DMA_TO_DEVICE, &handle), error);
    expect_eq(dma_map_single(dev, addr, size, DMA_FROM_DEVICE, &handle), error);
    expect_eq(handle, 0x5a5a5a5a);
    expect_eq(dev->mapped.pieces, before.pieces);
    expect_eq(dev->mapped.bytes, before.bytes);
}

static __noinline void expect_page_refused(struct device *dev, const struct page *page, u32 offset,
                                           size_t size, int error)
{
    struct dma_count before = dev->mapped;
    dma_addr_t handle = 0x5a5a5a5a;

    expect_eq(dma_map_page(dev, page, offset, size, DMA_TO_DEVICE, &handle), error);
    expect_eq(handle, 0x5a5a5a5a);
    expect_eq(dev->mapped.pieces, before.pieces);
    expect_eq(dev->mapped.bytes, before.bytes);
}

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

/* ---- the edu device ---- */

/*
 * At another address there is no edu device: the card must be off then, and the driver unchanged.
 */
KTEST(dma, edu_that_does_not_answer_is_left_alone)
{
    const struct vmalloc_stats before = vmalloc_stats();
    const volatile void *registers = edu_registers();
    struct pci_dev wrong;

    if (no_edu())
        return;
    wrong = *edu_pci();
    wrong.bar[0].start = 0xb8000; /* the text screen is not a card */
    expect_str_eq(edu_bind(&wrong), "it does not identify itself");
    expect_eq(pci_config_read(edu_pci(), PCI_COMMAND) & (PCI_COMMAND_MEMORY | PCI_COMMAND_IO), 0);
    pci_enable_device(edu_pci());
    expect_eq(edu_registers(), registers);
    expect(edu_pci() != &wrong);
    expect_eq(vmalloc_stats().busy_areas, before.busy_areas);
}

/* Memory that the device reaches: two halves, to copy between. */
struct pair {
    u8 *from, *to;
    dma_addr_t from_dma, to_dma;
    u32 half;
};

static bool pair_init(struct pair *pair, u32 half)
{
    pair->half = half;
    pair->from = dma_alloc_coherent(edu_device(), 2 * half, &pair->from_dma);
    pair->to = pair->from + half;
    pair->to_dma = pair->from_dma + half;
    return expect(pair->from != NULL);
}

static void pair_free(struct pair *pair)
{
    dma_free_coherent(edu_device(), 2 * pair->half, pair->from, pair->from_dma);
    expect_nothing_mapped(edu_device());
}

/* One piece, several, across pages; the bytes on both sides do not change. */
KTEST(dma, edu_copies_any_length)
{
    static const struct {
        u32 from, to, size;
    } copies[] = {
        {0, 1, 1}, {4095, 4094, 3}, {2049, 3000, EDU_TRANSFER_MAX}, {5, 4097, 2 * 2048 + 1}};
    struct pair pair;

    if (no_edu() || !pair_init(&pair, 3 * PAGE_SIZE))
        return;
    for (u32 i = 0; i < ARRAY_SIZE(copies); i++) {
        u32 from = copies[i].from, to = copies[i].to, size = copies[i].size;
        u32 pieces = (size + EDU_TRANSFER_MAX - 1) / EDU_TRANSFER_MAX;
        u32 interrupts = edu_interrupts();

        fill(pair.from + from, size, i);
        memset(pair.to, 0xee, pair.half);
        expect_eq(edu_copy(pair.to_dma + to, pair.from_dma + from, size), 0);
        expect(filled(pair.to + to, size, i));
        expect_eq(pair.to[to - 1], 0xee);
        expect_eq(pair.to[to + size], 0xee);
        expect_eq(edu_interrupts() - interrupts, 2 * pieces);
    }
    pair_free(&pair);
}

KTEST(dma, edu_copies_lowmem)
{
    struct page *page = alloc_pages(GFP_DMA, 1);
    u8 *from = page_address(page), *to = from + PAGE_SIZE;
    dma_addr_t from_dma, to_dma;

    if (!no_edu()) {
        fill(from, 1000, 9);
        expect_eq(dma_map_single(edu_device(), from, 1000, DMA_TO_DEVICE, &from_dma), 0);
        expect_eq(dma_map_single(edu_device(), to, 1000, DMA_FROM_DEVICE, &to_dma), 0);
        expect_eq(edu_copy(to_dma, from_dma, 1000), 0);
        dma_unmap_single(edu_device(), to_dma, 1000, DMA_FROM_DEVICE);
        dma_unmap_single(edu_device(), from_dma, 1000, DMA_TO_DEVICE);
        expect(filled(to, 1000, 9));
        expect_nothing_mapped(edu_device());
    }
    free_pages(page, 1);
}

/*
 * Two frames of the DMA zone in the vmalloc area, in this order or the other, so that the second
 * does not follow the first.
 */
static u8 *map_scattered(struct page *pages[2])
{
    struct page *a = alloc_page(GFP_DMA), *b = alloc_page(GFP_DMA);

    pages[0] = max(a, b);
    pages[1] = min(a, b);
    return vmap(pages, 2);
}

static void unmap_scattered(u8 *buffer, struct page *pages[2])
{
    vunmap(buffer);
    free_page(pages[0]);
    free_page(pages[1]);
}

/* 120 bytes before and 80 after the border of two pages. */
KTEST(dma, edu_copies_vmalloc_memory_by_frames)
{
    struct scatterlist sg[2];
    struct page *pages[2];
    struct pair pair;
    u8 *buffer, *bytes;

    if (no_edu() || !pair_init(&pair, PAGE_SIZE))
        return;
    buffer = map_scattered(pages);
    bytes = buffer + PAGE_SIZE - 120;
    fill(bytes, 200, 11);
    expect_eq(sg_set_vmalloc(sg, 2, bytes, 200), 2);
    if (expect_eq(dma_map_sg(edu_device(), sg, 2, DMA_BIDIRECTIONAL), 2)) {
        for (u32 i = 0, at = 0; i < 2; at += sg_dma_len(&sg[i++]))
            expect_eq(edu_copy(pair.to_dma + at, sg_dma_address(&sg[i]), sg_dma_len(&sg[i])), 0);
        expect(filled(pair.to, 200, 11));
        memset(bytes, 0, 200);
        for (u32 i = 0, at = 0; i < 2; at += sg_dma_len(&sg[i++]))
            expect_eq(edu_copy(sg_dma_address(&sg[i]), pair.to_dma + at, sg_dma_len(&sg[i])), 0);
        expect(filled(bytes, 200, 11));
        dma_unmap_sg(edu_device(), sg, 2, DMA_BIDIRECTIONAL);
    }
    unmap_scattered(buffer, pages);
    pair_free(&pair);
}

/*
 * Why the API refuses: A and B are neighbours, A and C are mapped side by side. The device gets the
 * end of A and continues into B.
 */
KTEST(dma, arithmetic_hits_the_neighbour)
{
    struct page *a = alloc_pages(GFP_DMA, 1), *c = alloc_page(GFP_DMA);
    u8 *buffer = vmap((struct page *[]){a, c}, 2), *b = page_address(a + 1);
    u8 *border = buffer + PAGE_SIZE;
    struct pair pair;

    if (!no_edu() && pair_init(&pair, PAGE_SIZE)) {
        fill(border - 64, 128, 1);
        fill(b, 64, 2);
        fill(pair.from, 128, 3);
        expect_eq(edu_copy(page_to_phys(a) + PAGE_SIZE - 64, pair.from_dma, 128), 0);
        expect_eq(memcmp(border - 64, pair.from, 64), 0);
        expect_eq(memcmp(b, pair.from + 64, 64), 0);     /* B has been written over, */
        expect(memcmp(border, pair.from + 64, 64) != 0); /* and the buffer's second page has not */
        pair_free(&pair);
    }
    vunmap(buffer);
    free_page(c);
    free_pages(a, 1);
}

KTEST(dma, edu_does_not_reach_above_256_mib)
{
    struct device *dev = edu_device();
    struct page *top = pfn_to_page(max_pfn - 1);
    dma_addr_t handle;
    void *memory;

    if (no_edu())
        return;
    expect(dev->dma_mask == DMA_BIT_MASK(28));
    if (page_to_phys(top) < MIB(256)) {
        ktest_skip("no memory above 256 MiB");
        return;
    }
    if (lowmem_size > MIB(256u)) {
        expect_refused(dev, phys_to_virt(MIB(256u)), 4, -ERANGE);
        expect_refused(dev, (char *)phys_to_virt(MIB(256u)) - 2, 4, -ERANGE);
    }
    expect_page_refused(dev, top, 0, 4, page_is_highmem(top) ? -EOPNOTSUPP : -ERANGE);
    memory = dma_alloc_coherent(dev, PAGE_SIZE, &handle);
    if (expect(memory != NULL)) {
        expect(handle + PAGE_SIZE <= MIB(256));
        dma_free_coherent(dev, PAGE_SIZE, memory, handle);
    }
}

KTEST(dma, edu_refuses_requests_that_cannot_be)
{
    struct edu_request request = {.addr = 0, .size = 0, .direction = DMA_TO_DEVICE};

    if (!edu_device()) {
        expect_eq(edu_start(&request), -ENODEV);
        return;
    }
    expect_eq(edu_start(&request), -EINVAL);
    request.size = EDU_TRANSFER_MAX + 1;
    expect_eq(edu_start(&request), -EINVAL);
    request.size = 1;
    request.direction = DMA_BIDIRECTIONAL;
    expect_eq(edu_start(&request), -EINVAL);
    expect(!edu_cancel(&request));
}

/* Cancelled before the device is done: memory does not change, and the device can be used again. */
KTEST(dma, edu_time_out_leaves_memory_alone)
{
    struct pair pair;
    int first = 0, second = 0;

    if (no_edu() || !pair_init(&pair, PAGE_SIZE))
        return;
    /* On a busy host the device's tenth of a second may pass within two ticks: then repeat. */
    for (u32 i = 0; i < 20 && second != -EBUSY; i++) {
        memset(pair.to, 0xee, 64);
        first = edu_transfer(DMA_FROM_DEVICE, pair.to_dma, 64, 2);
        second = edu_transfer(DMA_FROM_DEVICE, pair.to_dma, 64, 2);
        sched_sleep(20); /* until it is done */
    }
    expect_eq(first, -ETIMEDOUT);
    expect_eq(second, -EBUSY);
    for (u32 i = 0; i < 64; i++)
        expect_eq(pair.to[i], 0xee);
    fill(pair.from, 64, 4);
    expect_eq(edu_copy(pair.to_dma, pair.from_dma, 64), 0);
    expect(filled(pair.to, 64, 4));
    pair_free(&pair);
}

#define EDU_IRQ_RAISE 0x60 /* the register that raises the card's interrupt with these bits */

static void note_done(struct edu_request *request)
{
    request->size = 0;
}

/* An interrupt of the card for another reason does not end the transfer. */
KTEST(dma, edu_interrupts_without_a_transfer)
{
    struct edu_request request = {.size = 64, .direction = DMA_TO_DEVICE, .done = note_done};
    u32 interrupts;
    struct pair pair;

    if (no_edu() || !pair_init(&pair, PAGE_SIZE))
        return;
    request.addr = pair.from_dma;
    interrupts = edu_interrupts();
    expect_eq(edu_start(&request), 0);
    ((volatile u32 *)edu_registers())[EDU_IRQ_RAISE / 4] = 1;
    for (u32 i = 0; i < HZ && edu_interrupts() == interrupts; i++)
        sched_sleep(1);
    expect_eq(edu_interrupts(), interrupts + 1);
    expect_eq(request.size, 64);
    for (u32 i = 0; i < 2 * HZ && request.size; i++)
        sched_sleep(1);
    expect_eq(request.size, 0);
    expect_eq(edu_interrupts(), interrupts + 2);
    pair_free(&pair);
}

static void copy_thread(void *arg)
{
    const struct pair *pair = arg;

    task_exit(edu_copy(pair->to_dma, pair->from_dma, EDU_TRANSFER_MAX + 1) == 0 ? 0 : 1);
}

/* Each piece of a copy passes through the one buffer: the copies must not mix. */
KTEST(dma, edu_users_take_turns)
{
    struct pair pairs[2];
    struct task_result result;

    if (no_edu() || !pair_init(&pairs[0], PAGE_SIZE))
        return;
    if (pair_init(&pairs[1], PAGE_SIZE)) {
        for (u32 i = 0; i < 2; i++) {
            fill(pairs[i].from, PAGE_SIZE, i);
            expect(kthread_create("copy", copy_thread, &pairs[i]) != NULL);
        }
        for (u32 i = 0; i < 2; i++) {
            expect_eq(task_wait(0, &result), 0);
            expect_eq(result.exit_code, 0);
        }
        for (u32 i = 0; i < 2; i++)
            expect(filled(pairs[i].to, EDU_TRANSFER_MAX + 1, i));
        dma_free_coherent(edu_device(), 2 * PAGE_SIZE, pairs[1].from, pairs[1].from_dma);
    }
    pair_free(&pairs[0]);
}
