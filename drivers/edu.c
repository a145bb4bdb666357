/*
 * QEMU's educational device: the only device that Attic uses for DMA.
 *
 * It has registers at a memory address, a buffer of 4 KiB that only its own DMA reaches, and one
 * interrupt. A transfer is programmed in four registers: source, destination, size, and the command
 * that starts it. 100 ms later the device has copied the bytes and raises its interrupt.
 *
 * The driver begins a transfer and is called back by the interrupt; it never waits. Sleeping until
 * a transfer is done is in a higher layer, kernel/monitor/edu_copy.c, which has tasks that can
 * sleep. So a request contains the function to call.
 *
 * PCI interrupt lines are level-triggered and shared: the handler checks whether the card has
 * raised it, and acknowledges, which lowers the line, before it returns. The card has no register
 * to cancel a transfer; but bus mastering can be turned off, and this is enough: from then on the
 * card cannot access memory.
 *
 * Limits: one card, one transfer at a time. The factorial unit and message-signalled interrupts are
 * not used.
 *
 * Neighbours: drivers/pci.c finds the card, mm/kva/dma.c gives it addresses, mm/kva/vmalloc.c maps
 * the registers.
 */
#include <arch/x86/irq.h>
#include <arch/x86/irqflags.h>
#include <asm/errno.h>
#include <drivers/edu.h>
#include <lib/printk.h>
#include <mm/kva/vmalloc.h>

#define EDU_VENDOR   0x1234
#define EDU_DEVICE   0x11e8
#define EDU_DMA_BITS 28

/* Registers, at byte offsets. */
#define EDU_ID         0x00 /* 0xRRrr00ed: version RR.rr */
#define EDU_LIVENESS   0x04 /* reads as the complement of what was written */
#define EDU_IRQ_STATUS 0x24
#define EDU_IRQ_ACK    0x64
#define EDU_DMA_FROM   0x80
#define EDU_DMA_TO     0x88
#define EDU_DMA_COUNT  0x90
#define EDU_DMA_CMD    0x98
#define EDU_REGS_SIZE  0xa0

#define ID_MASK  0xffffu
#define ID_VALUE 0x00edu

#define DMA_CMD_START     (1u << 0) /* reads as 1 until the transfer is done */
#define DMA_CMD_TO_MEMORY (1u << 1)
#define DMA_CMD_INTERRUPT (1u << 2)
#define IRQ_DMA           (1u << 8) /* in the interrupt status */

#define EDU_BUFFER 0x40000 /* the address of the buffer for the card's DMA */

#define LINES 16

/* Shared with the interrupt handler: interrupts off. */
static struct {
    volatile u32 *registers;
    const struct pci_dev *pci;
    struct device device;
    struct edu_request *request; /* the current request */
    bool off_bus;                /* set by edu_cancel() */
    u32 interrupts;
} edu = {.device.name = "edu"};

static u32 edu_read(u32 reg)
{
    return edu.registers[reg / 4];
}

static void edu_write(u32 reg, u32 value)
{
    edu.registers[reg / 4] = value;
}

static void edu_interrupt(void)
{
    u32 status = edu_read(EDU_IRQ_STATUS);
    struct edu_request *request = edu.request;

    if (status == 0)
        return; /* from another device on the same line */
    edu_write(EDU_IRQ_ACK, status);
    (void)edu_read(EDU_IRQ_STATUS); /* the write has arrived, and the line is low */
    edu.interrupts++;
    if (!(status & IRQ_DMA) || !request)
        return;
    edu.request = NULL;
    request->done(request);
}

/* ---- finding it ---- */

/* The error in the card's configuration, or NULL. Changes nothing. */
static const char *edu_unfit(const struct pci_dev *pci)
{
    const struct pci_bar *bar = &pci->bar[0];

    if (bar->kind != PCI_BAR_MEM32 || bar->start == 0 || bar->size < EDU_REGS_SIZE)
        return "its registers have no address";
    /* A PCI device must not use a line that the machine itself uses. */
    if (!pci->pin || pci->irq >= LINES || pci->irq == IRQ_TIMER || pci->irq == IRQ_CASCADE ||
        pci->irq == IRQ_SERIAL1)
        return "it has no interrupt line";
    return NULL;
}

