/* The result of the search of the PCI buses, compared with the registers. */
#include "tests/drivers/edu.h"
#include <drivers/edu.h>
#include <drivers/pci.h>
#include <kernel/monitor/ktest.h>
#include <mm/frame/memblock.h>

#define NO_DEVICE 0xffffffff

static bool no_pci(void)
{
    if (!pci_device(0))
        ktest_skip("this machine has no PCI");
    return !pci_device(0);
}

KTEST(pci, table_says_what_the_registers_say)
{
    const struct pci_dev *dev;

    if (no_pci())
        return;
    for (u32 i = 0; (dev = pci_device(i)); i++) {
        expect_eq(pci_config_read(dev, PCI_ID), (u32)dev->device << 16 | dev->vendor);
        expect_eq(pci_config_read(dev, PCI_CLASS_REVISION), dev->class << 8 | dev->revision);
        expect_eq(pci_config_read(dev, PCI_INTERRUPT) & 0xffff, dev->pin << 8 | dev->irq);
        for (u32 j = 0; j < i; j++)
            expect(pci_device(j)->config != dev->config);
    }
}

/* This chipset has a device with functions 1 and 3, but without 2. */
KTEST(pci, every_function_is_found)
{
    const struct pci_dev *dev;
    u32 found = 0;

    if (no_pci())
        return;
    expect_eq(pci_device(0)->config, 0x80000000);
    expect_eq(pci_device(0)->class >> 8, 0x0600);
    for (u32 i = 0; (dev = pci_device(i)); i++)
        found++;
    for (u32 function = 0; function < 32 * 8; function++) {
        struct pci_dev at = {.config = 0x80000000 | function << 8};
        bool there = pci_config_read(&at, PCI_ID) != NO_DEVICE, listed = false;

        for (u32 i = 0; (dev = pci_device(i)); i++)
            listed |= dev->config == at.config;
        if (found < PCI_DEVICES_MAX)
            expect_eq(there, listed);
    }
}

KTEST(pci, absent_function_reads_as_ones)
{
    struct pci_dev absent = {.config = 0x80000000 | 255u << 16 | 31u << 11};

    if (no_pci())
        return;
    expect_eq(pci_config_read(&absent, PCI_ID), NO_DEVICE);
    expect(pci_get_device(0xffff, 0xffff) == NULL);
}

/* Sizing wrote to every register, and has restored every one. */
KTEST(pci, ranges_are_aligned_and_in_place)
{
    const struct pci_dev *dev;
    u32 ranges = 0;

    if (no_pci())
        return;
    for (u32 i = 0; (dev = pci_device(i)); i++) {
        for (u32 b = 0; b < PCI_BARS; b++) {
            const struct pci_bar *bar = &dev->bar[b];
            u32 value = pci_config_read(dev, PCI_BASE_ADDRESS_0 + 4 * b);
            u32 decode = bar->kind == PCI_BAR_IO ? PCI_COMMAND_IO : PCI_COMMAND_MEMORY;

            if (bar->kind == PCI_BAR_NONE)
                continue;
            ranges++;
            expect(bar->size >= 4 && (bar->size & (bar->size - 1)) == 0);
            expect((bar->start & (bar->size - 1)) == 0);
            expect_eq(value & (bar->kind == PCI_BAR_IO ? ~0x3u : ~0xfu), (u32)bar->start);
            if (bar->start) /* the firmware has enabled what it has placed */
                expect(pci_config_read(dev, PCI_COMMAND) & decode);
            if (bar->kind != PCI_BAR_IO && bar->start)
                expect(!memblock_overlaps_ram(bar->start, bar->start + bar->size));
        }
    }
    expect(ranges > 0);
}

KTEST(pci, pins_without_a_driver_are_off)
{
    const struct pci_dev *dev;

    if (no_pci())
        return;
    for (u32 i = 0; (dev = pci_device(i)); i++) {
        if (!dev->pin || dev == edu_pci() ||
            (pci_config_read(dev, PCI_COMMAND) & PCI_COMMAND_INTX_DISABLE))
            continue;
        pci_intx(dev, false); /* a device older than PCI 2.3 has no such bit: it stays 0 */
        expect(!(pci_config_read(dev, PCI_COMMAND) & PCI_COMMAND_INTX_DISABLE));
    }
}

KTEST(pci, edu_is_where_its_manual_says)
{
    const struct pci_dev *dev = pci_get_device(0x1234, 0x11e8);
    u32 command;

    if (no_edu())
        return;
    command = pci_config_read(dev, PCI_COMMAND);
    expect_eq(dev, edu_pci());
    expect_eq(dev->bar[0].kind, PCI_BAR_MEM32);
    expect_eq(dev->bar[0].size, MIB(1));
    expect(command & PCI_COMMAND_MEMORY);
    expect(command & PCI_COMMAND_MASTER);
    expect(!(command & PCI_COMMAND_INTX_DISABLE));
}

KTEST(pci, switches_change_one_bit)
{
    const struct pci_dev *dev = edu_pci();
    u32 before;

    if (no_edu())
        return;
    before = pci_config_read(dev, PCI_COMMAND) & 0xffff;
    pci_clear_master(dev);
    expect_eq(pci_config_read(dev, PCI_COMMAND) & 0xffff, before & ~PCI_COMMAND_MASTER);
    pci_set_master(dev);
    expect_eq(pci_config_read(dev, PCI_COMMAND) & 0xffff, before);
    pci_intx(dev, false);
    expect_eq(pci_config_read(dev, PCI_COMMAND) & 0xffff, before | PCI_COMMAND_INTX_DISABLE);
    pci_intx(dev, true);
    expect_eq(pci_config_read(dev, PCI_COMMAND) & 0xffff, before);
}
