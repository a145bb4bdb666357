/*
 * The monitor: a prompt on the console to inspect the kernel and to start programs.
 *
 * A command is one row of a table: name, usage, help, example, function, and how many words it
 * takes. Help, completion of names and the reply to a mistyped line come from the table, so a new
 * command is one row and one function (CONTRIBUTING.md). The reply to a wrong line is one line: the
 * usage of the command, or of the command with the most similar name.
 *
 * monitor_main() is the kernel's first thread. With `ktest=` on the command line it runs self-tests
 * and ends the machine, with `init=` it runs that program first. Programs are its children; those
 * in the background are reported before the next prompt.
 *
 * Limits: words are split at blanks, without quotes. A program in the foreground keeps the monitor
 * waiting until it ends, or Ctrl-C ends it.
 *
 * Neighbours: kernel/monitor/readline.c reads lines, kernel/monitor/monitor_complete.c completes
 * them; the other files monitor_*.c have the commands.
 */
#include <arch/x86/boot_info.h>
#include <arch/x86/timer.h>
#include <drivers/power.h>
#include <fs/fs.h>
#include <kernel/kernel.h>
#include <kernel/monitor/bench.h>
#include <kernel/monitor/ktest.h>
#include <kernel/monitor/monitor.h>
#include <kernel/monitor/readline.h>
#include <kernel/tty/console.h>
#include <lib/glob.h>
#include <lib/printf.h>
#include <lib/printk.h>
#include <lib/string.h>

#define PROMPT             "attic> "
#define MONITOR_TEST_USAGE "test [-l] [GLOB]"
#define USAGE_COLUMN       22           /* of the list of commands */
#define WORDS_MAX          READLINE_MAX /* at most in a line: "&" needs no blanks around it */

u64 boot_tsc_prompt;

static void monitor_help(u32 argc, const char **argv);
static void monitor_test(u32 argc, const char **argv);
static void monitor_poweroff(u32 argc, const char **argv);

static const struct monitor_command commands[] = {
    /* clang-format off */
    {"help", "help [COMMAND]", "list the commands, or explain one",
     "help explain", monitor_help, 0, 1, false},
    {"layout", "layout", "draw the address map with live numbers",
     "layout", monitor_layout, 0, 0, false},
    {"map", MONITOR_MAP_USAGE, "draw the owners of memory; -w: repeat until a key",
     "map", monitor_map, 0, 1, false},
    {"meminfo", "meminfo", "print the size of memory, free and used",
     "meminfo", monitor_meminfo, 0, 0, false},
    {"vmallocinfo", "vmallocinfo", "list the vmalloc areas",
     "vmallocinfo", monitor_vmallocinfo, 0, 0, false},
    {"buddyinfo", "buddyinfo", "free blocks, orders 0 to 10",
     "buddyinfo", monitor_buddyinfo, 0, 0, true},
    {"slabinfo", "slabinfo", "list the caches of small objects",
     "slabinfo", monitor_slabinfo, 0, 0, true},
    {"frames", "frames", "count all frames of RAM by their owner",
     "frames", monitor_frames, 0, 0, false},
    {"explain", MONITOR_EXPLAIN_USAGE, "print all facts about an address or symbol",
     "explain swapper_pg_dir", monitor_explain, 1, 2, false},
    {"peek", MONITOR_PEEK_USAGE, "print N words of memory, 4 by default, as hex and text",
     "peek kernel_main 8", monitor_peek, 1, 3, false},
    {"poke", MONITOR_POKE_USAGE, "write a word of the kernel's memory, which may break it",
     "vmalloc 4K\npoke ADDR 0x1234abcd", monitor_poke, 2, 2, false},
    {"pgdiff", MONITOR_PGDIFF_USAGE, "compare page directories: one kernel half for all",
     "pgdiff", monitor_pgdiff, 0, 2, false},
    {"snapshot", MONITOR_SNAPSHOT_USAGE, "send the state of memory out of the second serial port",
     "snapshot before", monitor_snapshot, 1, 1, true},
    {"vmalloc", MONITOR_VMALLOC_USAGE, "make a vmalloc area; -s: of scattered frames",
     "vmalloc -s 16K", monitor_vmalloc, 1, 2, false},
    {"vfree", MONITOR_VFREE_USAGE, "free an area of vmalloc",
     "vmalloc 16K\nvfree ADDR", monitor_vfree, 1, 1, false},
    {"audit", "audit", "check the memory invariants",
     "audit", monitor_audit, 0, 0, false},
    {"lspci", "lspci", "list the PCI functions and their addresses",
     "lspci", monitor_lspci, 0, 0, true},
    {"dma", "dma", "show DMA, and why vmalloc memory is unsuitable",
     "dma", monitor_dma, 0, 0, false},
    {"ps", "ps", "list the tasks",
     "ps", monitor_ps, 0, 0, false},
    {"programs", "programs", "list the programs in / and /bin, and what they are for",
     "programs", monitor_programs, 0, 0, false},
    {"run", MONITOR_RUN_USAGE, "run programs; & means background",
     "run counter & counter", monitor_run, 1, WORDS_MAX, false},
    {"kill", MONITOR_KILL_USAGE, "end a program; Ctrl-C ends the one in the foreground",
     "run forever &\nkill PID", monitor_kill, 1, 1, false},
    {"test", MONITOR_TEST_USAGE, "run, or with -l list, self-tests; Ctrl-C ends them",
     "test vmalloc.*", monitor_test, 0, 2, false},
    {"bench", MONITOR_BENCH_USAGE, "count what kernel operations cost",
     "bench kmalloc*", monitor_bench, 0, 1, true},
    {"crash", MONITOR_CRASH_USAGE, "break the kernel, to see the report",
     "crash stack", monitor_crash, 0, 1, true},
    {"poweroff", "poweroff", "end the machine",
     "poweroff", monitor_poweroff, 0, 0, false},
    /* clang-format on */
};

