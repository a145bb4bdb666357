/*
 * `vmalloc SIZE` and `vfree ADDR`: an area by hand, to see what it changes with `snapshot`,
 * `vmallocinfo` or gdb.
 *
 * The areas bear the command's own address as that of their caller. So `vfree` knows them from all
 * others, which the kernel needs, and which nobody should free under its feet.
 *
 * Neighbours: mm/kva/vmalloc.c does it; kernel/monitor/monitor.c has the table of commands.
 */
#include <kernel/monitor/monitor.h>
#include <lib/kstrtox.h>
#include <lib/printk.h>
#include <mm/kva/vmalloc.h>

void monitor_vmalloc(u32 argc, const char **argv)
{
    char *end;
    u64 size = memparse(argv[1], &end);
    void *memory;

    (void)argc;
    if (*end || size == 0) {
        printk("usage: %s; a size in bytes, or with K, M, G\n", MONITOR_VMALLOC_USAGE);
        return;
    }
    memory = size <= UINT32_MAX ? vmalloc_aligned(size, PAGE_SIZE, monitor_vmalloc) : NULL;
    if (memory)
        printk("vmalloc: %p, %u pages; \"vfree %p\" gives them back\n", memory,
               vmap_area_pages(find_vmap_area((u32)memory)), memory);
    else
        printk("vmalloc: no frames, or no addresses, for %s\n", argv[1]);
}

void monitor_vfree(u32 argc, const char **argv)
{
    const struct vmap_area *area;
    u32 addr;

    (void)argc;
    if (kstrtouint(argv[1], 16, &addr) != 0) {
        printk("usage: %s; the address that \"vmalloc\" told\n", MONITOR_VFREE_USAGE);
        return;
    }
    area = find_vmap_area(addr);
    if (!area || area->start != addr || area->caller != monitor_vmalloc)
        printk("vfree: %s is not the start of an area that \"vmalloc\" made here\n", argv[1]);
    else
        vfree((void *)addr);
}
