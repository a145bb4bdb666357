/*
 * Small features of the processor and the board: random numbers, the clock, the flags that frames
 * may set.
 */
#include <arch/x86/cpu.h>
#include <arch/x86/irqflags.h>
#include <arch/x86/regs.h>
#include <drivers/rtc.h>
#include <kernel/monitor/ktest.h>

#define DRAWS 64

/* Every bit is seen on and off, and no number twice: one run in millions may fail by chance. */
KTEST(cpu, random)
{
    u32 numbers[DRAWS], ones = 0, zeros = 0;

    for (u32 i = 0; i < DRAWS; i++) {
        numbers[i] = arch_random();
        ones |= numbers[i];
        zeros |= ~numbers[i];
        for (u32 k = 0; k < i; k++)
            expect(numbers[k] != numbers[i]);
    }
    expect_eq(ones, ~0u);
    expect_eq(zeros, ~0u);
}

/* The machine's clock is the host's, or set by -rtc; it is not before the date of this test. */
KTEST(cpu, clock)
{
    u32 first = rtc_read(), second = rtc_read();

    expect(first > 1700000000);
    expect(second - first <= 1);
}

KTEST(cpu, flags_of_frames)
{
    struct pt_regs regs = {.eflags = EFLAGS_FIXED | EFLAGS_IF};

    regs_set_flags(&regs, ~0u);
    expect_eq(regs.eflags, 0x40fd7 | EFLAGS_IF);
    regs_set_flags(&regs, 0);
    expect_eq(regs.eflags, EFLAGS_FIXED | EFLAGS_IF);
    regs_set_selectors(&regs, 0x60, 0x68, 0x68, 0);
    expect(user_mode(&regs));
    expect_eq(regs.ss & 3, 3);
}
