/* The end of the machine (drivers/power.c). Nasm gets the numbers, too. */
#pragma once

#include <lib/types.h>

#define DEBUG_EXIT_PORT 0xf4

/*
 * How a run ends: the value written to QEMU's isa-debug-exit port (QEMU then exits with value * 2 +
 * 1).
 */
enum machine_exit {
    MACHINE_PASS = 0x10,   /* 33: also a clean power-off */
    MACHINE_FAIL = 0x11,   /* 35: a self-test failed */
    MACHINE_PANIC = 0x12,  /* 37 */
    MACHINE_REFUSE = 0x13, /* 39: this machine or boot loader cannot run Attic */
};

/*
 * End the virtual machine. Without the debug-exit device, power off by QEMU's ACPI port or Bochs's
 * power-off port, or halt if that fails; a panic or refusal halts, because its report is on the
 * screen.
 */
void __noreturn machine_exit(enum machine_exit code);
