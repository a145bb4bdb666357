/*
 * Signals from outside: a process is killed in ring 3, in a sleep, and before its first
 * instruction; kernel threads refuse. The self-test core checks after each test that nothing of it
 * is left.
 *
 * Ending a process takes many steps, and other tasks run in between. For some tests the kernel
 * yields wherever it may, and each time a thread checks everything that can be found of every
 * process: task_check(), all of /proc/PID, a signal. Others kill processes that have lent their
 * memory by vfork().
 */
#include "tests/kernel/process/copy.h"
#include "tests/kernel/process/look.h"
#include "tests/kernel/process/run.h"
#include <asm/errno.h>
#include <asm/signal.h>
#include <fs/fs.h>
#include <kernel/process/fdtable.h>
#include <kernel/process/signal.h>
#include <lib/detach.h>
#include <lib/printf.h>
#include <lib/printk.h>
#include <lib/resched.h>
#include <linux/fcntl.h>
#include <linux/stat.h>
#include <mm/check/audit.h>
#include <mm/frame/slab.h>

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
    u32 pid = start_program(ARGV("spin", "until-told"));
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
 * A SIGCONT cancels a stop that was not delivered yet. The process may already have interrupted a
 * call for the stop, so the call must be restarted, or the program would see its internal result.
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
    u32 other = start_program(ARGV("spin"));
    u32 pid = start_program(ARGV("spin", "until-told"));

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

/* ---- ending while others look ---- */

#define AUDIT_EVERY 64 /* looks: the audit calls task_check() too, and much else */

static struct {
    struct task *task;
    bool enough;
    u32 looks;
} looker;

/* Everything in its folder of /proc, and a signal that it ignores. */
static void look_at_task(struct task *task)
{
    static char name[NAME_MAX_ + 1], path[NAME_MAX_ + 32];
    struct inode *folder;
    u32 ino, type;
    u64 pos = 2; /* behind "." and ".." */

    snprintf(path, sizeof(path), "/proc/%u", task->pid);
    if (!expect_eq(path_lookup(fs_root(), path, 0, &folder), 0))
        return;
    while (inode_readdir(folder, pos, name, &ino, &type, &pos) == 1) {
        snprintf(path, sizeof(path), "/proc/%u/%s", task->pid, name);
        look_at_file(path);
    }
    inode_put(folder);
    expect_eq(send_signal(task, SIGURG, NULL),
              task->signals || task->state == TASK_ZOMBIE ? 0 : -EPERM);
}

/* A pass over all tasks each time it runs. After the first error it checks nothing more. */
static void look(void *unused)
{
    (void)unused;
    while (!looker.enough) {
        if (ktest_ok())
            expect_none(looker.looks % AUDIT_EVERY ? task_check() : mm_audit());
        for (struct task *task = task_next(NULL); task && ktest_ok(); task = task_next(task)) {
            if (task->pid) /* /proc has no folder for the idle task */
                look_at_task(task);
        }
        looker.looks++;
        sched_yield();
    }
}

/* A pass is one moment: no other task runs during it. */
static void yield_to_looker(void)
{
    if (current != looker.task)
        schedule();
}

static bool looking_begin(struct resched_hook *saved)
{
    looker.enough = false;
    looker.looks = 0;
    looker.task = kthread_create("looker", look, NULL);
    *saved = yield_everywhere(yield_to_looker);
    return expect(looker.task != NULL);
}

static void looking_end(const struct resched_hook *saved)
{
    looker.enough = true;
    wait_for(looker.task->pid);
    looker.task = NULL;
    resched_hook = *saved;
}

KTEST_SLOW(kill, programs_that_are_looked_at)
{
    static const char *const programs[][4] = {
        {"cycles", "6"}, {"fork_test"}, {"exec_test"},   {"wait_test"},
        {"file_test"},   {"poll_test"}, {"signal_test"}, {"fuzz", "1", "4"},
    };
    struct resched_hook saved;

    if (!looking_begin(&saved))
        return;
    for (u32 i = 0; i < ARRAY_SIZE(programs) && ktest_ok(); i++) {
        u32 looks = looker.looks;

        expect_eq(run_program(programs[i]).exit_code, 0);
        expect(looker.looks > looks);
        printk("# %s: %u looks\n", programs[i][0], looker.looks - looks); /* it takes a while */
    }
    looking_end(&saved);
}

/* ---- the last reference ---- */

/* The working directory of a process is removed. */
static void work_in_removed_folder(struct task *task)
{
    struct inode *folder;

    if (!expect_eq(vfs_mkdir(fs_root(), "/tmp/gone", 0755), 0) ||
        !expect_eq(path_lookup(fs_root(), "/tmp/gone", 0, &folder), 0))
        return;
    inode_put(exchange(&task->cwd, folder));
    expect_eq(vfs_rmdir(fs_root(), "/tmp/gone"), 0);
}

