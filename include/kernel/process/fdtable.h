/*
 * Open descriptors of a process: numbers for open files (fs/fs.h).
 *
 * A table belongs to one process, which has one thread: while one of its system calls sleeps, no
 * other task changes the table, so fd_get() takes no reference.
 */
#pragma once

#include <fs/fs.h>
#include <kernel/rlimit.h>
#include <kernel/task.h>
#include <lib/types.h>

#define FILES_WORDS  (FILES_MAX / 32)
#define FILES_INLINE 16 /* descriptors that need no separate array */

struct files {
    u32 size;                                    /* length of `file` */
    struct file **file;                          /* by number; NULL: free */
    u32 full;                                    /* bit i: all 32 numbers of open[i] are taken */
    u32 open[FILES_WORDS], cloexec[FILES_WORDS]; /* one bit for each number */
    struct file *first[FILES_INLINE];
};

/* No descriptors; NULL when out of memory. */
__must_check struct files *files_new(void);
/* For fork: the same open files under the same numbers. NULL when out of memory. */
__must_check struct files *files_copy(const struct files *from);
/* Close the descriptors with FD_CLOEXEC. */
void files_exec(struct files *files);
/* Close all. May yield. */
void files_free(struct files *files);
/* Bytes of kernel memory that a table takes. */
u32 files_bytes(const struct files *files);

/* The open file of a descriptor of the current process, without a new reference; NULL: -EBADF. */
static inline struct file *fd_get(u32 fd)
{
    const struct files *files = current->files;

    return likely(fd < files->size) ? files->file[fd] : NULL;
}

/* The same for reading and writing: NULL for an O_PATH descriptor. */
struct file *fd_get_for_io(u32 fd);

/*
 * Make sure that the next fd_install() from 0 on finds a number; called before the file is created.
 * 0, -EMFILE, -ENOMEM. No number is taken.
 */
__must_check int fd_prepare(struct files *files);

/*
 * The lowest free number from `min` on gets the file (the reference moves in). The number;
 * -EINVAL when min is beyond RLIMIT_NOFILE, -EMFILE, -ENOMEM: the reference stays the caller's.
 * `flags`: O_CLOEXEC.
 */
__must_check long fd_install(struct files *files, u32 min, struct file *file, u32 flags);

/*
 * The same for a given number; a file that was open there is closed. The number; -EBADF when it is
 * beyond RLIMIT_NOFILE, -ENOMEM.
 */
__must_check long fd_install_at(struct files *files, u32 fd, struct file *file, u32 flags);

/*
 * Duplicate: the lowest free number from `min` on refers to this file, too. Result as fd_install().
 */
__must_check long fd_dup(struct file *file, u32 min, u32 flags);

/* 0 or -EBADF. */
int fd_close(struct files *files, u32 fd);

/* FD_CLOEXEC of an open descriptor. */
bool fd_cloexec(const struct files *files, u32 fd);
void fd_set_cloexec(struct files *files, u32 fd, bool on);

/* The file of a number or NULL: for /proc/PID/fd. Below files->size. */
static inline struct file *files_at(const struct files *files, u32 fd)
{
    return fd < files->size ? files->file[fd] : NULL;
}

/* ---- tasks that wait for a file ---- */

/*
 * Wake the tasks that wait for the file: it was read or written, or an end is about to be closed.
 */
void file_wake(struct file *file);

/* Drop a reference; if it is the last one, readers and writers of the other end are woken. */
void file_close(struct file *file);

/*
 * Write, and wait until everything is written: the number of bytes, or an error if it is 0; -EPIPE
 * also sends SIGPIPE.
 */
long file_write_all(struct file *file, const char *user_buf, u32 count, u64 *pos);
