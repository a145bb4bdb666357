/*
 * Pages of files (Linux: mm/user/filemap.c, struct address_space). A mapping is the contents of one
 * file: a tree of pages, each created when it was first touched. Processes map these pages
 * themselves, so the text of a program is in memory only once; a private write copies
 * (mm/user/mm.h).
 *
 * A file that came with the initramfs has its bytes in the archive: a page of it is filled from
 * there at first touch, and can be dropped again as long as it is not changed or mapped. In other
 * files an untouched page reads as zeros.
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
    u32 writers;            /* open files that may write to it, and areas mapped by such a file */
    struct page_tree pages; /* by index; only those that were touched */
    u32 nrpages;            /* number of pages */
    u32 nrclean;            /* those that are not dirty */
    const u8 *backing;      /* the archive's bytes, or NULL */
    u32 backing_size;       /* how many of them are valid: a truncation reduces it permanently */
    bool anonymous;         /* not a file; freed with the processes that share it: mapping_new() */
    struct list_head link;  /* in the list of all mappings */
    struct list_head clean_link; /* in the list of those with clean pages, if it has any */
    struct list_head areas;      /* of all address spaces that map it, the oldest first */
    struct vm_area *cursor; /* where in this list filemap_unmap() is, NULL when it does not run */
    u32 cursor_index;       /* the next page of the file in this area */
    void (*release)(struct address_space *mapping); /* called when the last reference is dropped */
};

/* An empty file with one reference; release() must call mapping_destroy() and may then free it. */
void mapping_init(struct address_space *mapping, void (*release)(struct address_space *mapping));

/* The same with contents that stay in kernel memory as long as the mapping exists. */
void mapping_init_backed(struct address_space *mapping, const void *data, u32 size,
                         void (*release)(struct address_space *mapping));

/*
 * Memory of `size` bytes that processes share without a file (MAP_SHARED | MAP_ANONYMOUS). It has
 * one reference, and is freed with the last one. NULL when out of memory or above FILE_SIZE_MAX.
 */
__must_check struct address_space *mapping_new(u32 size);

/* Free every page. None may be mapped any more. May yield. */
void mapping_destroy(struct address_space *mapping);

/*
 * Take another reference of a mapping that has one: a mapping that is being freed cannot be held
 * again.
 */
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
 * The page at an index (offset / PAGE_SIZE), created if needed. NULL when out of memory, or for an
 * index beyond FILE_SIZE_MAX. It belongs to the mapping: a caller that keeps it takes a reference.
 * `write`: its bytes are about to be changed, so it cannot be dropped any more.
 */
__must_check struct page *filemap_get_page(struct address_space *mapping, u32 index, bool write);

/* The page at an index if it exists, or NULL. */
static inline struct page *filemap_find_page(const struct address_space *mapping, u32 index)
{
    return page_tree_find(&mapping->pages, index);
}

/* Mark a page whose bytes are about to be changed: it cannot be dropped any more. */
void filemap_set_dirty(struct page *page);

/*
 * True when files may take more memory. A sixteenth of all memory, and of lowmem, which names and
 * all tables need, is reserved for processes. Otherwise these would be killed for lack of a page,
 * even the one that could remove a file. Pages that can be read again count as free; some may be
 * dropped.
 */
bool filemap_has_room(void);

/*
 * True when a page of the mapping may become one that cannot be dropped. Shared memory without a
 * file always may.
 */
static inline bool filemap_may_write(const struct address_space *mapping)
{
    return mapping->anonymous || filemap_has_room();
}

/*
 * Like filemap_get_page(), for a page that is to be written: NULL also when filemap_has_room() is
 * false.
 */
__must_check struct page *filemap_new_page(struct address_space *mapping, u32 index);

/*
 * For fallocate(): make sure that the page exists and cannot be dropped, although nothing is
 * written. False as above. When all pages of a range are reserved, or one could not be,
 * filemap_end_reserve() keeps them all, or makes clean again those that nobody has written since.
 */
__must_check bool filemap_reserve(struct address_space *mapping, u32 index);
void filemap_end_reserve(struct address_space *mapping, u32 index, u32 end, bool keep);

/*
 * The function that copies bytes out of or into a page: copy_to_user, copy_from_user, or plain
 * memory (0: all done).
 */
typedef size_t (*filemap_copy_t)(void *to, const void *from, size_t size);
size_t filemap_copy_kernel(void *to, const void *from, size_t size);

/*
 * Read at `pos` up to the end of the file. Returns the bytes read; fewer than requested when `copy`
 * met a bad address or memory ran out; -EFAULT or -ENOMEM when that happened before the first byte.
 */
long filemap_read(struct address_space *mapping, u32 pos, void *to, u32 count, filemap_copy_t copy);

/*
 * Write at `pos`; the file grows. Bytes written; -EFBIG, -ENOSPC, -ENOMEM, -EFAULT as above. A gap
 * before pos reads as zeros.
 */
long filemap_write(struct address_space *mapping, u32 pos, const void *from, u32 count,
                   filemap_copy_t copy);

/*
 * Set the size: pages behind the new end are freed and removed from all address spaces, including
 * copies in private mappings. 0, -EFBIG. Only one call at a time for one file. May yield.
 */
__must_check int filemap_truncate(struct address_space *mapping, u32 size);

/*
 * Drop at most `most` pages that can be read from the archive again and are not mapped. Returns how
 * many. Called when memory is short; ~0u for tests that count pages.
 */
u32 filemap_reclaim(u32 most);

static inline u32 filemap_shrink(void)
{
    return filemap_reclaim(~0u);
}

/* Walk all mappings: NULL and the number of their pages, or the first error. For the audit. */
const char *filemap_check(u32 *pages);
