/*
 * The text screen: 80 x 25 cells of character and colour in a window of 32 KiB. It shows the
 * console's output, and is the terminal if there is no serial port.
 *
 * Every access to video memory is slow in an emulator, so the screen is not moved to scroll. The
 * window holds 204 rows; the controller shows 25 of them from a start address, and scrolling moves
 * that address down one row and clears the new row. Only at the end of the window the 24 visible
 * rows are copied back to its top, once in 180 lines. Cursor and start address are written to the
 * controller once per call, not once per character.
 *
 * Of the escape sequences of ECMA-48 and Linux's console ("ESC [ ... letter") those are supported
 * that Attic's programs and other simple ones send: moving the cursor, erasing, colours, hiding the
 * cursor, saving its position. All others are skipped, even if they are split between two calls.
 * Requests are not answered: the terminal at the serial port does this.
 *
 * A full row continues in the next one, and a backspace there goes back to it: the line editor uses
 * only backspaces to move, and a long line needs more than one row.
 *
 * Limits: text is in the font's code page, 437. No scrolling regions, no inserting, no tab stops.
 *
 * The window is reached at PAGE_OFFSET + 0xB8000 by plain addition: the boot tables map it already,
 * long before phys_to_virt() knows the size of lowmem. Neighbours: kernel/tty/console.c is the only
 * user. Registers: IBM VGA, CRT and attribute controller.
 */
#include <arch/x86/io.h>
#include <drivers/vga.h>
#include <lib/string.h>
#include <mm/layout.h>

#define VGA_WINDOW      ((volatile u16 *)(PAGE_OFFSET + 0xb8000))
#define VGA_WINDOW_SIZE KIB(32)

#define COLUMNS     80
#define ROWS        25
#define WINDOW_ROWS (VGA_WINDOW_SIZE / 2 / COLUMNS)
#define TAB         8

#define GREY_ON_BLACK 0x07
#define BRIGHT        0x08

/* The CRT controller: an index port, and the register at the next port. */
#define CRTC              0x3d4
#define CRTC_CURSOR_START 0x0a
#define CRTC_CURSOR_END   0x0b
#define CRTC_START_HIGH   0x0c
#define CRTC_CURSOR_HIGH  0x0e

/*
 * The attribute controller takes index and value at one port; reading the other makes it an index.
 */
#define ATTRIBUTE       0x3c0
#define ATTRIBUTE_RESET 0x3da
#define ATTRIBUTE_MODE  0x30 /* and the screen stays on */
#define MODE_TEXT       0x04 /* bit 3 would make bright backgrounds blink */

#define CURSOR_LINE   14
#define CURSOR_HIDDEN 0x20

#define PARAMETERS    8
#define PARAMETER_MAX 9999u

static u32 top;                     /* first visible row of the window */
static u32 row, column;             /* of the cursor; row counts from the start of the window */
static u32 flows;                   /* this many rows above the cursor's continue in the next */
static u32 saved_row, saved_column; /* row counts from the top of the screen */
static u8 colour;
static bool reversed;

static enum { PLAIN, ESCAPE, CHARSET, STRING, SEQUENCE } parser;
static struct {
    u32 parameter[PARAMETERS];
    u32 count;    /* of the complete ones */
    bool private; /* "ESC [ ?" */
    bool unknown; /* a byte that no sequence below has */
} sequence;

static u16 cell(u8 c)
{
    return (reversed ? colour << 4 | colour >> 4 : colour) << 8 | c;
}

/* Index and value are written to two adjacent ports, low byte first. */
static void crtc_write(u8 index, u8 value)
{
    outw(CRTC, index | value << 8);
}

static void crtc_write_address(u8 index_high, u32 cell)
{
    crtc_write(index_high, cell >> 8);
    crtc_write(index_high + 1, cell & 0xff);
}

/* Clear the cells of the window from one to the one before another. */
static void clear_cells(u32 from, u32 to)
{
    for (u16 blank = cell(' '); from < to; from++)
        VGA_WINDOW[from] = blank;
}

static void set_colours(u8 new_colour, bool reverse)
{
    colour = new_colour;
    reversed = reverse;
}

