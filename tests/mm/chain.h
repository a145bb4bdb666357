/* Blocks that a test holds so that others do not get them, of any order, linked through `next`. */
#pragma once

#include <mm/frame/page_alloc.h>

static inline void chain_push(struct page **chain, struct page *block)
{
    block->next = *chain;
    *chain = block;
}

static inline void chain_free(struct page *chain)
{
    while (chain) {
        struct page *block = chain;

        chain = block->next;
        free_pages(block, block->order);
    }
}
