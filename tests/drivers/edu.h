/* For tests that need the edu card. */
#pragma once

#include <drivers/edu.h>
#include <drivers/pci.h>
#include <kernel/monitor/ktest.h>

/* If the card exists, the driver must have it: otherwise its tests would pass by being skipped. */
static inline bool no_edu(void)
{
    if (edu_device())
        return false;
    if (expect(pci_get_device(0x1234, 0x11e8) == NULL))
        ktest_skip("this machine has no edu device");
    return true;
}
