/*
 * mm_audit(): walk everything and check the invariants of the design (docs/invariants.md names them
 * I1..I10). NULL when all hold; else one line that names the first thing wrong, with address,
 * expected and found. Kernel threads only.
 */
#pragma once

const char *mm_audit(void);

/*
 * The audit asks this check too, from now on: of a floor above. NULL or the first thing wrong.
 * Start-up only.
 */
void audit_register(const char *(*check)(void));
