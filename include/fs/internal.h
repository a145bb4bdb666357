/* Internal to fs/: what its files share. */
#pragma once

#include <fs/fs.h>

/*
 * A name in a directory. It holds a reference of its inode. When an inode loses its last name while
 * it is still open, the entry stays with the inode, outside the trees, and holds a reference of the
 * directory instead: so an open file still knows its name, and ".." works in a directory that was
 * removed.
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
#define COOKIE_DYNAMIC (1u << 30) /* from here on: for entries of dir_operations */

#define MODE_BITS 07777u /* the bits of an inode's mode that chmod(2) can set */

/* ---- inode.c ---- */

void inode_stamp(struct inode *inode); /* set mtime and ctime to the present time */

/*
 * The contents of a regular file are in the archive (mapping_init_backed()). It must not be mapped.
 */
void inode_set_backing(struct inode *inode, const void *data, u32 size);

/* True when one more name is allowed; otherwise the caller returns -ENOSPC. */
bool fs_has_room(void);

/* The number of all inodes, with or without a name. For the check. */
extern u32 inode_count;

/* ---- dir.c ---- */

/* The entry, or NULL. */
struct dir_entry *dir_find(struct inode *dir, const char *name, u32 len);

/*
 * The child, with a reference, or -ENOENT, or the error of a directory that is generated on demand.
 */
__must_check int dir_lookup(struct inode *dir, const char *name, u32 len, struct inode **out);

/*
 * A new entry that is in no directory yet; NULL when out of memory. Pass it to dir_entry_free() or
 * dir_add().
 */
__must_check struct dir_entry *dir_entry_new(const char *name, u32 len);

void dir_entry_free(struct dir_entry *entry);

/*
 * Add a name that does not exist yet; cannot fail. `cookie` is the place for readdir, reused from a
 * name that was removed from this directory; 0: a new one.
 */
void dir_add(struct inode *dir, struct dir_entry *entry, struct inode *inode, u32 cookie);

/*
 * Remove a name from its directory and drop its reference. `moved`: the inode has another name now.
 */
void dir_remove(struct dir_entry *entry, bool moved);

/* 0, or the error why nothing can be created in this directory. */
__must_check int dir_may_add(const struct inode *dir);

/* The parent directory; no reference is taken. */
struct inode *dir_parent(struct inode *dir);

/* The root directory of the current process; no reference is taken. */
static inline struct inode *process_root(void)
{
    return fs_current_root ? fs_current_root() : fs_root();
}

/* The first entry at or after `pos` that was created before cookie `end`. As inode_readdir(). */
int dir_read(struct inode *dir, u64 pos, u32 end, char *name, u32 *ino, u32 *type, u64 *next);

int dir_entry_compare(const struct rb_node *a, const struct rb_node *b);
int dir_cookie_compare(const struct rb_node *a, const struct rb_node *b);

/* ---- walk.c: `dir` with a reference, and the part of the path that was reached ---- */

struct walk {
    struct inode *dir;
    const char *name; /* len bytes in the path; none for "/" */
    u32 len;
    bool slash;       /* one or more follow */
    const char *rest; /* the path behind them */
    const char *own;  /* from here on the path is the caller's, before it a link's */
    char *buffer;     /* after a symbolic link: the text of the pointers above; kmalloc'ed */
    u32 links;
    struct inode *target; /* inode of the last part, if a link gave no path for it */
};

/* After walk_start(), successful or not, call walk_end(). */
__must_check int walk_start(struct walk *walk, struct inode *base, const char *path);
void walk_end(struct walk *walk);

/* Walk to the last part of the path. */
__must_check int walk_to_last(struct walk *walk);

/* The inode that the part names, with a reference. A symbolic link is the result itself. */
__must_check int walk_child(struct walk *walk, struct inode **out);

/* Continue the path at the target of a symbolic link. Takes over the reference. */
__must_check int walk_follow(struct walk *walk, struct inode *link);

/* True when the part is a name, and not "/", "." or "..". */
bool walk_at_name(const struct walk *walk);

/* ---- namei.c ---- */

/*
 * Give an inode a name, as link(2) and all calls that create files do. `replace` (for unpacking an
 * archive): an existing file or empty directory of that name is removed. If both are directories,
 * the result is -EEXIST; if it is the same inode, nothing happens. The directory keeps its time of
 * change; missing directories of the path are created in the same walk.
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

/* The path of an inode of /proc that is in no directory's tree, as inode_path(). */
long proc_pid_path(const struct inode *inode, char *buf, u32 size);
extern const struct dir_operations proc_root_ops;
const struct proc_pid_ops *proc_pid_ops(void);
struct inode *proc_root(void);
