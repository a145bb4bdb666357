/*
 * Processes: tasks with an address space, descriptors and signals.
 *
 *   kernel/process/process.c  starting one from the kernel; code shared by fork and exec
 *   kernel/process/fork.c     fork, vfork, clone
 *   kernel/process/exec.c     a new program in an old process; the initial stack
 *   kernel/process/elf.c      the program's file
 *   kernel/process/exit.c     ending and waiting
 */
#pragma once

#include <kernel/task.h>

struct address_space;
struct mm;

/* Start-up, after mm_init() and before sched_init(): set process_ops, create the caches. */
void process_init(void);

/*
 * Create a child of the current process, with the flags of clone() (fork.c). Its pid, or -EINVAL,
 * -EINTR, -EAGAIN, -EFAULT, -ENOMEM, and nothing has changed. With CLONE_VFORK it returns when the
 * child no longer uses the memory.
 */
struct clone_request {
    u32 flags; /* CLONE_*, and the signal of the child's end */
    u32 sp;    /* 0: the parent's */
    u32 parent_tid, child_tid, tls;
};
__must_check long process_clone(const struct clone_request *request, const struct pt_regs *regs);

/* The limit for arguments and environment together, with the pointers to them: more is E2BIG. */
#define ARG_BYTES_MAX (32 * PAGE_SIZE)

/*
 * Start a program with argv and envp (NULL-terminated; envp NULL: PATH, HOME and TERM) as a child
 * of the current task, in its own process group; descriptors 0, 1 and 2 are the console
 * (/dev/console, if it exists), the working directory is /. A name without "/" is looked up in /,
 * then /bin. Its pid, or -ENOENT, -EACCES, -ENOEXEC with one line that gives the error in the file,
 * -E2BIG, -ENOMEM. `quiet`: the kernel's message when the process is killed is not printed, only
 * kept for task_wait().
 */
__must_check long process_spawn(const char *const argv[], const char *const envp[], bool quiet);

/*
 * Kill the current process by a signal; `fmt` is printed on the console and stored in its death
 * note, with pid and name in front.
 */
void __noreturn process_kill_current(u32 signal, const char *fmt, ...) __printf(2, 3);

/*
 * task_check.c, for the audit: every task has all its parts, and no two processes share an address
 * space. NULL, or a line that names the first task for which this is wrong. It holds at every point
 * where a task yields.
 */
const char *task_check(void);

/*
 * exit.c, for task_exit(): the current process frees everything except its signals and its
 * descriptor; then, with interrupts off and TASK_ZOMBIE, it frees its signals, and its parent gets
 * SIGCHLD. True when the parent will wait for it.
 */
void process_release(void);
bool process_tell_parent(void);

/* A hook that the terminal sets (tty_init()): called when the leader of this session ends. */
extern void (*process_session_ended)(u32 session);

/* process.c: where a new process begins, on its way to the ring 3 of task_pt_regs(). */
void __noreturn process_start(void *unused);

/* process.c: free a process that was never published, with everything allocated for it so far. */
void process_discard(struct task *task);

/*
 * exit.c: for getrusage() and wait4(): of the task itself, of the children it has waited for, or
 * both.
 */
struct rusage;
void task_rusage(const struct task *task, bool self, bool children, struct rusage *usage);

/* job.c: the current process ends; stopped groups that become orphaned continue. */
void job_leave(void);

/*
 * exit.c: the current process changes its address space to `mm`, NULL when it ends; a parent
 * waiting in vfork() continues. Returns the old one, whose reference the caller must drop. Does not
 * yield.
 */
__must_check struct mm *process_replace_mm(struct mm *mm);

/* job.c: a process of that group, a zombie as well, or NULL. */
struct task *pgrp_member(u32 pgrp);

/*
 * job.c: no process of the group has a parent in another group of the same session (POSIX:
 * orphaned).
 */
bool pgrp_is_orphaned(u32 pgrp);

/*
 * Kernel memory that only this process uses, bytes: stack, directory, tables, descriptors and
 * structures.
 */
u32 process_kernel_bytes(const struct task *task);

/*
 * elf.c: check a whole static i386 ELF file (fixed addresses, or position-independent without an
 * interpreter), then map it into mm, which must be empty. -ENOEXEC with *why, or the error of the
 * lookup of a named interpreter, from `base` on: mm has not changed. -ENOMEM: the caller must drop
 * mm with mm_put().
 */
struct elf_info {
    u32 entry;
    u32 phdr, phdr_count; /* user address of the program headers (0: in no segment), how many */
    u32 bias;             /* what was added to the file's addresses */
};
__must_check int elf_load(struct mm *mm, struct inode *base, struct address_space *file,
                          struct elf_info *info, const char **why);

/* The error in a header of <linux/elf.h> for a program; NULL: none. */
struct elf32_hdr;
const char *elf_check_header(const struct elf32_hdr *header);

/*
 * The address of a symbol of a program linked to fixed addresses (kernel/process/elf_symbols.c). 0;
 * -ENOENT if not found (names of ELF_SYMBOL_MAX bytes and more are never found); -ENOEXEC with the
 * reason; -ENOMEM. It yields.
 */
#define ELF_SYMBOL_MAX 256
__must_check int elf_find_symbol(struct address_space *file, const char *name, u32 *addr,
                                 const char **why);

/* Call see() for each name that elf_find_symbol() finds, some of them twice. It yields. */
void elf_symbol_each(struct address_space *file, void (*see)(const char *name, void *arg),
                     void *arg);
