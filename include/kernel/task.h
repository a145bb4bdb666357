/*
 * Tasks: the units that the scheduler runs. A kernel thread has no address space of its own (mm ==
 * NULL) and runs in the one that is loaded; a process has one. Names are Linux's where Linux has
 * the same.
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
    TASK_RUNNING,  /* running or ready */
    TASK_SLEEPING, /* waits for wake_up(), its deadline, or (in a process) a signal */
    TASK_STOPPED,  /* by SIGSTOP, SIGTSTP and others; SIGCONT or SIGKILL continues it */
    TASK_ZOMBIE,   /* has ended; waits for task_wait() */
};

#define TASK_COMM_LEN  16
#define DEATH_NOTE_LEN 240 /* a name, the reason, and a short explanation of an address */

enum pid_kind { PID_OWN, PID_PGRP, PID_SESSION, PID_KINDS };

struct task {
    struct thread thread;
    enum task_state state;
    bool sigpending; /* a signal is to be delivered (set by kernel/process/signal.c) */
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
    struct inode *root; /* its "/", set by chroot(), with a reference; NULL: the tree's root */
    struct inode *exe;  /* the program's file, with a reference; NULL for kernel threads */
    u32 umask;
    s32 nice; /* set by setpriority(), -20..19: returned, but not used. Fork copies it */
    struct rlimit rlimits[RLIM_NLIMITS]; /* struct rlimit of <linux/resource.h>: two u32 */
    struct task *parent;                 /* NULL: an orphan, or the first threads */
    struct list_head children;           /* by sibling_link, the oldest first */
    struct list_head sibling_link;
    struct wait_queue child_wait; /* sleeps here until a child ends, stops, continues or execs */
    struct list_head run_link;    /* in the run queue, when ready */
    struct list_head all_link;    /* in the list of all tasks */
    struct list_head sleep_link;  /* in the list of sleepers, when a deadline is set */
    struct list_head wait_link;   /* in a wait queue */
    struct pid *pids[PID_KINDS];  /* these hold its three numbers (kernel/pid.c) */
    u64 deadline;                 /* tick */
    u32 exit_code;                /* as wait4() reports it: status << 8, or the signal */
    u32 exit_signal;              /* signal to the parent when it ends: SIGCHLD, or 0 */
    u32 stop_signal;              /* TASK_STOPPED: the signal; 0 when wait4() has reported it */
    bool continued;               /* SIGCONT came, and wait4(WCONTINUED) has not reported it yet */
    bool execed;                  /* has called execve() since its creation (man 2 setpgid) */
    struct task *vfork_parent;    /* sleeps until this task has exec'ed or ended, */
    struct task *vfork_child;     /* in the parent: that task */
    u32 clear_child_tid;          /* user address, 0 for none (man 2 set_tid_address) */
    u32 ticks;                    /* timer ticks that found it running */
    u32 user_ticks;               /* of these, in ring 3 */
    u32 child_ticks, child_user_ticks; /* of children that were waited for, with theirs */
    u32 nvcsw, nivcsw;     /* context switches: because it waited; because its time was up */
    u64 start_time;        /* tick */
    u64 restart_deadline;  /* tick: deadline_resumed() */
    void (*entry)(void *); /* kernel threads: function and argument */
    void *entry_arg;
    /*
     * Why the kernel killed it; empty when it exited. The last field, because task_alloc() does not
     * clear it.
     */
    char death_note[DEATH_NOTE_LEN];
};

