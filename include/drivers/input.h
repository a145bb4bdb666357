/*
 * What is typed, in the order in which it comes: one queue for the serial port and the keyboard.
 * Drivers add to it, the terminal takes.
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

/* Add bytes, all or, when there is no room for all, none: then false. Notifies nobody. */
bool input_add(const char *bytes, u32 len);

/* Bytes have been added. */
void input_arrived(void);

/* `resume` is called, with interrupts off, whenever the queue is half empty or more. Start-up. */
void input_on_room(void (*resume)(void));

/* ---- for the terminal ---- */

/* The next byte, or -1. Any context. */
int input_read(void);

/* How many bytes wait to be read. Any context. */
u32 input_waiting(void);

/* Byte `at` of these, 0 is the next; -1 beyond the last. Interrupts off: else it may be gone. */
int input_peek(u32 at);

/* Drop that byte, or the first `count` bytes. Any context. */
void input_remove(u32 at);
void input_discard(u32 count);
