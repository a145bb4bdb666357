/* Pages of files: reading, writing, cutting, dropping; and processes that map them. */
#include "tests/mm/chain.h"
#include "tests/mm/user/space.h"
#include <lib/resched.h>
#include <mm/check/audit.h>
#include <mm/fail.h>
#include <mm/frame/page_alloc.h>

#define TEXT_SIZE (3 * PAGE_SIZE + 100) /* not a whole number of pages */

static u8 text[TEXT_SIZE]; /* the contents in the archive */
static u8 buf[2 * PAGE_SIZE];
static struct address_space file;
static u32 released;

static void on_release(struct address_space *mapping)
{
    mapping_destroy(mapping);
    released++;
}

static void make_backed(void)
{
    for (u32 i = 0; i < TEXT_SIZE; i++)
        text[i] = i ^ i >> 8;
    released = 0;
    mapping_init_backed(&file, text, TEXT_SIZE, on_release);
}

static void make_empty(void)
{
    released = 0;
    mapping_init(&file, on_release);
}

static void done(void)
{
    mapping_put(&file);
    expect_eq(released, 1);
}

static long read_at(u32 pos, u32 count)
{
    memset(buf, 0xcc, sizeof(buf));
    return filemap_read(&file, pos, buf, count, filemap_copy_kernel);
}

static long write_at(u32 pos, const void *from, u32 count)
{
    return filemap_write(&file, pos, from, count, filemap_copy_kernel);
}

/* ---- reading and writing ---- */

KTEST(filemap, reads_what_the_archive_has)
{
    make_backed();
    expect_eq(read_at(PAGE_SIZE - 3, 2 * PAGE_SIZE), 2 * PAGE_SIZE);
    expect_eq(memcmp(buf, text + PAGE_SIZE - 3, 2 * PAGE_SIZE), 0);
    expect_eq(read_at(TEXT_SIZE - 10, 100), 10);
    expect_eq(memcmp(buf, text + TEXT_SIZE - 10, 10), 0);
    expect_eq(buf[10], 0xcc);
    expect_eq(read_at(TEXT_SIZE, 1), 0);
    expect_eq(read_at(0xffffffff, 1), 0);
    expect_eq(file.nrpages, 0); /* reading needs no page */
    done();
}

KTEST(filemap, writes_are_read_back)
{
    make_backed();
    expect_eq(write_at(PAGE_SIZE - 2, "abcd", 4), 4);
    expect_eq(file.nrpages, 2);
    expect_eq(read_at(PAGE_SIZE - 3, 6), 6);
    expect(buf[0] == text[PAGE_SIZE - 3] && memcmp(buf + 1, "abcd", 4) == 0 &&
           buf[5] == text[PAGE_SIZE + 2]);
    expect_eq(filemap_shrink(), 0); /* these cannot be read again */
    expect_eq(read_at(PAGE_SIZE - 2, 4), 4);
    expect_eq(memcmp(buf, "abcd", 4), 0);
    expect_none(mm_audit());
    done();
}

KTEST(filemap, gaps_are_zero)
{
    make_empty();
    expect_eq(write_at(5 * PAGE_SIZE + 7, "x", 1), 1);
    expect_eq(file.size, 5 * PAGE_SIZE + 8);
    expect_eq(file.nrpages, 1);
    expect_eq(read_at(4 * PAGE_SIZE, 2 * PAGE_SIZE), PAGE_SIZE + 8);
    for (u32 i = 0; i < PAGE_SIZE + 7; i++)
        if (!expect_eq(buf[i], 0))
            break;
    expect_eq(buf[PAGE_SIZE + 7], 'x');
    done();
}

/* What a process wrote after the end, in the last page, is not part of a file that grows. */
KTEST(filemap, tail_is_zero)
{
    char *page;

    make_empty();
    expect_eq(write_at(0, "abc", 3), 3);
    page = kmap_local_page(filemap_get_page(&file, 0, true));
    memcpy(page + 3, "junk", 4);
    kunmap_local(page);
    expect_eq(write_at(6, "z", 1), 1);
    expect_eq(read_at(0, 10), 7);
    expect_eq(memcmp(buf, "abc\0\0\0z", 7), 0);
    done();
}