/* The state of a processor. There is one; a second one would have its own. */
struct cpu {
    struct task *current;
    struct task *idle;
    bool need_resched; /* tested before ring 3: schedule() is due, or current has a signal */
    bool turn_over;    /* a tick has passed: long work in the kernel yields (cond_resched) */
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
 * The pid of its parent for getppid(): 1 for an orphan, as on Linux; the first threads have no
 * parent.
 */
static inline u32 task_ppid(const struct task *task)
{
    if (task->parent)
        return task->parent->pid;
    return task->pid > 1 ? 1 : 0;
}

/*
 * Functions for processes from the layer above, kernel/process/, which sets them (process_init(),
 * before the first task). All work on `current`.
 */
struct process_ops {
    void (*tick)(u64 now, bool user);      /* a timer tick, in an interrupt; current may be NULL */
    void (*deliver)(struct pt_regs *regs); /* a signal is pending, on the way to ring 3 */
    bool (*ending)(void);                  /* SIGKILL is pending */
    void (*release)(void);     /* at its end: free all but signals and descriptor; may yield */
    bool (*tell_parent)(void); /* then, as a zombie: free the signals. True: the parent will wait */
    /*
     * An exception of ring 3: send a signal with this number and si_code; the text is the reason if
     * it kills the process.
     */
    void (*fault)(u32 signal, s32 code, u32 addr, const char *fmt, ...) __printf(4, 5);
    bool (*catches)(u32 signal); /* a handler would catch this signal of an exception */
};
extern struct process_ops process_ops;

/* ---- tasks (kernel/task.c) ---- */

/*
 * A sleeping task that will start in start(arg) with interrupts off; start must not return. It has
 * no pid and no other task can find it until task_publish(); if another step fails, call
 * task_free(). The slot of task_pt_regs() is reserved but not filled. NULL when out of memory, or
 * with 10822 tasks.
 */
__must_check struct task *task_alloc(const char *name, void (*start)(void *), void *arg);

/*
 * Give it a pid and make it the youngest child of the current task. wake_up_task() then starts it.
 */
void task_publish(struct task *task);

/* Both in one call; the slot of task_pt_regs() is cleared. */
__must_check struct task *task_create(const char *name, void (*start)(void *), void *arg);

/*
 * Free the stack and the descriptor of a task that has ended or was never woken, and that has freed
 * everything else.
 */
void task_free(struct task *task);

/*
 * Free a child of the current task that has ended; its times are added to those of the parent's
 * children.
 */
void task_collect(struct task *task);

/* Free the tasks that have ended and that no parent will wait for. The idle task calls it. */
void task_reap_unwanted(void);

/* The number of tasks, including kernel threads and zombies. */
u32 task_count(void);

/* ---- scheduler (kernel/sched.c) ---- */

/*
 * Create the cache of tasks, start the timer, set the hook for the return to ring 3. After
 * slab_init(), vmalloc_init() and pic_init().
 */
void sched_init(void);
void task_init(void); /* the part of it in kernel/task.c */

/* Leave the boot stack: create the idle task and a first kernel thread that runs entry. */
void __noreturn sched_start(const char *name, void (*entry)(void *), void *arg);

/* A kernel thread, ready to run; NULL when out of memory. It ends with task_exit(). */
__must_check struct task *kthread_create(const char *name, void (*entry)(void *), void *arg);

/* Give the processor to the next ready task. The caller stays ready if it is TASK_RUNNING. */
void schedule(void);

/*
 * For kernel/turns.c: if tasks are ready, one of them, chosen by a number, becomes the first that
 * schedule() takes.
 */
void sched_prefer(u32 number);

/* Let other tasks run. */
void sched_yield(void);

/* Sleep for at least `ticks` timer ticks: the current one does not count. */
void sched_sleep(u32 ticks);

/* Sleep until jiffies_64() has reached `deadline`, or the process gets a signal. */
void sched_sleep_until(u64 deadline);

/*
 * The deadline of a call that waits until tick `deadline`: if the call was interrupted by a signal
 * without a handler and is restarted, its first deadline. Such a call stores its deadline in
 * task->restart_deadline.
 */
u64 deadline_resumed(u64 deadline);

/* Make a sleeping task ready; a stopped task stays stopped. Any context. */
void wake_up_task(struct task *task);

/*
 * For kernel/process/signal.c, at delivery: stop the current process until task_continue(). Wakes
 * its parent's waitpid(); the caller sends SIGCHLD. Interrupts off.
 */
void task_stop(u32 signal);

/*
 * For kernel/process/signal.c, when it sends SIGCONT or SIGKILL: make a stopped task ready. `tell`:
 * it continues (SIGCONT), and this is reported to its parent's waitpid(). Does nothing when it is
 * not stopped. Any context.
 */
void task_continue(struct task *task, bool tell);

/* The number of stopped tasks. */
u32 tasks_stopped(void);

/*
 * True when the current task should stop long work or waiting, because a signal is to be delivered
 * (kernel/process/signal.h). Kernel threads get no signals.
 */
static inline bool signal_pending(void)
{
    return current->sigpending;
}

/*
 * End the current task. Its resources are freed immediately; its stack is freed when its parent
 * waits for it, or automatically if no parent will. Its own children continue without a parent.
 */
void __noreturn task_exit(u32 exit_code);

/*
 * Wait for a child of the current task: a given pid, or 0 for any. 0 and *out filled (with
 * exit_code, times and death note at the end), -ECHILD when no such child exists.
 */
struct task_result {
    u32 pid;
    u32 exit_code;
    u32 ticks, nvcsw, nivcsw;
    char death_note[DEATH_NOTE_LEN];
};
__must_check int task_wait(u32 pid, struct task_result *out);

/*
 * Wait until that child has ended, without collecting it: its descriptor exists until task_wait().
 * NULL when no such child exists.
 */
struct task *task_wait_ended(u32 pid);

/* Like task_wait(), but -EAGAIN when the child has not ended yet. */
__must_check int task_try_wait(u32 pid, struct task_result *out);

/* The state in one word, which distinguishes the running task from the ready ones. */
const char *task_state_name(const struct task *task);

/* Walk all tasks in order of pid; NULL past the last. */
struct task *task_next(struct task *task);
struct task *task_find(u32 pid);

/* The task whose stack, or the guard page below it, holds addr; NULL if not found. */
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
 * The same, but for at most `ticks` timer ticks: true when the condition holds, false on time-out.
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
 * Results of a system call that a signal interrupted; programs never see them. When a handler runs,
 * ERESTARTSYS is EINTR unless SA_RESTART, ERESTARTNOHAND is EINTR. When none runs, the call is
 * restarted.
 */
#define ERESTARTSYS    512
#define ERESTARTNOHAND 514

/*
 * wait_event(), but a signal ends the sleep: 0 when the condition holds, -ERESTARTSYS on a signal.
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
 * Put the current task on the queue and switch to another; return when woken, or when jiffies_64()
 * has reached `deadline`. Interrupts off, before and after.
 */
void wait_queue_sleep(struct wait_queue *queue);
void wait_queue_sleep_until(struct wait_queue *queue, u64 deadline);

/*
 * Wake all tasks on the queue. Any context. It also increments wake_up_count and wakes
 * poll_waiters: a task has only one wait_link, so poll() waits there for any event of any of its
 * files, and then checks them again (kernel/syscall/sys_poll.c).
 */
void wake_up(struct wait_queue *queue);
extern u32 wake_up_count; /* wraps; changed with interrupts off */
extern struct wait_queue poll_waiters;
