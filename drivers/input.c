/*
 * The queue of typed input. The serial port and the keyboard are one console, so input from both
 * goes into one ring, and the terminal does not know its source.
 *
 * When the ring is full, input_add() fails, and the driver must handle it: the serial port stops
 * its sender, and is called when half of the ring is empty again, so that a long input stops once
 * per half ring and not once per byte. The keyboard cannot stop its sender; the key is lost.
 *
 * The ring is shared with the interrupt handlers of the drivers: interrupts are off while it
 * changes.
 *
 * Neighbours: drivers/serial.c and drivers/keyboard.c add; kernel/tty/tty.c and tty_screen.c read.
 */
#include <arch/x86/irqflags.h>
#include <drivers/input.h>

_Static_assert((INPUT_MAX & (INPUT_MAX - 1)) == 0, "indices are masked, and wrap around at 2^32");

/* Bytes between tail and head wait for input_read(). */
static struct {
    u8 bytes[INPUT_MAX];
    u32 head, tail;
} ring;

static void (*notify_reader)(void) __ro_after_init;
static void (*resume_sender)(void) __ro_after_init;

void input_init(void (*notify)(void))
{
    notify_reader = notify;
}

void input_on_room(void (*resume)(void))
{
    resume_sender = resume;
}

bool input_add(const char *bytes, u32 len)
{
    if (len > INPUT_MAX - input_waiting())
        return false;
    for (u32 i = 0; i < len; i++)
        ring.bytes[ring.head++ % INPUT_MAX] = bytes[i];
    return true;
}

void input_arrived(void)
{
    notify_reader();
}

u32 input_waiting(void)
{
    return ring.head - ring.tail;
}

int input_peek(u32 at)
{
    return at < input_waiting() ? ring.bytes[(ring.tail + at) % INPUT_MAX] : -1;
}

void input_discard(u32 count)
{
    u32 flags = local_irq_save();

    ring.tail += min(count, input_waiting());
    if (resume_sender && input_waiting() <= INPUT_MAX / 2)
        resume_sender();
    local_irq_restore(flags);
}

int input_read(void)
{
    u32 flags = local_irq_save();
    int byte = input_peek(0);

    input_discard(1);
    local_irq_restore(flags);
    return byte;
}

void input_remove(u32 at)
{
    u32 flags = local_irq_save();

    if (at < input_waiting()) {
        for (u32 i = ring.tail + at; i != ring.tail; i--)
            ring.bytes[i % INPUT_MAX] = ring.bytes[(i - 1) % INPUT_MAX];
        input_discard(1);
    }
    local_irq_restore(flags);
}
