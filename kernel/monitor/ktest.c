/*
 * The self-test core: finds the tests, runs them one after the other, and prints the results as
 * KTAP version 1 (Linux: Documentation/dev-tools/ktap.rst).
 *
 * Tests register themselves with KTEST(); the linker collects the entries into one array between
 * __ktest_start and __ktest_end. A failed expectation prints a diagnostic line and is counted; the
 * result line follows when the test is over.
 *
 * A test must not change the kernel's state, and this is checked after each one: interrupts are on,
 * no child is left, the count of free pages is the same as before, and the audit finds no error.
 * Caches are shrunk before both counts, so that the count depends only on what is still allocated.
 * So a test that breaks something fails itself, and not the next test.
 *
 * Limits: a test that never returns is ended from outside, by the time-out of the program that
 * started the machine. One test at a time, from one thread.
 *
 * Neighbours: include/kernel/monitor/ktest.h has the expectations, tests/ the tests,
 * kernel/monitor/monitor.c the command.
 */
#include <arch/x86/boot_info.h>
#include <arch/x86/irqflags.h>
#include <asm/errno.h>
#include <drivers/power.h>
#include <kernel/kernel.h>
#include <kernel/monitor/ktest.h>
#include <kernel/monitor/monitor.h>
#include <kernel/task.h>
#include <kernel/tty/tty.h>
#include <kernel/turns.h>
#include <lib/glob.h>
#include <lib/panic.h>
#include <lib/printf.h>
#include <lib/printk.h>
#include <lib/string.h>
#include <mm/check/audit.h>
#include <mm/frame/page_alloc.h>
#include <mm/frame/slab.h>
#include <mm/kva/vmalloc.h>
#include <mm/user/mm.h>

extern const struct ktest __ktest_start[], __ktest_end[];

#define NAME_MAX_LEN      96
#define DIAGNOSTICS_MAX   10 /* a loop over every page can fail ten thousand times */
#define CHILD_GRACE_TICKS 100
#define FAILED_MAX        16 /* printed again at the end, where a reader looks first */

/* The running test. */
static struct {
    char name[NAME_MAX_LEN];
    u32 failures;
    bool skipped;
    char skip_reason[96];
} running;

/* A function of its own, so that the grader of labs/ sees each failure as it happens. */
static __noinline void count_failure(void)
{
    running.failures++;
}

/* Count a failure; true when there is still room for its diagnostic. */
static bool failed_with_room(void)
{
    count_failure();
    if (running.failures == DIAGNOSTICS_MAX + 1)
        printk("# more failures of this test are not shown\n");
    return running.failures <= DIAGNOSTICS_MAX;
}

void ktest_fail(const char *file, u32 line, const char *fmt, ...)
{
    va_list args;

    if (!failed_with_room())
        return;
    printk("# %s:%u: ", file, line);
    va_start(args, fmt);
    vprintk(fmt, args);
    va_end(args);
    printk("\n");
}

bool ktest_expect(bool held, const struct ktest_site *site)
{
    if (!held)
        ktest_fail(site->file, site->line, "expected %s", site->a);
    return held;
}

bool ktest_expect_eq(u32 a, u32 b, const struct ktest_site *site)
{
    if (a != b)
        ktest_fail(site->file, site->line, "expected %s == %s, got 0x%x and 0x%x", site->a, site->b,
                   a, b);
    return a == b;
}

void ktest_skip(const char *fmt, ...)
{
    va_list args;

    running.skipped = true;
    va_start(args, fmt);
    vsnprintf(running.skip_reason, sizeof(running.skip_reason), fmt, args);
    va_end(args);
}

bool ktest_ok(void)
{
    return running.failures == 0;
}

/* ---- expected panics ---- */

static bool panic_expected;
char ktest_panic_text[400];

void ktest_expect_panic(bool expected)
{
    panic_expected = expected;
    if (expected)
        ktest_panic_text[0] = '\0';
}

