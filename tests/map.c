/*
 * The map: cells show who has their pages, at every scale, and nobody is lost or counted twice;
 * bars agree with what mm/ counts; what is drawn fits the terminal. How it looks at the prompt is
 * seen from outside (tests/map.t).
 */
#include <kernel/ktest.h>
#include <kernel/map.h>
#include <lib/string.h>
#include <mm/frames.h>
#include <mm/mm.h>
#include <mm/page_alloc.h>
#include <mm/slab.h>
#include <mm/vmalloc.h>

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

/* Every test frees what it got; kfree() takes NULL. */
static struct map *new_map(void)
{
    struct map *map = kmalloc(sizeof(*map));

    if (expect(map != NULL))
        memset(map, 0xa5, sizeof(*map)); /* nothing may rely on zeros */
    return map;
}

static void gather_for(struct map *map, u32 columns, u32 lines)
{
    map_shape(&map->shape, columns, lines);
    map_gather_ram(map);
    map_gather_virtual(map);
}

/* Frame by frame, in stretches of as many cells as there may be: each cell is one owner's. */
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

static const struct {
    u32 columns, lines;
} terminals[] = {{80, 24},     {80, 25}, {120, 40}, {200, 60},
                 {1000, 1000}, {79, 24}, {40, 20},  {1, 1}};

/* Rows follow each other, from the first frame to the last; what is left out is in nobody's use. */
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

    for (u32 i = 0; map && i < ARRAY_SIZE(terminals); i++) {
        gather_for(map, terminals[i].columns, terminals[i].lines);
        expect_counted(map->ram.total);
        expect_rows(map);
    }
    kfree(map);
}

/* The smallest cells that fit; but not to and fro between two scales. */
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

/* What the picture shows for a frame; that of free frames when its row is left out. */
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

/* The same at the scale of a terminal: a block of many frames, in cells of its own. */
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

/* ---- the kernel's addresses ---- */

/* The vmalloc area now, held against vmalloc_stats(). */
static void gather_vmalloc(struct map *map)
{
    struct vmalloc_stats stats = vmalloc_stats();
    u32 sum = 0, end;

    map_gather_vmalloc(map);
    for (u32 i = 0; i < MAP_OWNERS; i++)
        sum += map->vmalloc.total[i];
    end = VMALLOC_START + sum * PAGE_SIZE;
    expect_eq(map->areas, stats.busy_areas);
    expect_eq(map->vmalloc.total[MAP_GUARD], stats.busy_areas);
    expect_eq(map->mapped[REGION_VMALLOC], stats.mapped_pages);
    expect_eq(map->vmalloc.total[MAP_FREE] * PAGE_SIZE + (VMALLOC_END - end), stats.free_bytes);
    expect_eq(map->vmalloc.missing, 0);
}

KTEST(map, the_vmalloc_area)
{
    struct map *map = new_map();
    struct page *page = alloc_page(GFP_KERNEL);
    void *first, *second, *alias;
    u32 had;

    if (!map)
        return;
    map_shape(&map->shape, 80, 24);
    gather_vmalloc(map);
    had = map->vmalloc.total[MAP_VMALLOC];
    first = vmalloc(5 * PAGE_SIZE);
    second = vmalloc(PAGE_SIZE);
    alias = vmap(&page, 1);
    gather_vmalloc(map);
    expect_eq(map->vmalloc.total[MAP_VMALLOC], had + 6);
    expect_eq(map->vmalloc.total[MAP_OTHER], 1); /* what vmap() shows is still its owner's */
    vfree(first);
    gather_vmalloc(map);
    expect(map->vmalloc.total[MAP_FREE] >= 6);
    vunmap(alias);
    vfree(second);
    gather_vmalloc(map);
    expect_eq(map->vmalloc.total[MAP_VMALLOC], had);
    free_page(page);
    kfree(map);
}

KTEST(map, lowmem_is_the_first_part_of_ram)
{
    struct map *map = new_map();
    u32 sum = 0;

    if (!map)
        return;
    gather_for(map, 80, 24);
    for (u32 i = MAP_FREE; i < MAP_OWNERS; i++)
        sum += map->lowmem.total[i];
    expect_eq(sum + map->lowmem.total[MAP_NO_RAM], lowmem_size >> PAGE_SHIFT);
    expect_eq(map->lowmem.total[MAP_FREE], nr_free_lowmem_pages());
    expect_eq(map->mapped[REGION_LOWMEM], sum - nr_free_lowmem_pages());
    expect(map->lowmem.count < map->shape.wide);
    kfree(map);
}

/* ---- processes ---- */

#define TEXT  0x08048000u
#define DATA  0x0804c000u
#define HEAP  0x08060000u
#define STACK 0xb0000000u
#define RW    (VM_READ | VM_WRITE)

static struct mm *space(void)
{
    struct mm *mm = mm_create();

    if (!expect(mm != NULL))
        return NULL;
    mm->start_brk = HEAP;
    expect(mm_add_area(mm, TEXT, 4 * PAGE_SIZE, VM_READ | VM_EXEC, NULL, NULL, 0) == 0);
    expect(mm_add_area(mm, DATA, 2 * PAGE_SIZE, RW, NULL, NULL, 0) == 0);
    expect(mm_add_area(mm, HEAP, 3 * PAGE_SIZE, RW, "[heap]", NULL, 0) == 0);
    expect(mm_add_area(mm, STACK, 8 * PAGE_SIZE, RW | VM_GROWSDOWN, "[stack]", NULL, 0) == 0);
    return mm;
}

