/*
 * Creating, linking, renaming and removing: all changes of names.
 *
 * Each operation walks to the last part of its path, checks for all errors in the same order as
 * Linux (so that the result is the same when there are two errors), allocates the new entry, and
 * only then changes the tree, which cannot fail any more.
 *
 * Other tasks may run while an operation walks, but not between its checks and its changes, so the
 * checks stay valid. Only freeing a large file may yield again, and this comes last.
 *
 * Limits: permission bits are not checked, every process is root. rename(2) supports only
 * RENAME_NOREPLACE. /proc, which the kernel fills, refuses all changes.
 *
 * Neighbours: fs/walk.c, fs/dir.c.
 */
#include <asm/errno.h>
#include <fs/internal.h>
#include <linux/fs.h>
#include <linux/stat.h>
#include <mm/frame/slab.h>

static bool is_dir(const struct inode *inode)
{
    return S_ISDIR(inode->mode);
}

/* ---- adding names ---- */

/* 0 when the inode may replace the entry. */
static int may_replace(const struct dir_entry *entry, const struct inode *inode)
{
    if (!is_dir(entry->inode))
        return 0;
    if (is_dir(inode))
        return -EEXIST;
    return entry->inode->dir.entries || entry->inode->dir.ops ? -ENOTEMPTY : 0;
}

int namei_add_at(const struct walk *walk, struct inode *inode, bool replace)
{
    struct timespec_fs dir_time = walk->dir->mtime;
    struct dir_entry *entry, *old;
    struct inode *found;
    int err;

    if (!walk_at_name(walk))
        return -EEXIST;
    old = dir_find(walk->dir, walk->name, walk->len);
    err = dir_may_add(walk->dir);
    if (old) {
        err = replace ? may_replace(old, inode) : -EEXIST;
    } else if (walk->dir->dir.ops && dir_lookup(walk->dir, walk->name, walk->len, &found) == 0) {
        inode_put(found);
        err = -EEXIST;
    } else if (walk->slash && !is_dir(inode)) {
        err = -ENOENT;
    }
    if (!err && !old && !fs_has_room())
        err = -ENOSPC;
    if (err || (old && old->inode == inode))
        return err;
    entry = dir_entry_new(walk->name, walk->len);
    if (!entry)
        return -ENOMEM;
    found = old ? old->inode : NULL;
    if (found) {
        inode_get(found); /* it is freed last: this may yield, and the name is already free */
        dir_remove(old, false);
    }
    dir_add(walk->dir, entry, inode, 0);
    inode->ctime = walk->dir->ctime;
    if (replace)
        walk->dir->mtime = dir_time;
    if (found)
        inode_put(found);
    return 0;
}

/*
 * A walk has ended with -ENOENT: make the directory that is missing, unless only a link names it,
 * and continue the walk with that part.
 */
static int make_missing(struct walk *walk)
{
    struct inode *dir;
    int err;

    if (!*walk->rest || walk->name < walk->own || !walk_at_name(walk))
        return -ENOENT;
    dir = inode_new(S_IFDIR | 0755, 0);
    if (!dir)
        return -ENOMEM;
    err = namei_add_at(walk, dir, false);
    inode_put(dir);
    walk->rest = walk->name;
    return err;
}

int namei_add(struct inode *base, const char *path, struct inode *inode, bool replace)
{
    struct walk walk;
    int err = walk_start(&walk, base, path);

    if (!err)
        err = walk_to_last(&walk);
    while (err == -ENOENT && replace && (err = make_missing(&walk)) == 0)
        err = walk_to_last(&walk);
    if (!err)
        err = namei_add_at(&walk, inode, replace);
    walk_end(&walk);
    return err;
}

/* Name a new inode; the tree takes over its reference. */
static int add_new(struct inode *base, const char *path, struct inode *inode)
{
    int err;

    if (!inode)
        return -ENOMEM;
    err = namei_add(base, path, inode, false);
    inode_put(inode);
    return err;
}

