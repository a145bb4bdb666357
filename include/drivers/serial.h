/*
 * The serial ports (16450 or later), at 0x3F8 and 0x2F8; a machine may have both, one, or none. The
 * first that is there is the console's: polled output, input by interrupt into the queue of
 * drivers/input.h, of which no byte is lost. The second, where both are, is for data that goes out.
 */
#pragma once

#include <lib/types.h>

/*
 * Look for the ports. The console's gets 115200 baud, 8 data bits, no parity, 1 stop bit; input
 * that has already arrived stays.
 */
void serial_init(void);

/* Which port is the console's: 0, 1, or -1 where the machine has none. */
int serial_console(void);

/*
 * Write as much as the port takes without waiting, and how much that is: 0 while it is busy, and
 * all of it where there is no port. "\n" goes out as "\r\n", with a wait of one character between
 * them, or `raw` as it is. Any context.
 */
__must_check size_t serial_write(const char *text, size_t len, bool raw);

/* Take input by interrupt. Once, during start-up, after pic_init() and input_init(). */
void serial_enable_input(void);

/*
 * The second port, at the same speed and without interrupts: false when the machine has none beside
 * the console's. Before each document.
 */
__must_check bool serial_data_init(void);

/* Send bytes as they are: false when the port has not taken one for some seconds. Any context. */
__must_check bool serial_data_write(const char *text, size_t len);
