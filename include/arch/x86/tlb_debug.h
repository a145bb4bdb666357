/*
 * Invalidate, then free: a build with DEBUG=1 records which entries of the loaded directory and of
 * the kernel half were cleared, lost rights or got another frame, until they are invalidated in the
 * TLB. It panics when a frame is freed that one of them mapped, and names the code that changed the
 * entry and the code that frees. Other builds contain none of this.
 */
#pragma once

#include <lib/types.h>
#include <mm/layout.h>

#ifdef CONFIG_DEBUG_TLB

/* The entry of a page is about to change. A change that removes no access is not recorded. */
void tlb_debug_change(u32 addr, u32 before, u32 after);

/* The same for a page table that is removed from a directory. */
void tlb_debug_lose_table(phys_addr_t table);

/* The pages from `first` to `last` are invalidated, and with any page also all recorded tables. */
void tlb_debug_flush(u32 first, u32 last);

/* 2^order frames are about to be freed, by this code. */
void tlb_debug_free(phys_addr_t frame, u32 order, const void *by);

#else

static inline void tlb_debug_change(u32 addr, u32 before, u32 after)
{
    (void)addr, (void)before, (void)after;
}

static inline void tlb_debug_lose_table(phys_addr_t table)
{
    (void)table;
}

static inline void tlb_debug_flush(u32 first, u32 last)
{
    (void)first, (void)last;
}

static inline void tlb_debug_free(phys_addr_t frame, u32 order, const void *by)
{
    (void)frame, (void)order, (void)by;
}

#endif