int vfs_mknod(struct inode *base, const char *path, u32 mode, u32 rdev)
{
    switch (mode & S_IFMT) {
    case 0:
        mode |= S_IFREG;
        break;
    case S_IFREG:
    case S_IFIFO:
    case S_IFSOCK:
    case S_IFCHR:
    case S_IFBLK:
        break;
    case S_IFDIR:
        return -EPERM;
    default:
        return -EINVAL;
    }
    return add_new(base, path, inode_new(mode, S_ISCHR(mode) || S_ISBLK(mode) ? rdev : 0));
}

int vfs_mkdir(struct inode *base, const char *path, u32 mode)
{
    return add_new(base, path, inode_new(S_IFDIR | (mode & MODE_BITS), 0));
}

int vfs_symlink(struct inode *base, const char *target, const char *path)
{
    u32 len = strnlen(target, PATH_SIZE);
    struct inode *inode;

    if (len == 0)
        return -ENOENT;
    if (len == PATH_SIZE)
        return -ENAMETOOLONG;
    inode = inode_new(S_IFLNK | 0777, 0);
    if (!inode)
        return -ENOMEM;
    inode->link = kmalloc(len + 1);
    if (!inode->link) {
        inode_put(inode);
        return -ENOMEM;
    }
    memcpy(inode->link, target, len + 1);
    return add_new(base, path, inode);
}

/*
 * 0, or the error why this inode cannot have another name (a removed one is "not found", as on
 * Linux); errors of the new name have priority.
 */
static int may_link(const struct walk *walk, const struct inode *inode)
{
    bool same = inode->dev == walk->dir->dev;

    if (same && !is_dir(inode) && !list_empty(&inode->names) && !inode_is_removed(inode))
        return 0;
    if (!walk_at_name(walk) || dir_find(walk->dir, walk->name, walk->len))
        return -EEXIST;
    if (!same)
        return walk->dir->dir.ops ? -ENOENT : -EXDEV;
    return walk->slash || (!is_dir(inode) && !list_empty(&inode->names)) ? -ENOENT : -EPERM;
}

int vfs_link(struct inode *old_base, const char *old, struct inode *new_base, const char *new,
             u32 lookup_flags)
{
    struct inode *inode;
    struct walk walk;
    int err = path_lookup(old_base, old, lookup_flags, &inode);

    if (err)
        return err;
    err = walk_start(&walk, new_base, new);
    if (!err)
        err = walk_to_last(&walk);
    if (!err)
        err = may_link(&walk, inode);
    if (!err)
        err = namei_add_at(&walk, inode, false);
    walk_end(&walk);
    inode_put(inode);
    return err;
}

/* ---- removing names ---- */

/* The entry at the end of a walk, if its directory allows it to be removed or moved. */
static int find_own(struct walk *walk, struct dir_entry **out)
{
    struct inode *found;
    int err;

    *out = dir_find(walk->dir, walk->name, walk->len);
    if (*out && !walk->dir->dir.ops)
        return 0;
    err = dir_lookup(walk->dir, walk->name, walk->len, &found);
    if (err)
        return err;
    inode_put(found);
    return -EPERM;
}

static int unlink_at(struct walk *walk)
{
    struct dir_entry *entry;
    int err;

    if (!walk_at_name(walk))
        return -EISDIR;
    err = find_own(walk, &entry);
    if (err)
        return err;
    if (is_dir(entry->inode))
        return -EISDIR;
    if (walk->slash)
        return -ENOTDIR;
    dir_remove(entry, false);
    return 0;
}

/* The root, "." and ".." each have a different error. */
static int not_removable(const struct walk *walk)
{
    if (walk->len == 0)
        return -EBUSY;
    return walk->len == 1 ? -EINVAL : -ENOTEMPTY;
}

static int rmdir_at(struct walk *walk)
{
    struct dir_entry *entry;
    int err;

    if (!walk_at_name(walk))
        return not_removable(walk);
    err = find_own(walk, &entry);
    if (err)
        return err;
    if (!is_dir(entry->inode))
        return -ENOTDIR;
    if (entry->inode->dir.ops)
        return -EBUSY;
    if (entry->inode->dir.entries)
        return -ENOTEMPTY;
    dir_remove(entry, false);
    return 0;
}

