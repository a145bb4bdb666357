/*
 * Pages of files.
 *
 * A mapping has its pages in a tree by index; there is no page where nothing was touched. The
 * contents of an untouched page are known: bytes of the archive that the file came from, or zeros.
 * So reading a file allocates no page, only mapping and writing do; and a page that is not written
 * and not mapped can be dropped at any time. filemap_reclaim() does that when memory is short; it
 * searches only files that have clean pages, because a program can make it look with every write.
 *
 * The mapping holds one reference of each of its pages, every entry that maps the page another.
 * When the file is truncated, the pages behind its end are first removed from all entries
 * (mm/user/truncate.c).
 *
 * The tree (mm/user/page_tree.c) needs memory only for the pages in it, wherever in the file they
 * are, and is freed with the last page, so a file that was only read uses no memory.
 *
 * Limits: FILE_SIZE_MAX. Nothing is ever written back: there is no disk. Lock: not preempted; long
 * operations yield between pages, and then check everything again.
 *
 * Neighbours: fs/ has the files, mm/user/fault.c maps the pages.
 */
#include <asm/errno.h>
#include <lib/panic.h>
#include <lib/printf.h>
#include <lib/resched.h>
#include <lib/string.h>
#include <mm/frame/highmem.h>
#include <mm/frame/slab.h>
#include <mm/user/filemap.h>
#include <mm/user/mm_internal.h>

#define INDEX_END    (PFN_UP(FILE_SIZE_MAX))
#define RESERVE_PART 16 /* of memory: this part is reserved for processes */

static LIST_HEAD(mappings);
static LIST_HEAD(clean_mappings);

/* ---- creating and destroying ---- */

void mapping_init(struct address_space *mapping, void (*release)(struct address_space *mapping))
{
    *mapping = (struct address_space){.refcount = 1, .release = release};
    INIT_LIST_HEAD(&mapping->areas);
    list_add_tail(&mapping->link, &mappings);
}

void mapping_init_backed(struct address_space *mapping, const void *data, u32 size,
                         void (*release)(struct address_space *mapping))
{
    mapping_init(mapping, release);
    mapping->backing = data;
    mapping->size = mapping->backing_size = size;
}

static void release_memory(struct address_space *mapping)
{
    mapping_destroy(mapping);
    kfree(mapping);
}

struct address_space *mapping_new(u32 size)
{
    struct address_space *mapping = size <= FILE_SIZE_MAX ? kmalloc(sizeof(*mapping)) : NULL;

    if (!mapping)
        return NULL;
    mapping_init(mapping, release_memory);
    mapping->anonymous = true;
    mapping->size = size;
    return mapping;
}

/* ---- pages ---- */

/*
 * The number of bytes of the archive that are still valid at an offset, up to the end of its page.
 */
static u32 backing_bytes(const struct address_space *mapping, u32 pos)
{
    u32 rest = PAGE_SIZE - pos % PAGE_SIZE;

    return pos < mapping->backing_size ? min(mapping->backing_size - pos, rest) : 0;
}

static void fill_page(const struct address_space *mapping, u32 index, struct page *page)
{
    u32 pos = index << PAGE_SHIFT, size = backing_bytes(mapping, pos);
    char *to = kmap_local_page(page);

    if (size)
        memcpy(to, mapping->backing + pos, size);
    memset(to + size, 0, PAGE_SIZE - size);
    kunmap_local(to);
}

static void one_clean_more(struct address_space *mapping)
{
    if (mapping->nrclean++ == 0)
        list_add_tail(&mapping->clean_link, &clean_mappings);
}

static void one_clean_less(struct address_space *mapping)
{
    if (--mapping->nrclean == 0)
        list_del(&mapping->clean_link);
}

/* Enter the page; false when out of memory. */
static bool insert_page(struct address_space *mapping, u32 index, struct page *page)
{
    if (!page_tree_insert(&mapping->pages, index, page) &&
        !(mm_reclaim() && page_tree_insert(&mapping->pages, index, page)))
        return false;
    one_clean_more(mapping);
    mapping->nrpages++;
    page->type = PAGE_FILE;
    page->mapping = mapping;
    page->index = index;
    page->dirty = page->reserved = false;
    return true;
}

static struct page *make_page(struct address_space *mapping, u32 index)
{
    struct page *page = index < INDEX_END ? mm_alloc_page(GFP_HIGHUSER) : NULL;

    if (!page)
        return NULL;
    if (!insert_page(mapping, index, page)) {
        free_page(page);
        return NULL;
    }
    fill_page(mapping, index, page);
    return page;
}

