/*
 * The serial ports. The first one found is the console's output and, with the keyboard, its input;
 * the second, if there is one, only sends documents out of the machine.
 *
 * A port is checked before it is used: a missing one reads as all ones, so it seems to accept every
 * byte, and to always have input. It has no scratch register that keeps the value written. Another
 * register is written in between, because the wires of an empty bus may keep the last byte for a
 * while.
 *
 * The UARTs stay in the mode of the 16450, without FIFO: the FIFO control register is never
 * written. Enabling or clearing the FIFO drops what has arrived, and input piped in before the
 * kernel started would be lost.
 *
 * Output is polled: the transmitter is nearly always empty under an emulator, so a character costs
 * one read of the line status and one write. On a real port it takes 87 microseconds, and longer if
 * the receiver stops: serial_write() writes as much as there is room for, and the caller waits,
 * because it can turn interrupts on. Input goes by interrupt into the queue of drivers/input.c.
 * When this is full, the interrupt is masked and the next byte stays in the receive register; the
 * sender (QEMU, or a wire with flow control) keeps the rest until there is room.
 *
 * The interrupt controller is edge-triggered. The handler therefore reads until the receive
 * register is empty, and unmasking raises the line again if a byte is waiting.
 *
 * The receiver at the second port may stop taking bytes. The console would wait forever; here this
 * is an error after a time-out.
 *
 * Neighbours: kernel/tty/console.c writes, drivers/input.c has the input;
 * kernel/monitor/monitor_snapshot.c sends documents. Registers: data sheet of the National
 * Semiconductor PC16450.
 */
#include <arch/x86/io.h>
#include <arch/x86/irq.h>
#include <drivers/input.h>
#include <drivers/serial.h>

#define COM1 0x3f8
#define COM2 0x2f8

/* Registers, relative to the base port. The first two become the divisor while LCR_DLAB is set. */
#define UART_DATA 0
#define UART_IER  1
#define UART_LCR  3
#define UART_MCR  4
#define UART_LSR  5
#define UART_SCR  7 /* stores a byte, without other effect */

#define IER_RECEIVED 0x01
#define LCR_8N1      0x03
#define LCR_DLAB     0x80
#define MCR_DTR      0x01
#define MCR_RTS      0x02
#define MCR_OUT2     0x08 /* on a PC this gates the interrupt line */
#define LSR_RECEIVED 0x01
#define LSR_THRE     0x20 /* the transmitter can take a byte */

#define DIVISOR_115200 1

/* Reads of the line status before time-out: some seconds, at a microsecond each. */
#define PATIENCE 5000000u

/* The port of the console, 0 for none. */
static u16 console __ro_after_init;

static bool masked; /* the queue of input was full, and the receive interrupt is off */

static bool scratch_keeps(u16 port, u8 byte)
{
    outb(port + UART_SCR, byte);
    outb(port + UART_IER, 0);
    return inb(port + UART_SCR) == byte;
}

/* Also turns its interrupts off. */
static bool is_there(u16 port)
{
    return scratch_keeps(port, 0x5a) && scratch_keeps(port, 0xa5) && inb(port + UART_IER) == 0;
}

static void port_init(u16 port, u8 modem)
{
    outb(port + UART_IER, 0);
    outb(port + UART_LCR, LCR_DLAB | LCR_8N1);
    outb(port + UART_DATA, DIVISOR_115200);
    outb(port + UART_IER, 0); /* the divisor's upper half */
    outb(port + UART_LCR, LCR_8N1);
    outb(port + UART_MCR, modem);
}

void serial_init(void)
{
    console = is_there(COM1) ? COM1 : is_there(COM2) ? COM2 : 0;
    if (console)
        port_init(console, MCR_DTR | MCR_RTS | MCR_OUT2);
}

int serial_console(void)
{
    return console == COM1 ? 0 : console == COM2 ? 1 : -1;
}

static inline bool can_transmit(u16 port)
{
    return inb(port + UART_LSR) & LSR_THRE;
}

static inline void transmit(u8 byte)
{
    while (!can_transmit(console))
        ;
    outb(console + UART_DATA, byte);
}

size_t serial_write(const char *text, size_t len, bool raw)
{
    size_t done = 0;

    if (!console)
        return len;
    while (done < len && can_transmit(console)) {
        if (unlikely(text[done] == '\n') && !raw)
            outb(console + UART_DATA, '\r');
        transmit(text[done++]);
    }
    return done;
}

/* ---- the second port ---- */

bool serial_data_init(void)
{
    if (console != COM1 || !is_there(COM2))
        return false;
    port_init(COM2, MCR_DTR | MCR_RTS);
    return true;
}

bool serial_data_write(const char *text, size_t len)
{
    for (const char *end = text + len; text < end; text++) {
        u32 looks = PATIENCE;

        while (!can_transmit(COM2)) {
            if (--looks == 0)
                return false;
        }
        outb(COM2 + UART_DATA, *text);
    }
    return true;
}

/* ---- input ---- */

static void serial_interrupt(void)
{
    while (inb(console + UART_LSR) & LSR_RECEIVED) {
        char byte;

        if (input_waiting() == INPUT_MAX) {
            outb(console + UART_IER, 0);
            masked = true;
            break;
        }
        byte = inb(console + UART_DATA);
        input_add(&byte, 1);
    }
    input_arrived();
}

/* Interrupts off. */
static void unmask(void)
{
    if (masked) {
        masked = false;
        outb(console + UART_IER, IER_RECEIVED);
    }
}

void serial_enable_input(void)
{
    if (!console)
        return;
    input_on_room(unmask);
    irq_register(console == COM1 ? IRQ_SERIAL1 : IRQ_SERIAL2, serial_interrupt);
    outb(console + UART_IER, IER_RECEIVED);
}
