/*
 * System calls, made from ring 3: the programs check the results and say by their exit status how
 * it went. The same programs pass on Linux, which is how we know that the results are Linux's.
 */
#include "run.h"
#include <asm/signal.h>

KTEST(syscall, results_and_errors)
{
    expect_passes("syscall_test");
}

KTEST(syscall, brk)
{
    expect_passes("brk_test");
}

KTEST(syscall, first_instruction)
{
    expect_passes("start_test", "one", "two");
}

/* A nap of a tick and a half takes two whole ticks, and the one under way does not count. */
KTEST(syscall, nanosleep_rounds_up)
{
    u64 start = jiffies_64();

    expect_passes("nap", "15000", "8");
    expect((u32)(jiffies_64() - start) >= 8 * 3);
}

KTEST(syscall, exit_status_is_a_byte)
{
    expect_eq(run_program(ARGV("status", "255")).exit_code, EXIT_STATUS(255));
    expect_eq(run_program(ARGV("status", "256")).exit_code, EXIT_STATUS(0));
    expect_eq(run_program(ARGV("status", "0xffffffff")).exit_code, EXIT_STATUS(255));
}

KTEST(syscall, arguments_arrive)
{
    /* Without the right number of arguments it prints how it is used and ends with 2. */
    expect_eq(run_program(ARGV("attack", "syscall", "0xc0000000")).exit_code, EXIT_STATUS(0));
}
