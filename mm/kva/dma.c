/*
 * Memory for devices: the gate between addresses that the kernel uses and addresses that a device
 * gets.
 *
 * The wrong kind of memory cannot pass the gate. The processor sees memory through page tables, a
 * device does not; so a pointer is turned into a DMA address in one place, by subtraction, and only
 * after a check that it is a lowmem pointer, for which subtraction is correct from the first byte
 * to the last. For everything else there is dma_map_page() and dma_map_sg(), which take frames and
 * no addresses. Nothing here calls virt_to_phys() with an address that could make it panic, and
 * nothing computes with a vmalloc address (invariant I10).
 *
 * There is no IOMMU, so mapping a range only adds it to a list, newest first. The list finds leaks,
 * drivers that unmap what they did not map (Linux's debug option for DMA does the same), and memory
 * that is freed while a device may still reach it.
 *
 * Limits: no bounce buffers. Memory that a device cannot reach is refused, not copied. The time to
 * unmap a range is proportional to the number of later mappings that still exist.
 *
 * Neighbours: mm/kva/dma_verdict.c judges; mm/frame/page_alloc.c gives coherent memory; drivers
 * call this file; kernel/monitor/monitor_dma.c shows what would happen without the gate.
 */
#include <asm/errno.h>
#include <lib/bits.h>
#include <lib/list.h>
#include <lib/panic.h>
#include <lib/printf.h>
#include <lib/printk.h>
#include <mm/frame/page_alloc.h>
#include <mm/frame/slab.h>
#include <mm/kva/dma_internal.h>
#include <mm/kva/vmalloc.h>

#define DMA_ZONE_END MIB(16u)
#define COHERENT_MAX (PAGE_SIZE << MAX_ORDER)
#define REFUSAL_MAX  160

/* ---- the one line ---- */

static int refuse_address(const struct device *dev, const void *addr, enum dma_verdict verdict)
{
    char line[REFUSAL_MAX];

    snprintf(line, sizeof(line), "dma: %s: 0x%08x refused: %s", dev->name, (u32)addr,
             dma_refusals[verdict].why);
    printk_folded(line);
    return dma_refusals[verdict].error;
}

static int refuse_frames(const struct device *dev, phys_addr_t phys, enum dma_verdict verdict)
{
    const char *why = dma_refusals[verdict].why;
    char line[REFUSAL_MAX];

    if (phys < lowmem_size)
        snprintf(line, sizeof(line), "dma: %s: 0x%08x (physical 0x%08x) refused: %s", dev->name,
                 PAGE_OFFSET + phys, phys, why);
    else
        snprintf(line, sizeof(line), "dma: %s: physical 0x%08x refused: %s", dev->name, phys, why);
    printk_folded(line);
    return dma_refusals[verdict].error;
}

/* ---- what devices have ---- */

enum mapping_kind {
    BY_ADDRESS, /* dma_map_single */
    BY_PAGE,
    BY_LIST,
    COHERENT,
};

static const char *const kind_names[] = {"dma_map_single", "dma_map_page", "dma_map_sg",
                                         "dma_alloc_coherent"};
static const char *const direction_names[] = {"both ways", "to the device", "from the device"};

/* One range that a device has been given. */
struct mapping {
    struct list_head link;
    struct device *dev;
    dma_addr_t start;
    u32 size;
    u8 kind, direction;
};

static LIST_HEAD(mappings); /* the newest first */

static struct dma_count *count_of(struct device *dev, enum mapping_kind kind)
{
    return kind == COHERENT ? &dev->coherent : &dev->mapped;
}

/* False when out of memory. */
static bool mapping_add(struct device *dev, enum mapping_kind kind, dma_addr_t start, u32 size,
                        enum dma_data_direction direction)
{
    struct mapping *mapping = kmalloc(sizeof(*mapping));

