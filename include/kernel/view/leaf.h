/* What a page directory maps, page by page, as raw entries have it (kernel/view/leaf.c). */
#pragma once

#include <arch/x86/pgtable.h>

/* Of an entry, but for the frame and what the processor leaves to software (AVL). */
#define LEAF_BITS (~(PTE_FRAME | PTE_AVL))

/* What one page has, or that up to the end of its 4 MiB none has anything. */
struct leaf {
    u32 bits; /* LEAF_BITS of the entry that maps it; 0 for none */
    u32 pfn;
    u32 pages; /* from here on of which that is true */
    bool large;
};

/* `page` is a page number, an address divided by PAGE_SIZE. Any context. */
struct leaf leaf_at(const pde_t *pgd, u32 page);
