/*
 * The monitor's commands that print memory: the address map with live numbers, and the tables that
 * Linux has in /proc, so that students can read them there, too: meminfo, vmallocinfo, buddyinfo,
 * slabinfo. Their texts are those of /proc (kernel/proc/proc_mm.c); meminfo has a few lines more.
 * `frames` has no counterpart there: it lists frames by owner, which add up to all of RAM.
 *
 * No numbers are stored here: everything is read from mm/ when it is printed. Counts are in pages
 * inside the kernel and in kB where Linux uses kB (1024 bytes).
 *
 * Neighbours: mm/ has the numbers, kernel/monitor/monitor.c has the table of commands.
 */
#include <arch/x86/sections.h>
#include <fs/fs.h>
#include <kernel/kernel.h>
#include <kernel/monitor/monitor.h>
#include <kernel/proc/proc.h>
#include <kernel/view/frame_runs.h>
#include <lib/printf.h>
#include <lib/printk.h>
#include <lib/resched.h>
#include <mm/check/audit.h>
#include <mm/check/frames.h>
#include <mm/frame/memblock.h>
#include <mm/frame/page_alloc.h>
#include <mm/kva/vmalloc.h>
#include <mm/layout.h>
#include <mm/user/mm.h>

#define KB_PER_PAGE (PAGE_SIZE / 1024)

/* ---- layout ---- */

/*
 * Two columns inside the frame: text, size. With addresses and names of edges a line fits 80
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
}

static void lowmem_details(void)
{
    print_row("  free", nr_free_lowmem_pages() * PAGE_SIZE);
    print_row("  kernel image", __kernel_end - __text_start);
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

/* With the next prompt on 24 lines, so that all of it shows on a terminal of that size. */
void monitor_layout(u32 argc, const char **argv)
{
    static void (*const details[LAYOUT_REGIONS])(void) = {
        [REGION_VMALLOC] = vmalloc_details,
        [REGION_LOWMEM] = lowmem_details,
        [REGION_USER] = user_details,
    };

    (void)argc, (void)argv;
    print_edge(UINT32_MAX, '-', "");
    for (u32 i = 0; i < LAYOUT_REGIONS; i++) {
        const struct layout_region *region = &layout_regions[i];

        print_row(region->text, layout_region_last(region) - region->start + 1);
        if (details[i])
            details[i]();
        print_edge(region->start, i == REGION_LOWMEM ? '=' : '-', region->edge);
    }
}

/* ---- tables that are also in /proc ---- */

typedef int (*proc_show_t)(struct inode *inode, struct seq_file *seq);

static void print_text(const char *text, u32 len)
{
    printk("%.*s", (int)len, text);
}

/* A text that is longer than the static buffer: larger buffers are allocated until it fits. */
static void print_long_text(proc_show_t show, u32 size)
{
    struct seq_file seq = {.size = ALIGN_UP(size + 1, PAGE_SIZE)};

    seq.buf = vmalloc(seq.size);
    if (!seq.buf || show(NULL, &seq) != 0)
        printk("no memory for a text of %u bytes\n", size);
    else
        print_text(seq.buf,
                   min(seq.used, seq.size - 1)); /* it may have grown by the size of this buffer */
    vfree(seq.buf);
}

/* Some texts are most useful when memory is short, so they have a static buffer. */
static void print_proc(proc_show_t show)
{
    static char text[2048];
    struct seq_file seq = {.buf = text, .size = sizeof(text)};

    if (show(NULL, &seq) != 0)
        printk("no memory for the text\n");
    else if (seq.used < seq.size)
        print_text(text, seq.used);
    else
        print_long_text(show, seq.used + PAGE_SIZE);
}

static int tell_more_memory(struct inode *inode, struct seq_file *seq)
{
    u64 above = memblock_total_above_4g() >> 10;

    (void)inode;
    proc_kb(seq, "MemUsed:", ram_low_kb() + ram_high_kb() - nr_free_pages() * KB_PER_PAGE);
    if (above)
        proc_kb(seq, "Above4GiB:", above);
    proc_kb(seq, "KernelImage:", (__kernel_end - __text_start) >> 10);
    seq_printf(seq, "BootTsc: %llu (to the prompt; instructions under -icount shift=0)\n",
               boot_tsc_prompt);
    return 0;
}

void monitor_meminfo(u32 argc, const char **argv)
{
    (void)argc, (void)argv;
    print_proc(proc_meminfo);
    print_proc(tell_more_memory);
}

static void print_vmap_area(const struct vmap_area *area)
{
    char line[SYMBOL_TEXT_MAX + 80];
    struct seq_file seq = {.buf = line, .size = sizeof(line)};

    proc_vmap_area(&seq, area);
    print_text(line, min(seq.used, seq.size - 1));
    if (!(area->flags & VM_IOREMAP))
        frame_runs_print("  frames", area->start, area->end - PAGE_SIZE - 1);
}

/*
 * Linux's line for each area, and the area's frames. It yields between two areas, so the next one
 * is looked up by address.
 */
void monitor_vmallocinfo(u32 argc, const char **argv)
{
    const struct vmap_area *area;
    u32 end;

    (void)argc, (void)argv;
    for (u32 addr = VMALLOC_START; (area = vmap_area_at_or_above(addr)); addr = end) {
        end = area->end;
        print_vmap_area(area);
        cond_resched();
    }
}

void monitor_buddyinfo(u32 argc, const char **argv)
{
    (void)argc, (void)argv;
    print_proc(proc_buddyinfo);
}

void monitor_slabinfo(u32 argc, const char **argv)
{
    (void)argc, (void)argv;
    print_proc(proc_slabinfo);
}

/* ---- frames, audit ---- */

static void print_frames(const char *kind, const char *name, u32 frames)
{
    printk("%-10s%-20s %8u %10u kB\n", kind, name, frames, frames * KB_PER_PAGE);
}

void monitor_frames(u32 argc, const char **argv)
{
    struct frames frames;

    (void)argc, (void)argv;
    frames_count(&frames);
    for (u32 type = PAGE_FREE; type < PAGE_TYPES; type++)
        print_frames(type <= PAGE_HOT ? "free" : "used", page_type_short_name(type),
                     frames.by_type[type]);
    for (u32 i = 0; i < frames.reserved_names; i++)
        print_frames("reserved", frames.reserved[i].name, frames.reserved[i].frames);
    print_frames("sum", "", frames.total);
    if (frames.total != frames.ram)
        printk("frames: RAM below 4 GiB is %u frames: the sum does not add up\n", frames.ram);
}

void monitor_audit(u32 argc, const char **argv)
{
    const char *broken = mm_audit();
    struct frames frames;
    char line[256];
    u32 directories = 1; /* the master's */

    (void)argc, (void)argv;
    for (struct mm *mm = mm_next(NULL); mm; mm = mm_next(mm))
        directories++;
    frames_count(&frames);
    printk("audit: %u frames, %u pages of lowmem, %u vmalloc area%s, %u page director%s\n",
           frames.total, lowmem_size / PAGE_SIZE, vmalloc_stats().busy_areas,
           vmalloc_stats().busy_areas == 1 ? "" : "s", directories, directories == 1 ? "y" : "ies");
    snprintf(line, sizeof(line), "audit: %s", broken ? broken : "all invariants hold");
    printk_folded(line);
}
