/*
 * The line discipline (Linux's name): processes the bytes that are typed, and those that programs
 * write. It uses no device and no process, so that tests can feed it; kernel/tty/tty.c connects it
 * to the console.
 *
 * Bytes are fed one by one. In canonical mode they form a line, which can be edited until it is
 * ended; in raw mode each can be read immediately. It does not handle signals: tty.c has removed
 * the bytes that send one.
 */
#pragma once

#include <asm/termbits.h>
#include <lib/types.h>

#define N_TTY_SIZE 4096 /* bytes of a line with its end (Linux's N_TTY_BUF_SIZE) */

struct n_tty {
    struct termios2 termios;
    void (*output)(const char *text, size_t len); /* sends bytes to the terminal */

    u8 buf[N_TTY_SIZE];
    /*
     * Readable bytes, or the line being edited: buf[head] to buf[len - 1]; head is 0 until the line
     * is ended.
     */
    u32 head, len;
    bool ended;        /* canonical: the line is complete. The next byte is for the next line */
    bool was_raw;      /* it was typed in raw mode, and the mode has changed since */
    bool next_literal; /* LNEXT was typed */
    u32 column;        /* of the cursor */
    u32 line_column;   /* where the line being edited starts */
};

/* No input, Linux's settings for a new terminal (and IMAXBEL). */
void n_tty_init(struct n_tty *tty, void (*output)(const char *text, size_t len));
void n_tty_default_termios(struct termios2 *termios);

/* Change the settings; present input is kept, and becomes readable if the mode changes. */
void n_tty_set_termios(struct n_tty *tty, const struct termios2 *termios);

static inline bool n_tty_is_canonical(const struct n_tty *tty)
{
    return tty->termios.c_lflag & ICANON;
}

/* True as long as n_tty_feed() may be called: no line waits to be read, or, raw, there is room. */
bool n_tty_wants_input(const struct n_tty *tty);

/* Process a typed byte. */
void n_tty_feed(struct n_tty *tty, u8 byte);

/* The number of bytes that can be read now. */
u32 n_tty_available(const struct n_tty *tty);

/*
 * The bytes for a reader: up to `count` bytes of the line, or of the raw input. *text is valid
 * until the next call. 0: nothing; in canonical mode, when `ended`: the end of the file.
 */
u32 n_tty_peek(const struct n_tty *tty, u32 count, const u8 **text);

/* Remove `count` of these bytes, which have been read. */
void n_tty_consume(struct n_tty *tty, u32 count);

/* Drop all input. */
void n_tty_flush(struct n_tty *tty);

/*
 * Write for a program, at most as much as fits into the buffer. Returns the number of bytes
 * written.
 */
u32 n_tty_write(struct n_tty *tty, const char *text, u32 count);

/* Echo a typed byte according to ECHO and ECHOCTL ("^C"); nothing without ECHO. */
void n_tty_echo(struct n_tty *tty, u8 byte);
