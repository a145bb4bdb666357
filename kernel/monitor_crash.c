/*
 * Breaking the kernel on purpose: every way in which a run can end badly, on command, so that one
 * can see what the report looks like, and so that the tests on the host can check that each is told
 * apart from the others.
 *
 *     panic     a call of panic(): place in the source, backtrace
 *     assert    a failed assertion: the same, with both operands
 *     null      a write to address 0 from the kernel: registers, CR2, the error code in words
 *     stack     recursion without end: the double-fault task names the task whose stack overflowed
 *     triple    a fault with an empty IDT: the processor resets, and only the outside can tell
 *
 * The compiler must not see through any of it: an overflow or a null pointer that it can prove is
 * undefined behaviour, and it would be free to leave it out. So everything goes through volatile
 * objects.
 *
 * Neighbours: kernel/panic.c reports all but the last.
 */
#include <arch/x86/cpu.h>
#include <kernel/kernel.h>
#include <kernel/monitor.h>
#include <lib/panic.h>
#include <lib/printk.h>
#include <lib/string.h>

static void crash_panic(void)
{
    panic("asked for by the command \"crash panic\"");
}

static void crash_assert(void)
{
    volatile u32 two = 2;

    assert_op(two + two, ==, 5);
}

static void crash_null(void)
{
    volatile u32 *volatile null = NULL;

    *null = 1;
}

/*
 * The local array makes the steps large enough to get there fast, and is far smaller than the guard
 * page.
 */
static __noinline u32 crash_recurse(u32 depth)
{
    volatile u32 local[32];

    local[depth % ARRAY_SIZE(local)] = depth;
    if (depth == UINT32_MAX)
        return 0;
    return crash_recurse(depth + 1) + local[depth % ARRAY_SIZE(local)];
}

static void crash_stack(void)
{
    printk("%u\n", crash_recurse(0));
}

static void crash_triple(void)
{
    machine_triple_fault();
}

static const struct {
    const char *name;
    void (*run)(void);
} kinds[] = {
    {"panic", crash_panic},   {"stack", crash_stack}, {"triple", crash_triple},
    {"assert", crash_assert}, {"null", crash_null},
};

const char *monitor_crash_kind(u32 i)
{
    return i < ARRAY_SIZE(kinds) ? kinds[i].name : NULL;
}

void monitor_crash(u32 argc, const char **argv)
{
    (void)argc;
    for (u32 i = 0; i < ARRAY_SIZE(kinds); i++) {
        if (strcmp(argv[1], kinds[i].name) == 0)
            kinds[i].run();
    }
    printk("usage: %s\n", MONITOR_CRASH_USAGE);
}
