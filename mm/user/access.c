/*
 * The kernel's way to the contents of an address space, whether it is the loaded one or not.
 *
 * mm_write() and mm_read() go through lowmem or kmap_local and do not need the process's directory.
 * A write needs the rights that the process itself would need: the address may be in text that
 * others share, or in a file opened for reading only. A write first touches every page, which may
 * fail, then copies every page. A read touches nothing: it may be for another process (/proc),
 * while the owner is moving these entries.
 *
 * Neighbours: mm/user/fault.c touches; arch/x86/uaccess.c is the fast path to the loaded one.
 */
#include <asm/errno.h>
#include <lib/string.h>
#include <mm/frame/highmem.h>
#include <mm/user/filemap.h>
#include <mm/user/mm_internal.h>

/* The work on a part of a page: `data` advances with the address, or is NULL. */
typedef void (*page_work_t)(char *page, const void *data, u32 size);

static void work_write(char *page, const void *data, u32 size)
{
    memcpy(page, data, size);
}

static void work_clear(char *page, const void *data, u32 size)
{
    (void)data;
    memset(page, 0, size);
}

/* Touch every page of [addr, addr + size), which is not empty: see mm_touch_for_write(). */
static int touch_range(struct mm *mm, u32 addr, u32 size, bool unasked)
{
    u32 last = addr + size - 1;
    int err = 0;

    if (!mm_in_user_half(addr, size))
        return -EFAULT;
    /* From the top down, as a stack grows. */
    for (u32 pfn = PFN_DOWN(last) + 1; pfn-- > PFN_DOWN(addr) && !err;)
        err = mm_touch_for_write(mm, pfn << PAGE_SHIFT, unasked);
    return err;
}

static int work_on_range(struct mm *mm, u32 addr, const void *data, u32 size, bool unasked,
                         page_work_t work)
{
    int err = size ? touch_range(mm, addr, size, unasked) : 0;

    while (size && !err) {
        u32 offset = addr % PAGE_SIZE, part = min(size, PAGE_SIZE - offset);
        char *page = kmap_local_page(pfn_to_page(pte_pfn(*pgd_user_pte(mm->pgd, addr))));

        work(page + offset, data, part);
        kunmap_local(page);
        data = data ? (const char *)data + part : NULL;
        addr += part;
        size -= part;
    }
    return err;
}

int mm_write(struct mm *mm, u32 addr, const void *from, u32 size)
{
    return work_on_range(mm, addr, from, size, false, work_write);
}

int mm_write_private(struct mm *mm, u32 addr, const void *from, u32 size)
{
    return work_on_range(mm, addr, from, size, true, work_write);
}

int mm_clear(struct mm *mm, u32 addr, u32 size)
{
    return work_on_range(mm, addr, NULL, size, true, work_clear);
}

/*
 * The page that a read at addr would access; it is valid until the next allocation. 0 or an error.
 */
static int page_shown(struct mm *mm, u32 addr, struct page **page)
{
    const pte_t *pte = pgd_user_pte(mm->pgd, addr);
    const struct vm_area *area;
    u32 index;

    if (pte && !pte_none(*pte)) {
        *page = pfn_to_page(pte_pfn(*pte));
        return 0;
    }
    area = mm_find_area(mm, addr);
    if (!area)
        return -EFAULT;
    *page = zero_page;
    if (!area->file)
        return 0;
    index = area->pgoff + ((addr - area->start) >> PAGE_SHIFT);
    if (index >= PFN_UP(area->file->size))
        return -EFAULT;
    *page = filemap_get_page(area->file, index, false);
    return *page ? 0 : -ENOMEM;
}

int mm_read(struct mm *mm, u32 addr, void *to, u32 size)
{
    int err = mm_in_user_half(addr, size) ? 0 : -EFAULT;

    while (size && !err) {
        u32 offset = addr % PAGE_SIZE, part = min(size, PAGE_SIZE - offset);
        struct page *page;
        char *from;

        err = page_shown(mm, addr, &page);
        if (err)
            break;
        from = kmap_local_page(page);
        memcpy(to, from + offset, part);
        kunmap_local(from);
        to = (char *)to + part;
        addr += part;
        size -= part;
    }
    return err;
}
