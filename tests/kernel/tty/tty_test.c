/*
 * The line discipline, byte by byte: what does a reader get, and what does the terminal show? Each
 * test is a row of settings, keys, what can be read and what was printed. Expected is the behaviour
 * of Linux's n_tty with the same keys (observed on a pty of Linux; user/tests/tty_test.c tests both
 * kernels again).
 */
#include <kernel/monitor/ktest.h>
#include <kernel/tty/n_tty.h>
#include <lib/string.h>
#include <linux/termios.h>
#include <mm/frame/slab.h>

#include "tests/kernel/process/run.h"

static struct n_tty *tty;

static struct {
    char text[512];
    u32 used;
} shown;

static void show(const char *text, size_t len)
{
    len = min(len, sizeof(shown.text) - 1 - shown.used);
    memcpy(shown.text + shown.used, text, len);
    shown.used += len;
    shown.text[shown.used] = '\0';
}

/* A terminal with these changes to its settings; false when there is no memory for it. */
static bool begin(u32 iflag_on, u32 lflag_on, u32 lflag_off)
{
    struct termios2 termios;

    tty = kmalloc(sizeof(*tty));
    if (!expect(tty != NULL))
        return false;
    memset(tty, 0xa5, sizeof(*tty)); /* n_tty_init() must not rely on zeros */
    n_tty_init(tty, show);
    n_tty_default_termios(&termios);
    termios.c_iflag |= iflag_on;
    termios.c_lflag = (termios.c_lflag | lflag_on) & ~lflag_off;
    n_tty_set_termios(tty, &termios);
    shown.used = 0;
    shown.text[0] = '\0';
    return true;
}

static void end(void)
{
    kfree(tty);
    tty = NULL;
}

static void set_oflag(u32 oflag)
{
    struct termios2 termios = tty->termios;

    termios.c_oflag = oflag;
    n_tty_set_termios(tty, &termios);
}

static void set_key(u32 which, u8 byte)
{
    struct termios2 termios = tty->termios;

    termios.c_cc[which] = byte;
    n_tty_set_termios(tty, &termios);
}

static void change_mode(u32 lflag_on, u32 lflag_off)
{
    struct termios2 termios = tty->termios;

    termios.c_lflag = (termios.c_lflag | lflag_on) & ~lflag_off;
    n_tty_set_termios(tty, &termios);
}

/* Type as long as keys are accepted. Returns how many were. */
static u32 type(const char *keys)
{
    u32 i = 0;

    for (; keys[i] && n_tty_wants_input(tty); i++)
        n_tty_feed(tty, keys[i]);
    return i;
}

/*
 * What a reader with space for `count` bytes gets; "EAGAIN" if there is nothing, "" at end of file.
 */
static const char *read_some(u32 count)
{
    static char text[256];
    const u8 *from;
    u32 len;

    if (!n_tty_available(tty) && !tty->ended)
        return "EAGAIN";
    len = n_tty_peek(tty, min(count, (u32)sizeof(text) - 1), &from);
    memcpy(text, from, len);
    text[len] = '\0';
    n_tty_consume(tty, len);
    return text;
}

static const char *written(const char *text)
{
    shown.used = 0;
    shown.text[0] = '\0';
    for (u32 done = 0, len = strlen(text); done < len;)
        done += n_tty_write(tty, text + done, len - done);
    return shown.text;
}

