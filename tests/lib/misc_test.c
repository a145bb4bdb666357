/*
 * Suite `lib`: the small helpers of the lowest floor: patterns, numbers from text, division, bits,
 * random numbers. Tables with the limits of each; tests/host/lib_test.c has the long random runs.
 *
 * Neighbours: lib/glob.c, lib/kstrtox.c, include/lib/div64.h, bits.h, random.h.
 */
#include <asm/errno.h>
#include <kernel/monitor/ktest.h>
#include <lib/bits.h>
#include <lib/div64.h>
#include <lib/glob.h>
#include <lib/kstrtox.h>
#include <lib/printk.h>
#include <lib/random.h>

struct glob_case {
    const char *pat, *str;
    bool match;
};

static void run_glob_cases(const struct glob_case *cases, u32 count)
{
    for (u32 i = 0; i < count; i++) {
        if (glob_match(cases[i].pat, cases[i].str) != cases[i].match)
            ktest_fail(__FILE__, __LINE__, "\"%s\" and \"%s\" should %smatch", cases[i].pat,
                       cases[i].str, cases[i].match ? "" : "not ");
    }
}

KTEST(lib, glob_star_and_question_mark)
{
    static const struct glob_case cases[] = {
        {"", "", true},           {"", "a", false},          {"a", "", false},
        {"abc", "abc", true},     {"abc", "abd", false},     {"abc", "abcd", false},
        {"a?c", "abc", true},     {"a?c", "ac", false},      {"?", "", false},
        {"*", "", true},          {"*", "anything", true},   {"a*", "a", true},
        {"*c", "abc", true},      {"*c", "abd", false},      {"a*c", "abcbc", true},
        {"a*b*c", "aXbYc", true}, {"a*b*c", "aXcYb", false}, {"**", "ab", true},
        {"*ab", "aab", true},     {"a*?", "a", false},       {"a*?", "ab", true},
        {"vm*.*", "vm.x", true},  {"*?*?*", "a", false},     {"*.guard*", "stack.guard_ok", true},
    };

    run_glob_cases(cases, ARRAY_SIZE(cases));
}

KTEST(lib, glob_classes_and_backslash)
{
    static const struct glob_case cases[] = {
        {"[abc]", "b", true},      {"[abc]", "d", false},   {"[a-c]x", "bx", true},
        {"[a-c]", "d", false},     {"[!a-c]", "d", true},   {"[!a-c]", "b", false},
        {"[!a]", "", false},       {"[]]", "]", true},      {"[!]]", "]", false},
        {"[!]]", "a", true},       {"[a-]", "-", true},     {"[-a]", "-", true},
        {"[a-]", "b", false},      {"[!-a]", "-", false},   {"[0-9a-f]", "e", true},
        {"[c-a]", "b", false},     {"[", "[", true},        {"[ab", "[ab", true},
        {"[ab", "a", false},       {"a[]", "a[]", true},    {"\\*", "*", true},
        {"\\*", "a", false},       {"\\[a]", "[a]", true},  {"\\\\", "\\", true},
        {"a\\", "a\\", true},      {"a\\", "a", false},     {"[\\]", "\\", true},
        {"*[0-9]", "page7", true}, {"*[!0-9]", "7", false}, {"[\xe0-\xff]", "\xf0", true},
    };

    run_glob_cases(cases, ARRAY_SIZE(cases));
}

/* Compare numbers of 64 bits; expect_eq() takes 32. */
static void expect_u64(u32 line, const char *what, u64 got, u64 want)
{
    if (got != want)
        ktest_fail(__FILE__, line, "%s: expected 0x%llx, got 0x%llx", what, want, got);
}

KTEST(lib, kstrtouint)
{
    static const struct {
        const char *text;
        unsigned base;
        int error;
        unsigned value;
    } cases[] = {
        {"0", 0, 0, 0},
        {"42", 0, 0, 42},
        {"+42", 10, 0, 42},
        {"42\n", 10, 0, 42},
        {"0x1F", 0, 0, 31},
        {"0X1f", 16, 0, 31},
        {"1f", 16, 0, 31},
        {"017", 0, 0, 15},
        {"017", 10, 0, 17},
        {"101", 2, 0, 5},
        {"4294967295", 10, 0, 4294967295u},
        {"4294967296", 10, -ERANGE, 0},
        {"99999999999999999999999", 10, -ERANGE, 0},
        {"", 10, -EINVAL, 0},
        {"+", 10, -EINVAL, 0},
        {"\n", 10, -EINVAL, 0},
        {"-1", 10, -EINVAL, 0},
        {" 1", 10, -EINVAL, 0},
        {"1 ", 10, -EINVAL, 0},
        {"1\n\n", 10, -EINVAL, 0},
        {"0x", 0, -EINVAL, 0},
        {"0xg", 16, -EINVAL, 0},
        {"08", 0, -EINVAL, 0},
        {"12", 2, -EINVAL, 0},
        {"1f", 10, -EINVAL, 0},
    };

    for (u32 i = 0; i < ARRAY_SIZE(cases); i++) {
        unsigned value = 7; /* must stay when there is an error */
        int error = kstrtouint(cases[i].text, cases[i].base, &value);
        unsigned want = cases[i].error ? 7 : cases[i].value;

        if (error != cases[i].error || value != want)
            ktest_fail(__FILE__, __LINE__, "\"%s\" to base %u gave %d and %u", cases[i].text,
                       cases[i].base, error, value);
    }
}

