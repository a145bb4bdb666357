/*
 * PCI: finds the functions of the machine, and their addresses.
 *
 * Every function has 256 bytes of configuration registers, reached through two ports: the address
 * (bus, slot, function, register) is written to one, the value is read from the other. This is
 * configuration mechanism #1, the only one still in use. A slot without a device reads as all ones,
 * so the buses are found by a search: bus 0 exists, and each bridge gives the number of the bus
 * behind it, which is then searched as well. Each bus is put into a queue only once, so a bridge
 * with an invalid number cannot make the search endless.
 *
 * The size of a range of addresses can only be found by writing all ones to its base address
 * register: the bits that stay 0 give the size. The function must not answer meanwhile, because it
 * would answer at the top of memory; so its decoding is turned off, and interrupts are off. Bridges
 * that are not PCI to PCI (the host bridge, the ISA bridge) are not changed: the machine itself is
 * behind them.
 *
 * A device without a driver could raise its line forever and cause endless interrupts; so every pin
 * is turned off here, and a driver turns on its own.
 *
 * Limits: the firmware's addresses and interrupt lines are used unchanged. PCI_DEVICES_MAX
 * functions. No message-signalled interrupts.
 *
 * Neighbours: drivers/edu.c binds to a function; kernel/monitor/monitor_dma.c lists them.
 */
#include <arch/x86/io.h>
#include <arch/x86/irqflags.h>
#include <drivers/pci.h>
#include <lib/panic.h>
#include <lib/printk.h>

#define CONFIG_ADDRESS 0xcf8
#define CONFIG_DATA    0xcfc
#define CONFIG_ENABLE  (1u << 31)

#define HEADER_MULTIFUNCTION 0x80
#define HEADER_DEVICE        0
#define HEADER_BRIDGE        1
#define NO_DEVICE            0xffff
#define BASE_CLASS_BRIDGE    0x06

/* A base address register. */
#define BAR_IO       (1u << 0)
#define BAR_IO_BITS  0x3u
#define BAR_MEM_TYPE (3u << 1)
#define BAR_MEM_64   (2u << 1)
#define BAR_PREFETCH (1u << 3)
#define BAR_MEM_BITS 0xfu

#define BUSES     256
#define SLOTS     32
#define FUNCTIONS 8

static struct pci_dev devices[PCI_DEVICES_MAX] __ro_after_init;
static u32 device_count __ro_after_init;
static u32 left_out __ro_after_init; /* functions that did not fit into the table */

/* Buses in the order in which they were found. */
static u8 buses[BUSES];
static u32 bus_count;

/* ---- registers ---- */

static u32 config_address(u32 bus, u32 slot, u32 function)
{
    return CONFIG_ENABLE | bus << 16 | slot << 11 | function << 8;
}

/* The two ports belong together: an interrupt handler must not use them in between. */
static u32 config_read(u32 config, u32 reg)
{
    u32 flags = local_irq_save(), value;

    outl(CONFIG_ADDRESS, config | reg);
    value = inl(CONFIG_DATA);
    local_irq_restore(flags);
    return value;
}

static void config_write(u32 config, u32 reg, u32 value)
{
    u32 flags = local_irq_save();

    outl(CONFIG_ADDRESS, config | reg);
    outl(CONFIG_DATA, value);
    local_irq_restore(flags);
}

/* CONFIG_ADDRESS returns the value written only if there is such a register. */
static bool mechanism_1_present(void)
{
    u32 before = inl(CONFIG_ADDRESS);
    bool present;

    outl(CONFIG_ADDRESS, CONFIG_ENABLE);
    present = inl(CONFIG_ADDRESS) == CONFIG_ENABLE;
    outl(CONFIG_ADDRESS, before);
    return present;
}

u32 pci_config_read(const struct pci_dev *dev, u32 reg)
{
    assert(reg < 256 && reg % 4 == 0);
    return config_read(dev->config, reg);
}

void pci_config_write(const struct pci_dev *dev, u32 reg, u32 value)
{
    assert(reg < 256 && reg % 4 == 0);
    config_write(dev->config, reg, value);
}

/* The status bits in the upper half are cleared by writing ones, so zeros do not change them. */
static void change_command(const struct pci_dev *dev, u32 clear, u32 set)
{
    u32 flags = local_irq_save();
    u32 command = config_read(dev->config, PCI_COMMAND) & 0xffff;

    config_write(dev->config, PCI_COMMAND, (command & ~clear) | set);
    local_irq_restore(flags);
}

void pci_enable_device(const struct pci_dev *dev)
{
    change_command(dev, 0, PCI_COMMAND_IO | PCI_COMMAND_MEMORY);
}

void pci_disable_device(const struct pci_dev *dev)
{
    change_command(dev, PCI_COMMAND_IO | PCI_COMMAND_MEMORY, 0);
}

void pci_set_master(const struct pci_dev *dev)
{
    change_command(dev, 0, PCI_COMMAND_MASTER);
}

void pci_clear_master(const struct pci_dev *dev)
{
    change_command(dev, PCI_COMMAND_MASTER, 0);
}

void pci_intx(const struct pci_dev *dev, bool enable)
{
    if (enable)
        change_command(dev, PCI_COMMAND_INTX_DISABLE, 0);
    else
        change_command(dev, 0, PCI_COMMAND_INTX_DISABLE);
}

/* ---- base addresses ---- */

