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
 * Show it; the cursor follows. "\n" begins a new line at its left end or, `raw`, goes down and
 * nothing more. Any context.
 */
void vga_write(const char *text, size_t len, bool raw);

/* Where the cursor is: 0 is the left edge, 80 behind a full row. Any context. */
u32 vga_column(void);
