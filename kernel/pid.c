/*
 * Numbers of tasks, process groups and sessions.
 *
 * A number is taken as long as it is used: by the task whose pid it is, and by every task in the
 * process group or the session of that number, whose leader may have ended long ago. So a number is
 * an object with a reference count, in a tree; tasks point to their three numbers. A number in the
 * tree is not allocated again.
 *
 * New numbers go up from the last one, to PID_MAX, and then again from PID_AGAIN on; taken ones are
 * skipped. The end of the free range is stored, so that usually no search is needed.
 *
 * Tasks are also in a list in the order of their pids, for walking. Tree and list are changed only
 * by tasks, which are not preempted in the kernel. Interrupt handlers may walk the list: a task is
 * complete when it is added, and is removed before it is freed.
 *
 * Neighbours: kernel/task.c creates tasks; kernel/process/job.c moves them between groups.
 */
#include <kernel/pid.h>
#include <kernel/task.h>
#include <lib/detach.h>
#include <lib/panic.h>
#include <lib/rbtree.h>
#include <mm/frame/slab.h>

#define PID_AGAIN 300 /* where the second round starts (Linux's RESERVED_PIDS) */

/* Each task can use three numbers of its own, and one number must always be free. */
#define TASKS_MAX ((PID_MAX - PID_AGAIN) / 3)

struct pid {
    struct rb_node node; /* by number */
    u32 number;
    u32 users;
    struct task *task; /* the task with this pid, NULL when it no longer exists */
};

static struct kmem_cache *pid_cache __ro_after_init;
static struct rb_root pids = RB_ROOT;
static struct list_head all_tasks = LIST_HEAD_INIT(all_tasks); /* by pid */
static u32 tasks;                                              /* in that list */
static u32 pid_next, pid_limit = PID_MAX + 1;                  /* [pid_next, pid_limit) is free */

void pid_init(void)
{
    pid_cache = kmem_cache_create("pid", sizeof(struct pid));
    if (!pid_cache)
        panic("out of memory for the cache of pids");
}

/* ---- finding ---- */

/* The first taken number >= `number`, or NULL. */
static struct pid *pid_at_or_above(u32 number)
{
    struct rb_node *node = pids.rb_node;
    struct pid *best = NULL;

    while (node) {
        struct pid *pid = rb_entry(node, struct pid, node);

        if (pid->number == number)
            return pid;
        if (number < pid->number) {
            best = pid;
            node = node->rb_left;
        } else {
            node = node->rb_right;
        }
    }
    return best;
}

static struct pid *pid_find(u32 number)
{
    struct pid *pid = pid_at_or_above(number);

    return pid && pid->number == number ? pid : NULL;
}

struct task *task_find(u32 number)
{
    struct pid *pid = pid_find(number);

    return pid ? pid->task : NULL;
}

u32 task_count(void)
{
    return tasks;
}

struct task *task_next(struct task *task)
{
    struct list_head *link = task ? task->all_link.next : all_tasks.next;

    return link == &all_tasks ? NULL : container_of(link, struct task, all_link);
}

struct task *task_by_stack_address(u32 addr)
{
    struct task *task;

    list_for_each_entry (task, &all_tasks, all_link)
        if (addr >= (u32)task->stack - PAGE_SIZE && addr < task_stack_top(task))
            return task;
    return NULL;
}

/* ---- numbers ---- */

/* Find the next range of free numbers. A run of taken ones is walked once per round. */
static void find_free(void)
{
    const struct pid *pid;

    if (pid_next > PID_MAX)
        pid_next = PID_AGAIN;
    pid = pid_at_or_above(pid_next);
    while (pid && pid->number == pid_next) {
        const struct rb_node *node = rb_next(&pid->node);

        pid = node ? rb_entry(node, struct pid, node) : NULL;
        pid_next++;
    }
    if (pid_next > PID_MAX)
        return find_free();
    pid_limit = pid ? min(pid->number, PID_MAX + 1u) : PID_MAX + 1;
}

static u32 number_new(void)
{
    if (pid_next >= pid_limit)
        find_free();
    return pid_next++;
}

struct pid *pid_alloc(void)
{
    struct pid *pid = tasks < TASKS_MAX ? kmem_cache_alloc(pid_cache) : NULL;

    if (pid)
        *pid = (struct pid){.users = 0};
    return pid;
}

static struct pid *pid_get(struct pid *pid)
{
    if (pid)
        pid->users++;
    return pid;
}

static void pid_put(struct pid *pid)
{
    if (pid && --pid->users == 0) {
        rb_erase(&pid->node, &pids);
        kmem_cache_free(pid_cache, pid);
    }
}

/* ---- tasks ---- */

/* The link of the task with the next lower pid, or the head of the list. */
static struct list_head *link_below(const struct pid *pid)
{
    struct rb_node *node = rb_prev(&pid->node);

    while (node && !rb_entry(node, struct pid, node)->task)
        node = rb_prev(node);
    return node ? &rb_entry(node, struct pid, node)->task->all_link : &all_tasks;
}

void pid_attach(struct task *task)
{
    struct rb_node **link = &pids.rb_node, *parent = NULL;
    struct pid *pid = task->pids[PID_OWN];

    pid->number = task->pid = number_new();
    while (*link) {
        parent = *link;
        link = pid->number < rb_entry(parent, struct pid, node)->number ? &parent->rb_left
                                                                        : &parent->rb_right;
    }
    rb_link_node(&pid->node, parent, link);
    rb_insert_color(&pid->node, &pids);
    list_add(&task->all_link, link_below(pid));
    pid->task = task;
    pid_get(pid);
    tasks++;
}

void pid_detach(struct task *task)
{
    struct pid *own = detach(&task->pids[PID_OWN]);

    if (!list_empty(&task->all_link)) {
        list_del(&task->all_link);
        tasks--;
        own->task = NULL;
        pid_put(own);
    } else if (own) { /* it was never attached */
        kmem_cache_free(pid_cache, own);
    }
    pid_put(detach(&task->pids[PID_PGRP]));
    pid_put(detach(&task->pids[PID_SESSION]));
}

/* ---- groups ---- */

static void set_number(struct task *task, enum pid_kind kind, struct pid *pid)
{
    pid_put(exchange(&task->pids[kind], pid_get(pid)));
}

void task_inherit_group(struct task *task, const struct task *from)
{
    set_number(task, PID_PGRP, from->pids[PID_PGRP]);
    set_number(task, PID_SESSION, from->pids[PID_SESSION]);
    task->pgrp = from->pgrp;
    task->session = from->session;
}

void task_set_pgrp(struct task *task, u32 pgrp)
{
    struct pid *pid = pid_find(pgrp);

    assert(pid != NULL);
    set_number(task, PID_PGRP, pid);
    task->pgrp = pgrp;
}

void task_lead_session(struct task *task)
{
    task_set_pgrp(task, task->pid);
    set_number(task, PID_SESSION, task->pids[PID_OWN]);
    task->session = task->pid;
}
