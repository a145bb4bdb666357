/*
 * RAM for the map: the owner of each frame, as rows of cells.
 *
 * Usually most of RAM is free, and the used frames are at its two ends. Drawn to scale, they would
 * be five letters among five hundred dots. So rows without a used frame are left out, as hexdump
 * leaves out equal lines, and one line shows how much was left out; a cell is the smallest power of
 * two of frames with which the other rows fit. If RAM is full, it is drawn to scale; the bar of
 * lowmem is always drawn to scale.
 *
 * Two walks over the struct pages, block by block: the first counts, fills the bar of lowmem, and
 * records which groups of 32 frames are in use; from these the number of rows at any scale is
 * computed. The second reads the rows that are shown.
 *
 * A picture that is drawn repeatedly would alternate between two scales when it only just fits; so
 * a finer scale than that of the picture before is used only if it leaves room.
 *
 * A process may allocate and free pages between the two walks (map_give_turns()): the sums are
 * those of the first.
 *
 * Neighbours: mm/check/frames.c finds the owners; kernel/view/map_cells.c counts.
 */
#include <kernel/view/map.h>
#include <lib/string.h>
#include <mm/check/frames.h>

#define STRETCH_SHIFT 5 /* frames per bit, as a power of two */
#define BITS          32
#define PFN_MAX       (1u << (32 - PAGE_SHIFT))
#define SPARE_ROWS    2 /* rows that a finer scale must leave free */

static u32 used[(PFN_MAX >> STRETCH_SHIFT) / BITS]; /* one bit for each group of frames */

_Static_assert(MAP_ROWS_MIN > SPARE_ROWS, "a row is left, and one may always be enough");

/* ---- the first walk ---- */

static void note_used(u32 first, u32 pages)
{
    for (u32 bit = first >> STRETCH_SHIFT; bit <= (first + pages - 1) >> STRETCH_SHIFT; bit++)
        used[bit / BITS] |= 1u << bit % BITS;
}

static void count_frames(struct map *map)
{
    struct map_run run = {.cells = &map->ram, .more = &map->lowmem};
    struct frame_owner owner;
    u32 pages, looks = 0;

    memset(used, 0, sizeof(used));
    for (u32 pfn = 0; pfn < max_pfn; pfn += pages) {
        enum map_owner id;

        pages = frame_owner(pfn, &owner);
        id = map_owner_of(&owner);
        map_run_add(&run, id, pages);
        if (id >= MAP_IN_USE)
            note_used(pfn, pages);
        map_give_turns(&looks);
    }
    map_run_end(&run);
}

/* ---- rows ---- */

/* True when a row of `size` frames, a multiple of a group, has a used frame. */
static bool row_in_use(u32 first, u32 size)
{
    u32 bit = first >> STRETCH_SHIFT, end = (min(first + size, max_pfn) - 1) >> STRETCH_SHIFT;

    for (; bit <= end; bit++) {
        if (used[bit / BITS] & 1u << bit % BITS)
            return true;
    }
    return false;
}

/* Where the next line starts: behind a row, or behind all rows up to the next one in use. */
static u32 line_end(u32 first, u32 size)
{
    u32 end = first + size;

    if (!row_in_use(first, size)) {
        while (end < max_pfn && !row_in_use(end, size))
            end += size;
    }
    return min(end, max_pfn);
}

/* Lines for all of RAM, or more than `most`. */
static u32 lines_needed(u32 size, u32 most)
{
    u32 lines = 0;

    for (u32 at = 0; at < max_pfn && lines <= most; lines++)
        at = line_end(at, size);
    return lines;
}

/* The finest scale with which RAM takes at most so many lines; a coarser one never takes more. */
static u32 finest_shift(u32 per_row, u32 lines)
{
    u32 shift = 0;

    while (per_row << shift < 1u << STRETCH_SHIFT)
        shift++;
    while (lines_needed(per_row << shift, lines) > lines)
        shift++;
    return shift;
}

static u32 choose_shift(const struct map_shape *shape)
{
    u32 shift = finest_shift(shape->per_row, shape->rows);

    if (shift < shape->shift)
        shift = min(finest_shift(shape->per_row, shape->rows - SPARE_ROWS), shape->shift);
    return shift;
}

/* ---- the second walk ---- */

void map_gather_frames(u32 first, u32 last, struct map_cells *cells)
{
    struct map_run run = {.cells = cells};
    struct frame_owner owner;
    u32 pages, looks = 0;

    for (u32 pfn = first; pfn < last; pfn += pages) {
        pages = min(frame_owner(pfn, &owner), last - pfn);
        map_run_add(&run, map_owner_of(&owner), pages);
        map_give_turns(&looks);
    }
    map_run_end(&run);
}

/* Rows that are left out are also read, because holes in RAM do not count as free. */
static u32 free_frames(u32 first, u32 last)
{
    struct map_cells cells;
    u8 cell;

    map_cells_begin(&cells, &cell, 1, last - first);
    map_gather_frames(first, last, &cells);
    return cells.total[MAP_FREE];
}

/* A single unused row is shown: a line that replaces it would not save space. */
static void fill_row(struct map *map, struct map_ram_row *row, u32 first, u32 last, u32 size)
{
    *row = (struct map_ram_row){.first = first, .last = last, .at = map->frames.count};
    if (last - first > size) {
        row->free = free_frames(first, last);
        return;
    }
    map_gather_frames(first, last, &map->frames);
    map_cells_break(&map->frames);
    row->cells = map->frames.count - row->at;
}

void map_gather_ram(struct map *map)
{
    struct map_shape *shape = &map->shape;
    u32 size;
    u8 cell;

    map_cells_begin(&map->ram, &cell, 1, max_pfn);
    map_cells_begin(&map->lowmem, map->lowmem_cell, shape->wide - 1,
                    min(lowmem_size >> PAGE_SHIFT, max_pfn));
    count_frames(map);
    map->ram.cell = NULL;
    map->mapped[REGION_LOWMEM] = map_pages_in_use(&map->lowmem);

    map_cells_begin(&map->frames, map->frame_cell, MAP_CELLS_MAX, max_pfn);
    map->frames.shift = shape->shift = choose_shift(shape);
    size = shape->per_row << shape->shift;
    map->rows = 0;
    for (u32 at = 0; at < max_pfn && map->rows < shape->rows; at = map->row[map->rows++].last)
        fill_row(map, &map->row[map->rows], at, line_end(at, size), size);
}
