/* For tests of address spaces: one to work on, and functions to inspect it. */
#pragma once

#include <asm/errno.h>
#include <kernel/monitor/ktest.h>
#include <lib/string.h>
#include <linux/mman.h>
#include <mm/check/audit.h>
#include <mm/frame/highmem.h>
#include <mm/user/filemap.h>
#include <mm/user/mm_internal.h>

#define BASE    0x10000000u
#define PAGE(n) (BASE + PAGE_SIZE * (n)) /* address of the n-th page */
#define RW      (VM_READ | VM_WRITE)

/* A new address space with an area of `pages` pages at BASE; NULL after a failed expectation. */
static inline struct mm *space_with(u32 pages, u32 flags)
{
    struct mm *mm = mm_create();

    if (!expect(mm != NULL))
        return NULL;
    expect_eq(mm_add_area(mm, BASE, pages * PAGE_SIZE, flags, NULL, NULL, 0), 0);
    return mm;
}

/* The entry's value, 0 if there is no table. */
static inline u32 entry_at(struct mm *mm, u32 addr)
{
    pte_t *pte = pgd_user_pte(mm->pgd, addr);

    return pte ? pte->val : 0;
}

/* The page that an entry holds, or NULL. */
static inline struct page *page_at(struct mm *mm, u32 addr)
{
    u32 val = entry_at(mm, addr);

    return val ? pfn_to_page(val >> PAGE_SHIFT) : NULL;
}

/* A process writes, reads a word, for which it must have the right. */
static inline void put_word(struct mm *mm, u32 addr, u32 word)
{
    expect_eq(mm_fault(mm, addr, true), MM_FAULT_OK);
    expect_eq(mm_write(mm, addr, &word, sizeof(word)), 0);
}

static inline u32 get_word(struct mm *mm, u32 addr)
{
    u32 word = 0xdead;

    expect_eq(mm_fault(mm, addr, false), MM_FAULT_OK);
    expect_eq(mm_read(mm, addr, &word, sizeof(word)), 0);
    return word;
}

/* Write n + `first` to the n-th page, check it there. */
static inline void put_pages(struct mm *mm, u32 pages, u32 first)
{
    for (u32 i = 0; i < pages; i++)
        put_word(mm, PAGE(i), first + i);
}

static inline void expect_pages(struct mm *mm, u32 pages, u32 first)
{
    for (u32 i = 0; i < pages; i++) {
        if (!expect_eq(get_word(mm, PAGE(i)), first + i))
            return;
    }
}

/* An area from start to end, with these rights and kinds, and nothing else there. */
static inline void expect_area(struct mm *mm, u32 start, u32 end, u32 flags)
{
    struct vm_area *area = mm_find_area(mm, start);

    if (!expect(area != NULL))
        return;
    expect_eq(area->start, start);
    expect_eq(area->end, end);
    expect_eq(area->flags, flags);
}
