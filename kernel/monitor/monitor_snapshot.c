/*
 * `snapshot NAME`: sends the state of memory to the second serial port, as one line of JSON.
 *
 * scripts/qemu writes this output to a file, one line per snapshot (JSON Lines), and
 * scripts/memdiff finds them by name; so a name must be usable on a command line. Sending waits for
 * the port without yielding, because programs must not run until the document is complete
 * (kernel/view/snapshot.c).
 *
 * If the port stops taking bytes, the command ends with one line; the document is then incomplete
 * and not valid JSON. The next document begins a new line.
 *
 * Neighbours: drivers/serial.c; kernel/monitor/monitor.c has the table of commands.
 */
#include <arch/x86/timer.h>
#include <drivers/serial.h>
#include <kernel/monitor/monitor.h>
#include <kernel/task.h>
#include <kernel/view/snapshot.h>
#include <lib/printk.h>

struct sending {
    u32 sent;
    bool stuck;
};

static void send(void *arg, const char *text, size_t len)
{
    struct sending *sending = arg;

    if (sending->stuck)
        return;
    if (serial_data_write(text, len))
        sending->sent += len;
    else
        sending->stuck = true;
}

void monitor_snapshot(u32 argc, const char **argv)
{
    static bool unfinished; /* the last line is incomplete */
    struct sending sending = {0};
    const char *name = argv[1];

    (void)argc;
    if (!snapshot_name_ok(name)) {
        printk("usage: %s; a name is 1 to %u letters, digits, \"_\", \".\", \"-\"\n",
               MONITOR_SNAPSHOT_USAGE, SNAPSHOT_NAME_MAX);
        return;
    }
    if (!serial_data_init()) {
        printk("snapshot: there is no second serial port; `make run` gives the machine one\n");
        return;
    }
    if (unfinished)
        send(&sending, "\n", 1);
    snapshot_write(name, jiffies_64() * (1000 / HZ), send, &sending);
    unfinished = sending.stuck;
    if (unfinished)
        printk("snapshot: cut short after %u bytes: the second serial port accepts no more\n",
               sending.sent);
    else
        printk("snapshot: %s: %u bytes sent\n", name, sending.sent);
}
