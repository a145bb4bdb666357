/*
 * Who has each frame of RAM below 4 GiB: one owner a frame, so the owners' frames add up to the RAM
 * that memblock knows.
 */
#pragma once

#include <lib/types.h>
#include <mm/frame/page.h>

#define FRAMES_NAMES_MAX 16 /* more names than anybody reserves under */

struct frames {
    u32 by_type[PAGE_TYPES]; /* PAGE_RESERVED: all that the rows below tell apart */
    struct {
        const char *name; /* as memblock_reserve() was told; NULL: lost */
        u32 frames;
    } reserved[FRAMES_NAMES_MAX];
    u32 reserved_names;
    u32 total; /* the sum of all owners */
    u32 ram;   /* what it must be */
};

/* Who has a frame. */
struct frame_owner {
    enum page_type type;
    bool ram;         /* false: no RAM there, and no other owner */
    const char *name; /* as `frames` and memblock_reserve() have it; NULL: lost */
};

/* What is no RAM has no other name of an owner; for gdb, too, by symbol. */
extern const char frame_no_ram[];

/*
 * The owner of frame `pfn` (below max_pfn), and how many frames from it on are known to have the
 * same one: at least 1, at most to the end of their block. Names of one owner are one pointer.
 */
u32 frame_owner(u32 pfn, struct frame_owner *owner);

/* Count them all, as they are now. Changes nothing; takes a walk over all struct pages. */
void frames_count(struct frames *frames);

/* NULL when each frame has one owner; else how the sums differ. For the audit. */
const char *frames_check(const struct frames *frames);
