/*
 * Circular doubly linked lists inside the objects they link (Linux's names and meanings). The head
 * is a node without an object; an empty list is a head that points to itself. No operation
 * allocates or fails; the caller does the locking.
 */
#pragma once

#include <lib/types.h>

struct list_head {
    struct list_head *next, *prev;
};

/*
 * The pointers that list_del() sets: addresses on page 0, which is never mapped, so that a second
 * use faults.
 */
#define LIST_POISON1 ((struct list_head *)0x100)
#define LIST_POISON2 ((struct list_head *)0x122)

#define LIST_HEAD_INIT(name) ((struct list_head){&(name), &(name)})
#define LIST_HEAD(name)      struct list_head name = LIST_HEAD_INIT(name)

static inline void INIT_LIST_HEAD(struct list_head *head)
{
    head->next = head;
    head->prev = head;
}

static inline void list_link_between(struct list_head *node, struct list_head *prev,
                                     struct list_head *next)
{
    node->next = next;
    node->prev = prev;
    prev->next = node;
    next->prev = node;
}

/* Insert as the first of the list. */
static inline void list_add(struct list_head *node, struct list_head *head)
{
    list_link_between(node, head, head->next);
}

/* Insert as the last of the list. */
static inline void list_add_tail(struct list_head *node, struct list_head *head)
{
    list_link_between(node, head->prev, head);
}

static inline void list_unlink(struct list_head *node)
{
    node->prev->next = node->next;
    node->next->prev = node->prev;
}

/* Remove from its list; the node is poisoned. */
static inline void list_del(struct list_head *node)
{
    list_unlink(node);
    node->next = LIST_POISON1;
    node->prev = LIST_POISON2;
}

/*
 * Remove from its list; the node becomes an empty list, so that list_empty() can test whether it is
 * linked.
 */
static inline void list_del_init(struct list_head *node)
{
    list_unlink(node);
    INIT_LIST_HEAD(node);
}

/* Remove from its list and insert as the first, or the last, of another. */
static inline void list_move(struct list_head *node, struct list_head *head)
{
    list_unlink(node);
    list_add(node, head);
}

static inline void list_move_tail(struct list_head *node, struct list_head *head)
{
    list_unlink(node);
    list_add_tail(node, head);
}

static inline bool list_empty(const struct list_head *head)
{
    return head->next == head;
}

#define list_entry(ptr, type, member) container_of(ptr, type, member)

/* The list must not be empty. */
#define list_first_entry(head, type, member) list_entry((head)->next, type, member)
#define list_last_entry(head, type, member)  list_entry((head)->prev, type, member)

#define list_first_entry_or_null(head, type, member)                                               \
    (list_empty(head) ? NULL : list_first_entry(head, type, member))

/*
 * Beyond the last (before the first) object the result is not an object: it points around the head.
 */
#define list_next_entry(pos, member) list_entry((pos)->member.next, __typeof__(*(pos)), member)
#define list_prev_entry(pos, member) list_entry((pos)->member.prev, __typeof__(*(pos)), member)

/* True when pos is that result. */
#define list_entry_is_head(pos, head, member) (&(pos)->member == (head))

#define list_for_each(pos, head) for (pos = (head)->next; pos != (head); pos = pos->next)

#define list_for_each_entry(pos, head, member)                                                     \
    for (pos = list_first_entry(head, __typeof__(*pos), member);                                   \
         !list_entry_is_head(pos, head, member); pos = list_next_entry(pos, member))

/* The body may remove pos from the list or free it; n holds the object after it. */
#define list_for_each_entry_safe(pos, n, head, member)                                             \
    for (pos = list_first_entry(head, __typeof__(*pos), member), n = list_next_entry(pos, member); \
         !list_entry_is_head(pos, head, member); pos = n, n = list_next_entry(n, member))

/* Number of objects; walks the list. */
static inline u32 list_count(const struct list_head *head)
{
    u32 count = 0;

    for (const struct list_head *pos = head->next; pos != head; pos = pos->next)
        count++;
    return count;
}
