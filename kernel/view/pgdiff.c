/*
 * Two page directories side by side, and the kernel half of all of them.
 *
 * The kernel half is the same in every directory at all times (docs/invariants.md, I2): the page
 * tables below are shared, so equal directory entries mean that everything is equal, and a change
 * below them is visible in all directories. If two directories agree, both may still be copies of a
 * wrong master; so all of them are also compared with the master's contents at the end of the boot.
 *
 * The user halves differ, and are printed as ranges, by what the two have in common there.
 *
 * Neighbours: kernel/view/leaf.c reads entries, kernel/monitor/monitor_pgdiff.c is the command.
 * gdb's `attic pgdiff` (scripts/attic/gdb/pgdiff.py) prints the same from outside.
 */
#include <kernel/task.h>
#include <kernel/view/leaf.h>
#include <kernel/view/pgdiff.h>
#include <lib/printk.h>
#include <mm/kva/lowmem.h>
#include <mm/user/mm.h>

#define SAME_RIGHTS (PTE_P | PTE_RW | PTE_US)

static const pde_t *directory_of(const struct task *task)
{
    return task->mm ? task->mm->pgd : swapper_pg_dir;
}

static void print_directory(char letter, const struct task *task)
{
    printk("%c: %s[%u], directory at 0x%08x%s\n", letter, task->comm, task->pid,
           task->mm ? task->mm->pgd_phys : virt_to_phys(swapper_pg_dir),
           task->mm ? "" : ", the master, which kernel threads use");
}

/* ---- kernel halves ---- */

static void print_kernel_half(const pde_t *a, const pde_t *b)
{
    u32 same = 0;

    for (u32 i = KERNEL_PDE_FIRST; i < 1024; i++)
        same += a[i].val == b[i].val;
    printk("kernel half: %u of %u entries are the same\n", same, KERNEL_PDES);
    for (u32 i = KERNEL_PDE_FIRST; i < 1024; i++) {
        if (a[i].val != b[i].val)
            printk("  PDE %u of 0x%08x: A 0x%08x  B 0x%08x\n", i, i << PDE_SHIFT, a[i].val,
                   b[i].val);
    }
}

/* ---- user halves ---- */

/* An entry that keeps a page without rights (PROT_NONE) maps nothing. */
static bool maps(const struct leaf *leaf)
{
    return leaf->bits & PTE_P;
}

static const char *compare(const struct leaf *a, const struct leaf *b)
{
    if (!maps(a) && !maps(b))
        return NULL;
    if (!maps(a) || !maps(b))
        return maps(a) ? "only in A" : "only in B";
    if (a->pfn != b->pfn)
        return "other frames";
    return (a->bits ^ b->bits) & SAME_RIGHTS ? "the same frames, other rights" : "the same frames";
}

static void print_user_halves(const pde_t *a, const pde_t *b)
{
    const char *said = NULL;
    u32 start = 0, end = PFN_DOWN(TASK_SIZE), step;

    for (u32 page = 0; page < end; page += step) {
        struct leaf in_a = leaf_at(a, page), in_b = leaf_at(b, page);
        const char *now = compare(&in_a, &in_b);

        step = min(in_a.pages, in_b.pages);
        if (now == said)
            continue;
        if (said)
            printk("  0x%08x..0x%08x  %s\n", start << PAGE_SHIFT, (page << PAGE_SHIFT) - 1, said);
        start = page;
        said = now;
    }
    if (said)
        printk("  0x%08x..0x%08x  %s\n", start << PAGE_SHIFT, (end << PAGE_SHIFT) - 1, said);
}

static u32 count_pages(const pde_t *pgd)
{
    u32 count = 0;
    struct leaf leaf;

    for (u32 page = 0; page < PFN_DOWN(TASK_SIZE); page += leaf.pages) {
        leaf = leaf_at(pgd, page);
        count += maps(&leaf) ? leaf.pages : 0;
    }
    return count;
}

void pgdiff_print(const struct task *a, const struct task *b)
{
    const pde_t *in_a = directory_of(a), *in_b = directory_of(b);

    print_directory('A', a);
    print_directory('B', b);
    print_kernel_half(in_a, in_b);
    printk("user half: A maps %u pages, B maps %u pages\n", count_pages(in_a), count_pages(in_b));
    print_user_halves(in_a, in_b);
}

/* ---- all of them ---- */

/* Print the changed entries of one directory; returns how many. */
static u32 print_changed(const struct mm *mm, const pde_t *pgd)
{
    u32 changed = 0;

    for (u32 i = KERNEL_PDE_FIRST; i < 1024; i++) {
        u32 was = lowmem_boot_pde(i).val;

        if (pgd[i].val == was)
            continue;
        printk("PDE %u of 0x%08x: 0x%08x (at boot 0x%08x) in ", i, i << PDE_SHIFT, pgd[i].val, was);
        if (mm)
            printk("directory 0x%08x\n", mm->pgd_phys);
        else
            printk("the master\n");
        changed++;
    }
    return changed;
}

void pgdiff_print_all(void)
{
    u32 changed = print_changed(NULL, swapper_pg_dir), directories = 1;

    for (struct mm *mm = mm_next(NULL); mm; mm = mm_next(mm)) {
        changed += print_changed(mm, mm->pgd);
        directories++;
    }
    if (!changed && directories == 1)
        printk("the kernel half of the only directory is as at the end of the boot\n");
    else if (!changed)
        printk("the kernel half of all %u directories is as at the end of the boot\n", directories);
}
