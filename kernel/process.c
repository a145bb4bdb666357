/*
 * Processes: a program of the initramfs becomes a task in ring 3.
 *
 * Everything a process needs is made before anything is visible: address space, segments, stack
 * with its arguments, task. The task comes last, so that a failure at any step only has to give
 * back the address space.
 *
 * The initial stack is what the System V ABI for i386 (section 2.3.1, "Initial Stack and Register
 * State") and Linux (fs/binfmt_elf.c) hand to a program's first instruction:
 *
 *     USER_STACK_TOP  strings of the arguments, 16 bytes for AT_RANDOM
 *                     auxiliary vector: pairs {type, value}, ended by AT_NULL
 *                     0 (no environment)
 *                     0
 *                     argv[argc - 1] ... argv[0]
 *     ESP             argc                                    (a multiple of 16)
 *
 * The kernel writes it through mm_write(), without loading the address space; the first switch to
 * the task does that.
 *
 * Limits: no fork and no exec; PROCESS_ARGS_MAX arguments; a stack of fixed size. AT_RANDOM is
 * unlike from start to start but not secret, as there is no source of real randomness.
 *
 * Neighbours: kernel/elf.c reads the file, kernel/task.c makes the task, kernel/fault.c and
 * kernel/syscall.c are how a process comes back into the kernel.
 */
#include <arch/x86/irqflags.h>
#include <arch/x86/timer.h>
#include <asm/errno.h>
#include <asm/signal.h>
#include <fs/initramfs.h>
#include <kernel/process.h>
#include <lib/panic.h>
#include <lib/printf.h>
#include <lib/printk.h>
#include <lib/string.h>
#include <linux/auxvec.h>
#include <linux/elf.h>
#include <mm/mm.h>

#define AUX_MAX 16

/* argc, argv and its 0, the environment's 0, the auxiliary vector */
#define WORDS_MAX (1 + PROCESS_ARGS_MAX + 1 + 1 + 2 * AUX_MAX)

/*
 * The stack under construction: strings go straight to user memory, words are gathered and written
 * last.
 */
struct startup {
    struct mm *mm;
    u32 sp;
    u32 words[WORDS_MAX];
    u32 count;
    int err; /* the first error */
};

static u32 push_bytes(struct startup *start, const void *from, u32 size)
{
    start->sp -= size;
    if (!start->err)
        start->err = mm_write(start->mm, start->sp, from, size);
    return start->sp;
}

static void add_word(struct startup *start, u32 word)
{
    assert_op(start->count, <, WORDS_MAX);
    start->words[start->count++] = word;
}

static void add_aux(struct startup *start, u32 type, u32 value)
{
    add_word(start, type);
    add_word(start, value);
}

static void add_arguments(struct startup *start, const char *const argv[], u32 argc)
{
    add_word(start, argc);
    for (u32 i = 0; i < argc; i++)
        add_word(start, push_bytes(start, argv[i], strlen(argv[i]) + 1));
    add_word(start, 0);
    add_word(start, 0);
}

static void add_auxiliary_vector(struct startup *start, const void *file, u32 entry)
{
    u64 random[2] = {rdtsc() * 0x9E3779B97F4A7C15ull, rdtsc() * 0xD1B54A32D192ED03ull};
    u32 phdr_count, phdr = elf_phdr_address(file, &phdr_count);

    add_aux(start, AT_PAGESZ, PAGE_SIZE);
    add_aux(start, AT_CLKTCK, HZ);
    add_aux(start, AT_PHDR, phdr);
    add_aux(start, AT_PHENT, sizeof(Elf32_Phdr));
    add_aux(start, AT_PHNUM, phdr_count);
    add_aux(start, AT_BASE, 0);
    add_aux(start, AT_FLAGS, 0);
    add_aux(start, AT_ENTRY, entry);
    add_aux(start, AT_UID, 0);
    add_aux(start, AT_EUID, 0);
    add_aux(start, AT_GID, 0);
    add_aux(start, AT_EGID, 0);
    add_aux(start, AT_SECURE, 0);
    add_aux(start, AT_EXECFN, start->words[1]);
    add_aux(start, AT_RANDOM, push_bytes(start, random, sizeof(random)));
    add_aux(start, AT_NULL, 0);
}

/*
 * Make the stack of a program; *sp gets its first stack pointer. 0, -EEXIST when something is in
 * the way, -ENOMEM.
 */
