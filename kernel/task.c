/*
 * Tasks from birth to burial.
 *
 * A task is a descriptor from a slab cache and a kernel stack from the vmalloc area, where the page
 * below each stack is never mapped: an overflow faults at once instead of eating a neighbour. The
 * top of the stack is kept free for the registers of ring 3 (task_pt_regs()), whether the task will
 * ever be there or not, so that all stacks look alike in a debugger.
 *
 * Making one has two halves. task_alloc() gets the memory and can fail; task_publish() gives the pid
 * and enters the task where others find it, and cannot. What happens in between, such as the copy of
 * an address space, may give turns to others, and nobody meets half a process.
 *
 * A task cannot free the stack it stands on. It gives away everything else and becomes a zombie,
 * which its parent frees when it waits for it. A zombie that nobody will wait for, because its parent
 * ended first or ignores SIGCHLD, is put on a list, and the idle task, or the next task_alloc(), frees
 * what is there.
 *
 * Pids go round: from 0 to PID_MAX, then again from PID_AGAIN on. The next ones are known to be free
 * up to pid_limit; only there all tasks are walked once for the next such stretch, because the number of a
 * process group or session must not be used again either, even when its leader has ended.
 *
 * The tree and the lists are only changed by tasks, which are not preempted in the kernel, so they
 * need no lock; interrupt handlers may wake a task but do not walk them.
 *
 * Neighbours: kernel/sched.c runs what is made here; kernel/process.c and fork.c make user processes of
 * it, kernel/exit.c takes them apart.
 */
#include <arch/x86/irqflags.h>
#include <asm/errno.h>
#include <kernel/process.h>
#include <kernel/syscall.h>
#include <kernel/task.h>
#include <lib/panic.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <mm/vmalloc.h>

#define PID_MAX   32767 /* Linux's default */
#define PID_AGAIN 300   /* where the second round starts (Linux's RESERVED_PIDS) */
#define TASKS_MAX (PID_MAX - PID_AGAIN)

static struct kmem_cache *task_cache __ro_after_init;
static struct list_head all_tasks = LIST_HEAD_INIT(all_tasks); /* by pid */
static struct rb_root pid_tree = RB_ROOT;                      /* by pid */
static struct list_head unwanted = LIST_HEAD_INIT(unwanted);   /* zombies, by sibling_link */
static u32 tasks;                                              /* that are in it */
static u32 pid_next, pid_limit = PID_MAX + 1; /* [pid_next, pid_limit) is nobody's */

void task_init(void)
{
    task_cache = kmem_cache_create("task", sizeof(struct task));
    if (!task_cache)
        panic("out of memory for the cache of tasks");
}

/* ---- finding ---- */

struct task *task_next(struct task *task)
{
    struct list_head *link = task ? task->all_link.next : all_tasks.next;

    return link == &all_tasks ? NULL : container_of(link, struct task, all_link);
}

struct task *task_find(u32 pid)
{
    struct rb_node *node = pid_tree.rb_node;

    while (node) {
        struct task *task = rb_entry(node, struct task, pid_node);

        if (task->pid == pid)
            return task;
        node = pid < task->pid ? node->rb_left : node->rb_right;
    }
    return NULL;
}

u32 task_count(void)
{
    return tasks;
}

struct task *task_by_stack_address(u32 addr)
{
    struct task *task;

    list_for_each_entry (task, &all_tasks, all_link)
        if (addr >= (u32)task->stack - PAGE_SIZE && addr < task_stack_top(task))
            return task;
    return NULL;
}

/* ---- pids ---- */

/* Lower pid_limit to `id` if it is in the way; true when it is pid_next itself. */
static bool in_the_way(u32 id)
{
    if (id > pid_next && id < pid_limit)
        pid_limit = id;
    return id == pid_next;
}

/* Find the next stretch of numbers that are nobody's pid, process group or session. */
static void pid_window(void)
{
    bool taken;

    do {
        struct task *task;

        if (pid_next > PID_MAX)
            pid_next = PID_AGAIN;
        pid_limit = PID_MAX + 1;
        taken = false;
        list_for_each_entry (task, &all_tasks, all_link) {
            taken |= in_the_way(task->pid);
            taken |= in_the_way(task->pgrp);
            taken |= in_the_way(task->session);
        }
        while (taken && ++pid_next <= PID_MAX && task_find(pid_next))
            ; /* a run of neighbours needs no walk for each */
    } while (taken);
}

static u32 pid_new(void)
{
    if (pid_next >= pid_limit)
        pid_window();
    return pid_next++;
}

/* Enter a task in the tree and, beside the node under which it comes to lie, in the list. */
static void pid_insert(struct task *task)
{
    struct rb_node **link = &pid_tree.rb_node, *parent = NULL;
    struct list_head *before = &all_tasks; /* the link that it follows */

    while (*link) {
        struct task *other = rb_entry(*link, struct task, pid_node);

        parent = *link;
        if (task->pid < other->pid) {
            before = other->all_link.prev;
            link = &parent->rb_left;
        } else {
            before = &other->all_link;
            link = &parent->rb_right;
        }
    }
    rb_link_node(&task->pid_node, parent, link);
    rb_insert_color(&task->pid_node, &pid_tree);
    list_add(&task->all_link, before);
}

/* ---- birth ---- */

struct task *task_alloc(const char *name, void (*start)(void *), void *arg)
{
    struct task *task;

