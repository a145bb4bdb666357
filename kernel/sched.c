/*
 * The scheduler: round robin over one run queue.
 *
 * Every ready task is in the queue except the running one. A timer tick ends the time slice of the
 * running task (one tick, 10 ms at HZ = 100), but only sets a flag: the switch happens when a trap
 * is about to return to ring 3, or when long work in the kernel calls cond_resched(). So kernel
 * code is never preempted; it yields only in schedule(), and data that it shares with other tasks
 * needs no lock as long as it does not call that in between. Data shared with interrupt handlers
 * (the run queue, the sleepers, wait queues, task states) is accessed with interrupts off.
 *
 * A signal also waits for the return to ring 3 and sets the same flag, need_resched, so that there
 * is only one test. Long work in the kernel tests another flag, turn_over, because otherwise it
 * would yield again and again while a signal is pending.
 *
 * A switch uses only the kernel half, which is the same everywhere, so the page directory can be
 * changed before the stack. A kernel thread has no directory of its own and keeps the loaded one:
 * if only kernel threads run between two time slices of a process, CR3 is not written.
 *
 * A task that is stopped (SIGSTOP) is neither ready nor in any list: only task_continue() makes it
 * ready. It stops on its return to ring 3, so it holds no resources of the kernel.
 *
 * The idle task is never in the queue: it runs when no other task can, and frees tasks that no
 * parent waits for.
 *
 * Neighbours: arch/x86 switches and ticks; kernel/task.c creates and ends the tasks;
 * kernel/process/signal.c sends and delivers signals.
 */
#include <arch/x86/irqflags.h>
#include <arch/x86/timer.h>
#include <arch/x86/trap.h>
#include <asm/errno.h>
#include <kernel/task.h>
#include <lib/panic.h>
#include <lib/resched.h>
#include <mm/frame/highmem.h>
#include <mm/user/mm.h>

struct cpu boot_cpu;

static struct list_head run_queue = LIST_HEAD_INIT(run_queue);
static struct list_head sleepers = LIST_HEAD_INIT(sleepers); /* by deadline, the nearest first */
static u64 jiffies;
static u32 stopped; /* tasks in TASK_STOPPED */

/* ---- the clock ---- */

static void wake_sleepers(void)
{
    while (!list_empty(&sleepers)) {
        struct task *task = list_first_entry(&sleepers, struct task, sleep_link);

        if (task->deadline > jiffies)
            break;
        wake_up_task(task);
    }
}

static void tick(bool user)
{
    jiffies++;
    wake_sleepers();
    if (current) {
        current->ticks++;
        current->user_ticks += user;
    }
    process_ops.tick(jiffies, user);
    this_cpu()->turn_over = true;
    this_cpu()->need_resched = true;
}

u64 jiffies_64(void)
{
    u32 flags = local_irq_save();
    u64 now = jiffies;

    local_irq_restore(flags);
    return now;
}

/* ---- choosing the next task ---- */

static struct task *pick_next(void)
{
    struct task *next;

    if (list_empty(&run_queue))
        return this_cpu()->idle;
    next = list_first_entry(&run_queue, struct task, run_link);
    list_del_init(&next->run_link);
    return next;
}

static void switch_tasks(struct task *prev, struct task *next)
{
    if (prev->state == TASK_RUNNING)
        prev->nivcsw++;
    else
        prev->nvcsw++;
    current = next;
    if (next->mm)
        mm_switch(next->mm);
    thread_load(&next->thread);
    switch_to(&prev->thread, &next->thread, task_stack_top(next));
}

void schedule(void)
{
    u32 flags = local_irq_save();
    struct task *prev = current, *next;

    assert_op(kmap_local_depth(), ==, 0); /* the next task would use the same slots */
    if (prev == this_cpu()->idle)
        assert(prev->state == TASK_RUNNING);
    else if (prev->state == TASK_RUNNING)
        list_add_tail(&prev->run_link, &run_queue);
    next = pick_next();
    this_cpu()->turn_over = false;
    this_cpu()->need_resched = next->sigpending;
    if (next != prev)
        switch_tasks(prev, next);
    local_irq_restore(flags);
}

void sched_prefer(u32 number)
{
    u32 flags = local_irq_save(), ready = list_count(&run_queue);
    struct list_head *link = run_queue.next;

    if (ready > 0) {
        for (number %= ready; number > 0; number--)
            link = link->next;
        list_move(link, &run_queue);
    }
    local_irq_restore(flags);
}

