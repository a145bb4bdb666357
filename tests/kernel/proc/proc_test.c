/*
 * /proc compared with the structures that it shows: each text is made, and compared with what the
 * test reads from the structures. Programs test it in user/tests/proc_test.c.
 */
#include <arch/x86/cpu.h>
#include <fs/fs.h>
#include <kernel/monitor/ktest.h>
#include <kernel/proc/proc.h>
#include <kernel/process/fdtable.h>
#include <kernel/process/signal.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <mm/check/frames.h>
#include <mm/frame/page_alloc.h>
#include <mm/kva/vmalloc.h>
#include <mm/user/mm.h>

#include "tests/kernel/process/run.h"

static char text[4096];

/* The text of a file of /proc, at once; "" after a failed expectation. */
static const char *text_of(const char *path)
{
    struct seq_file seq = {.buf = text, .size = sizeof(text)};
    struct inode *inode;

    text[0] = '\0';
    if (!expect_eq(path_lookup(fs_root(), path, 0, &inode), 0))
        return text;
    expect_eq(inode->proc.show(inode, &seq), 0);
    expect(seq.used < sizeof(text));
    text[min(seq.used, (u32)sizeof(text) - 1)] = '\0';
    inode_put(inode);
    return text;
}

static const char *text_of_pid(u32 pid, const char *name)
{
    char path[64];

    snprintf(path, sizeof(path), "/proc/%u/%s", pid, name);
    return text_of(path);
}

/* The start of a line that begins like this, or NULL. */
static const char *find_line(const char *from, const char *start)
{
    while (*from && strncmp(from, start, strlen(start)) != 0) {
        const char *newline = strchr(from, '\n');

        if (!newline)
            return NULL;
        from = newline + 1;
    }
    return *from ? from : NULL;
}

static bool has_line(const char *from, const char *line)
{
    const char *found = find_line(from, line);

    return found && found[strlen(line)] == '\n';
}

#define expect_line(from, ...)                                                                     \
    do {                                                                                           \
        char line_[160];                                                                           \
        snprintf(line_, sizeof(line_), __VA_ARGS__);                                               \
        if (!has_line(from, line_))                                                                \
            ktest_fail(__FILE__, __LINE__, "no line \"%s\"", line_);                               \
    } while (0)

/* ---- memory ---- */

KTEST(proc, meminfo)
{
    static struct frames frames;
    struct vmalloc_stats stats;
    u32 pid = start_program(ARGV("forever", "sleep")), free;

    sched_sleep(2);
    free = nr_free_pages();
    text_of("/proc/meminfo");
    frames_count(&frames);
    stats = vmalloc_stats();
    expect(strncmp(text, "MemTotal:       ", 16) == 0);
    expect_line(text, "MemFree:        %8u kB", free * 4);
    expect_line(text, "AnonPages:      %8u kB", frames.by_type[PAGE_USER] * 4);
    expect_line(text, "Cached:         %8u kB", frames.by_type[PAGE_FILE] * 4);
    expect_line(text, "Slab:           %8u kB", frames.by_type[PAGE_SLAB] * 4);
    expect_line(text, "VmallocTotal:   %8u kB", (VMALLOC_END - VMALLOC_START) >> 10);
    expect_line(text, "VmallocUsed:    %8u kB",
                (VMALLOC_END - VMALLOC_START - stats.free_bytes) >> 10);
    expect(frames.by_type[PAGE_USER] > 0);
    expect(find_line(text, "MemAvailable: ") && find_line(text, "Buffers: ") &&
           find_line(text, "Mapped: ") && find_line(text, "Shmem: ") &&
           find_line(text, "KernelStack: ") && find_line(text, "PageTables: "));
    expect(!find_line(text, "MemUsed") && !find_line(text, "BootTsc")); /* the monitor's */
    send_signal(task_find(pid), 9, NULL);
    wait_for(pid);
}

