/*
 * Red-black trees inside the objects they link (Linux's names and meanings). The tree does not know
 * the order: the caller walks down from root->rb_node to the empty place, links the node there with
 * rb_link_node(), and balances the tree with rb_insert_color().
 *
 * Augmented trees: each object stores a value of its whole subtree, such as the largest size in it,
 * so that a search can skip subtrees. `augment` recomputes one node's value from its own data and
 * its children's values, and returns whether it changed. The value must depend only on the objects
 * in the subtree, not on their arrangement: then a rotation does not change it. A tree is used
 * either with the plain functions or with the augmented ones, never both.
 *
 * No function allocates or fails; the caller does the locking.
 */
#pragma once

#include <lib/types.h>

struct rb_node {
    uintptr_t rb_parent_color; /* the parent's address; bit 0 is set in black nodes */
    union {
        struct {
            struct rb_node *rb_left, *rb_right;
        };
        struct rb_node *rb_child[2]; /* the same, for code that is the same on both sides */
    };
};

_Static_assert(sizeof(struct rb_node) == 3 * sizeof(void *), "three words");

struct rb_root {
    struct rb_node *rb_node;
};

#define RB_ROOT                                                                                    \
    (struct rb_root)                                                                               \
    {                                                                                              \
        NULL                                                                                       \
    }
#define RB_EMPTY_ROOT(root) ((root)->rb_node == NULL)

#define rb_entry(ptr, type, member) container_of(ptr, type, member)

typedef bool (*rb_augment_t)(struct rb_node *node);

/* < 0, 0, > 0 as a comes before, equals, comes after b. */
typedef int (*rb_compare_t)(const struct rb_node *a, const struct rb_node *b);

static inline struct rb_node *rb_parent(const struct rb_node *node)
{
    return (struct rb_node *)(node->rb_parent_color & ~(uintptr_t)1);
}

/* ---- walking: in order; NULL when the tree is empty, or beyond its ends ---- */

/* The outermost node of a subtree, and the neighbour of a node: side 0 is left, side 1 is right. */
struct rb_node *rb_outermost(struct rb_node *top, u32 side);
struct rb_node *rb_neighbour(const struct rb_node *node, u32 side);

static inline struct rb_node *rb_first(const struct rb_root *root)
{
    return rb_outermost(root->rb_node, 0);
}

static inline struct rb_node *rb_last(const struct rb_root *root)
{
    return rb_outermost(root->rb_node, 1);
}

static inline struct rb_node *rb_next(const struct rb_node *node)
{
    return rb_neighbour(node, 1);
}

static inline struct rb_node *rb_prev(const struct rb_node *node)
{
    return rb_neighbour(node, 0);
}

/* ---- changing ---- */

/*
 * Link a node at *link, an empty child pointer of `parent` (or the root's, then parent is NULL).
 * Not balanced yet.
 */
static inline void rb_link_node(struct rb_node *node, struct rb_node *parent, struct rb_node **link)
{
    node->rb_parent_color = (uintptr_t)parent; /* red: no path gets another black node */
    node->rb_left = NULL;
    node->rb_right = NULL;
    *link = node;
}

/* Balance after a node was linked, and update the values with `augment` (NULL: no values). */
void rb_insert_balance(struct rb_node *node, struct rb_root *root, rb_augment_t augment);

/* Remove a node and balance, and update the values with `augment` (NULL: no values). */
void rb_erase_augmented(struct rb_node *node, struct rb_root *root, rb_augment_t augment);

/*
 * The data or the children of `node` have changed: recompute its value and its ancestors', up to
 * the first that stays the same. NULL is allowed. Inline, so that the compiler can put the caller's
 * `augment` into the loop.
 */
static inline void rb_augment_path(struct rb_node *node, rb_augment_t augment)
{
    while (node && augment(node))
        node = rb_parent(node);
}

/* After rb_link_node() in a plain tree, in an augmented one. */
static inline void rb_insert_color(struct rb_node *node, struct rb_root *root)
{
    rb_insert_balance(node, root, NULL);
}

static inline void rb_insert_augmented(struct rb_node *node, struct rb_root *root,
                                       rb_augment_t augment)
{
    augment(node); /* the result is not used: the value was never set before */
    rb_augment_path(rb_parent(node), augment);
    rb_insert_balance(node, root, augment);
}

static inline void rb_erase(struct rb_node *node, struct rb_root *root)
{
    rb_erase_augmented(node, root, NULL);
}

/* ---- checking ---- */

/*
 * Walk the whole tree: parent pointers, colours, equal black heights; then the order (strict) if
 * compare is not NULL, and every value if augment is not NULL. NULL, or the first error. It ends
 * even if links are damaged.
 */
const char *rb_check(const struct rb_root *root, rb_compare_t compare, rb_augment_t augment);
