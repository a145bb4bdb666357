/*
 * Numbers of tasks, process groups and sessions (kernel/pid.c). task_find() and the walks over
 * tasks are in kernel/task.h.
 */
#pragma once

#include <lib/types.h>

#define PID_MAX 32767 /* Linux's default */

struct pid;
struct task;

/* The cache. From task_init(). */
void pid_init(void);

/* Memory for the pid of a new task; NULL when there is none, or when there are 10822 tasks. */
__must_check struct pid *pid_alloc(void);

/* Give a task that has such memory a pid, and enter it in the tree and in the list of all tasks. */
void pid_attach(struct task *task);

/* Undo both, as far as they were done; the task leaves its group and its session. */
void pid_detach(struct task *task);

/* A new task is in the process group and the session of another. */
void task_inherit_group(struct task *task, const struct task *from);

/* Move a process to a group that exists, or to one of its own. */
void task_set_pgrp(struct task *task, u32 pgrp);

/* Make a process the leader of a new session and its first group. */
void task_lead_session(struct task *task);
