/*
 * Inodes: files independent of their names.
 *
 * An inode exists as long as it has references: one for each of its names (fs/dir.c), each open
 * file, each mapping into a process. The count is that of its page mapping (mm/user/filemap.h), so
 * that the mm/ code for a mapping holds the file without using inodes.
 *
 * Dropping the last reference frees everything immediately. Only a parent directory may follow: an
 * inode that was removed while it was open has kept its last entry, and with it a reference of its
 * directory. A loop, not a recursion, walks up, because such a chain can be longer than any path;
 * it yields on the way.
 *
 * Limits: as many names as lowmem has pages, halved, as on Linux's tmpfs, which counts each link,
 * too; a removed name that an open file keeps still counts. Inode numbers are a counter and are not
 * reused; after 2^32 files two could be equal. Everything is in lowmem except the pages of regular
 * files.
 *
 * Neighbours: fs/dir.c adds names, fs/file.c opens.
 */
#include <asm/errno.h>
#include <fs/internal.h>
#include <lib/printf.h>
#include <lib/resched.h>
#include <linux/stat.h>
#include <mm/check/audit.h>
#include <mm/frame/page_alloc.h>
#include <mm/frame/slab.h>

#define NAMES_MIN 4096u /* also on the smallest machine */

static struct kmem_cache *inode_cache __ro_after_init;
static struct inode *root __ro_after_init;
static u32 last_ino;
u32 inode_count;
u32 fs_names;

void (*fs_clock)(struct timespec_fs *now);
struct inode *(*fs_current_root)(void);

struct timespec_fs fs_now(void)
{
    struct timespec_fs now = {0};

    if (fs_clock)
        fs_clock(&now);
    return now;
}

u32 fs_names_max(void)
{
    return max((zone_managed_pages(ZONE_DMA) + zone_managed_pages(ZONE_NORMAL)) / 2, NAMES_MIN);
}

bool fs_has_room(void)
{
    return fs_names < fs_names_max() && filemap_has_room();
}

void inode_stamp(struct inode *inode)
{
    inode->mtime = inode->ctime = fs_now();
}

/* ---- freeing ---- */

/* The directory that the inode's removed entry holds, or NULL. */
static struct inode *release_last_name(struct inode *inode)
{
    struct dir_entry *entry;
    struct inode *dir;

    if (list_empty(&inode->names))
        return NULL;
    entry = list_first_entry(&inode->names, struct dir_entry, link);
    assert(entry->removed);
    list_del_init(&entry->link);
    dir = entry->dir;
    dir_entry_free(entry);
    return dir;
}

static void inode_free(struct inode *inode)
{
    if (S_ISREG(inode->mode)) {
        cond_resched(); /* yield for a small file, too: callers must not depend on the size */
        mapping_destroy(&inode->data);
    } else if (S_ISLNK(inode->mode)) {
        kfree(inode->link);
    } else if (S_ISDIR(inode->mode)) {
        assert_op(inode->dir.entries, ==, 0);
    }
    kmem_cache_free(inode_cache, inode);
    inode_count--;
}

static void inode_release(struct address_space *mapping)
{
    struct inode *inode = mapping_inode(mapping);
    struct inode *dir;

    do {
        dir = release_last_name(inode);
        inode_free(inode);
        inode = dir;
        cond_resched();
    } while (inode && --inode->data.refcount == 0);
}

/* ---- creation ---- */

static const struct file_operations *fops_of(u32 mode)
{
    switch (mode & S_IFMT) {
    case S_IFREG:
        return &ramfs_file_ops;
    case S_IFDIR:
        return &ramfs_dir_ops;
    case S_IFIFO:
        return &pipe_file_ops;
    case S_IFCHR:
        return &char_dev_file_ops;
    }
    return NULL;
}

struct inode *inode_new(u32 mode, u32 rdev)
{
    struct inode *inode = kmem_cache_alloc(inode_cache);

    if (!inode)
        return NULL;
    memset(inode, 0, sizeof(*inode));
    if (S_ISREG(mode)) {
        mapping_init(&inode->data, inode_release);
    } else {
        inode->data.refcount = 1;
        inode->data.release = inode_release;
    }
    inode->ino = ++last_ino;
    inode->dev = ROOT_DEV;
    inode->mode = mode;
    inode->rdev = rdev;
    inode->atime = inode->mtime = inode->ctime = fs_now();
    inode->fops = fops_of(mode);
    INIT_LIST_HEAD(&inode->names);
    inode_count++;
    return inode;
}

/* ---- programs ---- */

void inode_share_program(struct inode *inode)
{
    inode_get(inode);
    inode->programs++;
}

int inode_start_program(struct inode *inode)
{
    if (inode->data.writers)
        return -ETXTBSY;
    inode_share_program(inode);
    return 0;
}

void inode_end_program(struct inode *inode)
{
    assert_op(inode->programs, >, 0);
    inode->programs--;
    inode_put(inode);
}

/* The earlier contents of the file have never been read. */
void inode_set_backing(struct inode *inode, const void *data, u32 size)
{
    s32 refcount = inode->data.refcount;
    u32 writers = inode->data.writers;

    mapping_destroy(&inode->data);
    mapping_init_backed(&inode->data, data, size, inode_release);
    inode->data.refcount = refcount;
    inode->data.writers = writers;
}

static long target_path(struct inode *link, char *buf, u32 size)
{
    struct inode *inode;
    long result = link->target(link, &inode);

    if (!result) {
        result = inode_path(inode, buf, size);
        inode_put(inode);
    }
    return result;
}

long inode_readlink(struct inode *inode, char *buf, u32 size)
{
    if (!S_ISLNK(inode->mode))
        return -EINVAL;
    if (inode->target)
        return target_path(inode, buf, size);
    if (inode->readlink)
        return inode->readlink(inode, buf, size);
    return scnprintf(buf, size, "%s", inode->link);
}

struct inode *fs_root(void)
{
    return root;
}

void fs_init(void)
{
    int err;

    inode_cache = kmem_cache_create("inode_cache", sizeof(struct inode));
    if (inode_cache)
        root = inode_new(S_IFDIR | 0755, 0);
    if (!root)
        panic("out of memory for the root directory");
    root->nlink = 2;
    file_init();
    err = vfs_mkdir(root, "dev", 0755);
    if (!err)
        err = vfs_mkdir(root, "tmp", 01777);
    if (err)
        panic("no /dev and /tmp: error %d", err);
    mem_dev_init();
    proc_init();
    audit_register(fs_check);
}
