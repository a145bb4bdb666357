/*
 * Invalidate, then free: a build with DEBUG=1 remembers which entries of the loaded directory and
 * of the kernel half were cleared, lowered or pointed elsewhere, until the TLB has been told, and
 * panics when a frame is given back that one of them showed. In other builds nothing is left of it.
 */
#pragma once

#include <lib/types.h>
#include <mm/layout.h>

#ifdef CONFIG_DEBUG_TLB

/* The entry of a page is about to change. One that allows no less afterwards is not remembered. */
void tlb_debug_change(u32 addr, u32 before, u32 after);

/* The same for a page table that a directory loses. */
void tlb_debug_lose_table(phys_addr_t table);

/*
 * The pages from `first` to `last` are invalidated, and with any page all that is remembered of
 * tables.
 */
void tlb_debug_flush(u32 first, u32 last);

/* 2^order frames are about to be given back. */
void tlb_debug_free(phys_addr_t frame, u32 order);

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

static inline void tlb_debug_free(phys_addr_t frame, u32 order)
{
    (void)frame, (void)order;
}

#endif
