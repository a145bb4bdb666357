/*
 * Line editing. readline_feed() takes one byte and changes the line, the terminal and the state of
 * the escape-sequence parser; it never waits, so a test can use it like the console.
 *
 * Keys: backspace (both codes), Delete, left and right, Home and End (also Ctrl-A, Ctrl-E), Ctrl-W
 * (erase the word before the cursor), Ctrl-U and Ctrl-K (erase to the start, to the end), Ctrl-L
 * (clear the screen), Ctrl-C (drop the line), up and down (history), tab (completion). A key
 * without effect rings the bell. A line longer than the limit, typed or piped in, is not run in
 * part: a message is printed instead.
 *
 * The terminal is updated only with backspaces, blanks and the text itself: this works on any
 * terminal, including the text screen. Only Ctrl-L sends escape sequences. Editing inside a line
 * that is longer than the terminal is wide therefore looks wrong, though the line is right. Text is
 * ASCII.
 *
 * Input may be piped in. A line ends with "\r", "\n" or both together, and a byte that does not fit
 * into an escape sequence ends it and is handled as text, so a stray ESC drops no input.
 *
 * Neighbours: kernel/monitor/readline_complete.c completes words; kernel/tty/tty.c supplies bytes,
 * kernel/monitor/monitor.c uses the lines.
 */
#include <kernel/monitor/readline_internal.h>
#include <kernel/tty/console.h>
#include <kernel/tty/tty.h>
#include <lib/string.h>

#define CTRL(c) ((c) % 32)
#define ESC     0x1b
#define DEL     0x7f

#define CLEAR_SCREEN "\033[H\033[2J" /* ECMA-48: CUP, ED */

_Static_assert((READLINE_HISTORY & (READLINE_HISTORY - 1)) == 0, "line numbers wrap around");

/* ---- the terminal ---- */

void readline_put(struct readline_state *state, const char *text)
{
    state->output(text, strlen(text));
}

static void put_repeated(struct readline_state *state, const char *text, size_t count)
{
    while (count-- > 0)
        readline_put(state, text);
}

void readline_bell(struct readline_state *state)
{
    readline_put(state, "\a");
}

/* ---- the line ---- */

static void move_cursor(struct readline_state *state, size_t pos)
{
    if (pos < state->pos)
        put_repeated(state, "\b", state->pos - pos);
    else
        state->output(state->line + state->pos, pos - state->pos);
    state->pos = pos;
}

/* Show the line again from the cursor on; `erased` characters were removed behind it. */
static void show_tail(struct readline_state *state, size_t erased)
{
    size_t tail = state->len - state->pos;

    state->output(state->line + state->pos, tail);
    put_repeated(state, " ", erased);
    put_repeated(state, "\b", tail + erased);
}

void readline_insert(struct readline_state *state, char c)
{
    if (state->len == state->limit) {
        readline_bell(state);
        state->cut = true;
        return;
    }
    memmove(state->line + state->pos + 1, state->line + state->pos, state->len - state->pos);
    state->line[state->pos] = c;
    state->len++;
    state->output(&c, 1);
    state->pos++;
    if (state->pos < state->len)
        show_tail(state, 0);
}

/* Erase `count` characters from the cursor on. */
static void erase(struct readline_state *state, size_t count)
{
    size_t after = state->pos + count;

    memmove(state->line + state->pos, state->line + after, state->len - after);
    state->len -= count;
    state->cut = state->cut && count == 0;
    show_tail(state, count);
}

static void erase_before(struct readline_state *state, size_t count)
{
    move_cursor(state, state->pos - count);
    erase(state, count);
}

/* Erase the blanks before the cursor, and the word before them. */
static void erase_word(struct readline_state *state)
{
    size_t start = state->pos;

    while (start > 0 && state->line[start - 1] == ' ')
        start--;
    while (start > 0 && state->line[start - 1] != ' ')
        start--;
    erase_before(state, state->pos - start);
}

