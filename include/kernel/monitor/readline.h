/*
 * Line editing as a state machine: bytes in, finished lines and text for the terminal out. It uses
 * no device, so that tests can feed it. readline() (kernel/tty/console.h) is this on the console.
 */
#pragma once

#include <kernel/tty/console.h>
#include <lib/types.h>

#define READLINE_MAX     256 /* longest line, with its closing 0 */
#define READLINE_HISTORY 16  /* lines; a power of two */

/*
 * Calls emit for each candidate that starts with `prefix`, the line from its start to the cursor.
 */
typedef void (*readline_complete_t)(const char *prefix, readline_emit_t emit, void *arg);

struct readline_state {
    void (*output)(const char *text, size_t len);
    readline_complete_t complete; /* NULL: no completion */
    const char *prompt;
    size_t limit; /* characters that fit into the line */

    char line[READLINE_MAX]; /* closed by 0 once it is complete */
    size_t len, pos;         /* pos: where the cursor is */
    bool cut;                /* a character did not fit, and nothing was erased since */

    enum { READLINE_TEXT, READLINE_ESCAPE, READLINE_CSI, READLINE_SS3, READLINE_FUNCTION } parser;
    u32 parameter;       /* of the escape sequence */
    bool after_return;   /* the last byte was "\r": a "\n" now belongs to it */
    bool after_dead_tab; /* after a tab that completed nothing: another lists the candidates */

    char history[READLINE_HISTORY][READLINE_MAX];
    u32 history_end;          /* lines ever added; line n is in slot n % READLINE_HISTORY */
    u32 history_at;           /* the one on display; history_end: the line being typed */
    char draft[READLINE_MAX]; /* what was typed before a line of the history was shown */
};

/* *state is all zero. */
void readline_init(struct readline_state *state, void (*output)(const char *text, size_t len));

/*
 * Print the prompt and begin an empty line of at most size - 1 characters (and at most READLINE_MAX
 * - 1).
 */
void readline_begin(struct readline_state *state, const char *prompt, size_t size,
                    readline_complete_t complete);

/*
 * Take a byte. True when it ended the line: state->line holds it, state->len its length, and the
 * next byte needs readline_begin() first. A line that was too long is dropped with a message, and
 * never ends.
 */
bool readline_feed(struct readline_state *state, u8 byte);
