/*
 * The self-tests that cannot run with turns=SEED (kernel/turns.c), each with the reason. With this
 * option they are skipped, and the reason is printed.
 */
#include <kernel/monitor/ktest.h>

static const __section(".ktest_apart") __attribute__((used)) struct ktest_apart apart[] = {
    {"kill.programs_that_are_looked_at", "it yields everywhere itself, and that takes 15 s"},
};
