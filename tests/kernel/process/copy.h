/* Copy a program, so that the copy can be removed while it runs. */
#pragma once

#include <fs/fs.h>
#include <kernel/monitor/ktest.h>
#include <linux/stat.h>
#include <mm/frame/slab.h>

static inline bool copy_contents(struct inode *to, struct inode *from)
{
    char *page = kmalloc(PAGE_SIZE);
    long size = page ? 1 : 0;

    for (u32 pos = 0; size > 0; pos += size) {
        size = filemap_read(&from->data, pos, page, PAGE_SIZE, filemap_copy_kernel);
        if (size > 0)
            expect_eq(filemap_write(&to->data, pos, page, size, filemap_copy_kernel), size);
    }
    kfree(page);
    return expect(size == 0 && to->data.size > 0);
}

/* A copy of a program under another name. */
static inline bool copy_program(const char *from_path, const char *to_path)
{
    struct inode *from, *to;
    bool copied = false;

    if (!expect_eq(path_lookup(fs_root(), from_path, 0, &from), 0))
        return false;
    if (expect_eq(vfs_mknod(fs_root(), to_path, S_IFREG | 0755, 0), 0) &&
        expect_eq(path_lookup(fs_root(), to_path, 0, &to), 0)) {
        copied = copy_contents(to, from);
        inode_put(to);
    }
    inode_put(from);
    return copied;
}
