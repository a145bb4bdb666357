/*
 * The map of addresses: bars agree with what mm/ counts. And the picture: it fits the terminal,
 * colours are reset at the end.
 */
#include <lib/printf.h>
#include <mm/frame/page_alloc.h>
#include <mm/kva/vmalloc.h>
#include <mm/user/mm.h>

#include "tests/kernel/view/map.h"

/* ---- the kernel's addresses ---- */

/* The vmalloc area now, compared with vmalloc_stats(). */
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
    expect_eq(map->vmalloc.total[MAP_OTHER], 1); /* a page mapped by vmap() keeps its owner */
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

/* Interpreted like a terminal; SGR 0 resets all colours, and other sequences are not expected. */
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
    expect_eq(shape.rows, 24 - 1 - 6 - 1); /* without the first line, the owners, the prompt */
    expect_eq(shape.high, shape.rows);
    map_shape(&shape, 79, 24);
    expect(!shape.beside);
}

static char drawn[128]; /* the last line that began with a blank and a digit: a process's */

static void keep_process(const char *text, size_t len)
{
    if (len > 2 && text[0] == ' ' && text[1] >= '0' && text[1] <= '9')
        snprintf(drawn, sizeof(drawn), "%.*s", (int)len, text);
}

/* Each kind of area in its own letter, up to its end. */
KTEST(map, the_bar_of_a_process)
{
    const struct map_canvas canvas = {.write = keep_process, .lines_max = UINT32_MAX};
    static const u32 touched[] = {TEXT + 3 * PAGE_SIZE, DATA, HEAP, HEAP + 2 * PAGE_SIZE,
                                  STACK + 7 * PAGE_SIZE};
    struct map *map = new_map();
    struct mm *mm = space();

    for (u32 i = 0; i < ARRAY_SIZE(touched); i++)
        expect_eq(mm_fault(mm, touched[i], i > 0), MM_FAULT_OK);
    gather_for(map, 79, 24);
    map->process_count = map->shown = 1;
    map->process[0] = (struct map_process){.pid = 7, .pages = 5, .comm = "x"};
    map_gather_areas(&map->process[0], mm, 16);
    map_draw(map, &canvas);
    expect_str_eq(drawn, " 7 x             5 -tdhH---s");
    mm_put(mm);
    mm_shrink();
    kfree(map);
}

static char title[128]; /* the first line */

static void keep_title(const char *text, size_t len)
{
    if (!title[0])
        snprintf(title, sizeof(title), "%.*s", (int)len, text);
}

KTEST(map, a_wrong_map_says_so)
{
    const struct map_canvas canvas = {.write = keep_title, .lines_max = UINT32_MAX};
    struct map *map = new_map();

    if (!map)
        return;
    gather_for(map, 79, 24);
    expect_none(map->wrong);
    map->wrong = "I1: a page";
    title[0] = '\0';
    map_draw(map, &canvas);
    expect_str_eq(title, "WRONG: I1: a page");
    kfree(map);
}

KTEST(map, what_is_drawn_fits)
{
    struct map *map = new_map();

    for (u32 i = 0; map && i < ARRAY_SIZE(map_terminals); i++) {
        u32 columns = map_terminals[i].columns, lines = map_terminals[i].lines;

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
