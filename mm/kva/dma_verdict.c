/*
 * What memory a device may be given, and why not: the decisions for the gate of mm/kva/dma.c.
 *
 * Each question has one verdict, and each verdict has one row with its error and its reason in
 * words, so that the refusal, the explanation of an address and the console print the same. A
 * question changes nothing and prints nothing. The verdicts and their order are those that
 * include/mm/kva/dma.h explains.
 *
 * A device that writes is not checked by the page tables. What the kernel has made read-only for
 * itself (text, constants, page tables) is therefore refused as a target, according to the rights
 * in lowmem's rows.
 *
 * Neighbours: mm/kva/dma.c refuses by these verdicts, mm/check/explain_walk.c reports them.
 */
#include <arch/x86/pgtable.h>
#include <asm/errno.h>
#include <mm/frame/memblock.h>
#include <mm/kva/dma_internal.h>

#define REFUSAL(error, why) ((struct dma_refusal){-(error), "-" #error, why})

const struct dma_refusal dma_refusals[DMA_REFUSALS] = {
    [DMA_EMPTY] = REFUSAL(EINVAL, "an empty range"),
    [DMA_EMPTY_LIST] = REFUSAL(EINVAL, "an empty list"),
    [DMA_USER] =
        REFUSAL(EFAULT, "a user address, which means another frame, or none, in each process"),
    [DMA_VMALLOC] =
        REFUSAL(EADDRNOTAVAIL, "a vmalloc address: its frames may be scattered; use dma_map_sg"),
    [DMA_NO_LOWMEM] = REFUSAL(ENXIO, "not a lowmem address: use dma_map_page"),
    [DMA_PAST_LOWMEM] = REFUSAL(EOVERFLOW, "the range runs past the end of lowmem"),
    [DMA_PAST_RAM] = REFUSAL(EOVERFLOW, "the range runs past the end of RAM"),
    [DMA_MASK] = REFUSAL(ERANGE, "memory above the device's mask"),
    [DMA_MASK_HIGHMEM] =
        REFUSAL(EOPNOTSUPP, "highmem above the device's mask, and there are no bounce buffers"),
    [DMA_READ_ONLY] = REFUSAL(EACCES, "the kernel itself may only read this memory"),
    [DMA_NO_RAM] = REFUSAL(ENOENT, "no RAM"),
    [DMA_FREE] = REFUSAL(ESTALE, "this memory is free"),
};

/* A frame of RAM that was reserved at start-up counts as in use. */
enum dma_verdict dma_judge_frames(phys_addr_t phys, size_t size, phys_addr_t *frame)
{
    u32 end = PFN_DOWN(phys + size - 1) + 1, next;

    for (u32 pfn = PFN_DOWN(phys); pfn < end; pfn = next) {
        struct page *first = page_head(pfn_to_page(pfn));

        *frame = pfn << PAGE_SHIFT;
        next = page_to_pfn(first) + page_block_size(first);
        if (first->type == PAGE_FREE || first->type == PAGE_HOT)
            return DMA_FREE;
        if (first->type == PAGE_RESERVED && !memblock_overlaps_ram(*frame, (u64)*frame + PAGE_SIZE))
            return DMA_NO_RAM;
    }
    return DMA_GRANTED;
}

/* Some page of the range is in lowmem, where the kernel may not write it. */
static bool read_only(phys_addr_t phys, size_t size)
{
    phys_addr_t last = min(phys + size - 1, lowmem_size - 1);

    if (phys >= lowmem_size)
        return false;
    for (u32 pfn = PFN_DOWN(phys); pfn <= PFN_DOWN(last); pfn++) {
        if (!pgd_walk(swapper_pg_dir, PAGE_OFFSET + (pfn << PAGE_SHIFT)).writable)
            return true;
    }
    return false;
}

enum dma_verdict dma_judge_range(const struct device *dev, phys_addr_t phys, size_t size,
                                 enum dma_data_direction direction, phys_addr_t *frame)
{
    *frame = phys;
    if (phys + (u64)size - 1 > dev->dma_mask)
        return phys >= lowmem_size ? DMA_MASK_HIGHMEM : DMA_MASK;
    if (direction != DMA_TO_DEVICE && read_only(phys, size))
        return DMA_READ_ONLY;
    return dma_judge_frames(phys, size, frame);
}

enum dma_verdict dma_judge_address(const void *addr, size_t size)
{
    if (size == 0)
        return DMA_EMPTY;
    if ((u32)addr < PAGE_OFFSET)
        return DMA_USER;
    if (is_vmalloc_addr(addr))
        return DMA_VMALLOC;
    if (!is_lowmem_addr(addr))
        return DMA_NO_LOWMEM;
    return size > high_memory - (u32)addr ? DMA_PAST_LOWMEM : DMA_GRANTED;
}

enum dma_verdict dma_judge_page(const struct device *dev, const struct page *page, size_t offset,
                                size_t size, enum dma_data_direction direction, phys_addr_t *frame)
{
    u64 start = ((u64)page_to_pfn(page) << PAGE_SHIFT) + offset;

    *frame = start;
    if (size == 0)
        return DMA_EMPTY;
    if (start + size > end_of_ram())
        return DMA_PAST_RAM;
    return dma_judge_range(dev, start, size, direction, frame);
}

enum dma_verdict dma_query_single(const struct device *dev, const void *addr, size_t size,
                                  enum dma_data_direction direction)
{
    enum dma_verdict verdict = dma_judge_address(addr, size);
    phys_addr_t frame;

    return verdict ? verdict : dma_judge_range(dev, virt_to_phys(addr), size, direction, &frame);
}
