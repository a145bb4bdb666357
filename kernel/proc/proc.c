/*
 * /proc: the files about the whole machine (man 5 proc), and the list of all files. Memory is in
 * proc_mm.c, processes are in proc_pid.c.
 *
 * The times of all processes are the sum over existing processes and their ended children; times of
 * processes that no parent waited for are lost. So that no value ever decreases, as in Linux, the
 * highest value printed so far is used.
 *
 * The load is the used part of the processor's time or, when it was always busy, the present number
 * of ready tasks. Linux counts every five seconds; here each read updates the averages for the time
 * since the last read.
 *
 * Limits: no interrupts in stat; a processor's clock rate is not known.
 *
 * Neighbours: fs/procfs.c opens and reads.
 */
#include <arch/x86/boot_info.h>
#include <arch/x86/cpu.h>
#include <arch/x86/timer.h>
#include <fs/fs.h>
#include <kernel/pid.h>
#include <kernel/proc/proc.h>
#include <kernel/syscall/syscall.h>
#include <kernel/task.h>
#include <lib/div64.h>
#include <lib/string.h>
#include <linux/utsname.h>

/* ---- time ---- */

/* Hundredths of a second are ticks. */
_Static_assert(HZ == 100, "USER_HZ, in which Linux tells times");

static void tell_seconds(struct seq_file *seq, u64 ticks, const char *end)
{
    u32 rest;
    u64 seconds = div_u64_rem(ticks, HZ, &rest);

    seq_printf(seq, "%llu.%02u%s", seconds, rest, end);
}

static int proc_uptime(struct inode *inode, struct seq_file *seq)
{
    (void)inode;
    tell_seconds(seq, jiffies_64(), " ");
    tell_seconds(seq, this_cpu()->idle->ticks, "\n");
    return 0;
}

/* ---- stat ---- */

struct totals {
    u64 user, switches;
    u32 running, last_pid;
};

static struct totals count_totals(void)
{
    static u64 user_told, switches_told;
    struct totals totals = {0};

    for (struct task *task = task_next(NULL); task; task = task_next(task)) {
        totals.user += task->user_ticks + task->child_user_ticks;
        totals.switches += task->nvcsw + task->nivcsw;
        totals.running += task->state == TASK_RUNNING && task != this_cpu()->idle;
        totals.last_pid = max(totals.last_pid, task->pid);
    }
    user_told = totals.user = max(totals.user, user_told);
    switches_told = totals.switches = max(totals.switches, switches_told);
    return totals;
}

static u64 boot_time(void)
{
    struct timespec_fs now = {0};

    if (fs_clock)
        fs_clock(&now);
    return now.sec - div_u64(jiffies_64(), HZ);
}

static int proc_stat(struct inode *inode, struct seq_file *seq)
{
    struct totals totals = count_totals();
    u64 idle = this_cpu()->idle->ticks, busy = jiffies_64() - idle;
    u64 system = busy - min(busy, totals.user);

    (void)inode;
    for (u32 line = 0; line < 2; line++) /* first the sum, then each processor */
        seq_printf(seq, "cpu%s %llu 0 %llu %llu 0 0 0 0 0 0\n", line ? "0" : " ", totals.user,
                   system, idle);
    seq_printf(seq, "ctxt %llu\nbtime %llu\nprocesses %u\nprocs_running %u\nprocs_blocked 0\n",
               totals.switches, boot_time(), totals.last_pid, totals.running);
    return 0;
}

/* ---- loadavg ---- */

#define LOAD_ONE  2048u    /* 1.00, as a fixed-point number */
#define LOAD_MAX  1000u    /* so that the averages fit 32 bits */
#define LOAD_STEP (5 * HZ) /* ticks between two updates */

/*
 * Each step keeps this much of the old average: exp(-5 s / 1, 5, 15 min), in LOAD_ONEs (as in
 * Linux).
 */
static const u32 load_keeps[3] = {1884, 2014, 2037};
static u32 loads[3];

/*
 * The used part of the time since the last call, at most LOAD_ONE; or, if it was always busy, the
 * number of ready tasks.
 */
static u32 use_since(u64 *steps)
{
    static u64 told_at, told_idle;
    u64 now = jiffies_64(), idle = this_cpu()->idle->ticks;
    u32 ticks = min(now - told_at, (u64)UINT32_MAX / LOAD_ONE);
    u32 busy = ticks - min((u64)ticks, idle - told_idle);

    *steps = div_u64(now - told_at, LOAD_STEP);
    if (*steps == 0)
        return 0;
    told_at = now;
    told_idle = idle;
    if (busy + 1 >= ticks)
        return min(max(count_totals().running, 1u), LOAD_MAX) * LOAD_ONE;
    return busy * LOAD_ONE / ticks;
}

static void update_loads(void)
{
    u64 steps;
    u32 use = use_since(&steps);

    for (u32 step = min(steps, (u64)LOAD_ONE); step > 0; step--) {
        for (u32 i = 0; i < ARRAY_SIZE(loads); i++)
            loads[i] = (loads[i] * load_keeps[i] + use * (LOAD_ONE - load_keeps[i])) / LOAD_ONE;
    }
}

static int proc_loadavg(struct inode *inode, struct seq_file *seq)
{
    struct totals totals = count_totals();

    (void)inode;
    update_loads();
    for (u32 i = 0; i < ARRAY_SIZE(loads); i++)
        seq_printf(seq, "%u.%02u ", loads[i] / LOAD_ONE, loads[i] % LOAD_ONE * 100 / LOAD_ONE);
    seq_printf(seq, "%u/%u %u\n", totals.running, task_count(), totals.last_pid);
    return 0;
}

