/* What the two files of the DMA API tell each other; for nobody else. */
#pragma once

#include <mm/kva/dma.h>

#define end_of_ram() ((u64)max_pfn << PAGE_SHIFT)

/* ---- mm/kva/dma_verdict.c: nothing here changes or prints anything ---- */

/*
 * May anybody give [phys, phys + size), which ends before RAM does, to a device? *frame is the
 * first frame that nobody may.
 */
enum dma_verdict dma_judge_frames(phys_addr_t phys, size_t size, phys_addr_t *frame);

/* Does the device reach that range too, and may it do there what it will? */
enum dma_verdict dma_judge_range(const struct device *dev, phys_addr_t phys, size_t size,
                                 enum dma_data_direction direction, phys_addr_t *frame);

/* Is this a lowmem range, the only kind of address that subtraction is right for? */
enum dma_verdict dma_judge_address(const void *addr, size_t size);

/* The same as for a range, from an offset in a page on; it may run past the end of RAM. */
enum dma_verdict dma_judge_page(const struct device *dev, const struct page *page, size_t offset,
                                size_t size, enum dma_data_direction direction, phys_addr_t *frame);
