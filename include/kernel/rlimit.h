/* Limits of a task (kernel/rlimit.c; man 2 getrlimit). */
#pragma once

struct rlimit;
struct task;

#define FILES_MAX 1024 /* descriptors of a process: RLIMIT_NOFILE's hard limit */

/* What the first process may use. */
void rlimits_init(struct rlimit *rlimits);

/*
 * Let a task's address space heed those that are about memory. Not while it is lent for a vfork():
 * who has it back, or has a new one by exec, asks again.
 */
void rlimits_apply(const struct task *task);
