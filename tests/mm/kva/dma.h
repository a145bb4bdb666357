/* What tests of the DMA API share. */
#pragma once

#include <kernel/monitor/ktest.h>
#include <mm/kva/dma.h>

static inline void fill(u8 *bytes, u32 size, u8 salt)
{
    for (u32 i = 0; i < size; i++)
        bytes[i] = i * 31 + (i >> 8) + salt;
}

static inline bool filled(const u8 *bytes, u32 size, u8 salt)
{
    for (u32 i = 0; i < size; i++) {
        if (bytes[i] != (u8)(i * 31 + (i >> 8) + salt))
            return false;
    }
    return true;
}

static inline void expect_nothing_mapped(const struct device *dev)
{
    expect_eq(dev->mapped.pieces, 0);
    expect_eq(dev->mapped.bytes, 0);
    expect_eq(dev->coherent.pieces, 0);
    expect_eq(dev->coherent.bytes, 0);
}

/* Both directions of transfer, each with its own error, and nothing is mapped afterwards. */
static inline void expect_refused(struct device *dev, const void *addr, size_t size, int error)
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

static inline void expect_page_refused(struct device *dev, const struct page *page, u32 offset,
                                       size_t size, int error)
{
    struct dma_count before = dev->mapped;
    dma_addr_t handle = 0x5a5a5a5a;

    expect_eq(dma_map_page(dev, page, offset, size, DMA_TO_DEVICE, &handle), error);
    expect_eq(handle, 0x5a5a5a5a);
    expect_eq(dev->mapped.pieces, before.pieces);
    expect_eq(dev->mapped.bytes, before.bytes);
}
