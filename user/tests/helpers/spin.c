/*
 * Keeps the processor busy without a single system call, for tests of preemption: `spin` for a
 * while (0.1 to 0.3 s), `spin until-told` until another process writes to the first word of its
 * heap. The latter ends by itself after many seconds, with exit status 1.
 */
#include "lib/attic.h"

#define NAPS       10
#define NAPS_LIMIT 500

int main(int argc, char *argv[])
{
    bool until_told = argc == 2 && streq(argv[1], "until-told");
    volatile uint32_t *word = (volatile uint32_t *)sys_brk(0);
    uint64_t duration = (until_told ? NAPS_LIMIT : NAPS) * tsc_nap(), start = rdtsc();

    if (argc > 1 && !until_told) {
        print("usage: spin [until-told]\n");
        return 2;
    }
    sys_brk((uintptr_t)(word + 1));
    while (rdtsc() - start < duration) {
        if (until_told && *word)
            return 0;
    }
    return until_told;
}
