/* The end of the machine (drivers/power.c). Nasm gets the numbers, too. */
#pragma once

#include <lib/types.h>

#define DEBUG_EXIT_PORT 0xf4

/*
 * How a run ends, as the value written to QEMU's isa-debug-exit port (the process then ends with
 * value * 2 + 1).
 */
enum machine_exit {
    MACHINE_PASS = 0x10,   /* 33: also a clean power-off */
    MACHINE_FAIL = 0x11,   /* 35: a self-test failed */
    MACHINE_PANIC = 0x12,  /* 37 */
    MACHINE_REFUSE = 0x13, /* 39: this machine or boot loader cannot run Attic */
};

/*
 * End the virtual machine. Where nothing listens on the port, power off by ACPI's port on QEMU or
 * the port that Bochs has for that, or else halt; a panic or refusal halts, because its report is
 * on the screen.
 */
void __noreturn machine_exit(enum machine_exit code);