/* ---- finding a command ---- */

const struct monitor_command *monitor_command(u32 i)
{
    return i < ARRAY_SIZE(commands) ? &commands[i] : NULL;
}

static const struct monitor_command *find_command(const char *name)
{
    for (u32 i = 0; i < ARRAY_SIZE(commands); i++) {
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    }
    return NULL;
}

/* The Levenshtein distance, row by row of the matrix. */
u32 monitor_edit_distance(const char *a, const char *b)
{
    u32 previous[32], len = strlen(b);

    if (len >= ARRAY_SIZE(previous))
        return UINT32_MAX;
    for (u32 j = 0; j <= len; j++)
        previous[j] = j;
    for (u32 i = 0; a[i]; i++) {
        u32 diagonal = previous[0];

        previous[0] = i + 1;
        for (u32 j = 0; j < len; j++) {
            u32 change = diagonal + (a[i] != b[j]);
            u32 insert_or_delete = min(previous[j + 1], previous[j]) + 1;

            diagonal = previous[j + 1];
            previous[j + 1] = min(change, insert_or_delete);
        }
    }
    return previous[len];
}

/*
 * The command with the most similar name; NULL when none is similar: at most half of the letters,
 * and at most two, may be wrong. An abbreviation matches its command best.
 */
static const struct monitor_command *nearest_command(const char *name)
{
    const struct monitor_command *nearest = NULL;
    u32 best = min(strlen(name) / 2 + 1, (size_t)3);

    for (u32 i = 0; i < ARRAY_SIZE(commands); i++) {
        bool starts = strncmp(commands[i].name, name, strlen(name)) == 0;
        u32 distance = starts ? 0 : monitor_edit_distance(name, commands[i].name);

        if (distance < best) {
            best = distance;
            nearest = &commands[i];
        }
    }
    return nearest;
}

/* Other systems' names for poweroff. */
static const struct monitor_command *other_name(const char *name)
{
    static const char *const ends[] = {"exit", "halt", "quit", "q", "reboot", "shutdown"};

    for (u32 i = 0; i < ARRAY_SIZE(ends); i++) {
        if (strcmp(ends[i], name) == 0)
            return find_command("poweroff");
    }
    return NULL;
}

static bool can_be_run(const char *name)
{
    struct inode *inode = monitor_find_program(name, strlen(name));
    bool executable = inode && inode->mode & 0111;

    if (inode)
        inode_put(inode);
    return executable;
}

static void say_unknown(const char *name)
{
    const struct monitor_command *nearest = other_name(name) ?: nearest_command(name);

    if (can_be_run(name))
        printk("%s: a program, no command: \"run %s\"\n", name, name);
    else if (nearest)
        printk("%s: no such command; the nearest is: %s\n", name, nearest->usage);
    else
        printk("%s: no such command; \"help\" lists them\n", name);
}

/* ---- running a line ---- */

