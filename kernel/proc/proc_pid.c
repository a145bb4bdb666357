/*
 * The files of /proc/PID (man 5 proc), in Linux's formats, so that ps, top, pidof and free read
 * them as they read Linux's.
 *
 * A process is looked up by its pid each time, and may have ended: -ESRCH. A kernel thread and a
 * zombie have no memory, so maps and cmdline are empty and the other numbers are 0.
 *
 * Limits: fields of Linux that have no counterpart are 0: page faults, wchan, the registers of a
 * sleeping process. Pages of files are not counted separately in statm and status: resident memory
 * is everything that is mapped. The sizes of the stack are those of its area. No net directory.
 *
 * Neighbours: proc_links.c has the links and the descriptors; fs/procfs_pid.c the directories;
 * kernel/tty/tty.c the terminal's session.
 */
#include <asm/errno.h>
#include <fs/fs.h>
#include <kernel/proc/proc.h>
#include <kernel/process/fdtable.h>
#include <kernel/process/signal.h>
#include <kernel/tty/tty.h>
#include <kernel/view/area.h>
#include <lib/resched.h>
#include <linux/resource.h>
#include <mm/frame/slab.h>
#include <mm/user/mm.h>

#define KB_PER_PAGE (PAGE_SIZE / 1024)
#define ROOT_DEVICE "00:01" /* st_dev of every file, in maps' form */
#define NAME_COLUMN 49      /* of maps: where Linux puts the name on 32-bit machines */
#define TTY_NUMBER  MKDEV(4, 64)
#define PF_KTHREAD  0x00200000u /* from Linux's include/linux/sched.h, which is not a UAPI header */

static char state_letter(const struct task *task)
{
    switch (task->state) {
    case TASK_RUNNING:
        return 'R';
    case TASK_SLEEPING:
        return 'S';
    case TASK_STOPPED:
        return 'T';
    case TASK_ZOMBIE:
        return 'Z';
    }
    return '?';
}

/* A process that ends frees its memory first, and its signals last. */
static bool is_kthread(const struct task *task)
{
    return !task->signals && task->state != TASK_ZOMBIE;
}

/* ---- sizes ---- */

/* Bytes of address space by use. */
struct mm_sizes {
    u32 total, data, stack, text;
    u32 text_start, text_end, stack_end;
};

static void add_area(struct mm_sizes *sizes, const struct vm_area *area)
{
    u32 size = area->end - area->start;

    sizes->total += size;
    if (area->flags & VM_GROWSDOWN) {
        sizes->stack += size;
        sizes->stack_end = area->end;
    } else if ((area->flags & (VM_WRITE | VM_SHARED)) == VM_WRITE) {
        sizes->data += size;
    } else if (area->flags & VM_EXEC && area->file) {
        sizes->text += size;
        if (!sizes->text_start)
            sizes->text_start = area->start;
        sizes->text_end = area->end;
    }
}

static struct mm_sizes sizes_of(struct mm *mm)
{
    struct mm_sizes sizes = {0};

    for (const struct vm_area *area = mm ? mm_area_above(mm, 0) : NULL; area; area = area->next)
        add_area(&sizes, area);
    return sizes;
}

/* ---- maps ---- */

/* A name with blanks in front; "\n" is escaped so that it stays on one line (as on Linux). */
static void tell_name(struct seq_file *seq, u32 line_start, const char *name)
{
    u32 column = seq->used - line_start;

    seq_printf(seq, "%*s", (int)(column < NAME_COLUMN ? NAME_COLUMN - column : 1), "");
    for (; *name; name++) {
        if (*name == '\n')
            seq_printf(seq, "\\012");
        else
            seq_write(seq, name, 1);
    }
}

static void tell_area(struct seq_file *seq, const struct vm_area *area, char *path)
{
    const struct inode *inode = area_inode(area);
    const char *name = area_name(area, path);
    u32 line_start = seq->used;
    char rights[AREA_RIGHTS_SIZE];

    area_rights(area->flags, rights);
    seq_printf(seq, "%08x-%08x %s %08llx %s %u ", area->start, area->end, rights,
               area->file ? (u64)area->pgoff << PAGE_SHIFT : 0, inode ? ROOT_DEVICE : "00:00",
               inode ? inode->ino : 0);
    if (name)
        tell_name(seq, line_start, name);
    seq_printf(seq, "\n");
}

int proc_maps(u32 pid, struct seq_file *seq)
{
    const struct task *task = task_find(pid);
    const struct vm_area *area;
    struct mm *mm;
    char *path;
    u32 end;

    if (!task)
        return -ESRCH;
    if (!task->mm)
        return 0;
    path = kmalloc(PATH_SIZE);
    if (!path)
        return -ENOMEM;
    mm = mm_get(task->mm); /* between two areas the process may end or remove areas */
    for (u32 addr = 0; (area = mm_area_above(mm, addr)); addr = end) {
        end = area->end;
        tell_area(seq, area, path);
        cond_resched();
    }
    mm_put(mm);
    kfree(path);
    return 0;
}

