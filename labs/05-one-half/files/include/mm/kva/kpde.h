/* The policies for the kernel half of page directories, and the choice of one. */
#pragma once

#include <arch/x86/kpde.h>

/*
 * `kpde=` on the command line chooses. `copied` is the default, and wrong: a directory is never
 * changed after it was made.
 */
extern const struct kpde_policy kpde_copied, kpde_preallocated, kpde_lazy;

/* Choose, and let the policy do its work at boot. Start-up. */
void kpde_boot(void);

/* True when `kpde=NAME` was chosen. */
bool kpde_is(const char *name);