/* The descriptor, or -1. */
static long open_removed_file(struct task *task)
{
    struct file *file;

    if (!expect_eq(file_open(fs_root(), "/tmp/gone", O_RDWR | O_CREAT, 0600, &file), 0))
        return -1;
    expect_eq(vfs_unlink(fs_root(), "/tmp/gone"), 0);
    return fd_install(task->files, 0, file, 0);
}

/* Its program, its folder and an open file have no name any more. They are freed when it ends. */
KTEST(kill, all_it_has_is_removed)
{
    struct resched_hook saved;
    u32 pid, looks;

    if (!copy_program("/nap", "/tmp/nap"))
        return;
    pid = start_program(ARGV("/tmp/nap", "600000000", "1"));
    expect_eq(vfs_unlink(fs_root(), "/tmp/nap"), 0);
    if (!pid || !looking_begin(&saved))
        return;
    expect_soon(task_find(pid)->state == TASK_SLEEPING);
    work_in_removed_folder(task_find(pid));
    expect_eq(fd_close(task_find(pid)->files, open_removed_file(task_find(pid))), 0);
    expect(open_removed_file(task_find(pid)) >= 0);
    looks = looker.looks;
    expect_eq(signal_and_wait(pid, SIGKILL).exit_code, SIGKILL);
    expect(looker.looks > looks);
    looking_end(&saved);
}

/* ---- memory that is lent ---- */

#define LENT_MARK  0x6c656e64 /* user/tests/helpers/lend.c */
#define LENT_BEGUN 4

static u32 heap_word(struct mm *mm, u32 index)
{
    u32 word = 0;

    return mm_read(mm, mm->start_brk + index * sizeof(word), &word, sizeof(word)) ? 0 : word;
}

/* No signal frame was written to the page for them. */
static bool signal_stack_is_empty(struct mm *mm)
{
    u32 words = 0;

    for (u32 i = PAGE_SIZE / 4; i < 2 * PAGE_SIZE / 4; i++)
        words |= heap_word(mm, i);
    return words == 0;
}

/* The last of a chain, when it has begun: its memory is lent `depth` times. NULL if it did not. */
static struct task *end_of_chain(u32 pid, u32 depth)
{
    struct task *task = task_find(pid);

    if (!pid || !expect_soon(heap_word(task->mm, LENT_BEGUN) == 1))
        return NULL;
    while (task->vfork_child) {
        task = task->vfork_child;
        depth--;
    }
    return expect_eq(depth, 0) ? task : NULL;
}

static void end_orphan(u32 pid)
{
    expect_eq(send_signal(task_find(pid), SIGKILL, NULL), 0);
    expect_soon((task_reap_unwanted(), !task_find(pid))); /* the idle task does not run */
}

/*
 * A process that is killed while its child moves mappings in their memory does not write to it: the
 * other signal, which has a handler and the lower number, gets no frame.
 */
KTEST(kill, lender)
{
    u32 pid = start_program(ARGV("lend", "1")), user;
    struct task *last = end_of_chain(pid, 1);
    struct resched_hook saved;
    struct mm *mm;

    if (!last || !looking_begin(&saved))
        return;
    user = last->pid;
    mm = mm_get(last->mm);
    for (u32 i = 0; i < 2; i++)
        expect_eq(send_signal(task_find(pid), i == 0 ? SIGHUP : SIGKILL, NULL), 0);
    expect_eq(wait_for(pid).exit_code, SIGKILL);
    expect(task_find(user) == last && !last->vfork_parent);
    expect_eq(heap_word(mm, 0), LENT_MARK);
    expect(signal_stack_is_empty(mm));
    expect_none(mm_audit());
    end_orphan(user);
    mm_put(mm);
    looking_end(&saved);
}

/* All in the middle of a chain are killed: the first one continues when the last one has ended. */
static void kill_the_middle(u32 depth)
{
    u32 pid = start_program(ARGV("lend", depth == 2 ? "2" : "4")), user, looks;
    struct task *first = task_find(pid), *last = end_of_chain(pid, depth), *task;
    struct resched_hook saved;

    if (!last || !looking_begin(&saved))
        return;
    user = last->pid;
    task = first;
    while ((task = task->vfork_child) != last)
        expect_eq(send_signal(task, SIGKILL, NULL), 0);
    expect_soon(first->vfork_child == last && last->vfork_parent == first);
    looks = looker.looks;
    expect_soon(looker.looks > looks + 20);
    expect(first->state == TASK_SLEEPING && first->vfork_child == last);
    for (u32 i = 1; i < depth; i++)
        expect_eq(heap_word(last->mm, depth - 1 - i), LENT_MARK);
    expect_none(mm_audit());
    end_orphan(user);
    expect_eq(wait_for(pid).exit_code, EXIT_STATUS(0));
    looking_end(&saved);
}

KTEST(kill, lender_in_the_middle)
{
    kill_the_middle(2);
}

KTEST(kill, all_lenders_in_the_middle)
{
    kill_the_middle(4);
}
