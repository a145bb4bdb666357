/*
 * The serial ports (16450 or later), at 0x3F8 and 0x2F8; a machine may have both, one, or none. The
 * first one found is the console's: output is polled, input goes by interrupt into the queue of
 * drivers/input.h without losing a byte. If there are two, the second is for data output.
 */
#pragma once

#include <lib/types.h>

/*
 * Look for the ports. The console's gets 115200 baud, 8 data bits, no parity, 1 stop bit; input
 * that has already arrived is kept.
 */
void serial_init(void);

/* The number of the console's port: 0, 1, or -1 if the machine has none. */
int serial_console(void);

/*
 * Write as much as the port takes without waiting. Returns the number of bytes: 0 while it is busy,
 * all of them if there is no port. "\n" is sent as "\r\n", with a wait of one character between
 * them, or unchanged if `raw`. Any context.
 */
__must_check size_t serial_write(const char *text, size_t len, bool raw);

/* Enable input by interrupt. Once, during start-up, after pic_init() and input_init(). */
void serial_enable_input(void);

/*
 * The second port, at the same speed and without interrupts: false when the machine has no port
 * other than the console's. Call before each document.
 */
__must_check bool serial_data_init(void);

/* Send bytes unchanged: false when the port has not taken one for some seconds. Any context. */
__must_check bool serial_data_write(const char *text, size_t len);
