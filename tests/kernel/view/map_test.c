/*
 * The map of RAM: cells show the owners of their pages, at every scale, and no page is lost or
 * counted twice. Addresses, and the drawing: tests/kernel/view/map_view_test.c.
 * tests/run/test_map.py tests the output at the prompt.
 */
#include <mm/check/frames.h>
#include <mm/frame/page_alloc.h>

#include "tests/kernel/view/map.h"

/* ---- cells ---- */

static struct map_cells cells;
static u8 cell[64];

static void begin(u32 max, u32 pages)
{
    map_cells_begin(&cells, cell, max, pages);
}

KTEST(map, as_large_as_needed_and_no_larger)
{
    static const u32 sizes[] = {1, 512, 513, 2048, 32768, 0xc0000, 0xe0000, 0xfffff};
    static const u32 room[] = {1, 32, 512, MAP_CELLS_MAX};

    for (u32 i = 0; i < ARRAY_SIZE(sizes) * ARRAY_SIZE(room); i++) {
        u32 pages = sizes[i % ARRAY_SIZE(sizes)], max = room[i / ARRAY_SIZE(sizes)];
        u32 shift = map_cells_shift(pages, max);

        expect((pages + (1u << shift) - 1) >> shift <= max);
        expect(shift == 0 || (pages + (1u << (shift - 1)) - 1) >> (shift - 1) > max);
    }
    expect_eq(map_cells_shift(0, 1), 0);
    expect_eq(map_cells_shift(32768, 512), 6); /* 128 MiB on 80 x 24 */
}

KTEST(map, most_pages_in_use_win)
{
    begin(4, 32);
    expect_eq(cells.shift, 3);
    map_cells_add(&cells, MAP_SLAB, 3);
    map_cells_add(&cells, MAP_VMALLOC, 2);
    map_cells_add(&cells, MAP_USER, 3 + 8); /* into the next cell */
    map_cells_add(&cells, MAP_FREE, 8 + 7);
    map_cells_add(&cells, MAP_FILE, 1);
    expect_eq(cells.count, 4);
    expect_eq(cells.cell[0], MAP_SLAB); /* as many as user pages, and first in the table */
    expect_eq(cells.cell[1], MAP_USER | MAP_WHOLE);
    expect_eq(cells.cell[2], MAP_FREE | MAP_WHOLE);
    expect_eq(cells.cell[3], MAP_FILE); /* one page in use among seven free ones */
    expect_eq(cells.total[MAP_USER], 11);
    expect_eq(cells.total[MAP_FREE], 15);
}

KTEST(map, what_nobody_uses_is_whatever_is_most)
{
    begin(2, 16);
    map_cells_add(&cells, MAP_NO_RAM, 5);
    map_cells_add(&cells, MAP_FREE, 3 + 6);
    map_cells_add(&cells, MAP_NO_RAM, 2);
    expect_eq(cells.cell[0], MAP_NO_RAM);
    expect_eq(cells.cell[1], MAP_FREE);
}

KTEST(map, all_but_one_is_not_all)
{
    begin(2, 16);
    map_cells_add(&cells, MAP_SLAB, 7);
    map_cells_add(&cells, MAP_FREE, 1 + 8);
    expect_eq(cells.cell[0], MAP_SLAB);
    expect_eq(cells.cell[1], MAP_FREE | MAP_WHOLE);
}

KTEST(map, the_last_cell_may_be_short)
{
    begin(2, 13);
    map_cells_add(&cells, MAP_SLAB, 100); /* more than there are */
    expect_eq(cells.count, 2);
    expect_eq(cells.cell[1], MAP_SLAB | MAP_WHOLE);
    expect_eq(cells.total[MAP_SLAB], 13);
    map_cells_add(&cells, MAP_SLAB, 1);
    map_cells_break(&cells);
    expect_eq(cells.count, 2);
}

