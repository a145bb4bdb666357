/*
 * /proc: files whose text is generated when they are opened.
 *
 * The whole text is generated at open, in a buffer of the open file: all reads, in pieces of any
 * size and from any position, get parts of the same text, and the generating function does not
 * depend on the position. It writes to a seq_file as if this were unlimited; bytes that do not fit
 * are only counted, and then the text is generated again in a larger buffer.
 *
 * /proc/NAME is an ordinary inode in /proc's tree, created at start-up; the directories of
 * processes are in fs/procfs_pid.c. System calls cannot change /proc: see dir_may_add().
 *
 * Limits: TEXT_MAX bytes; to get a newer text, a reader must open the file again.
 *
 * Neighbours: kernel/proc/proc.c registers the files.
 */
#include <arch/x86/uaccess.h>
#include <asm/errno.h>
#include <fs/internal.h>
#include <lib/printf.h>
#include <linux/stat.h>
#include <mm/frame/slab.h>
#include <mm/kva/vmalloc.h>

#define TEXT_FIRST 2048u
#define TEXT_MAX   (4u << 20)

static struct inode *proc __ro_after_init;

/* ---- text ---- */

void seq_write(struct seq_file *seq, const char *text, u32 len)
{
    if (seq->used < seq->size && len < seq->size - seq->used)
        memcpy(seq->buf + seq->used, text, len);
    seq->used += len;
}

void seq_printf(struct seq_file *seq, const char *fmt, ...)
{
    u32 room = seq->used < seq->size ? seq->size - seq->used : 0;
    va_list args;

    va_start(args, fmt);
    seq->used += vsnprintf(room ? seq->buf + seq->used : NULL, room, fmt, args);
    va_end(args);
}

static void *text_alloc(u32 size)
{
    return size <= KMALLOC_MAX_CACHE_SIZE ? kmalloc(size) : vmalloc(size);
}

static void text_free(void *text)
{
    if (is_vmalloc_addr(text))
        vfree(text);
    else
        kfree(text);
}

/*
 * Generated again, in a buffer of twice the needed size, until it fits: it may have grown
 * meanwhile.
 */
static int make_text(struct inode *inode, struct seq_file *seq)
{
    int err;

    seq->size = TEXT_FIRST;
    do {
        seq->used = 0;
        seq->buf = text_alloc(seq->size);
        if (!seq->buf)
            return -ENOMEM;
        err = inode->proc.show(inode, seq);
        if (!err && seq->used < seq->size)
            return 0;
        text_free(seq->buf);
        while (!err && seq->size <= seq->used)
            seq->size *= 2;
    } while (!err && seq->size <= TEXT_MAX);
    return err ? err : -ENOMEM;
}

/* ---- files ---- */

static int proc_file_open(struct file *file)
{
    struct seq_file *seq;
    int err;

    if (file->mode & FMODE_WRITE)
        return -EACCES;
    seq = kmalloc(sizeof(*seq));
    if (!seq)
        return -ENOMEM;
    err = make_text(file->inode, seq);
    if (err)
        kfree(seq);
    else
        file->private_data = seq;
    return err;
}

static void proc_file_release(struct file *file)
{
    struct seq_file *seq = file->private_data;

    text_free(seq->buf);
    kfree(seq);
}

static long proc_file_read(struct file *file, char *user_buf, u32 count, u64 *pos)
{
    const struct seq_file *seq = file->private_data;
    u32 left;

    if (*pos >= seq->used)
        return 0;
    count = min(count, seq->used - (u32)*pos);
    left = copy_to_user(user_buf, seq->buf + (u32)*pos, count);
    *pos += count - left;
    return left && left == count ? -EFAULT : (long)(count - left);
}

const struct file_operations proc_file_ops = {
    .read = proc_file_read,
    .open = proc_file_open,
    .release = proc_file_release,
    .seekable = true,
};

/* ---- the directory ---- */

struct inode *proc_root(void)
{
    return proc;
}

/* Add an inode to /proc, which system calls cannot; the tree takes over its reference. */
static void enter(struct inode *dir, const char *name, u32 len, struct inode *inode)
{
    struct dir_entry *entry = dir_entry_new(name, len);

    if (!inode || !entry)
        panic("out of memory for /proc/%s", name);
    inode->dev = PROC_DEV;
    dir_add(dir, entry, inode, 0);
    inode_put(inode);
}

static int nothing_else(struct inode *dir, const char *name, u32 len, struct inode **out)
{
    (void)dir, (void)name, (void)len, (void)out;
    return -ENOENT;
}

static int nothing_more(struct inode *dir, u32 *place, char *name, u32 *ino, u32 *type)
{
    (void)dir, (void)place, (void)name, (void)ino, (void)type;
    return 0;
}

/* A directory in /proc, which is created if it does not exist. */
static struct inode *folder(struct inode *dir, const char *name, u32 len)
{
    static const struct dir_operations closed = {.lookup = nothing_else, .next = nothing_more};
    struct dir_entry *entry = dir_find(dir, name, len);
    struct inode *inode;

    if (entry)
        return entry->inode;
    inode = inode_new(S_IFDIR | 0555, 0);
    if (inode)
        inode->dir.ops = &closed;
    enter(dir, name, len, inode);
    return inode;
}

static void proc_enter(const char *name, struct inode *inode)
{
    struct inode *dir = proc;
    const char *slash;

    for (; (slash = strchr(name, '/')); name = slash + 1)
        dir = folder(dir, name, slash - name);
    enter(dir, name, strlen(name), inode);
}

void proc_create(const char *name, int (*show)(struct inode *inode, struct seq_file *seq))
{
    struct inode *inode = inode_new(S_IFREG | 0444, 0);

    if (inode) {
        inode->fops = &proc_file_ops;
        inode->proc.show = show;
    }
    proc_enter(name, inode);
}

void proc_symlink(const char *name, long (*readlink)(struct inode *inode, char *buf, u32 size))
{
    struct inode *inode = inode_new(S_IFLNK | 0777, 0);

    if (inode)
        inode->readlink = readlink;
    proc_enter(name, inode);
}

void proc_init(void)
{
    int err = vfs_mkdir(fs_root(), "proc", 0555);

    if (!err)
        err = path_lookup(fs_root(), "proc", LOOKUP_DIRECTORY, &proc);
    if (err)
        panic("no /proc: error %d", err);
    proc->dev = PROC_DEV;
    proc->dir.ops = &proc_root_ops;
}
