/*
 * Many programs at the same time, while the kernel yields in a seeded order wherever it may
 * (kernel/turns.c), and a thread looks at them through /proc; once more while allocations of
 * processes are refused in a seeded order. The audit then finds no error, and nothing is left over.
 *
 * The seed is that of turns=SEED, and the kernel then also yields at the return to ring 3;
 * otherwise it is 1. scripts/turns runs these tests and others with many seeds.
 */
#include "tests/kernel/process/copy.h"
#include "tests/kernel/process/look.h"
#include "tests/kernel/process/run.h"
#include <asm/signal.h>
#include <kernel/process/signal.h>
#include <kernel/turns.h>
#include <lib/printf.h>
#include <lib/printk.h>
#include <mm/check/audit.h>

#define TOGETHER    4
#define ROUNDS      64
#define AUDIT_EVERY 64  /* looks */
#define SHORT       100 /* ticks */

/* A prime number of programs, so that the seed chooses where to begin and how many to skip. */
static const char *const programs[] = {
    "fork_test", "exec_test",   "wait_test", "file_test",     "poll_test",   "signal_test",
    "xv6_test",  "pintos_test", "brk_test",  "proc_mem_test", "itimer_test",
};

static u32 seed(void)
{
    return turns_seed() ? turns_seed() : 1;
}

static u32 refused_one_in(void)
{
    return 32u << seed() % 6;
}

/* ---- a thread that looks ---- */

static struct {
    u32 pid;
    bool restless; /* the programs never sleep: it need not either */
    bool enough;
} looker;

/* All may wait for a tick, and then nothing changes until it comes. */
static void let_others_run(void)
{
    if (looker.restless)
        sched_yield();
    else
        sched_sleep(1);
}

/* The pid of the process after this one, in a circle; 0 when there is none. */
static u32 next_pid(u32 pid)
{
    struct task *task = task_find(pid), *first;

    for (task = task_next(task); task; task = task_next(task))
        if (task->signals)
            return task->pid;
    for (first = task_next(NULL); first && !first->signals; first = task_next(first))
        ;
    return first ? first->pid : 0;
}

/* What refers to something else, and what walks the memory. */
static void look_at(u32 pid)
{
    static const char *const names[] = {"exe", "cwd", "maps", "smaps"};
    char path[32];

    for (u32 i = 0; i < ARRAY_SIZE(names) && ktest_ok(); i++) {
        snprintf(path, sizeof(path), "/proc/%u/%s", pid, names[i]);
        look_at_file(path);
    }
}

static void look(void *unused)
{
    u32 pid = 0, next, looks = 0;

    (void)unused;
    while (!looker.enough) {
        if (ktest_ok() && looks++ % AUDIT_EVERY == 0)
            expect_none(mm_audit());
        if ((next = next_pid(pid)))
            look_at(next);
        if (next > pid)
            sched_yield();
        else
            let_others_run();
        pid = next;
    }
}

static bool looker_start(void)
{
    struct task *task;

    looker.enough = false;
    task = kthread_create("looker", look, NULL);
    if (expect(task != NULL))
        looker.pid = task->pid;
    return task != NULL;
}

static void looker_stop(void)
{
    looker.enough = true;
    wait_for(looker.pid);
}

/* ---- what the programs leave over ---- */

static u32 newest_ino(void)
{
    struct inode *inode;
    u32 ino = ~0u;

    if (!expect_eq(vfs_mkdir(fs_root(), "/tmp/newest", 0755), 0))
        return ino;
    if (expect_eq(path_lookup(fs_root(), "/tmp/newest", 0, &inode), 0)) {
        ino = inode->ino;
        inode_put(inode);
    }
    expect_eq(vfs_rmdir(fs_root(), "/tmp/newest"), 0);
    return ino;
}

/* The first entry of a folder that is newer. */
static bool find_newer(struct inode *folder, u32 than, char *name)
{
    u32 ino, type;
    u64 pos = 2; /* behind "." and ".." */

    while (inode_readdir(folder, pos, name, &ino, &type, &pos) == 1)
        if (ino > than)
            return true;
    return false;
}

