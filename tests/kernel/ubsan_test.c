/* With UBSAN=1: what C does not define is detected, and reported with its operands. */
#include <kernel/monitor/ktest.h>
#include <lib/string.h>

#ifdef CONFIG_UBSAN

/* What the compiler must not know. */
static volatile s32 big = INT32_MAX, small = INT32_MIN, zero, minus_one = -1;
static volatile s64 wide = INT64_MAX;
static volatile u32 thirty_three = 33;
static volatile u8 two = 2;
static volatile s32 sink;
static volatile s64 wide_sink;

KTEST(ubsan, signed_overflow)
{
    expect_panic(sink = big + 1,
                 "signed-integer-overflow: 2147483647 + 1 is not a value of type 'int'");
    expect_panic(sink = small - 1, "signed-integer-overflow: -2147483648 - 1 is not");
    expect_panic(sink = big * big, "signed-integer-overflow: 2147483647 * 2147483647 is not");
    expect_panic(sink = -small, "signed-integer-overflow: -(-2147483648) is not");
    expect_panic(wide_sink = wide + wide,
                 "signed-integer-overflow: 9223372036854775807 + 9223372036854775807 is");
}

KTEST(ubsan, division)
{
    expect_panic(sink = big / zero, "integer-divide-by-zero");
    expect_panic(sink = small / minus_one, "signed-integer-overflow: -2147483648 / -1 is not");
}

KTEST(ubsan, shifts)
{
    expect_panic(sink = 1u << thirty_three,
                 "shift-out-of-bounds: 1 of type 'unsigned int' is shifted by 33");
    expect_panic(sink = big >> minus_one, "is shifted by -1");
}

KTEST(ubsan, index_of_an_array)
{
    static volatile u8 three[3];

    expect_panic(sink = three[thirty_three], "array-index-out-of-bounds: index 33 of");
}

KTEST(ubsan, pointer_that_wraps)
{
    u8 *volatile high = (u8 *)0xfffffff0;

    expect_panic(sink = high + thirty_three != NULL, "pointer-overflow: 0xfffffff0 becomes 0x11");
}

KTEST(ubsan, value_that_is_no_bool)
{
    expect_panic(sink = *(volatile bool *)&two, "invalid-load: 0x2 is not a value of type '");
}

KTEST(ubsan, no_bit_is_set)
{
    expect_panic(sink = __builtin_ctz(zero), "invalid-builtin: ");
}

static __noinline int falls_off(s32 value)
{
    if (value)
        return value;
    __builtin_unreachable();
}

KTEST(ubsan, unreachable)
{
    expect_panic(sink = falls_off(zero), "unreachable: this place was reached");
}

KTEST(ubsan, what_wraps_by_definition)
{
    sink = (u32)big + (u32)big + 2u;
    expect_eq(sink, 0);
    sink = (u8)(two - 3u);
    expect_eq(sink, 255);
}

#endif
