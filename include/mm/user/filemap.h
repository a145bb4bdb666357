/*
 * Pages of files (Linux: mm/user/filemap.c, struct address_space). A mapping is the contents of one
 * file: a tree of pages, each there since somebody touched it. Processes map these very pages, so
 * the text of a program is in memory once; a private write copies (mm/user/mm.h).
 *
 * A file that came with the initramfs has its bytes in the archive: a page of it is filled from
 * there at first touch, and can be dropped again as long as nobody changed or mapped it. Elsewhere
 * an untouched page reads as zeros.
 *
 * Page type PAGE_FILE; reference count: one for the mapping, one for each PTE. Not for interrupt
 * handlers.
 */
#pragma once

#include <lib/list.h>
#include <lib/panic.h>
#include <lib/types.h>
#include <mm/user/page_tree.h>

#define FILE_SIZE_MAX 0x7ffff000u /* bytes */

struct vm_area;

struct address_space {
    u32 size; /* of the file, bytes; bytes behind it in its last page are zero */
    s32 refcount;
    u32 writers;            /* open files that may write to it, and areas that such a one made */
    struct page_tree pages; /* by index; none where nothing was touched */
    u32 nrpages;            /* pages that are there */
    u32 nrclean;            /* those that are not dirty */
    const u8 *backing;      /* the archive's bytes, or NULL */
    u32 backing_size;       /* how many of them still count: a truncation makes it less, for good */
    bool anonymous;         /* no file, and gone with the processes that share it: mapping_new() */
    struct list_head link;  /* in the list of all mappings */
    struct list_head clean_link; /* in that of those that have clean pages, if it has */
    struct list_head areas;      /* of all address spaces that show it, in order of their coming */
    struct vm_area *cursor; /* where in this list filemap_unmap() is, NULL when it does not run */
    u32 cursor_index;       /* the page of the file that is next there */
    void (*release)(struct address_space *mapping); /* the last reference has gone */
};

/* An empty file with one reference; release() must call mapping_destroy() and may then free it. */
void mapping_init(struct address_space *mapping, void (*release)(struct address_space *mapping));

/* Contents that lie in kernel memory, for as long as the mapping lives. */
void mapping_init_backed(struct address_space *mapping, const void *data, u32 size,
                         void (*release)(struct address_space *mapping));

/*
 * Memory of `size` bytes that processes share and no file names (MAP_SHARED | MAP_ANONYMOUS): one
 * reference, and with the last one it frees itself. NULL when out of memory or above FILE_SIZE_MAX.
 */
__must_check struct address_space *mapping_new(u32 size);

/* Give back every page. None may be mapped any more. May yield. */
void mapping_destroy(struct address_space *mapping);

/* One reference more, of a mapping that somebody holds: one that ends cannot be held again. */
static inline void mapping_get(struct address_space *mapping)
{
    assert(mapping->refcount > 0);
    mapping->refcount++;
}

static inline void mapping_put(struct address_space *mapping)
{
    if (--mapping->refcount == 0)
        mapping->release(mapping);
}

/*
 * The page at an index (offset / PAGE_SIZE), brought in if need be. NULL when out of memory, or for
 * an index beyond FILE_SIZE_MAX. It belongs to the mapping: a caller that keeps it takes a
 * reference. `write`: its bytes are about to be changed, so it cannot be dropped any more.
 */
__must_check struct page *filemap_get_page(struct address_space *mapping, u32 index, bool write);

/* The page at an index if it is there, or NULL. */
static inline struct page *filemap_find_page(const struct address_space *mapping, u32 index)
{
    return page_tree_find(&mapping->pages, index);
}

/* The page's bytes are about to be changed: it cannot be dropped any more. */
void filemap_set_dirty(struct page *page);

/*
 * Whether files may take more memory. A sixteenth of all memory, and of that in lowmem, which names
 * and all tables need, is left to processes, which would otherwise end for a page of their own, the
 * one that could remove a file among them. Pages that can be had again count as free; some may be
 * dropped.
 */
bool filemap_has_room(void);

/*
 * Whether a page of the mapping may become one that cannot be dropped. Memory without a name may.
 */
static inline bool filemap_may_write(const struct address_space *mapping)
{
    return mapping->anonymous || filemap_has_room();
}

/* The same as filemap_get_page() for what a file is to hold from now on: NULL also without room. */
__must_check struct page *filemap_new_page(struct address_space *mapping, u32 index);

/*
 * How bytes get out of or into a page: copy_to_user, copy_from_user, or plain memory (0: all done).
 */
typedef size_t (*filemap_copy_t)(void *to, const void *from, size_t size);
size_t filemap_copy_kernel(void *to, const void *from, size_t size);

/*
 * Read at `pos` up to the end of the file. Bytes read; fewer than asked for when `copy` met a bad
 * address or memory ran out; -EFAULT, -ENOMEM when that happened at once.
 */
long filemap_read(struct address_space *mapping, u32 pos, void *to, u32 count, filemap_copy_t copy);

/*
 * Write at `pos`; the file grows. Bytes written; -EFBIG, -ENOSPC, -ENOMEM, -EFAULT as above. A gap
 * before pos reads as zeros.
 */
long filemap_write(struct address_space *mapping, u32 pos, const void *from, u32 count,
                   filemap_copy_t copy);

/*
 * Set the size: what is cut off is given back, and goes from all address spaces, copies of private
 * mappings included. 0, -EFBIG. Not twice at a time for one file. May yield.
 */
__must_check int filemap_truncate(struct address_space *mapping, u32 size);

/*
 * Drop pages that can be had again from their archive and that nobody maps, `most` at most: how
 * many. When memory is short; ~0u for tests that count pages.
 */
u32 filemap_reclaim(u32 most);

static inline u32 filemap_shrink(void)
{
    return filemap_reclaim(~0u);
}

/* Walk all mappings: NULL and how many pages they have, or the first thing wrong. For the audit. */
const char *filemap_check(u32 *pages);
