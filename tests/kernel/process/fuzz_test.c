/*
 * Steps by chance from ring 3 (user/tests/helpers/fuzz.c), a few rounds of them: the core then sees
 * whether a page, an object or an area is missing, and what the audit says. More rounds, other
 * machines: tests/run/test_fuzz.py.
 */
#include "tests/kernel/process/run.h"

KTEST(fuzz, a_few_seeds)
{
    expect_passes("fuzz", "1", "8");
}