/* The same, by access to its registers. */
static const char *edu_silent(volatile u32 *registers)
{
    u32 word = 0x12345678;

    if ((registers[EDU_ID / 4] & ID_MASK) != ID_VALUE)
        return "it does not identify itself";
    registers[EDU_LIVENESS / 4] = word;
    return registers[EDU_LIVENESS / 4] == ~word ? NULL : "it does not answer";
}

/* The driver's state does not change before the card has been checked. */
const char *edu_bind(const struct pci_dev *pci)
{
    const char *wrong = edu_unfit(pci);
    volatile u32 *registers;

    if (wrong)
        return wrong;
    registers = ioremap(pci->bar[0].start, EDU_REGS_SIZE);
    if (!registers)
        return "its registers cannot be mapped";
    pci_enable_device(pci);
    wrong = edu_silent(registers);
    if (!wrong && dma_set_mask(&edu.device, DMA_BIT_MASK(EDU_DMA_BITS)) != 0)
        wrong = "it does not reach far enough";
    if (wrong) {
        pci_disable_device(pci);
        iounmap((const void *)registers);
        return wrong;
    }
    edu.registers = registers;
    edu.pci = pci;
    edu_write(EDU_IRQ_ACK, ~0u);
    irq_register(pci->irq, edu_interrupt);
    pci_intx(pci, true);
    pci_set_master(pci);
    return NULL;
}

void edu_init(void)
{
    const struct pci_dev *pci = pci_get_device(EDU_VENDOR, EDU_DEVICE);
    const char *wrong = pci ? edu_bind(pci) : NULL;

    if (wrong)
        printk("edu: not used: %s\n", wrong);
    else if (pci)
        printk("edu: registers at 0x%08x, interrupt line %u, DMA below 0x%08x\n",
               (u32)pci->bar[0].start, pci->irq, (u32)edu.device.dma_mask + 1);
}

struct device *edu_device(void)
{
    return edu.pci ? &edu.device : NULL;
}

const struct pci_dev *edu_pci(void)
{
    return edu.pci;
}

const volatile void *edu_registers(void)
{
    return edu.registers;
}

u32 edu_interrupts(void)
{
    return edu.interrupts;
}

/* ---- transfers ---- */

/* The card must be idle. */
static void edu_command(const struct edu_request *request)
{
    bool to_memory = request->direction == DMA_FROM_DEVICE;

    if (edu.off_bus) {
        edu_write(EDU_IRQ_ACK, ~0u);
        pci_set_master(edu.pci);
        edu.off_bus = false;
    }
    edu_write(EDU_DMA_FROM, to_memory ? EDU_BUFFER : request->addr);
    edu_write(EDU_DMA_TO, to_memory ? request->addr : EDU_BUFFER);
    edu_write(EDU_DMA_COUNT, request->size);
    edu_write(EDU_DMA_CMD, DMA_CMD_START | DMA_CMD_INTERRUPT | (to_memory ? DMA_CMD_TO_MEMORY : 0));
}

int edu_start(struct edu_request *request)
{
    u32 flags;
    int error = 0;

    if (!edu.pci)
        return -ENODEV;
    if (request->size == 0 || request->size > EDU_TRANSFER_MAX ||
        (request->direction != DMA_TO_DEVICE && request->direction != DMA_FROM_DEVICE))
        return -EINVAL;
    flags = local_irq_save();
    if (edu.request || edu_read(EDU_DMA_CMD) & DMA_CMD_START) {
        error = -EBUSY;
    } else {
        edu.request = request;
        edu_command(request);
    }
    local_irq_restore(flags);
    return error;
}

bool edu_cancel(struct edu_request *request)
{
    u32 flags = local_irq_save();
    bool cancelled = edu.request == request;

    if (cancelled) {
        pci_clear_master(edu.pci);
        edu.off_bus = true;
        edu.request = NULL;
    }
    local_irq_restore(flags);
    return cancelled;
}
