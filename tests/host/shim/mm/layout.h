/*
 * The address map for host programs: the kernel's numbers, and an array in place of lowmem. The
 * address sanitizer detects accesses outside of the array.
 */
#pragma once

#define __ASSEMBLER__
#include_next <mm/layout.h>
#undef __ASSEMBLER__

#include <lib/panic.h>
#include <lib/types.h>

typedef u32 phys_addr_t;

extern u32 lowmem_size;
extern u8 *lowmem; /* physical 0 */

static inline void *phys_to_virt(phys_addr_t addr)
{
    assert(addr < lowmem_size);
    return lowmem + addr;
}