/* Cursor shape, bright backgrounds: the boot loader may have left any state. */
static void controllers_init(void)
{
    crtc_write(CRTC_CURSOR_START, CURSOR_LINE);
    crtc_write(CRTC_CURSOR_END, CURSOR_LINE + 1);
    crtc_write_address(CRTC_START_HIGH, 0);
    crtc_write_address(CRTC_CURSOR_HIGH, 0);
    inb(ATTRIBUTE_RESET);
    outb(ATTRIBUTE, ATTRIBUTE_MODE);
    outb(ATTRIBUTE, MODE_TEXT);
}

void vga_init(void)
{
    top = row = column = flows = saved_row = saved_column = 0;
    parser = PLAIN;
    set_colours(GREY_ON_BLACK, false);
    clear_cells(0, ROWS * COLUMNS);
    controllers_init();
}

/* Copy the rows that stay visible to the start of the window. */
static void copy_back(void)
{
    for (u32 at = 0; at < (ROWS - 1) * COLUMNS; at++)
        VGA_WINDOW[at] = VGA_WINDOW[(top + 1) * COLUMNS + at];
    row -= top + 1;
    top = 0;
}

static void next_row(void)
{
    row++;
    if (row < top + ROWS)
        return;
    if (row == WINDOW_ROWS)
        copy_back();
    else
        top++;
    clear_cells(row * COLUMNS, (row + 1) * COLUMNS);
}

static void backspace(void)
{
    if (column > 0) {
        column--;
    } else if (flows > 0 && row > top) {
        flows--;
        row--;
        column = COLUMNS - 1;
    }
}

static void put_character(u8 c)
{
    /* As in terminals, the cursor leaves a full row when the next character comes. */
    if (column == COLUMNS) {
        next_row();
        column = 0;
        flows++;
    }
    VGA_WINDOW[row * COLUMNS + column++] = cell(c);
}

static void put_plain(u8 c)
{
    switch (c) {
    case '\n':
        next_row();
        flows = 0;
        column = min(column, COLUMNS - 1u);
        break;
    case '\r':
        column = 0;
        break;
    case '\b':
        backspace();
        break;
    case '\t':
        column = min((column / TAB + 1) * TAB, COLUMNS - 1u);
        break;
    case '\033':
        parser = ESCAPE;
        break;
    default:
        if (c >= ' ' && c != 0x7f)
            put_character(c);
    }
}

/* ---- sequences ---- */

/* Row and column of the screen, from 0. */
static void move_to(u32 to_row, u32 to_column)
{
    row = top + min(to_row, ROWS - 1u);
    column = min(to_column, COLUMNS - 1u);
    flows = 0;
}

/* A parameter that is a count, or is numbered from 1: the default is 1. */
static u32 counted(u32 which)
{
    return max(sequence.parameter[which], 1u);
}

static u32 less(u32 from, u32 by)
{
    return from > by ? from - by : 0;
}

/* 0: from the cursor on, 1: up to it and with it, 2: all, of what lies between the cells. */
static void erase(u32 first, u32 end)
{
    u32 at = row * COLUMNS + min(column, COLUMNS - 1u);

    switch (sequence.parameter[0]) {
    case 0:
        clear_cells(at, end);
        break;
    case 1:
        clear_cells(first, at + 1);
        break;
    case 2:
        clear_cells(first, end);
        break;
    }
}

/* The colours of terminals have red in bit 0 and blue in bit 2; here it is the other way round. */
static u8 vga_colour(u32 ansi)
{
    return (ansi & 1) << 2 | (ansi & 2) | (ansi & 4) >> 2;
}

static void set_rendition(u32 code)
{
    if (code == 0)
        set_colours(GREY_ON_BLACK, false);
    else if (code == 1)
        colour |= BRIGHT;
    else if (code == 22)
        colour &= ~BRIGHT;
    else if (code == 7 || code == 27)
        reversed = code == 7;
    else if (code >= 30 && code <= 37)
        colour = (colour & 0xf8) | vga_colour(code - 30);
    else if (code == 39)
        colour = (colour & 0xf8) | GREY_ON_BLACK;
    else if (code >= 40 && code <= 47)
        colour = (colour & 0x0f) | vga_colour(code - 40) << 4;
    else if (code == 49)
        colour &= 0x0f;
    else if (code >= 90 && code <= 97)
        colour = (colour & 0xf0) | BRIGHT | vga_colour(code - 90);
    else if (code >= 100 && code <= 107)
        colour = (colour & 0x0f) | (BRIGHT | vga_colour(code - 100)) << 4;
}

