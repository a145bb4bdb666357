/*
 * Tasks: what the scheduler runs. A kernel thread has no address space of its own (mm == NULL) and
 * runs in whatever is loaded; a process has one. Linux's names where Linux has the thing.
 */
#pragma once

#include <arch/x86/regs.h>
#include <arch/x86/switch.h>
#include <lib/list.h>
#include <lib/types.h>
#include <mm/layout.h>

struct mm;

enum task_state {
    TASK_RUNNING,  /* runs or is ready */
    TASK_SLEEPING, /* waits for wake_up() or its deadline */
    TASK_ZOMBIE,   /* has ended; waits for task_wait() */
};

#define TASK_COMM_LEN 16

struct task {
    struct thread thread;
    enum task_state state;
    u32 pid;
    char comm[TASK_COMM_LEN];
    void *stack; /* lowest address, in the vmalloc area */
    struct mm *mm;
    struct task *parent;
    struct list_head run_link;   /* in the run queue, when ready */
    struct list_head all_link;   /* in the list of all tasks */
    struct list_head sleep_link; /* in the list of sleepers, when a deadline is set */
    struct list_head wait_link;  /* in a wait queue */
    u64 deadline;                /* tick */
    u32 exit_code;               /* as wait4() reports it: status << 8, or the signal */
    u32 pending_signal;          /* processes: 0, or what ends it before it is in ring 3 again */
    bool quiet;                  /* its SIGSEGV line is kept in death_note only, not printed */
    char death_note[160];        /* why the kernel ended it; empty when it exited by itself */
    u32 ticks;                   /* timer ticks that found it running */
    u32 nvcsw, nivcsw;           /* switches away: because it waited, because its time was up */
    void (*entry)(void *);       /* kernel threads: what to run, with what */
    void *entry_arg;
};

/* What a processor is doing. One today; a second one would find its own here. */
struct cpu {
    struct task *current;
    struct task *idle;
    bool
        need_resched; /* before ring 3, call schedule(), or current has a signal: one test for both */
};
extern struct cpu boot_cpu;

static inline struct cpu *this_cpu(void)
{
    return &boot_cpu;
}

#define current (this_cpu()->current)

static inline u32 task_stack_top(const struct task *task)
{
    return (u32)task->stack + THREAD_SIZE;
}

/* The registers with which a process entered the kernel. */
static inline struct pt_regs *task_pt_regs(const struct task *task)
{
    return (struct pt_regs *)(task_stack_top(task) - sizeof(struct pt_regs));
}

/* ---- tasks (kernel/task.c) ---- */

/*
 * A task, asleep, that will begin in start(arg) with interrupts off; start must not return.
 * wake_up_task() lets it begin. Its parent is the current task. The slot of task_pt_regs() is
 * cleared and stays free. NULL when out of memory.
 */
__must_check struct task *task_create(const char *name, void (*start)(void *), void *arg);

/* Free the stack and the descriptor of a task that has ended or was never woken. */
void task_free(struct task *task);

/* Free the tasks that have ended after their parent did. The idle task calls it. */
void task_reap_orphans(void);

/* ---- scheduler (kernel/sched.c) ---- */

/*
 * Make the cache of tasks, start the timer, hook the way back to ring 3. After slab_init(),
 * vmalloc_init() and pic_init().
 */
void sched_init(void);
void task_init(void); /* its part in kernel/task.c */

/* Leave the boot stack: create the idle task and a first kernel thread that runs entry. */
void __noreturn sched_start(const char *name, void (*entry)(void *), void *arg);

/* A kernel thread, ready to run; NULL when out of memory. It ends with task_exit(). */
__must_check struct task *kthread_create(const char *name, void (*entry)(void *), void *arg);

/* Give the processor to the next ready task. The caller stays ready if it is TASK_RUNNING. */
void schedule(void);

/* Let others run. */
void sched_yield(void);

/* Sleep for at least `ticks` timer ticks: the one that is already running does not count. */
void sched_sleep(u32 ticks);

/* Sleep until jiffies_64() has reached `deadline`, or the process gets a signal. */
void sched_sleep_until(u64 deadline);

/* Make a sleeping task ready. Any context. */
void wake_up_task(struct task *task);

/*
 * End a process with a signal the next time it would return to ring 3; if it sleeps there, it wakes.
 * Nothing happens when it has ended already. -EPERM for a kernel thread. Any context.
 */
int task_signal(struct task *task, u32 signal);

/*
 * True when the current task is about to be ended by a signal: what takes long in the kernel should
 * give up.
 */
static inline bool signal_pending(void)
{
    return current->pending_signal != 0;
}

/*
 * End the current task. Its address space goes at once; its stack goes when task_wait() collects
 * it, or by itself when its parent has ended. Its own children go on without a parent.
 */
void __noreturn task_exit(u32 exit_code);

/*
 * Wait for a child of the current task: a given pid, or 0 for any. 0 and *out filled (with
 * exit_code, times and death note as they were at the end), -ECHILD when there is no such child.
 */
struct task_result {
    u32 pid;
    u32 exit_code;
    u32 ticks, nvcsw, nivcsw;
    char death_note[160];
};
__must_check int task_wait(u32 pid, struct task_result *out);

/*
 * Wait until that child has ended, without collecting it: its descriptor is there until task_wait().
 * NULL when there is no such child.
 */
struct task *task_wait_ended(u32 pid);

/* Like task_wait(), but -EAGAIN when the child has not ended yet. */
__must_check int task_try_wait(u32 pid, struct task_result *out);

/* Walk all tasks in order of pid; NULL past the last. */
struct task *task_next(struct task *task);
struct task *task_find(u32 pid);

/* The task whose stack, or the guard page below it, holds addr; NULL when none. */
struct task *task_by_stack_address(u32 addr);

/* Ticks since start-up. */
u64 jiffies_64(void);

/* ---- wait queues ---- */

struct wait_queue {
    struct list_head tasks; /* lock: interrupts off */
};
#define WAIT_QUEUE_INIT(name)                                                                      \
    {                                                                                              \
        LIST_HEAD_INIT((name).tasks)                                                               \
    }

/*
 * Sleep until condition holds. It is evaluated with interrupts off, so that a wake-up between check
 * and sleep is not lost.
 */
#define wait_event(queue, condition)                                                               \
    do {                                                                                           \
        u32 wait_flags = local_irq_save();                                                         \
        while (!(condition))                                                                       \
            wait_queue_sleep(queue);                                                               \
        local_irq_restore(wait_flags);                                                             \
    } while (0)

/*
 * The same, but for at most `ticks` timer ticks: true when the condition held, false when the time
 * was over first.
 */
#define wait_event_timeout(queue, condition, ticks)                                                \
    ({                                                                                             \
        u64 wait_deadline = jiffies_64() + (ticks) + 1;                                            \
        u32 wait_flags = local_irq_save();                                                         \
        bool wait_held;                                                                            \
        while (!(wait_held = (condition)) && jiffies_64() < wait_deadline)                         \
            wait_queue_sleep_until(queue, wait_deadline);                                          \
        local_irq_restore(wait_flags);                                                             \
        wait_held;                                                                                 \
    })

/*
 * Put the current task on the queue, switch away, return once woken, or at the latest when
 * jiffies_64() has reached `deadline`. Interrupts off, before and after.
 */
void wait_queue_sleep(struct wait_queue *queue);
void wait_queue_sleep_until(struct wait_queue *queue, u64 deadline);

/* Wake everybody on the queue. Any context. */
void wake_up(struct wait_queue *queue);
