/*
 * Memory for devices (Linux's names and meanings). A device does not use page tables: it gets
 * physical addresses, and a range that it gets must be contiguous in RAM. On a PC, where nothing
 * translates in between, a DMA address is a physical address. So only two kinds of memory can be
 * given to a device: lowmem, where contiguous addresses are contiguous frames, and frames one by
 * one. A vmalloc address is neither: the frames behind it lie anywhere, and arithmetic on it gives
 * the address of another owner's frame.
 *
 * Refused requests, each with its own error and one line on the console with the reason:
 *
 *   -EINVAL         an empty range, or an empty list
 *   -EFAULT         a user address: it maps a different frame, or none, in each process
 *   -EADDRNOTAVAIL  a vmalloc address (vmap, ioremap and kernel stacks lie there, too)
 *   -ENXIO          a kernel address that is neither lowmem nor vmalloc: kmap_local, the holes
 *   -EOVERFLOW      a range that begins in lowmem, or in RAM for pages, and runs past its end
 *   -ERANGE         lowmem above the device's mask
 *   -EOPNOTSUPP     highmem above the device's mask: it would take a bounce buffer
 *   -ENOENT         not RAM: a hole in lowmem, or the memory of a device
 *   -ESTALE         memory that is free: its next owner would share it with the device
 *   -EACCES         memory that the kernel itself may only read, for a device that will write
 *   -ENOMEM         no memory to record the mapping; printed without a line
 *
 * A refused call has changed nothing. A granted mapping is recorded until it is unmapped: to be
 * compared then, and for the audit. On a PC the processor's caches are coherent with devices, so
 * there is nothing to flush, and directions only matter for rights. Kernel threads and start-up
 * only.
 */
#pragma once

#include <lib/types.h>
#include <mm/frame/page.h>
#include <mm/layout.h>

typedef phys_addr_t dma_addr_t;

#define DMA_BIT_MASK(bits) (~0ull >> (64 - (bits))) /* 1..64 */

enum dma_data_direction {
    DMA_BIDIRECTIONAL,
    DMA_TO_DEVICE,   /* the device reads memory */
    DMA_FROM_DEVICE, /* the device writes memory */
};

/* The result of the checks of a range. */
enum dma_verdict {
    DMA_GRANTED,
    DMA_EMPTY,
    DMA_EMPTY_LIST,
    DMA_USER,
    DMA_VMALLOC,
    DMA_NO_LOWMEM,
    DMA_PAST_LOWMEM,
    DMA_PAST_RAM,
    DMA_MASK,
    DMA_MASK_HIGHMEM,
    DMA_READ_ONLY,
    DMA_NO_RAM,
    DMA_FREE,
    DMA_REFUSALS,
};

/*
 * The error that goes with each of them, its name, and the reason in words; DMA_GRANTED has none.
 */
struct dma_refusal {
    int error;
    const char *name, *why;
};
extern const struct dma_refusal dma_refusals[DMA_REFUSALS];

/* The memory that a device has been given. */
struct dma_count {
    u32 pieces; /* calls of dma_map_single and _page, entries of dma_map_sg, coherent blocks */
    u32 bytes;
};

/*
 * A device that reads and writes memory by itself. All fields except the name belong to the DMA
 * API.
 */
struct device {
    const char *name;
    u64 dma_mask;              /* the highest address it can put on the bus */
    struct dma_count mapped;   /* by dma_map_*, not unmapped yet */
    struct dma_count coherent; /* by dma_alloc_coherent, not freed yet */
};

/*
 * Set the highest address that the device reaches. -EIO, and the mask is unchanged, when it does
 * not cover the DMA zone (or all RAM, if that is less): then no memory could be allocated for the
 * device.
 */
__must_check int dma_set_mask(struct device *dev, u64 mask);

/*
 * Cleared lowmem that the device reaches, physically contiguous, for both sides to use at the same
 * time; *handle is the address for the device. At most 4 MiB. NULL when out of memory.
 */
__must_check void *dma_alloc_coherent(struct device *dev, size_t size, dma_addr_t *handle);
void dma_free_coherent(struct device *dev, size_t size, void *addr, dma_addr_t handle);

/*
 * Give a range of lowmem to the device: 0, and *handle is the address for it; or one of the errors
 * above. The memory is the device's until the unmap call of the same kind, which takes the same
 * handle, size and direction; it must stay in use that long. Unmapping anything else is a panic.
 */
__must_check int dma_map_single(struct device *dev, const void *addr, size_t size,
                                enum dma_data_direction direction, dma_addr_t *handle);
void dma_unmap_single(struct device *dev, dma_addr_t handle, size_t size,
                      enum dma_data_direction direction);

/*
 * The same for a frame, highmem or not, which needs no virtual address. `offset` and `size` may
 * reach into the frames that follow.
 */
__must_check int dma_map_page(struct device *dev, const struct page *page, size_t offset,
                              size_t size, enum dma_data_direction direction, dma_addr_t *handle);
void dma_unmap_page(struct device *dev, dma_addr_t handle, size_t size,
                    enum dma_data_direction direction);

/*
 * What dma_map_single() would return, except for -ENOMEM. Prints nothing, changes nothing. Any
 * context.
 */
enum dma_verdict dma_query_single(const struct device *dev, const void *addr, size_t size,
                                  enum dma_data_direction direction);

/* ---- many pieces ---- */

/*
 * One piece of memory as its owner sees it and, in the same entry, one range as the device sees it.
 * The two need not belong together: dma_map_sg() joins adjacent pieces.
 */
struct scatterlist {
    struct page *page;
    u32 offset, length;
    dma_addr_t dma_address;
    u32 dma_length;
};

#define sg_dma_address(sg) ((sg)->dma_address)
#define sg_dma_len(sg)     ((sg)->dma_length)

/* Linux's order of arguments. */
static inline void sg_set_page(struct scatterlist *sg, struct page *page, u32 length, u32 offset)
{
    *sg = (struct scatterlist){.page = page, .offset = offset, .length = length};
}

/*
 * Describe `size` bytes from a vmalloc address on, page by page. Returns the number of entries;
 * -EINVAL when a page of the range is not mapped or not RAM; -ENOSPC when `max` entries are not
 * enough.
 */
__must_check int sg_set_vmalloc(struct scatterlist *sg, u32 max, const void *addr, size_t size);

/*
 * Give all pieces of the list to the device. Returns the number of ranges, at most `count`: they
 * are sg[0 .. result - 1], by sg_dma_address() and sg_dma_len(). Or the error of the first piece
 * that was refused; then none is mapped. Unmap with the count of pieces, not of ranges.
 */
__must_check int dma_map_sg(struct device *dev, struct scatterlist *sg, u32 count,
                            enum dma_data_direction direction);
void dma_unmap_sg(struct device *dev, struct scatterlist *sg, u32 count,
                  enum dma_data_direction direction);

/*
 * Check all mappings of devices: NULL, or the first one that is not RAM, is free, or was mapped by
 * an address outside lowmem. For the audit.
 */
const char *dma_check(void);
