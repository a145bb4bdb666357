/*
 * execve: a new program in an old process; and the first program of a process that the kernel
 * starts.
 *
 * Everything the new program needs is created beside the old one: its arguments are copied, its
 * whole address space is built, with segments, stack and vDSO. Only then, when nothing can fail any
 * more, the old one is freed. An execve() that fails has changed nothing.
 *
 * A file that begins with "#!" names the program that reads it (man 2 execve, "Interpreter
 * scripts"): that program's name, at most one argument, and the path of the script come before the
 * arguments. The interpreter may itself be a script, up to SCRIPTS_MAX deep, as on Linux.
 *
 * Neighbours: kernel/process/exec_args.c and exec_stack.c have the arguments, kernel/process/elf.c
 * reads the file; kernel/process/process.c starts the first programs; fs/ has the files.
 */
#include <arch/x86/irqflags.h>
#include <arch/x86/vdso.h>
#include <asm/errno.h>
#include <asm/signal.h>
#include <kernel/process/exec.h>
#include <kernel/process/fdtable.h>
#include <kernel/process/process_fpu.h>
#include <kernel/process/signal.h>
#include <lib/detach.h>
#include <lib/panic.h>
#include <lib/string.h>
#include <linux/resource.h>
#include <linux/stat.h>
#include <mm/user/mm.h>

#define SCRIPTS_MAX 5
#define SCRIPT_LINE 256 /* bytes of a "#!" line that are read (Linux's BINPRM_BUF_SIZE) */

static struct address_space vdso_mapping;

static void vdso_never_goes(struct address_space *mapping)
{
    (void)mapping;
    panic("the vDSO has lost its last reference");
}

void exec_init(void)
{
    mapping_init_backed(&vdso_mapping, vdso_image, vdso_image_end - vdso_image, vdso_never_goes);
}

/* ---- the program's file ---- */

/*
 * Open a regular file that may be executed, marked as a running program; also for scripts. 0 or an
 * error.
 */
static int open_program(struct inode *base, const char *path, struct inode **out)
{
    struct inode *inode;
    int err = path_lookup(base, path, 0, &inode);

    if (err)
        return err;
    if (!S_ISREG(inode->mode) || !(inode->mode & (S_IXUSR | S_IXGRP | S_IXOTH))) {
        inode_put(inode);
        return -EACCES;
    }
    err = inode_start_program(inode);
    inode_put(inode);
    *out = inode;
    return err;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static char *skip_blanks(char *s)
{
    while (is_blank(*s))
        s++;
    return s;
}

/*
 * Cut the text behind "#!" in place: 0, with the interpreter's name and its argument, or NULL if it
 * has none. `whole`: the line ends where the text ends. A name that may continue behind the bytes
 * read is refused, as on Linux.
 */
static int cut_script_line(char *line, bool whole, char **name, char **arg)
{
    char *end = line + strlen(line);

    while (end > line && is_blank(end[-1]))
        *--end = '\0';
    *name = line = skip_blanks(line);
    if (*line == '\0')
        return -ENOEXEC;
    while (*line && !is_blank(*line))
        line++;
    if (*line == '\0') {
        *arg = NULL;
        return whole ? 0 : -ENOEXEC;
    }
    *line = '\0';
    *arg = skip_blanks(line + 1);
    return 0;
}

/* 1 when the file is a script: args begin with its interpreter then. 0 when not, or an error. */
static int take_script(struct inode *inode, const char *path, bool first, struct exec_args *args)
{
    char line[SCRIPT_LINE + 1], *newline, *name, *arg;
    long size = filemap_read(&inode->data, 0, line, SCRIPT_LINE, filemap_copy_kernel);
    int err;

    if (size < 2 || line[0] != '#' || line[1] != '!')
        return size < 0 ? size : 0;
    line[size] = '\0';
    newline = strchr(line, '\n');
    if (newline)
        *newline = '\0';
    err = cut_script_line(line + 2, newline || size < SCRIPT_LINE, &name, &arg);
    if (!err && first) { /* otherwise argv[0] is already its path */
        exec_args_drop_first(args);
        err = exec_args_prepend(args, path);
    }
    if (!err && arg)
        err = exec_args_prepend(args, arg);
    if (!err)
        err = exec_args_prepend(args, name);
    return err ? err : 1;
}

/* Follow scripts to a file that is not a script. 0 and that file, marked as a running program. */
static int find_program(struct inode *base, const char *path, struct exec_args *args,
                        struct inode **out)
{
    for (u32 depth = 0; depth <= SCRIPTS_MAX; depth++) {
        struct inode *inode;
        int result = open_program(base, depth == 0 ? path : args->bytes, &inode);

        if (result)
            return result;
        result = take_script(inode, path, depth == 0, args);
        if (result == 0) {
            *out = inode;
            return 0;
        }
        inode_end_program(inode);
        if (result < 0)
            return result;
    }
    return -ELOOP;
}

/* ---- a program beside the old one ---- */

static int fill_mm(struct program *program, struct inode *base, const struct exec_args *args,
                   const char *path, const char **why)
{
    struct elf_info info;
    int err = elf_load(program->mm, base, &program->exe->data, &info, why);

    if (err)
        return err;
    program->entry = info.entry;
    err = exec_make_stack(program->mm, args, path, &info, &program->sp);
    if (!err)
        err = mm_add_area(program->mm, VDSO_ADDR, PAGE_SIZE, VM_READ | VM_EXEC, "[vdso]",
                          &vdso_mapping, 0);
    if (err == -EEXIST) {
        *why = "a segment overlaps the stack";
        err = -ENOEXEC;
    }
    return err;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash && slash[1] ? slash + 1 : path;
}

int program_load(struct program *program, struct inode *base, const char *path,
                 struct exec_args *args, u32 stack_limit, const char **why)
{
    int err;

    *why = "a script without an interpreter";
    err = find_program(base, path, args, &program->exe);
    if (err)
        return err;
    err = -ENOMEM;
    program->mm = mm_create();
    if (program->mm) {
        program->mm->stack_limit = stack_limit;
        strscpy(program->comm, base_name(path), sizeof(program->comm));
        err = fill_mm(program, base, args, path, why);
        if (!err)
            return 0;
        mm_put(detach(&program->mm));
    }
    inode_end_program(detach(&program->exe));
    return err;
}

/* ---- execve ---- */

void program_replace(struct pt_regs *regs, const struct program *program)
{
    struct mm *old_mm = process_replace_mm(program->mm);
    struct inode *old_exe = exchange(&current->exe, program->exe);

    rlimits_apply(current);
    mm_switch(current->mm);
    strscpy(current->comm, program->comm, sizeof(current->comm));
    current->exit_signal = SIGCHLD;
    current->execed = true;
    fpu_drop(current);
    local_irq_disable();
    thread_clear_segments(&current->thread);
    local_irq_enable();
    signals_exec(current->signals);
    regs_init_user(regs, program->entry, program->sp);
    files_exec(current->files);
    inode_end_program(old_exe);
    mm_put(old_mm);
}
