/*
 * Parses a word as an address, for `explain`, `peek` and `poke`: a number, decimal or hexadecimal
 * with 0x; the name of a function or a variable of the kernel, or of an edge of the address map; or
 * PROGRAM:NAME, a symbol of a program. Behind each may be +N, as in the kernel's reports:
 * kernel_main+0x4/0xe0. It also parses pids, for these, `pgdiff` and `kill`.
 *
 * Kernel addresses are the same in every address space. A user address has a different meaning in
 * each process, so it needs a pid. For PROGRAM:NAME the pid can be omitted when only one process
 * runs that program. Programs are searched as by `run`: in / and then in /bin.
 *
 * Neighbours: kernel/symbols.c and kernel/process/elf_symbols.c have the names.
 */
#include <asm/errno.h>
#include <fs/fs.h>
#include <kernel/kernel.h>
#include <kernel/monitor/monitor.h>
#include <kernel/monitor/readline.h>
#include <kernel/process/process.h>
#include <kernel/task.h>
#include <lib/detach.h>
#include <lib/kstrtox.h>
#include <lib/printf.h>
#include <lib/printk.h>
#include <lib/string.h>
#include <linux/stat.h>
#include <mm/layout.h>
#include <mm/user/mm.h>

#define PROGRAM_MAX 128 /* of its path */

/* ---- processes ---- */

struct task *monitor_parse_task(const char *command, const char *word)
{
    struct task *task;
    u32 pid;

    if (kstrtouint(word, 10, &pid) != 0) {
        printk("%s: %s is not a pid; \"ps\" lists the processes\n", command, word);
        return NULL;
    }
    task = task_find(pid);
    if (!task)
        printk("%s: no task has the pid %u; \"ps\" lists them\n", command, pid);
    return task;
}

/* A task with an address space; on error, prints a line and returns NULL. */
static const struct task *parse_process(const char *command, const char *word)
{
    const struct task *task = monitor_parse_task(command, word);

    if (!task || task->mm)
        return task;
    printk("%s: %s[%u] has no address space of its own\n", command, task->comm, task->pid);
    return NULL;
}

/*
 * The only process that runs a program; otherwise prints a line with their number and returns NULL.
 */
static const struct task *find_runner(const char *command, const char *word, u32 addr,
                                      const struct inode *exe)
{
    const struct task *found = NULL;
    char line[256];
    u32 count = 0;

    for (struct task *task = task_next(NULL); task; task = task_next(task)) {
        if (task->mm && task->exe == exe) {
            found = task;
            count++;
        }
    }
    if (count == 1)
        return found;
    if (count == 0)
        snprintf(line, sizeof(line),
                 "%s: %s is 0x%08x in a process that runs it, and none does; \"run forever &\" "
                 "starts a program that stays",
                 command, word, addr);
    else
        snprintf(line, sizeof(line), "%s: %s is 0x%08x in %u processes: add a PID", command, word,
                 addr, count);
    printk_folded(line);
    return NULL;
}

/* ---- programs ---- */

static struct inode *find_in(const char *folder, const char *name)
{
    char path[PROGRAM_MAX + 8];
    struct inode *inode;

    snprintf(path, sizeof(path), "%s%s", strchr(name, '/') ? "" : folder, name);
    if (path_lookup(fs_root(), path, 0, &inode) != 0)
        return NULL;
    if (S_ISREG(inode->mode))
        return inode;
    inode_put(inode);
    return NULL;
}

struct inode *monitor_find_program(const char *word, size_t len)
{
    char name[PROGRAM_MAX];

    if (len >= PROGRAM_MAX)
        return NULL;
    snprintf(name, sizeof(name), "%.*s", (int)len, word);
    return find_in("/", name) ?: find_in("/bin/", name);
}

/* The program before the colon; on error, prints a line and returns NULL. */
static struct inode *find_program(const char *command, const char *word, const char *colon)
{
    struct inode *inode = monitor_find_program(word, colon - word);

    if (!inode)
        printk("%s: %.*s: no such program; \"programs\" lists them\n", command, (int)(colon - word),
               word);
    return inode;
}

/* On error, prints a line and returns false. */
static bool find_symbol(const char *command, const char *word, const char *colon,
                        struct inode *inode, u32 *addr)
{
    const char *why;
    int err = elf_find_symbol(&inode->data, colon + 1, addr, &why);
    int len = colon - word;

    if (err == -ENOENT)
        printk("%s: %.*s has no symbol %s\n", command, len, word, colon + 1);
    else if (err == -ENOEXEC)
        printk("%s: %.*s has no symbols: %s\n", command, len, word, why);
    else if (err)
        printk("%s: %.*s cannot be read: error %d\n", command, len, word, -err);
    return err == 0;
}

