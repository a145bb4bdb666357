/*
 * Drawing the map: makes lines of text only from the data of kernel/view/map_ram.c and
 * kernel/view/map_virtual.c.
 *
 *     RAM ...                                      one line: how much, and what a cell is
 *     0x00000000 KKKK..SSVV......   0xfffff000 last page ...     RAM, and beside it the virtual side
 *     0x00800000 ................   ...
 *     . free 32015 128060 kB        S slab 10 40 kB              the owners, in columns
 *
 * map_shape() fits this into a terminal, together with a prompt below it: a row of RAM has as many
 * cells as the width allows (a power of two, so that rows start at round addresses), and there are
 * as many rows as the other lines leave. If the terminal is too narrow for two sides, the virtual
 * one is below, and if it has too few lines for that, the picture scrolls.
 *
 * The virtual side is a list of items, each a function that draws one line, because the two sides
 * are drawn together, line by line.
 *
 * Neighbours: kernel/view/map_line.c puts text and cells into lines; kernel/monitor/monitor_map.c
 * calls it.
 */
#include <kernel/view/map.h>
#include <kernel/view/map_line.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <mm/frame/page.h>

#define LABEL       11 /* "0x00000000 " */
#define GAP         2  /* between the two sides */
#define WIDE_MIN    35 /* the virtual side: width of its longest line */
#define LEGEND_WIDE 38 /* a column of owners */
#define PER_ROW_MIN 8
#define PER_ROW_MAX 128
#define LINES_MAX   100

#define PROCESS_WIDE 19 /* of a process: columns before its bar */
#define ITEMS_MAX    64 /* lines of the virtual side */

#define KB_PER_PAGE (PAGE_SIZE / 1024)

/* Owners in the legend; other contents of address ranges are named where they are drawn. */
static const u8 legend[] = {
    MAP_FREE,  MAP_SLAB,   MAP_VMALLOC,      MAP_USER,        MAP_FILE,   MAP_PGTABLE,
    MAP_OTHER, MAP_KERNEL, MAP_STRUCT_PAGES, MAP_PAGE_TABLES, MAP_MODULE, MAP_RESERVED,
};

/* ---- the shape ---- */

/* Lines of the virtual side besides the vmalloc area's bar and the processes. */
#define FIXED_LINES (LAYOUT_REGIONS + 3)

static u32 legend_rows(u32 columns)
{
    return (ARRAY_SIZE(legend) + columns - 1) / columns;
}

static u32 per_row_for(u32 columns)
{
    u32 per_row = PER_ROW_MAX;

    while (per_row > PER_ROW_MIN && LABEL + per_row > columns)
        per_row /= 2;
    return per_row;
}

static void shape_sides(struct map_shape *shape, u32 columns)
{
    shape->per_row = per_row_for(columns - min(columns, GAP + (u32)WIDE_MIN));
    shape->beside = LABEL + shape->per_row + GAP + WIDE_MIN <= columns && shape->per_row >= 32;
    if (shape->beside) {
        shape->wide = min(columns - LABEL - shape->per_row - GAP, (u32)MAP_WIDE_MAX);
    } else {
        shape->per_row = per_row_for(columns);
        shape->wide = WIDE_MIN;
    }
}

void map_shape(struct map_shape *shape, u32 columns, u32 lines)
{
    u32 left;

    columns = min(max(columns, LABEL + (u32)PER_ROW_MIN), (u32)MAP_COLUMNS_MAX);
    lines = min(max(lines, 1u), (u32)LINES_MAX);
    *shape = (struct map_shape){.columns = columns, .lines = lines};
    shape_sides(shape, columns);
    shape->legend_columns = max(columns / LEGEND_WIDE, 1u);
    left = lines - min(lines, 2 + legend_rows(shape->legend_columns)); /* title and prompt */
    shape->bar_rows = shape->beside ? max(left / 10, 1u) : 1;
    shape->high = max(shape->beside ? left : 0, FIXED_LINES + shape->bar_rows + 1);
    if (!shape->beside)
        left -= min(left, shape->high);
    shape->rows = max(left, (u32)MAP_ROWS_MIN);
    shape->rows = min(shape->rows, min(MAP_CELLS_MAX / shape->per_row, (u32)MAP_ROWS_MAX));
    shape->process_bar = shape->wide - PROCESS_WIDE;
    shape->processes = min(shape->high - FIXED_LINES - 1, (u32)MAP_PROCESSES_MAX);
}

