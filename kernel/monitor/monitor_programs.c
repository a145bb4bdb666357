/*
 * The monitor's command `programs`: the programs that can be run.
 *
 * /etc/programs has a line for each program, "NAME TEXT": the first sentence of its source (written
 * by scripts/make/mkinitramfs). For programs without a line (tests, and files added by FILES=) only the
 * name is printed.
 *
 * Neighbours: kernel/monitor/monitor_run.c starts them; monitor_complete.c completes their names.
 */
#include <asm/fcntl.h>
#include <fs/fs.h>
#include <kernel/monitor/monitor.h>
#include <lib/printk.h>
#include <lib/string.h>
#include <linux/stat.h>

#define TEXTS     "/etc/programs"
#define TEXTS_MAX 2048
#define WIDTH     79 /* of the names without a text */

/* The contents of /etc/programs, each line ended with 0, and then an empty line. */
static char texts[TEXTS_MAX];

/* Read again for each command: the file may have changed. */
static void read_texts(void)
{
    struct inode *inode;
    long size = 0;

    if (path_lookup(fs_root(), TEXTS, 0, &inode) == 0) {
        if (S_ISREG(inode->mode))
            size = filemap_read(&inode->data, 0, texts, TEXTS_MAX - 2, filemap_copy_kernel);
        inode_put(inode);
    }
    size = max(size, 0l);
    texts[size] = texts[size + 1] = '\0';
    for (long i = 0; i < size; i++) {
        if (texts[i] == '\n')
            texts[i] = '\0';
    }
}

/* The description of a program, or NULL if it has none. */
static const char *text_of(const char *name)
{
    size_t len = strlen(name);

    for (const char *line = texts; *line; line += strlen(line) + 1) {
        if (strncmp(line, name, len) == 0 && line[len] == ' ')
            return line + len + 1;
    }
    return NULL;
}

/* True for a file that is not empty and may be executed. */
static bool is_program(struct inode *folder, const char *name)
{
    struct inode *inode;
    bool is;

    if (path_lookup(folder, name, LOOKUP_NOFOLLOW, &inode) != 0)
        return false;
    is = S_ISREG(inode->mode) && (inode->mode & (S_IXUSR | S_IXGRP | S_IXOTH)) && inode->data.size;
    inode_put(inode);
    return is;
}

static void each_program_in(const char *path, monitor_program_t see, void *arg)
{
    char name[NAME_MAX_ + 1];
    struct file *folder;
    u32 ino, type;

    if (file_open(fs_root(), path, O_RDONLY | O_DIRECTORY, 0, &folder) != 0)
        return;
    while (file_readdir(folder, name, &ino, &type, &folder->pos) > 0) {
        if (is_program(folder->inode, name))
            see(name, text_of(name), arg);
    }
    file_put(folder);
}

void monitor_each_program(monitor_program_t see, void *arg)
{
    read_texts();
    each_program_in("/", see, arg);
    each_program_in("/bin", see, arg);
}

/* ---- the command ---- */

struct listing {
    u32 count;  /* programs seen */
    u32 column; /* of the line of names */
};

static void show_text(const char *name, const char *text, void *arg)
{
    struct listing *listing = arg;

    listing->count++;
    if (text)
        printk("%-12s %s\n", name, text);
}

static void show_name(const char *name, const char *text, void *arg)
{
    struct listing *listing = arg;
    u32 len = strlen(name) + 1;

    if (text)
        return;
    if (listing->column == 0)
        printk("Others:");
    if (listing->column + len > WIDTH) {
        printk("\n       ");
        listing->column = 0;
    }
    listing->column = (listing->column ? listing->column : strlen("Others:")) + len;
    printk(" %s", name);
}

void monitor_programs(u32 argc, const char **argv)
{
    struct listing listing = {.count = 0};

    (void)argc, (void)argv;
    monitor_each_program(show_text, &listing);
    monitor_each_program(show_name, &listing);
    if (listing.column)
        printk("\n");
    if (listing.count == 0)
        printk("programs: there are none in / and /bin\n");
}
