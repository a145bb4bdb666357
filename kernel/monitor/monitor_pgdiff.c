/*
 * The monitor's command `pgdiff [PID PID]`: what two address spaces share. Without PIDs it prints
 * whether all directories have the kernel half that existed at the end of the boot; with two PIDs
 * also the differences of the user halves.
 *
 * Neighbours: kernel/monitor/monitor_address.c finds the tasks, kernel/view/pgdiff.c prints.
 */
#include <kernel/monitor/monitor.h>
#include <kernel/task.h>
#include <kernel/view/pgdiff.h>
#include <lib/printk.h>

/* A task that has ended has no address space any more, and only waits for its parent. */
static bool has_ended(const struct task *task)
{
    if (task->state == TASK_ZOMBIE)
        printk("pgdiff: %s[%u] has ended\n", task->comm, task->pid);
    return task->state == TASK_ZOMBIE;
}

void monitor_pgdiff(u32 argc, const char **argv)
{
    const struct task *a = NULL, *b = NULL;

    if (argc == 2) {
        printk("usage: %s; two processes, or none\n", MONITOR_PGDIFF_USAGE);
        return;
    }
    if (argc > 2 && (!(a = monitor_parse_task(argv[0], argv[1])) ||
                     !(b = monitor_parse_task(argv[0], argv[2]))))
        return;
    if (a && (has_ended(a) || has_ended(b)))
        return;
    if (a)
        pgdiff_print(a, b);
    pgdiff_print_all();
}
