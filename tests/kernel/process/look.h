/* Look at a process through /proc, while it may end at any moment. */
#pragma once

#include <asm/errno.h>
#include <fs/fs.h>
#include <kernel/monitor/ktest.h>
#include <linux/fcntl.h>
#include <linux/stat.h>

/* It has ended between two looks. */
static inline bool is_gone(long result)
{
    return result == -ENOENT || result == -ESRCH;
}

/* The target of a link of /proc, or the text of a file there. */
static inline void look_at_file(const char *path)
{
    static char link_text[PATH_SIZE];
    struct inode *inode;
    struct file *file;
    long result = path_lookup(fs_root(), path, LOOKUP_NOFOLLOW, &inode);

    if (!expect(result == 0 || is_gone(result)) || result)
        return;
    if (S_ISLNK(inode->mode)) {
        result = inode_readlink(inode, link_text, sizeof(link_text));
        expect(result > 0 ? link_text[0] == '/' : is_gone(result));
    } else {
        result = file_open_inode(inode, O_RDONLY, &file);
        expect(result == 0 || is_gone(result));
        if (result == 0)
            file_put(file);
    }
    inode_put(inode);
}