/* ---- stat, statm ---- */

static void tell_mm_fields(struct seq_file *seq, const struct task *task)
{
    const struct mm *mm = task->mm;
    struct mm_sizes sizes = sizes_of(task->mm);

    seq_printf(seq, " %u %u %u %u %u %u 0 0", sizes.total, mm ? mm->pages : 0, (u32)RLIM_INFINITY,
               sizes.text_start, sizes.text_end, sizes.stack_end);
}

static void tell_brk_fields(struct seq_file *seq, const struct mm *mm)
{
    if (mm)
        seq_printf(seq, " 0 0 %u %u %u %u %u", mm->start_brk, mm->arg_start, mm->arg_end,
                   mm->env_start, mm->env_end);
    else
        seq_printf(seq, " 0 0 0 0 0 0 0");
}

/* The 52 fields in their order; see the manual page for their names. */
static int proc_stat(u32 pid, struct seq_file *seq)
{
    const struct task *task = task_find(pid);
    u64 sets[4];
    bool on_tty;

    if (!task)
        return -ESRCH;
    signal_sets(task, sets);
    on_tty = task->session && task->session == tty_session();
    seq_printf(seq, "%u (%s) %c %u %u %u %d %d %u 0 0 0 0", pid, task->comm, state_letter(task),
               task_ppid(task), task->pgrp, task->session, on_tty ? TTY_NUMBER : 0,
               on_tty ? (int)tty_foreground() : -1, is_kthread(task) ? PF_KTHREAD : 0);
    seq_printf(seq, " %u %u %u %u %d %d 1 0 %llu", task->user_ticks, task->ticks - task->user_ticks,
               task->child_user_ticks, task->child_ticks - task->child_user_ticks, 20 + task->nice,
               task->nice, task->start_time);
    tell_mm_fields(seq, task);
    seq_printf(seq, " %u %u %u %u 0 0 0 %u 0 0 0 0 0 0", (u32)sets[0] & INT32_MAX,
               (u32)sets[1] & INT32_MAX, (u32)sets[2] & INT32_MAX, (u32)sets[3] & INT32_MAX,
               task->exit_signal);
    tell_brk_fields(seq, task->mm);
    seq_printf(seq, " %u\n", task->exit_code);
    return 0;
}

static int proc_statm(u32 pid, struct seq_file *seq)
{
    const struct task *task = task_find(pid);
    struct mm_sizes sizes;

    if (!task)
        return -ESRCH;
    sizes = sizes_of(task->mm);
    seq_printf(seq, "%u %u 0 %u 0 %u 0\n", sizes.total >> PAGE_SHIFT,
               task->mm ? task->mm->pages : 0, sizes.text >> PAGE_SHIFT,
               (sizes.data + sizes.stack) >> PAGE_SHIFT);
    return 0;
}

/* ---- status ---- */

static void tell_kb(struct seq_file *seq, const char *name, u32 bytes)
{
    seq_printf(seq, "%s:\t%8u kB\n", name, bytes >> 10);
}

static void tell_mm_lines(struct seq_file *seq, struct mm *mm)
{
    struct mm_sizes sizes = sizes_of(mm);

    tell_kb(seq, "VmPeak", sizes.total);
    tell_kb(seq, "VmSize", sizes.total);
    tell_kb(seq, "VmLck", 0);
    tell_kb(seq, "VmHWM", mm->pages * PAGE_SIZE);
    tell_kb(seq, "VmRSS", mm->pages * PAGE_SIZE);
    tell_kb(seq, "VmData", sizes.data);
    tell_kb(seq, "VmStk", sizes.stack);
    tell_kb(seq, "VmExe", sizes.text);
    tell_kb(seq, "VmLib", 0);
    tell_kb(seq, "VmPTE", (mm->tables + 1) * PAGE_SIZE);
    tell_kb(seq, "VmSwap", 0);
}

static void tell_signal_lines(struct seq_file *seq, const struct task *task)
{
    static const char *const names[] = {"ShdPnd", "SigBlk", "SigIgn", "SigCgt"};
    u64 sets[4];

    signal_sets(task, sets);
    seq_printf(seq, "SigPnd:\t%016llx\n", 0ull); /* of one thread: none, all are the process's */
    for (u32 i = 0; i < ARRAY_SIZE(names); i++)
        seq_printf(seq, "%s:\t%016llx\n", names[i], sets[i]);
}

static const char *state_text(const struct task *task)
{
    switch (state_letter(task)) {
    case 'R':
        return "R (running)";
    case 'S':
        return "S (sleeping)";
    case 'T':
        return "T (stopped)";
    default:
        return "Z (zombie)";
    }
}

