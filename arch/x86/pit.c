/*
 * The 8254 programmable interval timer: counter 0 in mode 2 (rate generator) divides its 1.193182
 * MHz clock and interrupts HZ times a second (Intel 8254 data sheet).
 *
 * Neighbours: arch/x86/pic.c calls timer_interrupt(); kernel/sched.c handles the tick.
 */
#include <arch/x86/io.h>
#include <arch/x86/irq.h>
#include <arch/x86/timer.h>

#define PIT_CLOCK    1193182
#define PIT_COUNTER0 0x40
#define PIT_CONTROL  0x43
#define PIT_RATE     0x34 /* counter 0, low byte then high byte, mode 2 */

static void (*timer_tick)(bool from_user) __ro_after_init;

static void timer_interrupt(void)
{
    timer_tick(irq_from_user());
}

void pit_init(void (*tick)(bool from_user))
{
    u32 divisor = (PIT_CLOCK + HZ / 2) / HZ;

    outb(PIT_CONTROL, PIT_RATE);
    outb(PIT_COUNTER0, divisor & 0xff);
    outb(PIT_COUNTER0, divisor >> 8);
    timer_tick = tick;
    irq_register(IRQ_TIMER, timer_interrupt);
}
