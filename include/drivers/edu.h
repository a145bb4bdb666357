/*
 * QEMU's educational device (QEMU's documentation, "EDU device"; PCI 1234:11e8): a card that copies
 * between memory and a buffer of its own, 100 ms later, and interrupts when it has done so. It puts
 * only 28 bits of an address on the bus.
 */
#pragma once

#include <drivers/pci.h>
#include <mm/kva/dma.h>

/*
 * Half of the card's buffer. QEMU before 8.0 takes a transfer that reaches the buffer's end for one
 * that runs past it, and ends itself.
 */
#define EDU_TRANSFER_MAX 2048u

/* One transfer between memory and the start of the card's buffer. */
struct edu_request {
    dma_addr_t addr;                   /* mapped by the caller, for edu_device() */
    u32 size;                          /* 1..EDU_TRANSFER_MAX */
    enum dma_data_direction direction; /* DMA_TO_DEVICE: from memory to the card */
    /* Called when all is done, from the interrupt handler, with interrupts off. */
    void (*done)(struct edu_request *request);
};

/* Find the card and take it into use; one line says so, or what is wrong with it. Start-up. */
void edu_init(void);

/*
 * Take this function into use as the card: NULL; or what is wrong with it, and then the driver is
 * as it was, and a function that was turned on to be asked is off again. For edu_init(), and for
 * tests that have a wrong card.
 */
const char *edu_bind(const struct pci_dev *pci);

/* The card as the DMA API knows it; NULL on a machine without one. */
struct device *edu_device(void);

/* Where it is, and at which address the kernel sees its registers. Only where there is one. */
const struct pci_dev *edu_pci(void);
const volatile void *edu_registers(void);

/* Interrupts taken from the card since start-up. */
u32 edu_interrupts(void);

/*
 * Begin a transfer; the request stays the driver's until done() or edu_cancel(). 0; -ENODEV;
 * -EINVAL for a size or direction that cannot be; -EBUSY while another one is going on, or while
 * the card has not finished a cancelled one. Any context.
 */
__must_check int edu_start(struct edu_request *request);

/*
 * Give up on a request: when this returns, the card no longer reaches memory, and done() will not
 * be called. False when the request was done already. The card is master of the bus again with the
 * next edu_start(). Any context.
 */
bool edu_cancel(struct edu_request *request);
