/*
 * Reports unknown words of the kernel command line. Options are read where they are needed
 * (boot_option()); each of those places reads only its own option, so a misspelt one would be
 * ignored silently. This file has the only list of all options and prints a line for each word that
 * is not on it.
 *
 * A new option is a row here and a boot_option() where it is used.
 *
 * Neighbours: arch/x86/boot_info.c has the command line; mm/frame/memory.c, mm/layout.c and
 * kernel/monitor/monitor.c read it.
 */
#include <arch/x86/boot_info.h>
#include <kernel/kernel.h>
#include <lib/printk.h>
#include <lib/string.h>

static const struct {
    const char *name;
    enum { VALUE = 1, BARE = 2, SWITCH = 4 } forms; /* SWITCH: a value that is "on" or "off" */
} options[] = {
    {"ktest", VALUE},  {"ktest_slow", SWITCH}, {"init", VALUE},         {"mem", VALUE},
    {"lowmem", VALUE}, {"vmalloc", VALUE},     {"bench", VALUE | BARE}, {"strace", VALUE | BARE},
    {"color", SWITCH}, {"turns", VALUE},       {"fail", VALUE},
};

#define SHOWN_MAX 40 /* characters of a word */

/* Length of the text before a blank, "=" or the end. */
static size_t name_length(const char *word)
{
    size_t length = 0;

    while (word[length] && word[length] != ' ' && word[length] != '=')
        length++;
    return length;
}

static void print_options(void)
{
    for (u32 i = 0; i < ARRAY_SIZE(options); i++)
        printk(" %s%s", options[i].name, options[i].forms & (VALUE | SWITCH) ? "=" : "");
}

/* True when this is a valid way to write the option: `name` characters of `length` are its name. */
static bool is_sound(u32 option, const char *word, size_t name, size_t length)
{
    const char *value = word + name + 1;
    size_t left = length - name - 1;

    if (name == length)
        return options[option].forms & BARE;
    if (options[option].forms & SWITCH)
        return (left == 2 && strncmp(value, "on", 2) == 0) ||
               (left == 3 && strncmp(value, "off", 3) == 0);
    return options[option].forms & VALUE;
}

static void check_word(const char *word, size_t length)
{
    size_t name = name_length(word);
    const char *right = NULL; /* the form of the option's value */

    for (u32 i = 0; i < ARRAY_SIZE(options); i++) {
        if (strlen(options[i].name) != name || strncmp(options[i].name, word, name) != 0)
            continue;
        if (is_sound(i, word, name, length))
            return;
        right = options[i].forms & SWITCH ? "on or off" : "...";
    }
    printk("Kernel option \"%.*s%s\" ", (int)min(length, (size_t)SHOWN_MAX), word,
           length > SHOWN_MAX ? "..." : "");
    if (right) {
        printk("has no %svalue: it is %.*s=%s\n", name < length ? "such " : "", (int)name, word,
               right);
        return;
    }
    printk("is unknown and ignored; there are:");
    print_options();
    printk("\n");
}

void cmdline_check(void)
{
    const char *word = boot_info.cmdline;

    while (*word) {
        size_t length = 0;

        while (word[length] && word[length] != ' ')
            length++;
        if (length > 0)
            check_word(word, length);
        word += max(length, (size_t)1);
    }
}
