/*
 * In-kernel self-tests. KTEST(suite, name) { ... } registers itself through the linker section
 * .ktest; there is no list to keep. Expectations record a failure and continue; a test that cannot
 * continue returns. After each test the core checks that the counts of free pages, of slab objects
 * and of vmalloc areas are the same as before, and that mm_audit() finds no error. Output is KTAP
 * version 1 on the console.
 */
#pragma once

#include <arch/x86/probe.h>
#include <lib/types.h>
#include <stdarg.h>

struct ktest {
    const char *suite;
    const char *name;
    void (*run)(void);
    bool slow;
};

/* gcc emits unreferenced statics in any order without this attribute; clang keeps their order. */
#ifdef __clang__
#define KTEST_IN_ORDER
#else
#define KTEST_IN_ORDER __attribute__((no_reorder))
#endif

extern const struct ktest __ktest_start[], __ktest_end[]; /* all of them, by file */

#define KTEST_ENTRY(suite_, name_, slow_)                                                          \
    static void ktest_##suite_##_##name_(void);                                                    \
    static const KTEST_IN_ORDER struct ktest ktest_entry_##suite_##_##name_ __section(             \
        ".ktest") = {#suite_, #name_, ktest_##suite_##_##name_, slow_};                            \
    static void ktest_##suite_##_##name_(void)

#define KTEST(suite_, name_) KTEST_ENTRY(suite_, name_, false)

/* One that takes longer than a second: `ktest_slow=off` on the command line skips it. */
#define KTEST_SLOW(suite_, name_) KTEST_ENTRY(suite_, name_, true)

/*
 * Tests, by a glob, that cannot run when the kernel yields in the order of turns=SEED: they are
 * skipped then, with the reason. All are in tests/kernel/turns_apart.c.
 */
struct ktest_apart {
    const char *glob, *why;
};
extern const struct ktest_apart __ktest_apart_start[], __ktest_apart_end[];

/* Record a failed expectation of the running test; prints "# file:line: message". */
void ktest_fail(const char *file, u32 line, const char *fmt, ...) __printf(3, 4);

/* Mark the running test as skipped, with the reason; the test returns afterwards. */
void ktest_skip(const char *fmt, ...) __printf(1, 2);

/* True as long as no expectation of the running test has failed. */
bool ktest_ok(void);

/*
 * What an expectation prints when it fails: constant, and passed by address, because tests are half
 * of the image and consist mostly of such calls.
 */
struct ktest_site {
    const char *file;
    const char *a, *b; /* the expressions, as they were written */
    u32 line;
};

#define KTEST_SITE(a_, b_)                                                                         \
    ({                                                                                             \
        static const struct ktest_site site_ = {__FILE__, a_, b_, __LINE__};                       \
        &site_;                                                                                    \
    })

/* True, or a failure is recorded. For the macros below. */
bool ktest_expect(bool held, const struct ktest_site *site);
bool ktest_expect_eq(u32 a, u32 b, const struct ktest_site *site);

#define expect(cond) ktest_expect((cond), KTEST_SITE(#cond, NULL))

/* Integers and pointers of at most 32 bits; prints both on failure. */
#define expect_eq(a, b) ktest_expect_eq((uintptr_t)(a), (uintptr_t)(b), KTEST_SITE(#a, #b))

/* For checks that return NULL or the first error: prints the error. */
#define expect_none(reason)                                                                        \
    ({                                                                                             \
        const char *expect_reason = (reason);                                                      \
        if (expect_reason)                                                                         \
            ktest_fail(__FILE__, __LINE__, "expected %s to find no error, got: %s", #reason,       \
                       expect_reason);                                                             \
        expect_reason == NULL;                                                                     \
    })

#define expect_str_eq(a, b)                                                                        \
    ({                                                                                             \
        const char *expect_s = (a), *expect_t = (b);                                               \
        bool expect_same = strcmp(expect_s, expect_t) == 0;                                        \
        if (!expect_same)                                                                          \
            ktest_fail(__FILE__, __LINE__, "expected %s == %s, got \"%s\" and \"%s\"", #a, #b,     \
                       expect_s, expect_t);                                                        \
        expect_same;                                                                               \
    })

/*
 * Run a statement that must cause a page fault in the kernel. The fault must be at address `addr_`
 * with the error code `error_` (Intel SDM vol. 3, 4.7); anything else, or no fault, is a failed
 * expectation.
 */
#define expect_fault(statement, addr_, error_)                                                     \
    ({                                                                                             \
        struct fault_probe probe_;                                                                 \
        if (fault_probe_set(&probe_) == 0) {                                                       \
            statement;                                                                             \
            fault_probe_clear(&probe_);                                                            \
            ktest_fail(__FILE__, __LINE__, "expected a fault: %s", #statement);                    \
        } else {                                                                                   \
            expect_eq(probe_.vector, 14);                                                          \
            expect_eq(probe_.address, addr_);                                                      \
            expect_eq(probe_.error, error_);                                                       \
        }                                                                                          \
    })

/*
 * Run a statement that must panic with `part_` in the message; true when it did. The message is in
 * ktest_panic_text then. Changes that the statement made before the panic stay: this is for checks
 * that come before the first change.
 */
#define expect_panic(statement, part_)                                                             \
    ({                                                                                             \
        struct fault_probe panic_probe_;                                                           \
        bool panicked_;                                                                            \
                                                                                                   \
        ktest_expect_panic(true);                                                                  \
        if (fault_probe_set(&panic_probe_) == 0) {                                                 \
            statement;                                                                             \
            fault_probe_clear(&panic_probe_);                                                      \
        }                                                                                          \
        ktest_expect_panic(false);                                                                 \
        panicked_ = strstr(ktest_panic_text, part_) != NULL;                                       \
        if (!panicked_)                                                                            \
            ktest_fail(__FILE__, __LINE__, "expected a panic, \"%s\", by %s; got \"%s\"", part_,   \
                       #statement, ktest_panic_text);                                              \
        panicked_;                                                                                 \
    })

extern char ktest_panic_text[400];
void ktest_expect_panic(bool expected);

/*
 * Counts of what is in use. Free pages alone would not show an object in a slab that has other
 * objects, or an ioremap(), which uses only addresses. Caches are shrunk first.
 */
#define HOLDINGS_CACHES 32
struct holdings {
    u32 free_pages, areas;
    u32 objects[HOLDINGS_CACHES]; /* of each slab cache */
};
struct holdings holdings_now(void);

/* Compare with what is in use now; tell() is called for each difference. */
void holdings_compare(const struct holdings *before, void (*tell)(const char *fmt, ...));

/* Register the self-tests with the panic reports. Start-up. */
void ktest_init(void);

/*
 * Run every test whose "suite.name" matches the glob, print KTAP and a line of counts. Returns the
 * number that failed; *ran gets how many ran, 0 when none matches. Only from a thread that has no
 * children.
 */
u32 ktest_run(const char *glob, u32 *ran);