void filemap_set_dirty(struct page *page)
{
    page->reserved = false;
    if (page->dirty)
        return;
    page->dirty = true;
    page_tree_leaf(&page->mapping->pages, page->index)->clean--;
    one_clean_less(page->mapping);
}

struct page *filemap_get_page(struct address_space *mapping, u32 index, bool write)
{
    struct page *page = filemap_find_page(mapping, index);

    if (!page)
        page = make_page(mapping, index);
    if (page && write)
        filemap_set_dirty(page);
    return page;
}

/* Remove a page, which is no longer mapped, from its mapping, and free it. */
static void remove_page(struct address_space *mapping, struct page *page)
{
    page_tree_remove(&mapping->pages, page->index, !page->dirty);
    mapping->nrpages--;
    if (!page->dirty)
        one_clean_less(mapping);
    assert_op(page->refcount, ==, 1);
    free_page(page);
}

/* Remove the pages from an index on. */
static void remove_pages(struct address_space *mapping, u32 index)
{
    struct page *page;
    u32 removed = 0;

    while ((page = page_tree_next(&mapping->pages, &index, false))) {
        remove_page(mapping, page);
        if (++removed % 256 == 0)
            cond_resched();
    }
}

void mapping_destroy(struct address_space *mapping)
{
    remove_pages(mapping, 0);
    assert_op(mapping->nrpages, ==, 0);
    list_del(&mapping->link);
}

static u32 reclaim_from(struct address_space *mapping, u32 most)
{
    u32 dropped = 0, index = 0;
    struct page *page;

    for (; dropped < most && (page = page_tree_next(&mapping->pages, &index, true)); index++) {
        if (page->refcount == 1 && !page->dirty) {
            remove_page(mapping, page);
            dropped++;
        }
    }
    return dropped;
}

u32 filemap_reclaim(u32 most)
{
    struct address_space *mapping, *next;
    u32 dropped = 0;

    list_for_each_entry_safe (mapping, next, &clean_mappings, clean_link) {
        if (dropped == most)
            break;
        dropped += reclaim_from(mapping, most - dropped);
    }
    return dropped;
}

/* ---- reading and writing ---- */

size_t filemap_copy_kernel(void *to, const void *from, size_t size)
{
    memcpy(to, from, size);
    return 0;
}

/* How much of `count` bytes at pos lies in one page. */
static u32 part_in_page(u32 pos, u32 count)
{
    return min(count, (u32)(PAGE_SIZE - pos % PAGE_SIZE));
}

/*
 * Copy out of a page while holding it: the copy may fault, the fault may run out of memory, and
 * then pages without a holder are dropped. Returns the number of bytes not copied.
 */
static size_t copy_from_page(struct page *page, u32 offset, void *to, u32 size, filemap_copy_t copy)
{
    char *from = kmap_local_page(page);
    size_t left;

    page->refcount++;
    left = copy(to, from + offset, size);
    page->refcount--;
    kunmap_local(from);
    return left;
}

/* Read a part of one page, or of its untouched contents; *size becomes the size of that part. */
static size_t read_part(struct address_space *mapping, u32 pos, void *to, u32 *size,
                        filemap_copy_t copy)
{
    struct page *page = filemap_find_page(mapping, pos >> PAGE_SHIFT);
    u32 backed = backing_bytes(mapping, pos);

    *size = part_in_page(pos, *size);
    if (page)
        return copy_from_page(page, pos % PAGE_SIZE, to, *size, copy);
    if (!backed)
        return copy_from_page(zero_page, pos % PAGE_SIZE, to, *size, copy);
    *size = min(*size, backed);
    return copy(to, mapping->backing + pos, *size);
}

long filemap_read(struct address_space *mapping, u32 pos, void *to, u32 count, filemap_copy_t copy)
{
    u32 done = 0;

    while (done < count && pos < mapping->size) {
        u32 size = min(count - done, mapping->size - pos);
        size_t left = read_part(mapping, pos, (char *)to + done, &size, copy);

        done += size - left;
        pos += size;
        if (left)
            return done ? (long)done : -EFAULT;
        if (cond_resched_ending())
            break;
    }
    return done;
}

/*
 * The file is about to grow: clear the part of its last page behind the old end, which may have
 * been written through a mapping.
 */
static void clear_tail(struct address_space *mapping)
{
    struct page *page = filemap_find_page(mapping, mapping->size >> PAGE_SHIFT);
    u32 offset = mapping->size % PAGE_SIZE;
    char *addr;

    if (!page || !offset)
        return;
    addr = kmap_local_page(page);
    memset(addr + offset, 0, PAGE_SIZE - offset);
    kunmap_local(addr);
}

