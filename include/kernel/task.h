/*
 * Tasks: what the scheduler runs. A kernel thread has no address space of its own (mm == NULL) and
 * runs in whatever is loaded; a process has one. Linux's names where Linux has the thing.
 */
#pragma once

#include <arch/x86/irqflags.h>
#include <arch/x86/regs.h>
#include <arch/x86/switch.h>
#include <lib/list.h>
#include <lib/types.h>
#include <lib/wait.h>
#include <linux/resource.h>
#include <mm/layout.h>

struct mm;
struct files;
struct inode;
struct pid;
struct signals;

enum task_state {
    TASK_RUNNING,  /* runs or is ready */
    TASK_SLEEPING, /* waits for wake_up(), its deadline, or (in a process) a signal */
    TASK_STOPPED,  /* by SIGSTOP, SIGTSTP and others; SIGCONT or SIGKILL goes on */
    TASK_ZOMBIE,   /* has ended; waits for task_wait() */
};

#define TASK_COMM_LEN  16
#define DEATH_NOTE_LEN 240 /* a name, what it did, and a short explanation of an address */

enum pid_kind { PID_OWN, PID_PGRP, PID_SESSION, PID_KINDS };

struct task {
    struct thread thread;
    enum task_state state;
    bool sigpending; /* a signal is to be delivered (kernel/process/signal.c keeps it right) */
    bool quiet;      /* its SIGSEGV line is kept in death_note only, not printed */
    u32 pid;
    u32 pgrp, session; /* pids of their leaders (man 2 setpgid, setsid) */
    char comm[TASK_COMM_LEN];
    void *stack; /* lowest address, in the vmalloc area */
    struct mm *mm;
    /* NULL for kernel threads: descriptors (kernel/process/fdtable.h), and signals (signal.h) */
    struct files *files;
    struct signals *signals;
    struct inode *cwd;  /* with a reference; NULL for kernel threads */
    struct inode *root; /* where its "/" is, by chroot(), with a reference; NULL: the root of all */
    struct inode *exe;  /* the program's file, with a reference; NULL for kernel threads */
    u32 umask;
    s32 nice; /* what setpriority() said, -20..19: told back, and not heeded. Fork copies it */
    struct rlimit rlimits[RLIM_NLIMITS]; /* struct rlimit of <linux/resource.h>: two u32 */
    struct task *parent;                 /* NULL: an orphan, or the first threads */
    struct list_head children;           /* by sibling_link, the oldest first */
    struct list_head sibling_link;
    struct wait_queue child_wait; /* it sleeps here until a child ends, stops, goes on, or execs */
    struct list_head run_link;    /* in the run queue, when ready */
    struct list_head all_link;    /* in the list of all tasks */
    struct list_head sleep_link;  /* in the list of sleepers, when a deadline is set */
    struct list_head wait_link;   /* in a wait queue */
    struct pid *pids[PID_KINDS];  /* what keeps its three numbers (kernel/pid.c) */
    u64 deadline;                 /* tick */
    u32 exit_code;                /* as wait4() reports it: status << 8, or the signal */
    u32 exit_signal;              /* what the parent gets when it ends: SIGCHLD, or 0 */
    u32 stop_signal;              /* TASK_STOPPED: which; 0 once wait4(WUNTRACED) has told */
    bool continued;               /* SIGCONT came, and wait4(WCONTINUED) has not told yet */
    bool execed;                  /* has called execve() since it was made (man 2 setpgid) */
    struct task *vfork_parent;    /* sleeps until this task has exec'ed or ended, */
    struct task *vfork_child;     /* and this is how it knows */
    u32 clear_child_tid;          /* user address, 0 for none (man 2 set_tid_address) */
    u32 ticks;                    /* timer ticks that found it running */
    u32 user_ticks;               /* of these, in ring 3 */
    u32 child_ticks, child_user_ticks; /* of children that were waited for, with theirs */
    u32 nvcsw, nivcsw;     /* switches away: because it waited, because its time was up */
    u64 start_time;        /* tick */
    u64 restart_deadline;  /* tick: deadline_resumed() */
    void (*entry)(void *); /* kernel threads: what to run, with what */
    void *entry_arg;
    /*
     * Why the kernel ended it; empty when it exited by itself. The last, as task_alloc() does not
     * clear it.
     */
    char death_note[DEATH_NOTE_LEN];
};

