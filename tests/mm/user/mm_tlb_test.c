/* The TLB must agree with a process's page tables. */
#include "tests/mm/refuse.h"
#include "tests/mm/user/space.h"
#include <arch/x86/irqflags.h>
#include <arch/x86/uaccess.h>
#include <kernel/task.h>

/*
 * Load an address space so that nothing loads another one, or reloads it, until unload(): no task
 * yields, no tick comes, and no fault is resolved. Copies use the TLB and the tables as they are.
 */
static u32 saved_flags;

static void load(struct mm *mm)
{
    sched_yield();
    saved_flags = local_irq_save();
    mm_switch(mm);
}

static void unload(void)
{
    mm_switch(NULL);
    local_irq_restore(saved_flags);
}

static bool can_read(u32 addr)
{
    u32 word;

    return copy_from_user(&word, (void *)addr, sizeof(word)) == 0;
}

static bool can_write(u32 addr)
{
    u32 word = 1;

    return copy_to_user((void *)addr, &word, sizeof(word)) == 0;
}

/* From one page to more than are invalidated one by one. */
static const u32 tlb_pages[] = {1, 2, 33, 34, 100};

static bool read_all(u32 pages)
{
    u32 readable = 0;

    for (u32 i = 0; i < pages; i++)
        readable += can_read(PAGE(i));
    return readable == pages;
}

static u32 count_readable(u32 pages)
{
    u32 readable = 0;

    for (u32 i = 0; i < pages; i++)
        readable += can_read(PAGE(i));
    return readable;
}

KTEST(mm_tlb, munmap_invalidates)
{
    for (u32 i = 0; i < ARRAY_SIZE(tlb_pages); i++) {
        u32 pages = tlb_pages[i], left;
        struct mm *mm = space_with(pages + 1, RW);
        bool before;

        if (!mm)
            return;
        put_pages(mm, pages + 1, 1);
        load(mm);
        before = read_all(pages + 1);
        expect_eq(mm_munmap(mm, BASE, pages * PAGE_SIZE), 0);
        left = count_readable(pages + 1);
        unload();
        expect(before);
        expect_eq(left, 1);
        mm_put(mm);
    }
}

KTEST(mm_tlb, mprotect_invalidates)
{
    for (u32 i = 0; i < ARRAY_SIZE(tlb_pages); i++) {
        u32 pages = tlb_pages[i], writable = 0, readable;
        struct mm *mm = space_with(pages, RW);
        bool before = true;

        if (!mm)
            return;
        put_pages(mm, pages, 1);
        load(mm);
        for (u32 k = 0; k < pages; k++)
            before &= can_write(PAGE(k));
        expect_eq(mm_mprotect(mm, BASE, pages * PAGE_SIZE, PROT_READ), 0);
        for (u32 k = 0; k < pages; k++)
            writable += can_write(PAGE(k));
        expect_eq(mm_mprotect(mm, BASE, pages * PAGE_SIZE, PROT_NONE), 0);
        readable = count_readable(pages);
        unload();
        expect(before);
        expect_eq(writable, 0);
        expect_eq(readable, 0);
        mm_put(mm);
    }
}

KTEST(mm_tlb, dontneed_and_mremap_invalidate)
{
    struct mm *mm = space_with(4, RW);
    u32 word = 0, readable;
    bool before;

    if (!mm)
        return;
    put_pages(mm, 4, 1);
    load(mm);
    before = read_all(4);
    expect_eq(mm_madvise(mm, PAGE(3), PAGE_SIZE, MADV_DONTNEED), 0);
    expect_eq(mm_mremap(mm, PAGE(2), PAGE_SIZE, PAGE_SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, PAGE(0)),
              PAGE(0));
    readable = count_readable(4);
    expect_eq(copy_from_user(&word, (void *)PAGE(0), sizeof(word)), 0);
    unload();
    expect(before);
    expect_eq(readable, 2); /* 0, which maps another page now, and 1 */
    expect_eq(word, 3);
    mm_put(mm);
}

KTEST(mm_tlb, a_move_invalidates_where_it_was)
{
    for (u32 i = 0; i < ARRAY_SIZE(tlb_pages); i++) {
        u32 pages = tlb_pages[i], left;
        struct mm *mm = space_with(2 * pages + 1, RW);
        bool before;

        if (!mm)
            return;
        put_pages(mm, pages, 1);
        load(mm);
        before = read_all(pages);
        expect_eq(mm_mremap(mm, BASE, pages * PAGE_SIZE, pages * PAGE_SIZE,
                            MREMAP_MAYMOVE | MREMAP_FIXED, PAGE(pages + 1)),
                  PAGE(pages + 1));
        left = count_readable(pages);
        unload();
        expect(before);
        expect_eq(left, 0);
        expect_eq(get_word(mm, PAGE(2 * pages)), pages);
        mm_put(mm);
    }
}

/*
 * A page that is copied for a write moves to another frame; so does one that was the page of zeros.
 */