/* It returns by a trap, for which expect_panic() has set a probe. */
static void catch_panic(const char *fmt, va_list args)
{
    if (!panic_expected)
        return;
    vsnprintf(ktest_panic_text, sizeof(ktest_panic_text), fmt, args);
    panic_expected = false;
    __builtin_trap();
}

/* ---- what a test must leave behind ---- */

static void __printf(1, 2) fail_after(const char *fmt, ...)
{
    va_list args;

    count_failure(); /* printed even when the test has used all its diagnostics */
    printk("# after the test: ");
    va_start(args, fmt);
    vprintk(fmt, args);
    va_end(args);
    printk("\n");
}

static void check_interrupts(void)
{
    u32 flags = local_irq_save();

    if (!(flags & EFLAGS_IF))
        fail_after("interrupts were off");
    local_irq_enable();
}

/*
 * Collect the children that the test did not wait for; one that still runs gets a short time to
 * end.
 */
static void check_children(void)
{
    struct task_result child;
    u32 ticks = 0, left = 0;
    int result;

    while ((result = task_try_wait(0, &child)) != -ECHILD) {
        if (result == 0) {
            left++;
        } else if (ticks++ < CHILD_GRACE_TICKS) {
            sched_sleep(1);
        } else {
            fail_after("a child of the test does not end");
            break;
        }
    }
    if (left > 0)
        fail_after("%u children were not waited for", left);
}

/*
 * An error of the audit counts for the test that just ran only if the audit did not find the same
 * error before.
 */
static void check_audit(void)
{
    static char found[192];
    const char *broken = mm_audit();

    if (broken && strcmp(broken, found) != 0)
        fail_after("audit: %s", broken);
    strscpy(found, broken ? broken : "", sizeof(found));
}

struct holdings holdings_now(void)
{
    struct holdings now = {0};
    struct slabinfo cache;

    task_reap_unwanted();
    mm_shrink();
    slab_shrink();
    now.areas = vmalloc_stats().busy_areas;
    now.free_pages = nr_free_pages() + slab_pages(); /* how full the slabs are may vary */
    for (u32 i = 0; slabinfo_at(i, &cache); i++) {
        assert_op(i, <, HOLDINGS_CACHES);
        now.objects[i] = cache.active_objs;
    }
    return now;
}

void holdings_compare(const struct holdings *before, void (*tell)(const char *fmt, ...))
{
    struct holdings now = holdings_now();
    struct slabinfo cache;

    if (now.free_pages != before->free_pages)
        tell("%u pages are free, %u were before", now.free_pages, before->free_pages);
    for (u32 i = 0; slabinfo_at(i, &cache); i++)
        if (now.objects[i] != before->objects[i])
            tell("%u slab objects of %s are in use, %u were before", now.objects[i], cache.name,
                 before->objects[i]);
    if (now.areas != before->areas)
        tell("%u vmalloc areas are in use, %u were before", now.areas, before->areas);
}

static void check_leftovers(const struct holdings *before)
{
    check_interrupts();
    check_children();
    holdings_compare(before, fail_after);
    check_audit();
}

/* ---- one test, all tests ---- */

static void test_name(const struct ktest *test, char *buf, size_t size)
{
    snprintf(buf, size, "%s.%s", test->suite, test->name);
}

/* The glob may be several, with commas between. */
static bool test_matches(const struct ktest *test, const char *globs)
{
    char name[NAME_MAX_LEN], glob[NAME_MAX_LEN];
    const char *end;

    test_name(test, name, sizeof(name));
    while ((end = strchr(globs, ','))) {
        strscpy(glob, globs, min((size_t)(end - globs + 1), sizeof(glob)));
        if (glob_match(glob, name))
            return true;
        globs = end + 1;
    }
    return glob_match(globs, name);
}