KTEST(proc, vmallocinfo_has_each_area)
{
    const struct vmap_area *area = vmap_area_at_or_above(VMALLOC_START);
    u32 areas = 0, lines = 0;

    text_of("/proc/vmallocinfo");
    for (; area; area = vmap_area_at_or_above(area->end), areas++) {
        char start[40];

        snprintf(start, sizeof(start), "0x%08x-0x%08x %7u ", area->start, area->end,
                 area->end - area->start);
        expect(find_line(text, start) != NULL);
    }
    for (const char *c = text; *c; c++)
        lines += *c == '\n';
    expect_eq(lines, areas);
}

/* ---- processes ---- */

/* A process that has reached its sleep. */
static u32 sleeper(void)
{
    u32 pid = start_program(ARGV("forever", "sleep"));

    if (pid)
        expect_soon(task_find(pid)->state == TASK_SLEEPING);
    return pid;
}

static void end_sleeper(u32 pid)
{
    if (!pid)
        return;
    send_signal(task_find(pid), 9, NULL);
    wait_for(pid);
}

static void expect_area_line(const struct vm_area *area)
{
    struct inode *inode = area->file && !area->name ? mapping_inode(area->file) : NULL;
    char line[160], path[64] = "";
    u32 len;

    if (inode)
        expect(inode_path(inode, path, sizeof(path)) > 0);
    else if (area->name)
        strscpy(path, area->name, sizeof(path));
    len = snprintf(line, sizeof(line), "%08x-%08x %s%s%s%s %08x 00:0%u %u ", area->start, area->end,
                   area->flags & VM_READ ? "r" : "-", area->flags & VM_WRITE ? "w" : "-",
                   area->flags & VM_EXEC ? "x" : "-", area->flags & VM_SHARED ? "s" : "p",
                   area->pgoff * PAGE_SIZE, inode ? 1u : 0u, inode ? inode->ino : 0);
    if (path[0])
        snprintf(line + len, sizeof(line) - len, "%*s%s", (int)(49 - len), "", path);
    expect_line(text, "%s", line);
}

KTEST(proc, maps_has_each_area)
{
    u32 pid = sleeper(), areas = 0, lines = 0;
    struct task *task = task_find(pid);
    const struct vm_area *area;

    if (!task)
        return;
    text_of_pid(pid, "maps");
    for (u32 addr = 0; (area = mm_area_above(task->mm, addr)); addr = area->end, areas++)
        expect_area_line(area);
    for (const char *c = text; *c; c++)
        lines += *c == '\n';
    expect_eq(lines, areas);
    expect(areas >= 3);
    expect(strstr(text, "/forever\n") != NULL);
    expect(strstr(text, " 00000000 00:00 0          [stack]\n") != NULL);
    end_sleeper(pid);
}

/* The field of stat with that number, as in the manual page: from 3, after the name. */
static u32 stat_field(u32 number)
{
    const char *at = strrchr(text, ')');
    u32 value = 0;

    for (u32 i = 2; at && i < number; i++)
        at = strchr(at + 1, ' ');
    if (!expect(at != NULL))
        return 0;
    for (at++; *at >= '0' && *at <= '9'; at++)
        value = value * 10 + (*at - '0');
    return value;
}

KTEST(proc, stat_fields)
{
    u32 pid = sleeper(), blanks = 0;
    struct task *task = task_find(pid);
    char start[64];

    if (!task)
        return;
    text_of_pid(pid, "stat");
    snprintf(start, sizeof(start), "%u (forever) S %u %u %u ", pid, current->pid, task->pgrp,
             task->session);
    expect(strncmp(text, start, strlen(start)) == 0);
    for (const char *c = text; *c; c++)
        blanks += *c == ' ';
    expect_eq(blanks, 51);
    expect_eq(stat_field(14), task->user_ticks);
    expect_eq(stat_field(18), 20); /* priority */
    expect_eq(stat_field(20), 1);  /* threads */
    expect_eq(stat_field(22), (u32)task->start_time);
    expect_eq(stat_field(24), task->mm->pages);
    expect_eq(stat_field(38), 17); /* exit signal */
    expect_eq(stat_field(47), task->mm->start_brk);
    expect_eq(stat_field(48), task->mm->arg_start);
    expect_eq(stat_field(51), task->mm->env_end);
    end_sleeper(pid);
}

