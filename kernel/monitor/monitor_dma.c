/*
 * The monitor's commands for devices: `lspci`, and `dma`, which demonstrates on a real device how
 * DMA works with each kind of memory.
 *
 * The demonstration has four parts. Lowmem is copied correctly; a vmalloc buffer is refused; the
 * same buffer is copied correctly when the device gets its frames instead of its address; and the
 * last part does what the refusal prevents. For that it takes two neighbouring frames A and B, and
 * a third, C, from elsewhere, and maps A and C side by side. "The address of the first byte, plus
 * the offset" leads from A to B, not to C, and the device writes there. All three frames belong to
 * the demonstration, so no other data is damaged: in a kernel without the refusal, B could belong
 * to anyone.
 *
 * The device has a limited number of address lines, and vmalloc takes frames from anywhere. If the
 * device cannot reach them, frames from the DMA zone are mapped side by side by vmap instead.
 *
 * Everything that is allocated is freed, even if memory runs out half-way.
 *
 * Neighbours: mm/kva/dma.c refuses and maps, kernel/monitor/edu_copy.c drives the device,
 * drivers/pci.c lists the devices.
 */
#include <asm/errno.h>
#include <drivers/edu.h>
#include <drivers/pci.h>
#include <kernel/monitor/edu_copy.h>
#include <kernel/monitor/monitor.h>
#include <lib/printk.h>
#include <lib/string.h>
#include <mm/frame/page_alloc.h>
#include <mm/kva/dma.h>
#include <mm/kva/vmalloc.h>

/* ---- lspci ---- */

/* In the largest unit that needs no fraction, as in lspci: sizes are powers of two. */
static void print_size(u64 size)
{
    const char *unit = "";
    const char *const units[] = {"K", "M", "G"};

    for (u32 i = 0; i < ARRAY_SIZE(units) && size >= KIB(1u); i++, size >>= 10)
        unit = units[i];
    printk(" [size=%llu%s]\n", size, unit);
}

static void print_bar(const struct pci_bar *bar, u32 index)
{
    if (bar->kind == PCI_BAR_NONE)
        return;
    if (bar->kind == PCI_BAR_IO)
        printk("\tRegion %u: I/O ports at %04x", index, (u32)bar->start);
    else
        printk("\tRegion %u: Memory at %08llx (%u-bit, %sprefetchable)", index, bar->start,
               bar->kind == PCI_BAR_MEM64 ? 64 : 32, bar->prefetchable ? "" : "non-");
    print_size(bar->size);
}

void monitor_lspci(u32 argc, const char **argv)
{
    const struct pci_dev *dev;

    (void)argc, (void)argv;
    for (u32 i = 0; (dev = pci_device(i)); i++) {
        printk("%02x:%02x.%x %04x: %04x:%04x (rev %02x)\n", pci_bus(dev), pci_slot(dev),
               pci_func(dev), dev->class >> 8, dev->vendor, dev->device, dev->revision);
        if (dev->pin)
            printk("\tInterrupt: pin %c routed to IRQ %u\n", 'A' + dev->pin - 1, dev->irq);
        for (u32 bar = 0; bar < PCI_BARS; bar++)
            print_bar(&dev->bar[bar], bar);
    }
    if (!pci_device(0))
        printk("lspci: this machine has no PCI\n");
}

/* ---- buffers ---- */

#define BUFFER (2 * PAGE_SIZE)

static void fill(u8 *bytes, u32 size, u8 salt)
{
    for (u32 i = 0; i < size; i++)
        bytes[i] = i * 31 + (i >> 8) + salt;
}

/* The number of bytes that still have the value that fill() with this salt wrote. */
static u32 count_filled(const u8 *bytes, u32 size, u8 salt)
{
    u32 count = 0;

    for (u32 i = 0; i < size; i++)
        count += bytes[i] == (u8)(i * 31 + (i >> 8) + salt);
    return count;
}

static void print_copied(int error, const u8 *bytes, u8 salt)
{
    if (error)
        printk("   The copy failed with error %d.\n", error);
    else
        printk("   The copy has %u of %u bytes right.\n", count_filled(bytes, BUFFER, salt),
               BUFFER);
}

static void no_memory(void)
{
    printk("   There is not enough memory for this.\n");
}

/* ---- 1: lowmem ---- */