void sched_yield(void)
{
    schedule();
}

/*
 * The frame of a signal's handler may cause the next signal, so this repeats until no signal is
 * pending.
 */
static void before_return_to_user(struct pt_regs *regs)
{
    while (unlikely(this_cpu()->need_resched)) {
        if (signal_pending())
            process_ops.deliver(regs);
        schedule();
    }
}

/* ---- sleeping and waking ---- */

static void sleepers_insert(struct task *task, u64 deadline)
{
    struct task *later;

    task->deadline = deadline;
    list_for_each_entry (later, &sleepers, sleep_link)
        if (later->deadline > deadline)
            break;
    list_add_tail(&task->sleep_link, &later->sleep_link);
}

void sched_sleep_until(u64 deadline)
{
    u32 flags = local_irq_save();

    while (jiffies < deadline && !signal_pending()) {
        sleepers_insert(current, deadline);
        current->state = TASK_SLEEPING;
        schedule();
    }
    local_irq_restore(flags);
}

void sched_sleep(u32 ticks)
{
    if (ticks)
        sched_sleep_until(jiffies_64() + ticks + 1);
}

void wake_up_task(struct task *task)
{
    u32 flags = local_irq_save();

    if (task->state == TASK_SLEEPING) {
        list_del_init(&task->sleep_link);
        list_del_init(&task->wait_link);
        task->state = TASK_RUNNING;
        list_add_tail(&task->run_link, &run_queue);
    }
    local_irq_restore(flags);
}

u64 deadline_resumed(u64 deadline)
{
    u64 first = current->restart_deadline;

    current->restart_deadline = 0;
    return first ? first : deadline;
}

void task_stop(u32 signal)
{
    current->stop_signal = signal;
    current->continued = false;
    current->state = TASK_STOPPED;
    stopped++;
    if (current->parent)
        wake_up(&current->parent->child_wait);
    schedule();
}

void task_continue(struct task *task, bool tell)
{
    u32 flags = local_irq_save();

    if (task->state == TASK_STOPPED) {
        stopped--;
        task->stop_signal = 0;
        task->continued = tell;
        if (tell && task->parent)
            wake_up(&task->parent->child_wait);
        task->state = TASK_RUNNING;
        list_add_tail(&task->run_link, &run_queue);
    }
    local_irq_restore(flags);
}

u32 tasks_stopped(void)
{
    return stopped;
}

void wait_queue_sleep(struct wait_queue *queue)
{
    list_add_tail(&current->wait_link, &queue->tasks);
    current->state = TASK_SLEEPING;
    schedule();
}

void wait_queue_sleep_until(struct wait_queue *queue, u64 deadline)
{
    sleepers_insert(current, deadline);
    wait_queue_sleep(queue);
}

u32 wake_up_count;
struct wait_queue poll_waiters = WAIT_QUEUE_INIT(poll_waiters);

void wake_up(struct wait_queue *queue)
{
    u32 flags = local_irq_save();

    wake_up_count++;
    while (!list_empty(&queue->tasks))
        wake_up_task(list_first_entry(&queue->tasks, struct task, wait_link));
    while (!list_empty(&poll_waiters.tasks))
        wake_up_task(list_first_entry(&poll_waiters.tasks, struct task, wait_link));
    local_irq_restore(flags);
}

/* ---- start ---- */

static void __noreturn idle_main(void *unused)
{
    (void)unused;
    for (;;) {
        local_irq_enable();
        task_reap_unwanted();
        local_irq_disable();
        if (list_empty(&run_queue))
            irq_enable_and_halt();
        else
            schedule();
    }
}

void sched_init(void)
{
    task_init();
    trap_set_return_hook(before_return_to_user);
    resched_hook = (struct resched_hook){
        .needed = &boot_cpu.turn_over, .resched = schedule, .ending = process_ops.ending};
    pit_init(tick);
}

void __noreturn sched_start(const char *name, void (*entry)(void *), void *arg)
{
    static struct thread boot_thread; /* saved once, never resumed */
    struct task *idle, *first;

    local_irq_disable();
    idle = task_create("idle", idle_main, NULL);
    first = kthread_create(name, entry, arg);
    if (!idle || !first)
        panic("out of memory for the first two tasks");
    idle->state = TASK_RUNNING;
    this_cpu()->idle = idle;
    current = pick_next();
    switch_to(&boot_thread, &current->thread, task_stack_top(current));
    panic("the boot stack was resumed");
}
