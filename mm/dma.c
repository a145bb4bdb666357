/*
 * Memory for devices: the gate between addresses that the kernel uses and addresses that a device
 * is told.
 *
 * The idea is that the gate cannot be passed with the wrong kind of memory. The processor sees
 * memory through page tables, a device does not; so a pointer is turned into a DMA address in one
 * place, by subtraction, and only after it has been shown to be a lowmem pointer, for which
 * subtraction is right from the first byte to the last. For everything else there is dma_map_page()
 * and dma_map_sg(), which take frames and no addresses. Nothing here calls virt_to_phys() with an
 * address that could make it panic, and nothing computes with a vmalloc address (invariant I10).
 *
 * There is no IOMMU, so mapping a range costs nothing and changes nothing but the device's count of
 * what it holds. The count is there to find leaks, and drivers that unmap what they did not map.
 *
 * A device that writes does not ask the page tables either. What the kernel has made read-only for
 * itself (text, constants, page tables) is therefore refused as a target, by looking at the rights
 * that lowmem has.
 *
 * Limits: no bounce buffers. Memory that a device does not reach is refused, not copied.
 *
 * Neighbours: mm/page_alloc.c gives coherent memory; drivers call in; kernel/monitor_dma.c shows
 * what would happen without the gate.
 */
#include <arch/x86/pgtable.h>
#include <asm/errno.h>
#include <lib/bits.h>
#include <lib/panic.h>
#include <lib/printk.h>
#include <mm/dma.h>
#include <mm/page_alloc.h>
#include <mm/vmalloc.h>

#define DMA_ZONE_END MIB(16u)
#define COHERENT_MAX (PAGE_SIZE << MAX_ORDER)
#define end_of_ram() ((u64)max_pfn << PAGE_SHIFT)

/* ---- the one line ---- */

static int refuse_address(const struct device *dev, const void *addr, int error, const char *why)
{
    printk("dma: %s: 0x%08x refused: %s\n", dev->name, (u32)addr, why);
    return error;
}

static int refuse_frames(const struct device *dev, phys_addr_t phys, int error, const char *why)
{
    if (phys < lowmem_size)
        printk("dma: %s: 0x%08x (physical 0x%08x) refused: %s\n", dev->name, PAGE_OFFSET + phys,
               phys, why);
    else
        printk("dma: %s: physical 0x%08x refused: %s\n", dev->name, phys, why);
    return error;
}

/* ---- counting ---- */

static void count_add(struct dma_count *count, u32 pieces, u32 bytes)
{
    count->pieces += pieces;
    count->bytes += bytes;
}

static void count_sub(struct dma_count *count, const struct device *dev, u32 pieces, u32 bytes)
{
    if (count->pieces < pieces || count->bytes < bytes)
        panic("dma: %s gives back %u bytes in %u pieces, but holds %u in %u", dev->name, bytes,
              pieces, count->bytes, count->pieces);
    count->pieces -= pieces;
    count->bytes -= bytes;
}

/* ---- what may pass ---- */

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

/* Physical range [phys, phys + size) is RAM: does the device reach it, and may it? */
static int check_range(const struct device *dev, phys_addr_t phys, size_t size,
                       enum dma_data_direction direction)
{
    if (phys + (u64)size - 1 > dev->dma_mask) {
        if (phys >= lowmem_size)
            return refuse_frames(
                dev, phys, -EOPNOTSUPP,
                "highmem above the device's mask, and there are no bounce buffers");
        return refuse_frames(dev, phys, -ERANGE, "memory above the device's mask");
    }
    if (direction != DMA_TO_DEVICE && read_only(phys, size))
        return refuse_frames(dev, phys, -EACCES, "the kernel itself may only read this memory");
    return 0;
}

/* Is this a lowmem range, and the only kind of address that subtraction is right for? */
static int check_address(const struct device *dev, const void *addr, size_t size)
{
    if (size == 0)
        return refuse_address(dev, addr, -EINVAL, "an empty range");
    if ((u32)addr < PAGE_OFFSET)
        return refuse_address(dev, addr, -EFAULT,
                              "a user address, which is another frame in every process");
    if (is_vmalloc_addr(addr))
        return refuse_address(
            dev, addr, -EADDRNOTAVAIL,
            "a vmalloc address: its frames lie scattered, map them by dma_map_sg");
    if (!is_lowmem_addr(addr))
        return refuse_address(dev, addr, -ENXIO,
                              "no lowmem address; a frame is mapped by dma_map_page");
    if (size > high_memory - (u32)addr)
        return refuse_address(dev, addr, -EOVERFLOW, "the range runs past the end of lowmem");
    return 0;
}

static int check_page(const struct device *dev, const struct page *page, size_t offset, size_t size,
                      enum dma_data_direction direction)
{
    u64 start = ((u64)page_to_pfn(page) << PAGE_SHIFT) + offset;

    if (size == 0)
        return refuse_frames(dev, start, -EINVAL, "an empty range");
    if (start + size > end_of_ram())
        return refuse_frames(dev, start, -EOVERFLOW, "the range runs past the end of RAM");
    return check_range(dev, start, size, direction);
}

/* ---- the mask ---- */

