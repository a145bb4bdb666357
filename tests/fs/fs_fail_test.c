/*
 * What files leave to processes, however they use memory. What calls do when memory runs out is
 * tested for all of them in tests/kernel/syscall/sweep_test.c.
 */
#include "tests/fs/fs.h"
#include "tests/kernel/process/run.h"
#include "tests/mm/chain.h"
#include <lib/printf.h>
#include <mm/frame/page_alloc.h>
#include <mm/user/filemap.h>

#define LOWMEM_TO_FILL (MIB(16) >> PAGE_SHIFT)

enum kind { DIRECTORIES, LONG_LINKS, HARD_LINKS, FAR_PAGES, KINDS };

static char long_target[PATH_SIZE];

static int make_one(enum kind kind, const char *name)
{
    struct inode *dir = inode_at("/t");
    struct inode *inode;
    int err;

    switch (kind) {
    case DIRECTORIES:
        return vfs_mkdir(dir, name, 0755);
    case LONG_LINKS:
        return vfs_symlink(dir, long_target, name);
    case HARD_LINKS:
        return vfs_link(dir, "file", dir, name, 0);
    default:
        err = vfs_mknod(dir, name, S_IFREG | 0644, 0);
        if (err || path_lookup(dir, name, 0, &inode))
            return err;
        err = filemap_write(&inode->data, FILE_SIZE_MAX - 1, "x", 1, filemap_copy_kernel);
        inode_put(inode);
        return err < 0 ? err : 0;
    }
}

static u32 free_lowmem_kept(void)
{
    return (zone_managed_pages(ZONE_DMA) + zone_managed_pages(ZONE_NORMAL)) / 16;
}

/* Keep lowmem from the files, all but what must stay free and some to fill: filling more takes
 * longer and finds nothing else. */
static struct page *hold_lowmem(void)
{
    struct page *held = NULL, *page;

    while (nr_free_lowmem_pages() > free_lowmem_kept() + LOWMEM_TO_FILL &&
           (page = alloc_pages(GFP_KERNEL, MAX_ORDER)))
        chain_push(&held, page);
    return held;
}

/* However files use memory, a sixteenth of lowmem stays free, so that programs can be run. */
KTEST(fs_fail, files_leave_memory_to_processes)
{
    struct page *held = hold_lowmem();
    char name[16];

    memset(long_target, 'x', sizeof(long_target) - 1);
    for (u32 kind = 0; kind < KINDS && ktest_ok(); kind++) {
        u32 made = 0;
        int err = 0;

        make_dir("/t");
        make_file("/t/file");
        do {
            snprintf(name, sizeof(name), "%u", made++);
            err = make_one(kind, name);
        } while (!err);
        if (err != -ENOSPC)
            ktest_fail(__FILE__, __LINE__, "kind %u, name %u: error %d", kind, made, -err);
        expect(fs_names <= fs_names_max());
        expect(nr_free_lowmem_pages() + 64 > free_lowmem_kept());
        expect_eq(run_program(ARGV("status", "3")).exit_code, EXIT_STATUS(3));
        expect_none(fs_check());
        expect_is(rename_file("/t/0", "/t/another"), 0); /* needs no more than before */
        expect_is(rename_file("/t/another", "/t/0"), 0);
        remove_all("/t");
    }
    chain_free(held);
}
