/*
 * The console: kernel messages and program output go out on the serial port and the VGA text
 * screen; input comes from the serial port and the keyboard, into the queue of drivers/input.h.
 * What programs see of it is the terminal (kernel/tty/tty.h).
 */
#pragma once

#include <lib/types.h>

/* Output from now on. First thing in kernel_main(). */
void console_init(void);

/* Write; "\n" begins a new line at its left end. Any context. */
void console_write(const char *text, size_t len);

/* Write bytes as they are: "\n" goes down, and nothing more. Any context. */
void console_write_raw(const char *text, size_t len);

/*
 * Take input from now on; `notify` is called, with interrupts off, when some has come. Once, during
 * start-up, after pic_init().
 */
void console_enable_input(void (*notify)(void));

/*
 * Read a line with editing, history and completion into buf (at most size - 1 characters and a 0),
 * without its newline. Its length. One caller at a time. (kernel/monitor/readline.c) `complete`:
 * calls `emit` for each candidate that starts with the given prefix, which is the line up to the
 * cursor; the text says what the candidate is for in a few words, or is NULL.
 */
typedef void (*readline_emit_t)(const char *candidate, const char *text, void *arg);
size_t readline(const char *prompt, char *buf, size_t size,
                void (*complete)(const char *prefix, readline_emit_t emit, void *arg));