static int make_stack(struct mm *mm, const char *const argv[], u32 argc, const void *file,
                      u32 entry, u32 *sp)
{
    struct startup start = {.mm = mm, .sp = USER_STACK_TOP};
    int err = mm_add_area(mm, USER_STACK_TOP - USER_STACK_SIZE, USER_STACK_SIZE, VM_READ | VM_WRITE,
                          "stack");

    if (err)
        return err;
    add_arguments(&start, argv, argc);
    add_auxiliary_vector(&start, file, entry);
    /*
     * Rounded so that the words end up with argc at a multiple of 16; the gap above them stays 0.
     */
    start.sp = ALIGN_DOWN(start.sp - start.count * sizeof(u32), 16) + start.count * sizeof(u32);
    *sp = push_bytes(&start, start.words, start.count * sizeof(u32));
    return start.err;
}

/* Number of arguments, or -E2BIG. */
static int count_arguments(const char *const argv[])
{
    u32 bytes = 0;
    int argc = 0;

    for (; argv[argc]; argc++) {
        size_t size = strlen(argv[argc]) + 1;

        if (argc == PROCESS_ARGS_MAX || size > PROCESS_ARG_BYTES_MAX - bytes)
            return -E2BIG;
        bytes += size;
    }
    assert(argc > 0);
    return argc;
}

/* Fill an empty address space: the program and its stack. */
static long load_program(struct mm *mm, const struct initramfs_file *file, const char *const argv[],
                         u32 argc, u32 *entry, u32 *sp)
{
    const char *why = NULL;
    long err = elf_load(mm, file->data, file->size, entry, &why);

    if (!err) {
        err = make_stack(mm, argv, argc, file->data, *entry, sp);
        if (err == -EEXIST) {
            why = "a segment lies where the stack goes";
            err = -ENOEXEC;
        }
    }
    if (err == -ENOEXEC)
        printk("%s: cannot be run: %s\n", file->name, why);
    return err;
}

static void __noreturn process_start(void *unused)
{
    (void)unused;
    if (signal_pending())
        process_end_by_signal();
    return_to_user(task_pt_regs(current));
}

static const char *base_name(const char *path)
{
    const char *base = path;

    for (; *path; path++)
        if (path[0] == '/' && path[1])
            base = path + 1;
    return base;
}

long process_spawn(const char *const argv[], bool quiet)
{
    struct initramfs_file file;
    struct task *task;
    struct mm *mm;
    u32 entry, sp;
    long err;
    int argc = count_arguments(argv);

    if (argc < 0)
        return argc;
    if (!initramfs_lookup(argv[0], &file))
        return -ENOENT;
    mm = mm_create();
    if (!mm)
        return -ENOMEM;
    err = load_program(mm, &file, argv, argc, &entry, &sp);
    if (err)
        goto fail;
    task = task_create(base_name(argv[0]), process_start, NULL);
    if (!task) {
        err = -ENOMEM;
        goto fail;
    }
    task->mm = mm;
    task->quiet = quiet;
    regs_init_user(task_pt_regs(task), entry, sp);
    wake_up_task(task);
    return task->pid;

fail:
    mm_destroy(mm);
    return err;
}

const char *process_signal_name(u32 signal)
{
    switch (signal) {
    case SIGINT:
        return "SIGINT";
    case SIGILL:
        return "SIGILL";
    case SIGTRAP:
        return "SIGTRAP";
    case SIGBUS:
        return "SIGBUS";
    case SIGFPE:
        return "SIGFPE";
    case SIGKILL:
        return "SIGKILL";
    case SIGSEGV:
        return "SIGSEGV";
    default:
        return "signal";
    }
}

void process_kill_current(u32 signal, const char *fmt, ...)
{
    char *note = current->death_note;
    u32 size = sizeof(current->death_note), used;
    va_list args;

    used = scnprintf(note, size, "%s[%u]: %s: ", current->comm, current->pid,
                     process_signal_name(signal));
    va_start(args, fmt);
    vscnprintf(note + used, size - used, fmt, args);
    va_end(args);
    if (!current->quiet)
        printk("%s\n", note);
    task_exit(signal);
}

void process_end_by_signal(void)
{
    u32 signal = current->pending_signal;

    local_irq_enable();
    snprintf(current->death_note, sizeof(current->death_note), "%s[%u]: %s from outside",
             current->comm, current->pid, process_signal_name(signal));
    task_exit(signal);
}
