/*
 * Counting frames by owner. A frame of RAM is either in a block of the page allocator, whose first
 * struct page says what the block is used for, or it was reserved before there was an allocator,
 * and then memblock's list names the owner. So one walk over the struct pages, by blocks and by
 * runs of reserved frames, finds the owner of each frame; the sum must be the RAM of the memory
 * map, which is counted without reading any struct page.
 *
 * A frame that has no owner (no block, no reservation), or a block that lies over another one or
 * outside RAM, makes the two numbers differ: this is how a lost frame is found that is on no list
 * and in no mapping.
 *
 * Reservations may overlap each other and may lie outside RAM: a frame counts for the first one
 * that holds it, and only if it is RAM. Where boot code was given to the allocator after start-up,
 * its reservation is still listed, but the struct page is newer and decides.
 *
 * Limits: RAM above 4 GiB, and the last page below it, have no struct page and are not counted.
 *
 * Neighbours: mm/frame/memblock.c, mm/frame/page_alloc.c; mm/check/audit.c checks,
 * kernel/monitor/monitor_mm.c prints.
 */
#include <lib/printf.h>
#include <lib/string.h>
#include <mm/check/frames.h>
#include <mm/frame/memblock.h>

#define FOUR_GIB (1ull << 32)

static u32 ram_frames(void)
{
    u64 bytes = memblock_total() - memblock_total_above_4g();

    if (memblock_overlaps_ram(FOUR_GIB - PAGE_SIZE, FOUR_GIB))
        bytes -= PAGE_SIZE;
    return bytes >> PAGE_SHIFT;
}

/* The name of the first reservation that holds the frame, or NULL. */
static const char *reserved_by(phys_addr_t frame)
{
    const struct memblock_range *range;

    for (u32 i = 0; (range = memblock_reserved(i)); i++) {
        if (frame >= range->start && frame < range->end)
            return range->name;
    }
    return NULL;
}

/* False when there are more names than rows: the sum will then be wrong. */
static bool add_reserved(struct frames *frames, const char *name, u32 run)
{
    u32 i = 0;

    while (i < frames->reserved_names && strcmp(frames->reserved[i].name, name) != 0)
        i++;
    if (i == FRAMES_NAMES_MAX)
        return false;
    if (i == frames->reserved_names)
        frames->reserved[frames->reserved_names++].name = name;
    frames->reserved[i].frames += run;
    return true;
}

const char frame_no_ram[] = "no RAM";

/* Frames from pfn on that are in no block, and in the same of memblock's ranges. */
static u32 run_outside_blocks(u32 pfn)
{
    const struct page *page = pfn_to_page(pfn);
    u64 edge = memblock_next_edge((u64)pfn << PAGE_SHIFT) >> PAGE_SHIFT;
    u32 most = min(edge, max_pfn) - pfn, run = 1;

    while (run < most && !page[run].head && page[run].type == page->type)
        run++;
    return run;
}

u32 frame_owner(u32 pfn, struct frame_owner *owner)
{
    struct page *page = pfn_to_page(pfn);
    const struct page *head = page_head(page);
    phys_addr_t frame = page_to_phys(page);

    *owner = (struct frame_owner){.type = head->type, .ram = true};
    if (head->head) {
        owner->name = page_type_short_name(head->type);
        return page_to_pfn(head) + page_block_size(head) - pfn;
    }
    owner->type = PAGE_RESERVED;
    owner->ram = memblock_overlaps_ram(frame, (u64)frame + PAGE_SIZE);
    if (!owner->ram)
        owner->name = frame_no_ram;
    else if (page->type == PAGE_RESERVED)
        owner->name = reserved_by(frame);
    return run_outside_blocks(pfn);
}

void frames_count(struct frames *frames)
{
    struct frame_owner owner;
    u32 run;

    *frames = (struct frames){.ram = ram_frames()};
    for (u32 pfn = 0; pfn < max_pfn; pfn += run) {
        run = frame_owner(pfn, &owner);
        if (pfn_to_page(pfn)->head)
            frames->by_type[owner.type] += run;
        else if (owner.type == PAGE_RESERVED && owner.ram && owner.name &&
                 add_reserved(frames, owner.name, run))
            frames->by_type[PAGE_RESERVED] += run;
    }
    for (u32 type = 0; type < PAGE_TYPES; type++)
        frames->total += frames->by_type[type];
}

const char *frames_check(const struct frames *frames)
{
    static char text[96];

    if (frames->total == frames->ram)
        return NULL;
    snprintf(text, sizeof(text), "I8: the owners have %u frames, but RAM below 4 GiB is %u",
             frames->total, frames->ram);
    return text;
}
