/*
 * Calls for memory: checks the arguments; mm/ does the work.
 *
 * A mapping of a file needs a descriptor that was opened for reading (and for writing if writes are
 * to reach the file), and a file with contents that can be mapped. The mapping then holds the
 * inode, not the open file: the descriptor may be closed.
 *
 * Pages are never swapped out, so locking them means touching them; msync() has no disk to write
 * to.
 *
 * Neighbours: mm/user/mmap.c, mm/user/mremap.c, mm/user/fault.c.
 */
#include <arch/x86/uaccess.h>
#include <asm/errno.h>
#include <kernel/process/fdtable.h>
#include <kernel/syscall/syscall.h>
#include <lib/resched.h>
#include <linux/fcntl.h>
#include <linux/mman.h>
#include <mm/user/mm.h>

long sys_brk(struct pt_regs *regs)
{
    return mm_brk(current->mm, regs->ebx);
}

/* ---- mmap ---- */

/* The flags that mmap had before MAP_SHARED_VALIDATE; only these are supported here. */
#define MAP_LEGACY                                                                                 \
    (MAP_TYPE | MAP_FIXED | MAP_ANONYMOUS | MAP_GROWSDOWN | MAP_DENYWRITE | MAP_EXECUTABLE |       \
     MAP_LOCKED | MAP_NORESERVE | MAP_POPULATE | MAP_NONBLOCK | MAP_STACK | MAP_HUGETLB |          \
     MAP_HUGE_2MB | MAP_HUGE_1GB | MAP_32BIT)

/* 0 for a valid kind of mapping of a file with flags that this kind supports. */
static long check_kind(u32 flags)
{
    switch (flags & MAP_TYPE) {
    case MAP_SHARED_VALIDATE:
        return flags & ~MAP_LEGACY ? -EOPNOTSUPP : 0;
    case MAP_SHARED:
    case MAP_PRIVATE:
        return 0;
    default:
        return -EINVAL;
    }
}

/*
 * Check that the file may be mapped with *prot, and add VM_NEVER_WRITE and VM_WRITER to *prot as
 * needed; *mapping gets its contents, and stays NULL if these are zeros.
 */
static long check_file(const struct file *file, u32 *prot, u32 flags,
                       struct address_space **mapping)
{
    long err = check_kind(flags);
    bool read_only;
    u32 mode;

    if (err)
        return err;
    mode = file->flags & O_ACCMODE;
    read_only = (flags & MAP_TYPE) != MAP_PRIVATE && mode != O_RDWR;
    if (mode == O_WRONLY || (read_only && *prot & PROT_WRITE))
        return -EACCES;
    if (!file->ops->mappable && !file->ops->maps_zeros)
        return -ENODEV;
    if (flags & MAP_GROWSDOWN)
        return -EINVAL;
    if (read_only)
        *prot |= VM_NEVER_WRITE;
    if (file->ops->mappable) {
        *mapping = &file->inode->data;
        *prot |= mode == O_RDWR ? VM_WRITER : 0;
    }
    return 0;
}

static long do_mmap(u32 addr, u32 size, u32 prot, u32 flags, u32 fd, u32 pgoff)
{
    struct address_space *mapping = NULL;
    struct file *file = NULL;
    long err;

    prot &= VM_ACCESS;
    if (!(flags & MAP_ANONYMOUS)) {
        file = fd_get_for_io(fd);
        if (!file)
            return -EBADF;
    }
    if (size == 0)
        return -EINVAL;
    if (file) {
        err = check_file(file, &prot, flags, &mapping);
        if (err)
            return err;
        if ((flags & MAP_TYPE) == MAP_SHARED_VALIDATE)
            flags = (flags & ~MAP_TYPE) | MAP_SHARED; /* its flags are checked */
    }
    return mm_mmap(current->mm, addr, size, prot, flags, mapping, pgoff);
}

long sys_mmap2(struct pt_regs *regs)
{
    return do_mmap(regs->ebx, regs->ecx, regs->edx, regs->esi, regs->edi, regs->ebp);
}

/* The oldest form: six arguments in memory, the offset in bytes. */
long sys_mmap(struct pt_regs *regs)
{
    struct {
        u32 addr, size, prot, flags, fd, offset;
    } arg;

    if (copy_from_user(&arg, (const void *)regs->ebx, sizeof(arg)))
        return -EFAULT;
    if (arg.offset % PAGE_SIZE)
        return -EINVAL;
    return do_mmap(arg.addr, arg.size, arg.prot, arg.flags, arg.fd, arg.offset / PAGE_SIZE);
}

long sys_munmap(struct pt_regs *regs)
{
    return mm_munmap(current->mm, regs->ebx, regs->ecx);
}

long sys_mprotect(struct pt_regs *regs)
{
    return mm_mprotect(current->mm, regs->ebx, regs->ecx, regs->edx);
}