static void set_renditions(void)
{
    for (u32 i = 0; i <= sequence.count; i++) {
        if (sequence.parameter[i] == 38 || sequence.parameter[i] == 48)
            return; /* a colour out of 256 or more, in the parameters behind it */
        set_rendition(sequence.parameter[i]);
    }
}

static void save_place(void)
{
    saved_row = row - top;
    saved_column = column;
}

static void move_by_sequence(u8 letter)
{
    u32 at = row - top, count = counted(0);

    switch (letter) {
    case 'A':
        move_to(less(at, count), column);
        break;
    case 'B':
        move_to(at + count, column);
        break;
    case 'C':
        move_to(at, column + count);
        break;
    case 'D':
        move_to(at, less(min(column, COLUMNS - 1u), count));
        break;
    case 'G':
        move_to(at, count - 1);
        break;
    case 'd':
        move_to(count - 1, column);
        break;
    case 'H':
    case 'f':
        move_to(count - 1, counted(1) - 1);
        break;
    }
}

static void end_sequence(u8 letter)
{
    if (sequence.private) {
        if ((letter == 'h' || letter == 'l') && sequence.parameter[0] == 25)
            crtc_write(CRTC_CURSOR_START, CURSOR_LINE | (letter == 'l' ? CURSOR_HIDDEN : 0));
        return;
    }
    switch (letter) {
    case 'J':
        erase(top * COLUMNS, (top + ROWS) * COLUMNS);
        break;
    case 'K':
        erase(row * COLUMNS, (row + 1) * COLUMNS);
        break;
    case 'm':
        set_renditions();
        break;
    case 's':
        save_place();
        break;
    case 'u':
        move_to(saved_row, saved_column);
        break;
    default:
        move_by_sequence(letter);
    }
}

/* Parameters are below '@', the final letter is not. A control character has its usual effect. */
static void put_sequence(u8 c)
{
    u32 *parameter = &sequence.parameter[sequence.count];

    if (c < ' ') {
        put_plain(c);
    } else if (c >= '0' && c <= '9') {
        *parameter = min(*parameter * 10 + c - '0', PARAMETER_MAX);
    } else if (c == ';' || c == ':') {
        if (sequence.count < PARAMETERS - 1)
            sequence.parameter[++sequence.count] = 0;
        else
            sequence.unknown = true;
    } else if (c == '?') {
        sequence.private = true;
    } else if (c < '@') {
        sequence.unknown = true;
    } else if (c == '[' && sequence.count == 0) {
        sequence.unknown = true; /* "ESC [ [ letter" is one sequence, a key of Linux's console */
    } else {
        parser = PLAIN;
        if (!sequence.unknown)
            end_sequence(c);
    }
}

static void put_escape(u8 c)
{
    parser = PLAIN;
    if (c == '[') {
        parser = SEQUENCE;
        memset(&sequence, 0, sizeof(sequence));
    } else if (c == '(' || c == ')' || c == '#' || c == '%') {
        parser = CHARSET;
    } else if (c == ']' || c == 'P' || c == '_' || c == '^' || c == 'X') {
        parser = STRING;
    } else if (c == '7') {
        save_place();
    } else if (c == '8') {
        move_to(saved_row, saved_column);
    } else if (c < ' ') {
        put_plain(c);
    }
}

static void put(u8 c)
{
    switch (parser) {
    case PLAIN:
        put_plain(c);
        break;
    case ESCAPE:
        put_escape(c);
        break;
    case CHARSET: /* one more byte */
        parser = PLAIN;
        break;
    case STRING: /* a title or similar text; BEL or ESC ends it, or a new line if these were lost */
        if (c < ' ') {
            parser = PLAIN;
            put_plain(c);
        }
        break;
    case SEQUENCE:
        put_sequence(c);
        break;
    }
}

void vga_write(const char *text, size_t len, bool raw)
{
    u32 top_before = top;

    for (size_t i = 0; i < len; i++) {
        if (text[i] == '\n' && !raw)
            column = 0;
        put(text[i]);
    }
    if (top != top_before)
        crtc_write_address(CRTC_START_HIGH, top * COLUMNS);
    crtc_write_address(CRTC_CURSOR_HIGH, row * COLUMNS + min(column, COLUMNS - 1u));
}

u32 vga_column(void)
{
    return column;
}
