/*
 * Lowmem: the linear map virt X -> phys X - PAGE_OFFSET, built once from a table of rows and never
 * changed.
 *
 * Each row is a range of memory with the same rights: the image's text and constants are read-only,
 * data written only during start-up is read-only from mm_seal() on, everything else is writable.
 * Beyond the image there is a row for each range of RAM, and for what the boot loader has put
 * elsewhere. A hole between them, where a device or firmware may answer, is not mapped: the
 * processor would prefetch from it and cache what it read. The first MiB is one row, as on Linux:
 * the screen memory lies in its hole, and the processor's fixed-range MTRRs decide what is cached
 * there.
 *
 * Rows are entered with 4 MiB pages wherever they are aligned, and with 4 KiB pages around the
 * image and at the ends of ranges. How many page tables that takes depends on the machine; they and
 * the rows lie in one block of memory that has its own row, also read-only. The rights are final
 * from the start: as long as CR0.WP is off the kernel may write through them, and mm_seal() turns
 * it on.
 *
 * All page tables of the vmalloc area and the fixmap are made here too, in one array (kernel_ptes),
 * so that the kernel half of the master directory is complete before the first process copies it.
 */
#include <arch/x86/cpu.h>
#include <arch/x86/sections.h>
#include <lib/panic.h>
#include <lib/printf.h>
#include <lib/printk.h>
#include <lib/string.h>
#include <mm/frame/memblock.h>
#include <mm/frame/page_alloc.h>
#include <mm/kva/lowmem.h>

#define IMAGE_ROWS 5

/* The block of tables and rows: its start, and how much of it the tables use. */
static phys_addr_t block, block_end;
static pte_t (*lowmem_tables)[1024] __ro_after_init;
static u32 lowmem_tables_used __ro_after_init;

static struct map_row *rows __ro_after_init;
static u32 row_count __ro_after_init;

/* ---- the rows ---- */

/* The part of the i-th mapped range that lies in lowmem behind the image; false past the last. */
static bool range_beyond_image(u32 i, phys_addr_t *start, phys_addr_t *end)
{
    const struct memblock_range *range = memblock_mapped(i);

    if (!range)
        return false;
    *start = min(max(range->start, (u64)virt_to_phys(__kernel_end)), (u64)lowmem_size);
    *end = min(range->end, (u64)lowmem_size);
    return true;
}

/* The number of 4 MiB spans that contain an edge of a range, including the image's. */
static u32 count_split_spans(void)
{
    phys_addr_t edge[2];
    u32 count = 1, last = 0;

    for (u32 i = 0; range_beyond_image(i, &edge[0], &edge[1]); i++) {
        for (u32 k = 0; k < 2 && edge[0] < edge[1]; k++) {
            if (edge[k] % LARGE_PAGE_SIZE && edge[k] / LARGE_PAGE_SIZE != last) {
                last = edge[k] / LARGE_PAGE_SIZE;
                count++;
            }
        }
    }
    return count;
}

/*
 * Where the block lies. It may split a range into three and two more spans into 4 KiB pages. It
 * splits nothing where 4 KiB pages are used anyway: at an end of lowmem inside a span, and next to
 * the image. Below the image everything is one writable row.
 */
static phys_addr_t place_block(u32 size)
{
    const char *name = "lowmem tables";
    phys_addr_t last = ALIGN_DOWN(lowmem_size, LARGE_PAGE_SIZE), at = 0;
    phys_addr_t image_end = virt_to_phys(__kernel_end);

    if (last >= image_end)
        at = memblock_alloc_range(last, lowmem_size, size, PAGE_SIZE, name);
    if (!at)
        at = memblock_alloc_range(image_end, LARGE_PAGE_SIZE, size, PAGE_SIZE, name);
    if (!at)
        at = memblock_alloc_range(image_end, lowmem_size, size, PAGE_SIZE, name);
    if (!at)
        boot_refuse("no %u KiB of memory for %s.", size >> 10, name);
    return at;
}

static void allocate_block(void)
{
    u32 ranges = 0, tables = count_split_spans() + 2, size;

    while (memblock_mapped(ranges))
        ranges++;
    size = tables * PAGE_SIZE + PAGE_ALIGN((IMAGE_ROWS + ranges + 2) * sizeof(*rows));
    block = place_block(size);
    block_end = block + size;
    lowmem_tables = phys_to_virt(block);
    rows = phys_to_virt(block + tables * PAGE_SIZE);
}

static void add_row(const char *name, u32 virt, u32 end, pgprot_t prot)
{
    if (virt < end)
        rows[row_count++] = (struct map_row){name, virt, virt - PAGE_OFFSET, end - virt, prot};
}

static void add_memory(phys_addr_t start, phys_addr_t end)
{
    u32 virt = start + PAGE_OFFSET, virt_end = end + PAGE_OFFSET;
    u32 tables = block + PAGE_OFFSET, tables_end = block_end + PAGE_OFFSET;

    if (start <= block && block_end <= end) {
        add_row("memory", virt, tables, PAGE_KERNEL);
        add_row("page tables of lowmem", tables, tables_end, PAGE_KERNEL_RO);
        virt = tables_end;
    }
    add_row("memory", virt, virt_end, PAGE_KERNEL);
}

