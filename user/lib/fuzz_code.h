/*
 * Machine code that ring 3 should not run, and how a fuzzer runs it: with random registers and
 * flags.
 */
#pragma once

#include "fuzz_values.h"

/* Instructions that fault, or change what the kernel relies on; each is followed by a return. */
static const char *const instructions[] = {
    "\xf4",         "\xfa",         "\xfb",         "\xec",
    "\xee",         "\xcc",         "\xce",         "\xf1",
    "\x0f\x0b",     "\x0f\x01\xd0", "\xcf",         "\xcb",
    "\x0f\x30",     "\x0f\x32",     "\x0f\x06",     "\x0f\x20\xc0",
    "\x0f\x22\xc0", "\x0f\x22\xd8", "\x0f\x22\xe0", "\x0f\x21\xf8",
    "\x0f\x23\xf8", "\x0f\x01\x38", "\x0f\x01\x10", "\x0f\x01\x18",
    "\x0f\x01\x08", "\x0f\x01\xe0", "\x0f\x01\xf0", "\x0f\x00\xd8",
    "\x0f\x00\xd0", "\x0f\x00\xc8", "\x0f\x00\xc0", "\x0f\x31",
    "\x0f\x33",     "\x0f\x34",     "\x0f\x35",     "\x9b\xd9\xc0",
    "\xdb\xe3",     "\x0f\xae\x08", "\x0f\xae\x00", "\x0f\xae\x10",
    "\xd9\x28",     "\xdd\x20",     "\xdd\x30",     "\x0f\xa2",
    "\xf3\xa4",     "\xf3\xab",     "\xfd\xf3\xab", "\xf0\x90",
    "\xd4\x00",     "\xf7\xf0",     "\x62\x00",     "\x0f\x09",
    "\x0f\x08",     "\x0f\xc7\x08", "\x8e\xd8",     "\x8e\xc0",
    "\x8e\xe0",     "\x8e\xe8",     "\x8e\xd0",     "\x0f\xb2\x20",
    "\xc5\x00",     "\xc4\x00",     "\x0f\xb4\x00", "\x0f\xb5\x00",
    "\xff\x18",     "\xff\x28",     "\x0f\x1f\x00", "\xc8\x00\x40\x1f",
    "\x60",         "\x61",         "\x9d",         "\x0f\x05",
    "\x0f\xaa",     "\x0f\x01\xcb", "\x0f\x01\xca", "\xd6",
    "\x63\xc0",     "\x0f\x02\xc0", "\x0f\x03\xc0", "\x0f\x00\xe0",
    "\x0f\xae\x28", "\x0f\xc7\xf0", "\xe4\x60",     "\xe6\x80",
    "\x6c",
};

/* Call code with random registers; EAX and the flags are given. */
static void run(uint32_t code, uint32_t eax, uint32_t flags)
{
    static uint32_t registers[6];

    fill_words(registers, 6);
    registers[5] = flags;
    asm volatile("push %%ebp\n\t push %%ds\n\t push %%es\n\t pushf\n\t pusha\n\t"
                 "mov %[code], %%ebp\n\t"
                 "mov 0+%[regs], %%ebx\n\t mov 4+%[regs], %%ecx\n\t mov 8+%[regs], %%edx\n\t"
                 "mov 12+%[regs], %%esi\n\t mov 16+%[regs], %%edi\n\t"
                 "push 20+%[regs]\n\t popf\n\t"
                 "call *%%ebp\n\t"
                 "popa\n\t popf\n\t pop %%es\n\t pop %%ds\n\t pop %%ebp"
                 :
                 : [code] "S"(code), [regs] "m"(registers), "a"(eax)
                 : "memory", "cc");
}

/* Calls without pointers that end nothing, for code that may make any of them. */
static uint32_t harmless_call(void)
{
    static const uint32_t numbers[] = {__NR_getpid, __NR_sched_yield, __NR_getppid, __NR_sync,
                                       1000};

    return PICK(numbers);
}

static uint32_t flags_value(void)
{
    static const uint32_t flags[] = {0x100,   0x400,    0x4000,  0x3000,
                                     0x40000, 0x200000, 0x10000, 0x20000};

    return one_in(2) ? 0x202 : 0x202 | PICK(flags) | (one_in(2) ? PICK(flags) : 0);
}