/* On error, prints a line and returns false. */
static bool add_offset(const char *command, const char *word, u32 offset, u32 *addr)
{
    if (offset >= TASK_SIZE - *addr) {
        printk("%s: 0x%x bytes behind %s there are no user addresses\n", command, offset, word);
        return false;
    }
    *addr += offset;
    return true;
}

/* PROGRAM:NAME. */
static bool parse_symbol(const char *command, const char *word, u32 offset, const char *pid,
                         struct monitor_address *address)
{
    const char *colon = strrchr(word, ':');
    struct inode *inode = find_program(command, word, colon);
    const struct task *task = NULL;

    if (!inode)
        return false;
    if (find_symbol(command, word, colon, inode, &address->addr) &&
        add_offset(command, word, offset, &address->addr))
        task = pid ? parse_process(command, pid) : find_runner(command, word, address->addr, inode);
    if (task && task->exe != inode) {
        printk("%s: %s[%u] runs another program\n", command, task->comm, task->pid);
        task = NULL;
    }
    inode_put(inode);
    address->mm = task ? mm_get(task->mm) : NULL;
    return task;
}

/* ---- a word ---- */

bool monitor_parse_u32(const char *word, u32 *value)
{
    bool hex = word[0] == '0' && (word[1] | 0x20) == 'x';

    return kstrtouint(word, hex ? 16 : 10, value) == 0;
}

/* An edge of the address map, as `layout` prints it, or a symbol of the kernel. */
static bool name_address(const char *name, u32 *addr)
{
    for (u32 i = 0; i < LAYOUT_REGIONS; i++) {
        if (*name && strcmp(layout_regions[i].edge, name) == 0) {
            *addr = layout_regions[i].start;
            return true;
        }
    }
    return symbol_address(name, addr);
}

struct nearest {
    const char *word, *name;
    u32 distance; /* a name that is not nearer is not similar */
};

static void see_symbol(const char *name, void *arg)
{
    struct nearest *nearest = arg;
    u32 distance = monitor_edit_distance(nearest->word, name);

    if (distance < nearest->distance) {
        nearest->distance = distance;
        nearest->name = name;
    }
}

/* With the most similar symbol, in which at most two letters, and at most a third, are wrong. */
static void say_no_address(const char *command, const char *word)
{
    struct nearest nearest = {.word = word};
    char line[256];

    nearest.distance = min(strlen(word) / 3 + 1, (size_t)3);
    symbol_each(see_symbol, &nearest);
    if (nearest.name)
        snprintf(line, sizeof(line),
                 "%s: %s is not an address, kernel symbol or PROGRAM:NAME; "
                 "the nearest symbol is %s",
                 command, word, nearest.name);
    else
        snprintf(line, sizeof(line),
                 "%s: %s is not an address (0x1234abcd), kernel symbol or PROGRAM:NAME", command,
                 word);
    printk_folded(line);
}

/*
 * Copy a name without the +N or +N/SIZE behind it, and set *offset to that, or to 0. False if N or
 * SIZE is no number, or the name is too long.
 */
static bool split_offset(const char *word, char *name, size_t size, u32 *offset)
{
    char *plus, *slash;
    u32 unused;

    *offset = 0;
    if (strscpy(name, word, size) < 0)
        return false;
    plus = strrchr(strrchr(name, ':') ?: name, '+');
    if (!plus)
        return true;
    *plus = '\0';
    slash = strchr(plus + 1, '/');
    if (slash)
        *slash = '\0';
    return monitor_parse_u32(plus + 1, offset) && (!slash || monitor_parse_u32(slash + 1, &unused));
}

/* A number or a name of the kernel; on error, returns false. */
static bool parse_name(const char *name, u32 offset, u32 *addr)
{
    return (monitor_parse_u32(name, addr) || name_address(name, addr)) &&
           !__builtin_add_overflow(*addr, offset, addr);
}

bool monitor_parse_address(const char *command, const char *word, const char *pid,
                           struct monitor_address *address)
{
    const struct task *task = NULL;
    char name[READLINE_MAX];
    u32 offset;
    bool sound = split_offset(word, name, sizeof(name), &offset);

    *address = (struct monitor_address){0};
    if (sound && strchr(name, ':'))
        return parse_symbol(command, name, offset, pid, address);
    if (!sound || !parse_name(name, offset, &address->addr)) {
        say_no_address(command, word);
        return false;
    }
    if (pid) {
        task = parse_process(command, pid);
        if (!task)
            return false;
        address->mm = mm_get(task->mm);
    }
    return true;
}

void monitor_put_address(struct monitor_address *address)
{
    if (address->mm)
        mm_put(detach(&address->mm));
}
