/*
 * Processes as programs see them, which the programs themselves check (user/tests/fork_test.c,
 * wait_test.c, exec_test.c), and as the machine sees them: nothing is left of a process, or of
 * thousands.
 *
 * For some tests a kernel thread becomes a process: it gets the objects of a process and makes
 * calls itself, with its own registers.
 */
#include "tests/kernel/process/run.h"
#include <arch/x86/irqflags.h>
#include <arch/x86/uaccess.h>
#include <asm/ioctls.h>
#include <asm/signal.h>
#include <asm/unistd.h>
#include <kernel/process/exec.h>
#include <kernel/process/fdtable.h>
#include <kernel/process/signal_internal.h>
#include <kernel/syscall/syscall.h>
#include <lib/detach.h>
#include <linux/fcntl.h>
#include <linux/resource.h>
#include <linux/termios.h>
#include <mm/check/audit.h>
#include <mm/fail.h>
#include <mm/frame/page_alloc.h>
#include <mm/frame/slab.h>

#define CYCLES        "300" /* the rest of ten thousand: tests/run/test_processes.py */
#define LOWMEM_PAGES  6     /* of a small process: a directory, page tables, what it has in slabs */
#define MANY          200
#define MANY_RAM      (64u << 20)
#define KERNEL_BYTES  (24u << 10) /* kernel memory of a process, without its user pages */
#define NPROC_REFUSED 7           /* status of user/fork_bomb.c */

KTEST(process, fork_test)
{
    expect_passes("fork_test");
}

KTEST(process, wait_test)
{
    expect_passes("wait_test");
}

KTEST(process, busy_test)
{
    expect_passes("busy_test");
}

KTEST(process, exec_test)
{
    expect_passes("exec_test");
}

KTEST(process, cycles)
{
    expect_passes("cycles", CYCLES);
}

/* References of its program's file, of its working directory, and of the console. */
KTEST(process, references_are_given_back)
{
    static const char *const paths[] = {"/cycles", "/", "/dev/console"};
    struct inode *inodes[ARRAY_SIZE(paths)];
    s32 references[ARRAY_SIZE(paths)];

    for (u32 i = 0; i < ARRAY_SIZE(paths); i++) {
        if (!expect_eq(path_lookup(fs_root(), paths[i], 0, &inodes[i]), 0))
            return;
        references[i] = inodes[i]->data.refcount;
    }
    expect_passes("cycles", "4");
    for (u32 i = 0; i < ARRAY_SIZE(paths); i++) {
        expect_eq(inodes[i]->data.refcount, references[i]);
        inode_put(inodes[i]);
    }
}

/* ---- until a resource is used up ---- */

static u32 settle(void)
{
    task_reap_unwanted();
    mm_shrink();
    slab_shrink();
    return nr_free_pages();
}

/*
 * Processes until memory or numbers are used up; then all are killed. A process for which memory
 * ran out elsewhere has been killed for that. When all have ended, nothing is left.
 */
KTEST(process, fork_bomb)
{
    u32 free_before = settle(), tasks = task_count();
    u32 pid = start_program(ARGV("fork_bomb"));

    if (!pid)
        return;
    task_find(pid)->rlimits[RLIMIT_NPROC].rlim_cur = RLIM_INFINITY;
    expect_eq(wait_for(pid).exit_code, SIGKILL);
    expect_soon(task_count() == tasks);
    expect_eq(settle(), free_before);
}

/*
 * The limit counts all tasks. The process gets one child, and EAGAIN for the second one.
 */
KTEST(process, rlimit_nproc)
{
    u32 pid = start_program(ARGV("fork_bomb", "1"));

    if (!pid)
        return;
    task_find(pid)->rlimits[RLIMIT_NPROC].rlim_cur = task_count() + 1;
    expect_eq(wait_for(pid).exit_code, EXIT_STATUS(NPROC_REFUSED));
}

KTEST(process, two_hundred)
{
    u32 pids[MANY], started = 0;

    if (nr_managed_pages() < MANY_RAM / PAGE_SIZE / 10 * 9) {
        ktest_skip("less than 64 MiB");
        return;
    }
    if (nr_free_lowmem_pages() < MANY * LOWMEM_PAGES) {
        ktest_skip("too little lowmem for 200 processes");
        return;
    }
    for (; started < MANY; started++) {
        pids[started] = start_program(ARGV("nap", "600000000", "1"));
        if (!pids[started])
            break;
    }
    for (u32 i = 0; i < started; i++) {
        expect_soon(task_find(pids[i])->state == TASK_SLEEPING);
        expect(process_kernel_bytes(task_find(pids[i])) < KERNEL_BYTES);
        expect_eq(send_signal(task_find(pids[i]), SIGKILL, NULL), 0);
    }
    for (u32 i = 0; i < started; i++)
        expect_eq(wait_for(pids[i]).exit_code, SIGKILL);
}

