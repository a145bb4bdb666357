/*
 * QEMU's educational device (QEMU's documentation, "EDU device"; PCI 1234:11e8): a card that copies
 * between memory and its own buffer with a delay of 100 ms, and then interrupts. It puts only 28
 * bits of an address on the bus.
 */
#pragma once

#include <drivers/pci.h>
#include <mm/kva/dma.h>

/*
 * Half of the card's buffer. QEMU before 8.0 treats a transfer that reaches the buffer's end as one
 * that runs past it, and exits.
 */
#define EDU_TRANSFER_MAX 2048u

/* One transfer between memory and the start of the card's buffer. */
struct edu_request {
    dma_addr_t addr;                   /* mapped by the caller, for edu_device() */
    u32 size;                          /* 1..EDU_TRANSFER_MAX */
    enum dma_data_direction direction; /* DMA_TO_DEVICE: from memory to the card */
    /* Called when the transfer is complete, from the interrupt handler, with interrupts off. */
    void (*done)(struct edu_request *request);
};

/* Find the card and set it up; prints one line with the result or the error. Start-up. */
void edu_init(void);

/*
 * Use this function as the card. NULL, or the error; then the driver has not changed, and a
 * function that was enabled for the check is disabled again. For edu_init(), and for tests with a
 * wrong card.
 */
const char *edu_bind(const struct pci_dev *pci);

/* The card for the DMA API; NULL on a machine without one. */
struct device *edu_device(void);

/*
 * The card's PCI function, and the address at which its registers are mapped. Only if there is a
 * card.
 */
const struct pci_dev *edu_pci(void);
const volatile void *edu_registers(void);

/* Interrupts taken from the card since start-up. */
u32 edu_interrupts(void);

/*
 * Begin a transfer; the request stays the driver's until done() or edu_cancel(). 0; -ENODEV;
 * -EINVAL for an invalid size or direction; -EBUSY while another transfer is running, or while the
 * card has not finished a cancelled one. Any context.
 */
__must_check int edu_start(struct edu_request *request);

/*
 * Cancel a request: when this returns, the card no longer reaches memory, and done() will not be
 * called. False when the request was done already. The next edu_start() makes the card bus master
 * again. Any context.
 */
bool edu_cancel(struct edu_request *request);