/* A task's name, which may have any bytes, on one line. stat prints it unchanged, as on Linux. */
static void tell_comm(struct seq_file *seq, const char *comm)
{
    for (; *comm; comm++) {
        if (*comm == '\n' || *comm == '\\')
            seq_printf(seq, *comm == '\n' ? "\\n" : "\\\\");
        else
            seq_write(seq, comm, 1);
    }
}

static int proc_status(u32 pid, struct seq_file *seq)
{
    const struct task *task = task_find(pid);

    if (!task)
        return -ESRCH;
    seq_printf(seq, "Name:\t");
    tell_comm(seq, task->comm);
    seq_printf(seq, "\nUmask:\t%04o\nState:\t%s\nTgid:\t%u\nNgid:\t0\nPid:\t%u\n", task->umask,
               state_text(task), pid, pid);
    seq_printf(seq,
               "PPid:\t%u\nTracerPid:\t0\nUid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\nFDSize:\t%u\n"
               "Groups:\t \nNStgid:\t%u\nNSpid:\t%u\nNSpgid:\t%u\nNSsid:\t%u\nKthread:\t%u\n",
               task_ppid(task), task->files ? task->files->size : 0, pid, pid, task->pgrp,
               task->session, is_kthread(task));
    if (task->mm)
        tell_mm_lines(seq, task->mm);
    seq_printf(seq, "Threads:\t1\n");
    tell_signal_lines(seq, task);
    seq_printf(seq, "voluntary_ctxt_switches:\t%u\nnonvoluntary_ctxt_switches:\t%u\n", task->nvcsw,
               task->nivcsw);
    return 0;
}

/* ---- what it was started with ---- */

static int tell_memory(struct mm *mm, u32 addr, u32 end, struct seq_file *seq)
{
    char piece[128];

    mm_get(mm);
    while (addr < end) {
        u32 size = min(end - addr, (u32)sizeof(piece));

        if (mm_read(mm, addr, piece, size) != 0)
            break; /* the process has unmapped its own stack: the rest cannot be read */
        seq_write(seq, piece, size);
        addr += size;
    }
    mm_put(mm);
    return 0;
}

static int proc_cmdline(u32 pid, struct seq_file *seq)
{
    const struct task *task = task_find(pid);

    if (!task)
        return -ESRCH;
    return task->mm ? tell_memory(task->mm, task->mm->arg_start, task->mm->arg_end, seq) : 0;
}

static int proc_environ(u32 pid, struct seq_file *seq)
{
    const struct task *task = task_find(pid);

    if (!task)
        return -ESRCH;
    return task->mm ? tell_memory(task->mm, task->mm->env_start, task->mm->env_end, seq) : 0;
}

static int proc_auxv(u32 pid, struct seq_file *seq)
{
    const struct task *task = task_find(pid);

    if (!task)
        return -ESRCH;
    return task->mm ? tell_memory(task->mm, task->mm->auxv, task->mm->auxv_end, seq) : 0;
}

static int proc_comm(u32 pid, struct seq_file *seq)
{
    const struct task *task = task_find(pid);

    if (!task)
        return -ESRCH;
    seq_printf(seq, "%s\n", task->comm);
    return 0;
}

/* ---- the directory ---- */

static int mounts_of(u32 pid, struct seq_file *seq)
{
    (void)pid;
    seq_printf(seq, "tmpfs / tmpfs rw 0 0\nproc /proc proc rw 0 0\n");
    return 0;
}

static u32 current_pid(void)
{
    return current->pid;
}

/* The smallest pid from `pid` on; tasks are in the order of their pids. */
static u32 next_pid(u32 pid)
{
    struct task *task = task_find(pid);

    if (task)
        return pid;
    for (task = task_next(NULL); task && task->pid < pid;)
        task = task_next(task);
    return task ? task->pid : 0;
}

void proc_pid_init(void)
{
    static const struct proc_pid_file files[] = {
        {.name = "maps", .show = proc_maps},         {.name = "status", .show = proc_status},
        {.name = "stat", .show = proc_stat},         {.name = "statm", .show = proc_statm},
        {.name = "cmdline", .show = proc_cmdline},   {.name = "environ", .show = proc_environ},
        {.name = "auxv", .show = proc_auxv},         {.name = "comm", .show = proc_comm},
        {.name = "mounts", .show = mounts_of},       {.name = "exe", .target = proc_exe},
        {.name = "cwd", .target = proc_cwd},         {.name = "root", .target = proc_root_link},
        {.name = "fd", .dir = &proc_fd_dir_ops},     {.name = "mem", .fops = &proc_mem_ops},
        {.name = "task", .dir = &proc_task_dir_ops}, {0},
    };
    static const struct proc_pid_ops ops = {.self = current_pid,
                                            .next = next_pid,
                                            .files = files,
                                            .next_fd = proc_next_fd,
                                            .fd_inode = proc_fd_inode};

    proc_pid_register(&ops);
}
