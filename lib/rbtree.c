/*
 * Red-black trees: search trees that are at most twice as deep on one side as on any other.
 *
 * Each node is red or black, such that a red node has no red child, and every path from a node down
 * to an empty place passes the same number of black nodes (its black height). Insertion and removal
 * may break one of these rules at one place; the two balance functions move the violation upwards
 * by recolouring until a rotation repairs it. At most two rotations repair an insertion and three a
 * removal, so an augmented tree recomputes few values besides those on the path to the root.
 *
 * Every case exists twice, mirrored. Here it is written once, over rb_child[side], with !side as
 * the other side. In every rotation the two nodes must exchange their colours, so rotate() does
 * this, too: the node that moves up takes parent and colour of the one that moves down, as a single
 * word.
 *
 * The colour is in bit 0 of the parent pointer, red = 0, so a node that was just linked is red.
 *
 * Limits: nothing is checked while a tree is changed; rb_check() walks the whole tree and is for
 * mm_audit() and tests.
 * Neighbours: mm/kva/vmap_area.c keeps its areas in such a tree.
 */
#include <lib/rbtree.h>

#define RB_BLACK ((uintptr_t)1)

static inline bool is_black(const struct rb_node *node)
{
    return node->rb_parent_color & RB_BLACK;
}

/* Empty places count as black. */
static inline bool is_red(const struct rb_node *node)
{
    return node && !is_black(node);
}

static inline void set_black(struct rb_node *node)
{
    node->rb_parent_color |= RB_BLACK;
}

static inline void set_red(struct rb_node *node)
{
    node->rb_parent_color &= ~RB_BLACK;
}

static inline void set_parent(struct rb_node *node, struct rb_node *parent)
{
    node->rb_parent_color = (uintptr_t)parent | (node->rb_parent_color & RB_BLACK);
}

static inline u32 side_of(const struct rb_node *node, const struct rb_node *parent)
{
    return parent->rb_right == node;
}

/* Change the pointer to `old` in its parent, or the root, to `node`. */
static inline void replace_child(struct rb_root *root, struct rb_node *old, struct rb_node *node)
{
    struct rb_node *parent = rb_parent(old);

    if (parent)
        parent->rb_child[side_of(old, parent)] = node;
    else
        root->rb_node = node;
}

struct rb_node *rb_outermost(struct rb_node *top, u32 side)
{
    if (top) {
        while (top->rb_child[side])
            top = top->rb_child[side];
    }
    return top;
}

struct rb_node *rb_neighbour(const struct rb_node *node, u32 side)
{
    struct rb_node *parent;

    if (node->rb_child[side])
        return rb_outermost(node->rb_child[side], !side);
    /* Go up until the step comes from the other side. */
    while ((parent = rb_parent(node)) && parent->rb_child[side] == node)
        node = parent;
    return parent;
}

/*
 * Move `node` down to `side` and its other child up to its place; they exchange colours. Returns
 * the node that moved up; its value is not recomputed yet, because a double rotation needs this
 * only once.
 */
static struct rb_node *rotate(struct rb_root *root, struct rb_node *node, u32 side,
                              rb_augment_t augment)
{
    struct rb_node *up = node->rb_child[!side];
    struct rb_node *middle = up->rb_child[side];
    uintptr_t up_color = up->rb_parent_color & RB_BLACK;

    replace_child(root, node, up);
    up->rb_parent_color = node->rb_parent_color;
    node->rb_parent_color = (uintptr_t)up | up_color;
    up->rb_child[side] = node;
    node->rb_child[!side] = middle;
    if (middle)
        set_parent(middle, node);
    if (augment)
        augment(node);
    return up;
}

void rb_insert_balance(struct rb_node *node, struct rb_root *root, rb_augment_t augment)
{
    struct rb_node *parent, *grandparent, *top;
    u32 side;

    /* node is red; the only rule that may be broken is that its parent is red, too. */
    while (is_red(parent = rb_parent(node))) {
        grandparent = rb_parent(parent); /* it exists: the root is black */
        side = side_of(parent, grandparent);
        if (!is_red(grandparent->rb_child[!side])) {
            if (node == parent->rb_child[!side])
                rotate(root, parent, side, augment);
            top = rotate(root, grandparent, !side, augment);
            if (augment)
                augment(top);
            return;
        }
        set_black(parent);
        set_black(grandparent->rb_child[!side]);
        set_red(grandparent);
        node = grandparent;
    }
    if (!parent)
        set_black(node);
}

/*
 * The paths through one child of `parent`, an empty place at first, have one black node less than
 * the others. So the sibling of that place has a black height of at least 1 and is not empty.
 */
