/*
 * The monitor's commands that look at memory: the address map with live numbers, and the tables
 * that Linux shows in /proc, in Linux's formats, so that what is learned here is read there:
 * meminfo, vmallocinfo, buddyinfo, slabinfo. `frames` has no counterpart there: owner by owner, it
 * adds up to all of RAM.
 *
 * The drawing is a list of bands from the top of the address space to its bottom. Each band knows
 * where it starts; it ends where the band above it starts, so there is no gap to forget and no size
 * to keep by hand.
 *
 * Nothing here keeps numbers of its own: everything is asked of mm/ at the moment it is printed.
 * Counts are in pages inside the kernel and in kB where Linux says kB (1024 bytes).
 *
 * Neighbours: mm/ answers, kernel/symbols.c names callers, kernel/monitor.c has the table of
 * commands.
 */
#include <arch/x86/sections.h>
#include <kernel/kernel.h>
#include <kernel/monitor.h>
#include <kernel/task.h>
#include <lib/printf.h>
#include <lib/printk.h>
#include <mm/audit.h>
#include <mm/frames.h>
#include <mm/layout.h>
#include <mm/memblock.h>
#include <mm/mm.h>
#include <mm/page_alloc.h>
#include <mm/slab.h>
#include <mm/vmalloc.h>

#define KB_PER_PAGE (PAGE_SIZE / 1024)

/* ---- layout ---- */

/*
 * Two columns between the frame: text, size. With addresses and names of edges a line fits 80
 * columns.
 */
#define ROW_FORMAT  "           | %-37s %11s |\n"
#define FRAME_WIDTH 51

static void print_edge(u32 addr, char line, const char *name)
{
    char frame[FRAME_WIDTH + 1];

    for (u32 i = 0; i < FRAME_WIDTH; i++)
        frame[i] = line;
    frame[FRAME_WIDTH] = '\0';
    printk("0x%08x +%s+%s%s\n", addr, frame, *name ? " " : "", name);
}

/* In the largest unit that needs no fraction. */
static void print_row(const char *text, u32 bytes)
{
    char size[16];
    u32 kib = ALIGN_UP(bytes, KIB(1)) >> 10;

    if (kib >= MIB(1) && kib % MIB(1) == 0)
        snprintf(size, sizeof(size), "%u GiB", kib >> 20);
    else if (kib >= KIB(1) && kib % KIB(1) == 0)
        snprintf(size, sizeof(size), "%u MiB", kib >> 10);
    else
        snprintf(size, sizeof(size), "%u KiB", kib);
    printk(ROW_FORMAT, text, size);
}

static void vmalloc_details(void)
{
    struct vmalloc_stats stats = vmalloc_stats();
    char text[40];

    snprintf(text, sizeof(text), "  mapped (areas: %u)", stats.busy_areas);
    print_row(text, stats.mapped_pages * PAGE_SIZE);
    snprintf(text, sizeof(text), "  free (ranges: %u)", stats.free_ranges);
    print_row(text, stats.free_bytes);
    print_row("  largest free range", stats.largest_free);
}

static void print_section(const char *name, const char *start, const char *end)
{
    char text[40];

    snprintf(text, sizeof(text), "  0x%08x %s", (u32)start, name);
    print_row(text, end - start);
}

static void lowmem_details(void)
{
    print_row("  free", nr_free_lowmem_pages() * PAGE_SIZE);
    print_row("  kernel image", __kernel_end - __text_start);
    print_section("bss", __bss_start, __bss_end);
    print_section("data", __data_start, __data_end);
    print_section("data, read-only now", __sealed_start, __sealed_end);
    print_section("rodata", __rodata_start, __rodata_end);
    print_section("text", __text_start, __text_end);
}

static void user_details(void)
{
    char text[40];
    u32 spaces = 0, pages = 0;

    for (struct mm *mm = mm_next(NULL); mm; mm = mm_next(mm)) {
        spaces++;
        pages += mm->pages;
    }
    snprintf(text, sizeof(text), "  mapped (processes: %u)", spaces);
    print_row(text, pages * PAGE_SIZE);
}

