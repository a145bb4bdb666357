/*
 * The line discipline (man 3 termios): typed bytes become lines or raw input, with their echo, and
 * written bytes are processed for the terminal.
 *
 * There is one buffer for one line. In canonical mode bytes are added and erased at its end until a
 * newline, EOL or EOF ends it; then it only shrinks at its head as it is read, and the following
 * bytes wait in the driver's queue. In raw mode the buffer has the bytes that are typed and not
 * read yet. After a change of mode, the present bytes become readable.
 *
 * The columns of a line on the terminal are tracked, so that erasing a tab or a "^A" removes its
 * full width. ECHOPRT, PARMRK, delays and IUCLC are for obsolete terminals: they are stored and
 * have no effect.
 *
 * Limits: a line has at most 4095 bytes and its end, as in Linux; more bytes ring the bell and are
 * dropped.
 *
 * Neighbours: kernel/tty/tty.c feeds it and serves readers.
 */
#include <asm/termbits.h>
#include <kernel/tty/n_tty.h>
#include <lib/string.h>

#define CTRL(c)   ((c) % 32)
#define DEL       0x7f
#define TAB       8u
#define PIECE     128 /* bytes sent to the terminal in one call */
#define WRITE_MAX 256u

static bool has(const struct n_tty *tty, u32 lflag)
{
    return tty->termios.c_lflag & lflag;
}

static bool is_control(u8 byte)
{
    return byte < ' ' || byte == DEL;
}

static bool is_continuation(const struct n_tty *tty, u8 byte)
{
    return tty->termios.c_iflag & IUTF8 && (byte & 0xc0) == 0x80;
}

/* Control characters are bytes of c_cc; 0 there means that it is disabled. */
static bool is_key(const struct n_tty *tty, u8 byte, u32 which)
{
    return byte && byte == tty->termios.c_cc[which];
}

void n_tty_default_termios(struct termios2 *termios)
{
    *termios = (struct termios2){
        .c_iflag = ICRNL | IXON | IMAXBEL,
        .c_oflag = OPOST | ONLCR,
        .c_cflag = B115200 | CS8 | CREAD | HUPCL,
        .c_lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN,
        .c_cc =
            {
                [VINTR] = CTRL('C'),
                [VQUIT] = CTRL('\\'),
                [VERASE] = DEL,
                [VKILL] = CTRL('U'),
                [VEOF] = CTRL('D'),
                [VMIN] = 1,
                [VSTART] = CTRL('Q'),
                [VSTOP] = CTRL('S'),
                [VSUSP] = CTRL('Z'),
                [VREPRINT] = CTRL('R'),
                [VDISCARD] = CTRL('O'),
                [VWERASE] = CTRL('W'),
                [VLNEXT] = CTRL('V'),
            },
        .c_ispeed = 115200,
        .c_ospeed = 115200,
    };
}

void n_tty_init(struct n_tty *tty, void (*output)(const char *text, size_t len))
{
    n_tty_default_termios(&tty->termios);
    tty->output = output;
    tty->column = 0;
    n_tty_flush(tty);
}

void n_tty_flush(struct n_tty *tty)
{
    tty->head = tty->len = 0;
    tty->ended = tty->was_raw = tty->next_literal = false;
    tty->line_column = tty->column;
}

void n_tty_set_termios(struct n_tty *tty, const struct termios2 *termios)
{
    bool was_canonical = n_tty_is_canonical(tty);

    tty->termios = *termios;
    if (was_canonical == n_tty_is_canonical(tty))
        return;
    if (tty->head == tty->len)
        n_tty_flush(tty); /* also an end of file that was not read */
    tty->ended = tty->was_raw = tty->len > 0 && !was_canonical;
    tty->next_literal = false;
}

/* ---- output ---- */

/* Text on its way to the terminal. */
struct piece {
    struct n_tty *tty;
    u32 used;
    char text[PIECE];
};

static void flush(struct piece *piece)
{
    if (piece->used)
        piece->tty->output(piece->text, piece->used);
    piece->used = 0;
}

static void put(struct piece *piece, char c)
{
    if (piece->used == PIECE)
        flush(piece);
    piece->text[piece->used++] = c;
}

static void put_newline(struct piece *piece)
{
    u32 oflag = piece->tty->termios.c_oflag;

    if (oflag & (ONLCR | ONLRET))
        piece->tty->column = 0;
    if (oflag & ONLCR)
        put(piece, '\r');
    put(piece, '\n');
}

