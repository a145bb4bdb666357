/* Thread-local segments: set_thread_area and its part of clone (kernel/process/tls.c). */
#pragma once

#include <kernel/task.h>

/*
 * For CLONE_SETTLS: `task`, which has not run yet, gets the segment of a struct user_desc in the
 * memory of the current process. 0; -EFAULT; -EINVAL for an invalid descriptor or slot; slot -1 is
 * invalid here, too.
 */
__must_check int tls_set_from_user(struct task *task, const void *user_desc);

/*
 * set_thread_area() and get_thread_area() of the current process, with a struct user_desc in its
 * memory. 0, -EFAULT, -EINVAL, -ESRCH.
 */
struct user_desc;
__must_check long tls_set_area(struct user_desc *user_desc);
__must_check long tls_get_area(struct user_desc *user_desc);
