/*
 * Suite `printf`: formatted text inside the kernel. The expected text is written out by hand here;
 * tests/host/lib_test.c compares the same code with libc for many thousands of combinations, but
 * runs as a host program, with another compiler, other sizes of types and another way to pass
 * arguments. So this suite tests what may differ: argument passing, 64-bit values, pointers, and
 * the ends of buffers.
 *
 * check() hides the format from the compiler, which would rightly warn about some of them.
 *
 * Neighbours: lib/printf.c.
 */
#include <kernel/monitor/ktest.h>
#include <lib/printf.h>
#include <lib/string.h>

static void check_at(u32 line, const char *want, const char *fmt, ...)
{
    char got[128];
    va_list args;
    int len;

    va_start(args, fmt);
    len = vsnprintf(got, sizeof(got), fmt, args);
    va_end(args);
    if (len != (int)strlen(want) || strcmp(got, want) != 0)
        ktest_fail(__FILE__, line, "format \"%s\": expected \"%s\", got \"%s\", length %d", fmt,
                   want, got, len);
}

#define check(want, ...) check_at(__LINE__, want, __VA_ARGS__)

KTEST(printf, plain_text)
{
    check("", "");
    check("no conversion", "no conversion");
    check("100% sure", "100%% sure");
    check("a1b2c", "a%db%dc", 1, 2);
}

KTEST(printf, decimal)
{
    check("0 1 -1", "%d %i %d", 0, 1, -1);
    check("2147483647 -2147483648", "%d %d", 2147483647, -2147483647 - 1);
    check("4294967295", "%u", 4294967295u);
    check("+5 -5 +0", "%+d %+d %+d", 5, -5, 0);
    check(" 5 -5", "% d % d", 5, -5);
}

KTEST(printf, hex_octal)
{
    check("deadbeef DEADBEEF", "%x %X", 0xdeadbeefu, 0xdeadbeefu);
    check("0xff 0XFF 0", "%#x %#X %#x", 255, 255, 0);
    check("17 017 0", "%o %#o %#o", 15, 15, 0);
    check("37777777777", "%o", 0xffffffffu);
}

KTEST(printf, width)
{
    check("[   42][42   ]", "[%5d][%-5d]", 42, 42);
    check("[00042][-0042]", "[%05d][%05d]", 42, -42);
    check("[0x002a][  0x2a]", "[%#06x][%#6x]", 42, 42);
    check("[   42][42   ]", "[%*d][%*d]", 5, 42, -5, 42);
    check("[42   ]", "[%-05d]", 42);
    check("[                    x]", "[%21c]", 'x');
}

KTEST(printf, precision)
{
    check("[00042][-00042]", "[%.5d][%.5d]", 42, -42);
    check("[  00042]", "[%7.5d]", 42);
    check("[   42]", "[%05.2d]", 42);
    check("[]", "[%.0d]", 0);
    check("[0]", "[%#.0o]", 0);
    check("[00042][42]", "[%.*d][%.*d]", 5, 42, -5, 42);
}

KTEST(printf, lengths)
{
    check("18446744073709551615", "%llu", 0xffffffffffffffffULL);
    check("-9223372036854775808", "%lld", (long long)(1ULL << 63));
    check("fedcba9876543210", "%llx", 0xfedcba9876543210ULL);
    check("1777777777777777777777", "%jo", UINTMAX_MAX);
    check("4294967296 10000000000", "%llu %llu", 1ULL << 32, 10000000000ULL);
    check("-1 255 -1 65535", "%hhd %hhu %hd %hu", 0x1ff, 0x1ff, 0x1ffff, 0x1ffff);
    check("7 -7 7 -7", "%lu %ld %zu %td", 7ul, -7l, (size_t)7, (ptrdiff_t)-7);
    /* An argument of eight bytes must not shift those after it. */
    check("1 2 3", "%d %lld %d", 1, 2LL, 3);
}

KTEST(printf, strings)
{
    check("[abc][  abc][abc  ]", "[%s][%5s][%-5s]", "abc", "abc", "abc");
    check("[ab][   ab][]", "[%.2s][%5.2s][%.0s]", "abc", "abc", "abc");
    check("(null)", "%s", (char *)NULL);
    check("xyz", "%c%c%c", 'x', 'y', 'z');
    /* With a precision the text need not end. */
    check("ab", "%.2s", (const char[2]){'a', 'b'});
}

KTEST(printf, pointers)
{
    check("0xc0100000", "%p", (void *)0xc0100000);
    check("0x00000000", "%p", (void *)0);
    check("[  0x0000002a]", "[%12p]", (void *)42);
}

KTEST(printf, unknown_conversion)
{
    check("%q 1", "%q %d", 1);
    check("%-5.3y", "%-5.3y");
    check("50%", "50%");
    check("%08l", "%08l");
}

KTEST(printf, cut_to_fit)
{
    char buf[8];

    memset(buf, '#', sizeof(buf));
    expect_eq(snprintf(buf, 5, "%s", "abcdefgh"), 8);
    expect_str_eq(buf, "abcd");
    expect_eq(buf[5], '#');
    expect_eq(snprintf(buf, 1, "%d", 12345), 5);
    expect_str_eq(buf, "");
    expect_eq(snprintf(NULL, 0, "%d", 12345), 5);
    expect_eq(snprintf(buf, 6, "%d", 12345), 5);
    expect_str_eq(buf, "12345");
}

KTEST(printf, scnprintf_counts_what_is_there)
{
    char buf[8];

    memset(buf, '#', sizeof(buf));
    expect_eq(scnprintf(buf, 5, "%s", "abcdefgh"), 4);
    expect_str_eq(buf, "abcd");
    expect_eq(scnprintf(buf, 5, "%s", "ab"), 2);
    expect_eq(scnprintf(buf, 1, "%s", "ab"), 0);
    buf[0] = '#';
    expect_eq(scnprintf(buf, 0, "%s", "ab"), 0);
    expect_eq(buf[0], '#');
}
