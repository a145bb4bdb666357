/*
 * TLB invalidation (Intel SDM vol. 3, 4.10.4). Each function names its scope. A page that was not
 * present needs no invalidation: the processor does not cache such entries. With several
 * processors, the functions with kernel scope need a TLB shootdown.
 */
#pragma once

#include <arch/x86/tlb_debug.h>
#include <lib/types.h>

/*
 * Beyond this many pages, flushing the whole TLB is cheaper than one invalidation per page (Linux
 * has the same limit).
 */
#define TLB_FLUSH_MAX_PAGES 33

/*
 * One page, kernel or of the current address space, on this processor. A memory operand lets the
 * compiler use the address computation of a loop; nothing is read.
 */
static inline void tlb_flush_page(u32 addr)
{
    asm volatile("invlpg %0" : : "m"(*(const char *)addr) : "memory");
    tlb_debug_flush(addr, addr);
}

/* Pages of the kernel half, in every address space. */
void tlb_flush_kernel_range(u32 start, u32 end);

/* All user pages of the current address space. */
void tlb_flush_user(void);
