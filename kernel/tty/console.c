/*
 * The console: everything the kernel and its programs say goes to the serial port and to the
 * screen, and what is typed comes from both sides. A machine without a serial port has the screen
 * and the keyboard alone.
 *
 * The drivers below do the work. This file makes them one, and a sink of printk(). Text goes out in
 * pieces, interrupts off for the length of a piece, so that what an interrupt handler says (the
 * terminal's "^C") comes between two pieces and never finds a driver half done. A piece is what the
 * serial port takes without waiting: one character on a real one, where interrupts are off for two
 * characters at most, and as many as there are under an emulator, up to PIECE.
 *
 * Kernel messages are lines. One that comes while the cursor stands behind a prompt or behind what
 * a program has written begins a line of its own, and a line that is being edited goes on behind
 * it. Who wrote last has to be known, because a line of kernel messages may come in parts.
 *
 * The tests read the screen from outside, so both outputs must say the same.
 *
 * Neighbours: drivers/serial.c, keyboard.c, vga.c; kernel/tty/tty.c has the input and what programs
 * see; kernel/monitor/readline.c makes lines of bytes.
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
 * How much of it could be written now. Without a port serial_write() takes all, so the screen gets
 * everything.
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

/* Where there is no serial port, or not the first. */
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
