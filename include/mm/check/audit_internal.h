/* Internal to the audit. Each check returns NULL, or the first error. */
#pragma once

#include <lib/types.h>

/* Format the error line in a buffer of the audit. */
const char *audit_report(const char *fmt, ...) __printf(1, 2);

/*
 * Find a block in use without references: it is lost, because no mapping and no holder will ever
 * free it.
 */
const char *audit_lost(void);

/* Check that every reference count equals the number of mappings and holders. */
const char *audit_counts(void);
