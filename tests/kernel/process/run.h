/* Run a program from a self-test. */
#pragma once

#include <asm/errno.h>
#include <kernel/monitor/ktest.h>
#include <kernel/process/process.h>
#include <kernel/task.h>
#include <lib/resched.h>
#include <lib/string.h>
#include <mm/frame/highmem.h>
#include <mm/user/mm.h>

#define ARGV(...) ((const char *const[]){__VA_ARGS__, NULL})

/* Start a program, without a message at its end. Its pid, or 0 after a failed expectation. */
static inline u32 start_program(const char *const argv[])
{
    long pid = process_spawn(argv, NULL, true);

    if (pid > 0)
        return pid;
    ktest_fail(__FILE__, __LINE__, "%s cannot be started: error %ld", argv[0], -pid);
    return 0;
}

/* Wait for a child. If there is none, the result is zero except for an invalid exit code. */
static inline struct task_result wait_for(u32 pid)
{
    struct task_result result = {.exit_code = ~0u};

    if (!pid || task_wait(pid, &result) != 0)
        ktest_fail(__FILE__, __LINE__, "no child %u to wait for", pid);
    return result;
}

static inline struct task_result run_program(const char *const argv[])
{
    return wait_for(start_program(argv));
}

/*
 * Wait until a condition holds, and expect it to. How far a program gets in a number of ticks
 * depends on the load of the host; the limit is only for a program that hangs.
 */
#define PATIENCE 1500 /* ticks */
#define expect_soon(condition)                                                                     \
    ({                                                                                             \
        u64 until_ = jiffies_64() + PATIENCE;                                                      \
        bool held_;                                                                                \
        while (held_ = (condition), !held_ && jiffies_64() < until_)                               \
            sched_sleep(1);                                                                        \
        ktest_expect(held_, KTEST_SITE(#condition, NULL));                                         \
    })

/*
 * From now on the kernel yields wherever it may, not only at the end of a time slice: `resched` is
 * called each time, and lets others run. Returns the old hook, to be restored.
 */
static inline struct resched_hook yield_everywhere(void (*resched)(void))
{
    static const bool always = true;
    struct resched_hook saved = resched_hook;

    resched_hook.needed = &always;
    resched_hook.resched = resched;
    return saved;
}

/*
 * End `spin until-told`: write to its heap, as soon as it has one. So the test does not depend on
 * the speed of the host, or on ticks that a busy host loses.
 */
static inline void tell_to_end(u32 pid)
{
    struct task *task = task_find(pid);
    u32 word = 1;

    while (task && task->mm && mm_write(task->mm, task->mm->start_brk, &word, 4) == -EFAULT)
        sched_sleep(1);
}

/* Copy from RAM by physical address, within a page. */
static inline void read_phys(void *to, phys_addr_t from, u32 size)
{
    const char *page = kmap_local_page(phys_to_page(from));

    memcpy(to, page + from % PAGE_SIZE, size);
    kunmap_local(page);
}

#define EXIT_STATUS(status) ((u32)(status) << 8)

/* Test programs print which check failed and end with a status other than 0. */
#define expect_passes(...)                                                                         \
    ({                                                                                             \
        struct task_result passes_ = run_program(ARGV(__VA_ARGS__));                               \
        if (passes_.exit_code != 0)                                                                \
            ktest_fail(__FILE__, __LINE__, "%s: exit code 0x%x %s", #__VA_ARGS__,                  \
                       passes_.exit_code, passes_.death_note);                                     \
    })
