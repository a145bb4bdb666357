/*
 * Files: a tree of inodes in memory, open files, and the operations on both. Names and meanings are
 * Linux's. The tree starts with the contents of the initramfs; everything is lost at power-off.
 *
 *   fs/inode.c     inodes: creation, references, freeing
 *   fs/dir.c       names in directories
 *   fs/walk.c      walks along paths
 *   fs/namei.c     creating, linking, renaming, removing
 *   fs/file.c      open files: open, read, write, seek, directories
 *   fs/ramfs.c     operations of regular files
 *   fs/pipe.c      pipes
 *   fs/char_dev.c  devices by number: a table that higher layers and drivers fill
 *   fs/mem_dev.c   /dev/null and others
 *   fs/procfs.c      text that is generated when it is opened
 *   fs/procfs_pid.c  directories of processes
 *   fs/cpio.c, fs/initramfs.c  the archive
 *   fs/check.c     check of the whole tree
 *
 * Nothing here sleeps. A read or write that would have to wait returns -EAGAIN, and the system
 * calls above (kernel/) put the task to sleep on file_wait_queue() and try again. They wake it
 * after each success, after opening a FIFO, and before each file_put() of a descriptor: the queue
 * may be freed with the file. All pointers named user_* are copied through arch/x86/uaccess.h.
 *
 * Not for interrupt handlers. Kernel code is not preempted, so each call is atomic for other tasks,
 * unless its comment says that it yields.
 */
#pragma once

#include <lib/list.h>
#include <lib/panic.h>
#include <lib/rbtree.h>
#include <lib/types.h>
#include <lib/wait.h>
#include <mm/user/filemap.h>

struct file;
struct inode;
struct pipe;
struct proc_pid_file;
struct seq_file;

#define NAME_MAX_ 255  /* bytes of one name; <linux/limits.h> has NAME_MAX, which hosts redefine */
#define PATH_SIZE 4096 /* bytes of a path with its 0 (Linux's PATH_MAX) */
#define ROOT_DEV  MKDEV(0, 1)
#define PROC_DEV  MKDEV(0, 2)
#define LINKS_MAX 40 /* symbolic links followed in one path (Linux's MAXSYMLINKS) */

/*
 * The operations of open files of one kind. NULL: the call fails with the usual error for an
 * unsupported operation.
 */
struct file_operations {
    /* Bytes, 0 at the end, -EAGAIN when it would have to wait, or another error. Advance *pos. */
    long (*read)(struct file *file, char *user_buf, u32 count, u64 *pos);
    long (*write)(struct file *file, const char *user_buf, u32 count, u64 *pos);
    /* What can be done without waiting: POLL* bits. NULL: always readable and writable. */
    u32 (*poll)(struct file *file);
    /* -ENOTTY for an unknown command; NULL: always. */
    long (*ioctl)(struct file *file, u32 command, u32 arg);
    /* 0, or the error why it cannot be opened. file->inode and file->flags are set. */
    int (*open)(struct file *file);
    /* Called when the last reference is dropped. */
    void (*release)(struct file *file);
    /* Where readers and writers of this file wait; NULL: they never wait. */
    struct wait_queue *(*wait_queue)(struct file *file);
    bool seekable;   /* pread, lseek work */
    bool mappable;   /* inode->data is the contents, as of a regular file: mmap, sendfile work */
    bool maps_zeros; /* mmap maps zeroed memory, as MAP_ANONYMOUS does */
};

/*
 * A directory whose contents are generated on demand (/proc), in addition to those in its tree.
 * Nothing can be created, renamed or removed in it.
 */
struct dir_operations {
    /* The child of that name, with a reference, or an error. */
    int (*lookup)(struct inode *dir, const char *name, u32 len, struct inode **out);
    /*
     * The first child whose place is *place or more (places are below 2^30, and the place of a
     * child never changes): 1, *place and the fields set; 0 past the end.
     */
    int (*next)(struct inode *dir, u32 *place, char *name, u32 *ino, u32 *type);
};

struct timespec_fs {
    s64 sec;
    u32 nsec;
};

