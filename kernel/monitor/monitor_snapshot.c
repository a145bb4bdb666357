/*
 * `snapshot NAME`: the state of memory goes out of the second serial port, as one line of JSON.
 *
 * scripts/qemu puts what comes there into a file, a line a snapshot (JSON Lines), and
 * scripts/memdiff finds them by name; so a name must be fit for a command line. Sending waits for
 * the port and not for a turn, because programs must stand still until the document is whole
 * (kernel/view/snapshot.c).
 *
 * A port that stops taking bytes ends the sending with one line; what has gone out is cut short
 * then, and no JSON. The next document begins a line of its own.
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
    static bool unfinished; /* a line that was cut short */
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
        printk("snapshot: cut short after %u bytes: the second serial port takes no more\n",
               sending.sent);
    else
        printk("snapshot: %s: %u bytes sent\n", name, sending.sent);
}
