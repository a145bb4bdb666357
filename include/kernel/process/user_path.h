/* Paths that programs pass, and the directory where they start (kernel/process/user_path.c). */
#pragma once

#include <lib/types.h>

struct inode;

/*
 * Copy a path of a program; free with user_path_free(). 0, -EFAULT, -ENAMETOOLONG, -ENOENT for an
 * empty one (unless `empty`), -ENOMEM.
 */
__must_check int user_path(const char *user_path, bool empty, char **out);
void user_path_free(char *path);

/* A path and where it starts, ready for the functions of fs/fs.h. */
struct user_name {
    char *path;
    struct inode *base; /* with a reference */
};
/* 0, or an error: then there is nothing to release. */
__must_check int user_name_get(struct user_name *name, s32 dirfd, const char *path);
void user_name_put(struct user_name *name);

/*
 * Look up a path with AT_* flags; the inode has a reference: AT_SYMLINK_NOFOLLOW, and AT_EMPTY_PATH
 * for the descriptor itself. Errors as above, and path_lookup()'s.
 */
__must_check int user_lookup(s32 dirfd, const char *path, u32 at_flags, struct inode **out);

/* The inode of a descriptor, with a reference: 0 or -EBADF. `io`: O_PATH is not enough. */
__must_check int user_fd_inode(u32 fd, bool io, struct inode **out);