static void put_return(struct piece *piece)
{
    u32 oflag = piece->tty->termios.c_oflag;

    if (oflag & ONOCR && piece->tty->column == 0)
        return;
    if (!(oflag & OCRNL) || oflag & ONLRET)
        piece->tty->column = 0;
    put(piece, oflag & OCRNL ? '\n' : '\r');
}

static void put_tab(struct piece *piece)
{
    u32 blanks = TAB - piece->tty->column % TAB;

    piece->tty->column += blanks;
    if ((piece->tty->termios.c_oflag & TABDLY) != XTABS) {
        put(piece, '\t');
        return;
    }
    while (blanks-- > 0)
        put(piece, ' ');
}

/* Put one byte of output, processed according to OPOST and the related flags. */
static void put_processed(struct piece *piece, u8 byte)
{
    struct n_tty *tty = piece->tty;

    if (!(tty->termios.c_oflag & OPOST)) {
        put(piece, byte);
        return;
    }
    switch (byte) {
    case '\n':
        put_newline(piece);
        break;
    case '\r':
        put_return(piece);
        break;
    case '\t':
        put_tab(piece);
        break;
    case '\b':
        tty->column -= tty->column > 0;
        put(piece, byte);
        break;
    default:
        if (tty->termios.c_oflag & OLCUC && byte >= 'a' && byte <= 'z')
            byte -= 'a' - 'A';
        tty->column += !is_control(byte) && !is_continuation(tty, byte);
        put(piece, byte);
    }
}

u32 n_tty_write(struct n_tty *tty, const char *text, u32 count)
{
    struct piece piece = {.tty = tty};
    u32 taken = min(count, WRITE_MAX);

    for (u32 i = 0; i < taken; i++)
        put_processed(&piece, text[i]);
    flush(&piece);
    return taken;
}

/* ---- echo ---- */

static void show(struct n_tty *tty, const char *text)
{
    n_tty_write(tty, text, strlen(text));
}

static void echo_newline(struct n_tty *tty)
{
    if (has(tty, ECHO | ECHONL))
        show(tty, "\n");
}

void n_tty_echo(struct n_tty *tty, u8 byte)
{
    char text[2] = {'^', byte ^ 0x40};

    if (!has(tty, ECHO))
        return;
    if (has(tty, ECHOCTL) && is_control(byte) && byte != '\t')
        n_tty_write(tty, text, 2);
    else
        n_tty_write(tty, (const char *)&byte, 1);
}

/* The columns of the line's first `end` bytes, as n_tty_echo() shows them. */
static u32 line_width(const struct n_tty *tty, u32 end)
{
    u32 column = tty->line_column;

    for (u32 i = 0; i < end; i++) {
        u8 byte = tty->buf[i];

        if (byte == '\t')
            column += TAB - column % TAB;
        else if (is_control(byte))
            column += has(tty, ECHOCTL) ? 2 : 0;
        else
            column += !is_continuation(tty, byte);
    }
    return column - tty->line_column;
}

/* ---- editing ---- */

/* Shorten the line, and erase the rest on the terminal. */
static void cut_line(struct n_tty *tty, u32 new_len)
{
    u32 columns = line_width(tty, tty->len) - line_width(tty, new_len);

    tty->len = new_len;
    if (!has(tty, ECHO))
        return;
    while (columns-- > 0)
        show(tty, "\b \b");
}

/* Where the last character begins. */
static u32 last_character(const struct n_tty *tty)
{
    u32 at = tty->len - 1;

    while (at > 0 && is_continuation(tty, tty->buf[at]))
        at--;
    return at;
}

static bool is_word(u8 byte)
{
    return (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= 'a' && byte <= 'z') || byte == '_' || byte >= 0x80;
}

/* Where the last word begins; everything behind it is erased, too. */
static u32 last_word(const struct n_tty *tty)
{
    u32 at = tty->len;

    while (at > 0 && !is_word(tty->buf[at - 1]))
        at--;
    while (at > 0 && is_word(tty->buf[at - 1]))
        at--;
    return at;
}

static void erase(struct n_tty *tty, u8 key, u32 new_len)
{
    if (has(tty, ECHO) && !has(tty, ECHOE)) {
        tty->len = new_len;
        n_tty_echo(tty, key);
    } else {
        cut_line(tty, new_len);
    }
}

static void kill_line(struct n_tty *tty, u8 key)
{
    if (!has(tty, ECHO)) {
        tty->len = 0;
    } else if (has(tty, ECHOK) && has(tty, ECHOKE) && has(tty, ECHOE)) {
        cut_line(tty, 0);
    } else {
        tty->len = 0;
        n_tty_echo(tty, key);
        if (has(tty, ECHOK))
            show(tty, "\n");
    }
}