struct inode {
    struct address_space data; /* contents of a regular file; its reference count is the inode's */
    u32 ino;
    u32 dev;  /* ROOT_DEV or PROC_DEV: for st_dev */
    u32 mode; /* S_IF* and permission bits, <linux/stat.h> */
    u32 nlink;
    u32 programs; /* processes that run it: if any, writing is forbidden */
    u32 uid, gid;
    u32 rdev;    /* of a device file: MKDEV() */
    u32 pid, fd; /* of files in /proc/PID, and in its fd directory */
    struct timespec_fs atime, mtime, ctime;
    const struct file_operations *fops; /* the operations of an open file of it */
    union {
        struct {
            struct rb_root by_name, by_cookie; /* struct dir_entry (fs/internal.h) */
            u32 next_cookie;                   /* entries get cookies in order of creation */
            u32 entries;
            const struct dir_operations *ops; /* NULL: only the entries in the trees */
        } dir;
        struct {        /* a symbolic link: see inode_readlink() */
            char *link; /* kmalloc'ed; NULL: call readlink() */
            long (*readlink)(struct inode *inode, char *buf, u32 size);
            int (*target)(struct inode *link, struct inode **out); /* the target, without a path */
        };
        struct pipe *pipe; /* of a pipe or FIFO, while it is open */
        struct {           /* a file whose text is generated when it is opened */
            int (*show)(struct inode *inode, struct seq_file *seq);
        } proc;
    };
    bool thread;            /* a directory in /proc/PID/task */
    bool locked;            /* a task writes or truncates it (fs/ramfs.c) */
    struct list_head names; /* struct dir_entry; the last one stays after its removal */
    const struct proc_pid_file *pid_file; /* which file of /proc/PID, NULL for the directory */
};

#define FMODE_READ  1u
#define FMODE_WRITE 2u
#define FMODE_PATH  4u /* O_PATH: only its inode can be used */

/* An open file: what descriptors refer to. */
struct file {
    s32 refcount; /* descriptors, and calls under way */
    u32 flags;    /* O_*: access mode, O_APPEND, O_NONBLOCK, ...; without those only open() uses */
    u32 mode;     /* FMODE_* */
    u64 pos;
    struct inode *inode; /* with a reference */
    const struct file_operations *ops;
    void *private_data; /* the kind's */
};

/* ---- start ---- */

/*
 * Create the caches, the root directory, /dev with the memory devices, /proc and /tmp. After
 * slab_init().
 */
void fs_init(void);
struct inode *fs_root(void); /* no reference is taken */

/*
 * The root directory of the current process: set by the first chroot(2). NULL: the root of the
 * tree. No reference is taken.
 */
extern struct inode *(*fs_current_root)(void);

/* True when a directory is `above`, or lies anywhere below it. */
bool dir_lies_in(struct inode *dir, const struct inode *above);

/* The clock for the times of files: set by kernel/ (0 until then). */
extern void (*fs_clock)(struct timespec_fs *now);

/* ---- inodes ---- */

static inline void inode_get(struct inode *inode)
{
    mapping_get(&inode->data);
}

/* The last reference of an inode without a name frees it and its contents. */
static inline void inode_put(struct inode *inode)
{
    mapping_put(&inode->data);
}

static inline struct inode *mapping_inode(struct address_space *mapping)
{
    return container_of(mapping, struct inode, data);
}

/*
 * A new inode without a name, with one reference; its fields are set according to the kind of file
 * in mode, including the operations of regular files, directories and devices. NULL when out of
 * memory.
 */
__must_check struct inode *inode_new(u32 mode, u32 rdev);

/* The text of a symbolic link, cut to size - 1 bytes and ended with 0: its length, or an error. */
long inode_readlink(struct inode *inode, char *buf, u32 size);

/* True when no name is left: getcwd(2) and creations in it return -ENOENT. */
static inline bool inode_is_removed(const struct inode *inode)
{
    return inode->nlink == 0;
}

/* The limit and the present number of names, including those that open files keep. */
u32 fs_names_max(void);
extern u32 fs_names;

/* The present time by fs_clock. */
struct timespec_fs fs_now(void);

