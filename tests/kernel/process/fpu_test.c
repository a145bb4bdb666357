/*
 * Floating-point registers, of programs and between them: when they are saved, and what happens to
 * the saved state. What a program can see is tested in user/tests/fpu_test.c.
 */
#include "tests/kernel/process/run.h"
#include <arch/x86/cpu.h>
#include <arch/x86/fpu.h>
#include <arch/x86/trap.h>
#include <asm/signal.h>
#include <mm/fail.h>

#define SPIN_MS "100"

static bool no_fpu(void)
{
    if (!cpu_features.fpu)
        ktest_skip("this processor has no floating-point unit");
    return !cpu_features.fpu;
}

KTEST(fpu, program)
{
    if (no_fpu())
        return;
    expect_passes("fpu_test");
}

/* No program sees another's numbers; when all have ended, the registers have no owner. */
KTEST(fpu, different_processes)
{
    static const char *const numbers[] = {"1", "0x12345678", "0xfedcba98", "7"};
    u32 pids[ARRAY_SIZE(numbers)];

    if (no_fpu())
        return;
    for (u32 i = 0; i < ARRAY_SIZE(pids); i++)
        pids[i] = start_program(ARGV("fpu_test", "spin", numbers[i], SPIN_MS));
    for (u32 i = 0; i < ARRAY_SIZE(pids); i++)
        expect_eq(wait_for(pids[i]).exit_code, 0);
    expect(fpu_owner == NULL);
    expect(fpu_traps && (read_cr0() & CR0_TS));
}

/* A process that does not use them has no state, and switching to it and back keeps CR0. */
KTEST(fpu, unused_costs_nothing)
{
    struct task *task;
    u32 pid;

    if (no_fpu())
        return;
    pid = start_program(ARGV("fpu_test", "late"));
    task = task_find(pid);
    if (!pid)
        return;
    for (u32 i = 0; i < 5; i++) {
        sched_yield();
        expect(task->thread.fpu == NULL);
        expect(fpu_owner == NULL && (read_cr0() & CR0_TS));
    }
    tell_to_end(pid);
    task_wait_ended(pid);
    expect(task->thread.fpu == NULL); /* it had one, and has freed it */
    expect_eq(wait_for(pid).exit_code, 0);
}

KTEST(fpu, no_memory_for_a_state)
{
    struct task_result result;
    u32 pid;

    if (no_fpu())
        return;
    pid = start_program(ARGV("fpu_test", "late"));
    tell_to_end(pid);
    alloc_fail_countdown = 1;
    result = wait_for(pid);
    expect_eq(alloc_fail_countdown, 0);
    alloc_fail_countdown = 0;
    expect_eq(result.exit_code, SIGKILL);
    if (!strstr(result.death_note, "no memory for its floating-point registers"))
        ktest_fail(__FILE__, __LINE__, "death note: %s", result.death_note);
}

/* A switch sets TS for all tasks but the owner, so that a use of the registers traps. */
KTEST(fpu, kernel_must_not)
{
    struct fault_probe probe;

    if (fault_probe_set(&probe) == 0) {
        asm volatile("fnop");
        fault_probe_clear(&probe);
        ktest_fail(__FILE__, __LINE__,
                   "a floating-point instruction in the kernel was not noticed");
    } else {
        expect_eq(probe.vector, X86_TRAP_NM);
    }
}

/* The registers stay loaded until another task needs them. */
KTEST(fpu, moves_late)
{
    struct thread first = {0}, second = {0};
    struct fpu_state state[2];
    u16 word = 0x0c7f, found = 0;

    if (no_fpu())
        return;
    fpu_state_init(&state[0]);
    fpu_state_init(&state[1]);
    first.fpu = &state[0];
    second.fpu = &state[1];
    fpu_take(&first);
    asm volatile("fldcw %0" : : "m"(word));
    fpu_sync(&first);
    expect_eq(cpu_features.fxsr ? state[0].fx.cwd : (u16)state[0].fn.cwd, word);
    fpu_take(&second);
    asm volatile("fnstcw %0" : "=m"(found));
    expect_eq(found, 0x037f);
    thread_load(&first); /* not the owner: its use traps */
    expect(read_cr0() & CR0_TS);
    thread_load(&second);
    expect(!(read_cr0() & CR0_TS));
    fpu_take(&first);
    asm volatile("fnstcw %0" : "=m"(found));
    expect_eq(found, word);
    fpu_forget(&second);
    expect(fpu_owner == &first);
    fpu_forget(&first);
    thread_load(&current->thread);
    expect(fpu_owner == NULL && (read_cr0() & CR0_TS));
}