static int walk_and(int (*act)(struct walk *walk), struct inode *base, const char *path)
{
    struct walk walk;
    int err = walk_start(&walk, base, path);

    if (!err)
        err = walk_to_last(&walk);
    if (!err)
        err = act(&walk);
    walk_end(&walk);
    return err;
}

int vfs_unlink(struct inode *base, const char *path)
{
    return walk_and(unlink_at, base, path);
}

int vfs_rmdir(struct inode *base, const char *path)
{
    return walk_and(rmdir_at, base, path);
}

/* ---- renaming ---- */

/* 0 when the entry `from` may replace `to` (NULL: nothing to replace). */
static int may_rename(const struct walk *old, const struct walk *new, struct dir_entry *from,
                      struct dir_entry *to, u32 flags)
{
    int err = 0;

    if (to && flags & RENAME_NOREPLACE)
        return -EEXIST;
    if (!is_dir(from->inode) && (old->slash || new->slash))
        return -ENOTDIR;
    if (is_dir(from->inode) && dir_lies_in(new->dir, from->inode))
        return -EINVAL;
    if (to && is_dir(to->inode) && dir_lies_in(old->dir, to->inode))
        return -ENOTEMPTY;
    if (to && to->inode == from->inode)
        return 0; /* the other checks are for a `to` that is removed */
    if (!to)
        err = dir_may_add(new->dir);
    else if (is_dir(from->inode) != is_dir(to->inode))
        err = is_dir(from->inode) ? -ENOTDIR : -EISDIR;
    if (!err && is_dir(from->inode) && from->inode->dir.ops)
        err = -EBUSY;
    if (!err && to && is_dir(to->inode) && to->inode->dir.ops)
        err = -EBUSY;
    if (!err && to && is_dir(to->inode) && to->inode->dir.entries)
        err = -ENOTEMPTY;
    return err;
}

/* All checks are done. */
static void move(struct inode *dir, struct dir_entry *entry, struct dir_entry *from,
                 struct dir_entry *to)
{
    struct inode *inode = from->inode, *gone = to ? to->inode : NULL;
    /* Within a directory the place is kept, so that a reader that renames what it reads ends. */
    u32 cookie = from->dir == dir ? from->cookie : 0;

    inode_get(inode);
    if (gone) {
        inode_get(gone); /* it is freed last, because this may yield */
        dir_remove(to, false);
    }
    dir_remove(from, true);
    if (!is_dir(inode))
        inode->nlink--; /* dir_add() counts it again */
    dir_add(dir, entry, inode, cookie);
    inode_put(inode);
    if (gone)
        inode_put(gone);
}

static int rename_at(struct walk *old, struct walk *new, u32 flags)
{
    struct dir_entry *from, *to = NULL, *entry;
    int err;

    if (old->dir->dev != new->dir->dev)
        return -EXDEV;
    if (!walk_at_name(old))
        return -EBUSY;
    if (!walk_at_name(new))
        return flags & RENAME_NOREPLACE ? -EEXIST : -EBUSY;
    err = find_own(old, &from);
    if (!err) {
        err = find_own(new, &to);
        if (err == -ENOENT)
            err = 0;
    }
    if (!err)
        err = may_rename(old, new, from, to, flags);
    if (err || (to && to->inode == from->inode))
        return err; /* two names of one file: nothing happens */
    entry = dir_entry_new(new->name, new->len);
    if (!entry)
        return -ENOMEM;
    move(new->dir, entry, from, to);
    return 0;
}

int vfs_rename(struct inode *old_base, const char *old, struct inode *new_base, const char *new,
               u32 flags)
{
    struct walk from, to;
    int err;

    if (flags & ~(u32)RENAME_NOREPLACE)
        return -EINVAL;
    err = walk_start(&from, old_base, old);
    if (!err)
        err = walk_to_last(&from);
    if (!err) {
        err = walk_start(&to, new_base, new);
        if (!err)
            err = walk_to_last(&to);
        if (!err)
            err = rename_at(&from, &to, flags);
        walk_end(&to);
    }
    walk_end(&from);
    return err;
}