/* ---- the machine ---- */

static void cpuid(u32 leaf, u32 regs[4])
{
    asm volatile("cpuid"
                 : "=a"(regs[0]), "=b"(regs[1]), "=c"(regs[2]), "=d"(regs[3])
                 : "a"(leaf), "c"(0));
}

/* Intel SDM vol. 2, CPUID leaf 1, EDX; Linux's spelling. */
static void tell_cpu_flags(struct seq_file *seq, u32 edx)
{
    static const char names[32][8] = {
        "fpu",  "vme",  "de",   "pse", "tsc",  "msr", "pae",   "mce", "cx8",     "apic", "",
        "sep",  "mtrr", "pge",  "mca", "cmov", "pat", "pse36", "pn",  "clflush", "",     "dts",
        "acpi", "mmx",  "fxsr", "sse", "sse2", "ss",  "ht",    "tm",  "ia64",    "pbe",
    };

    for (u32 i = 0; i < ARRAY_SIZE(names); i++) {
        if (edx & 1u << i && names[i][0])
            seq_printf(seq, " %.8s", names[i]);
    }
}

static void tell_cpu_name(struct seq_file *seq)
{
    u32 name[13] = {0}; /* three leaves of 16 bytes, and a 0 */

    cpuid(0x80000000, name);
    if (name[0] < 0x80000004)
        return;
    for (u32 leaf = 0; leaf < 3; leaf++)
        cpuid(0x80000002 + leaf, name + 4 * leaf);
    seq_printf(seq, "model name\t: %s\n", (const char *)name);
}

static int proc_cpuinfo(struct inode *inode, struct seq_file *seq)
{
    u32 regs[4], family, model;

    (void)inode;
    cpuid(1, regs);
    family = regs[0] >> 8 & 15;
    model = regs[0] >> 4 & 15;
    if (family == 6 || family == 15)
        model += (regs[0] >> 16 & 15) << 4;
    if (family == 15)
        family += regs[0] >> 20 & 255;
    seq_printf(seq, "processor\t: 0\nvendor_id\t: %s\ncpu family\t: %u\nmodel\t\t: %u\n",
               cpu_features.vendor, family, model);
    tell_cpu_name(seq);
    seq_printf(seq, "stepping\t: %u\nfpu\t\t: %s\nflags\t\t:", regs[0] & 15,
               cpu_features.fpu ? "yes" : "no");
    tell_cpu_flags(seq, regs[3]);
    seq_printf(seq, "%s%s\n\n", cpu_features.smep ? " smep" : "", cpu_features.smap ? " smap" : "");
    return 0;
}

#ifdef __clang__
#define COMPILER __VERSION__
#else
#define COMPILER "gcc " __VERSION__
#endif

static int proc_version(struct inode *inode, struct seq_file *seq)
{
    (void)inode;
    seq_printf(seq, "%s version %s (attic@attic) (%s) %s\n", utsname.sysname, utsname.release,
               COMPILER, utsname.version);
    return 0;
}

static int proc_cmdline(struct inode *inode, struct seq_file *seq)
{
    (void)inode;
    seq_printf(seq, "%s\n", boot_info.cmdline);
    return 0;
}

static int proc_filesystems(struct inode *inode, struct seq_file *seq)
{
    (void)inode;
    seq_printf(seq, "nodev\tramfs\nnodev\tproc\n");
    return 0;
}

/* ---- /proc/sys: what sysctl prints; read-only here ---- */

static int proc_ostype(struct inode *inode, struct seq_file *seq)
{
    (void)inode;
    seq_printf(seq, "%s\n", utsname.sysname);
    return 0;
}

static int proc_osrelease(struct inode *inode, struct seq_file *seq)
{
    (void)inode;
    seq_printf(seq, "%s\n", utsname.release);
    return 0;
}

static int proc_hostname(struct inode *inode, struct seq_file *seq)
{
    (void)inode;
    seq_printf(seq, "%s\n", utsname.nodename);
    return 0;
}

/* The first number that no process can have. */
static int proc_pid_max(struct inode *inode, struct seq_file *seq)
{
    (void)inode;
    seq_printf(seq, "%u\n", PID_MAX + 1);
    return 0;
}

/* 1: no mapping is refused because memory might be short when it is touched. */
static int proc_overcommit(struct inode *inode, struct seq_file *seq)
{
    (void)inode;
    seq_printf(seq, "1\n");
    return 0;
}

static long mounts_link(struct inode *inode, char *buf, u32 size)
{
    (void)inode;
    return strscpy(buf, "self/mounts", size);
}

void proc_files_init(void)
{
    proc_create("meminfo", proc_meminfo);
    proc_create("vmallocinfo", proc_vmallocinfo);
    proc_create("buddyinfo", proc_buddyinfo);
    proc_create("slabinfo", proc_slabinfo);
    proc_create("uptime", proc_uptime);
    proc_create("stat", proc_stat);
    proc_create("loadavg", proc_loadavg);
    proc_create("cpuinfo", proc_cpuinfo);
    proc_create("version", proc_version);
    proc_create("cmdline", proc_cmdline);
    proc_create("filesystems", proc_filesystems);
    proc_symlink("mounts", mounts_link);
    proc_create("sys/kernel/ostype", proc_ostype);
    proc_create("sys/kernel/osrelease", proc_osrelease);
    proc_create("sys/kernel/hostname", proc_hostname);
    proc_create("sys/kernel/pid_max", proc_pid_max);
    proc_create("sys/vm/overcommit_memory", proc_overcommit);
    proc_pid_init();
}
