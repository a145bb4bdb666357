/*
 * System calls, made from ring 3: the programs check the results and report by their exit status.
 * The same programs pass on Linux, which shows that the results are Linux's.
 */
#include "tests/kernel/process/run.h"
#include <asm/unistd.h>
#include <mm/user/mm.h>

KTEST(syscall, results_and_errors)
{
    expect_passes("syscall_test");
}

KTEST(syscall, bad_pointers)
{
    expect_passes("bad_pointer_test");
}

KTEST(syscall, files)
{
    expect_passes("file_test");
}

KTEST(syscall, waiting_for_files)
{
    expect_passes("poll_test");
}

KTEST(syscall, time_limits_names)
{
    expect_passes("misc_test");
}

KTEST(syscall, brk)
{
    expect_passes("brk_test");
}

KTEST(syscall, first_instruction)
{
    expect_passes("start_test", "one", "two");
}

/* A sleep of a tick and a half takes two whole ticks, and the current one does not count. */
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
    /* Without the right number of arguments it prints its usage and ends with 2. */
    expect_eq(run_program(ARGV("attack", "syscall", "0xc0000000")).exit_code, EXIT_STATUS(0));
}

/* ---- long writes ---- */

/* Ready to run, in the middle of a write(). */
static bool is_in_write(const struct task *task)
{
    const struct pt_regs *regs = task_pt_regs(task);

    return task->state == TASK_RUNNING && regs->vector == SYSCALL_VECTOR && regs->eax == __NR_write;
}

/* Kernel code is not preempted, but long work yields. */
KTEST(syscall, long_write_gives_turns)
{
    u32 pid = start_program(ARGV("long_write", "256")), turns = 0;
    struct task *task = task_find(pid);

    if (!pid)
        return;
    while (task->state != TASK_ZOMBIE && turns < 3) {
        turns += is_in_write(task);
        sched_yield();
    }
    expect_eq(turns, 3);
    if (task->mm)
        mm_brk(task->mm, task->mm->start_brk); /* enough: let it reach the end of its memory */
    expect_eq(wait_for(pid).exit_code, 0);
}
