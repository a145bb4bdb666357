/*
 * Line editing, byte by byte as from a terminal, with the output shown on a small screen: a row of
 * cells and a cursor. So each test can check two things: is the line right, and does the screen
 * show it?
 */
#include <kernel/monitor/ktest.h>
#include <kernel/monitor/readline.h>
#include <lib/printf.h>
#include <lib/string.h>

#define PROMPT "> "
#define UP     "\033[A"
#define DOWN   "\033[B"
#define RIGHT  "\033[C"
#define LEFT   "\033[D"
#define HOME   "\033[H"
#define END    "\033[F"
#define DELETE "\033[3~"

static struct readline_state state;

/*
 * The terminal: the row of the cursor, the number of rows above it, how often the bell rang, all
 * output so far.
 */
static struct {
    char row[400];
    u32 column, rows, bells;
    char log[1024];
    u32 logged;
} screen;

static void screen_put(char c)
{
    if (screen.logged < sizeof(screen.log) - 1)
        screen.log[screen.logged++] = c;
    if (c == '\b') {
        screen.column -= screen.column > 0;
    } else if (c == '\a') {
        screen.bells++;
    } else if (c == '\n') {
        memset(screen.row, 0, sizeof(screen.row));
        screen.column = 0;
        screen.rows++;
    } else if (screen.column < sizeof(screen.row) - 1) {
        screen.row[screen.column++] = c;
    }
}

static void screen_write(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        screen_put(text[i]);
}

/* Words, some of them with a description. */
static void complete_words(const char *prefix, readline_emit_t emit, void *arg)
{
    static const char *const words[][2] = {
        {"layout", NULL},          {"lay", NULL},         {"list", NULL},    {"poweroff", NULL},
        {"run counter", "counts"}, {"run crash", "ends"}, {"run cat", NULL},
    };
    char name[READLINE_MAX];

    for (u32 i = 0; i < ARRAY_SIZE(words); i++) {
        if (strncmp(words[i][0], prefix, strlen(prefix)) == 0)
            emit(words[i][0], words[i][1], arg);
    }
    for (u32 i = 0; prefix[0] == '#' && i < 20; i++) {
        snprintf(name, sizeof(name), "#%u%s", 95 + i, i == 7 ? ".long" : "");
        emit(name, NULL, arg);
    }
}

static void begin(size_t size)
{
    memset(&screen, 0, sizeof(screen));
    readline_begin(&state, PROMPT, size, complete_words);
}

static void start(void)
{
    memset(&state, 0, sizeof(state));
    readline_init(&state, screen_write);
    begin(READLINE_MAX);
}

/* Feed a string; true if its last byte, and no other, ended the line. */
static bool feed(const char *bytes)
{
    while (bytes[0] && bytes[1]) {
        if (readline_feed(&state, *bytes++))
            return false;
    }
    return readline_feed(&state, bytes[0]);
}

/* Feed a whole line and begin the next one. */
static void enter(const char *bytes)
{
    expect(feed(bytes));
    begin(READLINE_MAX);
}

/*
 * The row shows the prompt, this text, and nothing but blanks after it; the cursor is at this place
 * of the text.
 */
static void expect_shown(const char *text, u32 cursor)
{
    char shown[sizeof(screen.row)];
    size_t len = strlen(screen.row);

    while (len > strlen(PROMPT) && screen.row[len - 1] == ' ')
        len--;
    memcpy(shown, screen.row, len);
    shown[len] = '\0';
    expect_eq(strncmp(shown, PROMPT, strlen(PROMPT)), 0);
    expect_str_eq(shown + strlen(PROMPT), text);
    expect_eq(screen.column, strlen(PROMPT) + cursor);
}

KTEST(readline, plain_line)
{
    start();
    expect(!feed("layout"));
    expect_shown("layout", 6);
    expect(feed("\n"));
    expect_str_eq(state.line, "layout");
    expect_eq(state.len, 6);
    expect_eq(screen.rows, 1);
    expect_eq(screen.bells, 0);
}

KTEST(readline, line_ends_count_once)
{
    start();
    expect(feed("one\r"));
    begin(READLINE_MAX);
    expect(!feed("\n"));
    expect(feed("two\n"));
    expect_str_eq(state.line, "two");
    begin(READLINE_MAX);
    expect(feed("\n"));
    expect_eq(state.len, 0);
    begin(READLINE_MAX);
    expect(feed("\r"));
    begin(READLINE_MAX);
    expect(feed("\r"));
}

