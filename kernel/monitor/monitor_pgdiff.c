/*
 * The monitor's command `pgdiff [PID PID]`: what two address spaces share. Without PIDs, whether
 * all directories have the kernel half of the end of the boot; with two, that and more.
 *
 * Neighbours: kernel/monitor/monitor_address.c finds the tasks, kernel/view/pgdiff.c prints.
 */
#include <kernel/monitor/monitor.h>
#include <kernel/view/pgdiff.h>
#include <lib/printk.h>

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
    if (a)
        pgdiff_print(a, b);
    pgdiff_print_all();
}
