/*
 * The initramfs: a newc cpio archive in memory (Linux:
 * Documentation/driver-api/early-userspace/buffer-format.rst), and the tree made of it.
 */
#pragma once

#include <lib/types.h>

struct inode;

struct cpio_entry {
    const char *name; /* without a leading "./" or "/" */
    const void *data; /* in the archive */
    u32 size;
    u32 mode, uid, gid;
    u32 mtime;                            /* seconds since 1970 */
    u32 ino, nlink, dev_major, dev_minor; /* names with the same three numbers are one file */
    u32 rdev_major, rdev_minor;
};

/*
 * Read the entry at *offset of any archive and move *offset behind it: true, with *entry filled.
 * false at the trailer, with *why NULL, or at damage, with the error in *why and its place in
 * *offset. No side effects. *offset is at most `size`.
 */
bool cpio_next(const void *archive, u32 size, u32 *offset, struct cpio_entry *entry,
               const char **why);

/* Behind a trailer: true when anything but zeros follows; *offset is where it begins. */
bool cpio_next_archive(const void *archive, u32 size, u32 *offset);

/*
 * The result of unpacking an archive. One entry is left out when its name is invalid (too long,
 * with a part ".."), when a directory that is not empty has its name, or when memory ran out.
 */
struct unpack_result {
    u32 entries;       /* valid entries */
    u32 left_out;      /* of them */
    const char *first; /* the name of the first of these */
    int first_err;     /* and its error: a negative error number */
    const char *why;   /* damage, or NULL */
    u32 offset;        /* where */
};

/*
 * Create the files of an archive below `base`. Contents stay in the archive, which must exist as
 * long as the files. Missing directories are created; of two files with one name the later one is
 * kept.
 */
void initramfs_unpack(struct inode *base, const void *archive, u32 size,
                      struct unpack_result *result);

/* The same into the root directory, with a line for damage and one for entries left out. */
void initramfs_init(const void *archive, u32 size);
