/*
 * The console: everything the kernel and its programs say goes to the serial port and to the
 * screen, and input comes from the serial port.
 *
 * The drivers below do the work. This file makes them sinks of printk(), and gives input something
 * that drivers may not have: a place to sleep. The serial interrupt wakes whoever waits in
 * console_getc().
 *
 * While a program is in the foreground, Ctrl-C is not input but ends that program. It is seen when it
 * arrives, whatever waits unread before it, as long as the driver's buffer is not full.
 *
 * There is one reader at a time, the monitor; a second one would be woken as well and share the
 * bytes. The tests read the screen from outside, so that both outputs must say the same.
 *
 * Neighbours: drivers/serial.c, drivers/vga.c; kernel/readline.c makes lines of bytes.
 */
#include <arch/x86/irqflags.h>
#include <asm/signal.h>
#include <drivers/serial.h>
#include <drivers/vga.h>
#include <kernel/console.h>
#include <kernel/task.h>
#include <lib/printk.h>

#define CTRL_C 0x03

static struct wait_queue readers = WAIT_QUEUE_INIT(readers);
static struct task *foreground; /* whom Ctrl-C ends; shared with the handler: interrupts off */

void console_init(void)
{
    serial_init();
    vga_init();
    printk_add_sink(serial_write);
    printk_add_sink(vga_write);
}

/* Interrupts off. */
static void look_for_interrupt(void)
{
    if (foreground && serial_discard_through(CTRL_C)) {
        printk("^C\n");
        task_signal(foreground, SIGINT);
    }
}

static void input_arrived(void)
{
    look_for_interrupt();
    wake_up(&readers);
}

void console_set_foreground(struct task *task)
{
    u32 flags = local_irq_save();

    foreground = task;
    look_for_interrupt();
    local_irq_restore(flags);
}

void console_input_init(void)
{
    serial_enable_input(input_arrived);
}

void console_write(const char *text, size_t len)
{
    serial_write(text, len);
    vga_write(text, len);
}

u8 console_getc(void)
{
    int byte;

    wait_event(&readers, (byte = serial_read()) >= 0);
    return byte;
}