/* Reading /proc/PID/maps holds the memory for a while, which must not be taken for a vfork(). */
KTEST(process, limits_hold_while_somebody_looks)
{
    u32 pid = start_program(ARGV("nap", "600000000", "1"));
    struct task *task = pid ? task_find(pid) : NULL;
    struct mm *mm;

    if (!task)
        return;
    mm = mm_get(task->mm);
    task->rlimits[RLIMIT_AS].rlim_cur = MIB(64);
    rlimits_apply(task);
    expect_eq(mm->size_limit, MIB(64));
    mm_put(mm);
    expect_eq(send_signal(task, SIGKILL, NULL), 0);
    expect_eq(wait_for(pid).exit_code, SIGKILL);
}

/* ---- the audit of tasks ---- */

static void expect_noticed(const char *text, const char *what)
{
    if (!text || !strstr(text, what))
        ktest_fail(__FILE__, __LINE__, "expected \"%s\", the check says: %s", what,
                   text ? text : "nothing");
}

/* For a moment the reference count of an object that the process holds is 0. */
static void ended_is_noticed(struct task *task)
{
    const struct {
        void *count;
        const char *what;
    } held[] = {
        {&task->exe->data.refcount, "runs a program whose file has ended"},
        {&task->exe->programs, "runs a program whose file has ended"},
        {&task->cwd->data.refcount, "works in a folder that has ended"},
        {&task->files->file[0]->inode->data.refcount, "has a root that has ended"},
        {&task->mm->users, "has an address space that has ended"},
        {&task->files->file[0]->refcount, "has a descriptor of a file that has ended"},
    };

    task->root = task->files->file[0]->inode; /* the only held object that no other check covers */
    for (u32 i = 0; i < ARRAY_SIZE(held); i++) {
        u32 saved = exchange((u32 *)held[i].count, 0);

        expect_noticed(task_check(), held[i].what);
        *(u32 *)held[i].count = saved;
    }
    task->root = NULL;
}

KTEST(process, check_notices)
{
    u32 pids[2] = {start_program(ARGV("nap", "600000000", "1")),
                   start_program(ARGV("nap", "600000000", "1"))};
    struct task *a = task_find(pids[0]), *b = task_find(pids[1]);
    enum task_state state;
    struct mm *mm;

    if (!pids[0] || !pids[1])
        return;
    expect_none(task_check());
    ended_is_noticed(a);
    a->files->open[0] ^= 1;
    expect_noticed(task_check(), "has a descriptor that is both open and closed");
    a->files->open[0] ^= 1;
    a->vfork_child = b;
    expect_noticed(task_check(), "the other side of its vfork()");
    a->vfork_child = NULL;
    b->vfork_parent = a;
    expect_noticed(task_check(), "the other side of its vfork()");
    b->vfork_parent = NULL;
    mm = exchange(&b->mm, mm_get(a->mm));
    expect_noticed(mm_audit(), "and another task run in one address space");
    mm_put(exchange(&b->mm, mm));
    state = exchange(&a->state, TASK_ZOMBIE);
    expect_noticed(task_check(), "has ended and still holds something");
    a->state = state;
    for (u32 i = 0; i < 2; i++) {
        expect_eq(send_signal(task_find(pids[i]), SIGKILL, NULL), 0);
        expect_eq(wait_for(pids[i]).exit_code, SIGKILL);
    }
}

/* ---- a thread as a process ---- */

#define PROGRAM "/status"

/* Where the thread's program keeps the arguments of calls: the lowest page of its stack. */
struct call_data {
    char path[16], argument[8];
    u32 argv[3], envp[2];
};

static u32 call_data_addr(void)
{
    return ALIGN_DOWN(current->mm->arg_start, PAGE_SIZE) - 4 * PAGE_SIZE;
}

static bool write_call_data(void)
{
    u32 addr = call_data_addr(), argument = addr + offsetof(struct call_data, argument);
    struct call_data data = {PROGRAM, "0", {argument, argument}, {argument}};

    return expect_eq(mm_write(current->mm, addr, &data, sizeof(data)), 0);
}

/* The current thread becomes a process in PROGRAM; regs are where it would begin. */
static bool become_process(struct pt_regs *regs)
{
    struct exec_args args = {0};
    struct program program;
    const char *why;

    if (!expect_eq(exec_args_from_kernel(&args, ARGV("status", "0"), ARGV("A=1")), 0) ||
        !expect_eq(program_load(&program, fs_root(), PROGRAM, &args, STACK_LIMIT, &why), 0))
        return false;
    exec_args_free(&args);
    current->mm = program.mm;
    mm_switch(program.mm);
    current->exe = program.exe;
    current->cwd = fs_root();
    inode_get(current->cwd);
    current->files = files_new();
    current->signals = signals_new();
    current->exit_signal = SIGCHLD;
    current->quiet = true;
    regs_init_user(regs, program.entry, program.sp);
    return expect(current->files && current->signals) && write_call_data();
}

