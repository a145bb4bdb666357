/*
 * The monitor's command `programs`: what there is to run.
 *
 * What a program is for stands in /etc/programs, a line each, "NAME TEXT": the first sentence of
 * its source (scripts/mkinitramfs puts it there). Those without a line, tests and whatever came by
 * FILES=, are only named.
 *
 * Neighbours: kernel/monitor/monitor_run.c starts them; monitor.c completes their names.
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

/* Size of the program behind a name in a folder, 0 when it is none. */
static u32 program_size(struct inode *folder, const char *name)
{
    struct inode *inode;
    u32 size = 0;

    if (path_lookup(folder, name, LOOKUP_NOFOLLOW, &inode) != 0)
        return 0;
    if (S_ISREG(inode->mode) && (inode->mode & (S_IXUSR | S_IXGRP | S_IXOTH)))
        size = inode->data.size;
    inode_put(inode);
    return size;
}

static void each_program_in(const char *path, monitor_program_t see, void *arg)
{
    char name[NAME_MAX_ + 1];
    struct file *folder;
    u32 ino, type;

    if (file_open(fs_root(), path, O_RDONLY | O_DIRECTORY, 0, &folder) != 0)
        return;
    while (file_readdir(folder, name, &ino, &type, &folder->pos) > 0) {
        u32 size = program_size(folder->inode, name);

        if (size)
            see(name, size, arg);
    }
    file_put(folder);
}

void monitor_each_program(monitor_program_t see, void *arg)
{
    each_program_in("/", see, arg);
    each_program_in("/bin", see, arg);
}

/* ---- what they are for ---- */

struct listing {
    char texts[TEXTS_MAX]; /* of the file; empty when it is not there */
    u32 count;             /* programs seen */
    u32 column;            /* of the line of names */
};

static struct listing listing;

static void read_texts(void)
{
    struct inode *inode;
    long size;

    listing = (struct listing){.count = 0};
    if (path_lookup(fs_root(), TEXTS, 0, &inode) != 0)
        return;
    if (S_ISREG(inode->mode)) {
        size = filemap_read(&inode->data, 0, listing.texts, TEXTS_MAX - 1, filemap_copy_kernel);
        listing.texts[max(size, 0l)] = '\0';
    }
    inode_put(inode);
}

/* The text of a program, up to the end of its line; NULL when it has none. */
static const char *text_of(const char *name)
{
    size_t len = strlen(name);

    for (const char *line = listing.texts; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, name, len) == 0 && line[len] == ' ')
            return line + len + 1;
    }
    return NULL;
}

static void show_text(const char *name, u32 size, void *unused)
{
    const char *text = text_of(name), *end = text ? strchr(text, '\n') : NULL;

    (void)size, (void)unused;
    listing.count++;
    if (text)
        printk("%-12s %.*s\n", name, end ? (int)(end - text) : (int)strlen(text), text);
}

static void show_name(const char *name, u32 size, void *unused)
{
    u32 len = strlen(name) + 1;

    (void)size, (void)unused;
    if (text_of(name))
        return;
    if (listing.column == 0)
        printk("Others:");
    if (listing.column + len > WIDTH) {
        printk("\n       ");
        listing.column = 0;
    }
    listing.column = (listing.column ? listing.column : strlen("Others:")) + len;
    printk(" %s", name);
}

void monitor_programs(u32 argc, const char **argv)
{
    (void)argc, (void)argv;
    read_texts();
    monitor_each_program(show_text, NULL);
    monitor_each_program(show_name, NULL);
    if (listing.column)
        printk("\n");
    if (listing.count == 0)
        printk("programs: there are none in / and /bin\n");
}
