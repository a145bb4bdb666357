/*
 * TLB invalidation (Intel SDM vol. 3, 4.10.4). Each function names its scope. A page that was not
 * present needs none: the processor does not cache what is not there. With several processors, the
 * kernel scope is where a shootdown belongs.
 */
#pragma once

#include <arch/x86/tlb_debug.h>
#include <lib/types.h>

/*
 * Beyond this many pages, dropping the whole TLB is cheaper than naming each (Linux draws the line
 * there, too).
 */
#define TLB_FLUSH_MAX_PAGES 33

/*
 * One page, kernel or of the current address space, on this processor. A memory operand, so that
 * the compiler may leave the sum of a loop's address to it; nothing is read.
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
