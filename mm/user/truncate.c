/*
 * Truncation: removes the pages behind the new end of a file from every address space that maps
 * them.
 *
 * Everything that a mapping has behind the end of its file is removed, as on Linux: the file's own
 * pages, and the copies in private mappings. The areas stay, and still belong to the file: an
 * access behind the end raises SIGBUS (mm/user/fault.c), and when the file grows again they map it
 * again.
 *
 * The areas of a file are in a list (mm/user/vma.c). The list and each area may be long, so other
 * tasks run after each piece. They may change the list meanwhile. A cursor in the file holds the
 * next area and the next page of the file; removing that area advances the cursor. New areas are
 * added at the end of the list, where the cursor will find them, and their pages always come from
 * an area in front of them: a fork copies entries, mremap moves them, always from an older area to
 * a newer one. Two areas are joined only while there is no cursor.
 *
 * The new size is set first, so that no fault maps a removed page again. Only one task at a time
 * truncates a file (fs/ramfs.c holds its lock).
 *
 * Neighbours: mm/user/filemap.c sets the size and then frees the pages, which are not mapped any
 * more; mm/user/user_pte.c.
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
 * Unmap a piece of the area at the cursor, from page `first` of the file on, and move the cursor
 * behind it. An address space without tables has nothing to unmap: it may be exiting.
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