/*
 * Mark the file as a program that a process runs: a reference that also forbids writing to it.
 * -ETXTBSY when it can be written: it is open for writing, or mapped writable by a file that may be
 * closed already (Linux's i_writecount). Sharing is for fork().
 */
__must_check int inode_start_program(struct inode *inode);
void inode_share_program(struct inode *inode);
void inode_end_program(struct inode *inode);

/* ---- paths (all paths are kernel strings; a relative one starts at `base`) ---- */

#define LOOKUP_NOFOLLOW  1u /* a symbolic link as last part is the result */
#define LOOKUP_DIRECTORY 2u /* anything but a directory is -ENOTDIR */

/* The inode, with a reference. -ENOENT (also for ""), -ENOTDIR, -ELOOP, -ENAMETOOLONG, -ENOMEM. */
__must_check int path_lookup(struct inode *base, const char *path, u32 flags, struct inode **out);

/*
 * The path of a directory or file as seen from the current process's root, "/" for that root, or
 * from the root of the tree if it lies outside, into buf; a name that has been removed ends in "
 * (deleted)". Its length without the 0, or -ERANGE. A file with several names: one of them; a pipe
 * without one: pipe:[INO].
 */
__must_check long inode_path(struct inode *inode, char *buf, u32 size);

/*
 * Create, link, rename, remove: errors as in the manual pages of the system calls of these names.
 */
__must_check int vfs_mknod(struct inode *base, const char *path, u32 mode, u32 rdev);
__must_check int vfs_mkdir(struct inode *base, const char *path, u32 mode);
__must_check int vfs_symlink(struct inode *base, const char *target, const char *path);
__must_check int vfs_link(struct inode *old_base, const char *old, struct inode *new_base,
                          const char *new, u32 lookup_flags);
__must_check int vfs_rename(struct inode *old_base, const char *old, struct inode *new_base,
                            const char *new, u32 flags); /* RENAME_NOREPLACE */
__must_check int vfs_unlink(struct inode *base, const char *path);
__must_check int vfs_rmdir(struct inode *base, const char *path);

/* ---- open files ---- */

/*
 * Open or, with O_CREAT, create: O_EXCL, O_TRUNC, O_APPEND, O_DIRECTORY, O_NOFOLLOW, O_PATH as in
 * open(2). *out gets one reference.
 */
__must_check int file_open(struct inode *base, const char *path, u32 flags, u32 mode,
                           struct file **out);

/* Open an inode directly (the open file takes its own reference). */
__must_check int file_open_inode(struct inode *inode, u32 flags, struct file **out);

/* Take another reference of an open file. */
static inline struct file *file_get(struct file *file)
{
    assert(file->refcount > 0);
    file->refcount++;
    return file;
}

/*
 * FIFO: open(2) has to wait on file_wait_queue() until this is false; reads and writes return
 * -EAGAIN until then.
 */
bool file_open_pending(const struct file *file);

/* Drop a reference; dropping the last one closes the file. */
void file_put(struct file *file);

/*
 * Read and write once, without waiting: bytes, or an error (-EAGAIN: try again after
 * file_wait_queue() was woken; -EBADF: not opened for that; -EISDIR; -EINVAL). `pos` is &file->pos
 * or a position of the caller. May yield within a long copy of a regular file.
 */
long file_read(struct file *file, char *user_buf, u32 count, u64 *pos);
long file_write(struct file *file, const char *user_buf, u32 count, u64 *pos);
u32 file_poll(struct file *file);
struct wait_queue *file_wait_queue(struct file *file); /* or NULL */
long file_ioctl(struct file *file, u32 command, u32 arg);

/*
 * SEEK_SET, SEEK_CUR, SEEK_END, SEEK_DATA, SEEK_HOLE: the new position; -EINVAL, -ENXIO, -ESPIPE,
 * -EBADF.
 */
s64 file_seek(struct file *file, s64 offset, u32 whence);

/* Write bytes of kernel memory to a regular file: how many, or an error. May yield. */
long inode_write(struct inode *inode, u32 pos, const void *from, u32 count);

/* Set the size of a regular file. 0, -EINVAL, -EFBIG, -ENOMEM. */
__must_check int inode_truncate(struct inode *inode, u64 size);