    assert_op(direction, <, ARRAY_SIZE(direction_names));
    if (!mapping)
        return false;
    *mapping = (struct mapping){
        .dev = dev, .start = start, .size = size, .kind = kind, .direction = direction};
    list_add(&mapping->link, &mappings);
    count_of(dev, kind)->pieces++;
    count_of(dev, kind)->bytes += size;
    return true;
}

/* The mapping of the device that starts at this address, or NULL. */
static const struct mapping *mapping_at(const struct device *dev, dma_addr_t start)
{
    const struct mapping *mapping;

    list_for_each_entry (mapping, &mappings, link) {
        if (mapping->dev == dev && mapping->start == start)
            return mapping;
    }
    return NULL;
}

static void __noreturn bad_remove(const struct mapping *asked)
{
    const struct mapping *found = mapping_at(asked->dev, asked->start);

    if (!found)
        panic("dma: %s gives back %u bytes at 0x%08x, %s, by %s, but has nothing there",
              asked->dev->name, asked->size, asked->start, direction_names[asked->direction],
              kind_names[asked->kind]);
    panic("dma: %s gives back %u bytes at 0x%08x, %s, by %s, but has %u bytes there, %s, by %s",
          asked->dev->name, asked->size, asked->start, direction_names[asked->direction],
          kind_names[asked->kind], found->size, direction_names[found->direction],
          kind_names[found->kind]);
}

static bool same_mapping(const struct mapping *a, const struct mapping *b)
{
    return a->dev == b->dev && a->start == b->start && a->size == b->size && a->kind == b->kind &&
           a->direction == b->direction;
}

/* An unmap call must match its mapping exactly. */
static void mapping_remove(struct device *dev, enum mapping_kind kind, dma_addr_t start, u32 size,
                           enum dma_data_direction direction)
{
    const struct mapping asked = {
        .dev = dev, .start = start, .size = size, .kind = kind, .direction = direction};
    struct mapping *mapping;

    assert_op(direction, <, ARRAY_SIZE(direction_names));
    list_for_each_entry (mapping, &mappings, link) {
        if (same_mapping(mapping, &asked)) {
            count_of(dev, kind)->pieces--;
            count_of(dev, kind)->bytes -= size;
            list_del(&mapping->link);
            kfree(mapping);
            return;
        }
    }
    bad_remove(&asked);
}

/* ---- the audit ---- */

static const char *check_mapping(const struct mapping *mapping)
{
    bool by_address = mapping->kind == BY_ADDRESS || mapping->kind == COHERENT;
    u64 end = (u64)mapping->start + mapping->size;
    enum dma_verdict verdict;
    phys_addr_t frame;

    if (by_address && end > lowmem_size)
        return "an address was given that is not in lowmem";
    verdict =
        end > end_of_ram() ? DMA_NO_RAM : dma_judge_frames(mapping->start, mapping->size, &frame);
    return verdict == DMA_NO_RAM ? "that is not RAM" : verdict ? "that memory is free" : NULL;
}

const char *dma_check(void)
{
    static char text[160];
    const struct mapping *mapping;

    list_for_each_entry (mapping, &mappings, link) {
        const char *wrong = check_mapping(mapping);

        if (!wrong)
            continue;
        snprintf(text, sizeof(text), "I10: %s has %u bytes at physical 0x%08x, by %s: %s",
                 mapping->dev->name, mapping->size, mapping->start, kind_names[mapping->kind],
                 wrong);
        return text;
    }
    return NULL;
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
    enum dma_verdict verdict;
    phys_addr_t frame;
    struct page *page;

    if (size == 0 || size > COHERENT_MAX) {
        printk("dma: %s: %zu bytes of coherent memory refused: 1..%u\n", dev->name, size,
               COHERENT_MAX);
        return NULL;
    }
    page = alloc_pages(zone | __GFP_ZERO, order_of(size));
    if (!page)
        return NULL;
    verdict = dma_judge_range(dev, page_to_phys(page), size, DMA_BIDIRECTIONAL, &frame);
    if (verdict)
        refuse_frames(dev, frame, verdict);
    if (verdict || !mapping_add(dev, COHERENT, page_to_phys(page), size, DMA_BIDIRECTIONAL)) {
        free_pages(page, order_of(size));
        return NULL;
    }
    *handle = page_to_phys(page);
    return page_address(page);
}

