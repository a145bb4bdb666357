/* User processes: start a program, end one. */
#pragma once

#include <kernel/task.h>

#define PROCESS_ARGS_MAX      16
#define PROCESS_ARG_BYTES_MAX PAGE_SIZE /* all arguments together, each with its 0 */

/* The user stack: one unmapped page between it and the kernel. */
#define USER_STACK_TOP  (TASK_SIZE - PAGE_SIZE)
#define USER_STACK_SIZE 0x10000

/*
 * Start a program of the initramfs with argv (NULL-terminated, argv[0] is the name), as a child of
 * the current task. Its pid, or -ENOENT, -ENOEXEC with one line that says what is wrong with the
 * file, -E2BIG, -ENOMEM. `quiet`: what the kernel would say about its death is only kept for
 * task_wait().
 */
__must_check long process_spawn(const char *const argv[], bool quiet);

/*
 * End the current process with a signal; `why` goes to the console and to its death note, with pid
 * and name in front.
 */
void __noreturn process_kill_current(u32 signal, const char *fmt, ...) __printf(2, 3);

/* End the current process with the signal that task_signal() gave it. Nothing is printed. */
void __noreturn process_end_by_signal(void);

/* "SIGSEGV" for 11, and so on. */
const char *process_signal_name(u32 signal);

/* Register the handlers for page faults and for the other exceptions. */
void fault_init(void);

/* Register int 0x80. */
void syscall_init(void);

/*
 * elf.c: check a static i386 ELF executable whole, then enter it into mm, which must be empty.
 * *entry gets the start address. -ENOEXEC with *why, and mm as it was; -ENOMEM, and mm is only good
 * for mm_destroy().
 */
__must_check long elf_load(struct mm *mm, const void *file, u32 size, u32 *entry, const char **why);

/*
 * Where the program headers of a file that elf_load() took lie in user memory, and how many; 0 when
 * in no segment.
 */
u32 elf_phdr_address(const void *file, u32 *count);
