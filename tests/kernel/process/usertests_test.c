/*
 * Programs that test the kernel from ring 3. Each returns the result as its exit status, and prints
 * the cases that failed; tests/run/linux/test_linux.py runs the same binaries on Linux.
 */
#include "tests/kernel/process/run.h"

KTEST(usertests, xv6)
{
    expect_passes("xv6_test");
}

KTEST(usertests, pintos)
{
    expect_passes("pintos_test");
}

KTEST(usertests, signals)
{
    expect_passes("signal_test");
}

KTEST(usertests, itimers)
{
    expect_passes("itimer_test");
}
