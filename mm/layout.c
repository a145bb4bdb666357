/*
 * The address map at run time: the list of its regions, for the code that prints it, and the two
 * edges that mm/frame/edges.c chooses.
 *
 * It also handles the conversion of an address that is not in lowmem: this is an error of the
 * caller, and the panic names the caller.
 */
#include <lib/panic.h>
#include <mm/layout.h>

u32 lowmem_size __ro_after_init = BOOT_MAP_SIZE;
u32 vmalloc_start __ro_after_init = VMALLOC_TOP - VMALLOC_SIZE_MIN;

/* Until layout_init() sets them, the two edges have the values of the boot page directory. */
struct layout_region layout_regions[LAYOUT_REGIONS] __ro_after_init = {
    [REGION_LAST_PAGE] = {FIXMAP_END, "FIXMAP_END", "last page", "last page, never mapped"},
    [REGION_FIXMAP] = {FIXMAP_START, "FIXMAP_START", "fixmap", "fixmap: one page table"},
    [REGION_FIXMAP_GUARD] = {VMALLOC_END, "VMALLOC_END", "fixmap guard",
                             "fixmap guard, never mapped"},
    [REGION_VMALLOC] = {VMALLOC_TOP - VMALLOC_SIZE_MIN, "VMALLOC_START", "vmalloc",
                        "vmalloc: vmalloc, vmap, kernel stacks"},
    [REGION_HOLE] = {PAGE_OFFSET + BOOT_MAP_SIZE, "high_memory", "hole", "hole, never mapped"},
    [REGION_LOWMEM] = {PAGE_OFFSET, "PAGE_OFFSET", "lowmem",
                       "lowmem: virt X -> phys X - 0xc0000000"},
    [REGION_USER] = {MMAP_MIN_ADDR, "MMAP_MIN_ADDR", "user", "user: one mapping per process"},
    [REGION_NULL] = {0, "", "null", "never mapped"},
};

_Static_assert(BOOT_MAP_SIZE % LARGE_PAGE_SIZE == 0, "the boot map is made of 4 MiB pages");

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
 * An address in the function that called this one: the byte before the return address, because the
 * call may be the last instruction.
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
