/*
 * Numbers of tasks, process groups and sessions (kernel/pid.c). task_find() and the walks over
 * tasks are in kernel/task.h.
 */
#pragma once

#include <lib/types.h>

#define PID_MAX 32767 /* Linux's default */

struct pid;
struct task;

/* Create the cache. Called by task_init(). */
void pid_init(void);

/* Memory for the pid of a new task; NULL when out of memory, or when there are 10822 tasks. */
__must_check struct pid *pid_alloc(void);

/* Give a task that has such memory a pid, and add it to the tree and to the list of all tasks. */
void pid_attach(struct task *task);

/* Undo both steps, as far as they were done; the task leaves its group and its session. */
void pid_detach(struct task *task);

/* Put a new task into the process group and the session of another. */
void task_inherit_group(struct task *task, const struct task *from);

/* Move a process to an existing group, or to a new one with its own number. */
void task_set_pgrp(struct task *task, u32 pgrp);

/* Make a process the leader of a new session and its first group. */
void task_lead_session(struct task *task);