/*
 * Give a regular file the pages of [from, from + size), and that size if it was smaller
 * (fallocate(2), mode 0). 0, -ENODEV, -EFBIG, -ENOSPC, -ENOMEM. May yield.
 */
__must_check int inode_allocate(struct inode *inode, u64 from, u64 size);

/*
 * The entry of a directory at file->pos: 1, with name (NAME_MAX_ + 1 bytes), ino and type (DT_*,
 * which are S_IF* >> 12), and the place of the next in *next; 0 at the end; -EBADF, -ENOTDIR,
 * -ENOENT when it was removed. Entries that are added or removed meanwhile do not cause others to
 * be skipped or returned twice; entries created since the first was read are left out.
 */
int file_readdir(struct file *file, char *name, u32 *ino, u32 *type, u64 *next);

/* The same without an open file, for the kernel: from place `pos`, 0 at first. */
int inode_readdir(struct inode *dir, u64 pos, char *name, u32 *ino, u32 *type, u64 *next);

/* ---- pipes ---- */

#define PIPE_SIZE 65536u

/*
 * A pipe: its reading and its writing end. 0, -EINVAL for any flag other than O_NONBLOCK and
 * O_CLOEXEC, -ENOMEM. Reading an empty one: -EAGAIN, or 0 when there is no writer. Writing: up to
 * PIPE_BUF bytes in one piece, or -EAGAIN; of more bytes, as many as there is room for, and a
 * caller that may wait continues with the rest; -EPIPE without readers (the caller sends SIGPIPE).
 */
__must_check int pipe_open(struct file **read_end, struct file **write_end, u32 flags);

/* ---- devices ---- */

#define MKDEV(major, minor) ((major) << 8 | (minor))

/* Set the operations of device files with this number, and create /dev/NAME. Start-up only. */
void char_dev_register(const char *name, u32 rdev, u32 mode, const struct file_operations *fops);

/* ---- /proc ---- */

/*
 * Text that is generated piece by piece; if it does not fit, it is generated again with a larger
 * buffer.
 */
struct seq_file {
    char *buf;
    u32 size, used; /* used >= size: it did not fit */
};
void seq_printf(struct seq_file *seq, const char *fmt, ...) __printf(2, 3);
void seq_write(struct seq_file *seq, const char *text, u32 len);

/*
 * Create /proc/NAME, with directories if NAME contains "/": show() generates its text. Start-up
 * only.
 */
void proc_create(const char *name, int (*show)(struct inode *inode, struct seq_file *seq));

/* Create /proc/NAME as a symbolic link. Start-up only. */
void proc_symlink(const char *name, long (*readlink)(struct inode *inode, char *buf, u32 size));

/*
 * Directories of processes: /proc/PID and /proc/self. kernel/proc/ sets the functions that find
 * them.
 */
struct proc_pid_ops {
    u32 (*self)(void);                 /* pid of the current process, 0 for none */
    u32 (*next)(u32 pid);              /* the smallest pid >= `pid`, 0 if not found */
    const struct proc_pid_file *files; /* ended by a NULL name */
    u32 (*next_fd)(u32 pid, u32 fd);   /* the smallest open one >= `fd`, or UINT32_MAX */
    /* The inode that is open there, with a reference, and the mode of its link. 0, -ENOENT. */
    int (*fd_inode)(u32 pid, u32 fd, u32 *mode, struct inode **out);
};
struct proc_pid_file {
    const char *name;
    int (*show)(u32 pid, struct seq_file *seq); /* 0, -ESRCH */
    /* For a symbolic link instead: where it leads to, with a reference. 0, -ESRCH, -ENOENT. */
    int (*target)(u32 pid, struct inode **out);
    const struct dir_operations *dir;   /* for a directory instead */
    const struct file_operations *fops; /* for a file that is not text, for the owner only */
};
extern const struct dir_operations proc_fd_dir_ops;
/* The last entry of the table, if any: a thread's directory does not have it. */
extern const struct dir_operations proc_task_dir_ops;
void proc_pid_register(const struct proc_pid_ops *ops);

/* ---- the audit ---- */

/* Walk the tree: names, links, parents, reference counts. NULL or the first error. */
const char *fs_check(void);
