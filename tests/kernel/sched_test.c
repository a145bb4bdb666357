/*
 * The scheduler and the life of tasks: time slices, preemption, sleep, waking, waiting, ending.
 * Threads write letters into a trace, so that an order is a string. Times have only lower limits: a
 * busy host may make anything late.
 */
#include "tests/kernel/process/run.h"
#include <asm/errno.h>
#include <asm/signal.h>
#include <mm/frame/page_alloc.h>
#include <mm/frame/slab.h>
#include <mm/kva/vmalloc.h>

#define MANY       50
#define PID_NOBODY 0xffffffffu

static struct {
    char text[32];
    u32 length;
} trace;

static void trace_clear(void)
{
    memset(&trace, 0, sizeof(trace));
}

static void trace_add(char c)
{
    if (trace.length < sizeof(trace.text) - 1)
        trace.text[trace.length++] = c;
}

static u32 start_thread(void (*entry)(void *), void *arg)
{
    struct task *task = kthread_create("test", entry, arg);

    if (!expect(task != NULL))
        return 0;
    return task->pid;
}

/* ---- turns ---- */

static void four_turns(void *letter)
{
    for (u32 i = 0; i < 4; i++) {
        trace_add(*(const char *)letter);
        sched_yield();
    }
}

KTEST(sched, round_robin)
{
    u32 a, b, c;

    trace_clear();
    a = start_thread(four_turns, "a");
    b = start_thread(four_turns, "b");
    c = start_thread(four_turns, "c");
    wait_for(a);
    wait_for(b);
    wait_for(c);
    expect_str_eq(trace.text, "abcabcabcabc");
}

/* Until the process was preempted that often, or has ended. */
static void wait_until_preempted(u32 pid, u32 times)
{
    const struct task *task = task_find(pid);

    expect_soon(task->state == TASK_ZOMBIE || (task->nivcsw >= times && task->ticks >= times));
}

KTEST(sched, preempts_a_process_that_never_yields)
{
    u32 pid = start_program(ARGV("spin", "until-told"));
    struct task_result result;

    if (!pid)
        return;
    wait_until_preempted(pid, 3);
    tell_to_end(pid);
    result = wait_for(pid);
    expect_eq(result.exit_code, 0);
    expect(result.nivcsw >= 3 && result.ticks >= 3);
}

KTEST(sched, two_processes_share_the_processor)
{
    u32 a = start_program(ARGV("spin", "until-told")),
        b = start_program(ARGV("spin", "until-told"));
    struct task_result of_a, of_b;

    if (!a || !b)
        return;
    wait_until_preempted(a, 3);
    wait_until_preempted(b, 3);
    tell_to_end(a);
    tell_to_end(b);
    of_a = wait_for(a);
    of_b = wait_for(b);
    expect_eq(of_a.exit_code, 0);
    expect_eq(of_b.exit_code, 0);
    expect(of_a.nivcsw >= 3 && of_b.nivcsw >= 3);
    expect(of_a.ticks >= 3 && of_b.ticks >= 3);
}

/* ---- sleeping and waking ---- */

KTEST(sched, sleeps_at_least_as_long_as_asked)
{
    static const u32 lengths[] = {1, 2, 5};

    for (u32 i = 0; i < ARRAY_SIZE(lengths); i++) {
        u64 start = jiffies_64();

        sched_sleep(lengths[i]);
        /* One more than requested: the current tick does not count. */
        expect((u32)(jiffies_64() - start) > lengths[i]);
    }
}

KTEST(sched, sleep_of_nothing_returns)
{
    u32 switches = current->nvcsw;

    sched_sleep(0);
    sched_sleep_until(jiffies_64());
    expect_eq(current->nvcsw, switches);
}

struct sleeper {
    u64 deadline;
    char letter;
};

static void sleep_and_trace(void *arg)
{
    const struct sleeper *sleeper = arg;

    sched_sleep_until(sleeper->deadline);
    trace_add(sleeper->letter);
}

