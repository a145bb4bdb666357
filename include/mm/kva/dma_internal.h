/* Internal to the two files of the DMA API. */
#pragma once

#include <mm/kva/dma.h>

#define end_of_ram() ((u64)max_pfn << PAGE_SHIFT)

/* ---- mm/kva/dma_verdict.c: nothing here changes or prints anything ---- */

/*
 * May [phys, phys + size), which ends before RAM does, be given to a device? *frame is the first
 * frame that may not.
 */
enum dma_verdict dma_judge_frames(phys_addr_t phys, size_t size, phys_addr_t *frame);

/* Does the device also reach that range, and may it make this access there? */
enum dma_verdict dma_judge_range(const struct device *dev, phys_addr_t phys, size_t size,
                                 enum dma_data_direction direction, phys_addr_t *frame);

/* Is this a lowmem range, the only kind of address that subtraction converts correctly? */
enum dma_verdict dma_judge_address(const void *addr, size_t size);

/* The same for a range that starts at an offset in a page; it may run past the end of RAM. */
enum dma_verdict dma_judge_page(const struct device *dev, const struct page *page, size_t offset,
                                size_t size, enum dma_data_direction direction, phys_addr_t *frame);
