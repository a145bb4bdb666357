/*
 * Lines of the map: collects text and cells, and prints each complete line, cut off at the
 * terminal's width.
 *
 * Colour: a cell is a block in its owner's colour if the owner has all of it, otherwise a letter in
 * that colour. A sequence is sent only where the colour changes (ECMA-48: SGR); each begins with a
 * reset, so that it does not depend on the one before, and the colour is reset at the end of each
 * line: a part copied from the picture still looks right.
 *
 * A picture that is drawn over an older one begins in the top left corner and erases the rest of
 * the older one, line by line and then below, so that the screen is never empty in between; the
 * cursor is hidden meanwhile.
 *
 * One picture at a time: there is one static line, because it is too large for a kernel stack.
 *
 * Neighbours: kernel/view/map_draw.c.
 */
#include <kernel/view/map_line.h>
#include <lib/printf.h>
#include <lib/string.h>

#define NO_COLOUR 0
#define SOLID     0x80 /* added to a colour: a block in this colour */

#define HIDE_CURSOR_HOME "\033[?25l\033[H"
#define SHOW_CURSOR      "\033[?25h"
#define ERASE_LINE       "\033[K"
#define ERASE_BELOW      "\033[J"

#define LINE_BYTES (MAP_COLUMNS_MAX * 14) /* each character may change the colour */

static struct {
    const struct map_canvas *canvas;
    char text[LINE_BYTES];
    u32 used;
    u32 column, columns; /* characters so far, and their maximum */
    u8 colour;           /* the current colour */
    u32 lines;           /* lines written */
    bool full;           /* the last line reaches the right edge */
} line;

static void put_bytes(const char *bytes, u32 count)
{
    count = min(count, (u32)sizeof(line.text) - line.used);
    memcpy(line.text + line.used, bytes, count);
    line.used += count;
}

static void set_colour(u8 colour)
{
    char sequence[16];
    u32 length;

    if (!line.canvas->colour || colour == line.colour)
        return;
    line.colour = colour;
    if (colour == NO_COLOUR)
        length = scnprintf(sequence, sizeof(sequence), "\033[0m");
    else if (colour & SOLID)
        length = scnprintf(sequence, sizeof(sequence), "\033[0;30;%um", (colour & ~SOLID) + 10);
    else
        length = scnprintf(sequence, sizeof(sequence), "\033[0;%um", colour);
    put_bytes(sequence, length);
}

static void put(u8 colour, char c)
{
    if (line.column == line.columns)
        return;
    set_colour(c == ' ' ? NO_COLOUR : colour);
    put_bytes(&c, 1);
    line.column++;
}

void map_put_cell_as(u8 cell, char capital)
{
    u8 colour = map_owner_colour(cell & ~MAP_WHOLE);

    if (cell & MAP_WHOLE)
        put(colour | SOLID, capital);
    else
        put(colour, capital - 'A' + 'a');
}

void map_put_cell(u8 cell)
{
    char letter = map_owner_letter(cell & ~MAP_WHOLE);

    if (letter >= 'A' && letter <= 'Z')
        map_put_cell_as(cell, letter);
    else
        put(map_owner_colour(cell & ~MAP_WHOLE), letter);
}

void map_put_text(const char *fmt, ...)
{
    char text[128];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    for (const char *c = text; *c; c++)
        put(NO_COLOUR, *c);
}

void map_pad_to(u32 column)
{
    while (line.column < min(column, line.columns))
        put(NO_COLOUR, ' ');
}

/*
 * "\n" is sent between lines, so that the last line can hold the end of the picture, and the next
 * text begins a new one. Erasing behind a full line would erase its last character, because the
 * cursor is still there.
 */
void map_end_line(void)
{
    const struct map_canvas *canvas = line.canvas;

    set_colour(NO_COLOUR);
    line.full = line.column == line.columns;
    if (canvas->in_place && !line.full)
        put_bytes(ERASE_LINE, strlen(ERASE_LINE));
    if (line.lines < canvas->lines_max) {
        if (line.lines++ > 0)
            canvas->write("\n", 1);
        canvas->write(line.text, line.used);
    }
    line.used = line.column = 0;
}

void map_begin_picture(const struct map_canvas *canvas, u32 columns)
{
    line.canvas = canvas;
    line.columns = columns;
    line.used = line.column = line.lines = 0;
    line.colour = NO_COLOUR;
    if (canvas->in_place)
        canvas->write(HIDE_CURSOR_HOME, strlen(HIDE_CURSOR_HOME));
}

void map_end_picture(void)
{
    const struct map_canvas *canvas = line.canvas;

    if (canvas->in_place && !line.full)
        canvas->write(ERASE_BELOW, strlen(ERASE_BELOW));
    if (canvas->in_place)
        canvas->write(SHOW_CURSOR, strlen(SHOW_CURSOR));
    canvas->write("\n", 1);
}

u32 map_column(void)
{
    return line.column;
}