/* ---- RAM ---- */

/* If an error was found, the picture begins with it. */
static void draw_title(const struct map *map)
{
    u32 frames = max_pfn - map->ram.total[MAP_NO_RAM];

    if (map->wrong)
        map_put_text("WRONG: %s", map->wrong);
    else
        map_put_text("RAM: %u frames, %u kB; a cell: %u of them (small letter: in part)", frames,
                     frames * KB_PER_PAGE, 1u << map->frames.shift);
    map_end_line();
}

/* In the largest unit that gives at least 1, rounded. */
static void size_text(char *buf, size_t size, u32 kib)
{
    if (kib >= MIB(1))
        snprintf(buf, size, "%u GiB", (kib + MIB(1) / 2) >> 20);
    else if (kib >= KIB(1))
        snprintf(buf, size, "%u MiB", (kib + KIB(1) / 2) >> 10);
    else
        snprintf(buf, size, "%u KiB", kib);
}

static void draw_row(const struct map *map, const struct map_ram_row *row)
{
    char size[16];

    map_put_text("0x%08x ", row->first << PAGE_SHIFT);
    for (u32 i = row->at; i < row->at + row->cells; i++)
        map_put_cell(map->frame_cell[i]);
    if (row->cells)
        return;
    size_text(size, sizeof(size), (row->free ? row->free : row->last - row->first) * KB_PER_PAGE);
    map_put_text("* %s %s", size, row->free ? "free" : "no RAM");
}

/* ---- the virtual side ---- */

static void draw_region(const struct map *map, u32 id)
{
    const struct layout_region *region = &layout_regions[id];
    u32 pages = ((layout_region_last(region) - region->start) >> PAGE_SHIFT) + 1;
    u32 mapped = map->mapped[id], start = map_column();
    char size[16];

    size_text(size, sizeof(size), pages * KB_PER_PAGE);
    map_put_text("0x%08x %s", region->start, region->name);
    map_pad_to(start + WIDE_MIN - 5 - strlen(size));
    map_put_text("%s", size);
    if (mapped > 0 && mapped < pages / 100)
        map_put_text("  <1%%");
    else if (id == REGION_FIXMAP || id == REGION_VMALLOC || id == REGION_LOWMEM)
        map_put_text(" %3u%%", mapped * 100 / pages);
}

static void draw_vmalloc_bar(const struct map *map, u32 row)
{
    u32 wide = map->shape.wide - 1;

    map_put_text(" ");
    for (u32 i = row * wide; i < min((row + 1) * wide, map->vmalloc.count); i++)
        map_put_cell(map->vmalloc_cell[i]);
}

static void draw_vmalloc_text(const struct map *map, u32 arg)
{
    u32 shift = map->vmalloc.shift;

    (void)arg;
    map_put_text(" %u areas, a cell: %u page%s, ", map->areas, 1u << shift, shift ? "s" : "");
    map_put_cell(MAP_GUARD | MAP_WHOLE);
    map_put_text(" guard");
}

static void draw_lowmem_bar(const struct map *map, u32 arg)
{
    (void)arg;
    map_put_text(" ");
    for (u32 i = 0; i < map->lowmem.count; i++)
        map_put_cell(map->lowmem_cell[i]);
}

static const char *const kind_names[MAP_KINDS] = {"Text", "Data", "Heap", "Mmap", "Stack"};

static void draw_kinds(const struct map *map, u32 arg)
{
    (void)map, (void)arg;
    map_put_text(" areas:");
    for (u32 kind = 0; kind < MAP_KINDS; kind++)
        map_put_text(" %s", kind_names[kind]);
}

