/*
 * The VGA text screen, 80 x 25, as a mirror of the console: newline, carriage return, backspace,
 * tab; escape sequences skipped.
 */
#pragma once

#include <lib/types.h>

/*
 * Clear the screen, whatever the boot loader left on it. Start-up; works before the memory map is
 * known.
 */
void vga_init(void);

/* Show it; the cursor follows. Any context. */
void vga_write(const char *text, size_t len);

/* Where the cursor is: 0 is the left edge, 80 behind a full row. Any context. */
u32 vga_column(void);