KTEST(filemap, truncate)
{
    make_backed();
    expect_eq(write_at(2 * PAGE_SIZE, "w", 1), 1);
    expect_eq(filemap_truncate(&file, PAGE_SIZE + 10), 0);
    expect_eq(file.nrpages, 0);
    expect_eq(read_at(PAGE_SIZE, 100), 10);
    expect_eq(filemap_truncate(&file, TEXT_SIZE), 0); /* truncated bytes do not come back */
    expect_eq(read_at(PAGE_SIZE, 100), 100);
    expect_eq(memcmp(buf, text + PAGE_SIZE, 10), 0);
    for (u32 i = 10; i < 100; i++)
        if (!expect_eq(buf[i], 0))
            break;
    expect_eq(filemap_truncate(&file, FILE_SIZE_MAX + 1), -EFBIG);
    expect_eq(file.size, TEXT_SIZE);
    expect_eq(filemap_truncate(&file, FILE_SIZE_MAX), 0);
    expect_eq(file.nrpages, 0);
    done();
}

static size_t copy_half(void *to, const void *from, size_t size)
{
    memcpy(to, from, size / 2);
    return size - size / 2;
}

static size_t copy_nothing(void *to, const void *from, size_t size)
{
    (void)to, (void)from;
    return size;
}

KTEST(filemap, bad_addresses_and_the_end)
{
    make_backed();
    expect_eq(filemap_read(&file, 0, buf, 100, copy_nothing), -EFAULT);
    expect_eq(filemap_read(&file, 0, buf, 100, copy_half), 50);
    expect_eq(filemap_write(&file, TEXT_SIZE + 5 * PAGE_SIZE, buf, 100, copy_nothing), -EFAULT);
    expect_eq(file.size, TEXT_SIZE);
    expect_eq(filemap_write(&file, 0, "\1\2\3\4", 4, copy_half), 2);
    expect_eq(write_at(FILE_SIZE_MAX, "x", 1), -EFBIG);
    expect_eq(write_at(FILE_SIZE_MAX, "x", 0), 0);
    expect_eq(write_at(0xffffffff, "x", 1), -EFBIG);
    expect(filemap_get_page(&file, PFN_UP(FILE_SIZE_MAX), false) == NULL);
    expect(filemap_get_page(&file, 0xffffffff, false) == NULL);
    done();
}

/* ---- pages ---- */

KTEST(filemap, clean_pages_are_dropped_and_come_back)
{
    make_backed();
    for (u32 i = 0; i < 4; i++)
        expect(filemap_get_page(&file, i, i == 1) != NULL);
    expect_eq(file.nrpages, 4);
    expect_none(mm_audit());
    expect_eq(filemap_shrink(), 3);
    expect_eq(file.nrpages, 1);
    expect(filemap_get_page(&file, 3, false) != NULL);
    expect_eq(read_at(3 * PAGE_SIZE, PAGE_SIZE), 100);
    expect_eq(memcmp(buf, text + 3 * PAGE_SIZE, 100), 0);
    done();
}

/* Memory is short in the middle of a copy, as when the copy faults. */
static u32 pages_left;

static size_t copy_while_short(void *to, const void *from, size_t size)
{
    filemap_shrink();
    pages_left = file.nrpages;
    memcpy(to, from, size);
    return 0;
}

KTEST(filemap, a_page_is_held_while_it_is_copied)
{
    make_backed();
    expect(filemap_get_page(&file, 0, false) != NULL);
    expect_eq(filemap_read(&file, 0, buf, 16, copy_while_short), 16);
    expect_eq(pages_left, 1);
    expect_eq(memcmp(buf, text, 16), 0);
    expect_eq(filemap_write(&file, 0, "new", 3, copy_while_short), 3);
    expect_eq(pages_left, 1);
    expect_eq(read_at(0, 4), 4);
    expect_eq(memcmp(buf, "new", 3), 0);
    done();
}