void readline_show(struct readline_state *state)
{
    readline_put(state, state->prompt);
    state->output(state->line, state->pos);
    show_tail(state, 0);
}

static void replace_line(struct readline_state *state, const char *text)
{
    move_cursor(state, 0);
    erase(state, state->len);
    while (*text)
        readline_insert(state, *text++);
}

static void new_line(struct readline_state *state)
{
    readline_put(state, state->prompt);
    state->len = state->pos = 0;
    state->cut = false;
    state->history_at = state->history_end;
}

/* ---- history ---- */

static char *history_line(struct readline_state *state, u32 number)
{
    return state->history[number % READLINE_HISTORY];
}

static void history_add(struct readline_state *state)
{
    bool blank = true;

    for (size_t i = 0; i < state->len; i++)
        blank = blank && state->line[i] == ' ';
    if (blank)
        return;
    if (state->history_end > 0 &&
        strcmp(history_line(state, state->history_end - 1), state->line) == 0)
        return;
    memcpy(history_line(state, state->history_end++), state->line, state->len + 1);
}

static void history_show(struct readline_state *state, u32 number)
{
    if (state->history_at == state->history_end) {
        memcpy(state->draft, state->line, state->len);
        state->draft[state->len] = '\0';
    }
    state->history_at = number;
    replace_line(state, number == state->history_end ? state->draft : history_line(state, number));
}

static void history_older(struct readline_state *state)
{
    u32 kept = min(state->history_end, (u32)READLINE_HISTORY);

    if (state->history_at == state->history_end - kept)
        readline_bell(state);
    else
        history_show(state, state->history_at - 1);
}

static void history_newer(struct readline_state *state)
{
    if (state->history_at == state->history_end)
        readline_bell(state);
    else
        history_show(state, state->history_at + 1);
}

/* ---- keys ---- */

static void key_left(struct readline_state *state)
{
    if (state->pos > 0)
        move_cursor(state, state->pos - 1);
    else
        readline_bell(state);
}

static void key_right(struct readline_state *state)
{
    if (state->pos < state->len)
        move_cursor(state, state->pos + 1);
    else
        readline_bell(state);
}

static void key_delete(struct readline_state *state)
{
    if (state->pos < state->len)
        erase(state, 1);
    else
        readline_bell(state);
}

static void key_backspace(struct readline_state *state)
{
    if (state->pos > 0)
        erase_before(state, 1);
    else
        readline_bell(state);
}

static void key_erase_end(struct readline_state *state)
{
    if (state->pos < state->len)
        erase(state, state->len - state->pos);
    else
        readline_bell(state);
}

static void key_erase_start(struct readline_state *state)
{
    if (state->pos > 0)
        erase_before(state, state->pos);
    else
        readline_bell(state);
}

static void key_erase_word(struct readline_state *state)
{
    if (state->pos > 0)
        erase_word(state);
    else
        readline_bell(state);
}

/* The end of "ESC [ parameter letter" and of "ESC O letter". */
static void key_sequence(struct readline_state *state, u8 letter)
{
    if (letter == '~') {
        static const char meaning[] = {[1] = 'H', [3] = DEL, [4] = 'F', [7] = 'H', [8] = 'F'};

        letter = state->parameter < sizeof(meaning) ? meaning[state->parameter] : 0;
    }
    switch (letter) {
    case 'A':
        history_older(state);
        break;
    case 'B':
        history_newer(state);
        break;
    case 'C':
        key_right(state);
        break;
    case 'D':
        key_left(state);
        break;
    case 'H':
        move_cursor(state, 0);
        break;
    case 'F':
        move_cursor(state, state->len);
        break;
    case DEL:
        key_delete(state);
        break;
    default:
        readline_bell(state);
    }
}