long sys_mremap(struct pt_regs *regs)
{
    return mm_mremap(current->mm, regs->ebx, regs->ecx, regs->edx, regs->esi, regs->edi);
}

long sys_madvise(struct pt_regs *regs)
{
    return mm_madvise(current->mm, regs->ebx, regs->ecx, regs->edx);
}

/* ---- ranges ---- */

/* Whole pages from a page-aligned address. 0, -EINVAL, -ENOMEM when the range wraps around. */
static long page_range(u32 addr, u32 size, u32 *end)
{
    if (addr % PAGE_SIZE)
        return -EINVAL;
    *end = addr + ALIGN_UP(size, PAGE_SIZE);
    return *end < addr || (size && *end == addr) ? -ENOMEM : 0;
}

/* 0, or -ENOMEM when part of the range has no area. */
static long check_mapped(u32 addr, u32 end)
{
    while (addr < end) {
        struct vm_area *area = mm_find_area(current->mm, addr);

        if (!area)
            return -ENOMEM;
        addr = area->end;
    }
    return 0;
}

long sys_msync(struct pt_regs *regs)
{
    u32 flags = regs->edx, end;
    long err;

    if (flags & ~(MS_ASYNC | MS_INVALIDATE | MS_SYNC) || (flags & MS_ASYNC && flags & MS_SYNC))
        return -EINVAL;
    err = page_range(regs->ebx, regs->ecx, &end);
    return err ? err : check_mapped(regs->ebx, end);
}

/*
 * True when the page at addr is in memory. A page of a file counts if the file has it, no matter
 * which process read it.
 */
static bool is_in_core(u32 addr)
{
    const pte_t *pte = pgd_user_pte(current->mm->pgd, addr);
    const struct vm_area *area = mm_find_area(current->mm, addr);
    u32 index;

    if (pte && pte_present(*pte))
        return true;
    if (!area || !area->file)
        return false;
    index = area->pgoff + (addr - area->start) / PAGE_SIZE;
    return filemap_find_page(area->file, index);
}

#define MINCORE_CHUNK 128

long sys_mincore(struct pt_regs *regs)
{
    u32 addr = regs->ebx, end;
    u8 *user = (u8 *)regs->edx;
    u8 chunk[MINCORE_CHUNK];
    long err = page_range(addr, regs->ecx, &end);

    if (err == 0 && end > TASK_SIZE)
        err = -ENOMEM;
    if (err)
        return err;
    if (!access_ok(user, (end - addr) / PAGE_SIZE))
        return -EFAULT;
    err = check_mapped(addr, end);
    while (err == 0 && addr < end) {
        u32 count = 0;

        for (; count < MINCORE_CHUNK && addr < end; addr += PAGE_SIZE)
            chunk[count++] = is_in_core(addr);
        if (copy_to_user(user, chunk, count))
            return -EFAULT;
        user += count;
        cond_resched();
    }
    return err;
}

/* ---- locking ---- */

/* Touch every page, except in areas without access rights. */
static long touch_pages(u32 addr, u32 end)
{
    for (; addr < end; addr += PAGE_SIZE) {
        const struct vm_area *area = mm_find_area(current->mm, addr);
        enum mm_fault fault;

        if (!area)
            return -ENOMEM;
        if (!(area->flags & VM_ACCESS))
            return -ENOMEM;
        fault = mm_fault(current->mm, addr, area->flags & VM_WRITE && !(area->flags & VM_SHARED));
        if (fault != MM_FAULT_OK)
            return fault == MM_FAULT_NO_MEMORY ? -EAGAIN : -ENOMEM;
        if (signal_pending())
            return -EINTR;
        cond_resched();
    }
    return 0;
}

/* Unlike the other calls this one rounds the address down. */
static long do_mlock(u32 addr, u32 size, bool touch)
{
    u32 start = ALIGN_DOWN(addr, PAGE_SIZE), end;
    long err = page_range(start, size + (addr - start), &end);

    if (err)
        return -EINVAL;
    err = check_mapped(start, end);
    return err || !touch ? err : touch_pages(start, end);
}

long sys_mlock(struct pt_regs *regs)
{
    return do_mlock(regs->ebx, regs->ecx, true);
}

long sys_mlock2(struct pt_regs *regs)
{
    if (regs->edx & ~MLOCK_ONFAULT)
        return -EINVAL;
    return do_mlock(regs->ebx, regs->ecx, !(regs->edx & MLOCK_ONFAULT));
}

long sys_munlock(struct pt_regs *regs)
{
    return do_mlock(regs->ebx, regs->ecx, false);
}

long sys_mlockall(struct pt_regs *regs)
{
    u32 flags = regs->ebx;

    if (!flags || flags & ~(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) || flags == MCL_ONFAULT)
        return -EINVAL;
    return 0;
}

long sys_munlockall(struct pt_regs *regs)
{
    (void)regs;
    return 0;
}