/* A tree that cannot become high enough keeps its height. */
KTEST(filemap, failure_leaves_the_tree_as_it_was)
{
    struct page_tree tree = {NULL, 0};
    u32 last = (1u << 4 * PAGE_NODE_BITS) - 1, refused = 0, index = last;
    bool entered = false;

    expect(page_tree_insert(&tree, 0, zero_page));
    while (!entered && ktest_ok()) {
        alloc_fail_countdown = ++refused;
        entered = page_tree_insert(&tree, last, zero_page);
        alloc_fail_countdown = 0;
        expect_eq(tree.height, entered ? 4 : 1);
        expect(page_tree_find(&tree, 0) == zero_page);
    }
    expect_eq(refused, 7); /* after three nodes upwards, and three down to the other page */
    page_tree_remove(&tree, 0, true);
    expect(page_tree_next(&tree, &(u32){0}, true) == zero_page);
    page_tree_remove(&tree, index, true);
    expect(!tree.root);
}

/* ---- mapped ---- */

static struct mm *map_file(u32 prot, u32 flags)
{
    struct mm *mm = mm_create();

    if (!expect(mm != NULL))
        return NULL;
    expect_eq(mm_mmap(mm, BASE, 8 * PAGE_SIZE, prot, flags | MAP_FIXED, &file, 0), BASE);
    expect_eq(file.refcount, 2);
    return mm;
}

static u32 list_length(const struct list_head *list)
{
    u32 length = 0;

    for (const struct list_head *link = list->next; link != list; link = link->next)
        length++;
    return length;
}

static u32 text_word(u32 pos)
{
    u32 word;

    memcpy(&word, text + pos, sizeof(word));
    return word;
}

/* Nor does the kernel write, for any purpose, where a file is mapped for reading. */
KTEST(filemap, kernel_respects_a_read_only_mapping)
{
    static const u32 flags[] = {MAP_SHARED, MAP_PRIVATE};
    u32 word = 0;

    for (u32 i = 0; i < ARRAY_SIZE(flags); i++) {
        struct mm *mm;

        make_backed();
        mm = map_file(PROT_READ, flags[i]);
        if (!mm)
            return;
        expect_eq(mm_write(mm, BASE, &word, sizeof(word)), -EFAULT);
        expect_eq(mm_clear(mm, BASE, sizeof(word)), flags[i] == MAP_SHARED ? -EFAULT : 0);
        expect_eq(read_at(0, 4), 4);
        expect_eq(memcmp(buf, text, 4), 0);
        mm_put(mm);
        done();
    }
}

KTEST(filemap, private_mapping_copies_on_write)
{
    struct mm *mm;
    struct page *page;

    make_backed();
    mm = map_file(PROT_READ | PROT_WRITE, MAP_PRIVATE);
    if (!mm)
        return;
    expect_eq(get_word(mm, PAGE(1)), text_word(PAGE_SIZE));
    page = filemap_get_page(&file, 1, false);
    expect_eq(page_at(mm, PAGE(1)), page);
    expect_eq(page->refcount, 2);
    expect(!(entry_at(mm, PAGE(1)) & PTE_RW));
    expect_eq(filemap_shrink(), 0); /* it is mapped */
    put_word(mm, PAGE(1), 1);
    put_word(mm, PAGE(2) + 4, 2); /* a write without a read before */
    expect(page_at(mm, PAGE(1)) != page);
    expect_eq(page->refcount, 1);
    expect_eq(get_word(mm, PAGE(2)), text_word(2 * PAGE_SIZE));
    expect_eq(get_word(mm, PAGE(3) + 100), 0); /* the file ends within the page */
    expect_eq(mm_fault(mm, PAGE(4), false), MM_FAULT_BEYOND_FILE);
    expect_eq(mm_fault(mm, PAGE(4), true), MM_FAULT_BEYOND_FILE);
    expect_none(mm_audit());
    expect_eq(filemap_shrink(), 2);
    expect_eq(read_at(PAGE_SIZE, 4), 4);
    expect_eq(memcmp(buf, text + PAGE_SIZE, 4), 0);
    mm_put(mm);
    expect_eq(file.refcount, 1);
    done();
}

/*
 * There is a page for the copy only after others have been dropped; the page that is copied stays.
 */
