/*
 * mm_audit(): walk everything and check the invariants of the design (docs/invariants.md names them
 * I1..I10). NULL when all hold; otherwise one line with the first error: address, expected and
 * found value. Kernel threads only.
 */
#pragma once

const char *mm_audit(void);

/*
 * Register a check of a higher layer with the audit. It returns NULL or the first error. Start-up
 * only.
 */
void audit_register(const char *(*check)(void));