static bool is_room(void)
{
    u32 lowmem = zone_managed_pages(ZONE_DMA) + zone_managed_pages(ZONE_NORMAL);

    return nr_free_pages() > nr_managed_pages() / RESERVE_PART &&
           nr_free_lowmem_pages() > lowmem / RESERVE_PART;
}

bool filemap_has_room(void)
{
    return likely(is_room()) || mm_reclaim() || is_room();
}

struct page *filemap_new_page(struct address_space *mapping, u32 index)
{
    return filemap_find_page(mapping, index) || filemap_has_room()
               ? filemap_get_page(mapping, index, false)
               : NULL;
}

bool filemap_reserve(struct address_space *mapping, u32 index)
{
    struct page *page = filemap_new_page(mapping, index);

    if (page && !page->dirty) {
        filemap_set_dirty(page);
        page->reserved = true;
    }
    return page != NULL;
}

void filemap_end_reserve(struct address_space *mapping, u32 index, u32 end, bool keep)
{
    struct page *page;

    for (; (page = page_tree_next(&mapping->pages, &index, false)) && index < end; index++) {
        if (page->reserved && !keep) {
            page->dirty = false;
            page_tree_leaf(&mapping->pages, index)->clean++;
            one_clean_more(mapping);
        }
        page->reserved = false;
        cond_resched();
    }
}

/* Write within one page: bytes written, -ENOSPC, -ENOMEM, -EFAULT. */
static long write_part(struct address_space *mapping, u32 pos, const void *from, u32 size,
                       filemap_copy_t copy)
{
    struct page *page = filemap_new_page(mapping, pos >> PAGE_SHIFT);
    size_t left;
    char *to;

    if (!page)
        return filemap_has_room() ? -ENOMEM : -ENOSPC;
    if (pos > mapping->size)
        clear_tail(mapping);
    page->refcount++;
    to = kmap_local_page(page);
    left = copy(to + pos % PAGE_SIZE, from, size);
    kunmap_local(to);
    page->refcount--;
    if (left == size)
        return -EFAULT;
    filemap_set_dirty(page);
    mapping->size = max(mapping->size, (u32)(pos + size - left));
    return size - left;
}

long filemap_write(struct address_space *mapping, u32 pos, const void *from, u32 count,
                   filemap_copy_t copy)
{
    u32 done = 0;

    if (count && pos >= FILE_SIZE_MAX)
        return -EFBIG;
    count = min(count, FILE_SIZE_MAX - pos);
    while (done < count) {
        u32 size = part_in_page(pos, count - done);
        long written = write_part(mapping, pos, (const char *)from + done, size, copy);

        if (written < 0)
            return done ? (long)done : written;
        done += written;
        pos += written;
        if ((u32)written < size || cond_resched_ending())
            break;
    }
    return done;
}

int filemap_truncate(struct address_space *mapping, u32 size)
{
    bool shorter;

    if (size > FILE_SIZE_MAX)
        return -EFBIG;
    if (size > mapping->size)
        clear_tail(mapping);
    shorter = PFN_UP(size) < PFN_UP(mapping->size);
    mapping->size = size;
    mapping->backing_size = min(mapping->backing_size, size);
    clear_tail(mapping);
    if (shorter)
        filemap_unmap(mapping, PFN_UP(size));
    remove_pages(mapping, PFN_UP(size));
    return 0;
}

/* ---- the check ---- */

static char check_text[96];

static const char *check_mapping(const struct address_space *mapping)
{
    const char *what = NULL;
    u32 count = 0, clean = 0, index = 0;
    const struct vm_area *area;
    const struct page *page;

    for (; !what && (page = page_tree_next(&mapping->pages, &index, false)); index++) {
        count++;
        clean += !page->dirty;
        if (page->type != PAGE_FILE || page->mapping != mapping || page->index != index)
            what = "has a page that is not its own";
    }
    list_for_each_entry (area, &mapping->areas, file_link) {
        if (area->file != mapping)
            what = "lists an area that is not its own";
    }
    if (!what && (count != mapping->nrpages || clean != mapping->nrclean))
        what = "counts its pages wrong";
    if (!what)
        return NULL;
    snprintf(check_text, sizeof(check_text), "I8: the file at %p %s", mapping, what);
    return check_text;
}

const char *filemap_check(u32 *pages)
{
    const struct address_space *mapping;
    const char *wrong = NULL;

    *pages = 0;
    list_for_each_entry (mapping, &mappings, link) {
        wrong = check_mapping(mapping);
        if (wrong)
            return wrong;
        *pages += mapping->nrpages;
    }
    return NULL;
}
