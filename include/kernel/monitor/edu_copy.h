/* The edu device for callers that can sleep: kernel threads only. */
#pragma once

#include <mm/kva/dma.h>

/*
 * One transfer of at most EDU_TRANSFER_MAX bytes between memory and the card's buffer; sleeps until
 * its interrupt. 0; -ETIMEDOUT, with a line, when no interrupt came within `ticks`, and then the
 * card no longer accesses memory; or the error of edu_start().
 */
__must_check int edu_transfer(enum dma_data_direction direction, dma_addr_t addr, u32 size,
                              u32 ticks);

/*
 * Copy any number of bytes from one place in memory to another, through the card, piece by piece.
 * Both places are mapped for edu_device(). The same errors; the pieces before the one that failed
 * have been copied.
 */
__must_check int edu_copy(dma_addr_t to, dma_addr_t from, u32 size);
