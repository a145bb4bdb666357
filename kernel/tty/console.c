/*
 * The console: output of the kernel and of programs goes to the serial port and the screen, and
 * input comes from the serial port and the keyboard. A machine without a serial port has only the
 * screen and the keyboard.
 *
 * The drivers below do the work. This file combines them into one device, and a sink of printk().
 * Text is written in pieces, with interrupts off during a piece, so that output of an interrupt
 * handler (the terminal's "^C") comes between two pieces and never interrupts a driver. A piece is
 * as much as the serial port takes without waiting: one character on a real port, where interrupts
 * are off for two characters at most, and up to PIECE in an emulator.
 *
 * Kernel messages are lines. A message that comes while the cursor is behind a prompt or behind a
 * program's output begins a new line, and a line that is being edited continues behind it. The last
 * writer is recorded, because a line of kernel messages may come in parts.
 *
 * The tests read the screen from outside, so both outputs must be the same.
 *
 * Neighbours: drivers/serial.c, keyboard.c, vga.c; kernel/tty/tty.c has the input and the terminal
 * of programs; kernel/monitor/readline.c turns bytes into lines.
 */
#include <arch/x86/irqflags.h>
#include <drivers/input.h>
#include <drivers/keyboard.h>
#include <drivers/serial.h>
#include <drivers/vga.h>
#include <kernel/tty/console.h>
#include <lib/printk.h>

#define PIECE 128u /* bytes with interrupts off */

static bool others_wrote; /* the last text was not a kernel message */

/*
 * Write as much as possible now; returns how much. Without a port serial_write() takes everything,
 * so the screen gets everything.
 */
static size_t write_piece(const char *text, size_t len, bool raw)
{
    u32 flags = local_irq_save();
    size_t done = serial_write(text, len, raw);

    if (done)
        vga_write(text, done, raw);
    local_irq_restore(flags);
    return done;
}

static void write_pieces(const char *text, size_t len, bool raw)
{
    for (size_t done = 0; done < len;)
        done += write_piece(text + done, min(len - done, PIECE), raw);
}

/* A sink of printk(). */
static void write_message(const char *text, size_t len)
{
    if (others_wrote && vga_column() > 0)
        write_pieces("\n", 1, false);
    others_wrote = false;
    write_pieces(text, len, false);
}

void console_init(void)
{
    serial_init();
    vga_init();
    printk_add_sink(write_message);
}

void console_write(const char *text, size_t len)
{
    write_pieces(text, len, false);
    others_wrote = true;
}

void console_write_raw(const char *text, size_t len)
{
    write_pieces(text, len, true);
    others_wrote = true;
}

/* Print a line if there is no serial port, or if it is not the first. */
static void say_where(bool keyboard)
{
    if (serial_console() > 0)
        printk("There is no first serial port: the console is on the second.\n");
    else if (serial_console() < 0 && keyboard)
        printk("There is no serial port: the console is the screen and the keyboard.\n");
    else if (serial_console() < 0)
        printk("There is no serial port and no keyboard: nothing can be typed.\n");
}

void console_enable_input(void (*notify)(void))
{
    input_init(notify);
    serial_enable_input();
    say_where(keyboard_init());
}
