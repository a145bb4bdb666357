/*
 * The PCI functions of the machine: found once, during start-up, and listed in a table that is
 * read-only afterwards. Registers: PCI Local Bus Specification 3.0, chapter 6 (bridges: PCI-to-PCI
 * Bridge Architecture Specification 1.2, chapter 3).
 */
#pragma once

#include <lib/types.h>

#define PCI_BARS        6
#define PCI_DEVICES_MAX 32

/* Configuration registers; each is read and written as 32 bits. */
#define PCI_ID             0x00 /* vendor, device */
#define PCI_COMMAND        0x04 /* command, status */
#define PCI_CLASS_REVISION 0x08
#define PCI_HEADER         0x0c /* the type is byte 2 */
#define PCI_BASE_ADDRESS_0 0x10
#define PCI_BUS_NUMBERS    0x18 /* bridges: primary, secondary, subordinate */
#define PCI_INTERRUPT      0x3c /* line, pin */

/* The command register. */
#define PCI_COMMAND_IO           (1u << 0) /* answer at I/O addresses */
#define PCI_COMMAND_MEMORY       (1u << 1) /* answer at memory addresses */
#define PCI_COMMAND_MASTER       (1u << 2) /* read and write memory by itself */
#define PCI_COMMAND_INTX_DISABLE (1u << 10)

enum pci_bar_kind {
    PCI_BAR_NONE,
    PCI_BAR_IO,
    PCI_BAR_MEM32,
    PCI_BAR_MEM64, /* uses two registers: the next one in the table is PCI_BAR_NONE */
};

/* A range of addresses at which a function answers. */
struct pci_bar {
    u64 start, size; /* start is 0 when the firmware assigned no address */
    u8 kind;         /* enum pci_bar_kind */
    bool prefetchable;
};

struct pci_dev {
    u32 config; /* the value of CONFIG_ADDRESS for register 0: bus, slot and function */
    u16 vendor, device;
    u32 class; /* base class, subclass, programming interface: 24 bits */
    u8 revision;
    u8 header; /* 0: a device, 1: a bridge to another PCI bus, 2: to a CardBus */
    u8 pin;    /* 1..4: INTA#..INTD#; 0: it never interrupts */
    u8 irq;    /* the line of the interrupt controller that the firmware wired the pin to */
    struct pci_bar bar[PCI_BARS];
};

static inline u32 pci_bus(const struct pci_dev *dev)
{
    return dev->config >> 16 & 0xff;
}

static inline u32 pci_slot(const struct pci_dev *dev)
{
    return dev->config >> 11 & 31;
}

static inline u32 pci_func(const struct pci_dev *dev)
{
    return dev->config >> 8 & 7;
}

/*
 * Find every function of every bus and fill the table; a full table is reported in one line.
 * Functions stay as the firmware set them up, except for their interrupt pins, which are off until
 * pci_intx(). Start-up, once.
 */
void pci_init(void);

/* The i-th function, in the order of buses and slots; NULL past the last. */
const struct pci_dev *pci_device(u32 i);

/* The first function with these numbers (Linux's name); NULL if not found. */
const struct pci_dev *pci_get_device(u32 vendor, u32 device);

/* Read or write a 32-bit register; `reg` is a multiple of 4 below 256. Any context. */
u32 pci_config_read(const struct pci_dev *dev, u32 reg);
void pci_config_write(const struct pci_dev *dev, u32 reg, u32 value);

/* Turn on or off: its answer at its addresses; bus mastering; its interrupt pin. */
void pci_enable_device(const struct pci_dev *dev);
void pci_disable_device(const struct pci_dev *dev);
void pci_set_master(const struct pci_dev *dev);
void pci_clear_master(const struct pci_dev *dev);
void pci_intx(const struct pci_dev *dev, bool enable);