void monitor_layout(u32 argc, const char **argv)
{
    const struct {
        u32 start;
        const char *edge, *text;
        void (*details)(void);
    } bands[] = {
        {FIXMAP_END, "FIXMAP_END", "last page, never mapped", NULL},
        {FIXMAP_START, "FIXMAP_START", "fixmap: one page table", NULL},
        {VMALLOC_END, "VMALLOC_END", "one page, never mapped", NULL},
        {VMALLOC_START, "VMALLOC_START", "vmalloc: vmalloc, vmap, kernel stacks", vmalloc_details},
        {high_memory, "high_memory", "hole, never mapped", NULL},
        {PAGE_OFFSET, "PAGE_OFFSET", "lowmem: virt X -> phys X - 0xc0000000", lowmem_details},
        {MMAP_MIN_ADDR, "MMAP_MIN_ADDR", "user: one mapping per process", user_details},
        {0, "", "never mapped", NULL},
    };
    u32 end = 0; /* 2^32, as far as a difference is concerned */

    (void)argc, (void)argv;
    print_edge(UINT32_MAX, '-', "");
    for (u32 i = 0; i < ARRAY_SIZE(bands); i++) {
        print_row(bands[i].text, end - bands[i].start);
        if (bands[i].details)
            bands[i].details();
        print_edge(bands[i].start, bands[i].start == PAGE_OFFSET ? '=' : '-', bands[i].edge);
        end = bands[i].start;
    }
}

/* ---- meminfo ---- */

static void print_kb(const char *name, u64 kb)
{
    printk("%-15s %8llu kB\n", name, kb);
}

/* Usable RAM in [start, end), in kB. */
static u64 ram_kb(u64 start, u64 end)
{
    const struct memblock_range *range;
    u64 bytes = 0;

    for (u32 i = 0; (range = memblock_usable(i)); i++) {
        u64 from = max(range->start, start), to = min(range->end, end);

        if (from < to)
            bytes += to - from;
    }
    return bytes >> 10;
}

/*
 * As in Linux, what is said of all memory is the sum of low and high; RAM above 4 GiB is in neither.
 */
static void print_ram(void)
{
    u64 low = ram_kb(0, lowmem_size), low_free = nr_free_lowmem_pages() * KB_PER_PAGE;
    u64 high = ram_kb(lowmem_size, (u64)max_pfn << PAGE_SHIFT);
    u64 high_free = zone_free_pages(ZONE_HIGHMEM) * KB_PER_PAGE;
    u64 above = ram_kb(1ull << 32, UINT64_MAX);

    print_kb("MemTotal:", low + high);
    print_kb("MemFree:", low_free + high_free);
    print_kb("MemUsed:", low + high - low_free - high_free);
    print_kb("HighTotal:", high);
    print_kb("HighFree:", high_free);
    print_kb("LowTotal:", low);
    print_kb("LowFree:", low_free);
    if (above)
        print_kb("Above4GiB:", above);
}

/* Pages of all user page directories and page tables. */
static u32 user_table_pages(void)
{
    u32 pages = 0;

    for (struct mm *mm = mm_next(NULL); mm; mm = mm_next(mm))
        pages += mm->tables + 1;
    return pages;
}

static u32 task_count(void)
{
    u32 count = 0;

    for (struct task *task = task_next(NULL); task; task = task_next(task))
        count++;
    return count;
}

void monitor_meminfo(u32 argc, const char **argv)
{
    struct vmalloc_stats stats = vmalloc_stats();
    u32 vmalloc_bytes = VMALLOC_END - VMALLOC_START;

    (void)argc, (void)argv;
    print_ram();
    print_kb("KernelImage:", (__kernel_end - __text_start) >> 10);
    print_kb("Slab:", slab_pages() * KB_PER_PAGE);
    print_kb("KernelStack:", task_count() * (THREAD_SIZE >> 10));
    print_kb("PageTables:", user_table_pages() * KB_PER_PAGE);
    print_kb("VmallocTotal:", vmalloc_bytes >> 10);
    print_kb("VmallocUsed:", (vmalloc_bytes - stats.free_bytes) >> 10);
    print_kb("VmallocChunk:", stats.largest_free >> 10);
    printk("BootTsc: %llu (time-stamp counts from hand-over to prompt; instructions under -icount "
           "shift=0)\n",
           boot_tsc_prompt);
}

