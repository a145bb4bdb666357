/*
 * Character devices by number: a device file has only its number, and its operations are those that
 * a driver has registered under that number.
 *
 * The number is looked up when the file is opened, so a device file may exist before its driver
 * does, and any name may have any number (mknod).
 *
 * Limits: CHAR_DEVS_MAX numbers; no ranges, no registration of a whole major number.
 *
 * Neighbours: fs/mem_dev.c registers /dev/null and others, kernel/ the console.
 */
#include <asm/errno.h>
#include <fs/internal.h>
#include <linux/stat.h>

#define CHAR_DEVS_MAX 12

static struct {
    u32 rdev;
    const struct file_operations *fops;
} char_devs[CHAR_DEVS_MAX] __ro_after_init;

void char_dev_register(const char *name, u32 rdev, u32 mode, const struct file_operations *fops)
{
    struct inode *dev;
    u32 i = 0;
    int err;

    while (i < CHAR_DEVS_MAX && char_devs[i].fops)
        i++;
    assert_op(i, <, CHAR_DEVS_MAX);
    char_devs[i].rdev = rdev;
    char_devs[i].fops = fops;
    err = path_lookup(fs_root(), "/dev", LOOKUP_DIRECTORY, &dev);
    if (!err) {
        err = vfs_mknod(dev, name, S_IFCHR | mode, rdev);
        inode_put(dev);
    }
    if (err)
        panic("/dev/%s cannot be created: error %d", name, err);
}

/* Set the operations of the file to those of its device. */
static int char_dev_open(struct file *file)
{
    for (u32 i = 0; i < CHAR_DEVS_MAX && char_devs[i].fops; i++) {
        if (char_devs[i].rdev == file->inode->rdev) {
            file->ops = char_devs[i].fops;
            return file->ops->open ? file->ops->open(file) : 0;
        }
    }
    return -ENXIO;
}

const struct file_operations char_dev_file_ops = {.open = char_dev_open};
