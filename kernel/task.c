/*
 * Tasks: creation, end and freeing.
 *
 * A task is a descriptor from a slab cache and a kernel stack from the vmalloc area, where the page
 * below each stack is never mapped: an overflow faults immediately instead of overwriting other
 * memory. The top of the stack is reserved for the registers of ring 3 (task_pt_regs()), even if
 * the task never runs there, so that all stacks look the same in a debugger. A stack is zeroed, as
 * in Linux: it contains no old data of its frames, and no code of GRUB, because QEMU needs ten
 * times as long to write to a page that contains code it has translated.
 *
 * Creation has two steps. task_alloc() allocates the memory and can fail; task_publish() assigns
 * the pid and adds the task to the lists, and cannot fail. The work in between, such as the copy of
 * an address space, may yield, and no other task finds an incomplete process.
 *
 * A task cannot free the stack on which it runs. It frees everything else and becomes a zombie,
 * which its parent frees when it waits for it. A zombie that no parent will wait for, because the
 * parent ended first or ignores SIGCHLD, is put on a list, which the idle task, or the next
 * task_alloc(), frees.
 *
 * The lists are only changed by tasks, which are not preempted in the kernel, so they need no lock.
 *
 * The resources of a task can be found through it (/proc, the list of all tasks) until its last
 * step, even while its end yields: so each field is cleared before its resource is released
 * (lib/detach.h). task_check() checks this for the audit.
 *
 * Neighbours: kernel/pid.c numbers and finds tasks; kernel/sched.c runs them;
 * kernel/process/process.c and fork.c create processes, kernel/process/exit.c ends them.
 */
#include <arch/x86/irqflags.h>
#include <asm/errno.h>
#include <kernel/pid.h>
#include <kernel/rlimit.h>
#include <kernel/task.h>
#include <lib/kasan.h>
#include <lib/panic.h>
#include <lib/resched.h>
#include <lib/string.h>
#include <mm/frame/slab.h>
#include <mm/kva/vmalloc.h>
#include <mm/user/mm.h>

struct process_ops process_ops __ro_after_init;
static struct kmem_cache *task_cache __ro_after_init;
static struct list_head unwanted = LIST_HEAD_INIT(unwanted); /* zombies, by sibling_link */

void task_init(void)
{
    task_cache = kmem_cache_create("task", sizeof(struct task));
    if (!task_cache)
        panic("out of memory for the cache of tasks");
    pid_init();
}

/* ---- creation ---- */

static void free_memory(struct task *task)
{
    pid_detach(task);
    vfree(task->stack);
    if (task->stack)
        kasan_poison(task->stack, THREAD_SIZE, KASAN_STACK_FREE);
    kmem_cache_free(task_cache, task);
}

struct task *task_alloc(const char *name, void (*start)(void *), void *arg)
{
    struct task *task;

    task_reap_unwanted();
    task = kmem_cache_alloc(task_cache);
    if (!task)
        return NULL;
    memset(task, 0, offsetof(struct task, death_note) + 1);
    task->pids[PID_OWN] = pid_alloc();
    task->stack = vmalloc_aligned(THREAD_SIZE, PAGE_SIZE, __builtin_return_address(0));
    INIT_LIST_HEAD(&task->all_link);
    if (!task->stack || !task->pids[PID_OWN]) {
        free_memory(task);
        return NULL;
    }
    memset(task->stack, 0, THREAD_SIZE);
    thread_init(&task->thread, (u32)task_pt_regs(task), start, arg);
    strscpy(task->comm, name, sizeof(task->comm));
    task->state = TASK_SLEEPING;
    INIT_LIST_HEAD(&task->children);
    INIT_LIST_HEAD(&task->sibling_link);
    INIT_LIST_HEAD(&task->run_link);
    INIT_LIST_HEAD(&task->sleep_link);
    INIT_LIST_HEAD(&task->wait_link);
    wait_queue_init(&task->child_wait);
    return task;
}

void task_publish(struct task *task)
{
    pid_attach(task);
    task->start_time = jiffies_64();
    task->parent = current;
    if (current)
        list_add_tail(&task->sibling_link, &current->children);
}

struct task *task_create(const char *name, void (*start)(void *), void *arg)
{
    struct task *task = task_alloc(name, start, arg);

    if (task) {
        /* A kernel thread needs limits, too: it opens the files of a process that it creates. */
        rlimits_init(task->rlimits);
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

/* ---- end ---- */

void task_free(struct task *task)
{
    assert(task != current && list_empty(&task->run_link) && list_empty(&task->children));
    assert(!task->mm && !task->files && !task->signals);
    assert(!task->cwd && !task->root && !task->exe);
    list_del(&task->sibling_link);
    free_memory(task);
}

void task_reap_unwanted(void)
{
    while (unlikely(!list_empty(&unwanted)))
        task_free(list_first_entry(&unwanted, struct task, sibling_link));
}

/*
 * The children of the current task lose their parent: zombies are freed later, the others continue.
 */
static void disown_children(void)
{
    while (!list_empty(&current->children)) {
        struct task *task = list_first_entry(&current->children, struct task, sibling_link);

        task->parent = NULL;
        if (task->state == TASK_ZOMBIE)
            task_free(task);
        else
            list_del_init(&task->sibling_link);
        cond_resched();
    }
}

void __noreturn task_exit(u32 exit_code)
{
    struct task *task = current;
    bool wanted;

    local_irq_enable(); /* what follows may take long */
    if (task->mm)
        process_ops.release();
    disown_children();
    local_irq_disable();
    task->exit_code = exit_code;
    task->state = TASK_ZOMBIE;
    wanted = task->signals ? process_ops.tell_parent() : task->parent != NULL;
    if (task->parent)
        wake_up(&task->parent->child_wait);
    if (!wanted) {
        list_move_tail(&task->sibling_link, &unwanted);
        task->parent = NULL;
    }
    schedule();
    panic("a dead task was scheduled");
}

/* ---- waiting, for kernel threads (processes: kernel/process/exit.c) ---- */

/* A child of the current task with that pid (0: any), preferably one that has ended. */
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

const char *task_state_name(const struct task *task)
{
    switch (task->state) {
    case TASK_RUNNING:
        return task == current ? "running" : "ready";
    case TASK_SLEEPING:
        return "sleeping";
    case TASK_STOPPED:
        return "stopped";
    case TASK_ZOMBIE:
        return "zombie";
    }
    return "?";
}
