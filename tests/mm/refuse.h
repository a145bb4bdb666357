/* Refuse allocations of one kind (mm/fail.h), and report how many there were. */
#pragma once

#include <lib/printf.h>
#include <lib/printk.h>
#include <mm/fail.h>

static const char *const alloc_kind_names[ALLOC_KINDS] = {"frame", "object", "area", "table"};

static enum alloc_kind refused_kind;

static inline bool is_refused_kind(enum alloc_kind kind)
{
    return kind == refused_kind;
}

/* From now on the k-th allocation of the kind fails. */
static inline void refuse_begin(enum alloc_kind kind, u32 k)
{
    refused_kind = kind;
    alloc_fail_counts = is_refused_kind;
    alloc_fail_countdown = k;
}

/* All succeed again. True when one has failed. */
static inline bool refuse_end(void)
{
    bool refused = alloc_fail_countdown == 0;

    alloc_fail_countdown = 0;
    alloc_fail_counts = NULL;
    return refused;
}

/* One line, without the kinds of which there are none. Returns the number of all. */
static inline u32 report_points(const char *name, const u32 points[])
{
    char text[80] = "";
    u32 used = 0, sum = 0;

    for (u32 kind = 0; kind < ALLOC_KINDS; kind++) {
        if (points[kind])
            used += snprintf(text + used, sizeof(text) - used, "%s%u %ss", used ? ", " : "",
                             points[kind], alloc_kind_names[kind]);
        sum += points[kind];
    }
    if (sum)
        printk("# %s: %s\n", name, text);
    return sum;
}
