/*
 * Typed input in the order of arrival: one queue for the serial port and the keyboard. Drivers add
 * to it, the terminal reads from it.
 */
#pragma once

#include <lib/types.h>

#define INPUT_MAX 1024u /* bytes that can wait */

/*
 * `notify` is called, with interrupts off, when input has arrived. Once, during start-up, before
 * the drivers take input.
 */
void input_init(void (*notify)(void));

/* ---- for drivers, in their interrupt handlers ---- */

/* Add all bytes, or none if there is no room for all: then false. Does not call notify. */
bool input_add(const char *bytes, u32 len);

/* Call this after bytes have been added. */
void input_arrived(void);

/*
 * `resume` is called, with interrupts off, whenever at least half of the queue is empty. Start-up.
 */
void input_on_room(void (*resume)(void));

/* ---- for the terminal ---- */

/* The next byte, or -1. Any context. */
int input_read(void);

/* How many bytes wait to be read. Any context. */
u32 input_waiting(void);

/*
 * Byte `at` of the queue, 0 is the next; -1 beyond the last. Call with interrupts off, so that it
 * stays there.
 */
int input_peek(u32 at);

/* Drop that byte, or the first `count` bytes. Any context. */
void input_remove(u32 at);
void input_discard(u32 count);
