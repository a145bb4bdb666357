/*
 * The keyboard's codes: what does a row of them type? They are passed to the decoder as the
 * controller delivers them (scan code set 1); test_console.py presses the keys of a whole machine.
 * Expected are the codes of IBM's reference, the US layout, the sequences of terminfo for `linux`.
 */
#include <drivers/keyboard.h>
#include <kernel/monitor/ktest.h>
#include <lib/string.h>

static struct keyboard keyboard;

struct row {
    const char *codes;
    u8 count;
    const char *text;
};

/* A row: the codes without the final 0, and what they type. */
#define ROW(codes_, text_)                                                                         \
    ((struct row){.codes = (codes_), .count = sizeof(codes_) - 1, .text = (text_)})

static const char *type(const struct row *row)
{
    static char typed[128];
    u32 len = 0;

    for (u32 i = 0; i < row->count && len < sizeof(typed) - KEYBOARD_TEXT; i++)
        len += keyboard_decode(&keyboard, row->codes[i], typed + len);
    typed[len] = '\0';
    return typed;
}

/* One after the other, starting with no key pressed. */
static void expect_rows(const struct row *rows, u32 count)
{
    memset(&keyboard, 0, sizeof(keyboard));
    for (u32 i = 0; i < count; i++) {
        const char *typed = type(&rows[i]);

        if (strcmp(typed, rows[i].text) != 0)
            ktest_fail(__FILE__, __LINE__, "row %u types \"%s\", not \"%s\"", i, typed,
                       rows[i].text);
    }
}

KTEST(keyboard, letters_and_shift)
{
    static const struct row rows[] = {
        ROW("\x1e\x9e\x30\xb0\x39\xb9\x1c\x9c", "ab \r"),
        ROW("\x1e\x1e\x1e\x9e", "aaa"), /* held down, it repeats */
        ROW("\x2a\x1e\x9e\x03\x83\xaa\x03\x83", "A@2"),
        ROW("\x36\x1e\x9e\x28\x29\x2b\xb6\x28\x29\x2b", "A\"~|'`\\"),
        ROW("\x2a\x36\xaa\x1e\xb6\x1e", "Aa"), /* one of two Shift keys is still held */
        ROW("\x01\x0e\x0f", "\033\177\t"),
    };

    expect_rows(rows, ARRAY_SIZE(rows));
}

KTEST(keyboard, caps_lock_is_for_letters)
{
    static const struct row rows[] = {
        ROW("\x3a\xba\x1e\x02\x2a\x1e\x02\xaa", "A1a!"),
        ROW("\x3a\x3a\x3a\xba\x1e", "a"), /* held down, it changes once */
    };

    expect_rows(rows, ARRAY_SIZE(rows));
}

KTEST(keyboard, control_and_alt)
{
    static const struct row rows[] = {
        ROW("\x1d\x2e\x20\x2c\x2b\x9d\x2e", "\x03\x04\x1a\x1c"
                                            "c"),
        ROW("\xe0\x1d\x2e\xe0\x9d\x2e", "\x03"
                                        "c"),
        ROW("\x1d\xe0\x1d\x9d\x2e\xe0\x9d", "\x03"), /* the right one is still held */
        ROW("\x38\x30\xb8\x30", "\033bb"),
        ROW("\xe0\x38\x30\xe0\xb8\x30", "\033bb"),
        ROW("\x1d\x28\x9d", ""), /* Ctrl with a quote types nothing */
    };

    expect_rows(rows, ARRAY_SIZE(rows));
}

KTEST(keyboard, control_and_the_blank_are_a_zero)
{
    char text[KEYBOARD_TEXT];

    memset(&keyboard, 0, sizeof(keyboard));
    expect_eq(keyboard_decode(&keyboard, 0x1d, text), 0);
    expect_eq(keyboard_decode(&keyboard, 0x39, text), 1);
    expect_eq(text[0], '\0');
}

KTEST(keyboard, arrows_and_their_like)
{
    static const struct row rows[] = {
        ROW("\xe0\x48\xe0\xc8\xe0\x50\xe0\x4b\xe0\x4d", "\033[A\033[B\033[D\033[C"),
        ROW("\xe0\x47\xe0\x4f\xe0\x53\xe0\x52\xe0\x49\xe0\x51",
            "\033[1~\033[4~\033[3~\033[2~\033[5~\033[6~"),
        ROW("\xe0\x1c\xe0\x35", "\r/"),
        ROW("\x2a\x0f\xaa", "\033[Z"),
        /*
         * The keyboard sends fake Shift codes around them: before, and between.
         */
        ROW("\xe0\x2a\xe0\x48\xe0\xc8\xe0\xaa\x1e", "\033[Aa"),
        ROW("\x2a\xe0\xaa\xe0\x48\xe0\xc8\xe0\x2a\x1e\xaa\x1e", "\033[AAa"),
    };

    expect_rows(rows, ARRAY_SIZE(rows));
}

KTEST(keyboard, function_keys)
{
    static const struct row rows[] = {
        ROW("\x3b\x3f", "\033[[A\033[[E"),
        ROW("\x40\x44\x57\x58", "\033[17~\033[21~\033[23~\033[24~"),
        ROW("\x38\x3b\xb8", "\033\033[[A"),
    };

    expect_rows(rows, ARRAY_SIZE(rows));
}

KTEST(keyboard, keypad)
{
    static const struct row rows[] = {
        ROW("\x47\x4c\x53\x4a\x4e\x37", "\033[1~\033[G\033[3~-+*"),
        ROW("\x45\xc5\x47\x4c\x53\x4a\x4e\x52", "75.-+0"),
        ROW("\x2a\x48\xaa", "\033[A"), /* Shift inverts it */
        ROW("\xe0\x48", "\033[A"),     /* the arrows do not depend on it */
        ROW("\x45\xc5\x48", "\033[A"),
    };

    expect_rows(rows, ARRAY_SIZE(rows));
}

/*
 * Pause, PrintScreen, answers of the keyboard, unknown keys: and the next key is right.
 */
KTEST(keyboard, what_types_nothing)
{
    static const struct row rows[] = {
        ROW("\xe1\x1d\x45\xe1\x9d\xc5\x1e\x47", "a\033[1~"),
        ROW("\xe0\x2a\xe0\x37\xe0\xb7\xe0\xaa\x1e", "a"),
        ROW("\xfa\xfe\xee\xff\xaa\x1e", "a"),
        ROW("\xe0\x5b\xe0\xdb\xe0\x5f\xe0\x01\x7f\x59\x6e\x1e", "a"),
    };

    expect_rows(rows, ARRAY_SIZE(rows));
}

/* No code, in any state, types more than the buffer holds. */
KTEST(keyboard, any_codes)
{
    u32 seed = 1;

    memset(&keyboard, 0, sizeof(keyboard));
    for (u32 i = 0; i < 100000; i++) {
        char text[KEYBOARD_TEXT + 1];
        u32 len;

        text[KEYBOARD_TEXT] = 'x';
        seed = seed * 1664525 + 1013904223;
        len = keyboard_decode(&keyboard, seed >> 24, text);
        if (!expect(len <= KEYBOARD_TEXT && text[KEYBOARD_TEXT] == 'x'))
            return;
    }
}