KTEST(lib, kstrtoull)
{
    unsigned long long value = 7;

    expect_eq(kstrtoull("18446744073709551615", 10, &value), 0);
    expect_u64(__LINE__, "2^64 - 1", value, UINT64_MAX);
    expect_eq(kstrtoull("18446744073709551616", 10, &value), -ERANGE);
    expect_eq(kstrtoull("0xffffffffffffffff", 0, &value), 0);
    expect_u64(__LINE__, "2^64 - 1 in hex", value, UINT64_MAX);
    expect_eq(kstrtoull("0x10000000000000000", 0, &value), -ERANGE);
    expect_eq(kstrtoull("4294967296", 0, &value), 0);
    expect_u64(__LINE__, "2^32", value, 1ULL << 32);
    /* Too large is reported before what follows. */
    expect_eq(kstrtoull("99999999999999999999x", 10, &value), -ERANGE);
    expect_u64(__LINE__, "untouched", value, 1ULL << 32);
}

KTEST(lib, memparse)
{
    static const struct {
        const char *text;
        u64 value;
        u32 used;
    } cases[] = {
        {"0", 0, 1},
        {"128M", 128ULL << 20, 4},
        {"64k", 64 << 10, 3},
        {"3G,", 3ULL << 30, 2},
        {"0x10K rest", 16 << 10, 5},
        {"010", 8, 3},
        {"512", 512, 3},
        {"1MM", 1 << 20, 2},
        {"", 0, 0},
        {"M", 0, 0},
        {"-1", 0, 0},
        {"0xM", 0, 1},
        {"18446744073709551615", UINT64_MAX, 20},
        {"18446744073709551616", UINT64_MAX, 20},
        {"99999999999999999999G", UINT64_MAX, 21},
        {"17179869183G", 17179869183ULL << 30, 12},
        {"17179869184G", UINT64_MAX, 12},
    };

    for (u32 i = 0; i < ARRAY_SIZE(cases); i++) {
        char *end;

        expect_u64(__LINE__, cases[i].text, memparse(cases[i].text, &end), cases[i].value);
        expect_eq(end, cases[i].text + cases[i].used);
    }
    expect_u64(__LINE__, "without retptr", memparse("2K", NULL), 2048);
}

KTEST(lib, div64)
{
    const u32 seed = 0x0a771c02;
    struct rnd_state random;
    u32 rest;

    printk("# lib.div64: seed 0x%x\n", seed);
    prandom_seed_state(&random, seed);
    expect_u64(__LINE__, "10^19 / 10", div_u64(10000000000000000000ULL, 10),
               1000000000000000000ULL);
    expect_u64(__LINE__, "max / 1", div_u64_rem(UINT64_MAX, 1, &rest), UINT64_MAX);
    expect_eq(rest, 0);
    expect_u64(__LINE__, "max / max", div_u64_rem(UINT64_MAX, UINT32_MAX, &rest), 0x100000001ULL);
    expect_eq(rest, 0);
    for (u32 i = 0; i < 1000 && ktest_ok(); i++) {
        u64 dividend = (u64)prandom_u32_state(&random) << 32 | prandom_u32_state(&random);
        u32 divisor = prandom_u32_state(&random) >> prandom_below(&random, 31) | 1;
        u64 quotient = div_u64_rem(dividend, divisor, &rest);

        expect_u64(__LINE__, "quotient * divisor + rest", quotient * divisor + rest, dividend);
        expect(rest < divisor);
    }
}

KTEST(lib, bits)
{
    static const struct {
        u32 x, lowest, highest, power;
    } cases[] = {
        {1, 0, 0, 1},
        {2, 1, 1, 2},
        {3, 0, 1, 4},
        {12, 2, 3, 16},
        {4096, 12, 12, 4096},
        {4097, 0, 12, 8192},
        {0x80000000, 31, 31, 0x80000000},
    };

    for (u32 i = 0; i < ARRAY_SIZE(cases); i++) {
        u32 x = cases[i].x;

        expect_eq(__ffs(x), cases[i].lowest);
        expect_eq(ffs((int)x), cases[i].lowest + 1);
        expect_eq(__fls(x), cases[i].highest);
        expect_eq(fls(x), cases[i].highest + 1);
        expect_eq(ilog2(x), cases[i].highest);
        expect_eq(roundup_pow_of_two(x), cases[i].power);
        expect_eq(is_power_of_2(x), x == cases[i].power);
    }
    expect_eq(ffs(0), 0);
    expect_eq(fls(0), 0);
    expect(!is_power_of_2(0));
}

KTEST(lib, random_is_repeatable)
{
    struct rnd_state random;
    u32 seen = 0;

    /*
     * The first numbers of xorshift32 with shifts 13, 17, 5 from seed 1, computed independently.
     */
    prandom_seed_state(&random, 1);
    expect_eq(prandom_u32_state(&random), 270369);
    expect_eq(prandom_u32_state(&random), 67634689);
    prandom_seed_state(&random, 0);
    expect(prandom_u32_state(&random) != 0);
    for (u32 i = 0; i < 1000; i++) {
        u32 n = prandom_below(&random, 10);

        expect(n < 10);
        seen |= 1u << (n & 31);
    }
    expect_eq(seen, 0x3ff);
}
