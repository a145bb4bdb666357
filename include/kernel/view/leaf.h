/* The pages that a page directory maps, read from the raw entries (kernel/view/leaf.c). */
#pragma once

#include <arch/x86/pgtable.h>

/* The bits of an entry without the frame and the bits for software (AVL). */
#define LEAF_BITS (~(PTE_FRAME | PTE_AVL))

/* The mapping of one page, or that no page up to the end of its 4 MiB is mapped. */
struct leaf {
    u32 bits; /* LEAF_BITS of the entry that maps it; 0 for none */
    u32 pfn;
    u32 pages; /* number of pages from here on for which this is true */
    bool large;
};

/* `page` is a page number, an address divided by PAGE_SIZE. Any context. */
struct leaf leaf_at(const pde_t *pgd, u32 page);
