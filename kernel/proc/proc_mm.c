/*
 * The tables of memory that Linux has in /proc, in its formats: meminfo, vmallocinfo, buddyinfo,
 * slabinfo. They are generated only here; /proc and the monitor both print them.
 *
 * No numbers are stored here: everything is read from mm/ when it is printed. The pages of
 * processes and of files are counted by walking the struct pages; that yields, so the lines of one
 * text may be of different moments.
 *
 * A name that Linux also uses has the same meaning here, as far as possible: all files are in
 * memory, so a written page of a file is Shmem, as in Linux's tmpfs, and can never be dropped; a
 * page that is still equal to the initramfs can be dropped, and is available memory.
 *
 * Neighbours: mm/ has the numbers, kernel/symbols.c names callers.
 */
#include <arch/x86/pgtable.h>
#include <fs/fs.h>
#include <kernel/kernel.h>
#include <kernel/proc/proc.h>
#include <kernel/task.h>
#include <lib/resched.h>
#include <mm/frame/memblock.h>
#include <mm/frame/page_alloc.h>
#include <mm/frame/slab.h>
#include <mm/kva/vmalloc.h>
#include <mm/layout.h>
#include <mm/user/mm.h>

#define KB_PER_PAGE (PAGE_SIZE / 1024)
#define WALK_TURN   4096 /* struct pages between two yields */

/* ---- meminfo ---- */

void proc_kb(struct seq_file *seq, const char *name, u64 kb)
{
    seq_printf(seq, "%-15s %8llu kB\n", name, kb);
}

/* Numbers of pages by their contents. */
struct page_counts {
    u32 anon;   /* only of processes */
    u32 file;   /* of files, these: */
    u32 mapped; /* also in a process */
    u32 dirty;  /* written to: the only copy */
    u32 droppable;
};

static void count_page(struct page_counts *counts, const struct page *page)
{
    if (!page->head)
        return;
    counts->anon += page->type == PAGE_USER;
    if (page->type != PAGE_FILE)
        return;
    counts->file++;
    counts->mapped += page->refcount > 1;
    counts->dirty += page->dirty;
    counts->droppable += !page->dirty && page->refcount == 1;
}

static struct page_counts count_pages(void)
{
    struct page_counts counts = {0};
    u32 seen = 0;

    for (u32 pfn = 0; pfn < max_pfn; pfn += page_block_size(pfn_to_page(pfn))) {
        if (++seen % WALK_TURN == 0)
            cond_resched();
        count_page(&counts, pfn_to_page(pfn));
    }
    return counts;
}

/* As in Linux, the total is the sum of low and high memory; RAM above 4 GiB is in neither. */
static void tell_ram(struct seq_file *seq, const struct page_counts *counts)
{
    u64 low = ram_low_kb(), low_free = nr_free_lowmem_pages() * KB_PER_PAGE;
    u64 high = ram_high_kb(), high_free = zone_free_pages(ZONE_HIGHMEM) * KB_PER_PAGE;

    proc_kb(seq, "MemTotal:", low + high);
    proc_kb(seq, "MemFree:", low_free + high_free);
    proc_kb(seq, "MemAvailable:", low_free + high_free + counts->droppable * KB_PER_PAGE);
    proc_kb(seq, "Buffers:", 0);
    proc_kb(seq, "Cached:", counts->file * KB_PER_PAGE);
    proc_kb(seq, "SwapCached:", 0);
    proc_kb(seq, "HighTotal:", high);
    proc_kb(seq, "HighFree:", high_free);
    proc_kb(seq, "LowTotal:", low);
    proc_kb(seq, "LowFree:", low_free);
    proc_kb(seq, "SwapTotal:", 0);
    proc_kb(seq, "SwapFree:", 0);
}

/* Pages of all user page directories and page tables, including those that are kept for reuse. */
static u32 user_table_pages(void)
{
    u32 pages = user_tables_kept();

    for (struct mm *mm = mm_next(NULL); mm; mm = mm_next(mm))
        pages += mm->tables + 1;
    return pages;
}

