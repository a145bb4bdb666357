/*
 * Signals from outside: a process is ended in ring 3, in a sleep, and before its first instruction;
 * kernel threads refuse. That nothing of it is left is what the self-test core checks after each
 * test.
 */
#include "run.h"
#include <asm/errno.h>
#include <asm/signal.h>
#include <kernel/signal.h>

/* Send the signal, and wait for the end. */
static struct task_result signal_and_wait(u32 pid, u32 signal)
{
    struct task_result result = {.exit_code = ~0u};

    if (!pid || !expect_eq(send_signal(task_find(pid), signal, NULL), 0))
        return result;
    expect_soon(task_try_wait(pid, &result) != -EAGAIN);
    return result;
}

KTEST(kill, process_in_ring_3)
{
    u32 pid = start_program(ARGV("spin"));
    struct task_result result;

    if (pid)
        expect_soon(task_find(pid)->nivcsw > 0);
    result = signal_and_wait(pid, SIGKILL);
    expect_eq(result.exit_code, SIGKILL);
    expect(result.nivcsw >= 1); /* it did run */
    expect(strstr(result.death_note, "SIGKILL from outside") != NULL);
}

KTEST(kill, sleeping_process)
{
    u32 pid = start_program(ARGV("nap", "600000000", "1"));
    struct task_result result;

    if (pid)
        expect_soon(task_find(pid)->state == TASK_SLEEPING);
    result = signal_and_wait(pid, SIGINT);
    expect_eq(result.exit_code, SIGINT);
    expect(result.nvcsw >= 1);
}

/*
 * A SIGCONT takes back a stop that was not delivered yet. The process may have given up a call for
 * it already, so it must be told all the same, or the program would see the call's result.
 */
KTEST(kill, signal_that_is_taken_back)
{
    u32 pid = start_program(ARGV("nap", "600000000", "1"));
    struct task *task = pid ? task_find(pid) : NULL;

    if (!task)
        return;
    expect_soon(task->state == TASK_SLEEPING);
    expect_eq(send_signal(task, SIGTSTP, NULL), 0);
    expect_eq(send_signal(task, SIGCONT, NULL), 0);
    expect(task->sigpending);
    expect_soon(!task->sigpending && task->state == TASK_SLEEPING); /* again */
    expect_eq(signal_and_wait(pid, SIGKILL).exit_code, SIGKILL);
}

KTEST(kill, before_the_first_instruction)
{
    struct task_result result = signal_and_wait(start_program(ARGV("status", "3")), SIGKILL);

    expect_eq(result.exit_code, SIGKILL); /* not status 3 */
}

KTEST(kill, first_signal_counts)
{
    u32 pid = start_program(ARGV("status", "3"));

    if (pid)
        expect_eq(send_signal(task_find(pid), SIGINT, NULL), 0);
    expect_eq(signal_and_wait(pid, SIGKILL).exit_code, SIGINT);
}

KTEST(kill, other_processes_go_on)
{
    u32 other = start_program(ARGV("spin")), pid = start_program(ARGV("spin"));

    expect_eq(signal_and_wait(pid, SIGKILL).exit_code, SIGKILL);
    expect_eq(wait_for(other).exit_code, EXIT_STATUS(0));
}

KTEST(kill, process_that_has_ended)
{
    u32 pid = start_program(ARGV("status", "3"));

    if (!pid)
        return;
    expect(task_wait_ended(pid) == task_find(pid));
    expect_eq(send_signal(task_find(pid), SIGKILL, NULL), 0);
    expect_eq(wait_for(pid).exit_code, EXIT_STATUS(3));
}

KTEST(kill, kernel_threads_refuse)
{
    expect_eq(send_signal(current, SIGKILL, NULL), -EPERM);
    expect_eq(send_signal(this_cpu()->idle, SIGKILL, NULL), -EPERM);
    expect(!signal_pending());
}