/* Remove one newer entry, from the folder that has no other below. False when there is none. */
static bool remove_newer(const char *path, u32 than)
{
    static char name[NAME_MAX_ + 1];
    struct inode *folder, *inside;
    bool removed = false;

    if (!expect_eq(path_lookup(fs_root(), path, 0, &folder), 0))
        return false;
    while (!removed && find_newer(folder, than, name)) {
        removed = vfs_unlink(folder, name) == 0 || vfs_rmdir(folder, name) == 0;
        if (removed || !expect_eq(path_lookup(folder, name, LOOKUP_NOFOLLOW, &inside), 0))
            break;
        inode_put(folder);
        folder = inside;
    }
    inode_put(folder);
    return removed;
}

/* Their children may run on without a parent. */
static void end_all_processes(void)
{
    u32 pid;

    turns_refuse(0);
    while ((pid = next_pid(0))) {
        expect_eq(send_signal(task_find(pid), SIGKILL, NULL), 0);
        sched_sleep(1);
    }
}

/* ---- the programs ---- */

static u32 newest_before;

static bool begin(const char *name)
{
    newest_before = newest_ino();
    turns_start(seed(), name);
    if (looker_start())
        return true;
    turns_stop();
    return false;
}

static void end(void)
{
    turns_refuse(0);
    looker_stop();
    looker.restless = false;
    turns_stop();
    while (remove_newer("/tmp", newest_before) || remove_newer("/", newest_before))
        ;
    expect_none(mm_audit());
}

/*
 * Wait until no process is left; after a time they are killed, because one may wait for a child
 * that could not be made. True if all of these have exit code 0.
 */
static bool wait_for_all(const u32 *pids, u32 count, u32 ticks)
{
    u64 until = jiffies_64() + ticks;
    bool passed = true;

    while (next_pid(0) && jiffies_64() < until)
        let_others_run();
    end_all_processes();
    for (u32 i = 0; i < count; i++) {
        struct task_result result = wait_for(pids[i]);

        if (result.exit_code != 0)
            printk("# [%u]: exit code 0x%x %s\n", pids[i], result.exit_code, result.death_note);
        passed = passed && result.exit_code == 0;
    }
    return passed;
}

static bool run_together(u32 ticks)
{
    u32 pids[TOGETHER], at = seed(), step = 1 + seed() / ARRAY_SIZE(programs) % 10;

    for (u32 i = 0; i < TOGETHER; i++, at += step) {
        pids[i] = start_program(ARGV(programs[at % ARRAY_SIZE(programs)]));
        printk("# [%u]: %s\n", pids[i], programs[at % ARRAY_SIZE(programs)]);
    }
    return wait_for_all(pids, TOGETHER, ticks);
}

KTEST(turns, programs_together)
{
    if (!begin("together"))
        return;
    expect(run_together(PATIENCE));
    end();
}

/* The files of these programs have no name any more: they are freed when the last one ends. */
KTEST(turns, programs_that_are_removed)
{
    u32 pids[TOGETHER];

    looker.restless = true;
    if (!begin("removed"))
        return;
    for (u32 round = 0; round < ROUNDS && ktest_ok(); round++) {
        if (!copy_program("/status", "/tmp/gone"))
            break;
        for (u32 i = 0; i < TOGETHER; i++)
            pids[i] = start_program(ARGV("/tmp/gone", "0"));
        expect_eq(vfs_unlink(fs_root(), "/tmp/gone"), 0);
        expect(wait_for_all(pids, TOGETHER, PATIENCE));
    }
    end();
}

/* How they end does not matter. */
KTEST(turns, programs_that_are_refused_memory)
{
    if (!begin("refused"))
        return;
    turns_refuse(refused_one_in());
    run_together(SHORT);
    end();
}

static bool run_fuzz(u32 ticks)
{
    char number[12];
    u32 pid;

    snprintf(number, sizeof(number), "%u", seed());
    pid = start_program(ARGV("fuzz", number, "2"));
    return wait_for_all(&pid, 1, ticks);
}

KTEST(turns, fuzz)
{
    if (!begin("fuzz"))
        return;
    expect(run_fuzz(PATIENCE));
    end();
}

KTEST(turns, fuzz_that_is_refused_memory)
{
    if (!begin("fuzz refused"))
        return;
    turns_refuse(refused_one_in());
    run_fuzz(SHORT);
    end();
}