/* What a processor is doing. One today; a second one would find its own here. */
struct cpu {
    struct task *current;
    struct task *idle;
    bool need_resched; /* before ring 3: schedule(), or current has a signal. One test for both */
    bool turn_over;    /* a tick has passed: long work in the kernel gives way (cond_resched) */
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

/*
 * What it calls its parent: an orphan's is said to be 1, as on Linux; the first threads have none.
 */
static inline u32 task_ppid(const struct task *task)
{
    if (task->parent)
        return task->parent->pid;
    return task->pid > 1 ? 1 : 0;
}

/*
 * What a task that is a process needs of the floor above, kernel/process/, which fills this in
 * (process_init(), before the first task). `current` is meant everywhere.
 */
struct process_ops {
    void (*tick)(u64 now, bool user);      /* a timer tick, in an interrupt; current may be NULL */
    void (*deliver)(struct pt_regs *regs); /* a signal is pending, on the way to ring 3 */
    bool (*ending)(void);                  /* SIGKILL has come */
    void (*release)(void);     /* at its end: give back all but signals and descriptor; may yield */
    bool (*tell_parent)(void); /* then, as a zombie: the signals, too. True: somebody will wait */
    /* An exception of ring 3: a signal of that number and si_code; the text is why, if it kills. */
    void (*fault)(u32 signal, s32 code, u32 addr, const char *fmt, ...) __printf(4, 5);
    bool (*catches)(u32 signal); /* a handler is there, which a signal of the processor's reaches */
};
extern struct process_ops process_ops;

/* ---- tasks (kernel/task.c) ---- */

/*
 * A task, asleep, that will begin in start(arg) with interrupts off; start must not return. It has
 * no pid and nobody sees it: until task_publish(), or task_free() when something else fails. The
 * slot of task_pt_regs() stays free and is not filled. NULL when out of memory, or with 10822
 * tasks.
 */
__must_check struct task *task_alloc(const char *name, void (*start)(void *), void *arg);

/*
 * Give it a pid and make it the youngest child of the current task. wake_up_task() then lets it
 * begin.
 */
void task_publish(struct task *task);

/* Both at once; the slot of task_pt_regs() is cleared. */
__must_check struct task *task_create(const char *name, void (*start)(void *), void *arg);

/*
 * Free the stack and the descriptor of a task that has ended or was never woken, and that has given
 * back everything else.
 */
void task_free(struct task *task);

/*
 * Free a child of the current task that has ended; its times become those of the parent's children.
 */
void task_collect(struct task *task);

/* Free the tasks that have ended and that nobody will wait for. The idle task calls it. */
void task_reap_unwanted(void);

/* How many there are, kernel threads and zombies included. */
u32 task_count(void);

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

/*
 * When a call ends that waits until tick `deadline`: as it was the first time, if a signal without
 * a handler has cut it short and it is made again. Such a call leaves its deadline in
 * task->restart_deadline.
 */
u64 deadline_resumed(u64 deadline);

/* Make a sleeping task ready; one that is stopped stays so. Any context. */
void wake_up_task(struct task *task);

/*
 * For kernel/process/signal.c, when it delivers: stop the current process until task_continue().
 * Its parent's waitpid() is woken; SIGCHLD is the caller's. Interrupts off.
 */
void task_stop(u32 signal);

/*
 * For kernel/process/signal.c, when it sends SIGCONT or SIGKILL: make a stopped task ready. `tell`:
 * it goes on (SIGCONT), and its parent's waitpid() hears of it. Nothing when it is not stopped. Any
 * context.
 */
void task_continue(struct task *task, bool tell);

/* How many are stopped. */
u32 tasks_stopped(void);

/*
 * True when the current task should give up what takes long or waits: a signal is to be delivered
 * (kernel/process/signal.h sends them). Kernel threads get none.
 */
static inline bool signal_pending(void)
{
    return current->sigpending;
}

/*
 * End the current task. What it has goes at once; its stack goes when its parent waits for it, or
 * by itself when nobody will. Its own children go on without a parent.
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
    char death_note[DEATH_NOTE_LEN];
};
__must_check int task_wait(u32 pid, struct task_result *out);

/*
 * Wait until that child has ended, without collecting it: its descriptor is there until
 * task_wait(). NULL when there is no such child.
 */
struct task *task_wait_ended(u32 pid);

/* Like task_wait(), but -EAGAIN when the child has not ended yet. */
__must_check int task_try_wait(u32 pid, struct task_result *out);

/* The state in one word, which tells the running task from those that are ready. */
const char *task_state_name(const struct task *task);

/* Walk all tasks in order of pid; NULL past the last. */
struct task *task_next(struct task *task);
struct task *task_find(u32 pid);

/* The task whose stack, or the guard page below it, holds addr; NULL when none. */
struct task *task_by_stack_address(u32 addr);

/* Ticks since start-up. */
u64 jiffies_64(void);

/* ---- wait queues ---- */

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
 * Results of a system call that a signal cut short; programs never see them. When a handler runs,
 * ERESTARTSYS is EINTR unless SA_RESTART, ERESTARTNOHAND is EINTR. When none runs, the call is made
 * again.
 */
#define ERESTARTSYS    512
#define ERESTARTNOHAND 514

/*
 * wait_event(), but a signal ends the sleep: 0 when the condition holds, -ERESTARTSYS when a signal
 * came first.
 */
#define wait_event_interruptible(queue, condition)                                                 \
    ({                                                                                             \
        u32 wait_flags = local_irq_save();                                                         \
        int wait_result = 0;                                                                       \
        while (!(condition)) {                                                                     \
            if (signal_pending()) {                                                                \
                wait_result = -ERESTARTSYS;                                                        \
                break;                                                                             \
            }                                                                                      \
            wait_queue_sleep(queue);                                                               \
        }                                                                                          \
        local_irq_restore(wait_flags);                                                             \
        wait_result;                                                                               \
    })

/*
 * Put the current task on the queue, switch away, return once woken, or at the latest when
 * jiffies_64() has reached `deadline`. Interrupts off, before and after.
 */
void wait_queue_sleep(struct wait_queue *queue);
void wait_queue_sleep_until(struct wait_queue *queue, u64 deadline);

/*
 * Wake everybody on the queue. Any context. It also counts itself in wake_up_count and wakes
 * poll_waiters: a task has one wait_link, so poll() waits there for whatever may happen to any of
 * its files, and looks again (kernel/syscall/sys_poll.c).
 */
void wake_up(struct wait_queue *queue);
extern u32 wake_up_count; /* wraps; changed with interrupts off */
extern struct wait_queue poll_waiters;