#define expect_text(a, b)                                                                          \
    ({                                                                                             \
        const char *text_a = (a), *text_b = (b);                                                   \
        if (strcmp(text_a, text_b) != 0)                                                           \
            ktest_fail(__FILE__, __LINE__, "%s is \"%s\", not \"%s\"", #a, text_a, text_b);        \
    })

/* Keys that end a line, what is read then, and what is shown. */
static void expect_line_with(u32 iflag_on, u32 lflag_on, u32 lflag_off, const char *keys,
                             const char *line, const char *echo)
{
    if (!begin(iflag_on, lflag_on, lflag_off))
        return;
    type(keys);
    expect_text(shown.text, echo);
    expect_text(read_some(255), line);
    expect_text(read_some(255), "EAGAIN");
    end();
}

static void expect_line(const char *keys, const char *line, const char *echo)
{
    expect_line_with(0, 0, 0, keys, line, echo);
}

KTEST(tty, canonical_lines)
{
    expect_line("hello\n", "hello\n", "hello\r\n");
    expect_line("hello\r", "hello\n", "hello\r\n");
    expect_line("hello", "EAGAIN", "hello");
    expect_line("\n", "\n", "\r\n");
    expect_line("abc\x04", "abc", "abc");
    expect_line("\x04", "", "");
    expect_line("\001x\n", "\001x\n", "^Ax\r\n");
    expect_line("\033[A\n", "\033[A\n", "^[[A\r\n");
    expect_line("a\tb\n", "a\tb\n", "a\tb\r\n");
    expect_line("\xc3\xa4\n", "\xc3\xa4\n", "\xc3\xa4\r\n");
}

KTEST(tty, editing)
{
    expect_line("ab\x7f\x63\n", "ac\n", "ab\b \bc\r\n");
    expect_line("\x7f\x7f\n", "\n", "\r\n");
    expect_line("a\001\x7f\x7f\n", "\n", "a^A\b \b\b \b\b \b\r\n");
    expect_line("wrong\x15right\n", "right\n", "wrong\b \b\b \b\b \b\b \b\b \bright\r\n");
    expect_line("one two  \x17!\n", "one !\n", "one two  \b \b\b \b\b \b\b \b\b \b!\r\n");
    expect_line("\x17x\n", "x\n", "x\r\n");
    expect_line("ab\x12\x63\n", "abc\n", "ab^R\r\nabc\r\n");
    expect_line("\x16\x03\n", "\003\n", "^\b^C\r\n");
    expect_line("\x16\x7f\n", "\x7f\n", "^\b^?\r\n");
    expect_line("\x16\x04x\n", "\004x\n", "^\b^Dx\r\n");
}

/* The width of a tab depends on its position, also after a prompt. */
KTEST(tty, erases_tabs)
{
    expect_line("abc\t\x7f\n", "abc\n", "abc\t\b \b\b \b\b \b\b \b\b \b\r\n");
    if (!begin(0, 0, 0))
        return;
    written("ab");
    shown.used = 0;
    type("c\t\x7f");
    expect_text(shown.text, "c\t\b \b\b \b\b \b\b \b\b \b");
    end();
}

KTEST(tty, echo_flags)
{
    expect_line_with(0, 0, ECHO, "ab\x7f\n", "a\n", "");
    expect_line_with(0, ECHONL, ECHO, "ab\x7f\n", "a\n", "\r\n");
    expect_line_with(0, 0, ECHOE, "ab\x7f\n", "a\n", "ab^?\r\n");
    expect_line_with(0, 0, ECHOCTL, "\001\n", "\001\n", "\001\r\n");
    expect_line_with(0, 0, ECHOKE, "ab\x15\n", "\n", "ab^U\r\n\r\n");
    expect_line_with(0, 0, ECHOKE | ECHOK, "ab\x15\n", "\n", "ab^U\r\n");
    expect_line_with(0, 0, IEXTEN, "a b\x17\x16\x12\n", "a b\x17\x16\x12\n", "a b^W^V^R\r\n");
}

KTEST(tty, input_flags)
{
    expect_line_with(IGNCR, 0, 0, "a\rb\n", "ab\n", "ab\r\n");
    expect_line_with(ISTRIP, 0, 0, "\xe1\n", "a\n", "a\r\n");
    expect_line_with(IUTF8, 0, 0, "\xc3\xa4\x7fx\n", "x\n", "\xc3\xa4\b \bx\r\n");
    if (!begin(0, 0, 0))
        return;
    tty->termios.c_iflag = INLCR; /* without ICRNL a return does not end a line */
    type("a\rb\nc");
    expect_text(read_some(255), "EAGAIN");
    expect_text(shown.text, "a^Mb^Mc");
    end();
}

KTEST(tty, other_line_ends)
{
    if (!begin(0, 0, 0))
        return;
    set_key(VEOL, ';');
    expect_eq(type("ab;cd"), 3);
    expect_text(read_some(255), "ab;");
    set_key(VEOL2, '!');
    expect_eq(type("x!"), 2);
    expect_text(read_some(255), "x!");
    set_key(VERASE, 0); /* no key has this value */
    type("a\x7f\n");
    expect_text(read_some(255), "a\x7f\n");
    end();
}

/* A line waits until it is read completely; what was typed after it is used only then. */
KTEST(tty, a_line_at_a_time)
{
    const char *keys = "first\nsecond\n";

    if (!begin(0, 0, 0))
        return;
    expect_eq(type(keys), 6);
    expect(!n_tty_wants_input(tty));
    expect_eq(n_tty_available(tty), 6);
    expect_text(read_some(2), "fi");
    expect_text(read_some(2), "rs");
    expect(!n_tty_wants_input(tty));
    expect_text(read_some(200), "t\n");
    expect_text(read_some(200), "EAGAIN");
    expect_eq(type(keys + 6), 7);
    expect_text(read_some(200), "second\n");
    end();
}

/* The end of file is returned once, and not after bytes that were all read. */
KTEST(tty, end_of_file)
{
    if (!begin(0, 0, 0))
        return;
    type("abc\x04");
    expect_text(read_some(3), "abc");
    expect_text(read_some(3), "EAGAIN");
    type("\x04");
    expect_text(read_some(3), "");
    expect_text(read_some(3), "EAGAIN");
    end();
}

KTEST(tty, long_lines)
{
    u32 bells = 0;

    if (!begin(0, 0, ECHO))
        return;
    for (u32 i = 0; i < N_TTY_SIZE + 10; i++)
        n_tty_feed(tty, 'x');
    for (u32 i = 0; i < shown.used; i++)
        bells += shown.text[i] == '\a';
    expect_eq(bells, 11);
    type("\n");
    expect_eq(n_tty_available(tty), N_TTY_SIZE);
    n_tty_consume(tty, N_TTY_SIZE - 1);
    expect_text(read_some(5), "\n");
    expect_text(read_some(5), "EAGAIN");
    end();
}

KTEST(tty, raw)
{
    u32 taken;

    if (!begin(0, 0, ICANON | ECHO))
        return;
    expect_text(read_some(5), "EAGAIN");
    expect_eq(type("a\x04\x7f\x15\x16\r"), 6);
    expect_text(read_some(2), "a\x04");
    type("z");
    expect_text(read_some(200), "\x7f\x15\x16\nz");
    expect_text(shown.text, "");
    for (taken = 0; n_tty_wants_input(tty); taken++)
        n_tty_feed(tty, 'x');
    expect_eq(taken, N_TTY_SIZE - 1);
    expect_text(read_some(3), "xxx");
    n_tty_feed(tty, 'y');
    expect_eq(n_tty_available(tty), N_TTY_SIZE - 3);
    end();
    if (begin(0, 0, ICANON)) {
        type("a\r\033");
        expect_text(shown.text, "a^J^[");
        end();
    }
}

/* What was typed in one mode can be read in the other. */
KTEST(tty, changes_of_mode)
{
    if (!begin(0, 0, 0))
        return;
    type("half");
    change_mode(0, ICANON);
    expect_text(read_some(200), "half");
    type("one\ntwo\nx");
    change_mode(ICANON, 0);
    expect(!n_tty_wants_input(tty));
    expect_text(read_some(200), "one\n");
    expect_text(read_some(200), "two\n");
    expect_text(read_some(200), "x");
    expect_text(read_some(200), "EAGAIN");
    type("\x04");
    change_mode(0, ICANON); /* the end of file was not read yet, and now there is none */
    expect_text(read_some(200), "EAGAIN");
    change_mode(ICANON, 0);
    expect_text(read_some(200), "EAGAIN");
    type("line\n");
    change_mode(0, ICANON);
    change_mode(ICANON, 0);
    expect_text(read_some(200), "line\n");
    type("a\x16");
    n_tty_flush(tty);
    type("\x7f\n");
    expect_text(read_some(200), "\n");
    end();
}

KTEST(tty, output)
{
    if (!begin(0, 0, 0))
        return;
    expect_text(written("a\nb\r\n"), "a\r\nb\r\r\n");
    set_oflag(0);
    expect_text(written("a\nb\t"), "a\nb\t");
    set_oflag(OPOST);
    expect_text(written("a\nb"), "a\nb");
    set_oflag(OPOST | OCRNL);
    expect_text(written("a\rb"), "a\nb");
    set_oflag(OPOST | OLCUC);
    expect_text(written("aZ9"), "AZ9");
    end();
    if (!begin(0, 0, 0))
        return;
    set_oflag(OPOST | ONLCR | XTABS);
    expect_text(written("a\tb\n\tc\b\t"), "a       b\r\n        c\b        ");
    set_oflag(OPOST | ONOCR | ONLRET);
    expect_text(written("\n\r\rx\r\r"), "\nx\r");
    end();
}

/* Long output is written in parts and loses nothing. */
KTEST(tty, output_in_parts)
{
    static char text[301];
    u32 taken;

    if (!begin(0, 0, 0))
        return;
    memset(text, 'x', 300);
    taken = n_tty_write(tty, text, 300);
    expect(taken > 0 && taken < 300);
    taken += n_tty_write(tty, text + taken, 300 - taken);
    expect_eq(taken, 300);
    expect_eq(shown.used, 300);
    shown.used = 0;
    memset(text, '\n', 150); /* each becomes two */
    expect_eq(n_tty_write(tty, text, 150), 150);
    expect_eq(shown.used, 300);
    end();
}

/* Settings are those of Linux's tty_std_termios, at the speed of the line. */
KTEST(tty, default_settings)
{
    struct termios2 termios;

    n_tty_default_termios(&termios);
    expect_eq(termios.c_iflag & ~IMAXBEL, ICRNL | IXON);
    expect_eq(termios.c_oflag, OPOST | ONLCR);
    expect_eq(termios.c_lflag, ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN);
    expect(memcmp(termios.c_cc, "\003\034\177\025\004\0\1\0\021\023\032\0\022\017\027\026\0", 17) ==
           0);
}

KTEST(tty, programs)
{
    expect_passes("tty_test");
}