KTEST(sched, sleepers_wake_in_order_of_deadline)
{
    u64 now = jiffies_64();
    struct sleeper sleepers[] = {{now + 7, 'd'}, {now + 3, 'a'}, {now + 5, 'b'}, {now + 5, 'c'}};
    u32 pids[ARRAY_SIZE(sleepers)];

    trace_clear();
    for (u32 i = 0; i < ARRAY_SIZE(sleepers); i++)
        pids[i] = start_thread(sleep_and_trace, &sleepers[i]);
    for (u32 i = 0; i < ARRAY_SIZE(sleepers); i++)
        wait_for(pids[i]);
    expect_str_eq(trace.text, "abcd");
}

static struct wait_queue queue = WAIT_QUEUE_INIT(queue);
static bool condition;

static void wait_and_trace(void *letter)
{
    wait_event(&queue, condition);
    trace_add(*(const char *)letter);
}

KTEST(sched, wake_up_wakes_all_who_wait)
{
    u32 a, b;

    trace_clear();
    condition = false;
    a = start_thread(wait_and_trace, "a");
    b = start_thread(wait_and_trace, "b");
    sched_yield();
    expect(!list_empty(&queue.tasks));
    wake_up(&queue); /* the condition is false: they go back to sleep */
    sched_yield();
    expect_str_eq(trace.text, "");
    expect(!list_empty(&queue.tasks));
    condition = true;
    wake_up(&queue);
    wait_for(a);
    wait_for(b);
    expect_str_eq(trace.text, "ab");
    expect(list_empty(&queue.tasks));
}

/* ---- ending and waiting ---- */

static void exit_with(void *code)
{
    task_exit((u32)code);
}

static __noinline void expect_exit_code(const char *status, u32 exit_code)
{
    expect_eq(run_program(ARGV("status", status)).exit_code, exit_code);
}

KTEST(sched, wait_gives_the_exit_code)
{
    struct task_result result;

    expect_eq(wait_for(start_thread(exit_with, (void *)0x700)).exit_code, 0x700);
    expect_exit_code("0", EXIT_STATUS(0));
    expect_exit_code("42", EXIT_STATUS(42));
    expect_exit_code("0x1ff", EXIT_STATUS(0xff));
    result = run_program(ARGV("attack", "read", "0"));
    expect_eq(result.exit_code, SIGSEGV);
    expect(strstr(result.death_note, "SIGSEGV: read from 0x00000000 at eip 0x") != NULL);
}

KTEST(sched, wait_for_any_child)
{
    u32 a = start_thread(exit_with, NULL), b = start_program(ARGV("status", "1")), seen = 0;
    struct task_result result;

    for (u32 i = 0; i < 2; i++) {
        expect_eq(task_wait(0, &result), 0);
        seen |= result.pid == a ? 1 : result.pid == b ? 2 : 0;
    }
    expect_eq(seen, 3);
}

KTEST(sched, wait_without_a_child)
{
    struct task_result result;
    u32 pid;

    expect_eq(task_wait(PID_NOBODY, &result), -ECHILD);
    expect_eq(task_try_wait(PID_NOBODY, &result), -ECHILD);
    pid = start_thread(exit_with, NULL);
    expect_eq(task_try_wait(pid, &result), -EAGAIN);
    expect_eq(task_wait(pid, &result), 0);
    expect_eq(task_wait(pid, &result), -ECHILD);
}

static void wait_for_parents_child(void *pid)
{
    struct task_result result;

    task_exit(task_wait((u32)pid, &result) == -ECHILD ? 0 : 1);
}

KTEST(sched, only_the_parent_can_wait)
{
    u32 child = start_thread(exit_with, NULL);

    expect_eq(wait_for(start_thread(wait_for_parents_child, (void *)child)).exit_code, 0);
    wait_for(child);
}