/* Why the running test cannot run with turns=SEED; NULL if it can. */
static const char *apart_from_turns(void)
{
    for (const struct ktest_apart *apart = __ktest_apart_start; apart < __ktest_apart_end; apart++)
        if (glob_match(apart->glob, running.name))
            return apart->why;
    return NULL;
}

/* A machine whose memory and processor make no difference to slow tests need not run them. */
static bool slow_are_skipped(void)
{
    char text[8];

    return boot_option("ktest_slow", text, sizeof(text)) && strcmp(text, "off") == 0;
}

static void run_in_order(const struct ktest *test)
{
    const char *why = turns_seed() ? apart_from_turns() : NULL;
    struct holdings before;

    if (test->slow && slow_are_skipped()) {
        ktest_skip("slow, and this machine is one of many");
        return;
    }
    if (why) {
        ktest_skip("not with turns=: %s", why);
        return;
    }
    before = holdings_now();
    if (turns_seed())
        turns_start(turns_seed(), running.name);
    test->run();
    check_leftovers(&before);
}

/* A function of its own, so that the grader of labs/ can stop here and read the counts itself. */
static __noinline void report_result(const struct ktest *test, u32 number)
{
    if (!ktest_ok())
        printk("not ok %u %s.%s\n", number, test->suite, test->name);
    else if (running.skipped)
        printk("ok %u %s.%s # SKIP %s\n", number, test->suite, test->name, running.skip_reason);
    else
        printk("ok %u %s.%s\n", number, test->suite, test->name);
}

static bool run_test(const struct ktest *test, u32 number)
{
    memset(&running, 0, sizeof(running));
    test_name(test, running.name, sizeof(running.name));
    run_in_order(test);
    report_result(test, number);
    running.name[0] = '\0';
    return ktest_ok();
}

static const char *running_name(void)
{
    return running.name[0] ? running.name : NULL;
}

static u32 count_matches(const char *glob)
{
    u32 count = 0;

    for (const struct ktest *test = __ktest_start; test < __ktest_end; test++)
        count += test_matches(test, glob);
    return count;
}

/* Two runs with the same line had the same order. */
static void print_order(void)
{
    struct turns_stats stats = turns_stats();

    if (turns_seed())
        printk("# turns=%u: %u turns at %u points, %u refusals, order 0x%08x\n", turns_seed(),
               stats.turns, stats.points, stats.refused, stats.order);
}

u32 ktest_run(const char *glob, u32 *ran)
{
    const struct ktest *failures[FAILED_MAX];
    bool interrupted = false;
    u32 failed = 0;

    turns_refuse(0); /* tests want all memory, or refuse it themselves */
    printk("KTAP version 1\n1..%u\n", count_matches(glob));
    *ran = 0;
    for (const struct ktest *test = __ktest_start; test < __ktest_end; test++) {
        if (!test_matches(test, glob))
            continue;
        interrupted = tty_interrupted();
        if (interrupted)
            break;
        if (run_test(test, ++*ran))
            continue;
        if (failed < FAILED_MAX)
            failures[failed] = test;
        failed++;
    }
    if (interrupted)
        printk("# Ctrl-C: the other tests are not run\n");
    else if (*ran == 0)
        printk("# no self-test matches \"%s\"\n", glob);
    for (u32 i = 0; i < min(failed, (u32)FAILED_MAX); i++)
        printk("# failed: %s.%s\n", failures[i]->suite, failures[i]->name);
    print_order();
    printk("# %u passed, %u failed\n", *ran - failed, failed);
    return failed;
}

void ktest_main(const char *glob)
{
    u32 ran, failed = ktest_run(glob, &ran);

    machine_exit(ran > 0 && ran == count_matches(glob) && failed == 0 ? MACHINE_PASS
                                                                      : MACHINE_FAIL);
}

void ktest_init(void)
{
    report_ops.catch_panic = catch_panic;
    report_ops.test_name = running_name;
}
