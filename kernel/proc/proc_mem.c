/*
 * /proc/PID/mem: the memory of a process as a file, by address (man 5 proc).
 *
 * Reading touches no page and checks no rights: it returns the contents that a page would have,
 * even where the process itself may not read. A process may write to its own memory, to private
 * memory even without the right (Linux: FOLL_FORCE), so that a debugger can set a breakpoint in
 * read-only text: the page is then a copy. It can write to shared memory only with the right.
 *
 * Limits: the memory of other processes cannot be written (-EACCES), because they may be in a call
 * that changes it. An open file always refers to the present program of its process.
 *
 * Neighbours: fs/procfs_pid.c has the directory, mm/user/mm.c copies.
 */
#include <arch/x86/uaccess.h>
#include <asm/errno.h>
#include <fs/fs.h>
#include <kernel/proc/proc.h>
#include <kernel/task.h>
#include <lib/resched.h>
#include <mm/frame/slab.h>
#include <mm/user/mm.h>

/* Within one page. 0 or an error. */
static int read_part(struct mm *mm, u32 addr, char *page, char *user_buf, u32 size)
{
    if (mm_read(mm, addr, page, size) != 0)
        return -EIO;
    return copy_to_user(user_buf, page, size) ? -EFAULT : 0;
}

static int write_part(struct mm *mm, u32 addr, char *page, char *user_buf, u32 size)
{
    const struct vm_area *area;
    int err;

    if (copy_from_user(page, user_buf, size))
        return -EFAULT;
    area = mm_find_area(mm, addr);
    if (!area)
        return -EIO;
    if (area->flags & VM_SHARED)
        err = mm_write(mm, addr, page, size);
    else
        err = mm_write_private(mm, addr, page, size);
    return err == -EFAULT ? -EIO : err;
}

typedef int (*part_t)(struct mm *mm, u32 addr, char *page, char *user_buf, u32 size);

static long each_part(struct mm *mm, char *user_buf, u32 count, u64 *pos, part_t work)
{
    char *page = kmalloc(PAGE_SIZE);
    int err = page ? 0 : -ENOMEM;
    u32 done = 0;

    while (done < count && !err) {
        u32 size = min(count - done, (u32)(PAGE_SIZE - *pos % PAGE_SIZE));

        err = *pos < TASK_SIZE ? work(mm, *pos, page, user_buf + done, size) : -EIO;
        if (err)
            break;
        done += size;
        *pos += size;
        if (cond_resched_ending())
            break;
    }
    kfree(page);
    return done && err != -EFAULT ? (long)done : err;
}

static long proc_mem_read(struct file *file, char *user_buf, u32 count, u64 *pos)
{
    const struct task *task = task_find(file->inode->pid);
    struct mm *mm;
    long done;

    if (!task || !task->mm)
        return 0;
    mm = mm_get(task->mm);
    done = each_part(mm, user_buf, count, pos, read_part);
    mm_put(mm);
    return done;
}

static long proc_mem_write(struct file *file, const char *user_buf, u32 count, u64 *pos)
{
    if (file->inode->pid != current->pid)
        return -EACCES;
    return each_part(current->mm, (char *)user_buf, count, pos, write_part);
}

const struct file_operations proc_mem_ops = {
    .read = proc_mem_read,
    .write = proc_mem_write,
    .seekable = true,
};
