/* Limits of a task (kernel/rlimit.c; man 2 getrlimit). */
#pragma once

struct rlimit;
struct task;

#define FILES_MAX 1024 /* descriptors of a process: RLIMIT_NOFILE's hard limit */

/* The limits of the first process. */
void rlimits_init(struct rlimit *rlimits);

/*
 * Apply the memory limits to a task's address space. Not while it is lent for a vfork(): the task
 * calls this again when it has it back, or has a new one by exec.
 */
void rlimits_apply(const struct task *task);
