/* Lines of the map (kernel/view/map_line.c); for kernel/view/map_draw.c. One picture at a time. */
#pragma once

#include <kernel/view/map.h>

#define MAP_COLUMNS_MAX 200

/* A picture of so many columns, at most MAP_COLUMNS_MAX. */
void map_begin_picture(const struct map_canvas *canvas, u32 columns);
void map_end_picture(void);

/* Add text to the line, as far as it has room. */
void map_put_text(const char *fmt, ...) __printf(1, 2);
void map_put_cell(u8 cell);

/* A cell of an owner that uses pages, with a letter other than the owner's. */
void map_put_cell_as(u8 cell, char capital);

/* Blanks up to a column. */
void map_pad_to(u32 column);

/* The number of characters in the line, without escape sequences. */
u32 map_column(void);

/* End the line. */
void map_end_line(void);
