/*
 * The audit looks at each link and each count of the structures in mm/: lists and trees of areas,
 * free lists, tables that are kept, pages of files. Each test damages one of them after the other,
 * expects the audit's sentence, and repairs it.
 */
#include "tests/mm/user/space.h"
#include <arch/x86/pgtable.h>
#include <kernel/monitor/ktest.h>
#include <lib/string.h>
#include <mm/check/audit.h>
#include <mm/frame/page_alloc.h>
#include <mm/frame/page_alloc_internal.h>
#include <mm/kva/vmap_area_internal.h>
#include <mm/user/mm.h>

static void expect_sentence(const char *sentence, u32 line)
{
    const char *text = mm_audit();

    if (!text || !strstr(text, sentence))
        ktest_fail(__FILE__, line, "expected the audit to say \"%s\", it says: %s", sentence,
                   text ? text : "nothing");
}

/* Give a place this value for the time of one audit. */
#define expect_noticed(place, value, sentence)                                                     \
    ({                                                                                             \
        typeof(place) saved_ = (place);                                                            \
        (place) = (value);                                                                         \
        expect_sentence(sentence, __LINE__);                                                       \
        (place) = saved_;                                                                          \
    })

KTEST(audit, notices_damaged_areas)
{
    struct mm *mm = space_with(4, RW), *other = mm_create();
    struct vm_area *one, *two;

    expect_eq(mm_add_area(mm, PAGE(10), PAGE_SIZE, RW, NULL, NULL, 0), 0);
    one = mm_find_area(mm, PAGE(0));
    two = mm_find_area(mm, PAGE(10));
    if (!expect(one && two && other))
        return;
    expect_noticed(one->end, one->end + 1, "its start or end is invalid");
    expect_noticed(one->end, one->start, "its start or end is invalid");
    expect_noticed(one->file, (void *)one, "belongs to another address space");
    expect_noticed(two->prev, NULL, "its neighbours do not link to it");
    expect_noticed(one->start, 0, "outside of the user half");
    expect_noticed(two->end, PAGE_OFFSET + PAGE_SIZE, "outside of the user half");
    expect_noticed(one->end, two->start + PAGE_SIZE, "overlaps the one before it");
    expect_noticed(mm->area_count, 3, "2 areas, counted as 3");
    expect_noticed(mm->recent, (void *)mm, "the one found last is gone");
    expect_none(mm_audit());
    mm_put(other);
    mm_put(mm);
}

KTEST(audit, notices_damaged_vmalloc_ranges)
{
    void *low = vmalloc(PAGE_SIZE), *middle = vmalloc(PAGE_SIZE), *high = vmalloc(PAGE_SIZE);
    struct vmap_area *area = (struct vmap_area *)find_vmap_area((u32)low);

    expect_noticed(area->start, area->start + PAGE_SIZE, "the ranges do not join");
    expect_noticed(vmap_top.start, vmap_top.start + PAGE_SIZE, "I7: vmalloc range");
    vfree(middle);
    vfree(high);
    if (expect(vmap_spare))
        expect_noticed(vmap_spare->flags, VM_ALLOC, "the spare node is not empty");
    expect_none(mm_audit());
    vfree(low);
}

/* The largest free block of a zone. */
static struct page *free_block(struct zone *zone, u32 *order)
{
    for (*order = MAX_ORDER; *order > 0; --*order) {
        if (!list_empty(&zone->free[*order]))
            return list_first_entry(&zone->free[*order], struct page, lru);
    }
    return NULL;
}

KTEST(audit, notices_damaged_free_lists)
{
    struct zone *zone = first_zone[ZONE_NORMAL];
    u32 order;
    struct page *page = free_block(zone, &order);

    if (!expect(page))
        return;
    expect_noticed(page->type, PAGE_USED, "on a free list, but not free");
    expect_noticed(page->order, order - 1, "kept among blocks of another order");
    expect_noticed(page[1].head, true, "another block begins inside it");
    expect_noticed(page[1].refcount, 1, "free, but a page of it is referenced");
    expect_noticed(page->lru.prev, &page->lru, "its link back leads elsewhere");
    expect_noticed(zone->nr_free[order], zone->nr_free[order] + 1, "blocks on a free list");
    expect_noticed(zone->buddy_pages, zone->buddy_pages + 1, "free pages on the lists");
    expect_none(mm_audit());
}

/* The table and the directory of a process that has ended are kept, empty, for the next one. */
KTEST(audit, notices_mapping_of_a_free_page)
{
    struct page *page = alloc_page(GFP_KERNEL);
    void *map = vmap(&page, 1);

    page->refcount--; /* as if the mapping had no reference */
    free_page(page);
    expect_sentence("has -1 references", __LINE__);
    expect_eq(alloc_page(GFP_KERNEL), page);
    page->refcount++;
    vunmap(map);
    free_page(page);
}

KTEST(audit, notices_damaged_tables_that_are_kept)
{
    struct mm *mm = space_with(1, RW);
    u32 *table;
    pde_t *pgd;

    put_word(mm, PAGE(0), 1);
    table = (u32 *)pde_page_table(mm->pgd[PDE_INDEX(PAGE(0))]);
    pgd = mm->pgd;
    mm_put(mm);
    expect_noticed(table[5], 1, "has entry 5: 0x00000001");
    expect_noticed(pgd[5].val, 1, "has entry 5: 0x00000001");
    expect_noticed(pgd[1000].val, 1, "I2: a directory that is kept differs");
    expect_none(mm_audit());
}

KTEST(audit, notices_damaged_files)
{
    struct mm *mm = mm_create();
    struct address_space *file = mapping_new(4 * PAGE_SIZE);
    struct page *page;

    if (!expect(mm && file))
        return;
    expect_eq(mm_add_area(mm, PAGE(0), 4 * PAGE_SIZE, RW | VM_SHARED, NULL, file, 0), 0);
    put_word(mm, PAGE(1), 1);
    page = page_at(mm, PAGE(1));
    expect_noticed(page->mapping, NULL, "has a page that is not its own");
    expect_noticed(file->nrpages, 2, "counts its pages wrong");
    expect_none(mm_audit());
    mm_put(mm);
    mapping_put(file);
}
