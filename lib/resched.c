/*
 * The hook through which the lower floors yield (lib/resched.h). It is empty until
 * the scheduler fills it in, and stays so on the host: then nobody is waiting, and cond_resched()
 * is two tests. Not sealed after boot, because tests look at the kernel through it.
 */
#include <lib/resched.h>

struct resched_hook resched_hook;