/* A call that cannot get a page of its program fails, and the program is killed. */
static void touch_without_memory(void *unused)
{
    struct pt_regs regs;
    u8 byte = 1;

    (void)unused;
    if (!become_process(&regs))
        return;
    settle();
    alloc_fail_countdown = 1;
    expect_eq(copy_to_user((void *)(call_data_addr() - PAGE_SIZE), &byte, 1), 1);
    alloc_fail_countdown = 0;
    expect(signal_pending());
    expect(strstr(current->death_note, "out of memory") != NULL);
}

KTEST(process, uaccess_without_memory)
{
    struct task *thread = kthread_create("host", touch_without_memory, NULL);

    if (expect(thread != NULL))
        wait_for(thread->pid);
}

/* ---- old contents of the kernel's stack ---- */

#define OUT_SIZE 1024 /* the largest result of the calls, and the largest signal frame */
#define TELL     ((u32)0xbadbad01) /* an argument: where the call stores its result */
#define TELL_TOO ((u32)0xbadbad02) /* and a second place */
#define PATH     ((u32)0xbadbad03)
#define DIR      3 /* descriptors */
#define TERMINAL 4

static const struct telling_call {
    const char *name;
    u32 number, arg[5];
} telling_calls[] = {
#define CALL(name, ...) ((struct telling_call){#name, __NR_##name, {__VA_ARGS__}})
    /* clang-format off */
    CALL(oldstat, PATH, TELL), CALL(oldlstat, PATH, TELL), CALL(oldfstat, TERMINAL, TELL),
    CALL(stat, PATH, TELL), CALL(lstat, PATH, TELL), CALL(fstat, DIR, TELL),
    CALL(stat64, PATH, TELL), CALL(lstat64, PATH, TELL), CALL(fstat64, DIR, TELL),
    CALL(fstatat64, AT_FDCWD, PATH, TELL, 0), CALL(statx, AT_FDCWD, PATH, 0, 0xfff, TELL),
    CALL(statfs, PATH, TELL), CALL(fstatfs, DIR, TELL), CALL(statfs64, PATH, 84, TELL),
    CALL(fstatfs64, DIR, 84, TELL), CALL(getdents, DIR, TELL, 300),
    CALL(getdents64, DIR, TELL, 300), CALL(getcwd, TELL, 300), CALL(time, TELL), CALL(times, TELL),
    CALL(gettimeofday, TELL, TELL_TOO), CALL(clock_gettime, 1, TELL),
    CALL(clock_gettime64, 0, TELL), CALL(clock_getres, 1, TELL), CALL(clock_getres_time64, 1, TELL),
    CALL(getitimer, 0, TELL), CALL(setitimer, 0, 0, TELL), CALL(getrlimit, RLIMIT_STACK, TELL),
    CALL(ugetrlimit, RLIMIT_STACK, TELL), CALL(prlimit64, 0, RLIMIT_STACK, 0, TELL),
    CALL(getrusage, 0, TELL), CALL(getrusage, (u32)-1, TELL),
    CALL(sched_getparam, 0, TELL), CALL(sched_getaffinity, 0, 128, TELL),
    CALL(sysinfo, TELL), CALL(uname, TELL),
    CALL(olduname, TELL), CALL(oldolduname, TELL), CALL(prctl, 16 /* PR_GET_NAME */, TELL),
    CALL(rt_sigaction, SIGUSR1, 0, TELL, 8), CALL(sigaction, SIGUSR1, 0, TELL),
    CALL(rt_sigprocmask, 0, 0, TELL, 8), CALL(sigprocmask, 0, 0, TELL),
    CALL(rt_sigpending, TELL, 8), CALL(sigpending, TELL), CALL(sigaltstack, 0, TELL),
    CALL(getcpu, TELL, TELL_TOO), CALL(getresuid, TELL, TELL_TOO, TELL),
    CALL(getresuid32, TELL, TELL_TOO, TELL), CALL(getgroups, 16, TELL),
    CALL(ioctl, TERMINAL, TCGETS, TELL), CALL(ioctl, TERMINAL, TCGETS2, TELL),
    CALL(ioctl, TERMINAL, TIOCGWINSZ, TELL), CALL(ioctl, TERMINAL, TIOCINQ, TELL), CALL(pipe, TELL),
    CALL(mincore, PATH, 1, TELL), CALL(get_thread_area, TELL),
/* clang-format on */
#undef CALL
};