void dma_free_coherent(struct device *dev, size_t size, void *addr, dma_addr_t handle)
{
    assert_op(virt_to_phys(addr), ==, handle);
    mapping_remove(dev, COHERENT, handle, size, DMA_BIDIRECTIONAL);
    free_pages(phys_to_page(handle), order_of(size));
}

/* ---- one range ---- */

int dma_map_single(struct device *dev, const void *addr, size_t size,
                   enum dma_data_direction direction, dma_addr_t *handle)
{
    enum dma_verdict verdict = dma_judge_address(addr, size);
    phys_addr_t frame;

    if (verdict)
        return refuse_address(dev, addr, verdict);
    verdict = dma_judge_range(dev, virt_to_phys(addr), size, direction, &frame);
    if (verdict)
        return refuse_frames(dev, frame, verdict);
    if (!mapping_add(dev, BY_ADDRESS, virt_to_phys(addr), size, direction))
        return -ENOMEM;
    *handle = virt_to_phys(addr);
    return 0;
}

int dma_map_page(struct device *dev, const struct page *page, size_t offset, size_t size,
                 enum dma_data_direction direction, dma_addr_t *handle)
{
    phys_addr_t frame;
    enum dma_verdict verdict = dma_judge_page(dev, page, offset, size, direction, &frame);

    if (verdict)
        return refuse_frames(dev, frame, verdict);
    if (!mapping_add(dev, BY_PAGE, page_to_phys(page) + offset, size, direction))
        return -ENOMEM;
    *handle = page_to_phys(page) + offset;
    return 0;
}

void dma_unmap_single(struct device *dev, dma_addr_t handle, size_t size,
                      enum dma_data_direction direction)
{
    mapping_remove(dev, BY_ADDRESS, handle, size, direction);
}

void dma_unmap_page(struct device *dev, dma_addr_t handle, size_t size,
                    enum dma_data_direction direction)
{
    mapping_remove(dev, BY_PAGE, handle, size, direction);
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

static dma_addr_t sg_start(const struct scatterlist *sg)
{
    return page_to_phys(sg->page) + sg->offset;
}

static void remove_pieces(struct device *dev, const struct scatterlist *sg, u32 count,
                          enum dma_data_direction direction)
{
    while (count-- > 0)
        mapping_remove(dev, BY_LIST, sg_start(&sg[count]), sg[count].length, direction);
}

/*
 * Every piece has been checked. Ranges are never more than the pieces read so far, so both may
 * share the entries.
 */
static u32 join_pieces(struct scatterlist *sg, u32 count)
{
    u32 ranges = 0;

    for (u32 i = 0; i < count; i++) {
        dma_addr_t start = sg_start(&sg[i]);
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
        return refuse_address(dev, sg, DMA_EMPTY_LIST);
    for (u32 i = 0; i < count; i++) {
        phys_addr_t frame;
        enum dma_verdict verdict =
            dma_judge_page(dev, sg[i].page, sg[i].offset, sg[i].length, direction, &frame);

        if (verdict)
            return refuse_frames(dev, frame, verdict);
    }
    for (u32 i = 0; i < count; i++) {
        if (!mapping_add(dev, BY_LIST, sg_start(&sg[i]), sg[i].length, direction)) {
            remove_pieces(dev, sg, i, direction);
            return -ENOMEM;
        }
    }
    return join_pieces(sg, count);
}

void dma_unmap_sg(struct device *dev, struct scatterlist *sg, u32 count,
                  enum dma_data_direction direction)
{
    remove_pieces(dev, sg, count, direction);
}
