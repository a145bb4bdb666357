/*
 * The zones: created at start-up from the memory that memblock has left, with their counts and
 * names.
 *
 * Neighbours: mm/frame/memblock.c hands the memory over, mm/frame/page_alloc.c allocates it.
 */
#include <lib/kasan.h>
#include <mm/frame/memblock.h>
#include <mm/frame/page_alloc_internal.h>

#define DMA_LIMIT_PFN (MIB(16) >> PAGE_SHIFT)

/* How many pages a hot stack may hold: a part of the zone, within bounds. */
#define HOT_ZONE_PART 64
#define HOT_PAGES_MIN 32
#define HOT_PAGES_MAX 1024

struct zone zones[ZONES] = {
    [ZONE_DMA] = {.name = "DMA"},
    [ZONE_NORMAL] = {.name = "Normal"},
    [ZONE_HIGHMEM] = {.name = "HighMem"},
};

struct zone *first_zone[ZONES] __ro_after_init;

/* ---- start-up ---- */

static void free_range_in_zone(struct zone *zone, u32 pfn, u32 end_pfn)
{
    pfn = max(pfn, zone->start_pfn);
    end_pfn = min(end_pfn, zone->end_pfn);
    if (pfn >= end_pfn)
        return;
    zone->managed += end_pfn - pfn;
    if (zone != &zones[ZONE_HIGHMEM])
        kasan_poison(phys_to_virt(pfn << PAGE_SHIFT), (end_pfn - pfn) << PAGE_SHIFT,
                     KASAN_PAGE_FREE);
    buddy_free_run(zone, pfn, end_pfn);
}

static void free_range(phys_addr_t start, phys_addr_t end)
{
    for (u32 z = 0; z < ZONES; z++)
        free_range_in_zone(&zones[z], PFN_DOWN(start), PFN_DOWN(end));
}

static void zone_init(enum zone_id id, u32 start_pfn, u32 end_pfn)
{
    struct zone *zone = &zones[id];

    zone->start_pfn = start_pfn;
    zone->end_pfn = end_pfn;
    for (u32 order = 0; order <= MAX_ORDER; order++)
        INIT_LIST_HEAD(&zone->free[order]);
    for (u32 pfn = start_pfn; pfn < end_pfn; pfn++)
        pfn_to_page(pfn)->zone = id;
}

static void set_hot_limits(struct zone *zone)
{
    u32 pages = min(max(zone->managed / HOT_ZONE_PART, (u32)HOT_PAGES_MIN), (u32)HOT_PAGES_MAX);

    for (u32 order = 0; order <= MAX_ORDER; order++)
        zone->hot[order].limit = pages >> order;
}

void page_alloc_init(void)
{
    u32 ram_pfns = PFN_DOWN(memblock_ram_end()), low_pfns = PFN_DOWN(lowmem_size);
    u32 dma_pfns = min(low_pfns, (u32)DMA_LIMIT_PFN);

    mem_map =
        phys_to_virt(memblock_alloc(ram_pfns * sizeof(struct page), PAGE_SIZE, "struct pages"));
    max_pfn = ram_pfns;
    zone_init(ZONE_DMA, 0, dma_pfns);
    zone_init(ZONE_NORMAL, dma_pfns, low_pfns);
    zone_init(ZONE_HIGHMEM, low_pfns, ram_pfns);
    memblock_for_each_free(ram_pfns << PAGE_SHIFT, free_range);
    for (u32 z = 0; z < ZONES; z++) {
        set_hot_limits(&zones[z]);
        first_zone[z] = z > 0 && zones[z].managed == 0 ? first_zone[z - 1] : &zones[z];
    }
}

/* ---- statistics ---- */

u32 zone_free_pages(enum zone_id id)
{
    const struct zone *zone = &zones[id];
    u32 pages = zone->buddy_pages;

    for (u32 order = 0; order <= MAX_ORDER; order++)
        pages += zone->hot[order].count << order;
    return pages;
}

u32 nr_free_lowmem_pages(void)
{
    return zone_free_pages(ZONE_DMA) + zone_free_pages(ZONE_NORMAL);
}

u32 nr_free_pages(void)
{
    return nr_free_lowmem_pages() + zone_free_pages(ZONE_HIGHMEM);
}

u32 nr_managed_pages(void)
{
    return zones[ZONE_DMA].managed + zones[ZONE_NORMAL].managed + zones[ZONE_HIGHMEM].managed;
}

u32 zone_free_blocks(enum zone_id zone, u32 order)
{
    return zones[zone].nr_free[order] + zones[zone].hot[order].count;
}

const char *zone_name(enum zone_id zone)
{
    return zones[zone].name;
}

u32 zone_managed_pages(enum zone_id zone)
{
    return zones[zone].managed;
}

/* ---- words ---- */

const char *page_type_name(const struct page *page)
{
    static const char *const names[PAGE_TYPES] = {
        [PAGE_RESERVED] = "reserved since start-up, or no RAM",
        [PAGE_FREE] = "free",
        [PAGE_HOT] = "free", /* users need not know that it is on a hot stack */
        [PAGE_USED] = "in use",
        [PAGE_SLAB] = "in use by a slab",
        [PAGE_VMALLOC] = "in use by vmalloc",
        [PAGE_PGTABLE] = "in use as a page table",
        [PAGE_USER] = "in use by a process",
        [PAGE_FILE] = "in use by a file",
    };

    return page->type < PAGE_TYPES ? names[page->type] : "of no known type";
}

const char *page_type_short_name(enum page_type type)
{
    static const char *const names[PAGE_TYPES] = {
        [PAGE_RESERVED] = "reserved",
        [PAGE_FREE] = "buddy",
        [PAGE_HOT] = "hot",
        [PAGE_USED] = "other",
        [PAGE_SLAB] = "slab",
        [PAGE_VMALLOC] = "vmalloc",
        [PAGE_PGTABLE] = "process tables",
        [PAGE_USER] = "user pages",
        [PAGE_FILE] = "file pages",
    };

    return type < PAGE_TYPES ? names[type] : "no known type";
}
