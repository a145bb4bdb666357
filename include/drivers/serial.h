/*
 * The serial ports (16450 or later). The first, at 0x3F8, is the console's: polled output, input by
 * interrupt into a ring that never drops a byte. The second, at 0x2F8, is there or not, and is for
 * data that goes out.
 */
#pragma once

#include <lib/types.h>

/* 115200 baud, 8 data bits, no parity, 1 stop bit. Input that has already arrived stays. */
void serial_init(void);

/*
 * Write as much as the port takes without waiting, and how much that is: 0 while it is busy. "\n" goes
 * out as "\r\n", with a wait of one character between them, or `raw` as it is. Any context.
 */
__must_check size_t serial_write(const char *text, size_t len, bool raw);

/*
 * Take input by interrupt; `notify` is called, with interrupts off, when bytes have arrived. Once,
 * during start-up, after pic_init().
 */
void serial_enable_input(void (*notify)(void));

/* The next byte of input, or -1. Any context. */
int serial_read(void);

/* How many bytes of input wait to be read. Any context. */
u32 serial_waiting(void);

/* Byte `at` of these, 0 is the next; -1 beyond the last. Interrupts off: else it may be gone. */
int serial_peek(u32 at);

/* Drop that byte, or the first `count` bytes. Any context. */
void serial_remove(u32 at);
void serial_discard(u32 count);

/*
 * The second port, at the same speed and without interrupts: false when the machine has none. Before
 * each document.
 */
__must_check bool serial_data_init(void);

/* Send bytes as they are: false when the port has not taken one for some seconds. Any context. */
__must_check bool serial_data_write(const char *text, size_t len);
