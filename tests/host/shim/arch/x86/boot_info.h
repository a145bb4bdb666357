/* Where a boot ends that cannot go on; host programs say what that is for them. */
#pragma once

#include <lib/types.h>

void __noreturn boot_refuse(const char *fmt, ...) __printf(1, 2);
