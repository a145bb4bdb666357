/* Two page directories side by side (kernel/view/pgdiff.c). */
#pragma once

struct task;

/*
 * Print the differences between the directories of two tasks, and that they share the kernel half;
 * that of a kernel thread is the master directory. From a task.
 */
void pgdiff_print(const struct task *a, const struct task *b);

/* Print whether each directory has the kernel half that the master had at the end of the boot. */
void pgdiff_print_all(void);
