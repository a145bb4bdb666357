/*
 * The two edges of the address map that are not constants: where lowmem ends and where the vmalloc
 * area starts.
 *
 * The vmalloc area gets its size first (`vmalloc=`, or 128 MiB); lowmem is then as large as RAM,
 * but ends at least 8 MiB below the vmalloc area. `lowmem=` makes it smaller, but not too small for
 * the struct pages of all RAM.
 *
 * Neighbours: mm/frame/memory.c calls this; mm/layout.c stores the edges.
 */
#include <arch/x86/boot_info.h>
#include <lib/printk.h>
#include <mm/frame/memblock.h>
#include <mm/frame/page.h>
#include <mm/layout.h>

/* The size of the vmalloc area that was asked for, if it makes sense. */
static u32 vmalloc_size(u32 asked)
{
    char text[32];

    if (asked >= VMALLOC_SIZE_MIN && asked <= VMALLOC_SIZE_MAX)
        return ALIGN_UP(asked, LARGE_PAGE_SIZE);
    if (asked)
        printk("vmalloc=%s is not between %u and %u MiB: using %u MiB.\n",
               boot_option("vmalloc", text, sizeof(text)), VMALLOC_SIZE_MIN >> 20,
               VMALLOC_SIZE_MAX >> 20, VMALLOC_SIZE_DEFAULT >> 20);
    return VMALLOC_SIZE_DEFAULT;
}

/*
 * Bytes that are already in use: the image, GRUB's modules, the firmware's ranges. All of them may
 * lie in lowmem.
 */
static u32 reserved_bytes(u32 ram_end)
{
    const struct memblock_range *range;
    u32 bytes = 0;

    for (u32 i = 0; (range = memblock_reserved(i)); i++) {
        if (range->end <= ram_end)
            bytes += range->end - range->start;
    }
    return bytes;
}

/*
 * The smallest lowmem that holds these bytes, the struct pages of all RAM, the kernel's page
 * tables, and some room to work.
 */
static u32 lowmem_least(u32 ram_end)
{
    u32 pages = (ram_end >> PAGE_SHIFT) * sizeof(struct page);
    u32 tables = (0u - vmalloc_start) >> PAGE_SHIFT << 2;

    return max((u32)LOWMEM_MIN,
               PAGE_ALIGN(LOWMEM_MIN / 4 + reserved_bytes(ram_end) + pages + tables));
}

/*
 * The size of lowmem between the two limits. A request that is too small for the struct pages (4
 * GiB of RAM has many) gets the smallest possible size; an invalid size is ignored.
 */
static u32 choose_lowmem(u32 asked, u32 least, u32 most, u32 ram_end)
{
    char text[32]; /* the requested size, as it was typed */

    if (!asked)
        return most;
    if (asked >= least && asked <= most)
        return ALIGN_DOWN(asked, PAGE_SIZE);
    boot_option("lowmem", text, sizeof(text));
    if (least > most) {
        printk("lowmem=%s: this machine has too little RAM to leave any out of lowmem: using %u "
               "KiB.\n",
               text, most >> 10);
        return most;
    }
    if (asked >= LOWMEM_MIN && asked < least) {
        printk("lowmem=%s is too small for the struct pages of %u MiB of RAM: using %u KiB.\n",
               text, ram_end >> 20, least >> 10);
        return least;
    }
    printk("lowmem=%s is not between %u and %u KiB: using %u KiB.\n", text, least >> 10, most >> 10,
           most >> 10);
    return most;
}

void layout_init(u32 ram_end, u32 vmalloc, u32 lowmem)
{
    u32 most;

    vmalloc_start = VMALLOC_TOP - vmalloc_size(vmalloc);
    most = min(ram_end, vmalloc_start - VMALLOC_OFFSET - PAGE_OFFSET);
    lowmem_size = choose_lowmem(lowmem, lowmem_least(ram_end), most, ram_end);
    layout_regions[REGION_VMALLOC].start = vmalloc_start;
    layout_regions[REGION_HOLE].start = high_memory;
}
