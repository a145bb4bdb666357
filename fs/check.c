/*
 * The check of the tree: every directory, every name, every link count.
 *
 * The walk needs no memory and no stack that grows with the depth of the tree: from an entry it
 * goes to the first entry of that directory, or to the next entry of the same directory, or, past
 * the last, to the one after its parent. A directory has one name, so the way up is unique.
 *
 * Open files without names (removed files, pipes, /proc/PID) are in no directory and are not found
 * this way; so the count of all inodes may be larger than the number found.
 *
 * Neighbours: the audit calls it (mm/check/audit.h), fs/dir.c has the trees.
 */
#include <fs/internal.h>
#include <lib/printf.h>
#include <linux/stat.h>

static char wrong[160];

static const char *report(const struct dir_entry *entry, const char *what, u32 found, u32 expected)
{
    snprintf(wrong, sizeof(wrong), "files: %s (inode %u): %s: %u, expected %u",
             entry ? entry->name : "/", entry ? entry->inode->ino : fs_root()->ino, what, found,
             expected);
    return wrong;
}

static struct dir_entry *first_in(const struct inode *dir)
{
    struct rb_node *node = rb_first(&dir->dir.by_cookie);

    return node ? rb_entry(node, struct dir_entry, by_cookie) : NULL;
}

/* The entry after this one in a walk of the whole tree, each directory before its contents. */
static struct dir_entry *next_entry(struct dir_entry *entry)
{
    struct dir_entry *first = S_ISDIR(entry->inode->mode) ? first_in(entry->inode) : NULL;
    struct rb_node *node;

    if (first)
        return first;
    while (!(node = rb_next(&entry->by_cookie))) {
        if (entry->dir == fs_root())
            return NULL;
        entry = list_first_entry(&entry->dir->names, struct dir_entry, link);
    }
    return rb_entry(node, struct dir_entry, by_cookie);
}

/* `entry` is the directory's own; NULL for the root. */
static const char *check_directory(struct inode *dir, const struct dir_entry *entry)
{
    u32 entries = 0, directories = 0;
    const char *text = rb_check(&dir->dir.by_name, dir_entry_compare, NULL);

    if (!text)
        text = rb_check(&dir->dir.by_cookie, dir_cookie_compare, NULL);
    if (text)
        return text;
    for (struct rb_node *node = rb_first(&dir->dir.by_cookie); node; node = rb_next(node)) {
        struct dir_entry *child = rb_entry(node, struct dir_entry, by_cookie);

        if (child->dir != dir || child->removed)
            return report(child, "an entry of another directory", child->removed, 0);
        if (dir_find(dir, child->name, child->len) != child)
            return report(child, "not found by its name", 0, 1);
        if (child->cookie < COOKIE_FIRST || child->cookie >= dir->dir.next_cookie)
            return report(child, "cookie", child->cookie, dir->dir.next_cookie);
        entries++;
        directories += S_ISDIR(child->inode->mode);
    }
    if (entries != dir->dir.entries)
        return report(entry, "entries", dir->dir.entries, entries);
    if (dir->nlink != 2 + directories)
        return report(entry, "links of a directory", dir->nlink, 2 + directories);
    return NULL;
}

/* Check the names of an inode, only once: when the walk is at the first of them. */
static const char *check_names(const struct dir_entry *entry)
{
    const struct inode *inode = entry->inode;
    const struct dir_entry *name;
    u32 names = 0;

    list_for_each_entry (name, &inode->names, link) {
        if (name->inode != inode || name->removed)
            return report(name, "a name of another inode", name->removed, 0);
        names++;
    }
    if (S_ISDIR(inode->mode) ? names != 1 : inode->nlink != names)
        return report(entry, "links", inode->nlink, names);
    if (inode->data.refcount < (s32)names)
        return report(entry, "references", inode->data.refcount, names);
    return NULL;
}

const char *fs_check(void)
{
    struct inode *root = fs_root();
    struct dir_entry *entry = first_in(root);
    const char *text = check_directory(root, NULL);
    u32 inodes = 1, entries = 0, names = 0;

    for (; entry && !text; entry = next_entry(entry)) {
        entries++;
        if (S_ISDIR(entry->inode->mode))
            text = check_directory(entry->inode, entry);
        if (!text && &entry->link == entry->inode->names.next) {
            text = check_names(entry);
            names += list_count(&entry->inode->names);
            inodes++;
        }
    }
    if (!text && names != entries)
        text = report(NULL, "entries of all inodes", names, entries);
    if (!text && inodes > inode_count)
        text = report(NULL, "inodes", inode_count, inodes);
    return text;
}
