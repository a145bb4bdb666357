/*
 * Task numbers: none twice, none that a process group or a session still uses, and tasks are found
 * and listed by number, also after the numbers have wrapped around. The tasks here are made and
 * never run.
 */
#include "tests/kernel/process/run.h"
#include <kernel/pid.h>

#define PID_LAST  32767 /* then the numbers start again */
#define PID_FIRST 300   /* from here */

static void nothing(void *unused)
{
    (void)unused;
}

static struct task *make(void)
{
    struct task *task = task_create("test", nothing, NULL);

    expect(task != NULL);
    return task;
}

static void expect_listed_in_order(void)
{
    for (struct task *task = task_next(NULL), *next; task; task = next) {
        next = task_next(task);
        expect(task_find(task->pid) == task);
        if (next)
            expect(task->pid < next->pid);
    }
}

/* With a number that can be reused: those of the first tasks are not. */
static struct task *make_for_the_second_round(void)
{
    struct task *task = make();

    while (task && task->pid < PID_FIRST) {
        task_free(task);
        task = make();
    }
    return task;
}

/*
 * Give a task every number, one after the other; a new task for each would need half a gigabyte of
 * stacks. Returns how often its pid was `avoid`.
 */
static u32 go_round(u32 avoid)
{
    struct task *task = make();
    u32 met = 0;

    if (!task)
        return 0;
    for (u32 i = PID_FIRST; i <= PID_LAST; i++) {
        struct pid *pid = pid_alloc();

        expect(pid != NULL);
        if (!pid)
            break;
        pid_detach(task);
        task->pids[PID_OWN] = pid;
        pid_attach(task);
        expect(task->pid <= PID_LAST);
        expect(task_find(task->pid) == task);
        met += task->pid == avoid;
    }
    task_free(task);
    return met;
}

/*
 * A leader has ended, and another task is still in its group, then only in its session: its number
 * is not reused, nor is that of a living task. After the last one has ended, it is reused.
 */
KTEST_SLOW(pid, taken_numbers_are_left_out)
{
    struct task *leader = make_for_the_second_round(), *member = make(), *neighbour = make();
    u32 number;

    if (!ktest_ok())
        return;
    number = leader->pid;
    task_lead_session(leader);
    task_inherit_group(member, leader);
    expect_eq(member->pgrp, number);
    expect_eq(member->session, number);
    task_free(leader);
    expect(task_find(number) == NULL);
    expect_eq(go_round(number), 0);
    expect_listed_in_order();
    expect(task_find(member->pid) == member && task_find(neighbour->pid) == neighbour);
    task_set_pgrp(member, member->pid);
    expect_eq(go_round(number), 0);
    task_free(member);
    task_free(neighbour);
    expect_eq(go_round(number), 1);
    expect_listed_in_order();
}

KTEST(pid, unknown_numbers)
{
    struct task *task = make();
    u32 pid;

    if (!task)
        return;
    pid = task->pid;
    expect(task_find(pid) == task);
    task_free(task);
    expect(task_find(pid) == NULL);
    expect(task_find(PID_LAST + 1) == NULL);
    expect(task_find(~0u) == NULL);
}
