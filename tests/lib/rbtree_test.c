/*
 * Suite `rbtree`: red-black trees, plain and augmented.
 *
 * The random tests insert and remove one object at a time, and after each step check the whole tree
 * with rb_check() and every object by brute force: damage that a later step would repair is found,
 * too. There are few objects, so that the tree becomes empty and its small shapes, with the special
 * cases, occur often.
 *
 * rb_check() itself is tested by damaging a valid tree in each way that it must detect.
 *
 * Neighbours: lib/rbtree.c; tests/host/lib_test.c runs the same code longer, under sanitizers.
 */
#include <kernel/monitor/ktest.h>
#include <lib/printk.h>
#include <lib/random.h>
#include <lib/rbtree.h>
#include <lib/string.h>

#define ITEMS 48
#define SEED  0x0a771c01u

struct item {
    struct rb_node node;
    u32 key;
    u32 size;
    u32 max_size; /* the largest size in the subtree */
    bool linked;
};

static struct item items[ITEMS];

static struct item *item_of(const struct rb_node *node)
{
    return rb_entry(node, struct item, node);
}

static int by_key(const struct rb_node *a, const struct rb_node *b)
{
    u32 x = item_of(a)->key, y = item_of(b)->key;

    return x < y ? -1 : x > y;
}

static bool update_max(struct rb_node *node)
{
    struct item *item = item_of(node);
    u32 before = item->max_size;

    item->max_size = item->size;
    for (u32 side = 0; side < 2; side++) {
        if (node->rb_child[side])
            item->max_size = max(item->max_size, item_of(node->rb_child[side])->max_size);
    }
    return item->max_size != before;
}

/* Link at the position of the key, without balancing. */
static void link_item(struct rb_root *root, struct item *item)
{
    struct rb_node **link = &root->rb_node, *parent = NULL;

    while (*link) {
        parent = *link;
        link = item->key < item_of(parent)->key ? &parent->rb_left : &parent->rb_right;
    }
    rb_link_node(&item->node, parent, link);
    item->linked = true;
}

static void insert(struct rb_root *root, struct item *item, rb_augment_t augment)
{
    link_item(root, item);
    if (augment)
        rb_insert_augmented(&item->node, root, augment);
    else
        rb_insert_color(&item->node, root);
}

static void erase(struct rb_root *root, struct item *item, rb_augment_t augment)
{
    if (augment)
        rb_erase_augmented(&item->node, root, augment);
    else
        rb_erase(&item->node, root);
    item->linked = false;
}

static void reset_items(void)
{
    memset(items, 0, sizeof(items));
    for (u32 i = 0; i < ITEMS; i++)
        items[i].key = i;
}

/* The tree walks through the keys of all linked objects, in order, in both directions. */
static bool same_as_array(const struct rb_root *root)
{
    const struct rb_node *node = rb_first(root);
    bool same = true;

    for (u32 i = 0; i < ITEMS && same; i++) {
        if (items[i].linked) {
            same = node == &items[i].node;
            node = node ? rb_next(node) : NULL;
        }
    }
    if (!same || node)
        return false;
    node = rb_last(root);
    for (u32 i = ITEMS; i-- && same;) {
        if (items[i].linked) {
            same = node == &items[i].node;
            node = node ? rb_prev(node) : NULL;
        }
    }
    return same && !node;
}

static bool expect_sound(u32 line, const struct rb_root *root, rb_augment_t augment)
{
    const char *wrong = rb_check(root, by_key, augment);

    if (wrong)
        ktest_fail(__FILE__, line, "%s", wrong);
    return !wrong;
}

static u32 depth(const struct rb_node *node)
{
    return node ? 1 + max(depth(node->rb_left), depth(node->rb_right)) : 0;
}

