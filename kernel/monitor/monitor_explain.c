/*
 * The monitor's command `explain ADDR [PID]`: everything the kernel knows about one address.
 *
 * A user address without a process is looked up in the master directory, which has no user half,
 * and the output lists the processes with an area there.
 *
 * Neighbours: kernel/monitor/monitor_address.c reads the address; mm/check/explain_walk.c gathers,
 * kernel/view/explain.c prints.
 */
#include <kernel/monitor/monitor.h>
#include <kernel/view/explain.h>

void monitor_explain(u32 argc, const char **argv)
{
    struct monitor_address address;
    struct explanation facts;

    if (!monitor_parse_address(argv[0], argv[1], argc > 2 ? argv[2] : NULL, &address))
        return;
    explain_address(&facts, address.mm, address.addr);
    explain_print(&facts);
    monitor_put_address(&address);
}