KTEST(filemap, a_page_is_held_while_memory_for_its_copy_is_found)
{
    struct mm *mm;

    make_backed();
    mm = map_file(PROT_READ | PROT_WRITE, MAP_PRIVATE);
    if (!mm)
        return;
    expect_eq(mm_fault(mm, BASE + PAGE_SIZE, true), MM_FAULT_OK); /* makes the table */
    expect(filemap_get_page(&file, 0, false) != NULL);
    expect_eq(file.nrpages, 2);
    alloc_fail_countdown = 1;
    expect_eq(mm_fault(mm, BASE, true), MM_FAULT_OK);
    expect_eq(alloc_fail_countdown, 0);
    expect_eq(file.nrpages, 1); /* the other one was dropped */
    expect_eq(get_word(mm, BASE), text_word(0));
    mm_put(mm);
    done();
}

KTEST(filemap, shared_mapping_writes_the_file)
{
    struct mm *mm, *child;
    u32 word = 0x11223344;

    make_backed();
    mm = map_file(PROT_READ | PROT_WRITE, MAP_SHARED);
    if (!mm)
        return;
    expect_eq(get_word(mm, PAGE(0)), text_word(0));
    expect(!(entry_at(mm, PAGE(0)) & PTE_RW)); /* so that a write is noticed */
    put_word(mm, PAGE(0), word);
    expect_none(mm_audit()); /* the page is known to be written to */
    expect_eq(read_at(0, 4), 4);
    expect_eq(memcmp(buf, &word, 4), 0);
    expect_eq(write_at(0, "abcd", 4), 4);
    expect_eq(get_word(mm, PAGE(0)), 0x64636261);
    child = mm_fork(mm);
    if (expect(child != NULL)) {
        expect_eq(file.refcount, 3);
        put_word(child, PAGE(0), word);
        expect_eq(get_word(mm, PAGE(0)), word);
        expect_none(mm_audit());
        mm_put(child);
    }
    expect_eq(mm_fault(mm, PAGE(4), true), MM_FAULT_BEYOND_FILE);
    mm_put(mm);
    expect_eq(filemap_shrink(), 0);
    expect_eq(read_at(0, 4), 4);
    expect_eq(memcmp(buf, &word, 4), 0);
    done();
}

KTEST(filemap, splitting_keeps_the_offset)
{
    struct mm *mm;

    make_backed();
    mm = map_file(PROT_READ, MAP_PRIVATE);
    if (!mm)
        return;
    expect_eq(mm_munmap(mm, PAGE(1), PAGE_SIZE), 0);
    expect_eq(file.refcount, 3);
    expect_eq(get_word(mm, PAGE(2)), text_word(2 * PAGE_SIZE));
    expect_eq(mm_munmap(mm, PAGE(2), PAGE_SIZE), 0);
    expect_eq(get_word(mm, PAGE(3)), text_word(3 * PAGE_SIZE));
    expect_eq(mm_mmap(mm, PAGE(1), PAGE_SIZE, PROT_READ, MAP_PRIVATE | MAP_FIXED, &file, 2),
              PAGE(1));
    expect_area(mm, PAGE(1), PAGE(2), VM_READ); /* not a continuation of page 0 */
    expect_eq(mm_mmap(mm, PAGE(1), 2 * PAGE_SIZE, PROT_READ, MAP_PRIVATE | MAP_FIXED, &file, 1),
              PAGE(1));
    expect_area(mm, PAGE(0), PAGE(8), VM_READ); /* one area again */
    expect_eq(file.refcount, 2);
    expect_eq(mm_mremap(mm, PAGE(2), PAGE_SIZE, PAGE_SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, PAGE(20)),
              PAGE(20));
    expect_eq(get_word(mm, PAGE(20)), text_word(2 * PAGE_SIZE));
    expect_eq(mm_mmap(mm, 0, PAGE_SIZE, PROT_READ, MAP_PRIVATE, &file, 0xffffffff), -EOVERFLOW);
    expect_eq(
        mm_mmap(mm, PAGE(40), 8 * PAGE_SIZE, PROT_READ, MAP_PRIVATE | MAP_FIXED, &file, 0xfffffff0),
        PAGE(40));
    expect_eq(mm_mremap(mm, PAGE(44), 4 * PAGE_SIZE, 13 * PAGE_SIZE, MREMAP_MAYMOVE, 0), -EINVAL);
    mm_put(mm);
    done();
}

