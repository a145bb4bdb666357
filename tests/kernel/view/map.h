/* For tests of the map: a map, and terminals of several sizes. */
#pragma once

#include <kernel/monitor/ktest.h>
#include <kernel/view/map.h>
#include <lib/string.h>
#include <mm/frame/slab.h>

static const struct {
    u32 columns, lines;
} map_terminals[] = {{80, 24},     {80, 25}, {120, 40}, {200, 60},
                     {1000, 1000}, {79, 24}, {40, 20},  {1, 1}};

/* Every test frees what it got; kfree() accepts NULL. */
static inline struct map *new_map(void)
{
    struct map *map = kmalloc(sizeof(*map));

    if (expect(map != NULL))
        memset(map, 0xa5, sizeof(*map)); /* nothing may rely on zeros */
    return map;
}

static inline void gather_for(struct map *map, u32 columns, u32 lines)
{
    map_shape(&map->shape, columns, lines);
    map_gather_ram(map);
    map_gather_virtual(map);
}
