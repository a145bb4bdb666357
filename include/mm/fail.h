/*
 * Allocations that fail on purpose, so that tests can walk every error path: set
 * alloc_fail_countdown to k, and the k-th allocation from then on fails. 0 means off; after the
 * failure it is off again, unless alloc_fail_again() sets it.
 *
 * Frames and objects count, of all tasks, unless alloc_fail_counts chooses others.
 */
#pragma once

#include <lib/types.h>

enum alloc_kind {
    ALLOC_FRAME,  /* of the page allocator, for whatever */
    ALLOC_OBJECT, /* of a slab cache; if it needs a slab, that is a frame as well */
    ALLOC_AREA,   /* addresses of the vmalloc area; its nodes are objects as well */
    ALLOC_TABLE,  /* a user page table or directory; if none is kept, a frame as well */
    ALLOC_KINDS,
};

extern u32 alloc_fail_countdown;
extern bool (*alloc_fail_counts)(enum alloc_kind kind); /* NULL: frames and objects */
extern void (*alloc_fail_again)(void); /* called when one has failed, if it is set */

/* Count one; true if it is the one that fails. */
bool alloc_fail_count(enum alloc_kind kind);

static inline bool alloc_should_fail(enum alloc_kind kind)
{
    return unlikely(alloc_fail_countdown != 0) && alloc_fail_count(kind);
}
