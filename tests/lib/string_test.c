/*
 * Suite `string`: the kernel's functions for bytes and strings. The copying functions use the
 * processor's string instructions here, which no host test covers; so every combination of a few
 * addresses and sizes is tried, and the bytes around the target are checked.
 *
 * Neighbours: lib/string.c.
 */
#include <asm/errno.h>
#include <kernel/monitor/ktest.h>
#include <lib/string.h>

#define AREA  48
#define SIZES 20

/* The area is filled with different bytes, so that each shows where it came from. */
static void fill_area(u8 area[AREA], u8 first)
{
    for (u32 i = 0; i < AREA; i++)
        area[i] = (u8)(first + i);
}

/*
 * Bytes [to, to + size) of area are `first` and those after it; the others are as fill_area(area,
 * 0) left them.
 */
static bool copied(const u8 area[AREA], u32 to, u32 size, u32 first)
{
    for (u32 i = 0; i < AREA; i++) {
        u8 want = (u8)(i >= to && i < to + size ? first + i - to : i);

        if (area[i] != want)
            return false;
    }
    return true;
}

KTEST(string, memcpy_every_alignment)
{
    u8 target[AREA], source[AREA];

    fill_area(source, 128);
    for (u32 to = 4; to < 8; to++) {
        for (u32 from = 0; from < 4; from++) {
            for (u32 size = 0; size < SIZES; size++) {
                fill_area(target, 0);
                expect_eq(memcpy(target + to, source + from, size), target + to);
                expect(copied(target, to, size, 128 + from));
            }
        }
    }
}

KTEST(string, memmove_every_overlap)
{
    u8 area[AREA];

    for (u32 to = 4; to < 24; to++) {
        for (u32 from = 4; from < 24; from++) {
            for (u32 size = 0; size < SIZES; size++) {
                fill_area(area, 0);
                expect_eq(memmove(area + to, area + from, size), area + to);
                expect(copied(area, to, size, from));
            }
        }
    }
}

KTEST(string, memset_every_alignment)
{
    const volatile int value = 0x1fe; /* only the low byte counts */
    u8 area[AREA];

    for (u32 to = 4; to < 8; to++) {
        for (u32 size = 0; size < SIZES; size++) {
            fill_area(area, 0);
            expect_eq(memset(area + to, value, size), area + to);
            for (u32 i = 0; i < AREA; i++)
                expect_eq(area[i], i >= to && i < to + size ? 0xfe : i);
        }
    }
}

struct order {
    const char *a, *b;
    u32 size;
    int sign; /* of the comparison */
};

static int sign(int x)
{
    return (x > 0) - (x < 0);
}

static void expect_order(u32 line, const struct order *order, int result)
{
    if (sign(result) != order->sign)
        ktest_fail(__FILE__, line, "\"%s\" and \"%s\", %u bytes: got %d", order->a, order->b,
                   order->size, result);
}

KTEST(string, memcmp)
{
    static const struct order orders[] = {
        {"abc", "abd", 2, 0},
        {"abc", "abd", 3, -1},
        {"abd", "abc", 3, 1},
        {"\xff", "\x01", 1, 1},
        {"a\0b", "a\0b", 3, 0},
        {"a\0b", "a\0c", 3, -1},
        {"abcdefgh", "abcdefgx", 8, -1},
        {"x", "y", 0, 0},
    };

    for (u32 i = 0; i < ARRAY_SIZE(orders); i++)
        expect_order(__LINE__, &orders[i], memcmp(orders[i].a, orders[i].b, orders[i].size));
}

KTEST(string, memchr)
{
    static const char text[] = "ab\0\xff";

    expect_eq(memchr(text, 'b', 5), text + 1);
    expect_eq(memchr(text, 0, 5), text + 2);
    expect_eq(memchr(text, 0xff, 5), text + 3);
    expect_eq(memchr(text, 'b', 1), NULL);
    expect_eq(memchr(text, 'x', 5), NULL);
}

KTEST(string, strlen_strnlen)
{
    expect_eq(strlen(""), 0);
    expect_eq(strlen("attic"), 5);
    expect_eq(strnlen("attic", 9), 5);
    expect_eq(strnlen("attic", 5), 5);
    expect_eq(strnlen("attic", 3), 3);
    expect_eq(strnlen("attic", 0), 0);
}

KTEST(string, strcmp)
{
    static const struct order orders[] = {
        {"abc", "abc", 0, 0}, {"abc", "abd", 0, -1}, {"abc", "ab", 0, 1},
        {"", "a", 0, -1},     {"", "", 0, 0},        {"\xff", "a", 0, 1},
    };

    for (u32 i = 0; i < ARRAY_SIZE(orders); i++)
        expect_order(__LINE__, &orders[i], strcmp(orders[i].a, orders[i].b));
}

KTEST(string, strncmp)
{
    static const struct order orders[] = {
        {"abc", "abd", 2, 0}, {"abc", "abd", 3, -1}, {"abc", "abc", 9, 0}, {"ab", "abc", 2, 0},
        {"ab", "abc", 3, -1}, {"x", "y", 0, 0},      {"\xff", "a", 1, 1},  {"a\0b", "a\0c", 3, 0},
    };

    for (u32 i = 0; i < ARRAY_SIZE(orders); i++)
        expect_order(__LINE__, &orders[i], strncmp(orders[i].a, orders[i].b, orders[i].size));
}

KTEST(string, search)
{
    static const char text[] = "abcabd";

    expect_eq(strchr(text, 'b'), text + 1);
    expect_eq(strrchr(text, 'b'), text + 4);
    expect_eq(strchr(text, 'x'), NULL);
    expect_eq(strrchr(text, 'x'), NULL);
    expect_eq(strchr(text, '\0'), text + 6);
    expect_eq(strrchr(text, '\0'), text + 6);
    expect_eq(strstr(text, "abd"), text + 3);
    expect_eq(strstr(text, ""), text);
    expect_eq(strstr(text, "d"), text + 5);
    expect_eq(strstr(text, "bda"), NULL);
    expect_eq(strstr(text + 6, ""), text + 6);
    expect_eq(strstr("", "a"), NULL);
}

KTEST(string, strscpy)
{
    char buf[6];

    memset(buf, '#', sizeof(buf));
    expect_eq(strscpy(buf, "abc", 5), 3);
    expect_str_eq(buf, "abc");
    expect_eq(strscpy(buf, "abcd", 5), 4);
    expect_str_eq(buf, "abcd");
    expect_eq(strscpy(buf, "abcde", 5), -E2BIG);
    expect_str_eq(buf, "abcd");
    expect_eq(buf[5], '#');
    expect_eq(strscpy(buf, "x", 1), -E2BIG);
    expect_str_eq(buf, "");
    buf[0] = '#';
    expect_eq(strscpy(buf, "", 0), -E2BIG);
    expect_eq(buf[0], '#');
    expect_eq(strscpy(buf, "", 1), 0);
    expect_str_eq(buf, "");
}
