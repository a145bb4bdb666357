/*
 * Paths, one part after the other.
 *
 * A walk is at a directory and holds a reference of it, so that it cannot be freed. It always stops
 * at the last part of the path, because its meaning depends on the caller: a file to open, or a
 * name to create or to remove. The parts before it must be directories, or symbolic links to some.
 *
 * At a symbolic link, the text of the link and the rest of the path become the new path, in a new
 * buffer, and the walk continues there: links to links need no stack. Links in /proc/PID to open
 * files lead to them directly, whatever their present name.
 *
 * A path through many links may be long, so the walk yields between two parts: its result is valid
 * only for the part that it has reached.
 *
 * "/" is the root of the current process (chroot(2)), and ".." does not lead out of it.
 *
 * Limits: LINKS_MAX links in one path. Access rights are not checked: every process is root.
 *
 * Neighbours: fs/dir.c looks names up, fs/namei.c and fs/file.c handle the last part.
 */
#include <asm/errno.h>
#include <fs/internal.h>
#include <lib/detach.h>
#include <lib/resched.h>
#include <linux/stat.h>
#include <mm/frame/slab.h>

static void enter(struct walk *walk, struct inode *dir)
{
    inode_put(exchange(&walk->dir, dir));
}

int walk_start(struct walk *walk, struct inode *base, const char *path)
{
    u32 len = strnlen(path, PATH_SIZE);

    *walk = (struct walk){.dir = path[0] == '/' ? process_root() : base, .rest = path, .own = path};
    inode_get(walk->dir);
    if (len == 0)
        return -ENOENT;
    if (len == PATH_SIZE)
        return -ENAMETOOLONG;
    return S_ISDIR(walk->dir->mode) ? 0 : -ENOTDIR;
}

void walk_end(struct walk *walk)
{
    inode_put(detach(&walk->dir));
    if (walk->target)
        inode_put(detach(&walk->target));
    kfree(walk->buffer);
}

/* Get the next part of the path. */
static int next_part(struct walk *walk)
{
    const char *p = walk->rest;

    while (*p == '/')
        p++;
    walk->name = p;
    while (*p && *p != '/')
        p++;
    walk->len = p - walk->name;
    walk->slash = *p == '/';
    while (*p == '/')
        p++;
    walk->rest = p;
    return walk->len <= NAME_MAX_ ? 0 : -ENAMETOOLONG;
}

static bool is_dot(const struct walk *walk)
{
    return walk->len == 0 || (walk->len == 1 && walk->name[0] == '.');
}

static bool is_dot_dot(const struct walk *walk)
{
    return walk->len == 2 && walk->name[0] == '.' && walk->name[1] == '.';
}

bool walk_at_name(const struct walk *walk)
{
    return !is_dot(walk) && !is_dot_dot(walk);
}

int walk_child(struct walk *walk, struct inode **out)
{
    if (walk->target) {
        *out = detach(&walk->target);
        return 0;
    }
    if (walk_at_name(walk))
        return dir_lookup(walk->dir, walk->name, walk->len, out);
    *out = is_dot(walk) || walk->dir == process_root() ? walk->dir : dir_parent(walk->dir);
    inode_get(*out);
    return 0;
}

/* The link's text, followed by the rest of the path: kmalloc'ed. */
static int read_link(struct walk *walk, struct inode *link, char **out)
{
    u32 room = link->readlink ? PATH_SIZE : strlen(link->link) + 1;
    u32 rest = strlen(walk->rest);
    char *buffer = kmalloc(room + 1 + rest);
    long len;

    if (!buffer)
        return -ENOMEM;
    len = inode_readlink(link, buffer, room);
    if (len <= 0) {
        kfree(buffer);
        return len ? len : -ENOENT;
    }
    if (walk->slash)
        buffer[len++] = '/';
    memcpy(buffer + len, walk->rest, rest + 1);
    walk->own = buffer + len + (walk->own > walk->rest ? walk->own - walk->rest : 0);
    *out = buffer;
    return 0;
}

/* Go to the directory that is the link's target, or to the file, which must end the path. */
static int follow_target(struct walk *walk, struct inode *link)
{
    struct inode *inode;
    int err = link->target(link, &inode);

    if (err)
        return err;
    if (S_ISDIR(inode->mode)) {
        enter(walk, inode);
        return 0;
    }
    if (walk->slash || *walk->rest) {
        inode_put(inode);
        return -ENOTDIR;
    }
    walk->target = inode;
    return 0;
}

static int follow_text(struct walk *walk, struct inode *link)
{
    char *buffer;
    int err = read_link(walk, link, &buffer);

    if (err)
        return err;
    kfree(exchange(&walk->buffer, buffer));
    walk->rest = buffer;
    if (buffer[0] == '/') {
        inode_get(process_root());
        enter(walk, process_root());
    }
    return 0;
}

int walk_follow(struct walk *walk, struct inode *link)
{
    int err = -ELOOP;

    if (++walk->links <= LINKS_MAX)
        err = link->target ? follow_target(walk, link) : follow_text(walk, link);
    inode_put(link);
    return err;
}

/* Go to the directory that the part names, or follow the link. */
static int go_on(struct walk *walk)
{
    struct inode *child;
    int err = walk_child(walk, &child);

    if (err)
        return err;
    if (S_ISLNK(child->mode))
        return walk_follow(walk, child);
    if (!S_ISDIR(child->mode)) {
        inode_put(child);
        return -ENOTDIR;
    }
    enter(walk, child);
    return 0;
}

int walk_to_last(struct walk *walk)
{
    int err = next_part(walk);

    while (!err && *walk->rest) {
        err = go_on(walk);
        if (!err)
            err = next_part(walk);
        cond_resched();
    }
    return err;
}

/* Walk to the end; with `follow`, also follow a link there. */
static int walk_to_inode(struct walk *walk, bool follow, struct inode **out)
{
    int err;

    for (;;) {
        err = walk_to_last(walk);
        if (!err)
            err = walk_child(walk, out);
        if (err || !S_ISLNK((*out)->mode) || !(follow || walk->slash))
            return err;
        err = walk_follow(walk, *out);
        if (err)
            return err;
    }
}

int path_lookup(struct inode *base, const char *path, u32 flags, struct inode **out)
{
    struct walk walk;
    struct inode *inode;
    int err = walk_start(&walk, base, path);

    if (!err)
        err = walk_to_inode(&walk, !(flags & LOOKUP_NOFOLLOW), &inode);
    if (!err && (walk.slash || flags & LOOKUP_DIRECTORY) && !S_ISDIR(inode->mode)) {
        inode_put(inode);
        err = -ENOTDIR;
    }
    if (!err)
        *out = inode;
    walk_end(&walk);
    return err;
}
