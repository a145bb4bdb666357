/*
 * The line in which the audit reports an error.
 *
 * Neighbours: mm/check/audit.c, mm/check/audit_counts.c.
 */
#include <lib/printf.h>
#include <mm/check/audit_internal.h>

const char *audit_report(const char *fmt, ...)
{
    static char wrong[160];
    va_list args;

    va_start(args, fmt);
    vsnprintf(wrong, sizeof(wrong), fmt, args);
    va_end(args);
    return wrong;
}
