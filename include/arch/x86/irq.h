/*
 * The two 8259A interrupt controllers. Inputs ("IRQ lines") are 0..15; all are masked until
 * irq_register().
 */
#pragma once

#include <lib/types.h>

#define IRQ_TIMER    0
#define IRQ_KEYBOARD 1
#define IRQ_CASCADE  2
#define IRQ_SERIAL2  3
#define IRQ_SERIAL1  4

void pic_init(void);

/*
 * Call handler on each interrupt of the line, with interrupts off, and unmask it. One handler per
 * line. Start-up only.
 */
void irq_register(u32 line, void (*handler)(void));

/* For handlers: true when the interrupt came while ring 3 ran. */
bool irq_from_user(void);