static void fill_rows(void)
{
    u32 text = (u32)__text_start, rodata = (u32)__rodata_start, sealed = (u32)__sealed_start,
        data = (u32)__data_start, image_end = (u32)__kernel_end;
    phys_addr_t start, end;

    add_row("first MiB and boot code", PAGE_OFFSET, text, PAGE_KERNEL);
    add_row("text", text, rodata, PAGE_KERNEL_RO);
    add_row("rodata", rodata, sealed, PAGE_KERNEL_RO);
    add_row("sealed", sealed, data, PAGE_KERNEL_RO);
    add_row("data and bss", data, image_end, PAGE_KERNEL);
    for (u32 i = 0; range_beyond_image(i, &start, &end); i++) {
        if (start < end)
            add_memory(start, end);
    }
}

static void *lowmem_table(void)
{
    assert((u32)&lowmem_tables[lowmem_tables_used] < (u32)rows);
    return lowmem_tables[lowmem_tables_used++];
}

const struct map_row *lowmem_map_row(u32 i)
{
    return i < row_count ? &rows[i] : NULL;
}

bool lowmem_is_mapped(phys_addr_t start, phys_addr_t end)
{
    u32 at = start + PAGE_OFFSET;

    for (u32 i = 0; i < row_count; i++) {
        if (start < end && end <= lowmem_size && at - rows[i].virt < rows[i].size)
            at = rows[i].virt + rows[i].size; /* the next row may begin there */
    }
    return start < end && end <= lowmem_size && at >= end + PAGE_OFFSET;
}

/* ---- building the map ---- */

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
    printk("map: 0x%08x..0x%08x -> 0x%08x %s %s\n", row->virt, row->virt + row->size - 1, row->phys,
           row->prot.val & PTE_RW ? "rw" : "r-", row->name);
}

void lowmem_map_init(void)
{
    const struct memblock_range *range;

    for (u32 i = 0; (range = memblock_usable(i)); i++)
        memblock_map(range->start, range->end);
    allocate_block();
    fill_rows();
    for (u32 i = 0; i < row_count; i++) {
        pgtable_map_row(&rows[i], lowmem_table);
        print_row(&rows[i]);
    }
    make_kernel_ptes();
    pgtable_leave_boot();
}

/* ---- the check: compares the live tables with the rows and the address map ---- */

/* The kernel half at the end of boot: all directories are compared with it, here and in gdb. */
static struct {
    pde_t kernel_half[KERNEL_PDES];
} snapshot __section(".sealed.pages");

static char check_text[128];

/* The first row that ends after addr, NULL behind the last. */
static const struct map_row *row_from(u32 addr)
{
    for (u32 i = 0; i < row_count; i++) {
        if (rows[i].virt + rows[i].size > addr)
            return &rows[i];
    }
    return NULL;
}

static bool is_in(const struct map_row *row, u32 addr)
{
    return row && addr >= row->virt;
}

static const char *check_table(const pte_t *table, u32 addr)
{
    for (u32 i = 0; i < 1024; i++, addr += PAGE_SIZE) {
        const struct map_row *row = row_from(addr);
        u32 right = is_in(row, addr) ? pte_make(addr - PAGE_OFFSET, row->prot).val : 0;

        if (table[i].val != right) {
            snprintf(check_text, sizeof(check_text),
                     "I1: lowmem PTE of page 0x%08x is 0x%08x, right is 0x%08x", addr, table[i].val,
                     right);
            return check_text;
        }
    }
    return NULL;
}

/* What the entry of a span must be; *tables counts the page tables of the spans before it. */
static pde_t right_pde(u32 addr, u32 *tables)
{
    const struct map_row *row = row_from(addr);

    if (addr >= VMALLOC_START)
        return pgtable_kernel_pde(kernel_pte(addr));
    if (!row || row->virt > addr + (LARGE_PAGE_SIZE - 1))
        return (pde_t){0};
    if (is_in(row, addr) && row->virt + row->size - addr >= LARGE_PAGE_SIZE)
        return pde_large(addr - PAGE_OFFSET, row->prot);
    return pgtable_kernel_pde(lowmem_tables[(*tables)++]);
}

const char *lowmem_check(void)
{
    u32 tables = 0;

    for (u32 i = KERNEL_PDE_FIRST; i < 1024; i++) {
        u32 addr = i << PDE_SHIFT, before = tables;
        pde_t right = right_pde(addr, &tables);
        const char *text = NULL;

        if (swapper_pg_dir[i].val != right.val) {
            snprintf(check_text, sizeof(check_text), "%s: master PDE %u is 0x%08x, right is 0x%08x",
                     addr < VMALLOC_START ? "I1" : "I2", i, swapper_pg_dir[i].val, right.val);
            return check_text;
        }
        if (tables > before)
            text = check_table(lowmem_tables[before], addr);
        if (text)
            return text;
    }
    return NULL;
}

pde_t lowmem_boot_pde(u32 index)
{
    assert_op(index, >=, KERNEL_PDE_FIRST);
    return snapshot.kernel_half[index - KERNEL_PDE_FIRST];
}

/*
 * Boot pages that the memory map does not call RAM (GRUB's cutmem can say so), or that have another
 * reservation, stay as they are.
 */
void mm_seal(void)
{
    const char *wrong;

    for (phys_addr_t at = (u32)__boot_start; at < (u32)__boot_end; at += PAGE_SIZE) {
        if (memblock_is_ram_of(at, MEMBLOCK_IMAGE))
            free_reserved_page(phys_to_page(at));
    }
    memcpy(snapshot.kernel_half, swapper_pg_dir + KERNEL_PDE_FIRST, sizeof(snapshot.kernel_half));
    cpu_write_protect();
    wrong = lowmem_check();
    if (wrong)
        printk("audit: %s\n", wrong);
}
