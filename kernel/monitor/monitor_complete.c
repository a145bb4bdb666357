/*
 * Candidates for the completion of words: names of commands first, then arguments of the command.
 * The caller, kernel/monitor/readline.c, passes the line up to the cursor, and may call several
 * times for one tab, so no state is kept between calls.
 *
 * Neighbours: kernel/monitor/monitor.c has the commands; kernel/monitor/readline_complete.c
 * completes and lists.
 */
#include <fs/fs.h>
#include <kernel/kernel.h>
#include <kernel/monitor/ktest.h>
#include <kernel/monitor/monitor.h>
#include <kernel/monitor/readline.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <linux/stat.h>

/* A line, the start of its last word, and the function to call for each candidate. */
struct completion {
    const char *prefix;
    size_t word;
    readline_emit_t emit;
    void *arg;
};

/* Offer the line up to `keep`, followed by `name`, if the line's rest is a prefix of `name`. */
static void offer_behind(const struct completion *completion, size_t keep, const char *name,
                         const char *text)
{
    const char *typed = completion->prefix + keep;
    char candidate[READLINE_MAX];

    if (strncmp(typed, name, strlen(typed)) != 0)
        return;
    snprintf(candidate, sizeof(candidate), "%.*s%s", (int)keep, completion->prefix, name);
    completion->emit(candidate, text, completion->arg);
}

static void offer(const struct completion *completion, const char *name)
{
    offer_behind(completion, completion->word, name, NULL);
}

static void offer_commands(const struct completion *completion)
{
    for (u32 i = 0; monitor_command(i); i++)
        offer(completion, monitor_command(i)->name);
}

static void offer_crashes(const struct completion *completion)
{
    for (u32 i = 0; monitor_crash_kind(i); i++)
        offer(completion, monitor_crash_kind(i));
}

/* Offer each suite as "suite.*" and each test. */
static void offer_tests(const struct completion *completion)
{
    const char *suite = "";
    char name[READLINE_MAX];

    for (const struct ktest *test = __ktest_start; test < __ktest_end; test++) {
        if (strcmp(test->suite, suite) != 0) {
            suite = test->suite;
            snprintf(name, sizeof(name), "%s.*", suite);
            offer(completion, name);
        }
        snprintf(name, sizeof(name), "%s.%s", test->suite, test->name);
        offer(completion, name);
    }
}

/* ---- programs ---- */

static void offer_program(const char *name, const char *text, void *arg)
{
    const struct completion *completion = arg;

    offer_behind(completion, completion->word, name, text);
}

/*
 * Offer programs by their names; if the word contains a "/", offer the contents of the directory
 * before the last one.
 */
static void offer_programs(const struct completion *completion)
{
    const char *word = completion->prefix + completion->word, *slash = strrchr(word, '/');
    char path[READLINE_MAX], name[NAME_MAX_ + 2];
    struct inode *folder;
    u32 ino, type;
    u64 pos = 0;

    if (!slash) {
        monitor_each_program(offer_program, (void *)completion);
        return;
    }
    snprintf(path, sizeof(path), "%.*s", (int)(slash + 1 - word), word);
    if (path_lookup(fs_root(), path, LOOKUP_DIRECTORY, &folder) != 0)
        return;
    while (inode_readdir(folder, pos, name, &ino, &type, &pos) > 0) {
        if (name[0] == '.' && slash[1] != '.')
            continue;
        if (type == S_IFDIR >> 12)
            strscpy(name + strlen(name), "/", 2);
        offer_behind(completion, slash + 1 - completion->prefix, name, NULL);
    }
    inode_put(folder);
}

/* ---- symbols ---- */

#define SYMBOL_LETTERS 2 /* that must be typed before symbols are offered: there are thousands */

static void offer_symbol(const char *name, void *arg)
{
    const struct completion *completion = arg;

    if (!strchr(name, '.'))
        offer(completion, name);
}

static void offer_symbols(const struct completion *completion)
{
    if (strlen(completion->prefix + completion->word) >= SYMBOL_LETTERS)
        symbol_each(offer_symbol, (void *)completion);
}

/* ---- a line ---- */

static const struct {
    const char *command;
    void (*offer)(const struct completion *completion);
} words[] = {
    {"help", offer_commands}, {"run", offer_programs},    {"test", offer_tests},
    {"crash", offer_crashes}, {"explain", offer_symbols}, {"peek", offer_symbols},
    {"poke", offer_symbols},
};

static bool is_first_word(const char *prefix, const char *word)
{
    size_t len = strlen(word);

    return strncmp(prefix, word, len) == 0 && prefix[len] == ' ';
}

void monitor_complete(const char *prefix, readline_emit_t emit, void *arg)
{
    struct completion completion = {.prefix = prefix, .emit = emit, .arg = arg};

    for (size_t i = 0; prefix[i]; i++) {
        if (prefix[i] == ' ' || prefix[i] == '&')
            completion.word = i + 1;
    }
    if (completion.word == 0)
        offer_commands(&completion);
    for (u32 i = 0; completion.word > 0 && i < ARRAY_SIZE(words); i++) {
        if (is_first_word(prefix, words[i].command))
            words[i].offer(&completion);
    }
}