KTEST(readline, backspace_both_codes)
{
    start();
    feed("abc\b\177x");
    expect_shown("ax", 2);
    feed("\b\b\b");
    expect_shown("", 0);
    expect_eq(screen.bells, 1);
}

KTEST(readline, edits_in_the_middle)
{
    start();
    feed("helo" LEFT "l");
    expect_shown("hello", 4);
    feed(HOME "x" DELETE);
    expect_shown("xello", 1);
    feed(RIGHT RIGHT "\b");
    expect_shown("xelo", 2);
    feed(END "!");
    expect_shown("xelo!", 5);
    expect(feed("\r"));
    expect_str_eq(state.line, "xelo!");
}

KTEST(readline, control_keys)
{
    start();
    feed("world\001hello \005s");
    expect_shown("hello worlds", 12);
    feed(LEFT LEFT LEFT "\025");
    expect_shown("lds", 0);
    feed("\025");
    expect_shown("lds", 0);
    expect_eq(screen.bells, 1);
    feed("\005" LEFT "\013");
    expect_shown("ld", 2);
    feed("\013");
    expect_shown("ld", 2);
    expect_eq(screen.bells, 2);
    expect(!feed("\003"));
    expect_eq(screen.rows, 1);
    expect_shown("", 0);
    expect(feed("\n"));
    expect_eq(state.len, 0);
}

KTEST(readline, erases_words)
{
    start();
    feed("run  a.b/c   two\027");
    expect_shown("run  a.b/c", 13);
    expect_eq(state.len, 13);
    feed("x\027\027");
    expect_shown("run", 5);
    feed("one two" LEFT "\027");
    expect_shown("run  one o", 9);
    feed("\027\027\027");
    expect_shown("o", 0);
    expect_eq(screen.bells, 1);
    expect(feed("\n"));
    expect_str_eq(state.line, "o");
}

/* The small screen of this test does not support clearing: it starts again after the sequence. */
KTEST(readline, clears_the_screen)
{
    static const char clear[] = "\033[H\033[2J" PROMPT "audit";
    const char *shown;

    start();
    feed("audit" LEFT LEFT "\014");
    shown = strchr(screen.log, '\033');
    expect(shown);
    expect_eq(strncmp(shown, clear, strlen(clear)), 0);
    expect_str_eq(shown + strlen(clear), "\b\b");
    expect(feed("\n"));
    expect_str_eq(state.line, "audit");
}

KTEST(readline, other_codes_of_home_and_end)
{
    static const char *const home[] = {"\033[1~", "\033[7~", "\033OH"};
    static const char *const end[] = {"\033[4~", "\033[8~", "\033OF"};

    for (u32 i = 0; i < ARRAY_SIZE(home); i++) {
        start();
        feed("bc");
        feed(home[i]);
        feed("a");
        feed(end[i]);
        feed("d");
        expect_shown("abcd", 4);
    }
}

/* F1 to F5 of Linux's console begin like arrows, with one character more. */
KTEST(readline, function_keys_ring_only)
{
    start();
    expect(feed("before\n"));
    begin(READLINE_MAX);
    feed("ab\033[[A\033[[D\033[17~c");
    expect_shown("abc", 3);
    expect_eq(screen.bells, 3);
}

KTEST(readline, stray_escape_swallows_nothing)
{
    start();
    expect(feed("\033help\n"));
    expect_str_eq(state.line, "help");
    begin(READLINE_MAX);
    expect(feed("a\033[\n"));
    expect_str_eq(state.line, "a");
    begin(READLINE_MAX);
    expect(feed("b\033\033[D"
                "a\n"));
    expect_str_eq(state.line, "ab");
    begin(READLINE_MAX);
    expect(feed("c\033[1;5Zd\n"));
    expect_str_eq(state.line, "cd");
}

KTEST(readline, too_long_rings_and_is_ignored)
{
    start();
    begin(5);
    feed("abcdef");
    expect_shown("abcd", 4);
    expect_eq(screen.bells, 2);
    feed("\bx");
    expect(feed("\n"));
    expect_str_eq(state.line, "abcx");

    begin(READLINE_MAX + 100);
    for (u32 i = 0; i < READLINE_MAX - 1; i++)
        readline_feed(&state, 'y');
    expect_eq(screen.bells, 0);
    expect(feed("\n"));
    expect_eq(state.len, READLINE_MAX - 1);
    expect_eq(strlen(state.line), READLINE_MAX - 1);
}

