/*
 * The few string functions that the programs use; the compiler also calls memcpy and memset by
 * itself.
 */
#include "attic.h"

void *memcpy(void *to, const void *from, size_t size)
{
    void *result = to;

    asm volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(size) : : "memory");
    return result;
}

void *memset(void *to, int byte, size_t size)
{
    void *result = to;

    asm volatile("rep stosb" : "+D"(to), "+c"(size) : "a"(byte) : "memory");
    return result;
}

size_t strlen(const char *s)
{
    const char *end = s;

    while (*end)
        end++;
    return end - s;
}

bool streq(const char *a, const char *b)
{
    while (*a && *a == *b)
        a++, b++;
    return *a == *b;
}

static int digit_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20; /* lower case */
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 16;
}

bool parse_number(const char *s, uint32_t *number)
{
    int base = s[0] == '0' && (s[1] | 0x20) == 'x' ? 16 : 10;
    uint32_t value = 0;

    if (base == 16)
        s += 2;
    if (*s == '\0')
        return false;
    for (; *s; s++) {
        int digit = digit_value(*s);

        if (digit >= base || value > (UINT32_MAX - digit) / base)
            return false;
        value = value * base + digit;
    }
    *number = value;
    return true;
}