static void reprint(struct n_tty *tty, u8 key)
{
    if (!has(tty, ECHO))
        return;
    n_tty_echo(tty, key);
    show(tty, "\n");
    tty->line_column = tty->column;
    for (u32 i = 0; i < tty->len; i++)
        n_tty_echo(tty, tty->buf[i]);
}

/* Handle an editing key; false for other bytes. */
static bool edit(struct n_tty *tty, u8 byte)
{
    bool extended = has(tty, IEXTEN);

    if (is_key(tty, byte, VERASE)) {
        if (tty->len > 0)
            erase(tty, byte, last_character(tty));
    } else if (extended && is_key(tty, byte, VWERASE)) {
        if (tty->len > 0)
            erase(tty, byte, last_word(tty));
    } else if (is_key(tty, byte, VKILL)) {
        kill_line(tty, byte);
    } else if (extended && is_key(tty, byte, VREPRINT)) {
        reprint(tty, byte);
    } else if (extended && is_key(tty, byte, VLNEXT)) {
        tty->next_literal = true;
        if (has(tty, ECHO) && has(tty, ECHOCTL))
            show(tty, "^\b");
    } else {
        return false;
    }
    return true;
}

/* ---- input ---- */

static void add(struct n_tty *tty, u8 byte)
{
    if (tty->len == N_TTY_SIZE - 1) {
        if (tty->termios.c_iflag & IMAXBEL)
            show(tty, "\a");
        return;
    }
    if (tty->len == 0)
        tty->line_column = tty->column;
    n_tty_echo(tty, byte);
    tty->buf[tty->len++] = byte;
}

/* True when the byte ends the line. */
static bool end_line(struct n_tty *tty, u8 byte)
{
    if (byte == '\n') {
        echo_newline(tty);
        tty->buf[tty->len++] = byte; /* add() has left room */
    } else if (is_key(tty, byte, VEOL) || (has(tty, IEXTEN) && is_key(tty, byte, VEOL2))) {
        n_tty_echo(tty, byte);
        tty->buf[tty->len++] = byte;
    } else if (!is_key(tty, byte, VEOF)) {
        return false;
    }
    tty->ended = true;
    return true;
}

/* A byte translated by ISTRIP, IGNCR, ICRNL and INLCR; -1: it is dropped. */
static int translate(const struct n_tty *tty, u8 byte)
{
    u32 iflag = tty->termios.c_iflag;

    if (iflag & ISTRIP)
        byte &= 0x7f;
    if (byte == '\r') {
        if (iflag & IGNCR)
            return -1;
        return iflag & ICRNL ? '\n' : byte;
    }
    return byte == '\n' && iflag & INLCR ? '\r' : byte;
}

/* Move the bytes to the start of the buffer, so that there is room at the end. */
static void compact(struct n_tty *tty)
{
    if (tty->head == 0)
        return;
    memmove(tty->buf, tty->buf + tty->head, tty->len - tty->head);
    tty->len -= tty->head;
    tty->head = 0;
}

bool n_tty_wants_input(const struct n_tty *tty)
{
    if (n_tty_is_canonical(tty))
        return !tty->ended;
    return tty->len - tty->head < N_TTY_SIZE - 1;
}

void n_tty_feed(struct n_tty *tty, u8 byte)
{
    int translated;

    compact(tty);
    if (tty->next_literal) {
        tty->next_literal = false;
        add(tty, byte);
        return;
    }
    translated = translate(tty, byte);
    if (translated < 0)
        return;
    if (!n_tty_is_canonical(tty) || (!edit(tty, translated) && !end_line(tty, translated)))
        add(tty, translated);
}

/* ---- reading ---- */

u32 n_tty_available(const struct n_tty *tty)
{
    return !n_tty_is_canonical(tty) || tty->ended ? tty->len - tty->head : 0;
}

u32 n_tty_peek(const struct n_tty *tty, u32 count, const u8 **text)
{
    u32 ready = min(n_tty_available(tty), count);
    const u8 *newline;

    *text = tty->buf + tty->head;
    if (!tty->was_raw || !n_tty_is_canonical(tty))
        return ready;
    newline = memchr(*text, '\n', ready); /* typed in raw mode, so there may be several lines */
    return newline ? (u32)(newline - *text) + 1 : ready;
}

void n_tty_consume(struct n_tty *tty, u32 count)
{
    tty->head += min(count, tty->len - tty->head);
    if (tty->head < tty->len)
        return;
    tty->head = tty->len = 0;
    tty->ended = tty->was_raw = false;
}