static void erase_balance(struct rb_node *parent, struct rb_root *root, rb_augment_t augment)
{
    u32 side = parent->rb_left != NULL;
    struct rb_node *sibling, *node;

    for (;;) {
        sibling = parent->rb_child[!side];
        if (is_red(sibling)) {
            rotate(root, parent, side, augment);
            if (augment)
                augment(sibling);
            sibling = parent->rb_child[!side];
        }
        if (is_red(sibling->rb_left) || is_red(sibling->rb_right))
            break;
        /*
         * Make the sibling red, so both sides lack one black node; if parent is black already, the
         * lack has moved up.
         */
        set_red(sibling);
        node = parent;
        parent = rb_parent(node);
        if (!parent || !is_black(node)) {
            set_black(node);
            return;
        }
        side = side_of(node, parent);
    }
    if (!is_red(sibling->rb_child[!side]))
        sibling = rotate(root, sibling, !side, augment);
    rotate(root, parent, side, augment);
    set_black(sibling->rb_child[!side]);
    if (augment)
        augment(sibling);
}

/* Remove a node with one child at most. True when the paths through it have lost a black node. */
static bool detach(struct rb_node *node, struct rb_root *root)
{
    struct rb_node *child = node->rb_left ? node->rb_left : node->rb_right;

    replace_child(root, node, child);
    if (!child)
        return is_black(node);
    /* An only child is red and its parent black; it takes the node's place and colour. */
    child->rb_parent_color = node->rb_parent_color;
    return false;
}

/* Put `node`, which is in no tree, in the place of `old`. */
static void take_place(struct rb_node *node, struct rb_node *old, struct rb_root *root)
{
    replace_child(root, old, node);
    *node = *old;
    if (node->rb_left)
        set_parent(node->rb_left, node);
    if (node->rb_right)
        set_parent(node->rb_right, node);
}

void rb_erase_augmented(struct rb_node *node, struct rb_root *root, rb_augment_t augment)
{
    struct rb_node *gap = node, *low;
    bool lacks_black;

    /*
     * Inside the tree, the next node, which has no left child, is removed instead and then put in
     * the place of this one.
     */
    if (node->rb_left && node->rb_right)
        gap = rb_outermost(node->rb_right, 0);
    low = rb_parent(gap);
    lacks_black = detach(gap, root);
    if (gap != node) {
        take_place(gap, node, root);
        if (low == node)
            low = gap;
    }
    if (augment) {
        rb_augment_path(low, augment);
        if (gap != node) {
            /*
             * Its value is still that of its old place, and its parent's was computed from the
             * removed node.
             */
            augment(gap);
            rb_augment_path(rb_parent(gap), augment);
        }
    }
    if (lacks_black && low)
        erase_balance(low, root, augment);
}

/* ---- checking ---- */

/* More than twice the logarithm of any number of nodes that fits an address space of 32 bits. */
#define CHECK_DEPTH 64

/* A subtree that is still to be walked, with the black nodes above it. */
struct pending {
    struct rb_node *top;
    u32 blacks;
};

static const char *check_child(const struct rb_node *node, const struct rb_node *child)
{
    if (rb_parent(child) != node)
        return "red-black tree: a child's parent pointer does not lead back";
    if (is_red(node) && is_red(child))
        return "red-black tree: a red node has a red child";
    return NULL;
}

/*
 * Parent pointers, colours, black heights. Every node is reached through the one parent it names,
 * so no cycle is possible.
 */
static const char *check_shape(struct rb_node *root)
{
    struct pending pending[CHECK_DEPTH] = {{.top = root}};
    u32 count = 1,
        height = 0; /* of the first empty place found; every path contains a black node */
    const char *wrong;

    while (count) {
        struct pending at = pending[--count];

        at.blacks += is_black(at.top);
        if (at.top->rb_left && at.top->rb_left == at.top->rb_right)
            return "red-black tree: both children of a node are the same";
        for (u32 side = 0; side < 2; side++) {
            struct rb_node *child = at.top->rb_child[side];

            if (!child) {
                if (height && height != at.blacks)
                    return "red-black tree: black heights differ";
                height = at.blacks;
                continue;
            }
            if ((wrong = check_child(at.top, child)))
                return wrong;
            if (count == CHECK_DEPTH)
                return "red-black tree: too deep to be balanced";
            pending[count++] = (struct pending){child, at.blacks};
        }
    }
    return NULL;
}

const char *rb_check(const struct rb_root *root, rb_compare_t compare, rb_augment_t augment)
{
    struct rb_node *node, *before = NULL;
    const char *wrong;

    if (RB_EMPTY_ROOT(root))
        return NULL;
    if (rb_parent(root->rb_node))
        return "red-black tree: the root has a parent";
    if (is_red(root->rb_node))
        return "red-black tree: the root is red";
    if ((wrong = check_shape(root->rb_node)))
        return wrong;
    for (node = rb_first(root); node; before = node, node = rb_next(node)) {
        if (before && compare && compare(before, node) >= 0)
            return "red-black tree: out of order";
        if (augment && augment(node))
            return "red-black tree: the value of a subtree is out of date";
    }
    return NULL;
}
