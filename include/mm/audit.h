/*
 * mm_audit(): walk everything and check the invariants of the design (docs/invariants.md names them
 * I1..I10). NULL when all hold; else one line that names the first thing wrong, with address,
 * expected and found. Kernel threads only.
 */
#pragma once

const char *mm_audit(void);
