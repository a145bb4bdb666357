/*
 * Physical memory before the page allocator exists. Two short sorted arrays list what is usable and
 * what is reserved; a range in the first and not in the second is free.
 *
 * The boot loader's ranges are in any order, may touch or overlap, and end anywhere. Usable ones
 * shrink to whole pages and are merged; a range of any other type is a reservation, which grows to
 * whole pages; where the two overlap the reservation wins, because using a page of another owner is
 * worse than leaving one unused. Both arrays are kept sorted by insertion, and neighbours that
 * touch are merged among the usable ones. A full array stops the boot: a map with a range left out
 * would be a wrong map.
 *
 * memblock_alloc() takes from the top of lowmem downwards, so that the DMA zone stays whole.
 */
#include <lib/panic.h>
#include <lib/string.h>
#include <mm/frame/memblock.h>

#define RANGES_MAX 256
#define LAST_PAGE  ALIGN_DOWN(~0ull, PAGE_SIZE) /* its end does not fit in 64 bits */

struct range_list {
    struct memblock_range range[RANGES_MAX];
    u32 count;
};

static struct range_list usable, reserved, mapped;

static void insert_at(struct range_list *list, u32 at, struct memblock_range range)
{
    if (list->count == RANGES_MAX)
        boot_refuse("a memory map of more than %u ranges.", RANGES_MAX);
    memmove(&list->range[at + 1], &list->range[at], (list->count - at) * sizeof(range));
    list->range[at] = range;
    list->count++;
}

static void remove_at(struct range_list *list, u32 at)
{
    list->count--;
    memmove(&list->range[at], &list->range[at + 1], (list->count - at) * sizeof(list->range[0]));
}

/* Add a range of whole pages, merged with every range that overlaps or touches it. */
static void merge(struct range_list *list, u64 start, u64 end, const char *name)
{
    u32 at = 0;

    if (start >= end)
        return;
    while (at < list->count && list->range[at].end < start)
        at++;
    while (at < list->count && list->range[at].start <= end) {
        start = min(start, list->range[at].start);
        end = max(end, list->range[at].end);
        remove_at(list, at);
    }
    insert_at(list, at, (struct memblock_range){start, end, name});
}

void memblock_add(u64 start, u64 end)
{
    if (start <= LAST_PAGE) /* a larger start would be rounded up to 0 */
        merge(&usable, ALIGN_UP(start, PAGE_SIZE), ALIGN_DOWN(end, PAGE_SIZE), "usable");
}

/* The end of a range that grows to whole pages. */
static u64 page_end(u64 end)
{
    return end > LAST_PAGE ? LAST_PAGE : ALIGN_UP(end, PAGE_SIZE);
}

void memblock_map(u64 start, u64 end)
{
    merge(&mapped, ALIGN_DOWN(start, PAGE_SIZE), page_end(end), "mapped");
}

void memblock_reserve(u64 start, u64 end, const char *name)
{
    u32 at = 0;

    start = ALIGN_DOWN(start, PAGE_SIZE);
    end = page_end(end);
    if (start >= end)
        return;
    while (at < reserved.count && reserved.range[at].start < start)
        at++;
    insert_at(&reserved, at, (struct memblock_range){start, end, name});
}

void memblock_limit(u64 limit)
{
    limit = ALIGN_DOWN(limit, PAGE_SIZE);
    while (usable.count && usable.range[usable.count - 1].start >= limit)
        usable.count--;
    if (usable.count && usable.range[usable.count - 1].end > limit)
        usable.range[usable.count - 1].end = limit;
}

/*
 * The highest start of `size` bytes within [floor, ceiling) where nothing is reserved; false when
 * not found.
 */
static bool fit_below(u64 floor, u64 ceiling, u32 size, u32 align, u64 *start)
{
    u64 at;

    if (ceiling < size)
        return false;
    at = ALIGN_DOWN(ceiling - size, align);
    /*
     * From the top reservation down: a reservation that overlaps the candidate moves it below
     * itself.
     */
    for (u32 i = reserved.count; i > 0; i--) {
        const struct memblock_range *r = &reserved.range[i - 1];

        if (r->end <= at || r->start >= at + size)
            continue;
        if (r->start < size)
            return false;
        at = ALIGN_DOWN(r->start - size, align);
    }
    *start = at;
    return at >= floor;
}

