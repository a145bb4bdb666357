/*
 * Directories: names that lead to inodes.
 *
 * A directory has its entries in two trees. One is by name: first by its hash, so that a step down
 * compares numbers and not strings. The other is by cookie, a number that the entry gets when it is
 * created and that readdir(2) uses as its position: so reading can continue at any entry, even if
 * the one where it stopped was removed, and neither skips nor repeats the others.
 *
 * Below /proc there are directories whose entries are generated on demand (struct dir_operations),
 * some of which also have ordinary entries; the positions of generated entries are above all
 * cookies.
 *
 * Limits: cookies start again only when a directory is empty; after 2^30 creations without this it
 * is full (-ENOSPC).
 *
 * Neighbours: fs/walk.c follows paths, fs/namei.c decides what may be added and removed.
 */
#include <asm/errno.h>
#include <fs/internal.h>
#include <linux/stat.h>
#include <mm/frame/slab.h>

/* ---- the tree of names ---- */

/*
 * FNV-1a (Fowler, Noll, Vo): two instructions per byte, and similar names have very different
 * hashes.
 */
static u32 hash_name(const char *name, u32 len)
{
    u32 hash = 2166136261u;

    for (u32 i = 0; i < len; i++)
        hash = (hash ^ (u8)name[i]) * 16777619u;
    return hash;
}

/* < 0, 0, > 0 if the name is before the entry, equal, or behind it. */
static int compare_name(u32 hash, const char *name, u32 len, const struct dir_entry *entry)
{
    if (hash != entry->hash)
        return hash < entry->hash ? -1 : 1;
    if (len != entry->len)
        return len < entry->len ? -1 : 1;
    return memcmp(name, entry->name, len);
}

int dir_entry_compare(const struct rb_node *a, const struct rb_node *b)
{
    const struct dir_entry *entry = rb_entry(a, struct dir_entry, by_name);

    return compare_name(entry->hash, entry->name, entry->len,
                        rb_entry(b, struct dir_entry, by_name));
}

int dir_cookie_compare(const struct rb_node *a, const struct rb_node *b)
{
    u32 cookie_a = rb_entry(a, struct dir_entry, by_cookie)->cookie;
    u32 cookie_b = rb_entry(b, struct dir_entry, by_cookie)->cookie;

    return cookie_a < cookie_b ? -1 : cookie_a > cookie_b;
}

struct dir_entry *dir_find(struct inode *dir, const char *name, u32 len)
{
    struct rb_node *node = dir->dir.by_name.rb_node;
    u32 hash = hash_name(name, len);

    while (node) {
        struct dir_entry *entry = rb_entry(node, struct dir_entry, by_name);
        int order = compare_name(hash, name, len, entry);

        if (order == 0)
            return entry;
        node = node->rb_child[order > 0];
    }
    return NULL;
}

int dir_lookup(struct inode *dir, const char *name, u32 len, struct inode **out)
{
    struct dir_entry *entry = dir_find(dir, name, len);

    if (entry) {
        inode_get(entry->inode);
        *out = entry->inode;
        return 0;
    }
    return dir->dir.ops ? dir->dir.ops->lookup(dir, name, len, out) : -ENOENT;
}

/* The first name of an inode; a directory has only one. NULL for the root and generated inodes. */
static struct dir_entry *name_of(const struct inode *inode)
{
    return list_empty(&inode->names) ? NULL
                                     : list_first_entry(&inode->names, struct dir_entry, link);
}

/* ---- changing ---- */

struct dir_entry *dir_entry_new(const char *name, u32 len)
{
    struct dir_entry *entry = kmalloc(sizeof(*entry) + len + 1);

    if (!entry)
        return NULL;
    fs_names++;
    entry->hash = hash_name(name, len);
    entry->removed = false;
    entry->len = len;
    memcpy(entry->name, name, len);
    entry->name[len] = '\0';
    return entry;
}

void dir_entry_free(struct dir_entry *entry)
{
    kfree(entry);
    fs_names--;
}

int dir_may_add(const struct inode *dir)
{
    if (inode_is_removed(dir) || dir->dir.ops)
        return -ENOENT;
    if (dir->dir.entries && dir->dir.next_cookie == COOKIE_DYNAMIC)
        return -ENOSPC;
    return 0;
}

static void insert(struct rb_root *tree, struct rb_node *node, rb_compare_t compare)
{
    struct rb_node **link = &tree->rb_node, *parent = NULL;

    while (*link) {
        parent = *link;
        link = &parent->rb_child[compare(node, parent) > 0];
    }
    rb_link_node(node, parent, link);
    rb_insert_color(node, tree);
}

/*
 * A file that lost its last name and still has references gets a name again (an archive has
 * replaced it and names it once more): remove the entry with its old name. Returns the directory of
 * that entry, whose reference the caller must drop, or NULL.
 */
static struct inode *forget_removed_name(struct inode *inode)
{
    struct dir_entry *entry = name_of(inode);
    struct inode *dir;

    if (!entry || !entry->removed)
        return NULL;
    list_del(&entry->link);
    dir = entry->dir;
    dir_entry_free(entry);
    return dir;
}

void dir_add(struct inode *dir, struct dir_entry *entry, struct inode *inode, u32 cookie)
{
    struct inode *held = forget_removed_name(inode);

    if (!cookie) {
        if (dir->dir.entries == 0)
            dir->dir.next_cookie = COOKIE_FIRST;
        cookie = dir->dir.next_cookie++;
    }
    entry->dir = dir;
    entry->inode = inode;
    entry->cookie = cookie;
    insert(&dir->dir.by_name, &entry->by_name, dir_entry_compare);
    insert(&dir->dir.by_cookie, &entry->by_cookie, dir_cookie_compare);
    dir->dir.entries++;
    list_add_tail(&entry->link, &inode->names);
    inode_get(inode);
    if (S_ISDIR(inode->mode)) {
        if (inode->nlink == 0)
            inode->nlink = 2; /* the name, and "." */
        dir->nlink++;         /* ".." */
    } else {
        inode->nlink++;
    }
    inode_stamp(dir);
    if (held)
        inode_put(held); /* last, because it may yield */
}

