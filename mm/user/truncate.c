/*
 * A file that is cut short loses its pages in every address space that shows them.
 *
 * What a mapping shows behind the end of its file goes, as on Linux: the file's own pages, and the
 * copies that private mappings have made of them. The areas stay, and stay the file's: a touch
 * behind the end is SIGBUS (mm/user/fault.c), and when the file grows again they show it again.
 *
 * The areas of a file are in a list (mm/user/vma.c). It may be long, and so may be each of them, so
 * others run after each piece. They may change the list meanwhile. A cursor in the file says which
 * area is next, and from which page of the file on; an area that goes moves it along. What comes
 * meanwhile comes at the end of the list, where the cursor will find it, and nothing comes there
 * with pages but from an area in front of it: a fork copies entries, mremap moves them, always from
 * an older area to a newer one. Two areas become one only while there is no cursor.
 *
 * The new size is set before, so that no fault brings back what has gone. One at a time cuts a file
 * (fs/ramfs.c holds its lock).
 *
 * Neighbours: mm/user/filemap.c sets the size and then has the pages to itself; mm/user/user_pte.c.
 */
#include <lib/panic.h>
#include <lib/resched.h>
#include <mm/user/filemap.h>
#include <mm/user/mm_internal.h>

static void move_cursor(struct address_space *mapping, const struct list_head *next)
{
    mapping->cursor = next == &mapping->areas ? NULL : list_entry(next, struct vm_area, file_link);
    mapping->cursor_index = 0;
}

void filemap_enter_area(struct mm *mm, struct vm_area *area)
{
    area->mm = mm;
    list_add_tail(&area->file_link, &area->file->areas);
}

void filemap_leave_area(struct vm_area *area)
{
    if (area->file->cursor == area)
        move_cursor(area->file, area->file_link.next);
    list_del(&area->file_link);
}

/*
 * Zap a piece of the area at the cursor, from page `first` of the file on, and move the cursor
 * behind it. An address space without tables has nothing to zap: it may be one that is ending.
 */
static void unmap_piece(struct address_space *mapping, struct vm_area *area, u32 first)
{
    u32 index = max(max(mapping->cursor_index, first), area->pgoff);
    u32 skipped = index - area->pgoff, pages = (area->end - area->start) >> PAGE_SHIFT, addr, stop;

    if (!area->mm->tables || skipped >= pages) {
        move_cursor(mapping, area->file_link.next);
        return;
    }
    addr = area->start + (skipped << PAGE_SHIFT);
    stop = user_piece_end(area->mm, addr, area->end);
    user_zap(area->mm, addr, stop);
    mapping->cursor_index = area->pgoff + ((stop - area->start) >> PAGE_SHIFT);
}

void filemap_unmap(struct address_space *mapping, u32 first)
{
    assert(!mapping->cursor);
    move_cursor(mapping, mapping->areas.next);
    while (mapping->cursor) {
        unmap_piece(mapping, mapping->cursor, first);
        cond_resched();
    }
}
