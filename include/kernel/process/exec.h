/*
 * Loading a program: internal to kernel/process/exec.c, exec_args.c, exec_stack.c and process.c.
 */
#pragma once

#include <fs/fs.h>
#include <kernel/process/process.h>

/* The strings of argv, then those of envp, each with its 0. All zero: no strings. */
struct exec_args {
    char *bytes;
    u32 size, used;
    u32 argv_bytes; /* of argv's strings */
    u32 argc, envc;
};

/*
 * Add the strings of two arrays that end with NULL. From user memory: a NULL array is an empty one,
 * and there is at least argv[0], though it may be empty (both as on Linux). From the kernel: argv
 * is not empty. 0, -E2BIG, -EFAULT, -ENOMEM. Call exec_args_free() in any case.
 */
__must_check int exec_args_from_user(struct exec_args *args, u32 argv, u32 envp);
__must_check int exec_args_from_kernel(struct exec_args *args, const char *const argv[],
                                       const char *const envp[]);
void exec_args_free(struct exec_args *args);

/* Put a string before argv[0]: 0, -E2BIG, -ENOMEM. Remove argv[0]. */
__must_check int exec_args_prepend(struct exec_args *args, const char *string);
void exec_args_drop_first(struct exec_args *args);

/*
 * Create the stack area of a program and fill it: 0 and the first stack pointer in *sp; -EEXIST
 * when a segment is in the way; -ENOMEM, and the caller must drop mm with mm_put(). (exec_stack.c)
 */
__must_check int exec_make_stack(struct mm *mm, const struct exec_args *args, const char *path,
                                 const struct elf_info *info, u32 *sp);

struct program {
    struct mm *mm;     /* not loaded; one user */
    struct inode *exe; /* with a reference */
    u32 entry, sp;
    char comm[TASK_COMM_LEN];
};

/*
 * Create the address space in which `path` (looked up from base) starts; args change when it is a
 * script. 0, or an error, and everything is freed: as path_lookup(), -EACCES, -ENOEXEC with *why,
 * -E2BIG, -ELOOP, -ENOMEM.
 */
__must_check int program_load(struct program *program, struct inode *base, const char *path,
                              struct exec_args *args, u32 stack_limit, const char **why);

/*
 * Replace the program of the current process; `regs` are the registers with which it returns to
 * ring 3. This is the point of no return: nothing here can fail.
 */
void program_replace(struct pt_regs *regs, const struct program *program);

/* Set up the vDSO's mapping. At start-up, after mm_init(). */
void exec_init(void);
