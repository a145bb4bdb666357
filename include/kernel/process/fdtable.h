/*
 * Open descriptors of a process: numbers for open files (fs/fs.h).
 *
 * A table belongs to one process, which has one thread: while a system call of it sleeps, nobody
 * else changes the table, so fd_get() takes no reference.
 */
#pragma once

#include <fs/fs.h>
#include <kernel/rlimit.h>
#include <kernel/task.h>
#include <lib/types.h>

#define FILES_WORDS  (FILES_MAX / 32)
#define FILES_INLINE 16 /* that need no array of their own */

struct files {
    u32 size;                                    /* numbers that `file` has room for */
    struct file **file;                          /* by number; NULL: free */
    u32 full;                                    /* bit i: all 32 numbers of open[i] are taken */
    u32 open[FILES_WORDS], cloexec[FILES_WORDS]; /* a bit for each number */
    struct file *first[FILES_INLINE];
};

/* No descriptors; NULL when out of memory. */
__must_check struct files *files_new(void);
/* For fork: the same open files under the same numbers. NULL when out of memory. */
__must_check struct files *files_copy(const struct files *from);
/* Close what has FD_CLOEXEC. */
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

/* As much of it as a path is for: an O_PATH descriptor is NULL here. */
struct file *fd_get_for_io(u32 fd);

/*
 * See to it that the next fd_install() from 0 on finds a number: before what it is for is made. 0,
 * -EMFILE, -ENOMEM. No number is taken.
 */
__must_check int fd_prepare(struct files *files);

/*
 * The lowest free number from `min` on gets the file (the reference moves in). The number;
 * -EINVAL when min is beyond RLIMIT_NOFILE, -EMFILE, -ENOMEM: the reference stays the caller's.
 * `flags`: O_CLOEXEC.
 */
__must_check long fd_install(struct files *files, u32 min, struct file *file, u32 flags);

/*
 * The same for a certain number; what was open there is closed. The number; -EBADF when it is
 * beyond RLIMIT_NOFILE, -ENOMEM.
 */
__must_check long fd_install_at(struct files *files, u32 fd, struct file *file, u32 flags);

/* The lowest free number from `min` on becomes another one of this file: as fd_install(). */
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

/* ---- those who wait for a file ---- */

/* Something was read or written, or an end is about to be closed: those who wait look again. */
void file_wake(struct file *file);

/* One reference less; when it is the last one, readers and writers of the other end see it. */
void file_close(struct file *file);

/*
 * Write, and wait, until all is written: bytes, or an error when there are none; -EPIPE comes with
 * its SIGPIPE.
 */
long file_write_all(struct file *file, const char *user_buf, u32 count, u64 *pos);
