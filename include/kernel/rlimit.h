/* Limits of a task (kernel/rlimit.c; man 2 getrlimit). */
#pragma once

struct mm;
struct rlimit;

#define FILES_MAX 1024 /* descriptors of a process: RLIMIT_NOFILE's hard limit */

/* What the first process may use. */
void rlimits_init(struct rlimit *rlimits);

/* Let an address space heed those that are about memory. */
void rlimits_apply(const struct rlimit *rlimits, struct mm *mm);
