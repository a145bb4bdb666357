/*
 * `vmalloc [-s] SIZE` and `vfree ADDR`: allocate and free an area by hand, to see the changes with
 * `snapshot`, `vmallocinfo` or gdb.
 *
 * Soon after boot all free frames are consecutive, and so would be those of an area. With -s the
 * memory is first brought into the state it has after hours of work: single free frames with used
 * ones between them. vmalloc then takes free frames as always: of hundreds of frames, the last ones
 * come from larger blocks, and are consecutive again. The line about the frames shows this. During
 * the command it holds sixteen times the requested frames.
 *
 * The areas have the command's address as their caller. So `vfree` can distinguish them from areas
 * that the kernel uses, which must not be freed.
 *
 * Neighbours: mm/kva/vmalloc.c does the work; kernel/monitor/monitor.c has the table of commands.
 */
#include <kernel/monitor/monitor.h>
#include <kernel/view/frame_runs.h>
#include <lib/kstrtox.h>
#include <lib/printk.h>
#include <lib/string.h>
#include <mm/frame/page_alloc.h>
#include <mm/kva/vmalloc.h>

#define APART 16 /* one of this many frames is freed */

/* Allocate APART times the wanted number of frames, and free every APART-th one. */
struct page *monitor_scatter_frames(u32 wanted)
{
    struct page *chain, *used = NULL, *spare = NULL;
    u32 count = wanted <= max_pfn / APART ? wanted * APART : 0;

    if (count == 0)
        return NULL;
    if (alloc_pages_bulk(GFP_HIGHUSER, count, &chain) < count) {
        free_pages_bulk(chain);
        return NULL;
    }
    for (u32 i = 0; i < count; i++) {
        struct page *page = chain, **to = i % APART ? &used : &spare;

        chain = page->next;
        page->next = *to;
        *to = page;
    }
    free_pages_bulk(spare);
    return used;
}

static void *make_area(u32 size, bool scattered)
{
    struct page *between =
        scattered ? monitor_scatter_frames(ALIGN_UP((u64)size, PAGE_SIZE) / PAGE_SIZE) : NULL;
    void *memory = between || !scattered ? vmalloc(size) : NULL;

    if (memory)
        vmap_area_set_caller((u32)memory, monitor_vmalloc);
    free_pages_bulk(between);
    return memory;
}

void monitor_vmalloc(u32 argc, const char **argv)
{
    bool scattered = argc > 2;
    const char *word = argv[argc - 1];
    char *end;
    u64 size = memparse(word, &end);
    void *memory;
    u32 pages;

    if (*end || size == 0 || (scattered && strcmp(argv[1], "-s") != 0)) {
        printk("usage: %s; a size in bytes, or with K, M, G\n", MONITOR_VMALLOC_USAGE);
        return;
    }
    memory = size <= UINT32_MAX ? make_area(size, scattered) : NULL;
    if (!memory) {
        printk("vmalloc: %s is too much; free: %uK of frames, %uK of addresses\n", word,
               nr_free_pages() * (PAGE_SIZE / 1024), vmalloc_stats().largest_free / 1024);
        if (scattered)
            printk("  -s takes %u times the frames for a moment\n", APART);
        return;
    }
    pages = vmap_area_pages(find_vmap_area((u32)memory));
    printk("vmalloc: %p, %u page%s; \"vfree %p\" frees the area\n", memory, pages,
           pages == 1 ? "" : "s", memory);
    frame_runs_print("frames", (u32)memory, (u32)memory + size - 1);
    if (!scattered)
        printk("          as they are free now; \"vmalloc -s %s\" takes scattered ones\n", word);
}

void monitor_vfree(u32 argc, const char **argv)
{
    const struct vmap_area *area;
    u32 addr;

    (void)argc;
    if (kstrtouint(argv[1], 16, &addr) != 0) {
        printk("usage: %s; the address that \"vmalloc\" printed\n", MONITOR_VFREE_USAGE);
        return;
    }
    area = find_vmap_area(addr);
    if (!area || area->start != addr || area->caller != monitor_vmalloc)
        printk("vfree: %s is not, or no longer, the start of an area of \"vmalloc\"\n", argv[1]);
    else
        vfree((void *)addr);
}
