/*
 * The words of the kernel command line that nobody will look at. Options are read where they are
 * needed (boot_option()); each of those places sees its own option only, so a misspelt one would be
 * passed over in silence. This file has the one list of all options and says a line for each word
 * that is not on it.
 *
 * A new option is a row here and a boot_option() where it is used.
 *
 * Neighbours: arch/x86/boot_info.c has the command line; mm/memory.c, mm/layout.c and
 * kernel/monitor.c read it.
 */
#include <arch/x86/boot_info.h>
#include <kernel/kernel.h>
#include <lib/printk.h>
#include <lib/string.h>

static const struct {
    const char *name;
    enum { VALUE = 1, BARE = 2 } forms;
} options[] = {
    {"ktest", VALUE},   {"init", VALUE},         {"mem", VALUE},           {"lowmem", VALUE},
    {"vmalloc", VALUE}, {"bench", VALUE | BARE}, {"strace", VALUE | BARE},
};

#define SHOWN_MAX 40 /* characters of a word */

/* Length of what is before a blank, "=" or the end. */
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
        printk(" %s%s", options[i].name, options[i].forms & VALUE ? "=" : "");
}

static void check_word(const char *word, size_t length)
{
    size_t name = name_length(word);
    bool known = false;

    for (u32 i = 0; i < ARRAY_SIZE(options); i++) {
        if (strlen(options[i].name) != name || strncmp(options[i].name, word, name) != 0)
            continue;
        if (options[i].forms & (name < length ? VALUE : BARE))
            return;
        known = true;
    }
    printk("Kernel option \"%.*s%s\" ", (int)min(length, (size_t)SHOWN_MAX), word,
           length > SHOWN_MAX ? "..." : "");
    if (known) {
        printk("has no value: it is %.*s=...\n", (int)name, word);
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
