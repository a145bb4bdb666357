/*
 * The console: kernel messages and program output go out on the serial port and the VGA text
 * screen; input comes from the serial port.
 */
#pragma once

#include <lib/types.h>

/* Output from now on. First thing in kernel_main(). */
void console_init(void);

/* Input by interrupt from now on. After pic_init() and sched_init(). */
void console_input_init(void);

void console_write(const char *text, size_t len);

/*
 * From now on Ctrl-C ends this process with SIGINT, and what was typed before it is dropped, as on a
 * terminal of Linux; a Ctrl-C that waits unread counts too. NULL: Ctrl-C is a byte like any other.
 * The process must not be collected while it is in the foreground.
 */
struct task;
void console_set_foreground(struct task *task);

/* Wait for a byte of input. */
u8 console_getc(void);

/*
 * Read a line with editing, history and completion into buf (at most size - 1 characters and a 0),
 * without its newline. Its length. One caller at a time. (kernel/readline.c) `complete`: calls
 * `emit` for each candidate that starts with the given prefix, which is the line up to the cursor.
 */
typedef void (*readline_emit_t)(const char *candidate, void *arg);
size_t readline(const char *prompt, char *buf, size_t size,
                void (*complete)(const char *prefix, readline_emit_t emit, void *arg));