/* A truncated line must not be run: "kill 123" would end another process. */
KTEST(readline, cut_line_is_dropped)
{
    start();
    begin(8);
    expect(!feed("kill 123\n"));
    expect(strstr(screen.log, "too long") != NULL);
    expect_shown("", 0);
    expect(!feed("kill 123\013\n")); /* Ctrl-K has nothing to erase */
    expect(feed("kill 12\n"));
    expect_str_eq(state.line, "kill 12");
    expect_eq(state.history_end, 1);
}

KTEST(readline, history_keeps_the_draft)
{
    start();
    enter("first\n");
    enter("second\n");
    feed("draft" UP);
    expect_shown("second", 6);
    feed(UP);
    expect_shown("first", 5);
    feed(UP);
    expect_eq(screen.bells, 1);
    expect_shown("first", 5);
    feed(DOWN DOWN);
    expect_shown("draft", 5);
    feed(DOWN);
    expect_eq(screen.bells, 2);
    expect(feed(UP UP "!\n"));
    expect_str_eq(state.line, "first!");
}

KTEST(readline, history_is_a_ring)
{
    char line[16];

    start();
    for (u32 i = 0; i < READLINE_HISTORY + 4; i++) {
        snprintf(line, sizeof(line), "line %u\n", i);
        enter(line);
    }
    enter("  \n");
    enter("line 19\n");
    for (u32 i = 0; i < READLINE_HISTORY; i++)
        feed(UP);
    expect_eq(screen.bells, 0);
    expect_shown("line 4", 6);
    feed(UP);
    expect_eq(screen.bells, 1);
    expect_shown("line 4", 6);
}

KTEST(readline, completes_one)
{
    start();
    feed("po\t");
    expect_shown("poweroff", 9);
    expect(feed("\n"));
    expect_str_eq(state.line, "poweroff ");
    begin(READLINE_MAX);
    feed("run co\t");
    expect(feed("x\n"));
    expect_str_eq(state.line, "run counter x");
}

KTEST(readline, completes_before_the_cursor)
{
    start();
    feed("tail\001po\t");
    expect_shown("poweroff tail", 9);
}

KTEST(readline, completes_common_part_then_lists)
{
    start();
    feed("la\t");
    expect_shown("lay", 3);
    expect_eq(screen.bells, 0);
    feed("\t");
    expect_eq(screen.bells, 1);
    expect_eq(screen.rows, 0);
    feed("\t");
    expect_eq(screen.rows, 2);
    expect(strstr(screen.log, "\nlayout  lay\n"));
    expect(!strstr(screen.log, "list"));
    expect_shown("lay", 3);
    expect(feed("out\n"));
    expect_str_eq(state.line, "layout");
}

KTEST(readline, lists_only_on_second_tab_in_a_row)
{
    start();
    feed("l\ta\b\t");
    expect_eq(screen.rows, 0);
    expect_eq(screen.bells, 2);
    feed("zz\t\t");
    expect_eq(screen.rows, 0);
    expect_eq(screen.bells, 4);
    expect_shown("lzz", 3);
}

/* As many columns as fit, none of them narrower than the longest word; no row ends with blanks. */
KTEST(readline, lists_in_columns)
{
    u32 rows = 0, column = 0;

    start();
    feed("#\t\t");
    for (const char *at = screen.log; *at; at++) {
        column = *at == '\n' ? 0 : column + 1;
        expect(column <= 79);
        expect(*at != ' ' || at[1] != '\n');
        rows += *at == '\n' && at[1] == '#';
    }
    expect_eq(rows, 3);
    expect(strstr(screen.log, "\n#95        #96        #97        #98        #99        #100       "
                              "#101\n#102.long  #103  "));
    expect_shown("#", 1);
}

/* Those with a text come first, in a line each. */
KTEST(readline, lists_what_they_are_for)
{
    start();
    feed("run c\t\t");
    expect(strstr(screen.log, "\ncounter      counts\ncrash        ends\ncat\n"));
    expect_shown("run c", 5);
}
