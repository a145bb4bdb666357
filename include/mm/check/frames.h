/*
 * The owner of each frame of RAM below 4 GiB: each frame has one owner, so the owners' frames add
 * up to the RAM in memblock.
 */
#pragma once

#include <lib/types.h>
#include <mm/frame/page.h>

#define FRAMES_NAMES_MAX 16 /* more than the number of names in use */

struct frames {
    u32 by_type[PAGE_TYPES]; /* PAGE_RESERVED: the sum of the rows below */
    struct {
        const char *name; /* as passed to memblock_reserve(); NULL: lost */
        u32 frames;
    } reserved[FRAMES_NAMES_MAX];
    u32 reserved_names;
    u32 total; /* the sum of all owners */
    u32 ram;   /* the required sum */
};

/* The owner of a frame. */
struct frame_owner {
    enum page_type type;
    bool ram;         /* false: not RAM, and no owner */
    const char *name; /* as in `frames` and memblock_reserve(); NULL: lost */
};

/* The name for frames that are not RAM; gdb uses the symbol, too. */
extern const char frame_no_ram[];

/*
 * The owner of frame `pfn` (below max_pfn). Returns how many frames from it on are known to have
 * the same owner: at least 1, at most to the end of their block, or of their range of memblock. The
 * name pointers of one owner are equal.
 */
u32 frame_owner(u32 pfn, struct frame_owner *owner);

/* Count all frames by owner. Changes nothing; walks over all struct pages. */
void frames_count(struct frames *frames);

/*
 * NULL when each frame has one owner; otherwise a line about the difference of the sums. For the
 * audit.
 */
const char *frames_check(const struct frames *frames);
