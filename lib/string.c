/*
 * Bytes and strings.
 *
 * Costs in this project are counted in instructions, and a repeated string instruction counts once
 * for each element, so memcpy() and memset() move words of four bytes, and only the last one to
 * three bytes as single bytes. That is also the fastest way on real processors for whole pages,
 * which is what the kernel copies and clears most. Addresses need no alignment for that.
 *
 * memmove() copies downwards when the target lies above the source and overlaps it. It does so with
 * a loop and not with the direction flag set: an interrupt could come in between, and compiled code
 * assumes that the flag is clear.
 *
 * The compiler recognizes such loops and would replace them by a call to the function that they
 * implement. This is switched off for this file.
 *
 * On the host the functions that libc has are named attic_* (see LIBC_NAME) and are only for the
 * tests; the processor's string instructions are used in the kernel only, so that sanitizers see
 * every access.
 */
#include <asm/errno.h>
#include <lib/kasan.h>
#include <lib/string.h>

#ifndef __clang__
#pragma GCC optimize("no-tree-loop-distribute-patterns")
#endif

#if !__STDC_HOSTED__ && defined(__i386__)

static inline void copy_up(void *to, const void *from, size_t size)
{
    size_t words = size / 4;

    asm volatile("rep movsl" : "+D"(to), "+S"(from), "+c"(words) : : "memory");
    size %= 4;
    if (size)
        asm volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(size) : : "memory");
}

static inline void fill(void *to, u8 byte, size_t size)
{
    size_t words = size / 4;
    u32 pattern = byte * 0x01010101u;

    asm volatile("rep stosl" : "+D"(to), "+c"(words) : "a"(pattern) : "memory");
    size %= 4;
    if (size)
        asm volatile("rep stosb" : "+D"(to), "+c"(size) : "a"(pattern) : "memory");
}

#else

static inline void copy_up(void *to, const void *from, size_t size)
{
    u8 *t = to;
    const u8 *f = from;

    while (size--)
        *t++ = *f++;
}

static inline void fill(void *to, u8 byte, size_t size)
{
    u8 *t = to;

    while (size--)
        *t++ = byte;
}

#endif

static inline void copy_down(void *to, const void *from, size_t size)
{
    u8 *t = to;
    const u8 *f = from;

    while (size--)
        t[size] = f[size];
}

void *LIBC_NAME(memcpy)(void *to, const void *from, size_t size)
{
    kasan_check_read(from, size);
    kasan_check_write(to, size);
    copy_up(to, from, size);
    return to;
}

void *LIBC_NAME(memmove)(void *to, const void *from, size_t size)
{
    kasan_check_read(from, size);
    kasan_check_write(to, size);
    /* One unsigned comparison: the target begins inside [from, from + size). */
    if ((uintptr_t)to - (uintptr_t)from < size)
        copy_down(to, from, size);
    else
        copy_up(to, from, size);
    return to;
}

void *LIBC_NAME(memset)(void *to, int byte, size_t size)
{
    kasan_check_write(to, size);
    fill(to, (u8)byte, size);
    return to;
}

int LIBC_NAME(memcmp)(const void *a, const void *b, size_t size)
{
    const u8 *x = a, *y = b;

    for (; size; size--, x++, y++) {
        if (*x != *y)
            return *x - *y;
    }
    return 0;
}

void *LIBC_NAME(memchr)(const void *s, int byte, size_t size)
{
    for (const u8 *p = s; size; size--, p++) {
        if (*p == (u8)byte)
            return (void *)p;
    }
    return NULL;
}

size_t LIBC_NAME(strlen)(const char *s)
{
    const char *end = s;

    while (*end)
        end++;
    return end - s;
}

size_t LIBC_NAME(strnlen)(const char *s, size_t max)
{
    size_t len = 0;

    while (len < max && s[len])
        len++;
    return len;
}

int LIBC_NAME(strcmp)(const char *a, const char *b)
{
    while (*a && *a == *b)
        a++, b++;
    return (u8)*a - (u8)*b;
}

int LIBC_NAME(strncmp)(const char *a, const char *b, size_t max)
{
    for (; max && *a && *a == *b; max--)
        a++, b++;
    return max ? (u8)*a - (u8)*b : 0;
}

char *LIBC_NAME(strchr)(const char *s, int c)
{
    for (; *s != (char)c; s++) {
        if (!*s)
            return NULL;
    }
    return (char *)s;
}

char *LIBC_NAME(strrchr)(const char *s, int c)
{
    const char *found = NULL;

    do {
        if (*s == (char)c)
            found = s;
    } while (*s++);
    return (char *)found;
}

char *LIBC_NAME(strstr)(const char *s, const char *find)
{
    size_t len = strlen(find);

    for (;; s++) {
        if (strncmp(s, find, len) == 0)
            return (char *)s;
        if (!*s)
            return NULL;
    }
}

long strscpy(char *to, const char *from, size_t size)
{
    size_t len;

    if (size == 0)
        return -E2BIG;
    len = strnlen(from, size);
    if (len < size) {
        memcpy(to, from, len + 1);
        return (long)len;
    }
    memcpy(to, from, size - 1);
    to[size - 1] = '\0';
    return -E2BIG;
}