KTEST(rbtree, empty)
{
    struct rb_root root = RB_ROOT;

    expect(RB_EMPTY_ROOT(&root));
    expect_eq(rb_first(&root), NULL);
    expect_eq(rb_last(&root), NULL);
    expect(expect_sound(__LINE__, &root, NULL));
    reset_items();
    insert(&root, &items[0], NULL);
    expect(!RB_EMPTY_ROOT(&root));
    expect_eq(rb_next(&items[0].node), NULL);
    expect_eq(rb_prev(&items[0].node), NULL);
    erase(&root, &items[0], NULL);
    expect(RB_EMPTY_ROOT(&root));
}

KTEST(rbtree, walks_in_order)
{
    struct rb_root root = RB_ROOT;

    reset_items();
    /* 5 and 48 have no common divisor, so this takes each object once. */
    for (u32 i = 0; i < ITEMS; i++)
        insert(&root, &items[i * 5 % ITEMS], NULL);
    expect_sound(__LINE__, &root, NULL);
    expect(same_as_array(&root));
    expect_eq(rb_first(&root), &items[0].node);
    expect_eq(rb_last(&root), &items[ITEMS - 1].node);
    expect_eq(rb_next(&items[20].node), &items[21].node);
    expect_eq(rb_prev(&items[20].node), &items[19].node);
}

KTEST(rbtree, sorted_input_stays_balanced)
{
    /* 2 * log2(48 + 1), the proven bound, is 11.2. */
    struct rb_root root = RB_ROOT;

    reset_items();
    for (u32 i = 0; i < ITEMS; i++) {
        insert(&root, &items[i], NULL);
        expect_sound(__LINE__, &root, NULL);
    }
    expect(depth(root.rb_node) <= 11);
    for (u32 i = 0; i < ITEMS; i++) {
        erase(&root, &items[i], NULL);
        expect_sound(__LINE__, &root, NULL);
    }
    expect(RB_EMPTY_ROOT(&root));
    for (u32 i = ITEMS; i-- > 0;) {
        insert(&root, &items[i], NULL);
        expect_sound(__LINE__, &root, NULL);
    }
    expect(depth(root.rb_node) <= 11);
}

KTEST(rbtree, random_insert_erase)
{
    struct rb_root root = RB_ROOT;
    struct rnd_state random;

    printk("# rbtree.random_insert_erase: seed 0x%x\n", SEED);
    prandom_seed_state(&random, SEED);
    reset_items();
    for (u32 step = 0; step < 3000 && ktest_ok(); step++) {
        struct item *item = &items[prandom_below(&random, ITEMS)];

        if (item->linked)
            erase(&root, item, NULL);
        else
            insert(&root, item, NULL);
        if (!expect_sound(__LINE__, &root, NULL) || !expect(same_as_array(&root)))
            printk("# in step %u\n", step);
    }
}

/* Largest size in a subtree, computed from every object, without using stored values. */
static u32 brute_max(const struct rb_node *top)
{
    u32 below;

    if (!top)
        return 0;
    below = max(brute_max(top->rb_left), brute_max(top->rb_right));
    return max(below, item_of(top)->size);
}

static bool every_max_right(void)
{
    for (u32 i = 0; i < ITEMS; i++) {
        if (items[i].linked && items[i].max_size != brute_max(&items[i].node))
            return false;
    }
    return true;
}

KTEST(rbtree, augmented_right_after_every_step)
{
    struct rb_root root = RB_ROOT;
    struct rnd_state random;

    printk("# rbtree.augmented_right_after_every_step: seed 0x%x\n", SEED);
    prandom_seed_state(&random, SEED);
    reset_items();
    for (u32 step = 0; step < 3000 && ktest_ok(); step++) {
        struct item *item = &items[prandom_below(&random, ITEMS)];

        if (item->linked && prandom_below(&random, 4) == 0) {
            item->size = prandom_below(&random, 20);
            rb_augment_path(&item->node, update_max);
        } else if (item->linked) {
            erase(&root, item, update_max);
        } else {
            /* Few sizes: equal ones end the way up early. */
            item->size = prandom_below(&random, 20);
            item->max_size = prandom_below(&random, 20);
            insert(&root, item, update_max);
        }
        if (!expect_sound(__LINE__, &root, NULL) || !expect(every_max_right()) ||
            !expect(same_as_array(&root)))
            printk("# in step %u\n", step);
    }
}

