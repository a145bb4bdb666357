/*
 * sendfile: copies from a file to another without a buffer in the program's memory.
 *
 * The bytes of a file lie in pages that can be mapped, and write operations take their bytes from
 * user addresses; so the kernel maps a piece of the file into the calling process, writes from
 * there, and unmaps it again. Only write() copies bytes, for any destination (a pipe, the terminal,
 * another file). As on Linux, the first file must be one that mmap() can map.
 *
 * Limits: the mapping needs a gap of PIECE bytes in the address space, and while the call waits it
 * is visible in /proc/PID/maps. A program whose address space is full gets -ENOMEM.
 *
 * Neighbours: mm/ maps; kernel/syscall/sys_read_write.c writes and waits.
 */
#include <arch/x86/uaccess.h>
#include <asm/errno.h>
#include <kernel/process/fdtable.h>
#include <kernel/syscall/syscall.h>
#include <lib/panic.h>
#include <linux/fcntl.h>
#include <linux/mman.h>
#include <mm/user/mm.h>

#define PIECE 0x40000u /* bytes mapped at a time */

/*
 * Map the pages of a piece before they are read: a page that write() cannot get would end the
 * program, which does not know that it has them. 0 or -ENOMEM; other errors show up in write().
 */
static int map_pages(u32 addr, u32 size)
{
    for (u32 end = addr + size; addr < end; addr += PAGE_SIZE)
        if (mm_fault(current->mm, addr, false) == MM_FAULT_NO_MEMORY)
            return -ENOMEM;
    return 0;
}

/* Send one piece at `pos`: bytes written, 0 at the end of the file, or an error. */
static long send_piece(struct file *to, struct inode *from, u64 pos, u32 count)
{
    u32 page = (u32)pos & ~(PAGE_SIZE - 1), offset = (u32)pos - page, size;
    long addr, result;

    if (pos >= from->data.size)
        return 0;
    count = min(count, min(from->data.size - (u32)pos, PIECE - offset));
    size = ALIGN_UP(offset + count, PAGE_SIZE);
    addr = mm_map_apart(current->mm, size, "[sendfile]", &from->data, page / PAGE_SIZE);
    if ((u32)addr > TASK_SIZE)
        return addr;
    result = map_pages(addr, size);
    if (!result)
        result = file_write_all(to, (const char *)addr + offset, count, &to->pos);
    if (result == -EFAULT && pos >= from->data.size)
        result = 0; /* the file was truncated meanwhile */
    /*
     * It is not joined with other areas and is unmapped whole, so no split and no allocation is
     * needed.
     */
    if (mm_munmap(current->mm, addr, size) != 0)
        panic("a mapping of sendfile stays");
    return result;
}

/* Send up to `count` bytes from *pos on, and advance *pos. */
static long send(struct file *to, struct inode *from, u64 *pos, u32 count)
{
    u32 done = 0;

    while (done < count) {
        long result = send_piece(to, from, *pos, count - done);

        if (result <= 0)
            return done ? (long)done : result;
        done += result;
        *pos += result;
        if (signal_pending())
            break;
    }
    return done;
}

/* Both files: 0, -EBADF, -EINVAL as in sendfile(2). */
static long check_files(const struct file *to, const struct file *from)
{
    if (!from || (from->flags & O_ACCMODE) == O_WRONLY || !to ||
        (to->flags & O_ACCMODE) == O_RDONLY)
        return -EBADF;
    return from->ops->mappable && !(to->flags & O_APPEND) ? 0 : -EINVAL;
}

/*
 * user_pos: the address of the position in `from`, of pos_size bytes (NULL: use the file's
 * position).
 */
static long do_sendfile(const struct pt_regs *regs, u32 pos_size)
{
    struct file *to = fd_get_for_io(regs->ebx), *from = fd_get_for_io(regs->ecx);
    void *user_pos = (void *)regs->edx;
    u64 pos = 0;
    long err = 0, result;

    if (user_pos && copy_from_user(&pos, user_pos, pos_size))
        return -EFAULT;
    err = check_files(to, from);
    if (err)
        return err;
    if ((s32)regs->esi < 0 || (s64)pos < 0 || (pos_size == 4 && (s32)pos < 0))
        return -EINVAL;
    result = send(to, from->inode, user_pos ? &pos : &from->pos, regs->esi);
    if (user_pos && result > 0 && copy_to_user(user_pos, &pos, pos_size))
        return -EFAULT;
    return result;
}

long sys_sendfile(struct pt_regs *regs)
{
    return do_sendfile(regs, 4);
}

long sys_sendfile64(struct pt_regs *regs)
{
    return do_sendfile(regs, 8);
}
