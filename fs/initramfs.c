/*
 * The initramfs: creates files from the archive that the boot loader put into memory.
 *
 * Each entry becomes an inode with a name. The contents of a file stay in the archive: its pages
 * are filled from there at first touch (mm/user/filemap.c), so unpacking costs the same for large
 * and small files.
 *
 * Hard links: cpio writes an entry for each name, with the same inode and device numbers, and the
 * contents with one of them, usually the last. A tree of the files with more names to come maps the
 * numbers to the inode; it is freed at the end of the archive, because another archive has other
 * numbers.
 *
 * Names follow symbolic links that were unpacked before, as on Linux. A name with ".." is refused:
 * no archive of a tree has one.
 *
 * The cost is nearly linear in the size of the archive, for any contents: a step for each part of a
 * name, a search in a tree for each file with several names.
 *
 * An error in an entry does not affect the others; an error in the archive ends it there.
 *
 * Neighbours: fs/cpio.c reads, kernel/main.c passes the module.
 */
#include <asm/errno.h>
#include <fs/initramfs.h>
#include <fs/internal.h>
#include <lib/detach.h>
#include <lib/printk.h>
#include <lib/rbtree.h>
#include <linux/stat.h>
#include <mm/frame/slab.h>

/* A file with more names to come. */
struct met {
    struct rb_node node;
    u32 ino, dev_major, dev_minor;
    u32 left;            /* how many, according to the entry of its first name */
    struct inode *inode; /* with a reference */
};

/* ---- hard links ---- */

static void forget(struct rb_root *links, struct met *met)
{
    rb_erase(&met->node, links);
    inode_put(detach(&met->inode));
    kfree(met);
}

static void forget_all(struct rb_root *links)
{
    while (!RB_EMPTY_ROOT(links))
        forget(links, rb_entry(links->rb_node, struct met, node));
}

static int compare(u32 a, u32 b)
{
    return a < b ? -1 : a > b;
}

/* < 0, 0, > 0 if the entry's file is before the recorded one, the same, or behind it. */
static int compare_met(const struct cpio_entry *entry, const struct met *met)
{
    int order = compare(entry->ino, met->ino);

    if (!order)
        order = compare(entry->dev_major, met->dev_major);
    return order ? order : compare(entry->dev_minor, met->dev_minor);
}

/* The recorded file, or NULL, and then its place in the tree. */
static struct met *find_met(struct rb_root *links, const struct cpio_entry *entry,
                            struct rb_node **parent, struct rb_node ***link)
{
    *parent = NULL;
    *link = &links->rb_node;
    while (**link) {
        struct met *met = rb_entry(**link, struct met, node);
        int order = compare_met(entry, met);

        if (order == 0)
            return met;
        *parent = **link;
        *link = &(*parent)->rb_child[order > 0];
    }
    return NULL;
}

/* Record a file that was not found before. */
static int remember(struct rb_root *links, const struct cpio_entry *entry, struct inode *inode)
{
    struct rb_node *parent, **link;
    struct met *met = kmalloc(sizeof(*met));

    if (!met)
        return -ENOMEM;
    *met = (struct met){.ino = entry->ino,
                        .dev_major = entry->dev_major,
                        .dev_minor = entry->dev_minor,
                        .left = entry->nlink - 1,
                        .inode = inode};
    inode_get(inode);
    find_met(links, entry, &parent, &link);
    rb_link_node(&met->node, parent, link);
    rb_insert_color(&met->node, links);
    return 0;
}

/* ---- names ---- */

/* 0, or the error of a name that is invalid in the tree. */
static int name_is_sound(const char *name)
{
    const char *end;
    u32 len = strnlen(name, PATH_SIZE);

    if (len == 0)
        return -ENOENT;
    if (len == PATH_SIZE)
        return -ENAMETOOLONG;
    for (; *name; name = *end ? end + 1 : end) {
        end = strchr(name, '/');
        if (!end)
            end = name + strlen(name);
        if (end - name == 2 && name[0] == '.' && name[1] == '.')
            return -EINVAL;
        if (end - name > NAME_MAX_)
            return -ENAMETOOLONG;
    }
    return 0;
}

/* ---- entries ---- */

static void set_attributes(struct inode *inode, const struct cpio_entry *entry)
{
    inode->mode = (inode->mode & S_IFMT) | (entry->mode & MODE_BITS);
    inode->uid = entry->uid;
    inode->gid = entry->gid;
    inode->atime = inode->mtime = (struct timespec_fs){.sec = entry->mtime};
}