/* A file that is open for reading only is not written through a mapping, ever. */
KTEST(filemap, never_writable)
{
    const u32 flags = MAP_PRIVATE | MAP_FIXED;
    struct mm *mm;

    make_backed();
    mm = map_file(PROT_READ, MAP_PRIVATE);
    if (!mm)
        return;
    expect_eq(mm_mmap(mm, PAGE(1), PAGE_SIZE, PROT_READ | VM_NEVER_WRITE, flags, &file, 1),
              PAGE(1));
    expect_area(mm, PAGE(1), PAGE(2), VM_READ | VM_NEVER_WRITE); /* not joined */
    expect_eq(mm_mprotect(mm, PAGE(0), 3 * PAGE_SIZE, PROT_READ | PROT_WRITE), -EACCES);
    expect_area(mm, PAGE(0), PAGE(1), VM_READ);
    expect_eq(mm_mprotect(mm, PAGE(0), 3 * PAGE_SIZE, PROT_NONE), 0);
    expect_eq(mm_mprotect(mm, PAGE(0), PAGE_SIZE, PROT_READ | PROT_WRITE), 0);
    mm_put(mm);
    done();
}

/*
 * Truncated while mapped: the pages are removed from all processes that map them, their copies too,
 * and the file can grow again.
 */
KTEST(filemap, truncated_under_a_mapping)
{
    struct mm *shared, *copies, *child;

    make_backed();
    shared = map_file(PROT_READ | PROT_WRITE, MAP_SHARED);
    if (!shared)
        return;
    copies = mm_create();
    expect_eq(mm_mmap(copies, PAGE(0), 3 * PAGE_SIZE, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_FIXED, &file, 1),
              PAGE(0));
    put_word(shared, PAGE(2), 5);
    put_word(copies, PAGE(0), 6);
    put_word(copies, PAGE(2), 7);
    expect_eq(get_word(shared, PAGE(1)), text_word(PAGE_SIZE));
    child = mm_fork(copies);
    expect_eq(filemap_truncate(&file, PAGE_SIZE + 10), 0);
    expect_eq(file.nrpages, 1);
    expect_none(mm_audit());
    expect_eq(shared->pages + copies->pages + child->pages, 3);
    expect_eq(get_word(copies, PAGE(0)), 6); /* the last page that is left, and a copy */
    expect_eq(mm_fault(shared, PAGE(2), false), MM_FAULT_BEYOND_FILE);
    expect_eq(mm_fault(copies, PAGE(2), true), MM_FAULT_BEYOND_FILE);
    expect_eq(filemap_truncate(&file, 4 * PAGE_SIZE), 0);
    expect_eq(get_word(child, PAGE(1)), 0);
    put_word(shared, PAGE(2), 8);
    expect_eq(get_word(child, PAGE(1)), 8);
    expect_eq(read_at(2 * PAGE_SIZE, 4), 4);
    expect_eq(buf[0], 8);
    expect_none(mm_audit());
    mm_put(child);
    mm_put(copies);
    mm_put(shared);
    done();
}

/* A second area of the same file, next to the first: they are joined, and gone at the end. */
KTEST(filemap, areas_of_a_file)
{
    struct mm *mm;

    make_backed();
    mm = map_file(PROT_READ, MAP_PRIVATE);
    if (!mm)
        return;
    expect_eq(mm_mprotect(mm, PAGE(2), PAGE_SIZE, PROT_READ | PROT_WRITE), 0);
    expect_eq(list_length(&file.areas), 3);
    put_word(mm, PAGE(2), 1);
    expect_eq(filemap_truncate(&file, 2 * PAGE_SIZE), 0);
    expect_eq(mm->pages, 0);
    expect_eq(mm_mprotect(mm, PAGE(2), PAGE_SIZE, PROT_READ), 0);
    expect_eq(list_length(&file.areas), 1);
    expect(!file.cursor);
    mm_put(mm);
    expect(list_empty(&file.areas));
    done();
}