/* The inode's last name is removed, but it may be open: see struct dir_entry. */
static void keep_as_removed(struct dir_entry *entry)
{
    entry->removed = true;
    inode_get(entry->dir);
}

void dir_remove(struct dir_entry *entry, bool moved)
{
    struct inode *dir = entry->dir, *inode = entry->inode;

    rb_erase(&entry->by_name, &dir->dir.by_name);
    rb_erase(&entry->by_cookie, &dir->dir.by_cookie);
    dir->dir.entries--;
    inode_stamp(dir);
    inode->ctime = dir->ctime;
    if (S_ISDIR(inode->mode))
        dir->nlink--;
    if (!moved)
        inode->nlink = S_ISDIR(inode->mode) ? 0 : inode->nlink - 1;
    if (inode->nlink == 0) {
        keep_as_removed(entry);
    } else {
        list_del(&entry->link);
        dir_entry_free(entry);
    }
    inode_put(inode);
}

/* ---- upwards ---- */

struct inode *dir_parent(struct inode *dir)
{
    struct dir_entry *entry = name_of(dir);

    if (entry)
        return entry->dir;
    return dir == fs_root() ? dir : proc_root();
}

bool dir_lies_in(struct inode *dir, const struct inode *above)
{
    while (dir != above && dir != fs_root())
        dir = dir_parent(dir);
    return dir == above;
}

/* Put `text` in front of *start; false when it does not fit behind `buf`. */
static bool prepend(const char *buf, char **start, const char *text, u32 len)
{
    if ((u32)(*start - buf) < len)
        return false;
    *start -= len;
    memcpy(*start, text, len);
    return true;
}

/* Put the names from the root, or the process's root, down to the entry in front. */
static bool prepend_names(const char *buf, char **start, const struct dir_entry *entry)
{
    const struct inode *root = process_root();

    for (; entry; entry = entry->dir == root ? NULL : name_of(entry->dir)) {
        if (!prepend(buf, start, entry->name, entry->len) || !prepend(buf, start, "/", 1))
            return false;
    }
    return true;
}

long inode_path(struct inode *inode, char *buf, u32 size)
{
    const struct dir_entry *entry = inode == process_root() ? NULL : name_of(inode);
    char *start = buf + size;
    u32 len;

    if (!entry && inode != process_root() && inode != fs_root())
        return proc_pid_path(inode, buf, size);
    if (!prepend(buf, &start, "", 1) ||
        (entry && entry->removed && !prepend(buf, &start, " (deleted)", 10)))
        return -ERANGE;
    if (!(entry ? prepend_names(buf, &start, entry) : prepend(buf, &start, "/", 1)))
        return -ERANGE;
    len = buf + size - start;
    memmove(buf, start, len);
    return len - 1;
}

/* ---- reading ---- */

static int tell(char *name, u32 *ino, u32 *type, const char *entry_name, const struct inode *inode)
{
    strscpy(name, entry_name, NAME_MAX_ + 1);
    *ino = inode->ino;
    *type = (inode->mode & S_IFMT) >> 12; /* Linux's DT_*: the types of stat(2), shifted */
    return 1;
}

/* The first entry whose cookie is `cookie` or more, or NULL. */
static struct dir_entry *entry_from(struct inode *dir, u32 cookie)
{
    struct rb_node *node = dir->dir.by_cookie.rb_node;
    struct dir_entry *found = NULL;

    while (node) {
        struct dir_entry *entry = rb_entry(node, struct dir_entry, by_cookie);

        if (entry->cookie >= cookie)
            found = entry;
        node = node->rb_child[entry->cookie < cookie];
    }
    return found;
}

static int read_dynamic(struct inode *dir, u64 pos, char *name, u32 *ino, u32 *type, u64 *next)
{
    u32 place = pos > COOKIE_DYNAMIC ? pos - COOKIE_DYNAMIC : 0;
    int found;

    if (!dir->dir.ops || pos >= 2ull * COOKIE_DYNAMIC)
        return 0;
    found = dir->dir.ops->next(dir, &place, name, ino, type);
    *next = (u64)COOKIE_DYNAMIC + place + 1;
    return found;
}

int dir_read(struct inode *dir, u64 pos, u32 end, char *name, u32 *ino, u32 *type, u64 *next)
{
    struct dir_entry *entry = NULL;

    if (inode_is_removed(dir))
        return -ENOENT;
    *next = pos + 1;
    if (pos == 0)
        return tell(name, ino, type, ".", dir);
    if (pos == 1)
        return tell(name, ino, type, "..", dir_parent(dir));
    if (pos < COOKIE_DYNAMIC)
        entry = entry_from(dir, pos);
    if (!entry || entry->cookie >= end)
        return read_dynamic(dir, pos, name, ino, type, next);
    *next = entry->cookie + 1;
    return tell(name, ino, type, entry->name, entry->inode);
}

int inode_readdir(struct inode *dir, u64 pos, char *name, u32 *ino, u32 *type, u64 *next)
{
    if (!S_ISDIR(dir->mode))
        return -ENOTDIR;
    return dir_read(dir, pos, COOKIE_DYNAMIC, name, ino, type, next);
}