KTEST(sched, many_processes)
{
    u32 pids[MANY], free_before;

    mm_shrink();
    slab_shrink();
    free_before = nr_free_pages();
    for (u32 i = 0; i < MANY; i++) {
        pids[i] = start_program(ARGV("status", "7"));
        if (!pids[i])
            break;
    }
    for (u32 i = 0; i < MANY && pids[i]; i++)
        expect_eq(wait_for(pids[i]).exit_code, EXIT_STATUS(7));
    mm_shrink();
    slab_shrink();
    expect_eq(nr_free_pages(), free_before);
}

static void leave_a_sleeping_child(void *child)
{
    static struct sleeper sleeper;

    sleeper = (struct sleeper){jiffies_64() + 3, 'o'};
    *(u32 *)child = start_thread(sleep_and_trace, &sleeper);
}

KTEST(sched, orphan_ends_and_is_collected)
{
    u32 child = 0;

    trace_clear();
    wait_for(start_thread(leave_a_sleeping_child, &child));
    if (expect(task_find(child) != NULL))
        expect(task_find(child)->parent == NULL);
    expect_soon(task_find(child) == NULL);
    expect_str_eq(trace.text, "o");
}

static void leave_a_dead_child(void *child)
{
    *(u32 *)child = start_thread(exit_with, NULL);
    task_wait_ended(*(u32 *)child);
}

KTEST(sched, dead_children_go_with_their_parent)
{
    u32 child = 0;

    wait_for(start_thread(leave_a_dead_child, &child));
    expect(child != 0);
    expect(task_find(child) == NULL);
}

/* ---- looking tasks up ---- */

KTEST(sched, tasks_are_listed_in_order_of_pid)
{
    u32 a = start_thread(exit_with, NULL), b = start_thread(exit_with, NULL), count = 0;
    struct task *task = task_next(NULL);

    expect_eq(task->pid, 0);
    expect_eq(task_next(task)->pid, 1);
    for (; task; task = task_next(task), count++) {
        struct task *next = task_next(task);

        expect(task_find(task->pid) == task);
        if (next)
            expect(task->pid < next->pid);
    }
    expect(count >= 4 && a < b);
    wait_for(a);
    wait_for(b);
}

KTEST(sched, task_of_a_stack_address)
{
    u32 local, bottom = (u32)current->stack;

    expect(task_by_stack_address((u32)&local) == current);
    expect(task_by_stack_address(bottom) == current);
    expect(task_by_stack_address(bottom - 1) == current);         /* the guard page */
    expect(task_by_stack_address(bottom - PAGE_SIZE) == current); /* its first byte */
    expect(task_by_stack_address(bottom - PAGE_SIZE - 1) != current);
    expect(task_by_stack_address(bottom + THREAD_SIZE) != current);
    expect(task_by_stack_address((u32)&trace) == NULL);
}

/* ---- programs that cannot be started ---- */

#define MANY_ARGUMENTS (ARG_BYTES_MAX / (sizeof("x") + sizeof(char *)) + 1)

KTEST(sched, spawn_errors)
{
    char *long_argument = vmalloc(ARG_BYTES_MAX);
    const char **many = vmalloc((MANY_ARGUMENTS + 1) * sizeof(*many));

    if (!expect(long_argument && many))
        return;
    memset(long_argument, 'x', ARG_BYTES_MAX);
    long_argument[ARG_BYTES_MAX - 1] = '\0';
    for (u32 i = 0; i < MANY_ARGUMENTS; i++)
        many[i] = "x";
    many[MANY_ARGUMENTS] = NULL;
    expect_eq(process_spawn(ARGV("no-such-program"), NULL, true), -ENOENT);
    expect_eq(process_spawn(ARGV("/no-such-folder/status"), NULL, true), -ENOENT);
    expect_eq(process_spawn(ARGV("/"), NULL, true), -EACCES);
    expect_eq(process_spawn(many, NULL, true), -E2BIG);
    expect_eq(process_spawn(ARGV("status", long_argument), NULL, true), -E2BIG);
    expect_eq(process_spawn(ARGV("status"), (const char *const *)many, true), -E2BIG);
    vfree(long_argument);
    vfree(many);
    expect_eq(run_program(ARGV("/status", "3")).exit_code, EXIT_STATUS(3));
}