int dma_set_mask(struct device *dev, u64 mask)
{
    u64 needed = min(end_of_ram(), (u64)DMA_ZONE_END) - 1;

    if (mask < needed || (mask & (mask + 1)) != 0) {
        printk("dma: %s: a mask of 0x%llx refused: it must cover 0x0..0x%llx\n", dev->name, mask,
               needed);
        return -EIO;
    }
    dev->dma_mask = mask;
    return 0;
}

/* ---- coherent memory ---- */

static u32 order_of(size_t size)
{
    return size <= PAGE_SIZE ? 0 : ilog2((size - 1) >> PAGE_SHIFT) + 1;
}

void *dma_alloc_coherent(struct device *dev, size_t size, dma_addr_t *handle)
{
    gfp_t zone = dev->dma_mask < lowmem_size - 1 ? GFP_DMA : GFP_KERNEL;
    struct page *page;

    if (size == 0 || size > COHERENT_MAX) {
        printk("dma: %s: %zu bytes of coherent memory refused: 1..%u\n", dev->name, size,
               COHERENT_MAX);
        return NULL;
    }
    page = alloc_pages(zone | __GFP_ZERO, order_of(size));
    if (!page)
        return NULL;
    if (check_range(dev, page_to_phys(page), size, DMA_BIDIRECTIONAL) != 0) {
        free_pages(page, order_of(size));
        return NULL;
    }
    count_add(&dev->coherent, 1, size);
    *handle = page_to_phys(page);
    return page_address(page);
}

void dma_free_coherent(struct device *dev, size_t size, void *addr, dma_addr_t handle)
{
    assert_op(virt_to_phys(addr), ==, handle);
    count_sub(&dev->coherent, dev, 1, size);
    free_pages(phys_to_page(handle), order_of(size));
}

/* ---- one range ---- */

int dma_map_single(struct device *dev, const void *addr, size_t size,
                   enum dma_data_direction direction, dma_addr_t *handle)
{
    int error = check_address(dev, addr, size);

    if (!error)
        error = check_range(dev, virt_to_phys(addr), size, direction);
    if (error)
        return error;
    count_add(&dev->mapped, 1, size);
    *handle = virt_to_phys(addr);
    return 0;
}

int dma_map_page(struct device *dev, const struct page *page, size_t offset, size_t size,
                 enum dma_data_direction direction, dma_addr_t *handle)
{
    int error = check_page(dev, page, offset, size, direction);

    if (error)
        return error;
    count_add(&dev->mapped, 1, size);
    *handle = page_to_phys(page) + offset;
    return 0;
}

void dma_unmap_single(struct device *dev, dma_addr_t handle, size_t size,
                      enum dma_data_direction direction)
{
    (void)handle, (void)direction;
    count_sub(&dev->mapped, dev, 1, size);
}

void dma_unmap_page(struct device *dev, dma_addr_t handle, size_t size,
                    enum dma_data_direction direction)
{
    dma_unmap_single(dev, handle, size, direction);
}

/* ---- many pieces ---- */

int sg_set_vmalloc(struct scatterlist *sg, u32 max, const void *addr, size_t size)
{
    u32 used = 0;

    for (u32 at = (u32)addr, part; size; at += part, size -= part) {
        struct page *page = vmalloc_to_page((const void *)at);

        part = min(size, PAGE_SIZE - at % PAGE_SIZE);
        if (!page)
            return -EINVAL;
        if (used == max)
            return -ENOSPC;
        sg_set_page(&sg[used++], page, part, at % PAGE_SIZE);
    }
    return used ? (int)used : -EINVAL;
}

static u32 sg_bytes(const struct scatterlist *sg, u32 count)
{
    u32 bytes = 0;

    for (u32 i = 0; i < count; i++)
        bytes += sg[i].length;
    return bytes;
}

/* Every piece has been checked. Ranges never overtake pieces, so they may share the entries. */
static u32 join_pieces(struct scatterlist *sg, u32 count)
{
    u32 ranges = 0;

    for (u32 i = 0; i < count; i++) {
        dma_addr_t start = page_to_phys(sg[i].page) + sg[i].offset;
        struct scatterlist *last = ranges ? &sg[ranges - 1] : NULL;

        if (last && last->dma_address + last->dma_length == start) {
            last->dma_length += sg[i].length;
        } else {
            sg[ranges].dma_address = start;
            sg[ranges++].dma_length = sg[i].length;
        }
    }
    return ranges;
}

int dma_map_sg(struct device *dev, struct scatterlist *sg, u32 count,
               enum dma_data_direction direction)
{
    if (count == 0)
        return refuse_address(dev, sg, -EINVAL, "an empty list");
    for (u32 i = 0; i < count; i++) {
        int error = check_page(dev, sg[i].page, sg[i].offset, sg[i].length, direction);

        if (error)
            return error;
    }
    count_add(&dev->mapped, count, sg_bytes(sg, count));
    return join_pieces(sg, count);
}

void dma_unmap_sg(struct device *dev, struct scatterlist *sg, u32 count,
                  enum dma_data_direction direction)
{
    (void)direction;
    count_sub(&dev->mapped, dev, count, sg_bytes(sg, count));
}