/* False for a line that was too long: it is dropped, and the next one begins. */
static bool end_line(struct readline_state *state)
{
    readline_put(state, "\n");
    state->line[state->len] = '\0';
    if (!state->cut) {
        history_add(state);
        return true;
    }
    readline_put(state, "The line is too long and was dropped.\n");
    new_line(state);
    return false;
}

static void drop_line(struct readline_state *state)
{
    move_cursor(state, state->len);
    readline_put(state, "^C\n");
    new_line(state);
}

/* A byte outside of escape sequences; true when it ended the line. */
static bool feed_text(struct readline_state *state, u8 byte, bool after_dead_tab)
{
    switch (byte) {
    case '\r':
    case '\n':
        return end_line(state);
    case ESC:
        state->parser = READLINE_ESCAPE;
        break;
    case CTRL('A'):
        move_cursor(state, 0);
        break;
    case CTRL('C'):
        drop_line(state);
        break;
    case CTRL('E'):
        move_cursor(state, state->len);
        break;
    case CTRL('K'):
        key_erase_end(state);
        break;
    case CTRL('L'):
        readline_put(state, CLEAR_SCREEN);
        readline_show(state);
        break;
    case CTRL('U'):
        key_erase_start(state);
        break;
    case CTRL('W'):
        key_erase_word(state);
        break;
    case '\b':
    case DEL:
        key_backspace(state);
        break;
    case '\t':
        readline_complete_word(state, after_dead_tab);
        break;
    default:
        if (byte >= ' ' && byte < DEL)
            readline_insert(state, byte);
        else
            readline_bell(state);
    }
    return false;
}

/*
 * A byte inside of an escape sequence. False when it does not fit: the sequence ends, and the byte
 * is text.
 */
static bool feed_escape(struct readline_state *state, u8 byte)
{
    if (state->parser == READLINE_ESCAPE && (byte == '[' || byte == 'O')) {
        state->parser = byte == '[' ? READLINE_CSI : READLINE_SS3;
        state->parameter = 0;
        return true;
    }
    if (state->parser == READLINE_CSI && byte >= '0' && byte <= '9') {
        state->parameter = min(state->parameter * 10 + byte - '0', 1000u);
        return true;
    }
    if (state->parser == READLINE_CSI && byte >= ' ' && byte <= '?')
        return true; /* a separator, or an intermediate byte: no key above has one */
    if (state->parser == READLINE_CSI && byte == '[') {
        state->parser = READLINE_FUNCTION;
        return true;
    }
    if (state->parser == READLINE_ESCAPE || byte < '@' || byte >= DEL)
        return false;
    key_sequence(state, state->parser == READLINE_FUNCTION ? 0 : byte);
    state->parser = READLINE_TEXT;
    return true;
}

/* ---- the public face ---- */

void readline_init(struct readline_state *state, void (*output)(const char *text, size_t len))
{
    state->output = output;
}

void readline_begin(struct readline_state *state, const char *prompt, size_t size,
                    readline_complete_t complete)
{
    state->prompt = prompt;
    state->limit = min(size, (size_t)READLINE_MAX) - 1;
    state->complete = complete;
    new_line(state);
}

bool readline_feed(struct readline_state *state, u8 byte)
{
    bool after_return = state->after_return;
    bool after_dead_tab = state->after_dead_tab;

    state->after_return = byte == '\r';
    state->after_dead_tab = false;
    if (after_return && byte == '\n')
        return false;
    if (state->parser != READLINE_TEXT) {
        if (feed_escape(state, byte))
            return false;
        state->parser = READLINE_TEXT;
    }
    return feed_text(state, byte, after_dead_tab);
}

size_t readline(const char *prompt, char *buf, size_t size, readline_complete_t complete)
{
    static struct readline_state state;

    readline_init(&state, console_write);
    readline_begin(&state, prompt, size, complete);
    while (!readline_feed(&state, tty_getc()))
        ;
    memcpy(buf, state.line, state.len + 1);
    return state.len;
}
