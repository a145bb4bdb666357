/*
 * The hook through which the lower layers yield (lib/resched.h). It is empty until the scheduler
 * sets it, and always on the host: then cond_resched() is only two tests. It stays writable after
 * boot, because self-tests replace it.
 */
#include <lib/resched.h>

struct resched_hook resched_hook;
