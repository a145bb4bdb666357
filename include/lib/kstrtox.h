/* Text to numbers, strictly (Linux's names and meanings). */
#pragma once

#include <lib/types.h>

/*
 * The whole of s is a number: an optional `+`, digits, an optional newline. `base` is 2..16, or 0:
 * then 0x means 16, another leading 0 means 8, otherwise it is 10. 0 and *res set; -EINVAL when it
 * is not a number, -ERANGE when it does not fit; *res is then unchanged.
 */
__must_check int kstrtoull(const char *s, unsigned base, unsigned long long *res);
__must_check int kstrtouint(const char *s, unsigned base, unsigned *res);

/*
 * A number (base as for 0 above) that may be followed by K, M or G, in either case, for 2^10, 2^20,
 * 2^30. *retptr, when retptr is not NULL, gets the first byte that was not used: ptr itself when no
 * number was found. A number that does not fit gives UINT64_MAX.
 */
u64 memparse(const char *ptr, char **retptr);
