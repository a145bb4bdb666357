/* page_alloc_check() must detect errors, otherwise it is useless. */
#include <kernel/monitor/ktest.h>
#include <lib/list.h>
#include <lib/string.h>
#include <mm/frame/page_alloc.h>

KTEST(buddy, check_notices_damage)
{
    struct page *page = alloc_page(GFP_KERNEL);

    page->type = PAGE_FREE;
    expect(page_alloc_check() != NULL);
    page->type = PAGE_USED;
    expect_none(page_alloc_check());
    free_page(page);
}

/* The check must report this; after the repair it must find nothing else. */
static void expect_damage(const char *part)
{
    const char *text = page_alloc_check();

    if (!text || !strstr(text, part))
        ktest_fail(__FILE__, __LINE__, "expected the check to say \"%s\", it says: %s", part,
                   text ? text : "nothing");
}

/* Two halves of a block, of which one is on a free list: the other is in use. */
struct halves {
    struct page *used, *listed;
};

static bool halves_init(struct halves *halves)
{
    struct page *page = alloc_pages(GFP_KERNEL, 1);

    if (!expect(page != NULL))
        return false;
    *halves = (struct halves){.used = page + 1, .listed = page};
    page[0].order = 0;
    page[1].block = BLOCK_HEAD(0);
    page[1].type = PAGE_USED;
    page[1].refcount = 1;
    free_page(page);
    drain_all_pages();
    return expect_eq(page->type, PAGE_FREE) && expect_none(page_alloc_check());
}

static void halves_free(struct halves *halves)
{
    expect_none(page_alloc_check());
    free_page(halves->used);
}

KTEST(buddy, check_notices_buddies_that_are_not_joined)
{
    struct halves halves;

    if (!halves_init(&halves))
        return;
    halves.used->type = PAGE_FREE;
    halves.used->refcount = 0;
    expect_damage("not joined");
    halves.used->type = PAGE_USED;
    halves.used->refcount = 1;
    halves_free(&halves);
}

/* Lists that lead the walk into a circle, to no page, to one of another zone, or not back. */
KTEST(buddy, check_names_a_damaged_list)
{
    struct list_head saved, *head;
    struct halves halves;

    if (!halves_init(&halves))
        return;
    saved = halves.listed->lru;
    halves.listed->lru.next = &halves.listed->lru;
    expect_damage("its link back leads elsewhere");
    halves.listed->lru.next = (void *)0x10;
    expect_damage("that is not a struct page");
    halves.listed->lru.next = (void *)((u32)&halves.listed->lru + 4);
    expect_damage("that is not a struct page");
    halves.listed->lru.next = &mem_map[max_pfn].lru;
    expect_damage("that is not a struct page");
    halves.listed->lru = saved;
    halves.listed->lru.prev = &halves.listed->lru;
    expect_damage("its link back leads elsewhere");
    halves.listed->lru = saved;
    halves.listed->zone ^= 1;
    expect_damage("of another zone");
    halves.listed->zone ^= 1;
    head = saved.prev; /* back to an address outside of all pages */
    while ((u32)head - (u32)mem_map < max_pfn * sizeof(struct page))
        head = head->prev;
    saved = *head;
    head->prev = head;
    expect_damage("that is not its last block");
    *head = saved;
    halves_free(&halves);
}

KTEST(buddy, check_notices_a_damaged_hot_stack)
{
    struct page *page = alloc_page(GFP_KERNEL), *next;

    free_page(page); /* on top of the stack */
    next = page->next;
    page->type = PAGE_USED;
    expect_damage("on a hot stack, but not hot");
    page->type = PAGE_HOT;
    page->next = page;
    expect_damage("blocks on a hot stack: found");
    page->next = (void *)0x10;
    expect_damage("that is not a struct page");
    page->next = next;
    expect_none(page_alloc_check());
}

KTEST(buddy, check_notices_a_block_that_lies_badly)
{
    struct page *block = alloc_pages(GFP_KERNEL, 2), *middle = block + 1;

    middle->block = BLOCK_HEAD(1);
    middle->type = PAGE_USED;
    middle->refcount = 1;
    free_pages(middle, 1); /* pages 1 and 2 of 4 */
    expect_damage("not aligned to its size");
    expect_eq(alloc_pages(GFP_KERNEL, 1), middle);
    middle->head = 0;
    middle->refcount = 0;
    expect_none(page_alloc_check());
    free_pages(block, 2);
}

KTEST(buddy, check_notices_a_free_page_that_is_referenced)
{
    struct page *block = alloc_pages(GFP_KERNEL, 2);

    free_pages(block, 2);
    block[3].refcount++;
    expect_damage("free, but a page of it is referenced");
    block[3].refcount--;
    expect_none(page_alloc_check());
}
