/*
 * Text to numbers.
 *
 * One loop reads digits and multiplies; the functions around it decide what may surround them.
 * Numbers come from outside (the command line, the monitor), so nothing is guessed: the strict
 * functions refuse invalid text, memparse() returns where it stopped, and a number that does not
 * fit is an error or the largest value, never a wrapped one.
 *
 * Overflow is detected without a division: the product is computed in two halves of 32 bits, and a
 * carry out of the upper one means that it does not fit.
 *
 * Limits: no negative numbers, which are not needed. Neighbours: boot options and the monitor's
 * arguments.
 */
#include <asm/errno.h>
#include <lib/kstrtox.h>

#define NOT_A_DIGIT 255u

static u32 digit_value(char c)
{
    char lower = c | 0x20; /* digits have that bit already */

    if (c >= '0' && c <= '9')
        return (u32)(c - '0');
    if (lower >= 'a' && lower <= 'f')
        return (u32)(lower - 'a') + 10;
    return NOT_A_DIGIT;
}

/*
 * Skip a prefix and determine the base. A 0x without a digit after it is the number 0 and then an
 * x.
 */
static const char *parse_prefix(const char *s, u32 *base)
{
    bool hex = s[0] == '0' && (s[1] == 'x' || s[1] == 'X') && digit_value(s[2]) < 16;

    if (*base == 0)
        *base = hex ? 16 : s[0] == '0' ? 8 : 10;
    return hex && *base == 16 ? s + 2 : s;
}

/* False, and UINT64_MAX, when value * base + digit does not fit. */
static bool append_digit(u64 *value, u32 base, u32 digit)
{
    u64 low = (*value & UINT32_MAX) * base + digit;
    u64 high = (*value >> 32) * base + (low >> 32);

    *value = high >> 32 ? UINT64_MAX : high << 32 | (low & UINT32_MAX);
    return high >> 32 == 0;
}

/*
 * Read all digits; returns their end. *fits is false when the value was UINT64_MAX or more; it is
 * then UINT64_MAX.
 */
static const char *parse_digits(const char *s, u32 base, u64 *value, bool *fits)
{
    *value = 0;
    *fits = true;
    for (; digit_value(*s) < base; s++) {
        if (*fits)
            *fits = append_digit(value, base, digit_value(*s));
    }
    return s;
}

int kstrtoull(const char *s, unsigned base, unsigned long long *res)
{
    const char *end;
    u64 value;
    bool fits;

    if (*s == '+')
        s++;
    s = parse_prefix(s, &base);
    end = parse_digits(s, base, &value, &fits);
    if (end == s)
        return -EINVAL;
    if (!fits)
        return -ERANGE;
    if (*end == '\n')
        end++;
    if (*end)
        return -EINVAL;
    *res = value;
    return 0;
}

int kstrtouint(const char *s, unsigned base, unsigned *res)
{
    unsigned long long value;
    int error = kstrtoull(s, base, &value);

    if (error)
        return error;
    if (value > UINT32_MAX)
        return -ERANGE;
    *res = (unsigned)value;
    return 0;
}

static u32 suffix_shift(char c)
{
    switch (c | 0x20) {
    case 'k':
        return 10;
    case 'm':
        return 20;
    case 'g':
        return 30;
    default:
        return 0;
    }
}

u64 memparse(const char *ptr, char **retptr)
{
    u32 base = 0, shift;
    const char *start = parse_prefix(ptr, &base);
    u64 value;
    bool fits;
    const char *end = parse_digits(start, base, &value, &fits);

    /* Without a digit there is no number for a suffix; `end` is then `start`. */
    if (end != start && (shift = suffix_shift(*end))) {
        end++;
        value = value > UINT64_MAX >> shift ? UINT64_MAX : value << shift;
    }
    if (retptr)
        *retptr = (char *)end;
    return value;
}