static void copy_lowmem(struct device *dev, u8 *from, u8 *to)
{
    dma_addr_t from_dma, to_dma;

    printk("1. Lowmem: %u bytes at 0x%08x lie at physical 0x%08x, 0x%08x less.\n", BUFFER,
           (u32)from, virt_to_phys(from), PAGE_OFFSET);
    if (dma_map_single(dev, from, BUFFER, DMA_TO_DEVICE, &from_dma) != 0)
        return;
    if (dma_map_single(dev, to, BUFFER, DMA_FROM_DEVICE, &to_dma) == 0) {
        fill(from, BUFFER, 1);
        printk("   The device copies them to physical 0x%08x, which is 0x%08x.\n", to_dma, (u32)to);
        print_copied(edu_copy(to_dma, from_dma, BUFFER), to, 1);
        dma_unmap_single(dev, to_dma, BUFFER, DMA_FROM_DEVICE);
    }
    dma_unmap_single(dev, from_dma, BUFFER, DMA_TO_DEVICE);
}

static void show_lowmem(struct device *dev)
{
    struct page *pages = alloc_pages(GFP_DMA, 2);

    if (!pages) {
        printk("1. Lowmem.\n");
        return no_memory();
    }
    copy_lowmem(dev, page_address(pages), (u8 *)page_address(pages) + BUFFER);
    free_pages(pages, 2);
}

/* ---- 2 and 3: vmalloc ---- */

/* The frames behind two pages of the vmalloc area. */
static void print_frames(const u8 *addr)
{
    printk("   0x%08x is the frame at 0x%08x, 0x%08x the frame at 0x%08x.\n", (u32)addr,
           page_to_phys(vmalloc_to_page(addr)), (u32)addr + PAGE_SIZE,
           page_to_phys(vmalloc_to_page(addr + PAGE_SIZE)));
}

static void copy_ranges(struct scatterlist *sg, int ranges, dma_addr_t to, const u8 *copy)
{
    int error = 0;

    for (int i = 0; i < ranges && !error; i++) {
        printk("   Segment: %u bytes at 0x%08x.\n", sg_dma_len(&sg[i]), sg_dma_address(&sg[i]));
        error = edu_copy(to, sg_dma_address(&sg[i]), sg_dma_len(&sg[i]));
        to += sg_dma_len(&sg[i]);
    }
    print_copied(error, copy, 2);
}

static void show_scattered(struct device *dev, u8 *buffer)
{
    struct scatterlist sg[2];
    dma_addr_t to;
    u8 *copy = dma_alloc_coherent(dev, BUFFER, &to);
    int pieces = sg_set_vmalloc(sg, ARRAY_SIZE(sg), buffer, BUFFER), ranges;

    printk("3. The same buffer with dma_map_sg, which gives the device the frames.\n");
    if (!copy)
        return no_memory();
    fill(buffer, BUFFER, 2);
    ranges = pieces > 0 ? dma_map_sg(dev, sg, pieces, DMA_TO_DEVICE) : pieces;
    if (ranges > 0) {
        copy_ranges(sg, ranges, to, copy);
        dma_unmap_sg(dev, sg, pieces, DMA_TO_DEVICE);
    }
    dma_free_coherent(dev, BUFFER, copy, to);
}

static void show_vmalloc_buffer(struct device *dev, u8 *buffer)
{
    dma_addr_t handle;
    int error;

    print_frames(buffer);
    error = dma_map_single(dev, buffer, BUFFER, DMA_TO_DEVICE, &handle);
    if (error == 0) {
        printk("   It was NOT refused: this kernel is broken.\n");
        dma_unmap_single(dev, handle, BUFFER, DMA_TO_DEVICE);
    } else {
        printk("   dma_map_single has refused it with error %d.\n", error);
    }
    show_scattered(dev, buffer);
}

static bool reaches(const struct device *dev, const u8 *buffer)
{
    for (u32 at = 0; at < BUFFER; at += PAGE_SIZE) {
        if (page_to_phys(vmalloc_to_page(buffer + at)) + PAGE_SIZE - 1 > dev->dma_mask)
            return false;
    }
    return true;
}

/* Frames that the device reaches, mapped in the vmalloc area. */
static void show_vmap(struct device *dev)
{
    struct page *pages[2] = {alloc_page(GFP_DMA), alloc_page(GFP_DMA)};
    /* The higher one first, so that they are not consecutive. */
    bool rising = pages[0] < pages[1];
    struct page *falling[2] = {pages[rising], pages[!rising]};
    u8 *buffer = pages[0] && pages[1] ? vmap(falling, 2) : NULL;

    if (buffer) {
        printk("   Its frames are above the device's mask. Lower ones, by vmap, are at 0x%08x.\n",
               (u32)buffer);
        show_vmalloc_buffer(dev, buffer);
        vunmap(buffer);
    } else {
        no_memory();
    }
    for (u32 i = 0; i < ARRAY_SIZE(pages); i++) {
        if (pages[i])
            free_page(pages[i]);
    }
}

/* A vmalloc buffer of frames that are not consecutive, as is usual when memory has been in use. */
static u8 *scattered_vmalloc(void)
{
    struct page *between = monitor_scatter_frames(BUFFER / PAGE_SIZE);
    u8 *buffer = vmalloc(BUFFER);

    free_pages_bulk(between);
    return buffer;
}