KTEST(map, areas_of_a_process)
{
    static const u32 ends[MAP_KINDS] = {4, 6, 9, 9, 17};
    struct map_process *process = kmalloc(sizeof(*process));
    struct mm *mm = space();

    expect_eq(mm_fault(mm, TEXT, false), MM_FAULT_OK);
    expect_eq(mm_fault(mm, DATA + PAGE_SIZE, true), MM_FAULT_OK);
    expect_eq(mm_fault(mm, STACK + 7 * PAGE_SIZE, true), MM_FAULT_OK);
    map_gather_areas(process, mm, 40);
    for (u32 kind = 0; kind < MAP_KINDS; kind++)
        expect_eq(process->kind_end[kind], ends[kind]);
    expect_eq(process->cells.shift, 0);
    expect_eq(process->cell[0], MAP_OTHER | MAP_WHOLE); /* the page of zeros */
    expect_eq(process->cell[4], MAP_UNTOUCHED | MAP_WHOLE);
    expect_eq(process->cell[5], MAP_USER | MAP_WHOLE);
    expect_eq(process->cell[16], MAP_USER | MAP_WHOLE);
    expect_eq(process->cells.total[MAP_USER], 2);
    expect_eq(process->cells.total[MAP_UNTOUCHED], 14);
    mm_put(mm);
    mm_shrink();
    kfree(process);
}

KTEST(map, areas_scale)
{
    struct map_process *process = kmalloc(sizeof(*process));
    struct mm *mm = space();

    /* 4 MiB above the heap, whose last page is the first in its page table. */
    expect(mm_add_area(mm, 0x403fd000, MIB(4), RW, NULL, NULL, 0) == 0);
    expect_eq(mm_fault(mm, 0x403fd000 + MIB(4) - PAGE_SIZE, true), MM_FAULT_OK);
    map_gather_areas(process, mm, 7);
    expect_eq(process->cells.shift, 9);
    expect_eq(process->cells.count, 6);
    expect_eq(process->cell[3], MAP_UNTOUCHED | MAP_WHOLE);
    expect_eq(process->cell[4], MAP_USER);
    expect_eq(process->cells.total[MAP_USER], 1);
    expect_eq(process->cells.total[MAP_UNTOUCHED], 17 + 1023);
    mm_put(mm);
    mm_shrink();
    kfree(process);
}

/* ---- the picture ---- */

static struct {
    u32 lines, columns, column, escapes, solid_at_end;
    enum { TEXT_, SEQUENCE_ } parser;
    bool coloured;
} paper;

/* As a terminal would take it; SGR 0 ends all colours, and other sequences are not expected. */
static void paper_write(const char *text, size_t len)
{
    static u32 number;

    for (const char *c = text; c < text + len; c++) {
        if (*c == '\033') {
            paper.parser = SEQUENCE_;
            paper.escapes++;
            number = 0;
        } else if (paper.parser == SEQUENCE_) {
            number = *c >= '0' && *c <= '9' ? number * 10 + *c - '0' : *c == ';' ? 0 : number;
            paper.coloured = *c == 'm' ? number != 0 : paper.coloured;
            paper.parser = *c == '[' || *c < '@' ? SEQUENCE_ : TEXT_;
        } else if (*c == '\n') {
            paper.lines++;
            paper.solid_at_end += paper.coloured;
            paper.columns = max(paper.columns, paper.column);
            paper.column = 0;
        } else {
            paper.column++;
        }
    }
}

static void draw_on_paper(const struct map *map, bool colour, u32 lines_max)
{
    const struct map_canvas canvas = {
        .write = paper_write, .colour = colour, .lines_max = lines_max};

    memset(&paper, 0, sizeof(paper));
    map_draw(map, &canvas);
}

KTEST(map, a_terminal_of_80_x_24)
{
    struct map_shape shape;

    map_shape(&shape, 80, 24);
    expect(shape.beside);
    expect_eq(shape.per_row, 32);
    expect_eq(shape.rows, 24 - 1 - 6 - 1); /* but for the first line, the owners, the prompt */
    expect_eq(shape.high, shape.rows);
    map_shape(&shape, 79, 24);
    expect(!shape.beside);
}

KTEST(map, what_is_drawn_fits)
{
    struct map *map = new_map();

    for (u32 i = 0; map && i < ARRAY_SIZE(terminals); i++) {
        u32 columns = terminals[i].columns, lines = terminals[i].lines;

        gather_for(map, columns, lines);
        draw_on_paper(map, true, UINT32_MAX);
        expect(paper.escapes > 0);
        expect_eq(paper.solid_at_end, 0);
        expect(paper.columns <= columns || columns < 19);
        if (columns >= 80)
            expect(paper.lines < lines); /* the prompt is below */
        draw_on_paper(map, false, lines);
        expect_eq(paper.escapes, 0);
        expect(paper.lines <= lines);
    }
    kfree(map);
}
