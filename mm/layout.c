/*
 * The two edges of the address map that are not constants: where lowmem ends and where the vmalloc
 * area starts.
 *
 * The vmalloc area gets its size first (`vmalloc=`, or 128 MiB); lowmem is then as much as there is
 * RAM, at most up to 8 MiB below the vmalloc area, and less if `lowmem=` asks for less, down to what
 * the struct pages of this much RAM need. Everything else in the map is a constant of layout.h.
 *
 * This file also says what happens to an address that has no place in lowmem and is converted all
 * the same: the caller is broken, and the panic names it.
 */
#include <arch/x86/boot_info.h>
#include <lib/printk.h>
#include <mm/layout.h>
#include <mm/page.h>

u32 lowmem_size __ro_after_init = BOOT_MAP_SIZE;
u32 vmalloc_start __ro_after_init = VMALLOC_TOP - VMALLOC_SIZE_DEFAULT;

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

/* The least lowmem that holds the struct pages of all RAM, the kernel's page tables, and some work. */
static u32 lowmem_least(u32 ram_end)
{
    u32 pages = (ram_end >> PAGE_SHIFT) * sizeof(struct page);
    u32 tables = (0u - vmalloc_start) >> PAGE_SHIFT << 2;

    return max((u32)LOWMEM_MIN, LOWMEM_MIN / 2 + pages + tables);
}

void layout_init(u32 ram_end, u32 vmalloc, u32 lowmem)
{
    char text[32]; /* what was asked for, as it was typed */
    u32 most, least;

    vmalloc_start = VMALLOC_TOP - vmalloc_size(vmalloc);
    most = min(ram_end, vmalloc_start - VMALLOC_OFFSET - PAGE_OFFSET);
    least = lowmem_least(ram_end);
    lowmem_size = most;
    if (lowmem >= least && lowmem <= most) {
        lowmem_size = ALIGN_DOWN(lowmem, PAGE_SIZE);
    } else if (lowmem >= LOWMEM_MIN && lowmem < least && least < most) {
        lowmem_size = PAGE_ALIGN(least);
        printk("lowmem=%s is too little to keep account of %u MiB of RAM: using %u KiB.\n",
               boot_option("lowmem", text, sizeof(text)), ram_end >> 20, lowmem_size >> 10);
    } else if (lowmem) {
        printk("lowmem=%s is not between %u and %u KiB: using %u KiB.\n",
               boot_option("lowmem", text, sizeof(text)), least >> 10, most >> 10, most >> 10);
    }
}

void layout_bad_virt(const volatile void *addr, const void *caller)
{
    panic("virt_to_phys(%p) in or near %p: only lowmem, %08x..%08x, has physical addresses by "
          "arithmetic",
          addr, caller, PAGE_OFFSET, high_memory);
}

void layout_bad_phys(phys_addr_t addr, const void *caller)
{
    panic("phys_to_virt(%08x) in or near %p: lowmem ends at physical %08x", addr, caller,
          lowmem_size);
}