static void show_vmalloc(struct device *dev)
{
    u8 *buffer = scattered_vmalloc();

    if (!buffer) {
        printk("2. vmalloc.\n");
        return no_memory();
    }
    printk("2. vmalloc: %u bytes at 0x%08x.\n", BUFFER, (u32)buffer);
    if (reaches(dev, buffer)) {
        show_vmalloc_buffer(dev, buffer);
    } else {
        show_vmap(dev);
    }
    vfree(buffer);
}

/* ---- 4: arithmetic ---- */

/* The device writes over A and what follows it, as if buffer + PAGE_SIZE were there. */
static void run_over(struct device *dev, struct page *a, const u8 *from, dma_addr_t from_dma,
                     const u8 *buffer)
{
    const u8 *b = (const u8 *)page_address(a) + PAGE_SIZE;
    dma_addr_t to;
    int error;

    if (dma_map_page(dev, a, 0, BUFFER, DMA_FROM_DEVICE, &to) != 0)
        return;
    error = edu_copy(to, from_dma, BUFFER);
    dma_unmap_page(dev, to, BUFFER, DMA_FROM_DEVICE);
    if (error) {
        printk("   The copy failed with error %d.\n", error);
        return;
    }
    printk("   A, the first page, has %u new ones, as it should; C, the second page,\n"
           "   has %u. B, which is not in the buffer, has %u: the device has\n"
           "   written over it. B holds the bytes meant for C: %s.\n",
           PAGE_SIZE - count_filled(buffer, PAGE_SIZE, 3),
           PAGE_SIZE - count_filled(buffer + PAGE_SIZE, PAGE_SIZE, 4),
           PAGE_SIZE - count_filled(b, PAGE_SIZE, 5),
           memcmp(b, from + PAGE_SIZE, PAGE_SIZE) == 0 ? "yes, all" : "no");
}

static void show_buffer(struct device *dev, struct page *a, struct page *c, u8 *buffer)
{
    dma_addr_t from_dma;
    u8 *from = dma_alloc_coherent(dev, BUFFER, &from_dma);

    if (!from)
        return no_memory();
    fill(from, BUFFER, 6); /* no byte equals the one that it overwrites */
    fill(buffer, PAGE_SIZE, 3);
    fill(buffer + PAGE_SIZE, PAGE_SIZE, 4);
    fill((u8 *)page_address(a) + PAGE_SIZE, PAGE_SIZE, 5);
    printk("   Of this command's frames, A is at 0x%08x, B follows at 0x%08x, C is\n"
           "   at 0x%08x. A and C, mapped side by side at 0x%08x, are the buffer.\n"
           "   By arithmetic its second page is at 0x%08x + 0x%x: but that is B.\n"
           "   The device fills %u bytes from 0x%08x on. Of the %u bytes of each,\n",
           page_to_phys(a), page_to_phys(a + 1), page_to_phys(c), (u32)buffer, page_to_phys(a),
           PAGE_SIZE, BUFFER, page_to_phys(a), PAGE_SIZE);
    run_over(dev, a, from, from_dma, buffer);
    dma_free_coherent(dev, BUFFER, from, from_dma);
}

static void show_arithmetic(struct device *dev)
{
    struct page *a = alloc_pages(GFP_DMA, 1), *c = alloc_page(GFP_DMA);
    u8 *buffer = a && c ? vmap((struct page *[]){a, c}, 2) : NULL;

    printk("4. What arithmetic would have done.\n");
    if (buffer) {
        show_buffer(dev, a, c, buffer);
        vunmap(buffer);
    } else {
        no_memory();
    }
    if (c)
        free_page(c);
    if (a)
        free_pages(a, 1);
}

/* ---- dma ---- */

void monitor_dma(u32 argc, const char **argv)
{
    struct device *dev = edu_device();
    const struct pci_dev *pci = edu_pci();
    u32 interrupts = edu_interrupts();

    (void)argc, (void)argv;
    if (!dev) {
        printk("dma: this machine has no device to show it on (QEMU: -device edu)\n");
        return;
    }
    printk("The device is %s at %02x:%02x.%x. Its registers, at physical 0x%08x, are mapped\n"
           "at 0x%08x. It uses IRQ line %u and reaches physical 0x00000000..0x%08x.\n",
           dev->name, pci_bus(pci), pci_slot(pci), pci_func(pci), (u32)pci->bar[0].start,
           (u32)edu_registers(), pci->irq, (u32)dev->dma_mask);
    show_lowmem(dev);
    show_vmalloc(dev);
    show_arithmetic(dev);
    printk("The device has interrupted %u times. All memory has been freed.\n",
           edu_interrupts() - interrupts);
}
