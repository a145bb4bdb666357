/*
 * The address map as host programs see it: the kernel's own numbers, and an array of theirs in
 * place of lowmem. What is outside of the array the address sanitizer sees.
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
