/*
 * The text screen: 80 x 25 cells of character and colour in a window of 32 KiB, which mirrors what
 * the serial port says.
 *
 * Every access to video memory leaves the emulator's fast path, so the screen is not moved to
 * scroll. The window holds 204 rows; the controller shows 25 of them from a start address, and
 * scrolling moves that address down one row and clears the row that comes into view. Only when the
 * window is used up are the 24 rows in view copied back to its top, once in 180 lines. Cursor and
 * start address are told to the controller once a call, not once a character.
 *
 * Escape sequences ("ESC [ ... letter") are for the terminal at the other end of the serial line;
 * they are skipped here, even when they are split between two calls. The screen has no input and no
 * colours.
 *
 * The window is reached at PAGE_OFFSET + 0xB8000 by plain addition: the boot tables map it already,
 * long before phys_to_virt() knows how much lowmem there is. Neighbours: kernel/console.c is the
 * only user. Registers: IBM VGA, CRT controller.
 */
#include <arch/x86/io.h>
#include <drivers/vga.h>
#include <mm/layout.h>

#define VGA_WINDOW      ((volatile u16 *)(PAGE_OFFSET + 0xb8000))
#define VGA_WINDOW_SIZE KIB(32)

#define COLUMNS     80
#define ROWS        25
#define WINDOW_ROWS (VGA_WINDOW_SIZE / 2 / COLUMNS)
#define TAB         8

#define CELL(c) ((u16)(0x0700 | (u8)(c))) /* light grey on black */
#define BLANK   CELL(' ')

/* The CRT controller: an index, and one port further the register. */
#define CRTC              0x3d4
#define CRTC_CURSOR_START 0x0a
#define CRTC_CURSOR_END   0x0b
#define CRTC_START_HIGH   0x0c
#define CRTC_CURSOR_HIGH  0x0e

static u32 top;         /* row of the window that is the first on screen */
static u32 row, column; /* of the cursor; row counts from the start of the window */

static enum { PLAIN, ESCAPE, SEQUENCE } parser;

/* Index and value go to two neighbouring ports, low byte first. */
static void crtc_write(u8 index, u8 value)
{
    outw(CRTC, index | value << 8);
}

static void crtc_write_address(u8 index_high, u32 cell)
{
    crtc_write(index_high, cell >> 8);
    crtc_write(index_high + 1, cell & 0xff);
}

static void clear_rows(u32 first, u32 count)
{
    for (u32 cell = first * COLUMNS; cell < (first + count) * COLUMNS; cell++)
        VGA_WINDOW[cell] = BLANK;
}

void vga_init(void)
{
    top = row = column = 0;
    parser = PLAIN;
    clear_rows(0, ROWS);
    crtc_write(CRTC_CURSOR_START,
               14); /* an underline, visible: the boot loader may have hidden it */
    crtc_write(CRTC_CURSOR_END, 15);
    crtc_write_address(CRTC_START_HIGH, 0);
    crtc_write_address(CRTC_CURSOR_HIGH, 0);
}

/* Move what stays in view to the start of the window. */
static void copy_back(void)
{
    for (u32 cell = 0; cell < (ROWS - 1) * COLUMNS; cell++)
        VGA_WINDOW[cell] = VGA_WINDOW[(top + 1) * COLUMNS + cell];
    row -= top + 1;
    top = 0;
}

static void new_line(void)
{
    column = 0;
    row++;
    if (row < top + ROWS)
        return;
    if (row == WINDOW_ROWS)
        copy_back();
    else
        top++;
    clear_rows(row, 1);
}

static void put_plain(u8 c)
{
    switch (c) {
    case '\n':
        new_line();
        break;
    case '\r':
        column = 0;
        break;
    case '\b':
        column -= column > 0;
        break;
    case '\t':
        column = min((column / TAB + 1) * TAB, COLUMNS - 1u);
        break;
    case '\033':
        parser = ESCAPE;
        break;
    default:
        if (c < ' ' || c == 0x7f)
            break;
        if (column ==
            COLUMNS) /* as terminals do: a full row is left when the next character comes */
            new_line();
        VGA_WINDOW[row * COLUMNS + column++] = CELL(c);
    }
}

static void put(u8 c)
{
    switch (parser) {
    case PLAIN:
        put_plain(c);
        break;
    case ESCAPE:
        parser = c == '[' ? SEQUENCE : PLAIN;
        break;
    case SEQUENCE:
        if (c >= 0x40 && c <= 0x7e) /* parameters are below, the final letter is here */
            parser = PLAIN;
        break;
    }
}

void vga_write(const char *text, size_t len)
{
    u32 top_before = top;

    for (size_t i = 0; i < len; i++)
        put(text[i]);
    if (top != top_before)
        crtc_write_address(CRTC_START_HIGH, top * COLUMNS);
    crtc_write_address(CRTC_CURSOR_HIGH, row * COLUMNS + min(column, COLUMNS - 1u));
}

u32 vga_column(void)
{
    return column;
}
