/* What the files of fs/ share among themselves. */
#pragma once

#include <fs/fs.h>

/*
 * A name in a directory. It holds a reference of its inode. When an inode loses its last name while
 * somebody still has it open, the entry stays with the inode, out of the trees, and holds a
 * reference of the directory instead: so that an open file can tell what it was called, and ".."
 * leads out of a directory that was removed.
 */
struct dir_entry {
    struct rb_node by_name, by_cookie; /* in dir->dir */
    struct list_head link;             /* in inode->names */
    struct inode *inode, *dir;
    u32 hash;
    u32 cookie; /* its place for readdir */
    bool removed;
    u8 len;
    char name[]; /* ended with 0 */
};

#define COOKIE_FIRST   2u         /* 0 and 1 are "." and ".." */
#define COOKIE_DYNAMIC (1u << 30) /* from here on: what dir_operations make */

#define MODE_BITS 07777u /* of an inode's mode: what chmod(2) can set */

/* ---- inode.c ---- */

void inode_stamp(struct inode *inode); /* mtime and ctime are now */

/*
 * The contents of a regular file are in the archive (mapping_init_backed()). Nobody has mapped it.
 */
void inode_set_backing(struct inode *inode, const void *data, u32 size);

/* Whether there may be one more name: else -ENOSPC. */
bool fs_has_room(void);

/* All inodes that there are, named or not. For the check. */
extern u32 inode_count;

/* ---- dir.c ---- */

/* The entry, or NULL. */
struct dir_entry *dir_find(struct inode *dir, const char *name, u32 len);

/* The child, with a reference, or -ENOENT, or what a directory made on demand says. */
__must_check int dir_lookup(struct inode *dir, const char *name, u32 len, struct inode **out);

/*
 * A name that is nowhere yet; NULL when out of memory. dir_entry_free() it, or dir_add() it.
 */
__must_check struct dir_entry *dir_entry_new(const char *name, u32 len);

void dir_entry_free(struct dir_entry *entry);

/*
 * Enter a name that is not there; cannot fail. `cookie` is the place for readdir, left by a name
 * that was removed from this directory; 0: a new one.
 */
void dir_add(struct inode *dir, struct dir_entry *entry, struct inode *inode, u32 cookie);

/*
 * Take a name out of its directory and drop its reference. `moved`: the inode has got another name.
 */
void dir_remove(struct dir_entry *entry, bool moved);

/* 0, or why nothing can be made in this directory. */
__must_check int dir_may_add(const struct inode *dir);

/* The directory above; no reference is taken. */
struct inode *dir_parent(struct inode *dir);

/* What "/" means to the current process; no reference is taken. */
static inline struct inode *process_root(void)
{
    return fs_current_root ? fs_current_root() : fs_root();
}

/* The entry at `pos` or the first one behind it, made before cookie `end`. As inode_readdir(). */
int dir_read(struct inode *dir, u64 pos, u32 end, char *name, u32 *ino, u32 *type, u64 *next);

int dir_entry_compare(const struct rb_node *a, const struct rb_node *b);
int dir_cookie_compare(const struct rb_node *a, const struct rb_node *b);

/* ---- walk.c: `dir` with a reference, and the part of the path that was reached ---- */

struct walk {
    struct inode *dir;
    const char *name; /* len bytes in the path; none for "/" */
    u32 len;
    bool slash;       /* one or more follow */
    const char *rest; /* behind them */
    const char *own;  /* from here on the path is the caller's, before it a link's */
    char *buffer;     /* where all this points after a symbolic link; kmalloc'ed */
    u32 links;
    struct inode *target; /* what the last part leads to, when a link has said so without a path */
};

/* After walk_start(), successful or not, comes walk_end(). */
__must_check int walk_start(struct walk *walk, struct inode *base, const char *path);
void walk_end(struct walk *walk);

/* Go on to the last part of the path. */
__must_check int walk_to_last(struct walk *walk);

/* The inode that the part names, with a reference. A symbolic link is the result itself. */
__must_check int walk_child(struct walk *walk, struct inode **out);

/* The path goes on where a symbolic link points to. Takes over the reference. */
__must_check int walk_follow(struct walk *walk, struct inode *link);

/* The part is a name, and not "/", "." or "..". */
bool walk_at_name(const struct walk *walk);

/* ---- namei.c ---- */

/*
 * Give an inode a name, as link(2) and all that make files do. `replace` (for unpacking an
 * archive): a file of that name goes, an empty directory too, unless both are directories, which is
 * -EEXIST, or it is this very inode, and nothing happens; the directory keeps its time of change;
 * directories that the path names and that are missing are made on the way, in one walk.
 */
__must_check int namei_add(struct inode *base, const char *path, struct inode *inode, bool replace);

/* The same at the end of a walk. */
__must_check int namei_add_at(const struct walk *walk, struct inode *inode, bool replace);

/* ---- what open files do, by kind ---- */

extern const struct file_operations ramfs_file_ops, ramfs_dir_ops, pipe_file_ops, char_dev_file_ops,
    proc_file_ops;

void file_init(void);
void mem_dev_init(void);
void proc_init(void);

/* An inode of /proc that is in no directory's tree: its path, as inode_path(). */
long proc_pid_path(const struct inode *inode, char *buf, u32 size);
extern const struct dir_operations proc_root_ops;
const struct proc_pid_ops *proc_pid_ops(void);
struct inode *proc_root(void);
