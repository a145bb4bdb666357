/* Between the files of the audit. Each check: NULL, or the first thing that is wrong. */
#pragma once

#include <lib/types.h>

/* The line about what is wrong, in a buffer of the audit's. */
const char *audit_report(const char *fmt, ...) __printf(1, 2);

/* A block in use that nobody refers to is lost: no mapping and no holder will ever free it. */
const char *audit_lost(void);

/* Every reference count is that of the mappings and holders there are. */
const char *audit_counts(void);
