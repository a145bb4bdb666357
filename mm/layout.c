/*
 * The two edges of the address map that are not constants: where lowmem ends and where the vmalloc
 * area starts.
 *
 * The vmalloc area gets its size first (`vmalloc=`, or 128 MiB); lowmem is then as much as there is
 * RAM, at most up to 8 MiB below the vmalloc area, and less if `lowmem=` asks for less, down to
 * what the struct pages of this much RAM need. Everything else in the map is a constant of
 * layout.h. The list of regions is for those who show the map.
 *
 * This file also says what happens to an address that has no place in lowmem and is converted all
 * the same: the caller is broken, and the panic names it.
 */
#include <arch/x86/boot_info.h>
#include <lib/printk.h>
#include <mm/frame/memblock.h>
#include <mm/frame/page.h>
#include <mm/layout.h>

u32 lowmem_size __ro_after_init = BOOT_MAP_SIZE;
u32 vmalloc_start __ro_after_init = VMALLOC_TOP - VMALLOC_SIZE_MIN;

/* Until layout_init() has chosen, the two edges are where the boot page directory has them. */
struct layout_region layout_regions[LAYOUT_REGIONS] __ro_after_init = {
    [REGION_LAST_PAGE] = {FIXMAP_END, "FIXMAP_END", "last page", "last page, never mapped"},
    [REGION_FIXMAP] = {FIXMAP_START, "FIXMAP_START", "fixmap", "fixmap: one page table"},
    [REGION_FIXMAP_GUARD] = {VMALLOC_END, "VMALLOC_END", "fixmap guard", "one page, never mapped"},
    [REGION_VMALLOC] = {VMALLOC_TOP - VMALLOC_SIZE_MIN, "VMALLOC_START", "vmalloc",
                        "vmalloc: vmalloc, vmap, kernel stacks"},
    [REGION_HOLE] = {PAGE_OFFSET + BOOT_MAP_SIZE, "high_memory", "hole", "hole, never mapped"},
    [REGION_LOWMEM] = {PAGE_OFFSET, "PAGE_OFFSET", "lowmem",
                       "lowmem: virt X -> phys X - 0xc0000000"},
    [REGION_USER] = {MMAP_MIN_ADDR, "MMAP_MIN_ADDR", "user", "user: one mapping per process"},
    [REGION_NULL] = {0, "", "null", "never mapped"},
};

_Static_assert(BOOT_MAP_SIZE % LARGE_PAGE_SIZE == 0, "the boot map is made of 4 MiB pages");

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
 * What is taken already: the image, what GRUB loaded with it, the firmware's. It may all lie in
 * lowmem.
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
 * The least lowmem that holds all that, the struct pages of all RAM, the kernel's page tables, and
 * some work.
 */
static u32 lowmem_least(u32 ram_end)
{
    u32 pages = (ram_end >> PAGE_SHIFT) * sizeof(struct page);
    u32 tables = (0u - vmalloc_start) >> PAGE_SHIFT << 2;

    return max((u32)LOWMEM_MIN,
               PAGE_ALIGN(LOWMEM_MIN / 4 + reserved_bytes(ram_end) + pages + tables));
}

/*
 * The size of lowmem between the two limits. Asked for less than the struct pages take (and RAM at
 * 4 GiB has many), it is the least that goes; a size that makes no sense is as good as none.
 */
static u32 choose_lowmem(u32 asked, u32 least, u32 most, u32 ram_end)
{
    char text[32]; /* what was asked for, as it was typed */

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
        printk("lowmem=%s is too little to keep account of %u MiB of RAM: using %u KiB.\n", text,
               ram_end >> 20, least >> 10);
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

const struct layout_region *layout_region_of(u32 addr)
{
    const struct layout_region *region = layout_regions;

    while (addr < region->start)
        region++;
    return region;
}

u32 layout_region_last(const struct layout_region *region)
{
    return region == layout_regions ? UINT32_MAX : region[-1].start - 1;
}

/*
 * In the function that called this one: the byte before its return address, as a call may be the
 * last.
 */
#define CALLER ((const char *)__builtin_return_address(0) - 1)

void layout_bad_virt(const volatile void *addr)
{
    panic("virt_to_phys(0x%08x) by %pS: only lowmem, 0x%08x..0x%08x, has physical addresses by "
          "arithmetic",
          (u32)addr, CALLER, PAGE_OFFSET, high_memory - 1);
}

void layout_bad_phys(phys_addr_t addr)
{
    panic("phys_to_virt(0x%08x) by %pS: lowmem ends at physical 0x%08x", addr, CALLER, lowmem_size);
}