static u32 augment_calls;

static bool counting_update_max(struct rb_node *node)
{
    augment_calls++;
    return update_max(node);
}

KTEST(rbtree, augment_path_stops_early)
{
    struct rb_root root = RB_ROOT;
    struct item *leaf;

    reset_items();
    for (u32 i = 0; i < ITEMS; i++) {
        items[i].size = 100 + i;
        insert(&root, &items[i], update_max);
    }
    leaf = &items[0]; /* the smallest size, far down on the left */
    expect(rb_parent(&leaf->node) != NULL);
    augment_calls = 0;
    leaf->size = 99;
    rb_augment_path(&leaf->node, counting_update_max);
    expect(augment_calls <= 2);
    augment_calls = 0;
    leaf->size = 1000;
    rb_augment_path(&leaf->node, counting_update_max);
    expect_eq(item_of(root.rb_node)->max_size, 1000);
    expect(augment_calls <= depth(root.rb_node));
    expect(every_max_right());
    rb_augment_path(NULL, counting_update_max);
}

/* A valid augmented tree of all objects in *root. */
static void plant(struct rb_root *root)
{
    *root = RB_ROOT;
    reset_items();
    for (u32 i = 0; i < ITEMS; i++) {
        items[i].size = 100 - i;
        insert(root, &items[i], update_max);
    }
    expect_eq(rb_check(root, by_key, update_max), NULL);
}

static void expect_noticed(u32 line, const struct rb_root *root, const char *part)
{
    const char *wrong = rb_check(root, by_key, update_max);

    if (!wrong || !strstr(wrong, part))
        ktest_fail(__FILE__, line, "expected a complaint about \"%s\", got \"%s\"", part, wrong);
}

KTEST(rbtree, check_notices_colours)
{
    struct rb_root root;
    struct rb_node *leaf;

    plant(&root);
    root.rb_node->rb_parent_color &= ~1u;
    expect_noticed(__LINE__, &root, "the root is red");

    plant(&root);
    leaf = rb_first(&root);
    leaf->rb_parent_color ^= 1; /* a leaf: one black more or less only on its path */
    expect_noticed(__LINE__, &root, "black heights differ");

    /* Three red nodes in a row, with correct black heights. */
    plant(&root);
    root.rb_node = &items[0].node;
    rb_link_node(&items[0].node, NULL, &root.rb_node);
    items[0].node.rb_parent_color |= 1;
    rb_link_node(&items[1].node, &items[0].node, &items[0].node.rb_right);
    rb_link_node(&items[2].node, &items[1].node, &items[1].node.rb_right);
    expect_noticed(__LINE__, &root, "a red node has a red child");
}

KTEST(rbtree, check_notices_links)
{
    struct rb_root root;
    struct rb_node *node;

    plant(&root);
    node = root.rb_node->rb_left;
    node->rb_left->rb_parent_color ^= (uintptr_t)node ^ (uintptr_t)root.rb_node;
    expect_noticed(__LINE__, &root, "parent pointer");

    plant(&root);
    node = root.rb_node->rb_left;
    node->rb_left = node->rb_right;
    expect_noticed(__LINE__, &root, "both children");

    plant(&root);
    rb_first(&root)->rb_left = root.rb_node; /* a cycle must not hang the check */
    expect_noticed(__LINE__, &root, "parent pointer");

    plant(&root);
    root.rb_node = root.rb_node->rb_left;
    expect_noticed(__LINE__, &root, "the root has a parent");
}

KTEST(rbtree, check_notices_order_and_values)
{
    struct rb_root root;

    plant(&root);
    items[7].key = 9;
    expect_noticed(__LINE__, &root, "out of order");
    items[7].key = 8; /* equal to its neighbour */
    expect_noticed(__LINE__, &root, "out of order");
    items[7].key = 7;
    expect_eq(rb_check(&root, by_key, update_max), NULL);

    item_of(root.rb_node)->max_size++;
    expect_noticed(__LINE__, &root, "out of date");
}