static void draw_process(const struct map *map, u32 i)
{
    const struct map_process *process = &map->process[i];
    char name[32];
    u32 kind = 0;

    snprintf(name, sizeof(name), "%u %s", process->pid, process->comm);
    map_put_text(" %-12.12s%5u ", name, process->pages);
    for (u32 at = 0; at < process->cells.count; at++) {
        u8 cell = process->cell[at];

        while (at >= process->kind_end[kind])
            kind++;
        if ((cell & ~MAP_WHOLE) < MAP_IN_USE)
            map_put_cell(cell);
        else
            map_put_cell_as(cell, kind_names[kind][0]);
    }
}

static void draw_more(const struct map *map, u32 shown)
{
    map_put_text(shown ? " and %u more" : " %u processes", map->process_count - shown);
}

/* The function and arguments that draw a line of the virtual side. */
struct item {
    void (*draw)(const struct map *map, u32 arg);
    u32 arg;
};

struct items {
    struct item item[ITEMS_MAX];
    u32 count;
};

static void add_item(struct items *items, void (*draw)(const struct map *map, u32 arg), u32 arg)
{
    if (items->count < ITEMS_MAX)
        items->item[items->count++] = (struct item){draw, arg};
}

/* Use the remaining lines; the last of them may have to show the number of further processes. */
static void add_processes(struct items *items, const struct map *map, u32 lines)
{
    u32 shown = min(map->process_count <= lines ? lines : lines - 1, map->shown);

    for (u32 i = 0; i < shown; i++)
        add_item(items, draw_process, i);
    if (shown == 0 || shown < map->process_count)
        add_item(items, draw_more, shown);
}

static void list_items(struct items *items, const struct map *map)
{
    u32 wide = map->shape.wide - 1, bar_rows = max((map->vmalloc.count + wide - 1) / wide, 1u);

    items->count = 0;
    for (u32 id = 0; id < LAYOUT_REGIONS; id++) {
        add_item(items, draw_region, id);
        if (id == REGION_VMALLOC) {
            for (u32 row = 0; row < bar_rows; row++)
                add_item(items, draw_vmalloc_bar, row);
            add_item(items, draw_vmalloc_text, 0);
        } else if (id == REGION_LOWMEM) {
            add_item(items, draw_lowmem_bar, 0);
        } else if (id == REGION_USER) {
            add_item(items, draw_kinds, 0);
            add_processes(items, map, map->shape.high - FIXED_LINES - bar_rows);
        }
    }
}

/* ---- the whole picture ---- */

static void draw_beside(const struct map *map, const struct items *items)
{
    for (u32 i = 0; i < max(map->rows, items->count); i++) {
        if (i < map->rows)
            draw_row(map, &map->row[i]);
        if (i < items->count) {
            map_pad_to(LABEL + map->shape.per_row + GAP);
            items->item[i].draw(map, items->item[i].arg);
        }
        map_end_line();
    }
}

static void draw_below(const struct map *map, const struct items *items)
{
    for (u32 i = 0; i < map->rows; i++) {
        draw_row(map, &map->row[i]);
        map_end_line();
    }
    for (u32 i = 0; i < items->count; i++) {
        items->item[i].draw(map, items->item[i].arg);
        map_end_line();
    }
}

static void draw_owner(const struct map *map, enum map_owner owner)
{
    u32 frames = map->ram.total[owner];

    map_put_cell(owner | MAP_WHOLE);
    map_put_text(" %-14s %6u %7u kB", map_owner_name(owner), frames, frames * KB_PER_PAGE);
}

static void draw_legend(const struct map *map)
{
    u32 columns = map->shape.legend_columns, rows = legend_rows(columns);

    for (u32 row = 0; row < rows; row++) {
        for (u32 i = row; i < ARRAY_SIZE(legend); i += rows) {
            map_pad_to(i / rows * LEGEND_WIDE);
            draw_owner(map, legend[i]);
        }
        map_end_line();
    }
}

void map_draw(const struct map *map, const struct map_canvas *canvas)
{
    static struct items items;

    map_begin_picture(canvas, map->shape.columns);
    draw_title(map);
    list_items(&items, map);
    if (map->shape.beside)
        draw_beside(map, &items);
    else
        draw_below(map, &items);
    draw_legend(map);
    map_end_picture();
}