/* Unmap the area that a truncation is at, as its process could. */
static void unmap_at_cursor(void)
{
    struct vm_area *area = file.cursor;

    if (!area)
        return;
    resched_hook.needed = NULL; /* only once: the call yields, too */
    expect_eq(mm_munmap(area->mm, area->start, area->end - area->start), 0);
    expect(file.cursor != area);
}

KTEST(filemap, an_area_leaves_while_its_file_is_cut)
{
    static const bool always = true;
    const struct resched_hook saved = resched_hook;
    struct mm *first, *second;

    make_backed();
    first = map_file(PROT_READ, MAP_SHARED);
    if (!first)
        return;
    expect_eq(mm_fault(first, PAGE(1), false), MM_FAULT_OK);
    second = mm_fork(first);
    if (!expect(second != NULL))
        return;
    resched_hook = (struct resched_hook){&always, unmap_at_cursor, NULL};
    expect_eq(filemap_truncate(&file, 0), 0);
    resched_hook = saved;
    expect_eq(first->area_count, 0);
    expect_eq(second->pages, 0);
    expect(!file.cursor);
    mm_put(first);
    mm_put(second);
    done();
}

/* ---- no memory, and interrupted copies ---- */

/* Take pages until only so many are free; they are linked through `next`. */
static struct page *take_all_but(u32 left)
{
    struct page *chain = NULL, *block;

    while (nr_free_pages() > left) {
        u32 order = nr_free_pages() - left >= 1024 ? MAX_ORDER : 0;

        block = alloc_pages(GFP_HIGHUSER, order);
        if (!block)
            block = alloc_pages(GFP_HIGHUSER, order = 0);
        if (!block)
            break;
        chain_push(&chain, block);
    }
    return chain;
}

KTEST(filemap, leaves_memory_for_processes)
{
    u32 reserve = nr_managed_pages() / 16, pos = 0;
    struct page *taken;
    long written;

    mm_shrink();
    taken = take_all_but(reserve + 20);
    make_empty();
    while ((written = write_at(pos, text, PAGE_SIZE)) == PAGE_SIZE)
        pos += PAGE_SIZE;
    expect_eq(written, -ENOSPC);
    expect(pos > 0 && pos <= 20 * PAGE_SIZE);
    expect_eq(write_at(0, text, PAGE_SIZE), PAGE_SIZE); /* existing pages stay */
    chain_free(taken);
    expect_eq(write_at(pos, text, PAGE_SIZE), PAGE_SIZE);
    done();
}

/* So it is with a write through a shared mapping; the page is clean, and stays so. */
KTEST(filemap, a_shared_write_leaves_memory_for_processes)
{
    u32 reserve = nr_managed_pages() / 16;
    struct page *taken;
    struct mm *mm;

    mm_shrink();
    make_backed();
    mm = map_file(PROT_READ | PROT_WRITE, MAP_SHARED);
    if (!mm)
        return;
    expect_eq(get_word(mm, PAGE(0)), text_word(0));
    taken = take_all_but(reserve / 2);
    expect_eq(mm_fault(mm, PAGE(0), true), MM_FAULT_NO_SPACE);
    expect(!(entry_at(mm, PAGE(0)) & PTE_RW));
    expect(!page_at(mm, PAGE(0))->dirty);
    chain_free(taken);
    put_word(mm, PAGE(0), 1);
    expect(page_at(mm, PAGE(0))->dirty);
    mm_put(mm);
    done();
}

static void nothing(void)
{
}

static bool yes(void)
{
    return true;
}

/* A process that is killed in the middle of a long copy does not finish it. */
KTEST(filemap, gives_up_for_a_kill)
{
    static const bool always = true;
    const struct resched_hook saved = resched_hook;

    make_empty();
    resched_hook = (struct resched_hook){&always, nothing, yes};
    expect_eq(write_at(0, text, 3 * PAGE_SIZE), PAGE_SIZE);
    expect_eq(write_at(PAGE_SIZE, text, PAGE_SIZE), PAGE_SIZE);
    expect_eq(read_at(0, 2 * PAGE_SIZE), PAGE_SIZE);
    resched_hook = saved;
    expect_eq(read_at(0, 2 * PAGE_SIZE), 2 * PAGE_SIZE);
    done();
}