/* The bits of a base address register that can be changed, and the bits of its kind. */
static u32 writable_bits(const struct pci_dev *dev, u32 reg)
{
    u32 before = config_read(dev->config, reg), bits;

    config_write(dev->config, reg, ~0u);
    bits = config_read(dev->config, reg);
    config_write(dev->config, reg, before);
    return bits;
}

static void read_io_bar(const struct pci_dev *dev, u32 reg, struct pci_bar *bar)
{
    u32 size = -(writable_bits(dev, reg) & ~BAR_IO_BITS);

    bar->kind = PCI_BAR_IO;
    bar->start = config_read(dev->config, reg) & ~BAR_IO_BITS;
    bar->size = size & 0xffff; /* the upper half may be wired to 0: there are 64 KiB of ports */
}

static void read_memory_bar(const struct pci_dev *dev, u32 reg, struct pci_bar *bar)
{
    u32 low = config_read(dev->config, reg);
    u64 bits = ~0ull << 32 | (writable_bits(dev, reg) & ~BAR_MEM_BITS);
    u64 start = low & ~BAR_MEM_BITS;

    bar->kind = PCI_BAR_MEM32;
    bar->prefetchable = low & BAR_PREFETCH;
    if ((low & BAR_MEM_TYPE) == BAR_MEM_64) {
        bar->kind = PCI_BAR_MEM64;
        bits = (u64)writable_bits(dev, reg + 4) << 32 | (u32)bits;
        start |= (u64)config_read(dev->config, reg + 4) << 32;
    }
    bar->start = start;
    bar->size = -bits;
}

static void read_bars(struct pci_dev *dev, u32 count)
{
    u32 flags = local_irq_save();
    u32 command = config_read(dev->config, PCI_COMMAND) & 0xffff;

    config_write(dev->config, PCI_COMMAND, command & ~(PCI_COMMAND_IO | PCI_COMMAND_MEMORY));
    for (u32 i = 0; i < count; i++) {
        u32 reg = PCI_BASE_ADDRESS_0 + 4 * i, value = config_read(dev->config, reg);
        struct pci_bar *bar = &dev->bar[i];

        if (writable_bits(dev, reg) == 0)
            continue;
        if (value & BAR_IO)
            read_io_bar(dev, reg, bar);
        else if ((value & BAR_MEM_TYPE) != BAR_MEM_64 || i + 1 < count)
            read_memory_bar(dev, reg, bar);
        i += bar->kind == PCI_BAR_MEM64;
    }
    config_write(dev->config, PCI_COMMAND, command);
    local_irq_restore(flags);
}

/* ---- the search ---- */

static void bus_found(u32 bus)
{
    for (u32 i = 0; i < bus_count; i++) {
        if (buses[i] == bus)
            return;
    }
    buses[bus_count++] = bus;
}

static void read_device(struct pci_dev *dev, u32 config, u32 id)
{
    u32 class_revision = config_read(config, PCI_CLASS_REVISION);
    u32 interrupt = config_read(config, PCI_INTERRUPT);

    dev->config = config;
    dev->vendor = id & 0xffff;
    dev->device = id >> 16;
    dev->class = class_revision >> 8;
    dev->revision = class_revision & 0xff;
    dev->header = config_read(config, PCI_HEADER) >> 16 & ~HEADER_MULTIFUNCTION;
    dev->pin = interrupt >> 8;
    dev->irq = interrupt;
    if (dev->header == HEADER_DEVICE && dev->class >> 16 != BASE_CLASS_BRIDGE)
        read_bars(dev, PCI_BARS);
    else if (dev->header == HEADER_BRIDGE)
        read_bars(dev, 2);
    if (dev->pin)
        pci_intx(dev, false);
}

static void function_found(u32 config, u32 id)
{
    if ((config_read(config, PCI_HEADER) >> 16 & ~HEADER_MULTIFUNCTION & 0xff) == HEADER_BRIDGE)
        bus_found(config_read(config, PCI_BUS_NUMBERS) >> 8 & 0xff);
    if (device_count < PCI_DEVICES_MAX)
        read_device(&devices[device_count++], config, id);
    else
        left_out++;
}

static void search_slot(u32 bus, u32 slot)
{
    for (u32 function = 0; function < FUNCTIONS; function++) {
        u32 config = config_address(bus, slot, function), id = config_read(config, PCI_ID);

        if ((id & 0xffff) != NO_DEVICE)
            function_found(config, id);
        /* Function 0 always exists, and shows whether there are more. */
        if (function == 0 && ((id & 0xffff) == NO_DEVICE ||
                              !(config_read(config, PCI_HEADER) >> 16 & HEADER_MULTIFUNCTION)))
            break;
    }
}

void pci_init(void)
{
    if (!mechanism_1_present()) {
        printk("PCI: this machine has none\n");
        return;
    }
    bus_found(0);
    for (u32 i = 0; i < bus_count; i++) {
        for (u32 slot = 0; slot < SLOTS; slot++)
            search_slot(buses[i], slot);
    }
    if (left_out)
        printk("PCI: the table has room for %u functions; the last %u are ignored\n",
               PCI_DEVICES_MAX, left_out);
}

const struct pci_dev *pci_device(u32 i)
{
    return i < device_count ? &devices[i] : NULL;
}

const struct pci_dev *pci_get_device(u32 vendor, u32 device)
{
    for (u32 i = 0; i < device_count; i++) {
        if (devices[i].vendor == vendor && devices[i].device == device)
            return &devices[i];
    }
    return NULL;
}