/* The text of a symbolic link does not end with a 0 in the archive. */
static int set_link(struct inode *inode, const struct cpio_entry *entry)
{
    u32 len = strnlen(entry->data, entry->size);

    if (len == 0)
        return -ENOENT;
    if (len >= PATH_SIZE)
        return -ENAMETOOLONG;
    inode->link = kmalloc(len + 1);
    if (!inode->link)
        return -ENOMEM;
    memcpy(inode->link, entry->data, len);
    inode->link[len] = '\0';
    return 0;
}

/* Create the inode of an entry, without contents and name. */
static int make_inode(const struct cpio_entry *entry, struct inode **out)
{
    u32 mode = entry->mode & (S_IFMT | MODE_BITS), rdev = 0;
    struct inode *inode;
    int err = 0;

    if (entry->size > FILE_SIZE_MAX)
        return -EFBIG;
    switch (mode & S_IFMT) {
    case S_IFCHR:
    case S_IFBLK:
        rdev = MKDEV(entry->rdev_major, entry->rdev_minor);
        break;
    case S_IFREG:
    case S_IFDIR:
    case S_IFLNK:
    case S_IFIFO:
    case S_IFSOCK:
        break;
    default:
        return -EINVAL;
    }
    inode = inode_new(mode, rdev);
    if (!inode)
        return -ENOMEM;
    if (S_ISLNK(mode))
        err = set_link(inode, entry);
    if (err)
        inode_put(inode);
    else
        *out = inode;
    return err;
}

/* The directory already exists: set its mode, owner and time from the archive. */
static int update_directory(struct inode *base, const struct cpio_entry *entry)
{
    struct inode *dir;
    int err = path_lookup(base, entry->name, LOOKUP_DIRECTORY, &dir);

    if (err)
        return err;
    set_attributes(dir, entry);
    inode_put(dir);
    return 0;
}

static bool may_have_links(const struct cpio_entry *entry)
{
    return entry->nlink > 1 && !S_ISDIR(entry->mode);
}

/* Add the first or only name of a file. */
static int add_first(struct inode *base, const struct cpio_entry *entry, struct rb_root *links)
{
    struct inode *inode;
    int err = make_inode(entry, &inode);

    if (err)
        return err;
    set_attributes(inode, entry);
    if (S_ISREG(entry->mode))
        inode_set_backing(inode, entry->data, entry->size);
    if (may_have_links(entry))
        err = remember(links, entry, inode);
    if (!err)
        err = namei_add(base, entry->name, inode, true);
    if (err == -EEXIST && S_ISDIR(entry->mode))
        err = update_directory(base, entry);
    inode_put(inode);
    return err;
}

static int add_link(struct inode *base, const struct cpio_entry *entry, struct rb_root *links,
                    struct met *met)
{
    struct inode *inode = met->inode;
    int err;

    if ((inode->mode ^ entry->mode) & S_IFMT)
        return -EINVAL;
    err = namei_add(base, entry->name, inode, true);
    if (!err && S_ISREG(entry->mode) && entry->size)
        inode_set_backing(inode, entry->data, entry->size);
    if (--met->left == 0)
        forget(links, met);
    return err;
}

static int add_entry(struct inode *base, const struct cpio_entry *entry, struct rb_root *links)
{
    struct rb_node *parent, **link;
    struct met *met = may_have_links(entry) ? find_met(links, entry, &parent, &link) : NULL;
    int err = name_is_sound(entry->name);

    if (err)
        return err;
    return met ? add_link(base, entry, links, met) : add_first(base, entry, links);
}

/* ---- archives ---- */

void initramfs_unpack(struct inode *base, const void *archive, u32 size,
                      struct unpack_result *result)
{
    struct cpio_entry entry;
    struct rb_root links = RB_ROOT;

    *result = (struct unpack_result){.entries = 0};
    do {
        while (cpio_next(archive, size, &result->offset, &entry, &result->why)) {
            int err = add_entry(base, &entry, &links);

            result->entries++;
            if (err && result->left_out++ == 0) {
                result->first = entry.name;
                result->first_err = err;
            }
        }
        forget_all(&links);
    } while (!result->why && cpio_next_archive(archive, size, &result->offset));
}

void initramfs_init(const void *archive, u32 size)
{
    struct unpack_result result;

    initramfs_unpack(fs_root(), archive, size, &result);
    if (result.why)
        printk("initramfs: damaged at offset %u of %u: %s\n", result.offset, size, result.why);
    if (result.left_out)
        printk("initramfs: %u of %u entries left out, the first \"%.60s\": error %d\n",
               result.left_out, result.entries, result.first, -result.first_err);
}
