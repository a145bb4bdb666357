/*
 * Physical memory before the page allocator exists: a sorted list of usable ranges and one of
 * reserved ranges.
 *
 * Usable ranges are rounded inward to whole pages, reserved ones outward; where they overlap,
 * reserved wins. A full list is an error, never a silently shortened map. memblock_alloc() is for
 * start-up; its memory is never freed.
 */
#pragma once

#include <lib/types.h>
#include <mm/layout.h>

/* The name under which memory_init() reserves the image; mm_seal() frees a part of it. */
#define MEMBLOCK_IMAGE "kernel image"

struct memblock_range {
    u64 start, end;
    const char *name; /* who reserved it */
};

void memblock_add(u64 start, u64 end);
void memblock_reserve(u64 start, u64 end, const char *name);

/*
 * Map the pages of [start, end), rounded outward, in lowmem, even if they are not RAM: the boot
 * loader has put something there. lowmem_map_init() adds what is usable.
 */
void memblock_map(u64 start, u64 end);

/* Drop usable memory at and above `limit` (`mem=`). */
void memblock_limit(u64 limit);

/* Zeroed physical memory in lowmem, highest address first, so that
 * the DMA zone stays whole. Refuses the boot when no memory is left. */
phys_addr_t memblock_alloc(u32 size, u32 align, const char *name);

/* The same between two addresses, which are not 0; 0 when there is no room. */
phys_addr_t memblock_alloc_range(phys_addr_t from, phys_addr_t limit, u32 size, u32 align,
                                 const char *name);

/* Walk: the i-th usable, reserved or mapped range, in address order; NULL past the last. */
const struct memblock_range *memblock_usable(u32 i);
const struct memblock_range *memblock_reserved(u32 i);
const struct memblock_range *memblock_mapped(u32 i);

/* True when a page is usable and reserved under this name, and under no other. */
bool memblock_is_ram_of(u64 page, const char *name);

/* True when a usable page lies in [start, end). */
bool memblock_overlaps_ram(u64 start, u64 end);

/* The lowest address above `addr` where a usable or reserved range begins or ends; ~0: none. */
u64 memblock_next_edge(u64 addr);

/* End of the highest usable page below 4 GiB, and usable bytes in total, below and above 4 GiB. */
u32 memblock_ram_end(void);
u64 memblock_total(void);
u64 memblock_total_above_4g(void);

/*
 * Call fn for each maximal run of usable pages in [0, limit) that are not reserved. For
 * page_alloc_init().
 */
void memblock_for_each_free(phys_addr_t limit, void (*fn)(phys_addr_t start, phys_addr_t end));

/* ---- mm/frame/memory.c ---- */

/* Feed memblock from boot_info and choose the edges of the map. Start-up. */
void memory_init(void);

/* Usable RAM in lowmem and above it, in kB; what lies above 4 GiB is in neither. */
u64 ram_low_kb(void);
u64 ram_high_kb(void);