int proc_meminfo(struct inode *inode, struct seq_file *seq)
{
    struct page_counts counts = count_pages();
    struct vmalloc_stats stats = vmalloc_stats();
    u32 vmalloc_bytes = VMALLOC_END - VMALLOC_START;

    (void)inode;
    tell_ram(seq, &counts);
    proc_kb(seq, "AnonPages:", counts.anon * KB_PER_PAGE);
    proc_kb(seq, "Mapped:", counts.mapped * KB_PER_PAGE);
    proc_kb(seq, "Shmem:", counts.dirty * KB_PER_PAGE);
    proc_kb(seq, "KReclaimable:", 0);
    proc_kb(seq, "Slab:", slab_pages() * KB_PER_PAGE);
    proc_kb(seq, "SReclaimable:", 0);
    proc_kb(seq, "SUnreclaim:", slab_pages() * KB_PER_PAGE);
    proc_kb(seq, "KernelStack:", task_count() * (THREAD_SIZE >> 10));
    proc_kb(seq, "PageTables:", user_table_pages() * KB_PER_PAGE);
    proc_kb(seq, "VmallocTotal:", vmalloc_bytes >> 10);
    proc_kb(seq, "VmallocUsed:", (vmalloc_bytes - stats.free_bytes) >> 10);
    proc_kb(seq, "VmallocChunk:", stats.largest_free >> 10);
    return 0;
}

/* ---- vmallocinfo, buddyinfo, slabinfo ---- */

void proc_vmap_area(struct seq_file *seq, const struct vmap_area *area)
{
    char caller[SYMBOL_TEXT_MAX];

    symbol_format(caller, sizeof(caller), (u32)area->caller);
    seq_printf(seq, "0x%08x-0x%08x %7u %s", area->start, area->end, area->end - area->start,
               caller);
    if (area->flags & VM_IOREMAP)
        seq_printf(seq, " phys=0x%08x ioremap\n", pte_frame(*kernel_pte(area->start)));
    else
        seq_printf(seq, " pages=%u %s\n", vmap_area_pages(area),
                   area->flags & VM_ALLOC ? "vmalloc" : "vmap");
}

/* It yields between two areas, so the next one is looked up by address. */
int proc_vmallocinfo(struct inode *inode, struct seq_file *seq)
{
    const struct vmap_area *area;
    u32 end;

    (void)inode;
    for (u32 addr = VMALLOC_START; (area = vmap_area_at_or_above(addr)); addr = end) {
        end = area->end;
        proc_vmap_area(seq, area);
        cond_resched();
    }
    return 0;
}

int proc_buddyinfo(struct inode *inode, struct seq_file *seq)
{
    (void)inode;
    for (u32 zone = 0; zone < ZONES; zone++) {
        if (zone_managed_pages(zone) == 0)
            continue;
        seq_printf(seq, "Node 0, zone %8s ", zone_name(zone));
        for (u32 order = 0; order <= MAX_ORDER; order++)
            seq_printf(seq, "%6u ", zone_free_blocks(zone, order));
        seq_printf(seq, "\n");
    }
    return 0;
}

/* Linux's tunable values are fixed here, and there are no shared queues: these columns are 0. */
int proc_slabinfo(struct inode *inode, struct seq_file *seq)
{
    struct slabinfo info;

    (void)inode;
    seq_printf(seq, "slabinfo - version: 2.1\n"
                    "# name            <active_objs> <num_objs> <objsize> <objperslab> "
                    "<pagesperslab> : tunables <limit> <batchcount> <sharedfactor> : "
                    "slabdata <active_slabs> <num_slabs> <sharedavail>\n");
    for (u32 i = 0; slabinfo_at(i, &info); i++) {
        seq_printf(seq, "%-17s %6u %6u %6u %4u %4u : tunables %4u %4u %4u : slabdata %6u %6u %6u\n",
                   info.name, info.active_objs, info.num_objs, info.objsize, info.objperslab,
                   info.pagesperslab, 0, 0, 0, info.active_slabs, info.num_slabs, 0);
        cond_resched();
    }
    return 0;
}
