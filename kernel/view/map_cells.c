/*
 * Cells of the map: converts pages to letters, each for a power of two of pages; also the table of
 * owners with their letters and colours.
 *
 * Pages are added in order, so only the cell that is being filled needs a count for each owner; a
 * finished cell is one byte. So a picture of 4 GiB needs only a byte per letter.
 *
 * A cell shows the owner that uses most of its pages; if no page is in use, the most frequent kind
 * of unused page. So free pages never hide a page in use, in a cell of any size. The letter is a
 * capital if all pages of the cell have one owner.
 *
 * Reserved frames have names, not types (memblock_reserve()). The names with large ranges on every
 * machine have their own rows here; all others are "reserved".
 *
 * Neighbours: kernel/view/map_ram.c and kernel/view/map_virtual.c add pages, kernel/view/map_draw.c
 * draws cells; mm/check/frames.c finds the owners.
 */
#include <kernel/view/map.h>
#include <lib/resched.h>
#include <lib/string.h>
#include <mm/check/frames.h>

#define WALK_TURN 1024 /* frames, or entries, that are read between two yields */

static const struct {
    char letter;
    u8 colour;
    const char *name; /* NULL: the name of the type of page */
    enum page_type type;
} owners[MAP_OWNERS] = {
    /* clang-format off */
    [MAP_NO_RAM]       = {' ', 90, "no RAM",       PAGE_RESERVED},
    [MAP_FREE]         = {'.', 90, "free",         PAGE_FREE},
    [MAP_UNTOUCHED]    = {'-', 90, "untouched",    PAGE_RESERVED},
    [MAP_SLAB]         = {'S', 32, NULL,           PAGE_SLAB},
    [MAP_VMALLOC]      = {'V', 33, NULL,           PAGE_VMALLOC},
    [MAP_USER]         = {'U', 91, NULL,           PAGE_USER},
    [MAP_FILE]         = {'F', 95, NULL,           PAGE_FILE},
    [MAP_PGTABLE]      = {'P', 93, NULL,           PAGE_PGTABLE},
    [MAP_OTHER]        = {'O', 97, NULL,           PAGE_USED},
    [MAP_KERNEL]       = {'K', 94, "kernel image", PAGE_RESERVED},
    [MAP_STRUCT_PAGES] = {'A', 36, "struct pages", PAGE_RESERVED},
    [MAP_PAGE_TABLES]  = {'T', 96, "page tables",  PAGE_RESERVED},
    [MAP_MODULE]       = {'M', 35, "module",       PAGE_RESERVED},
    [MAP_RESERVED]     = {'R', 90, "reserved",     PAGE_RESERVED},
    [MAP_GUARD]        = {'|', 31, "guard",        PAGE_RESERVED},
    [MAP_DEVICE]       = {'I', 34, "device",       PAGE_RESERVED},
    /* clang-format on */
};

const char *map_owner_name(enum map_owner owner)
{
    return owners[owner].name ? owners[owner].name : page_type_short_name(owners[owner].type);
}

u8 map_owner_colour(enum map_owner owner)
{
    return owners[owner].colour;
}

char map_owner_letter(enum map_owner owner)
{
    return owners[owner].letter;
}

static enum map_owner owner_of_name(const char *name)
{
    for (u32 i = MAP_KERNEL; name && i < MAP_RESERVED; i++) {
        if (strcmp(owners[i].name, name) == 0)
            return i;
    }
    return MAP_RESERVED;
}

enum map_owner map_owner_of(const struct frame_owner *owner)
{
    if (!owner->ram)
        return MAP_NO_RAM;
    if (owner->type == PAGE_RESERVED)
        return owner_of_name(owner->name);
    for (u32 i = MAP_IN_USE; i < MAP_KERNEL; i++) {
        if (owners[i].type == owner->type)
            return i;
    }
    return MAP_FREE; /* PAGE_FREE, PAGE_HOT */
}

u32 map_pages_in_use(const struct map_cells *cells)
{
    u32 pages = 0;

    for (u32 i = MAP_IN_USE; i < MAP_OWNERS; i++)
        pages += i == MAP_GUARD ? 0 : cells->total[i];
    return pages;
}

/* ---- filling ---- */

u32 map_cells_shift(u32 pages, u32 max)
{
    u32 shift = 0;

    while (pages > 0 && ((pages - 1) >> shift) + 1 > max)
        shift++;
    return shift;
}

void map_cells_begin(struct map_cells *cells, u8 *cell, u32 max, u32 pages)
{
    *cells = (struct map_cells){
        .cell = cell, .max = max, .missing = pages, .shift = map_cells_shift(pages, max)};
}

/* The owner in [from, to) with most pages of the cell; `to` if none has a page. */
static u32 most_of(const struct map_cells *cells, u32 from, u32 to)
{
    u32 most = to, pages = 0;

    for (u32 i = from; i < to; i++) {
        if (cells->part[i] > pages) {
            pages = cells->part[i];
            most = i;
        }
    }
    return most;
}

void map_cells_break(struct map_cells *cells)
{
    u32 owner = most_of(cells, MAP_IN_USE, MAP_OWNERS);

    if (cells->in_part == 0)
        return;
    if (owner == MAP_OWNERS)
        owner = most_of(cells, 0, MAP_IN_USE);
    if (cells->count < cells->max) {
        bool whole = cells->part[owner] == cells->in_part;

        cells->cell[cells->count++] = owner | (whole ? MAP_WHOLE : 0);
    }
    memset(cells->part, 0, sizeof(cells->part));
    cells->in_part = 0;
}

void map_cells_add(struct map_cells *cells, enum map_owner owner, u32 pages)
{
    pages = min(pages, cells->missing);
    cells->missing -= pages;
    cells->total[owner] += pages;
    while (pages > 0) {
        u32 now = min(pages, (1u << cells->shift) - cells->in_part);

        cells->part[owner] += now;
        cells->in_part += now;
        pages -= now;
        if (cells->in_part == 1u << cells->shift || (pages == 0 && cells->missing == 0))
            map_cells_break(cells);
    }
}

/* ---- runs ---- */

void map_run_end(struct map_run *run)
{
    map_cells_add(run->cells, run->owner, run->pages);
    if (run->more)
        map_cells_add(run->more, run->owner, run->pages);
    run->pages = 0;
}

void map_run_add(struct map_run *run, enum map_owner owner, u32 pages)
{
    if (owner != run->owner) {
        map_run_end(run);
        run->owner = owner;
    }
    run->pages += pages;
}

void map_give_turns(u32 *looks)
{
    if (++*looks % WALK_TURN == 0)
        cond_resched();
}
