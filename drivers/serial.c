/*
 * The serial ports. The first is the console's way out, and its only way in; the second, where
 * there is one, takes documents out of the machine, and nothing else.
 *
 * The UARTs stay in the mode of the 16450, without FIFO: the FIFO control register is never
 * written. Enabling or clearing the FIFO drops what has arrived, and input that was piped in before
 * the kernel started would be lost.
 *
 * Output is polled: the transmitter is nearly always empty under an emulator, so a character costs
 * one look at the line status and one store. On a real port it takes 87 microseconds, and longer if
 * nobody takes what is sent: serial_write() writes as much as there is room for, and the waiting is
 * the caller's, who can let interrupts in. Input comes by interrupt into a ring. When the ring is
 * full the interrupt is masked and the next byte stays in the receive register; the sender (QEMU,
 * or a wire with flow control) holds the rest back. serial_read() unmasks once half of the ring is
 * empty, so that a long input costs one such stop every half ring and not one a byte.
 *
 * The interrupt controller sees edges. The handler therefore reads until the receive register is
 * empty, and unmasking raises the line anew if a byte is waiting.
 *
 * The second port is looked for when it is wanted: a port that is not there reads as all ones, and
 * has no scratch register that keeps what is written to it. Whoever listens there may not take what
 * is sent, for which the console would wait for ever; here it is an error after a while.
 *
 * Neighbours: kernel/console.c writes, kernel/tty.c reads; kernel/monitor_snapshot.c sends
 * documents. Registers: data sheet of the National Semiconductor PC16450.
 */
#include <arch/x86/io.h>
#include <arch/x86/irq.h>
#include <arch/x86/irqflags.h>
#include <drivers/serial.h>

#define COM1 0x3f8
#define COM2 0x2f8

/* Registers, relative to the base port. The first two become the divisor while LCR_DLAB is set. */
#define UART_DATA 0
#define UART_IER  1
#define UART_LCR  3
#define UART_MCR  4
#define UART_LSR  5
#define UART_SCR  7 /* keeps a byte, and does nothing with it */

#define IER_RECEIVED 0x01
#define LCR_8N1      0x03
#define LCR_DLAB     0x80
#define MCR_DTR      0x01
#define MCR_RTS      0x02
#define MCR_OUT2     0x08 /* on a PC this gates the interrupt line */
#define LSR_RECEIVED 0x01
#define LSR_THRE     0x20 /* the transmitter can take a byte */

#define DIVISOR_115200 1

/* Looks at the line status before a port is given up: some seconds, at a microsecond each. */
#define PATIENCE 5000000u

#define RING_SIZE 1024
_Static_assert((RING_SIZE & (RING_SIZE - 1)) == 0, "indices are masked, and wrap around at 2^32");

/* Bytes between tail and head wait for serial_read(). Shared with the handler: interrupts off. */
static struct {
    u8 bytes[RING_SIZE];
    u32 head, tail;
    bool masked; /* the ring was full, and the receive interrupt is off */
} ring;

static void (*input_notify)(void) __ro_after_init;

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
    port_init(COM1, MCR_DTR | MCR_RTS | MCR_OUT2);
}

static inline bool can_transmit(u16 port)
{
    return inb(port + UART_LSR) & LSR_THRE;
}

static inline void transmit(u8 byte)
{
    while (!can_transmit(COM1))
        ;
    outb(COM1 + UART_DATA, byte);
}

size_t serial_write(const char *text, size_t len, bool raw)
{
    size_t done = 0;

    while (done < len && can_transmit(COM1)) {
        if (unlikely(text[done] == '\n') && !raw)
            outb(COM1 + UART_DATA, '\r');
        transmit(text[done++]);
    }
    return done;
}

/* ---- the second port ---- */

static bool scratch_keeps(u16 port, u8 byte)
{
    outb(port + UART_SCR, byte);
    return inb(port + UART_SCR) == byte;
}

bool serial_data_init(void)
{
    if (!scratch_keeps(COM2, 0x5a) || !scratch_keeps(COM2, 0xa5))
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
    while (inb(COM1 + UART_LSR) & LSR_RECEIVED) {
        if (ring.head - ring.tail == RING_SIZE) {
            outb(COM1 + UART_IER, 0);
            ring.masked = true;
            break;
        }
        ring.bytes[ring.head++ % RING_SIZE] = inb(COM1 + UART_DATA);
    }
    input_notify();
}

void serial_enable_input(void (*notify)(void))
{
    input_notify = notify;
    irq_register(IRQ_SERIAL1, serial_interrupt);
    outb(COM1 + UART_IER, IER_RECEIVED);
}

u32 serial_waiting(void)
{
    return ring.head - ring.tail;
}

/* Interrupts off. */
static void unmask_when_half_empty(void)
{
    if (ring.masked && serial_waiting() <= RING_SIZE / 2) {
        ring.masked = false;
        outb(COM1 + UART_IER, IER_RECEIVED);
    }
}

int serial_peek(u32 at)
{
    return at < serial_waiting() ? ring.bytes[(ring.tail + at) % RING_SIZE] : -1;
}

void serial_discard(u32 count)
{
    u32 flags = local_irq_save();

    ring.tail += min(count, serial_waiting());
    unmask_when_half_empty();
    local_irq_restore(flags);
}

int serial_read(void)
{
    u32 flags = local_irq_save();
    int byte = serial_peek(0);

    serial_discard(1);
    local_irq_restore(flags);
    return byte;
}

void serial_remove(u32 at)
{
    u32 flags = local_irq_save();

    if (at < serial_waiting()) {
        for (u32 i = ring.tail + at; i != ring.tail; i--)
            ring.bytes[i % RING_SIZE] = ring.bytes[(i - 1) % RING_SIZE];
        serial_discard(1);
    }
    local_irq_restore(flags);
}
