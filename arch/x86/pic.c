/*
 * The two 8259A interrupt controllers (Intel 8259A data sheet). The second is chained to input 2 of
 * the first. They are moved from vectors 8..23, where they would look like exceptions, to 32..47.
 * Every line is masked until a handler is registered.
 *
 * A line that goes low before the processor acknowledges it appears as line 7 or 15 without its
 * in-service bit: for such a spurious interrupt its own controller gets no end-of-interrupt.
 *
 * Neighbours: arch/x86/trap.c calls irq_dispatch(); drivers, and arch/x86/pit.c, register lines.
 */
#include <arch/x86/io.h>
#include <arch/x86/irq.h>
#include <arch/x86/trap.h>
#include <lib/panic.h>

#define PIC1 0x20
#define PIC2 0xa0
#define DATA 1 /* the data port follows the command port */

#define ICW1_INIT_ICW4 0x11
#define ICW4_8086      0x01
#define OCW2_EOI       0x20
#define OCW3_READ_ISR  0x0b

#define LINES 16

static void (*irq_table[LINES])(void) __ro_after_init;

static bool from_user; /* for the last interrupt: they do not nest */

static void controller_init(u16 port, u8 vector, u8 cascade)
{
    outb(port, ICW1_INIT_ICW4);
    outb(port + DATA, vector);
    outb(port + DATA, cascade);
    outb(port + DATA, ICW4_8086);
    outb(port + DATA, 0xff);
}

static bool in_service(u32 line)
{
    u16 port = line < 8 ? PIC1 : PIC2;

    outb(port, OCW3_READ_ISR);
    return inb(port) & (1u << (line & 7));
}

static void end_of_interrupt(u32 line)
{
    if (line >= 8)
        outb(PIC2, OCW2_EOI);
    outb(PIC1, OCW2_EOI);
}

static void irq_dispatch(struct pt_regs *regs)
{
    u32 line = regs->vector - IRQ_VECTOR;

    if ((line & 7) == 7 && !in_service(line)) {
        if (line >= 8)
            outb(PIC1, OCW2_EOI); /* the first controller has an interrupt on input 2 */
        return;
    }
    end_of_interrupt(line);
    from_user = user_mode(regs);
    if (irq_table[line])
        irq_table[line]();
}

bool irq_from_user(void)
{
    return from_user;
}

void pic_init(void)
{
    controller_init(PIC1, IRQ_VECTOR, 1 << IRQ_CASCADE);
    controller_init(PIC2, IRQ_VECTOR + 8, IRQ_CASCADE);
    for (u32 line = 0; line < LINES; line++)
        trap_set_handler(IRQ_VECTOR + line, irq_dispatch);
}

static void unmask(u32 line)
{
    u16 port = (line < 8 ? PIC1 : PIC2) + DATA;

    outb(port, inb(port) & ~(1u << (line & 7)));
    if (line >= 8)
        outb(PIC1 + DATA, inb(PIC1 + DATA) & ~(1u << IRQ_CASCADE));
}

void irq_register(u32 line, void (*handler)(void))
{
    assert_op(line, <, LINES);
    assert(!irq_table[line]);
    irq_table[line] = handler;
    unmask(line);
}