KTEST(proc, status_lines)
{
    u32 pid = sleeper();
    struct task *task = task_find(pid);

    if (!task)
        return;
    text_of_pid(pid, "status");
    expect_line(text, "Name:\tforever");
    expect_line(text, "State:\tS (sleeping)");
    expect_line(text, "Pid:\t%u", pid);
    expect_line(text, "PPid:\t%u", current->pid);
    expect_line(text, "FDSize:\t%u", task->files->size);
    expect_line(text, "VmRSS:\t%8u kB", task->mm->pages * 4);
    expect_line(text, "VmPTE:\t%8u kB", (task->mm->tables + 1) * 4);
    expect_line(text, "SigPnd:\t0000000000000000");
    expect(memcmp(text_of_pid(pid, "cmdline"), "forever\0sleep\0", 15) == 0);
    expect(strcmp(text_of_pid(pid, "comm"), "forever\n") == 0);
    end_sleeper(pid);
}

/* The entries of a process that has ended, and of one that never existed. */
KTEST(proc, zombies_and_nobody)
{
    struct seq_file seq = {.buf = text, .size = sizeof(text)};
    u32 pid = start_program(ARGV("hello"));
    struct inode *dir, *inode;
    char path[16];

    task_wait_ended(pid);
    expect(strcmp(text_of_pid(pid, "maps"), "") == 0);
    expect(strcmp(text_of_pid(pid, "cmdline"), "") == 0);
    text_of_pid(pid, "status");
    expect_line(text, "State:\tZ (zombie)");
    text_of_pid(pid, "stat");
    expect(strstr(text, "(hello) Z ") != NULL);
    text_of_pid(pid, "statm");
    expect(strcmp(text, "0 0 0 0 0 0 0\n") == 0);
    snprintf(path, sizeof(path), "/proc/%u", pid);
    if (!expect_eq(path_lookup(fs_root(), path, LOOKUP_DIRECTORY, &dir), 0))
        return;
    expect_eq(path_lookup(dir, "maps", 0, &inode), 0);
    inode_put(inode);
    wait_for(pid);
    expect_eq(path_lookup(dir, "maps", 0, &inode), -ENOENT); /* the directory is still open */
    inode_put(dir);
    expect_eq(path_lookup(fs_root(), "/proc/32700/maps", 0, &inode), -ENOENT);
    expect_eq(proc_maps(32700, &seq), -ESRCH);
}

KTEST(proc, kernel_threads)
{
    text_of_pid(current->pid, "stat");
    expect(strstr(text, ") R ") != NULL);
    expect_eq(stat_field(9), 0x00200000);
    expect(strcmp(text_of_pid(current->pid, "maps"), "") == 0);
}

/* No figure may decrease when a process ends for which no parent waits. */
KTEST(proc, machine_files)
{
    text_of("/proc/uptime");
    expect(strchr(text, '.') && strchr(text, ' '));
    text_of("/proc/stat");
    expect(strncmp(text, "cpu  ", 5) == 0 && find_line(text, "cpu0 ") &&
           find_line(text, "btime ") && find_line(text, "ctxt ") && find_line(text, "processes "));
    text_of("/proc/loadavg");
    expect(strchr(text, '/') != NULL);
    text_of("/proc/version");
    expect(strncmp(text, "Linux version ", 14) == 0);
    text_of("/proc/cpuinfo");
    expect(find_line(text, "processor\t: 0") &&
           find_line(text, cpu_features.fpu ? "flags\t\t: fpu" : "flags\t\t: "));
    text_of("/proc/mounts");
    expect(find_line(text, "proc /proc proc ") != NULL);
    text_of("/proc/filesystems");
    expect_line(text, "nodev\tproc");
}

KTEST(proc, programs)
{
    expect_passes("proc_test");
    expect_passes("proc_mem_test");
}