/* Fill the part of the stack that the next called function will use: 1 KiB per frame. */
static __noinline void poison_stack(u8 poison, u32 frames)
{
    u8 area[1024];

    if (frames > 1)
        poison_stack(poison, frames - 1);
    memset(area, poison, sizeof(area));
    asm volatile("" : : "r"(area) : "memory");
}

/* Space for results in the thread's program. */
static u32 out_addr(void)
{
    return call_data_addr() - 2 * PAGE_SIZE;
}

static u32 argument(u32 value)
{
    if (value == PATH)
        return call_data_addr();
    if (value == TELL || value == TELL_TOO)
        return out_addr() + (value == TELL_TOO ? OUT_SIZE / 2 : 0);
    return value;
}

/* Make the call, on a stack that holds only the poison. Returns its results. */
static long tell(const struct telling_call *call, u8 poison, u8 *out)
{
    struct pt_regs regs = {
        .ebx = argument(call->arg[0]),
        .ecx = argument(call->arg[1]),
        .edx = argument(call->arg[2]),
        .esi = argument(call->arg[3]),
        .edi = argument(call->arg[4]),
        .eax = call->number,
    };
    long result;

    memset(out, 0x06, OUT_SIZE); /* get_thread_area() takes the number of a segment here */
    memset(out + 1, 0, 3);
    expect_eq(mm_write(current->mm, out_addr(), out, OUT_SIZE), 0);
    poison_stack(poison, THREAD_SIZE / 4 / 1024);
    result = syscall_by_number(call->number, &regs);
    expect_eq(mm_read(current->mm, out_addr(), out, OUT_SIZE), 0);
    return result;
}

static long push_signal(bool rt, u8 poison, u8 *out)
{
    struct action action = {.handler = 0x1000, .flags = rt ? SA_SIGINFO : 0};
    struct signal_info info = {.code = SI_USER, .pid = 1};
    struct pt_regs regs = {.esp = out_addr() + OUT_SIZE, .vector = SYSCALL_VECTOR};
    long result;

    memset(out, 0, OUT_SIZE);
    expect_eq(mm_write(current->mm, out_addr(), out, OUT_SIZE), 0);
    poison_stack(poison, THREAD_SIZE / 4 / 1024);
    result = sigframe_push(&regs, SIGUSR1, &action, &info, 0);
    expect_eq(mm_read(current->mm, out_addr(), out, OUT_SIZE), 0);
    return result;
}

static u8 told[2][OUT_SIZE];

/* A byte that equals the poison in both runs came from the stack. */
static void look_for_poison(const char *name, long result)
{
    if (result < 0)
        ktest_fail(__FILE__, __LINE__, "%s: error %ld", name, -result);
    for (u32 i = 0; i < OUT_SIZE; i++) {
        if (told[0][i] == 0xa5 && told[1][i] == 0x5a) {
            ktest_fail(__FILE__, __LINE__, "%s: byte %u comes off the kernel's stack", name, i);
            return;
        }
    }
}

static void tell_all(void *unused)
{
    struct pt_regs regs;

    (void)unused;
    if (!become_process(&regs))
        return;
    regs.ebx = call_data_addr() + offsetof(struct call_data, argument);
    expect_eq(mm_write(current->mm, regs.ebx, "/", 2), 0);
    for (u32 i = 0; i <= DIR; i++)
        expect_eq(syscall_by_number(__NR_open, &regs), i);
    expect_eq(mm_write(current->mm, call_data_addr(), "/dev/console", 13), 0);
    regs.ebx = call_data_addr();
    expect_eq(syscall_by_number(__NR_open, &regs), TERMINAL);
    for (u32 i = 0; i < ARRAY_SIZE(telling_calls); i++) {
        const struct telling_call *call = &telling_calls[i];

        tell(call, 0xa5, told[0]);
        regs.ebx = DIR;
        regs.ecx = regs.edx = 0;
        syscall_by_number(__NR_lseek, &regs);
        look_for_poison(call->name, tell(call, 0x5a, told[1]));
        syscall_by_number(__NR_lseek, &regs);
    }
    for (u32 rt = 0; rt < 2; rt++) {
        push_signal(rt, 0xa5, told[0]);
        look_for_poison("a signal", push_signal(rt, 0x5a, told[1]));
    }
}

/* Structures have gaps, which hold old data if they are not cleared. */
KTEST(process, nothing_of_the_stack_is_told)
{
    struct task *thread = kthread_create("host", tell_all, NULL);

    if (expect(thread != NULL))
        wait_for(thread->pid);
}
