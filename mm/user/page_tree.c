/*
 * Pages by number: the pages of a file (mm/user/filemap.c).
 *
 * A page's index is split into digits of 6 bits, and each node on the way down has a slot for each
 * value of a digit. The height depends on the largest index that was inserted since the tree was
 * empty. A node exists only while something is in it, so the cost of a file with holes is bounded
 * by what was written into it, and a walk is bounded by the number of pages.
 *
 * An insertion allocates all nodes first; when one allocation fails, the new nodes are freed again.
 * Memory is not reclaimed from here, because that could remove nodes from this tree: the caller
 * reclaims, and tries again.
 *
 * Neighbours: only mm/user/filemap.c.
 */
#include <lib/panic.h>
#include <lib/string.h>
#include <mm/frame/slab.h>
#include <mm/user/page_tree.h>

#define HEIGHT_MAX 4 /* 2^24 pages */

static struct kmem_cache *node_cache __ro_after_init;

void page_tree_init(void)
{
    node_cache = kmem_cache_create("page_node", sizeof(struct page_node));
    if (!node_cache)
        panic("no memory for the pages of files");
}

static u32 slot_of(u32 index, u32 level)
{
    return index >> level * PAGE_NODE_BITS & (PAGE_NODE_SLOTS - 1);
}

static struct page_node *new_node(void)
{
    struct page_node *node = kmem_cache_alloc(node_cache);

    if (node)
        memset(node, 0, sizeof(*node));
    return node;
}

/* Free the nodes on the way to the index that are empty, from the lowest up. */
static void prune(struct page_tree *tree, u32 index)
{
    struct page_node *way[HEIGHT_MAX], *node = tree->root;
    u32 height = tree->height, depth = 0;

    while (node && depth < height) {
        way[depth++] = node;
        node = depth < height ? node->slot[slot_of(index, height - depth)] : NULL;
    }
    while (depth && way[depth - 1]->count == 0) {
        kmem_cache_free(node_cache, way[--depth]);
        if (depth) {
            way[depth - 1]->slot[slot_of(index, height - depth)] = NULL;
            way[depth - 1]->count--;
        } else {
            *tree = (struct page_tree){NULL, 0};
        }
    }
}

/* Make the tree high enough for the index. */
static bool grow(struct page_tree *tree, u32 index)
{
    while (!tree->root || index >> tree->height * PAGE_NODE_BITS) {
        struct page_node *node = new_node();

        if (!node)
            return false;
        if (tree->root) {
            node->slot[0] = tree->root;
            node->count = 1;
        }
        tree->root = node;
        tree->height++;
        if (node->count == 0) /* no page yet: the height is free */
            while (index >> tree->height * PAGE_NODE_BITS)
                tree->height++;
    }
    return true;
}

/* The lowest node for the index, created if needed, or NULL. */
static struct page_node *make_leaf(struct page_tree *tree, u32 index)
{
    struct page_node *node;

    if (!grow(tree, index))
        return NULL;
    node = tree->root;
    for (u32 level = tree->height - 1; level; level--) {
        void **slot = &node->slot[slot_of(index, level)];

        if (!*slot) {
            *slot = new_node();
            if (!*slot)
                return NULL;
            node->count++;
        }
        node = *slot;
    }
    return node;
}

/* The same for roots that were added above others and are not needed. */
static void lower(struct page_tree *tree, u32 height)
{
    while (tree->height > height) {
        struct page_node *root = tree->root;

        tree->root = root->slot[0];
        tree->height--;
        kmem_cache_free(node_cache, root);
    }
}

bool page_tree_insert(struct page_tree *tree, u32 index, struct page *page)
{
    u32 height = tree->height;
    struct page_node *leaf;

    assert_op(index >> HEIGHT_MAX * PAGE_NODE_BITS, ==, 0);
    leaf = make_leaf(tree, index);
    if (!leaf) {
        prune(tree, index);
        lower(tree, height);
        return false;
    }
    assert(!leaf->slot[slot_of(index, 0)]);
    leaf->slot[slot_of(index, 0)] = page;
    leaf->count++;
    leaf->clean++;
    return true;
}

void page_tree_remove(struct page_tree *tree, u32 index, bool clean)
{
    struct page_node *leaf = page_tree_leaf(tree, index);

    assert(leaf && leaf->slot[slot_of(index, 0)]);
    leaf->slot[slot_of(index, 0)] = NULL;
    leaf->count--;
    leaf->clean -= clean;
    prune(tree, index);
}

/* The first page of a node at or after the index, or NULL. */
static struct page *next_in_leaf(const struct page_node *leaf, u32 *index)
{
    for (u32 slot = slot_of(*index, 0); slot < PAGE_NODE_SLOTS; slot++) {
        if (leaf->slot[slot]) {
            *index += slot - slot_of(*index, 0);
            return leaf->slot[slot];
        }
    }
    return NULL;
}

struct page *page_tree_next(const struct page_tree *tree, u32 *index, bool clean)
{
    while (tree->root && *index >> tree->height * PAGE_NODE_BITS == 0) {
        const struct page_node *node = tree->root;
        u32 level = tree->height - 1;
        struct page *page = NULL;

        for (; level && node->slot[slot_of(*index, level)]; level--)
            node = node->slot[slot_of(*index, level)];
        if (level == 0 && (!clean || node->clean))
            page = next_in_leaf(node, index);
        if (page)
            return page;
        level = max(level, 1u); /* past the slot, or past the whole lowest node */
        *index = ((*index >> level * PAGE_NODE_BITS) + 1) << level * PAGE_NODE_BITS;
    }
    return NULL;
}
