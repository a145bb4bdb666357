/*
 * The two edges of the address map that are not constants: where lowmem ends and where the vmalloc
 * area starts.
 *
 * The vmalloc area gets its size first (`vmalloc=`, or 128 MiB); lowmem is then as much as there is
 * RAM, at most up to 8 MiB below the vmalloc area, and less if `lowmem=` asks for less. Everything
 * else in the map is a constant of layout.h.
 *
 * This file also says what happens to an address that has no place in lowmem and is converted all
 * the same: the caller is broken, and the panic names it.
 */
#include <lib/printk.h>
#include <mm/layout.h>

u32 lowmem_size __ro_after_init = BOOT_MAP_SIZE;
u32 vmalloc_start __ro_after_init = VMALLOC_TOP - VMALLOC_SIZE_DEFAULT;

_Static_assert(BOOT_MAP_SIZE % LARGE_PAGE_SIZE == 0, "the boot map is made of 4 MiB pages");

void layout_init(u32 ram_end, u32 vmalloc, u32 lowmem)
{
    u32 size = VMALLOC_SIZE_DEFAULT, limit;

    if (vmalloc >= VMALLOC_SIZE_MIN && vmalloc <= VMALLOC_SIZE_MAX)
        size = ALIGN_UP(vmalloc, LARGE_PAGE_SIZE);
    else if (vmalloc)
        printk("vmalloc=%uK is not between %u and %u MiB: using %u MiB.\n", vmalloc >> 10,
               VMALLOC_SIZE_MIN >> 20, VMALLOC_SIZE_MAX >> 20, VMALLOC_SIZE_DEFAULT >> 20);
    vmalloc_start = VMALLOC_TOP - size;

    limit = min(ram_end, vmalloc_start - VMALLOC_OFFSET - PAGE_OFFSET);
    lowmem_size = limit;
    if (lowmem >= LOWMEM_MIN && lowmem <= limit)
        lowmem_size = ALIGN_DOWN(lowmem, PAGE_SIZE);
    else if (lowmem)
        printk("lowmem=%uK is not between %u MiB and what there is: using %u MiB.\n", lowmem >> 10,
               LOWMEM_MIN >> 20, lowmem_size >> 20);
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
