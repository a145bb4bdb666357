/*
 * The picture of memory that `map` shows, in three steps: map_shape() fits it into a terminal,
 * map_gather_...() read memory, map_draw() makes lines of text. Only the second step reads kernel
 * data, and no step changes any.
 *
 * The picture is a row of cells, each of which stands for the same number of pages, a power of two.
 * A cell shows the owner of most of its used pages. Free pages count only if all pages of the cell
 * are free: a single used page among a thousand free ones is visible.
 */
#pragma once

#include <kernel/task.h>
#include <lib/types.h>
#include <mm/layout.h>

/* The owner of a page: owners of frames, and other contents of a range of addresses. */
enum map_owner {
    MAP_NO_RAM,
    MAP_FREE,      /* of addresses: a gap */
    MAP_UNTOUCHED, /* of addresses: nothing is mapped there yet */
    MAP_IN_USE,    /* values from here on are pages in use */
    MAP_SLAB = MAP_IN_USE,
    MAP_VMALLOC,
    MAP_USER,
    MAP_FILE,
    MAP_PGTABLE,
    MAP_OTHER,
    MAP_KERNEL,
    MAP_STRUCT_PAGES,
    MAP_PAGE_TABLES,
    MAP_MODULE,
    MAP_RESERVED,
    MAP_GUARD,  /* of addresses: the page behind a vmalloc area */
    MAP_DEVICE, /* of addresses: registers of a device */
    MAP_OWNERS,
};

/* ---- cells (kernel/view/map_cells.c) ---- */

#define MAP_WHOLE 0x80 /* in a cell, beside its owner: all pages of it are that owner's */

/* Filled page by page, in order, by map_cells_add(). */
struct map_cells {
    u8 *cell; /* room for `max` */
    u32 max;
    u32 count;             /* cells that are finished */
    u32 shift;             /* a cell is 1 << shift pages */
    u32 missing;           /* pages still expected; more than these are ignored */
    u32 total[MAP_OWNERS]; /* pages added, by owner */
    u32 part[MAP_OWNERS];  /* of these, those of the cell that is not finished, */
    u32 in_part;           /* and their sum */
};

/* Begin with the smallest cells for which `pages` pages fit into `max` of them. */
void map_cells_begin(struct map_cells *cells, u8 *cell, u32 max, u32 pages);

/* The next `pages` pages have this owner. */
void map_cells_add(struct map_cells *cells, enum map_owner owner, u32 pages);

/* Let the next page begin a new cell. No effect if it already begins one. */
void map_cells_break(struct map_cells *cells);

/* The least shift with which `pages` pages are at most `max` cells. */
u32 map_cells_shift(u32 pages, u32 max);

/* The number of pages in use; guards are not pages. */
u32 map_pages_in_use(const struct map_cells *cells);

/*
 * Consecutive pages of one owner, to be added to one or two sets of cells: most pages have the
 * owner of the page before, and adding them one by one would take twice as long as finding their
 * owner.
 */
struct map_run {
    struct map_cells *cells, *more; /* more: or NULL */
    enum map_owner owner;
    u32 pages;
};
void map_run_add(struct map_run *run, enum map_owner owner, u32 pages);
void map_run_end(struct map_run *run);

/* Called between two reads: yields now and then. *looks counts the calls. */
void map_give_turns(u32 *looks);

struct frame_owner;
enum map_owner map_owner_of(const struct frame_owner *owner);

/* The name in the command `frames`; "free" for both kinds of free frames. */
const char *map_owner_name(enum map_owner owner);

/* Its letter, a capital or a sign, and its colour (SGR, 30..37, 90..97). */
char map_owner_letter(enum map_owner owner);
u8 map_owner_colour(enum map_owner owner);

/* ---- shape (kernel/view/map_draw.c) ---- */

#define MAP_CELLS_MAX     8192 /* of the picture of RAM */
#define MAP_ROWS_MAX      100
#define MAP_ROWS_MIN      4
#define MAP_BAR_MAX       256 /* of the vmalloc area's, in all its lines */
#define MAP_WIDE_MAX      64  /* columns of the virtual side */
#define MAP_PROCESSES_MAX 16

struct map_shape {
    u32 columns, lines; /* of the terminal */
    bool beside;        /* the virtual side is to the right; otherwise below */
    u32 per_row, rows;  /* cells of RAM in a row; rows at most */
    u32 shift;          /* of the picture before this one, so that pictures do not jump; 0: none */
    u32 wide, high;     /* the virtual side; its bars are `wide` less a margin */
    u32 bar_rows;       /* lines of the vmalloc area's bar */
    u32 process_bar;    /* cells of a process's bar */
    u32 processes;      /* the most that are shown */
    u32 legend_columns;
};

void map_shape(struct map_shape *shape, u32 columns, u32 lines);

/* ---- gathering (kernel/view/map_ram.c, kernel/view/map_virtual.c) ---- */

/* A row of RAM: cells, or a number of rows of unused frames that are left out. */
struct map_ram_row {
    u32 first, last; /* frames [first, last) */
    u32 cells;       /* 0: left out */
    u32 at;          /* the first of them in frame_cell */
    u32 free;        /* frames of what is left out, holes not counted */
};

/* A process's areas by their use, in the order of their usual addresses. */
enum map_kind { MAP_TEXT, MAP_DATA, MAP_HEAP, MAP_MMAP, MAP_STACK, MAP_KINDS };

struct map_process {
    u32 pid, pages; /* pages: mapped */
    char comm[TASK_COMM_LEN];
    struct map_cells cells;
    u32 kind_end[MAP_KINDS]; /* the cells of a kind end before this one */
    u8 cell[MAP_WIDE_MAX];
};

struct map {
    struct map_shape shape;
    const char *wrong;       /* what contradicts the address map, or NULL */
    struct map_cells ram;    /* all of RAM, as a sum */
    struct map_cells frames; /* of the rows that are shown */
    u32 rows;
    struct map_ram_row row[MAP_ROWS_MAX];
    struct map_cells lowmem;    /* the frames in lowmem again */
    struct map_cells vmalloc;   /* from VMALLOC_START to the last area's end */
    u32 areas;                  /* vmalloc areas */
    u32 mapped[LAYOUT_REGIONS]; /* pages in use; fixmap, vmalloc and lowmem only */
    u32 process_count, shown;
    struct map_process process[MAP_PROCESSES_MAX];
    u8 frame_cell[MAP_CELLS_MAX], lowmem_cell[MAP_WIDE_MAX], vmalloc_cell[MAP_BAR_MAX];
};

/*
 * Fill the part for RAM, and the part for addresses; the shape must be set. Both yield, so the
 * parts are of slightly different moments. From a task; nothing is allocated.
 */
void map_gather_ram(struct map *map);
void map_gather_virtual(struct map *map);

/*
 * Parts of these, for tests: frames [first, last) into cells; the vmalloc area; the cells of an
 * address space, at most `cells` of them.
 */
void map_gather_frames(u32 first, u32 last, struct map_cells *cells);
void map_gather_vmalloc(struct map *map);
void map_gather_areas(struct map_process *process, struct mm *mm, u32 cells);

/* ---- drawing (kernel/view/map_draw.c) ---- */

/* The output of a picture. It begins at the left edge, and ends there, below its last line. */
struct map_canvas {
    void (*write)(const char *text, size_t len);
    bool colour;   /* SGR sequences; each line begins and ends without any in force */
    bool in_place; /* from the screen's top left corner on, over an older picture */
    u32 lines_max; /* no more lines than this */
};

void map_draw(const struct map *map, const struct map_canvas *canvas);
