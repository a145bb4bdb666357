/*
 * Ends the machine: by QEMU's isa-debug-exit, which sets the exit status of the run; by the ACPI
 * power-off port of QEMU's PC, or the power-off port of Bochs; otherwise the processor halts.
 */
#include <arch/x86/cpu.h>
#include <arch/x86/io.h>
#include <drivers/power.h>

#define QEMU_ACPI_PM1A_CONTROL 0x604  /* of QEMU's i440FX machine */
#define ACPI_SLEEP_ENABLE      0x2000 /* with sleep type 0: S5, soft off */
#define BOCHS_SHUTDOWN         0x8900 /* a port that ends Bochs when "Shutdown" is written to it */

static void power_off(void)
{
    outw(QEMU_ACPI_PM1A_CONTROL, ACPI_SLEEP_ENABLE);
    for (const char *c = "Shutdown"; *c; c++)
        outb(BOCHS_SHUTDOWN, *c);
}

void machine_exit(enum machine_exit code)
{
    outl(DEBUG_EXIT_PORT, code);
    if (code == MACHINE_PASS || code == MACHINE_FAIL)
        power_off();
    cpu_halt_forever();
}
