/*
 * The initramfs: a newc cpio archive in memory (Linux:
 * Documentation/driver-api/early-userspace/buffer-format.rst), read-only.
 */
#pragma once

#include <lib/types.h>

struct initramfs_file {
    const char *name; /* without a leading "./" or "/" */
    const void *data;
    u32 size;
    u32 mode;
};

/*
 * Look through the archive; a damaged one gets one line, and what was sound before the damage stays
 * usable.
 */
void initramfs_init(const void *archive, u32 size);

/* false when there is no regular file of that name; a leading "/" is ignored. */
bool initramfs_lookup(const char *name, struct initramfs_file *file);

/* The i-th regular file; false past the last. */
bool initramfs_file_at(u32 i, struct initramfs_file *file);

/*
 * Read the entry at *offset of any archive: true, with *file filled and *offset moved to the next
 * entry. false at the trailer, and *why is NULL, or at damage, and *why says what is wrong at
 * *offset. No side effects.
 */
bool cpio_next(const void *archive, u32 size, u32 *offset, struct initramfs_file *file,
               const char **why);
