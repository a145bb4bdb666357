/*
 * The monitor's command `explain ADDR [PID]`: everything the kernel knows of one address.
 *
 * ADDR is a number, hexadecimal with 0x in front or decimal, or the name of a function of the
 * kernel. Kernel addresses are the same in every address space. A user address means another place
 * in each process, so the pid says which; without one it is looked up in the master directory,
 * which has no user half, and the answer lists who has an area there.
 *
 * Neighbours: mm/check/explain_walk.c gathers, kernel/view/explain.c prints.
 */
#include <kernel/kernel.h>
#include <kernel/monitor/monitor.h>
#include <kernel/task.h>
#include <kernel/view/explain.h>
#include <lib/kstrtox.h>
#include <lib/printk.h>
#include <mm/user/mm.h>

/* False after a line that says what is wrong. */
static bool parse_address(const char *word, u32 *addr)
{
    bool hex = word[0] == '0' && (word[1] | 0x20) == 'x';

    if (kstrtouint(word, hex ? 16 : 10, addr) == 0 || symbol_address(word, addr))
        return true;
    printk(
        "explain: %s is neither an address of 32 bits (0x1234abcd) nor a function of the kernel\n",
        word);
    return false;
}

/* The process's address space, held; NULL after a line that says what is wrong. */
static struct mm *parse_process(const char *word)
{
    const struct task *task;
    u32 pid;

    if (kstrtouint(word, 10, &pid) != 0) {
        printk("usage: %s; \"ps\" lists the processes\n", MONITOR_EXPLAIN_USAGE);
        return NULL;
    }
    task = task_find(pid);
    if (!task)
        printk("explain: no task has the pid %u; \"ps\" lists them\n", pid);
    else if (!task->mm)
        printk("explain: %s[%u] has no address space of its own\n", task->comm, task->pid);
    return task && task->mm ? mm_get(task->mm) : NULL;
}

void monitor_explain(u32 argc, const char **argv)
{
    struct explanation facts;
    struct mm *mm = NULL;
    u32 addr;

    if (!parse_address(argv[1], &addr))
        return;
    if (argc > 2) {
        mm = parse_process(argv[2]);
        if (!mm)
            return;
    }
    explain_address(&facts, mm, addr);
    explain_print(&facts);
    if (mm)
        mm_put(mm);
}
