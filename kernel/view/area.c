/*
 * The name of an area of an address space, and its rights, in the format of Linux's /proc/PID/maps.
 *
 * Neighbours: kernel/proc/proc_pid.c, kernel/view/explain.c and snapshot.c print areas.
 */
#include <fs/fs.h>
#include <kernel/view/area.h>
#include <mm/user/filemap.h>
#include <mm/user/mm.h>

/* The mapping of shared memory without a file is in no inode. */
static bool is_inode_mapping(const struct address_space *mapping)
{
    return mapping->release == fs_root()->data.release;
}

struct inode *area_inode(const struct vm_area *area)
{
    return area->file && is_inode_mapping(area->file) ? mapping_inode(area->file) : NULL;
}

const char *area_name(const struct vm_area *area, char *path)
{
    struct inode *inode = area_inode(area);

    if (inode)
        return inode_path(inode, path, PATH_SIZE) >= 0 ? path : "(path too long)";
    return area->file && !area->name ? "/dev/zero (deleted)" : area->name;
}

void area_rights(u32 flags, char *rights)
{
    rights[0] = flags & VM_READ ? 'r' : '-';
    rights[1] = flags & VM_WRITE ? 'w' : '-';
    rights[2] = flags & VM_EXEC ? 'x' : '-';
    rights[3] = flags & VM_SHARED ? 's' : 'p';
    rights[4] = '\0';
}