/* ---- vmallocinfo, buddyinfo, slabinfo, frames, audit ---- */

static void print_area(const struct vmap_area *area)
{
    char caller[SYMBOL_TEXT_MAX];

    symbol_format(caller, sizeof(caller), (u32)area->caller);
    printk("0x%08x-0x%08x %7u %s", area->start, area->end, area->end - area->start, caller);
    if (area->flags & VM_IOREMAP)
        printk(" phys=0x%08x ioremap\n", pte_frame(*kernel_pte(area->start)));
    else
        printk(" pages=%u %s\n", vmap_area_pages(area),
               area->flags & VM_ALLOC ? "vmalloc" : "vmap");
}

void monitor_vmallocinfo(u32 argc, const char **argv)
{
    const struct vmap_area *area = vmap_area_at_or_above(VMALLOC_START);

    (void)argc, (void)argv;
    for (; area; area = vmap_area_at_or_above(area->end))
        print_area(area);
}

void monitor_buddyinfo(u32 argc, const char **argv)
{
    (void)argc, (void)argv;
    for (u32 zone = 0; zone < ZONES; zone++) {
        if (zone_managed_pages(zone) == 0)
            continue;
        printk("Node 0, zone %8s ", zone_name(zone));
        for (u32 order = 0; order <= MAX_ORDER; order++)
            printk("%6u ", zone_free_blocks(zone, order));
        printk("\n");
    }
}

/* What is tuned in Linux is fixed here, and there are no queues to share: these are 0. */
void monitor_slabinfo(u32 argc, const char **argv)
{
    struct slabinfo info;

    (void)argc, (void)argv;
    printk("slabinfo - version: 2.1\n"
           "# name            <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab> : "
           "tunables <limit> <batchcount> <sharedfactor> : "
           "slabdata <active_slabs> <num_slabs> <sharedavail>\n");
    for (u32 i = 0; slabinfo_at(i, &info); i++)
        printk("%-17s %6u %6u %6u %4u %4u : tunables %4u %4u %4u : slabdata %6u %6u %6u\n",
               info.name, info.active_objs, info.num_objs, info.objsize, info.objperslab,
               info.pagesperslab, 0, 0, 0, info.active_slabs, info.num_slabs, 0);
}

static void print_frames(const char *kind, const char *name, u32 frames)
{
    printk("%-10s%-20s %8u %10u kB\n", kind, name, frames, frames * KB_PER_PAGE);
}

void monitor_frames(u32 argc, const char **argv)
{
    static const char *const names[PAGE_TYPES] = {
        [PAGE_FREE] = "buddy",
        [PAGE_HOT] = "hot",
        [PAGE_USED] = "other",
        [PAGE_SLAB] = "slab",
        [PAGE_VMALLOC] = "vmalloc",
        [PAGE_USER] = "user pages",
        [PAGE_PGTABLE] = "process tables",
    };
    struct frames frames;

    (void)argc, (void)argv;
    frames_count(&frames);
    for (u32 type = PAGE_FREE; type < PAGE_TYPES; type++)
        print_frames(type <= PAGE_HOT ? "free" : "used", names[type], frames.by_type[type]);
    for (u32 i = 0; i < frames.reserved_names; i++)
        print_frames("reserved", frames.reserved[i].name, frames.reserved[i].frames);
    print_frames("sum", "", frames.total);
    if (frames.total != frames.ram)
        printk("frames: RAM below 4 GiB is %u frames: the sum does not add up\n", frames.ram);
}

void monitor_audit(u32 argc, const char **argv)
{
    const char *broken = mm_audit();

    (void)argc, (void)argv;
    printk("audit: %s\n", broken ? broken : "all invariants hold");
}
