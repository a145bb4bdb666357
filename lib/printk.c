/*
 * Kernel messages: format the text and pass it to every sink.
 *
 * The text is collected in a small buffer on the caller's stack and is flushed when the buffer is
 * full or the message ends. So a usual line reaches each sink as one piece, a longer one in
 * several, and none is cut. The only state is the table of sinks: printk() may be called from an
 * interrupt handler during another printk(), and the texts are then mixed only at the borders of
 * pieces.
 *
 * Limits: no log is kept; a message before the first sink is lost. A sink must protect its own
 * data. Neighbours: lib/printf.c formats, kernel/tty/console.c adds the sink, lib/panic.c reports
 * early panics here.
 */
#include <lib/panic.h>
#include <lib/printf.h>
#include <lib/printk.h>
#include <lib/string.h>

#define PIECE_MAX    256
#define LINE_COLUMNS 79 /* in the 80th, some terminals begin a new line */

struct piece {
    size_t used;
    char text[PIECE_MAX];
};

static printk_sink_t sinks[PRINTK_SINKS] __ro_after_init;
static u32 sink_count;

void printk_add_sink(printk_sink_t sink)
{
    if (sink_count == PRINTK_SINKS)
        panic("no room for another printk sink");
    sinks[sink_count++] = sink;
}

static void flush(struct piece *piece)
{
    for (u32 i = 0; i < sink_count; i++)
        sinks[i](piece->text, piece->used);
    piece->used = 0;
}

static void put_piece(void *arg, const char *text, size_t len)
{
    struct piece *piece = arg;

    while (len) {
        size_t part = min(len, PIECE_MAX - piece->used);

        memcpy(piece->text + piece->used, text, part);
        piece->used += part;
        text += part;
        len -= part;
        if (piece->used == PIECE_MAX)
            flush(piece);
    }
}

void vprintk(const char *fmt, va_list args)
{
    struct piece piece;

    piece.used = 0; /* the text needs no clearing */
    vformat(put_piece, &piece, fmt, args);
    if (piece.used)
        flush(&piece);
}

void printk(const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    vprintk(fmt, args);
    va_end(args);
}

/* How much of the text is for this line: up to the last blank that fits, or else up to the first. */
static size_t line_len(const char *text, size_t room)
{
    size_t len = strlen(text), end = room;

    if (len <= room)
        return len;
    while (end && text[end] != ' ')
        end--;
    if (!end)
        while (end < len && text[end] != ' ')
            end++;
    return end;
}

void printk_folded(const char *text)
{
    const char *indent = "";

    for (;;) {
        size_t len = line_len(text, LINE_COLUMNS - strlen(indent));

        printk("%s%.*s\n", indent, (int)len, text);
        if (!text[len])
            return;
        text += len + 1;
        indent = "  ";
    }
}
