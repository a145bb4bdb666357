/*
 * Suite `list`: circular lists. A list is written as a number, one decimal digit per object, read
 * forwards and backwards: a pointer that is wrong in only one direction is the usual mistake.
 *
 * Neighbours: include/lib/list.h.
 */
#include <kernel/monitor/ktest.h>
#include <lib/list.h>

struct item {
    u32 digit;
    struct list_head link;
};

#define ITEM(n) ((struct item){.digit = (n)})

/*
 * 123 for the objects 1, 2, 3; bounded, so that a ring that is not closed fails the test and does
 * not hang the kernel.
 */
static u32 forwards(const struct list_head *head)
{
    const struct item *item;
    u32 number = 0, steps = 0;

    list_for_each_entry (item, head, link) {
        if (++steps > 9)
            return ~0u;
        number = number * 10 + item->digit;
    }
    return number;
}

/* The same from the last to the first, reversed again. */
static u32 backwards(const struct list_head *head)
{
    const struct list_head *pos;
    u32 number = 0, factor = 1, steps = 0;

    for (pos = head->prev; pos != head; pos = pos->prev, factor *= 10) {
        if (++steps > 9)
            return ~0u;
        number += factor * list_entry(pos, const struct item, link)->digit;
    }
    return number;
}

static void expect_list(u32 line, const struct list_head *head, u32 number)
{
    if (forwards(head) != number || backwards(head) != number)
        ktest_fail(__FILE__, line, "expected list %u, got %u forwards and %u backwards", number,
                   forwards(head), backwards(head));
}

KTEST(list, add_keeps_order)
{
    struct item items[] = {ITEM(1), ITEM(2), ITEM(3)};
    LIST_HEAD(head);

    expect(list_empty(&head));
    expect_list(__LINE__, &head, 0);
    list_add(&items[1].link, &head);
    list_add(&items[0].link, &head);
    list_add_tail(&items[2].link, &head);
    expect_list(__LINE__, &head, 123);
    expect(!list_empty(&head));
    expect_eq(list_count(&head), 3);
    expect_eq(list_first_entry(&head, struct item, link), &items[0]);
    expect_eq(list_last_entry(&head, struct item, link), &items[2]);
    expect_eq(list_next_entry(&items[0], link), &items[1]);
    expect_eq(list_prev_entry(&items[1], link), &items[0]);
}

KTEST(list, del_poisons)
{
    struct item items[] = {ITEM(1), ITEM(2), ITEM(3)};
    LIST_HEAD(head);

    for (u32 i = 0; i < ARRAY_SIZE(items); i++)
        list_add_tail(&items[i].link, &head);
    list_del(&items[1].link);
    expect_list(__LINE__, &head, 13);
    expect_eq(items[1].link.next, LIST_POISON1);
    expect_eq(items[1].link.prev, LIST_POISON2);
    list_del(&items[0].link);
    list_del(&items[2].link);
    expect(list_empty(&head));
    expect_eq(head.prev, &head);
    expect_eq(list_count(&head), 0);
}

KTEST(list, del_init_can_be_asked)
{
    struct item items[] = {ITEM(1), ITEM(2)};
    LIST_HEAD(head);

    list_add_tail(&items[0].link, &head);
    list_add_tail(&items[1].link, &head);
    expect(!list_empty(&items[0].link));
    list_del_init(&items[0].link);
    expect(list_empty(&items[0].link));
    expect_list(__LINE__, &head, 2);
    list_del_init(&items[0].link); /* a second time does no harm */
    expect_list(__LINE__, &head, 2);
}

KTEST(list, move)
{
    struct item items[] = {ITEM(1), ITEM(2), ITEM(3)};
    LIST_HEAD(from);
    LIST_HEAD(to);

    for (u32 i = 0; i < ARRAY_SIZE(items); i++)
        list_add_tail(&items[i].link, &from);
    list_move(&items[1].link, &to);
    expect_list(__LINE__, &from, 13);
    expect_list(__LINE__, &to, 2);
    list_move(&items[2].link, &to);
    expect_list(__LINE__, &to, 32);
    list_move_tail(&items[0].link, &to);
    expect_list(__LINE__, &to, 321);
    expect(list_empty(&from));
    list_move(&items[0].link, &to); /* within one list */
    expect_list(__LINE__, &to, 132);
}

KTEST(list, safe_walk_may_delete)
{
    struct item items[] = {ITEM(1), ITEM(2), ITEM(3), ITEM(4)};
    struct item *item, *next;
    LIST_HEAD(head);

    for (u32 i = 0; i < ARRAY_SIZE(items); i++)
        list_add_tail(&items[i].link, &head);
    list_for_each_entry_safe (item, next, &head, link) {
        if (item->digit % 2 == 0)
            list_del(&item->link);
    }
    expect_list(__LINE__, &head, 13);
    list_for_each_entry_safe (item, next, &head, link)
        list_del(&item->link);
    expect(list_empty(&head));
    expect_eq(list_first_entry_or_null(&head, struct item, link), NULL);
}
