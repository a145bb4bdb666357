/*
 * Core files: SIGKILL in the middle of one, which only the kernel can cause. The program itself
 * checks their contents (user/tests/core_test.c, also on Linux); memory that runs out at any step:
 * tests/kernel/syscall/sweep_test.c.
 */
#include "tests/kernel/process/run.h"
#include <asm/signal.h>
#include <fs/fs.h>
#include <kernel/process/signal_internal.h>
#include <linux/resource.h>

#define STEPS_MAX 500 /* yields of one small core file */

KTEST(coredump, core_test)
{
    expect_passes("core_test");
}

static struct {
    u32 pid;
    u32 yields, kill_at;
} victim;

static void yield_and_kill(void)
{
    if (current->pid == victim.pid && ++victim.yields == victim.kill_at)
        send_signal(current, SIGKILL, NULL);
}

/* A program that runs, and will leave a core file in its working directory, which is /. */
static struct task *start_victim(void)
{
    struct task *task = NULL;

    victim.pid = start_program(ARGV("spin", "until-told"));
    victim.yields = 0;
    if (victim.pid)
        task = task_find(victim.pid);
    if (!task || !expect_soon(task->mm->brk > task->mm->start_brk))
        return NULL;
    task->rlimits[RLIMIT_CORE].rlim_cur = RLIM_INFINITY;
    return task;
}

/* The pages of the core file, which is removed; 0 if it does not exist or is not an ELF file. */
static u32 take_core(void)
{
    struct inode *core;
    u32 pages, magic = 0;

    if (path_lookup(fs_root(), "core", LOOKUP_NOFOLLOW, &core) != 0)
        return 0;
    pages = core->data.nrpages;
    filemap_read(&core->data, 0, &magic, sizeof(magic), filemap_copy_kernel);
    inode_put(core);
    expect_eq(vfs_unlink(fs_root(), "core"), 0);
    return magic == 0x464c457f ? pages : 0;
}

/* SIGKILL comes at one yield after the other. There is one after each page that is written. */
KTEST_SLOW(coredump, killed_in_the_middle)
{
    u32 all = 0, pages = 0;

    for (u32 n = 0; n < STEPS_MAX && ktest_ok() && (n < 2 || pages < all); n++) {
        struct task *task = start_victim();
        struct resched_hook saved = yield_everywhere(yield_and_kill);
        struct task_result result;

        victim.kill_at = n; /* 0: never */
        if (task)
            expect_eq(send_signal(task, SIGABRT, NULL), 0);
        result = wait_for(victim.pid);
        resched_hook = saved;
        expect_eq(result.exit_code & 0x7f, SIGABRT);
        pages = take_core();
        if (n == 0)
            all = pages;
        else
            expect(pages <= n);
    }
    expect(all > 3);
    expect_eq(pages, all);
}