/* Cut the line into words at blanks; "&" is always a separate word. */
static u32 split_words(char *line, const char **words, u32 max)
{
    u32 count = 0;
    bool in_word = false;

    for (; *line && count < max; line++) {
        char c = *line;

        if (c == ' ' || c == '\t' || c == '&') {
            *line = '\0';
            in_word = false;
            if (c == '&')
                words[count++] = "&";
        } else if (!in_word) {
            words[count++] = line;
            in_word = true;
        }
    }
    *line = '\0';
    return count;
}

void monitor_execute(char *line)
{
    const char *words[WORDS_MAX + 1];
    u32 count = split_words(line, words, WORDS_MAX);
    const struct monitor_command *command;

    if (count == 0)
        return;
    words[count] = NULL;
    command = find_command(words[0]);
    if (!command)
        say_unknown(words[0]);
    else if (count - 1 < command->args_min || count - 1 > command->args_max)
        printk("usage: %s; \"help %s\" shows an example\n", command->usage, command->name);
    else
        command->run(count, words);
}

/* ---- other commands ---- */

/* The lines of an example below each other. */
static void print_example(const char *example)
{
    const char *label = "example:", *end;

    for (; (end = strchr(example, '\n')); example = end + 1) {
        printk("%-8s %.*s\n", label, (int)(end - example), example);
        label = "";
    }
    printk("%-8s %s\n", label, example);
}

static void explain_command(const struct monitor_command *command)
{
    printk("%s: %s\n", command->usage, command->help);
    print_example(command->example);
    if (command->run == monitor_run)
        monitor_programs(0, NULL);
}

/* A usage that is too long for its column has a separate line. */
static void list_command(const struct monitor_command *command)
{
    if (strlen(command->usage) > USAGE_COLUMN)
        printk("%s\n%*s %s\n", command->usage, USAGE_COLUMN, "", command->help);
    else
        printk("%-*s %s\n", USAGE_COLUMN, command->usage, command->help);
}

/* On 22 lines, so that all of it shows on a terminal of 24. */
static void list_commands(void)
{
    for (u32 i = 0; i < ARRAY_SIZE(commands); i++) {
        if (!commands[i].rare)
            list_command(&commands[i]);
    }
    printk("%-*s", USAGE_COLUMN, "help COMMAND for:");
    for (u32 i = 0; i < ARRAY_SIZE(commands); i++) {
        if (commands[i].rare)
            printk(" %s", commands[i].name);
    }
    printk("\n");
}

static void monitor_help(u32 argc, const char **argv)
{
    const struct monitor_command *command = argc > 1 ? find_command(argv[1]) : NULL;

    if (command)
        explain_command(command);
    else if (argc > 1)
        say_unknown(argv[1]);
    else
        list_commands();
}

static void list_tests(const char *glob)
{
    char name[READLINE_MAX];
    u32 count = 0;

    for (const struct ktest *test = __ktest_start; test < __ktest_end; test++) {
        snprintf(name, sizeof(name), "%s.%s", test->suite, test->name);
        if (glob_match(glob, name)) {
            printk("%s\n", name);
            count++;
        }
    }
    if (count == 0)
        printk("test: no self-test matches \"%s\"\n", glob);
}

static void monitor_test(u32 argc, const char **argv)
{
    bool list = argc > 1 && strcmp(argv[1], "-l") == 0;
    const char *glob = argc > 1u + list ? argv[1 + list] : "*";
    u32 ran;

    if (argc > 2u + list || (!list && glob[0] == '-'))
        printk("usage: %s\n", MONITOR_TEST_USAGE);
    else if (list)
        list_tests(glob);
    else if (monitor_is_alone("test"))
        ktest_run(glob, &ran);
}

static void __noreturn monitor_poweroff(u32 argc, const char **argv)
{
    (void)argc, (void)argv;
    printk("Power off.\n");
    machine_exit(MACHINE_PASS);
}

/* ---- the first thread ---- */

void monitor_main(void *unused)
{
    static char line[BOOT_CMDLINE_MAX]; /* an option may be longer than a line that is typed */

    (void)unused;
    _Static_assert(sizeof(line) >= READLINE_MAX, "readline() fills so much");
    cmdline_check();
    if (boot_option("ktest", line, sizeof(line)))
        ktest_main(line);
    if (boot_option("bench", line, sizeof(line)))
        bench_main(line);
    if (boot_option("init", line, sizeof(line)))
        monitor_run_init(line);
    printk("Attic's monitor: \"help\" lists the commands, tab completes them.\n");
    boot_tsc_prompt = rdtsc() - boot_tsc;
    for (;;) {
        monitor_report_background();
        readline(PROMPT, line, READLINE_MAX, monitor_complete);
        monitor_execute(line);
    }
}