    task_reap_unwanted();
    if (tasks >= TASKS_MAX)
        return NULL;
    task = kmem_cache_alloc(task_cache);
    if (!task)
        return NULL;
    memset(task, 0, offsetof(struct task, death_note) + 1);
    task->stack = vmalloc_aligned(THREAD_SIZE, PAGE_SIZE, __builtin_return_address(0));
    if (!task->stack) {
        kmem_cache_free(task_cache, task);
        return NULL;
    }
    thread_init(&task->thread, (u32)task_pt_regs(task), start, arg);
    strscpy(task->comm, name, sizeof(task->comm));
    task->state = TASK_SLEEPING;
    INIT_LIST_HEAD(&task->children);
    INIT_LIST_HEAD(&task->sibling_link);
    INIT_LIST_HEAD(&task->run_link);
    INIT_LIST_HEAD(&task->all_link);
    INIT_LIST_HEAD(&task->sleep_link);
    INIT_LIST_HEAD(&task->wait_link);
    wait_queue_init(&task->child_wait);
    return task;
}

void task_publish(struct task *task)
{
    task->pid = pid_new();
    task->start_time = jiffies_64();
    pid_insert(task);
    tasks++;
    task->parent = current;
    if (current)
        list_add_tail(&task->sibling_link, &current->children);
}

struct task *task_create(const char *name, void (*start)(void *), void *arg)
{
    struct task *task = task_alloc(name, start, arg);

    if (task) {
        memset(task_pt_regs(task), 0, sizeof(struct pt_regs));
        rlimits_init(
            task->rlimits); /* a thread of the kernel's that makes a process opens its files */
        task_publish(task);
    }
    return task;
}

static void __noreturn kthread_main(void *unused)
{
    (void)unused;
    local_irq_enable();
    current->entry(current->entry_arg);
    task_exit(0);
}

struct task *kthread_create(const char *name, void (*entry)(void *), void *arg)
{
    struct task *task = task_create(name, kthread_main, NULL);

    if (!task)
        return NULL;
    task->entry = entry;
    task->entry_arg = arg;
    wake_up_task(task);
    return task;
}

/* ---- death ---- */

void task_free(struct task *task)
{
    assert(task != current && list_empty(&task->run_link) && list_empty(&task->children));
    assert(!task->mm && !task->files && !task->signals);
    if (!list_empty(&task->all_link)) {
        list_del(&task->all_link);
        rb_erase(&task->pid_node, &pid_tree);
        tasks--;
    }
    list_del(&task->sibling_link);
    vfree(task->stack);
    kmem_cache_free(task_cache, task);
}

void task_reap_unwanted(void)
{
    while (unlikely(!list_empty(&unwanted)))
        task_free(list_first_entry(&unwanted, struct task, sibling_link));
}

/* The children of the current task lose their parent: the dead go, the living go on without. */
static void disown_children(void)
{
    struct task *task, *next;

    list_for_each_entry_safe (task, next, &current->children, sibling_link) {
        task->parent = NULL;
        if (task->state == TASK_ZOMBIE)
            task_free(task);
        else
            list_del_init(&task->sibling_link);
    }
}

void __noreturn task_exit(u32 exit_code)
{
    struct task *task = current;
    bool wanted;

    local_irq_enable(); /* what follows may take long */
    if (task->mm)
        process_release();
    disown_children();
    local_irq_disable();
    task->exit_code = exit_code;
    task->state = TASK_ZOMBIE;
    wanted = task->signals ? process_tell_parent() : task->parent != NULL;
    if (task->parent)
        wake_up(&task->parent->child_wait);
    if (!wanted) {
        list_move_tail(&task->sibling_link, &unwanted);
        task->parent = NULL;
    }
    schedule();
    panic("a dead task was scheduled");
}

/* ---- waiting, for kernel threads (processes: kernel/exit.c) ---- */

/* A child of the current task with that pid (0: any), one that has ended if there is one. */
static struct task *find_child(u32 pid)
{
    struct task *task, *alive = NULL;

    if (pid) {
        task = task_find(pid);
        return task && task->parent == current ? task : NULL;
    }
    list_for_each_entry (task, &current->children, sibling_link) {
        if (task->state == TASK_ZOMBIE)
            return task;
        alive = task;
    }
    return alive;
}

void task_collect(struct task *task)
{
    current->child_ticks += task->ticks + task->child_ticks;
    current->child_user_ticks += task->user_ticks + task->child_user_ticks;
    task_free(task);
}

static void collect(struct task *task, struct task_result *out)
{
    out->pid = task->pid;
    out->exit_code = task->exit_code;
    out->ticks = task->ticks;
    out->nvcsw = task->nvcsw;
    out->nivcsw = task->nivcsw;
    strscpy(out->death_note, task->death_note, sizeof(out->death_note));
    task_collect(task);
}

int task_try_wait(u32 pid, struct task_result *out)
{
    struct task *child = find_child(pid);

    if (!child)
        return -ECHILD;
    if (child->state != TASK_ZOMBIE)
        return -EAGAIN;
    collect(child, out);
    return 0;
}

struct task *task_wait_ended(u32 pid)
{
    struct task *child;

    wait_event(&current->child_wait, !(child = find_child(pid)) || child->state == TASK_ZOMBIE);
    return child;
}

int task_wait(u32 pid, struct task_result *out)
{
    struct task *child = task_wait_ended(pid);

    if (!child)
        return -ECHILD;
    collect(child, out);
    return 0;
}
