/*
 * Lowmem: the linear map virt X -> phys X - PAGE_OFFSET, built once from a table of rows and never
 * changed.
 *
 * Each row is a run of memory with rights of its own: the image's text and constants are read-only,
 * what is written during start-up only is read-only from mm_seal() on, everything else is writable.
 * Rows are entered with 4 MiB pages wherever they are aligned, and with 4 KiB pages around the
 * image and at the end of RAM; the few page tables for that lie in the sealed part of the image
 * themselves. The rights are final from the start: as long as CR0.WP is off the kernel may write
 * through them, and mm_seal() turns it on.
 *
 * All page tables of the vmalloc area and the fixmap are made here too, in one array (kernel_ptes),
 * so that the kernel half of the master directory is complete before the first process copies it.
 */
#include <arch/x86/cpu.h>
#include <arch/x86/sections.h>
#include <lib/printf.h>
#include <lib/printk.h>
#include <lib/string.h>
#include <mm/memblock.h>
#include <mm/mm_init.h>
#include <mm/page_alloc.h>

/* 4 KiB pages are needed in two 4 MiB spans at most: the image's and the last one. */
#define LOWMEM_TABLES 2

static pte_t lowmem_tables[LOWMEM_TABLES][1024] __section(".sealed.pages")
    __attribute__((aligned(PAGE_SIZE)));
static u32 lowmem_tables_used __ro_after_init;

#define LOWMEM_ROWS 7
static struct map_row rows[LOWMEM_ROWS] __ro_after_init;

static struct map_row lowmem_row(const char *name, u32 virt, u32 end, pgprot_t prot)
{
    return (struct map_row){name, virt, virt - PAGE_OFFSET, end - virt, prot};
}

static void fill_rows(void)
{
    u32 text = (u32)__text_start, rodata = (u32)__rodata_start, sealed = (u32)__sealed_start,
        data = (u32)__data_start, image_end = (u32)__kernel_end;
    const struct map_row table[LOWMEM_ROWS] = {
        lowmem_row("first MiB and boot code", PAGE_OFFSET, text, PAGE_KERNEL),
        lowmem_row("text", text, rodata, PAGE_KERNEL_RO),
        lowmem_row("rodata", rodata, sealed, PAGE_KERNEL_RO),
        lowmem_row("sealed", sealed, data, PAGE_KERNEL_RO),
        lowmem_row("data and bss", data, image_end, PAGE_KERNEL),
        lowmem_row("memory to 4 MiB", image_end, PAGE_OFFSET + LARGE_PAGE_SIZE, PAGE_KERNEL),
        lowmem_row("memory", PAGE_OFFSET + LARGE_PAGE_SIZE, high_memory, PAGE_KERNEL),
    };

    memcpy(rows, table, sizeof(rows));
}

static void *lowmem_table(void)
{
    assert_op(lowmem_tables_used, <, LOWMEM_TABLES);
    return lowmem_tables[lowmem_tables_used++];
}

const struct map_row *lowmem_map_row(u32 i)
{
    return i < LOWMEM_ROWS ? &rows[i] : NULL;
}

static void make_kernel_ptes(void)
{
    u32 size = (0u - VMALLOC_START) >> PAGE_SHIFT << 2; /* 4 bytes for each page up to the end */

    pte_t *tables = phys_to_virt(memblock_alloc(size, PAGE_SIZE, "page tables"));

    kernel_ptes = tables - (VMALLOC_START >> PAGE_SHIFT);
    for (u32 addr = VMALLOC_START; addr; addr += LARGE_PAGE_SIZE)
        pgtable_set_kernel_table(addr, kernel_pte(addr));
}

static void print_row(const struct map_row *row)
{
    printk("map: %08x..%08x -> %08x %s %s\n", row->virt, row->virt + row->size - 1, row->phys,
           row->prot.val & PTE_RW ? "rw" : "r-", row->name);
}

void lowmem_map_init(void)
{
    fill_rows();
    for (u32 i = 0; i < LOWMEM_ROWS; i++) {
        pgtable_map_row(&rows[i], lowmem_table);
        print_row(&rows[i]);
    }
    make_kernel_ptes();
    pgtable_leave_boot();
}

/* ---- the snapshot of the sealed map, and its check ---- */

static struct {
    pde_t kernel_half[KERNEL_PDES];
    pte_t tables[LOWMEM_TABLES][1024];
} snapshot __section(".sealed.pages");

static void take_snapshot(void)
{
    memcpy(snapshot.kernel_half, swapper_pg_dir + KERNEL_PDE_FIRST, sizeof(snapshot.kernel_half));
    memcpy(snapshot.tables, lowmem_tables, sizeof(snapshot.tables));
}

const char *lowmem_check(void)
{
    static char text[96];

    for (u32 i = 0; i < KERNEL_PDES; i++) {
        u32 now = swapper_pg_dir[KERNEL_PDE_FIRST + i].val, then = snapshot.kernel_half[i].val;

        if (now != then) {
            snprintf(text, sizeof(text),
                     "I1: master PDE %u is %08x, at the end of boot it was %08x",
                     KERNEL_PDE_FIRST + i, now, then);
            return text;
        }
    }
    for (u32 i = 0; i < LOWMEM_TABLES * 1024; i++) {
        u32 now = lowmem_tables[i / 1024][i % 1024].val;
        u32 then = snapshot.tables[i / 1024][i % 1024].val;

        if (now != then) {
            snprintf(text, sizeof(text),
                     "I1: lowmem PTE %u is %08x, at the end of boot it was %08x", i, now, then);
            return text;
        }
    }
    return NULL;
}

void mm_seal(void)
{
    for (phys_addr_t at = (u32)__boot_start; at < (u32)__boot_end; at += PAGE_SIZE)
        free_reserved_page(phys_to_page(at));
    take_snapshot();
    cpu_write_protect();
}
