/*
 * The monitor's commands for tasks and programs.
 *
 * `run` reads a line like a shell: "&" ends a program's words and starts it in the background; a
 * last program without "&" runs in the foreground. All are started before the first wait. A program
 * is a child of the monitor's thread; one line reports how it ended, for those in the background
 * before the next prompt. The prompt waits for a moment, so that what a program says at its start
 * is in front of it.
 *
 * The kernel does not keep the name of a collected child, so names are copied while the zombie
 * exists.
 *
 * The program in the foreground has the terminal: Ctrl-C, Ctrl-Z and Ctrl-\ are signals for it
 * (kernel/tty/tty.c). If it stops, the monitor takes the terminal back, and the program stays in
 * the background. `kill` ends any process.
 *
 * Neighbours: kernel/process/process.c starts programs, kernel/task.c keeps them;
 * kernel/monitor/monitor.c splits the line.
 */
#include <arch/x86/timer.h>
#include <asm/errno.h>
#include <asm/fcntl.h>
#include <asm/signal.h>
#include <fs/fs.h>
#include <kernel/monitor/monitor.h>
#include <kernel/process/process.h>
#include <kernel/process/signal.h>
#include <kernel/tty/tty.h>
#include <lib/printk.h>
#include <lib/string.h>
#include <linux/stat.h>
#include <mm/user/mm.h>

/* ---- looking ---- */

void monitor_ps(u32 argc, const char **argv)
{
    (void)argc, (void)argv;
    printk("  PID  PPID STATE      TICKS   WAITED  PREEMPT   PAGES  TABLES    KMEM NAME\n");
    for (struct task *task = task_next(NULL); task; task = task_next(task)) {
        printk("%5u %5u %-8s %7u %8u %8u %7u %7u %7u %s\n", task->pid, task_ppid(task),
               task_state_name(task), task->ticks, task->nvcsw, task->nivcsw,
               task->mm ? task->mm->pages : 0, task->mm ? task->mm->tables : 0,
               process_kernel_bytes(task), task->comm);
    }
}

/* ---- results ---- */

static void print_result(const char *name, const struct task_result *result)
{
    u32 signal = result->exit_code & 0x7f;

    if (signal)
        printk("%s[%u]: killed by signal %u (%s)\n", name, result->pid, signal,
               signal_name(signal));
    else
        printk("%s[%u]: exit status %u, %u tick%s, %u+%u switches (waited+preempted)\n", name,
               result->pid, result->exit_code >> 8 & 0xff, result->ticks,
               result->ticks == 1 ? "" : "s", result->nvcsw, result->nivcsw);
}

/* Wait for a child and print how it ended. */
static void wait_and_print(u32 pid)
{
    struct task *task = task_wait_ended(pid);
    struct task_result result;
    char name[TASK_COMM_LEN];

    strscpy(name, task->comm, sizeof(name));
    if (task_wait(pid, &result) == 0)
        print_result(name, &result);
}

/* The same in the foreground; returns early if the child stops. */
static void wait_in_foreground(u32 pid)
{
    const struct task *task = task_find(pid);

    tty_set_foreground(task->pgrp);
    wait_event(&current->child_wait, task->state == TASK_ZOMBIE || task->state == TASK_STOPPED);
    tty_set_foreground(0);
    if (task->state == TASK_STOPPED)
        printk("%s[%u]: stopped; \"kill %u\" ends it\n", task->comm, pid, pid);
    else
        wait_and_print(pid);
}

static struct task *child_in_state(bool zombie)
{
    for (struct task *task = task_next(NULL); task; task = task_next(task)) {
        if (task->parent == current && (task->state == TASK_ZOMBIE) == zombie)
            return task;
    }
    return NULL;
}

void monitor_report_background(void)
{
    struct task *task;

    while ((task = child_in_state(true)))
        wait_and_print(task->pid);
}

bool monitor_is_alone(const char *command)
{
    monitor_report_background();
    if (!child_in_state(false))
        return true;
    printk("%s: it counts free pages, so end the background program first\n"
           "(\"ps\" shows its pid, \"kill PID\" ends it)\n",
           command);
    return false;
}

/* ---- starting ---- */

/* The pid; on error, prints one line and returns 0. */
static u32 start(const char **argv)
{
    long pid = process_spawn(argv, NULL, false);

    switch (pid) {
    case -ENOENT:
        printk("%s: no such program; \"programs\" lists them\n", argv[0]);
        break;
    case -EACCES:
        printk("%s: not a file that can be executed\n", argv[0]);
        break;
    case -ENOMEM:
        printk("%s: out of memory\n", argv[0]);
        break;
    default:
        if (pid < 0 && pid != -ENOEXEC)
            printk("%s: cannot be started: error %ld\n", argv[0], -pid);
    }
    return pid > 0 ? pid : 0; /* for -ENOEXEC the line is already printed */
}

/* The index of the next "&" from `i` on, or argc. */
static u32 piece_end(u32 argc, const char **argv, u32 i)
{
    while (i < argc && strcmp(argv[i], "&") != 0)
        i++;
    return i;
}

/* Every "&" must have a program before it. */
static bool pieces_are_sound(u32 argc, const char **argv)
{
    for (u32 i = 1; i < argc; i = piece_end(argc, argv, i) + 1) {
        if (piece_end(argc, argv, i) == i)
            return false;
    }
    return true;
}

/* Until the program waits or has ended, for a tenth of a second at most. */
static void let_begin(u32 pid)
{
    const struct task *task = task_find(pid);
    u64 deadline = jiffies_64() + HZ / 10;

    while (jiffies_64() < deadline && task->state == TASK_RUNNING)
        sched_sleep(1);
}

void monitor_run(u32 argc, const char **argv)
{
    u32 foreground = 0, background = 0;

    if (!pieces_are_sound(argc, argv)) {
        printk("usage: %s\n", MONITOR_RUN_USAGE);
        return;
    }
    for (u32 i = 1; i < argc;) {
        u32 end = piece_end(argc, argv, i);
        u32 pid;

        argv[end] = NULL; /* the list of words itself ends with NULL */
        pid = start(argv + i);
        if (end == argc) {
            foreground = pid;
        } else if (pid) {
            background = pid;
            printk("%s[%u]: in the background\n", task_find(pid)->comm, pid);
        }
        i = end + 1;
    }
    if (foreground)
        wait_in_foreground(foreground);
    else if (background)
        let_begin(background);
}

void monitor_run_init(const char *path)
{
    const char *argv[] = {path, NULL};
    u32 pid;

    if (!*path) {
        printk("init= names no program: here is the monitor.\n");
        return;
    }
    pid = start(argv);
    if (pid)
        wait_in_foreground(pid);
}

/* ---- ending ---- */

void monitor_kill(u32 argc, const char **argv)
{
    struct task *task = monitor_parse_task(argv[0], argv[1]);

    (void)argc;
    if (!task)
        return;
    if (send_signal(task, SIGKILL, NULL) != 0)
        printk("kill: %s[%u] is a part of the kernel: only programs can be killed\n", task->comm,
               task->pid);
    else if (task->parent == current)
        wait_and_print(task->pid);
}
