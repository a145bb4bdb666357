/* Two page directories side by side (kernel/view/pgdiff.c). */
#pragma once

struct task;

/*
 * Print in what the directories of two tasks differ, and that they share the kernel half; one of a
 * kernel thread is the master directory. From a task.
 */
void pgdiff_print(const struct task *a, const struct task *b);

/* Print whether each directory has the kernel half that the master had at the end of the boot. */
void pgdiff_print_all(void);
