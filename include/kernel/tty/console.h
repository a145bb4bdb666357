/*
 * The console: kernel messages and program output go out on the serial port and the VGA text
 * screen; input comes from the serial port and the keyboard, into the queue of drivers/input.h.
 * Programs use it as the terminal (kernel/tty/tty.h).
 */
#pragma once

#include <lib/types.h>

/* Enable output. The first call in kernel_main(). */
void console_init(void);

/* Write; "\n" begins a new line at the left edge. Any context. */
void console_write(const char *text, size_t len);

/* Write bytes unchanged: "\n" only moves down. Any context. */
void console_write_raw(const char *text, size_t len);

/*
 * Enable input; `notify` is called, with interrupts off, when input has arrived. Once, during
 * start-up, after pic_init().
 */
void console_enable_input(void (*notify)(void));

/*
 * Read a line with editing, history and completion into buf (at most size - 1 characters and a 0),
 * without its newline. Its length. One caller at a time. (kernel/monitor/readline.c) `complete`:
 * calls `emit` for each candidate that starts with the given prefix, which is the line up to the
 * cursor; the text describes the candidate in a few words, or is NULL.
 */
typedef void (*readline_emit_t)(const char *candidate, const char *text, void *arg);
size_t readline(const char *prompt, char *buf, size_t size,
                void (*complete)(const char *prefix, readline_emit_t emit, void *arg));
