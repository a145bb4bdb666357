/*
 * Tasks from birth to burial.
 *
 * A task is a descriptor from a slab cache and a kernel stack from the vmalloc area, where the page
 * below each stack is never mapped: an overflow faults at once instead of eating a neighbour. The
 * top of the stack is kept free for the registers of ring 3 (task_pt_regs()), whether the task will
 * ever be there or not, so that all stacks look alike in a debugger.
 *
 * A task cannot free the stack it stands on. It gives away everything else, becomes a zombie and is
 * freed by its parent's task_wait(). When the parent ends first, the zombies among its children are
 * freed with it, and the living become orphans, which the idle task frees when they have ended.
 *
 * The list of all tasks is only changed by tasks, which are not preempted in the kernel, so it
 * needs no lock; interrupt handlers may wake a task but do not walk the list.
 *
 * Limits: pids run to PID_MAX and then start again, past those still taken. Finding a task is a
 * walk.
 *
 * Neighbours: kernel/sched.c runs what is made here; kernel/process.c makes user processes of it.
 */
#include <arch/x86/irqflags.h>
#include <asm/errno.h>
#include <kernel/task.h>
#include <lib/panic.h>
#include <lib/string.h>
#include <mm/mm.h>
#include <mm/slab.h>
#include <mm/vmalloc.h>

#define PID_MAX 32767 /* Linux's default */

static struct kmem_cache *task_cache __ro_after_init;
static struct list_head all_tasks = LIST_HEAD_INIT(all_tasks); /* by pid */
static struct wait_queue child_ended = WAIT_QUEUE_INIT(child_ended);
static u32 orphans_ended;

void task_init(void)
{
    task_cache = kmem_cache_create("task", sizeof(struct task));
    if (!task_cache)
        panic("out of memory for the cache of tasks");
}

/* ---- the list ---- */

struct task *task_next(struct task *task)
{
    struct list_head *link = task ? task->all_link.next : all_tasks.next;

    return link == &all_tasks ? NULL : container_of(link, struct task, all_link);
}

struct task *task_find(u32 pid)
{
    struct task *task;

    list_for_each_entry (task, &all_tasks, all_link)
        if (task->pid == pid)
            return task;
    return NULL;
}

struct task *task_by_stack_address(u32 addr)
{
    struct task *task;

    list_for_each_entry (task, &all_tasks, all_link)
        if (addr >= (u32)task->stack - PAGE_SIZE && addr < task_stack_top(task))
            return task;
    return NULL;
}

static u32 pid_new(void)
{
    static u32 next;
    u32 pid;

    do {
        pid = next;
        next = pid < PID_MAX ? pid + 1 : 1;
    } while (task_find(pid));
    return pid;
}

static void list_insert(struct task *task)
{
    struct task *after;

    list_for_each_entry (after, &all_tasks, all_link)
        if (after->pid > task->pid)
            break;
    list_add_tail(&task->all_link, &after->all_link);
}

/* ---- birth ---- */

struct task *task_create(const char *name, void (*start)(void *), void *arg)
{
    struct task *task = kmem_cache_alloc(task_cache);

    if (!task)
        return NULL;
    memset(task, 0, sizeof(*task));
    task->stack = vmalloc_aligned(THREAD_SIZE, PAGE_SIZE, __builtin_return_address(0));
    if (!task->stack) {
        kmem_cache_free(task_cache, task);
        return NULL;
    }
    memset(task_pt_regs(task), 0, sizeof(struct pt_regs));
    thread_init(&task->thread, (u32)task_pt_regs(task), start, arg);
    strscpy(task->comm, name, sizeof(task->comm));
    task->state = TASK_SLEEPING;
    task->parent = current;
    INIT_LIST_HEAD(&task->run_link);
    INIT_LIST_HEAD(&task->sleep_link);
    INIT_LIST_HEAD(&task->wait_link);
    task->pid = pid_new();
    list_insert(task);
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
    assert(task != current && list_empty(&task->run_link) && !task->mm);
    list_del(&task->all_link);
    vfree(task->stack);
    kmem_cache_free(task_cache, task);
}

static void disown_children(void)
{
    struct task *task, *next;

    list_for_each_entry_safe (task, next, &all_tasks, all_link) {
        if (task->parent != current)
            continue;
        if (task->state == TASK_ZOMBIE)
            task_free(task);
        else
            task->parent = NULL;
    }
}

void task_reap_orphans(void)
{
    struct task *task, *next;

    if (!orphans_ended)
        return;
    orphans_ended = 0;
    list_for_each_entry_safe (task, next, &all_tasks, all_link)
        if (task->state == TASK_ZOMBIE && !task->parent)
            task_free(task);
}

void __noreturn task_exit(u32 exit_code)
{
    struct mm *mm = current->mm;

    if (mm) {
        current->mm = NULL;
        mm_destroy(mm);
    }
    disown_children();
    if (!current->parent)
        orphans_ended++;
    local_irq_disable();
    current->exit_code = exit_code;
    current->state = TASK_ZOMBIE;
    wake_up(&child_ended);
    schedule();
    panic("a dead task was scheduled");
}

/* A child of the current task with that pid (0: any), one that has ended if there is one. */
static struct task *find_child(u32 pid)
{
    struct task *task, *alive = NULL;

    list_for_each_entry (task, &all_tasks, all_link) {
        if (task->parent != current || (pid && task->pid != pid))
            continue;
        if (task->state == TASK_ZOMBIE)
            return task;
        alive = task;
    }
    return alive;
}

static void collect(struct task *task, struct task_result *out)
{
    out->pid = task->pid;
    out->exit_code = task->exit_code;
    out->ticks = task->ticks;
    out->nvcsw = task->nvcsw;
    out->nivcsw = task->nivcsw;
    memcpy(out->death_note, task->death_note, sizeof(out->death_note));
    task_free(task);
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

    wait_event(&child_ended, !(child = find_child(pid)) || child->state == TASK_ZOMBIE);
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
