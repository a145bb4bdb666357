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
#include <kernel/process/process.h>
#include <kernel/task.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <linux/stat.h>
#include <mm/layout.h>

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

/* Labels inside a function have a dot. The stubs of the 256 vectors come with their whole name. */
static bool is_offered(const char *typed, const char *name)
{
    static const char stub[] = "trap_stub_";
    size_t len = strlen(stub);

    return !strchr(name, '.') && (strncmp(name, stub, len) != 0 || strncmp(typed, stub, len) == 0);
}

static void offer_symbol(const char *name, void *arg)
{
    const struct completion *completion = arg;

    if (is_offered(completion->prefix + completion->word, name))
        offer(completion, name);
}

static void offer_program_colon(const char *name, const char *text, void *arg)
{
    char with_colon[NAME_MAX_ + 2];

    (void)text;
    snprintf(with_colon, sizeof(with_colon), "%s:", name);
    offer(arg, with_colon);
}

/* A file may have any bytes in its names; those that cannot be typed are not offered. */
static bool is_word(const char *name)
{
    while (*name > ' ' && *name < 0x7f)
        name++;
    return !*name;
}

static void offer_program_symbol(const char *name, void *arg)
{
    const struct completion *completion = arg;
    size_t colon = strrchr(completion->prefix, ':') - completion->prefix;

    if (is_word(name))
        offer_behind(completion, colon + 1, name, NULL);
}

/* PROGRAM:NAME, once the colon is there. */
static void offer_program_symbols(const struct completion *completion)
{
    const char *word = completion->prefix + completion->word;
    struct inode *inode = monitor_find_program(word, strrchr(word, ':') - word);

    if (!inode)
        return;
    elf_symbol_each(&inode->data, offer_program_symbol, (void *)completion);
    inode_put(inode);
}

static void offer_symbols(const struct completion *completion)
{
    const char *word = completion->prefix + completion->word;

    if (strchr(word, ':')) {
        offer_program_symbols(completion);
    } else if (strlen(word) >= SYMBOL_LETTERS) {
        for (u32 i = 0; i < LAYOUT_REGIONS; i++)
            offer(completion, layout_regions[i].edge);
        symbol_each(offer_symbol, (void *)completion);
        monitor_each_program(offer_program_colon, (void *)completion);
    }
}

/* ---- processes ---- */

static void offer_pids(const struct completion *completion)
{
    char pid[12];

    for (struct task *task = task_next(NULL); task; task = task_next(task)) {
        if (!task->mm)
            continue;
        snprintf(pid, sizeof(pid), "%u", task->pid);
        offer_behind(completion, completion->word, pid, task->comm);
    }
}

/* ---- a line ---- */

typedef void (*offer_t)(const struct completion *completion);

static const struct {
    const char *command;
    offer_t first, second, third; /* for the words behind it; the third for all further ones */
} words[] = {
    {"help", offer_commands, NULL, NULL},
    {"run", offer_programs, offer_programs, offer_programs},
    {"test", offer_tests, offer_tests, NULL},
    {"crash", offer_crashes, NULL, NULL},
    {"explain", offer_symbols, offer_pids, NULL},
    {"peek", offer_symbols, NULL, offer_pids},
    {"poke", offer_symbols, NULL, NULL},
    {"pgdiff", offer_pids, offer_pids, NULL},
    {"kill", offer_pids, NULL, NULL},
};

static bool is_first_word(const char *prefix, const char *word)
{
    size_t len = strlen(word);

    return strncmp(prefix, word, len) == 0 && prefix[len] == ' ';
}

/* How many words end before the one that is completed. */
static u32 words_before(const struct completion *completion)
{
    u32 count = 0;

    for (size_t i = 1; i < completion->word; i++)
        count += completion->prefix[i] == ' ' && completion->prefix[i - 1] != ' ';
    return count;
}

static void offer_word(const struct completion *completion, u32 i)
{
    u32 before = words_before(completion);
    offer_t offer_it = before == 1   ? words[i].first
                       : before == 2 ? words[i].second
                                     : words[i].third;

    if (offer_it)
        offer_it(completion);
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
            offer_word(&completion, i);
    }
}