KTEST(mm_tlb, a_new_frame_is_seen)
{
    struct mm *mm = space_with(2, RW), *child;
    u32 words[2] = {9, 9}, new = 5;
    bool before;

    if (!mm)
        return;
    put_pages(mm, 1, 1);
    expect_eq(get_word(mm, PAGE(1)), 0);
    child = mm_fork(mm);
    if (!expect(child != NULL))
        return;
    load(mm);
    before = read_all(2);
    expect_eq(mm_write(mm, PAGE(0), &new, sizeof(new)), 0);
    expect_eq(mm_write(mm, PAGE(1), &new, sizeof(new)), 0);
    expect_eq(copy_from_user(&words[0], (void *)PAGE(0), sizeof(u32)), 0);
    expect_eq(copy_from_user(&words[1], (void *)PAGE(1), sizeof(u32)), 0);
    unload();
    expect(before);
    expect_eq(words[0], 5);
    expect_eq(words[1], 5);
    mm_put(child);
    mm_put(mm);
}

/*
 * The parent's TLB knows its pages as writable. Without a flush its next write would go to the page
 * that the child sees.
 */
KTEST(mm_tlb, fork_makes_read_only)
{
    struct mm *parent = space_with(1, RW), *child;
    bool before, after;

    if (!parent)
        return;
    put_word(parent, BASE, 7);
    load(parent);
    before = can_write(BASE); /* a 1 */
    child = mm_fork(parent);
    after = can_write(BASE);
    unload();
    expect(before && !after);
    if (!expect(child != NULL))
        return;
    expect_eq(get_word(child, BASE), 1);
    mm_put(child);
    mm_put(parent);
}

/* Memory runs out after entries have lost the right to write: the parent's TLB must not keep it. */
KTEST(mm_tlb, a_failed_fork_makes_read_only)
{
    struct mm *parent = space_with(LARGE_PAGE_SIZE / PAGE_SIZE + 1, RW), *child;
    bool before, after, refused;
    u32 entry;

    if (!parent)
        return;
    put_word(parent, BASE, 7);
    put_word(parent, BASE + LARGE_PAGE_SIZE, 7);
    load(parent);
    before = can_write(BASE);
    refuse_begin(ALLOC_TABLE, 3); /* a directory, a table, and the second table */
    child = mm_fork(parent);
    refused = refuse_end();
    entry = entry_at(parent, BASE);
    after = can_write(BASE);
    unload();
    expect(before && refused && !child);
    expect_eq(after, (entry & PTE_RW) != 0);
    mm_put(parent);
}

/* ---- frames that come back while their address space is loaded ---- */

/* `pages` pages of a new mapping at BASE; NULL after a failed expectation. The area holds it. */
static struct mm *space_with_file(u32 pages, u32 flags, struct address_space **file)
{
    struct mm *mm = mm_create();

    *file = mapping_new(pages * PAGE_SIZE);
    if (!expect(mm && *file))
        return NULL;
    expect_eq(mm_add_area(mm, BASE, pages * PAGE_SIZE, flags, NULL, *file, 0), 0);
    mapping_put(*file);
    return mm;
}

static void a_cut_file_is_gone(u32 pages, u32 flags)
{
    struct address_space *file;
    struct mm *mm = space_with_file(pages + 1, flags, &file);
    bool before;
    u32 left;
    int err;

    if (!mm)
        return;
    put_pages(mm, pages + 1, 1);
    load(mm);
    before = read_all(pages + 1);
    err = filemap_truncate(file, PAGE_SIZE);
    left = count_readable(pages + 1);
    unload();
    expect(before);
    expect_eq(err, 0);
    expect_eq(left, 1);
    mm_put(mm);
}

KTEST(mm_tlb, a_cut_file_is_gone)
{
    for (u32 i = 0; i < ARRAY_SIZE(tlb_pages); i++) {
        a_cut_file_is_gone(tlb_pages[i], RW | VM_SHARED);
        a_cut_file_is_gone(tlb_pages[i], RW);
    }
}

/*
 * The frames of the entries are freed at once. A build with DEBUG=1 panics if that happens before
 * the invalidation (arch/x86/tlb_debug.c): of the file's page after a copy, of a page that has
 * moved, and of the last page table.
 */
KTEST(mm_tlb, frames_come_back_invalidated)
{
    struct address_space *file;
    struct mm *mm = space_with_file(1, RW, &file);
    u32 word = 5, tables;
    bool before;

    if (!mm)
        return;
    expect_eq(get_word(mm, BASE), 0);
    mm_shrink(); /* left by others */
    load(mm);
    before = can_read(BASE);
    expect_eq(mm_write(mm, BASE, &word, sizeof(word)), 0);
    expect_eq(mm_shrink(), 1); /* the file's page is not mapped any more */
    expect_eq(mm_mremap(mm, BASE, PAGE_SIZE, PAGE_SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, PAGE(2)),
              PAGE(2));
    expect_eq(mm_munmap(mm, PAGE(2), PAGE_SIZE), 0);
    tables = mm->tables;
    unload();
    expect(before);
    expect_eq(tables, 0);
    mm_put(mm);
}
