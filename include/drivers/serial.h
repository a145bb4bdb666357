/*
 * The first serial port (16450 or later at 0x3F8): polled output, input by interrupt into a ring
 * that never drops a byte.
 */
#pragma once

#include <lib/types.h>

/* 115200 baud, 8 data bits, no parity, 1 stop bit. Input that has already arrived stays. */
void serial_init(void);

/* Write all of it before returning; "\n" goes out as "\r\n". Any context. */
void serial_write(const char *text, size_t len);

/*
 * Take input by interrupt; `notify` is called, with interrupts off, when bytes have arrived. Once,
 * during start-up, after pic_init().
 */
void serial_enable_input(void (*notify)(void));

/* The next byte of input, or -1. Any context. */
int serial_read(void);
bool serial_can_read(void);

/* When `byte` is among the input that waits: drop it and all before it, true. Any context. */
bool serial_discard_through(u8 byte);
