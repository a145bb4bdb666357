/*
 * Processes: starting programs from the kernel, code shared by fork and exec, and information about
 * a process.
 *
 * Everything that a process needs is allocated before it becomes visible; if a step fails,
 * process_discard() frees what was allocated.
 *
 * A process that the kernel starts (the monitor's `run`, `init=`, self-tests) has the environment
 * of a Linux program started from a terminal: the console as descriptors 0, 1 and 2, the root as
 * working directory, a small environment; it leads its own session.
 *
 * Limits: one thread per process. Every process runs as root.
 *
 * Neighbours: kernel/process/exec.c creates the address space, kernel/process/fork.c copies a
 * process, kernel/process/exit.c ends one; a process enters the kernel again through
 * kernel/exception.c and kernel/syscall/syscall.c.
 */
#include <asm/errno.h>
#include <asm/fcntl.h>
#include <asm/signal.h>
#include <kernel/pid.h>
#include <kernel/process/exec.h>
#include <kernel/process/fdtable.h>
#include <kernel/process/process.h>
#include <kernel/process/process_fpu.h>
#include <kernel/process/signal.h>
#include <lib/detach.h>
#include <lib/printf.h>
#include <lib/printk.h>
#include <lib/string.h>
#include <linux/resource.h>
#include <mm/check/audit.h>
#include <mm/frame/page_alloc.h>
#include <mm/user/mm.h>

#define UMASK_FIRST     022
#define SPAWN_PATH_SIZE 128
#define NPROC_RAM       (8 * THREAD_SIZE) /* RAM for each process of RLIMIT_NPROC (Linux's rule) */

void process_init(void)
{
    process_ops = (struct process_ops){
        .tick = itimer_tick,
        .deliver = signal_deliver,
        .ending = signal_kill_pending,
        .release = process_release,
        .tell_parent = process_tell_parent,
        .fault = force_signal_fault,
        .catches = signal_is_caught,
    };
    audit_register(task_check);
    signal_init();
    exec_init();
}

/* ---- shared by fork and exec ---- */

void process_start(void *unused)
{
    (void)unused;
    while (signal_pending())
        signal_deliver(task_pt_regs(current));
    return_to_user(task_pt_regs(current));
}

void process_discard(struct task *task)
{
    fpu_drop(task);
    if (task->mm)
        mm_put(detach(&task->mm));
    if (task->files)
        files_free(detach(&task->files));
    if (task->signals)
        signals_free(detach(&task->signals));
    if (task->cwd)
        inode_put(detach(&task->cwd));
    if (task->root)
        inode_put(detach(&task->root));
    if (task->exe)
        inode_end_program(detach(&task->exe));
    task_free(task);
}

/* ---- starting one from the kernel ---- */

/* Open descriptors 0, 1 and 2; none if there is no console. 0 or -ENOMEM. */
static int open_console(struct files *files)
{
    struct file *console;
    long fd = 0;
    int err = file_open(fs_root(), "/dev/console", O_RDWR, 0, &console);

    if (err)
        return err == -ENOMEM ? err : 0;
    for (u32 i = 0; fd >= 0 && i < 3; i++)
        fd = fd_install(files, i, file_get(console), 0);
    if (fd < 0)
        file_put(console);
    file_put(console);
    return fd < 0 ? -ENOMEM : 0;
}

/* Set up a task as a first process. On failure the caller calls process_discard(). */
static int furnish(struct task *task, struct program *program)
{
    u32 processes = nr_managed_pages() / (NPROC_RAM / PAGE_SIZE);

    task->mm = detach(&program->mm);
    task->exe = detach(&program->exe);
    task->cwd = fs_root();
    inode_get(task->cwd);
    task->umask = UMASK_FIRST;
    task->exit_signal = SIGCHLD;
    rlimits_init(task->rlimits);
    task->rlimits[RLIMIT_NPROC] = (struct rlimit){processes, processes};
    task->signals = signals_new();
    task->files = files_new();
    if (!task->signals || !task->files)
        return -ENOMEM;
    return open_console(task->files);
}

static long start_program(struct program *program, bool quiet)
{
    struct task *task = task_alloc(program->comm, process_start, NULL);

    if (!task) {
        mm_put(detach(&program->mm));
        inode_end_program(detach(&program->exe));
        return -ENOMEM;
    }
    if (furnish(task, program) != 0) {
        process_discard(task);
        return -ENOMEM;
    }
    regs_init_user(task_pt_regs(task), program->entry, program->sp);
    task->quiet = quiet;
    task->execed = true;
    task_publish(task);
    task_lead_session(task);
    wake_up_task(task);
    return task->pid;
}

/* Load the program of that name; a name without "/" is looked up in the given directory. */
static int load_named(struct program *program, struct exec_args *args, const char *folder,
                      const char *name, const char **why)
{
    char path[SPAWN_PATH_SIZE];
    int length = snprintf(path, sizeof(path), "%s%s", strchr(name, '/') ? "" : folder, name);

    if (length >= (int)sizeof(path))
        return -ENOENT;
    return program_load(program, fs_root(), path, args, STACK_LIMIT, why);
}

long process_spawn(const char *const argv[], const char *const envp[], bool quiet)
{
    static const char *const first_envp[] = {"PATH=/bin:/sbin:/usr/bin:/usr/sbin:/", "HOME=/",
                                             "TERM=linux", NULL};
    struct exec_args args = {0};
    struct program program;
    const char *why;
    long result;

    result = exec_args_from_kernel(&args, argv, envp ? envp : first_envp);
    if (!result)
        result = load_named(&program, &args, "/", argv[0], &why);
    if (result == -ENOENT)
        result = load_named(&program, &args, "/bin/", argv[0], &why);
    exec_args_free(&args);
    if (result == -ENOEXEC)
        printk("%s: cannot be run: %s\n", argv[0], why);
    return result ? result : start_program(&program, quiet);
}

/* ---- ending one from the kernel ---- */

void process_kill_current(u32 signal, const char *fmt, ...)
{
    char *note = current->death_note;
    u32 size = sizeof(current->death_note), used;
    va_list args;

    used = scnprintf(note, size, "%s[%u]: %s: ", current->comm, current->pid, signal_name(signal));
    va_start(args, fmt);
    vscnprintf(note + used, size - used, fmt, args);
    va_end(args);
    if (!current->quiet)
        printk_folded(note);
    task_exit(signal);
}

u32 process_kernel_bytes(const struct task *task)
{
    u32 bytes = THREAD_SIZE + sizeof(*task);

    if (task->mm)
        bytes += sizeof(*task->mm) + PAGE_SIZE + task->mm->tables * PAGE_SIZE +
                 task->mm->area_count * sizeof(struct vm_area);
    if (task->signals)
        bytes += signals_bytes(task->signals);
    if (task->files)
        bytes += files_bytes(task->files);
    if (task->thread.fpu)
        bytes += fpu_frame_size();
    return bytes;
}