/* Reserve the highest free place between two addresses; false when not found. */
static bool take(u64 from, u64 limit, u32 size, u32 align, const char *name, u64 *start)
{
    for (u32 i = usable.count; i > 0; i--) {
        const struct memblock_range *r = &usable.range[i - 1];

        if (!fit_below(max(r->start, from), min(r->end, limit), size, align, start))
            continue;
        memblock_reserve(*start, *start + size, name);
        memset(phys_to_virt(*start), 0, size);
        return true;
    }
    return false;
}

phys_addr_t memblock_alloc_range(phys_addr_t from, phys_addr_t limit, u32 size, u32 align,
                                 const char *name)
{
    u64 start;

    return take(from, limit, size, align, name, &start) ? start : 0;
}

phys_addr_t memblock_alloc(u32 size, u32 align, const char *name)
{
    u64 start;

    if (!take(0, lowmem_size, size, align, name, &start))
        boot_refuse("no %u KiB of memory for %s.", size >> 10, name);
    return start;
}

const struct memblock_range *memblock_usable(u32 i)
{
    return i < usable.count ? &usable.range[i] : NULL;
}

const struct memblock_range *memblock_reserved(u32 i)
{
    return i < reserved.count ? &reserved.range[i] : NULL;
}

const struct memblock_range *memblock_mapped(u32 i)
{
    return i < mapped.count ? &mapped.range[i] : NULL;
}

bool memblock_is_ram_of(u64 page, const char *name)
{
    bool mine = false;

    for (u32 i = 0; i < reserved.count; i++) {
        const struct memblock_range *r = &reserved.range[i];

        if (page < r->start || page >= r->end)
            continue;
        if (strcmp(r->name, name) != 0)
            return false;
        mine = true;
    }
    return mine && memblock_overlaps_ram(page, page + PAGE_SIZE);
}

bool memblock_overlaps_ram(u64 start, u64 end)
{
    for (u32 i = 0; i < usable.count; i++) {
        if (start < usable.range[i].end && end > usable.range[i].start)
            return true;
    }
    return false;
}

static u64 next_edge_in(const struct memblock_range *ranges, u32 count, u64 addr, u64 edge)
{
    for (u32 i = 0; i < count; i++) {
        if (ranges[i].start > addr)
            edge = min(edge, ranges[i].start);
        else if (ranges[i].end > addr)
            edge = min(edge, ranges[i].end);
    }
    return edge;
}

u64 memblock_next_edge(u64 addr)
{
    u64 edge = next_edge_in(usable.range, usable.count, addr, ~0ull);

    return next_edge_in(reserved.range, reserved.count, addr, edge);
}

#define FOUR_GIB (1ull << 32)

u32 memblock_ram_end(void)
{
    u32 end = 0;

    for (u32 i = 0; i < usable.count; i++) {
        if (usable.range[i].start < FOUR_GIB)
            end = min(usable.range[i].end, FOUR_GIB - PAGE_SIZE);
    }
    return end;
}

static u64 total_within(u64 from, u64 to)
{
    u64 total = 0;

    for (u32 i = 0; i < usable.count; i++) {
        u64 start = max(usable.range[i].start, from), end = min(usable.range[i].end, to);

        total += start < end ? end - start : 0;
    }
    return total;
}

u64 memblock_total(void)
{
    return total_within(0, ~0ull);
}

u64 memblock_total_above_4g(void)
{
    return total_within(FOUR_GIB, ~0ull);
}

void memblock_for_each_free(phys_addr_t limit, void (*fn)(phys_addr_t start, phys_addr_t end))
{
    for (u32 i = 0; i < usable.count; i++) {
        u64 at = usable.range[i].start, end = min(usable.range[i].end, (u64)limit);

        for (u32 k = 0; k < reserved.count && at < end; k++) {
            const struct memblock_range *r = &reserved.range[k];

            if (r->end <= at)
                continue;
            if (r->start > at)
                fn(at, min(r->start, end));
            at = r->end;
        }
        if (at < end)
            fn(at, end);
    }
}