KTEST(map, letters_tell_owners_apart)
{
    for (u32 i = 0; i < MAP_OWNERS; i++) {
        expect(map_owner_name(i)[0] != '\0');
        for (u32 j = 0; j < i; j++)
            expect(map_owner_letter(i) != map_owner_letter(j));
    }
    for (u32 i = MAP_IN_USE; i < MAP_RESERVED; i++) {
        for (u32 j = MAP_IN_USE; j < i; j++)
            expect(map_owner_colour(i) != map_owner_colour(j));
    }
}

/* ---- RAM ---- */

#define BLOCK_ORDER 8 /* more than a row, where RAM is small */

static struct frames frames;

/* What frames_count() counted, by the map's owners. */
static u32 counted(enum map_owner owner)
{
    static const u8 type[MAP_OWNERS] = {
        [MAP_SLAB] = PAGE_SLAB,       [MAP_VMALLOC] = PAGE_VMALLOC, [MAP_USER] = PAGE_USER,
        [MAP_FILE] = PAGE_FILE,       [MAP_PGTABLE] = PAGE_PGTABLE, [MAP_OTHER] = PAGE_USED,
        [MAP_NO_RAM] = PAGE_RESERVED,
    };
    u32 sum = 0;

    if (owner == MAP_FREE)
        return frames.by_type[PAGE_FREE] + frames.by_type[PAGE_HOT];
    if (type[owner])
        return frames.by_type[type[owner]];
    for (u32 i = 0; i < frames.reserved_names; i++) {
        struct frame_owner by = {PAGE_RESERVED, true, frames.reserved[i].name};

        sum += map_owner_of(&by) == owner ? frames.reserved[i].frames : 0;
    }
    return sum;
}

static void expect_counted(const u32 *total)
{
    u32 sum = 0;

    frames_count(&frames);
    for (u32 i = MAP_FREE; i < MAP_OWNERS; i++) {
        expect_eq(total[i], counted(i));
        sum += total[i];
    }
    expect_eq(sum, frames.ram);
    expect_eq(sum + total[MAP_NO_RAM], max_pfn);
}

/* Frame by frame, in steps of the maximum number of cells: each cell has one owner. */
KTEST(map, cells_of_a_frame_are_all_of_ram)
{
    struct map *map = new_map();
    u32 total[MAP_OWNERS] = {0};

    for (u32 first = 0; map && first < max_pfn; first += MAP_CELLS_MAX) {
        u32 last = min(first + MAP_CELLS_MAX, max_pfn), whole = 0;

        map_cells_begin(&map->frames, map->frame_cell, MAP_CELLS_MAX, last - first);
        map_gather_frames(first, last, &map->frames);
        expect_eq(map->frames.count, last - first);
        for (u32 i = 0; i < map->frames.count; i++) {
            whole += map->frame_cell[i] & MAP_WHOLE ? 1 : 0;
            total[map->frame_cell[i] & ~MAP_WHOLE]++;
        }
        expect_eq(whole, last - first);
    }
    expect_counted(total);
    kfree(map);
}

/* Rows follow each other, from the first frame to the last; only unused frames are left out. */
static void expect_rows(struct map *map)
{
    u32 size = map->shape.per_row << map->frames.shift, at = 0, cells_shown = 0;

    for (u32 i = 0; i < map->rows; i++) {
        const struct map_ram_row *row = &map->row[i];

        expect_eq(row->first, at);
        expect_eq(row->first % size, 0);
        at = row->last;
        expect_eq(row->at, cells_shown);
        cells_shown += row->cells;
        if (row->cells) {
            expect(row->last - row->first <= size);
            expect_eq(row->cells, (row->last - row->first - 1) / (size / map->shape.per_row) + 1);
        } else {
            map_cells_begin(&cells, cell, 1, row->last - row->first);
            map_gather_frames(row->first, row->last, &cells);
            expect_eq(map_pages_in_use(&cells), 0);
            expect_eq(cells.total[MAP_FREE], row->free);
        }
    }
    expect_eq(at, max_pfn);
    expect_eq(cells_shown, map->frames.count);
    expect(map->rows <= map->shape.rows);
}

