/*
 * The shadow of the kernel address sanitizer (lib/kasan.c): memory for it is reserved when lowmem
 * is mapped, before the page allocator gets what is left. An eighth of lowmem's size is for lowmem,
 * an eighth of the vmalloc area's size for that; a machine with little memory needs `vmalloc=8M`.
 */
#include <lib/kasan.h>
#include <mm/frame/memblock.h>
#include <mm/kva/lowmem.h>

static void add_region(u32 start, u32 size)
{
    phys_addr_t shadow = memblock_alloc(size / KASAN_GRANULE_SIZE, PAGE_SIZE, "KASAN shadow");

    kasan_add_region((void *)start, size, phys_to_virt(shadow));
}

/* What memblock has given out stays accessible; page_alloc_init() poisons what it gets. */
void kasan_init(void)
{
    if (!KASAN)
        return;
    add_region(PAGE_OFFSET, lowmem_size);
    add_region(VMALLOC_START, VMALLOC_END - VMALLOC_START);
    kasan_poison((void *)VMALLOC_START, VMALLOC_END - VMALLOC_START, KASAN_VMALLOC_INVALID);
    kasan_init_globals();
}
