/*
 * The VGA text screen, 80 x 25, as a terminal: newline, carriage return, backspace, tab, and the
 * escape sequences for cursor, erasing and colours; all others are skipped.
 */
#pragma once

#include <lib/types.h>

/*
 * Clear the screen, whatever the boot loader left on it. Start-up; works before the memory map is
 * known.
 */
void vga_init(void);

/*
 * Print text; the cursor follows. "\n" begins a new line at the left edge; if `raw`, it only moves
 * down. Any context.
 */
void vga_write(const char *text, size_t len, bool raw);

/* The cursor's column: 0 is the left edge, 80 behind a full row. Any context. */
u32 vga_column(void);
