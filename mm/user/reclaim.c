/*
 * Pages for address spaces, and the caches that are emptied when no page is free.
 *
 * Some things are kept only for speed: empty page tables, pages of files that can be read again.
 * Code that keeps such pages registers a shrinker (Linux's word), which frees a batch when an
 * allocation fails; then the allocation is tried once more.
 *
 * The page of zeros is here, too: every first read of memory without a file maps it.
 *
 * Neighbours: mm/user/user_table.c and mm/user/filemap.c have shrinkers.
 */
#include <lib/panic.h>
#include <mm/frame/page_alloc.h>
#include <mm/user/mm_internal.h>

#define SHRINKERS     2
#define RECLAIM_BATCH 256 /* pages, from each shrinker */

static shrinker_t shrinkers[SHRINKERS] __ro_after_init;

struct page *zero_page __ro_after_init;

void reclaim_init(void)
{
    zero_page = alloc_page(GFP_KERNEL | __GFP_ZERO);
    if (!zero_page)
        panic("no memory for the page of zeros");
}

void register_shrinker(shrinker_t shrink)
{
    u32 i = 0;

    while (i < SHRINKERS && shrinkers[i])
        i++;
    assert_op(i, <, SHRINKERS);
    shrinkers[i] = shrink;
}

static u32 shrink(u32 most)
{
    u32 pages = 0;

    for (u32 i = 0; i < SHRINKERS && shrinkers[i]; i++)
        pages += shrinkers[i](most);
    return pages;
}

u32 mm_shrink(void)
{
    return shrink(~0u);
}

u32 mm_reclaim(void)
{
    return shrink(RECLAIM_BATCH);
}

struct page *mm_alloc_page(gfp_t gfp)
{
    struct page *page = alloc_page(gfp);

    if (unlikely(!page) && mm_reclaim())
        page = alloc_page(gfp);
    return page;
}
