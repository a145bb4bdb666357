/*
 * The terminal as the monitor uses it: the next byte, how large the screen is, and whether a key
 * was pressed.
 *
 * A serial line does not know the size of the screen at its other end. A program may have set it
 * (TIOCSWINSZ, as `resize` and `stty rows` do); otherwise the terminal is asked: the cursor is
 * moved beyond the end of any screen, and its position is requested (ECMA-48: CUP, DSR, CPR; DEC
 * VT100: DECSC, DECRC restore it). A terminal answers within a tenth of a second; a file or a pipe
 * does not, and gets 80 x 24.
 *
 * The answer arrives as input, and keys typed at the same time must not be lost: the driver's input
 * is searched for the answer, and only the answer is removed. If input is already waiting, no
 * request is sent: it comes from a script, or a user who types ahead, and the delay is not wanted.
 *
 * A key is a byte, or the sequence that a key such as an arrow sends. A late answer is not a key.
 *
 * Limits: only for the monitor, while it has the terminal. A terminal that needs more than a tenth
 * of a second is treated as 80 x 24, and its answer rings the bell at the prompt.
 *
 * Neighbours: drivers/input.c has the input, kernel/tty/tty.c the line discipline;
 * kernel/monitor/readline.c reads lines, kernel/monitor/monitor_map.c draws.
 */
#include <arch/x86/timer.h>
#include <drivers/input.h>
#include <drivers/serial.h>
#include <kernel/task.h>
#include <kernel/tty/console.h>
#include <kernel/tty/tty.h>
#include <kernel/tty/tty_internal.h>
#include <lib/string.h>
#include <linux/termios.h>

#define ESC            '\033'
#define ASK            "\0337\033[999;999H\033[6n\0338"
#define ANSWER_TICKS   (HZ / 10)
#define SEQUENCE_TICKS 2 /* between two bytes of one key */

#define DEFAULT_LINES   24
#define DEFAULT_COLUMNS 80

/* ---- bytes ---- */

/* Interrupts off. */
static int next_for_monitor(void)
{
    const u8 *text;
    u8 byte;

    if (tty.pgrp)
        return -1;
    if (tty.ldisc.head == tty.ldisc.len)
        return input_read();
    tty.ldisc.ended = true; /* the part of a line that is present counts */
    n_tty_peek(&tty.ldisc, 1, &text);
    byte = *text;
    n_tty_consume(&tty.ldisc, 1);
    return byte;
}

u8 tty_getc(void)
{
    int byte;

    wait_event(&tty.waiters, (byte = next_for_monitor()) >= 0);
    return byte;
}

int tty_getc_timeout(u32 ticks)
{
    int byte = -1;

    wait_event_timeout(&tty.waiters, (byte = next_for_monitor()) >= 0, ticks);
    return byte;
}

bool tty_interrupted(void)
{
    u32 flags = local_irq_save(), at = 0;
    int byte = -1;

    while (!tty.pgrp && (byte = input_peek(at)) >= 0 && byte != tty.ldisc.termios.c_cc[VINTR])
        at++;
    if (byte >= 0)
        input_discard(at + 1);
    local_irq_restore(flags);
    return byte >= 0;
}

/* ---- size ---- */

/*
 * A number below 10000 in the input from byte *at on, which then is behind it; 0 if there is no
 * number.
 */
static u32 parse_number(u32 *at)
{
    u32 number = 0;
    int byte;

    for (; (byte = input_peek(*at)) >= '0' && byte <= '9' && number < 1000; ++*at)
        number = number * 10 + byte - '0';
    return number;
}

/* Length of "ESC [ lines ; columns R" at byte `at` of the input; 0 for other input. */
static u32 parse_answer(u32 at, struct winsize *size)
{
    u32 start = at;

    if (input_peek(at) != ESC || input_peek(at + 1) != '[')
        return 0;
    at += 2;
    size->ws_row = parse_number(&at);
    if (!size->ws_row || input_peek(at++) != ';')
        return 0;
    size->ws_col = parse_number(&at);
    if (!size->ws_col || input_peek(at++) != 'R')
        return 0;
    return at - start;
}

/* Remove the answer from the input. Interrupts off. */
static bool take_answer(struct winsize *size)
{
    for (u32 at = 0; at < input_waiting(); at++) {
        u32 length = parse_answer(at, size);

        for (u32 i = 0; i < length; i++)
            input_remove(at);
        if (length)
            return true;
    }
    return false;
}

static bool input_waits(void)
{
    return tty.ldisc.head < tty.ldisc.len || input_waiting() > 0;
}

static bool ask_terminal(struct winsize *size)
{
    if (input_waits())
        return false;
    console_write(ASK, strlen(ASK));
    return wait_event_timeout(&tty.waiters, take_answer(size), ANSWER_TICKS);
}

bool tty_screen_size(bool may_ask, u32 *columns, u32 *lines)
{
    struct winsize size;

    *columns = DEFAULT_COLUMNS;
    *lines = DEFAULT_LINES;
    if ((tty.winsize_set || serial_console() < 0) && tty.winsize.ws_row && tty.winsize.ws_col)
        size = tty.winsize;
    else if (!may_ask || !ask_terminal(&size))
        return false;
    *columns = size.ws_col;
    *lines = size.ws_row;
    return true;
}

/* ---- keys ---- */

/* The next byte of a key that has begun, or 0. */
static u8 rest_of_key(void)
{
    int byte = tty_getc_timeout(SEQUENCE_TICKS);

    return byte < 0 ? 0 : byte;
}

/* Behind ESC: "[ ... letter" or "O letter", if that follows. The letter that ended it, or 0. */
static u8 take_sequence(void)
{
    u8 byte;

    wait_event_timeout(&tty.waiters, input_waits(), SEQUENCE_TICKS);
    if (tty.ldisc.head < tty.ldisc.len || (input_peek(0) != '[' && input_peek(0) != 'O'))
        return 0;
    rest_of_key();
    while ((byte = rest_of_key()) && (byte < '@' || byte > '~' || byte == '['))
        ;
    return byte;
}

bool tty_key_pressed(u32 ticks)
{
    u64 deadline = jiffies_64() + ticks;

    for (;;) {
        u64 now = jiffies_64();
        int byte = tty_getc_timeout(now < deadline ? deadline - now : 0);

        if (byte < 0)
            return false;
        if (byte != ESC || take_sequence() != 'R')
            return true;
    }
}
