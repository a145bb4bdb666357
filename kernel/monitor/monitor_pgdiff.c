/*
 * The monitor's command `pgdiff [PID PID]`: what two address spaces share. Without PIDs, whether
 * all directories have the kernel half of the end of the boot; with two, that and more.
 *
 * Neighbours: kernel/view/pgdiff.c prints.
 */
#include <kernel/monitor/monitor.h>
#include <kernel/task.h>
#include <kernel/view/pgdiff.h>
#include <lib/kstrtox.h>
#include <lib/printk.h>

/* NULL after a line that says what is wrong. */
static const struct task *parse_task(const char *word)
{
    const struct task *task;
    u32 pid;

    if (kstrtouint(word, 10, &pid) != 0) {
        printk("usage: %s; \"ps\" lists the processes\n", MONITOR_PGDIFF_USAGE);
        return NULL;
    }
    task = task_find(pid);
    if (!task)
        printk("pgdiff: no task has the pid %u; \"ps\" lists them\n", pid);
    return task;
}

void monitor_pgdiff(u32 argc, const char **argv)
{
    const struct task *a = NULL, *b = NULL;

    if (argc == 2) {
        printk("usage: %s; two processes, or none\n", MONITOR_PGDIFF_USAGE);
        return;
    }
    if (argc > 2 && (!(a = parse_task(argv[1])) || !(b = parse_task(argv[2]))))
        return;
    if (a)
        pgdiff_print(a, b);
    pgdiff_print_all();
}
