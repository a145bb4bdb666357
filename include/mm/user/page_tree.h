/*
 * Pages by index: a tree of nodes with 64 slots each, as high as the largest index needs (Linux:
 * lib/xarray.c, struct xarray). A single page needs a node or two, at any index, so the cost of a
 * file with holes depends only on its pages. For mm/user/filemap.c.
 */
#pragma once

#include <lib/types.h>
#include <mm/frame/page.h>

#define PAGE_NODE_BITS  6
#define PAGE_NODE_SLOTS (1u << PAGE_NODE_BITS)

struct page_node {
    u8 count; /* slots in use */
    u8 clean; /* in the lowest nodes: their pages that are not dirty */
    void *slot[PAGE_NODE_SLOTS];
};

struct page_tree {
    struct page_node *root; /* NULL: no page */
    u32 height;             /* nodes from the root to a page; 0 without a root */
};

/* Create the cache. Start-up, after slab_init(). */
void page_tree_init(void);

/* The lowest node that covers the index, or NULL. */
static inline struct page_node *page_tree_leaf(const struct page_tree *tree, u32 index)
{
    struct page_node *node = tree->root;

    if (!node || index >> tree->height * PAGE_NODE_BITS)
        return NULL;
    for (u32 level = tree->height - 1; level && node; level--)
        node = node->slot[index >> level * PAGE_NODE_BITS & (PAGE_NODE_SLOTS - 1)];
    return node;
}

/* The page, or NULL. */
static inline struct page *page_tree_find(const struct page_tree *tree, u32 index)
{
    const struct page_node *leaf = page_tree_leaf(tree, index);

    return leaf ? leaf->slot[index & (PAGE_NODE_SLOTS - 1)] : NULL;
}

/*
 * Insert a clean page at an empty index below 2^24. False when out of memory, and then nothing has
 * changed.
 */
__must_check bool page_tree_insert(struct page_tree *tree, u32 index, struct page *page);

/* Remove a page, and the nodes that become empty. */
void page_tree_remove(struct page_tree *tree, u32 index, bool clean);

/*
 * The first page at or after *index, and its index; NULL if not found. With `clean`, nodes whose
 * pages are all dirty are skipped; single dirty pages may still be returned.
 */
struct page *page_tree_next(const struct page_tree *tree, u32 *index, bool clean);
