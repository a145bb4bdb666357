/*
 * Random steps from ring 3 (user/tests/helpers/fuzz.c and fuzz_code.c), a few rounds: the self-test
 * core then checks whether a page, an object or an area is missing, and runs the audit. More
 * rounds, other machines: tests/run/test_fuzz.py.
 */
#include "tests/kernel/process/run.h"

KTEST(fuzz, a_few_seeds)
{
    expect_passes("fuzz", "1", "8");
}

KTEST(fuzz, machine_code)
{
    expect_passes("fuzz_code", "1", "4");
}