KTEST(map, the_sum_is_right_at_every_scale)
{
    struct map *map = new_map();

    for (u32 i = 0; map && i < ARRAY_SIZE(map_terminals); i++) {
        gather_for(map, map_terminals[i].columns, map_terminals[i].lines);
        expect_counted(map->ram.total);
        expect_rows(map);
    }
    kfree(map);
}

/* The smallest cells that fit; but without changing back and forth between two scales. */
KTEST(map, the_scale_does_not_jump)
{
    struct map *map = new_map();
    u32 shift;

    if (!map)
        return;
    gather_for(map, 80, 24);
    shift = map->frames.shift;
    map->shape.rows = map->rows; /* now it only just fits */
    map->shape.shift = 0;
    map_gather_ram(map);
    expect_eq(map->frames.shift, shift);
    map->shape.shift = shift + 1; /* as if the picture before had been coarser */
    map_gather_ram(map);
    expect_eq(map->frames.shift, shift + 1);
    map->shape.rows += 2;
    map_gather_ram(map);
    expect_eq(map->frames.shift, shift);
    kfree(map);
}

/* Cells that differ between the pictures, and the last one of them. */
static u32 compare(const struct map *a, const struct map *b, u32 *last)
{
    u32 count = 0;

    for (u32 i = 0; i < a->frames.count; i++) {
        if (a->frame_cell[i] != b->frame_cell[i]) {
            count++;
            *last = i;
        }
    }
    return count;
}

KTEST(map, a_page_is_in_its_cell_and_no_other)
{
    struct map *before = new_map(), *after = new_map();
    struct page *page = alloc_page(GFP_HIGHUSER);
    u32 pfn = page_to_pfn(page), first = ALIGN_DOWN(pfn, MAP_CELLS_MAX), last = 0;
    u32 end = min(first + MAP_CELLS_MAX, max_pfn);

    if (!before || !after)
        return;
    map_cells_begin(&before->frames, before->frame_cell, MAP_CELLS_MAX, end - first);
    map_gather_frames(first, end, &before->frames);
    expect_eq(before->frame_cell[pfn - first], MAP_OTHER | MAP_WHOLE);
    free_page(page);
    map_cells_begin(&after->frames, after->frame_cell, MAP_CELLS_MAX, end - first);
    map_gather_frames(first, end, &after->frames);
    expect_eq(compare(before, after, &last), 1);
    expect_eq(last, pfn - first);
    expect_eq(after->frame_cell[last], MAP_FREE | MAP_WHOLE);
    kfree(after);
    kfree(before);
}

/* What the picture shows for a frame; free if its row is left out. */
static u8 cell_of(const struct map *map, u32 pfn)
{
    for (u32 i = 0; i < map->rows; i++) {
        const struct map_ram_row *row = &map->row[i];

        if (pfn < row->last)
            return row->cells ? map->frame_cell[row->at + ((pfn - row->first) >> map->frames.shift)]
                              : MAP_FREE | MAP_WHOLE;
    }
    return MAP_NO_RAM;
}

/* The same at the scale of a terminal: a block of many frames, in separate cells. */
KTEST(map, a_block_is_in_its_cells)
{
    struct page *block = alloc_pages(GFP_HIGHUSER, BLOCK_ORDER);
    struct map *map = new_map();

    if (!expect(block != NULL) || !map)
        return;
    gather_for(map, 80, 24);
    for (u32 i = 0; i < 1 << BLOCK_ORDER; i++)
        expect_eq(cell_of(map, page_to_pfn(block) + i),
                  MAP_OTHER | (map->frames.shift <= BLOCK_ORDER ? MAP_WHOLE : 0));
    expect_rows(map);
    free_pages(block, BLOCK_ORDER);
    gather_for(map, 80, 24);
    for (u32 i = 0; map->frames.shift <= BLOCK_ORDER && i < 1 << BLOCK_ORDER; i++)
        expect_eq(cell_of(map, page_to_pfn(block) + i), MAP_FREE | MAP_WHOLE);
    kfree(map);
}
