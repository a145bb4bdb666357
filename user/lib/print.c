/* Formatted output, small: the line is built in a buffer and written with one call. */
#include "attic.h"
#include <stdarg.h>

struct line {
    char text[256];
    size_t length;
};

static void put(struct line *line, char c)
{
    if (line->length < sizeof(line->text))
        line->text[line->length++] = c;
}

static void put_string(struct line *line, const char *s, size_t width)
{
    for (size_t length = strlen(s); length < width; width--)
        put(line, ' ');
    while (*s)
        put(line, *s++);
}

static void put_number(struct line *line, uint32_t value, unsigned base, size_t width, char fill)
{
    char digits[10];
    size_t count = 0;

    do {
        digits[count++] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value);
    for (; width > count; width--)
        put(line, fill);
    while (count)
        put(line, digits[--count]);
}

static void put_signed(struct line *line, int value, size_t width)
{
    if (value < 0)
        put(line, '-');
    put_number(line, value < 0 ? -(uint32_t)value : (uint32_t)value, 10, width, ' ');
}

void print(const char *fmt, ...)
{
    struct line line = {.length = 0};
    va_list args;

    va_start(args, fmt);
    for (; *fmt; fmt++) {
        char fill = ' ';
        size_t width = 0;

        if (*fmt != '%') {
            put(&line, *fmt);
            continue;
        }
        if (*++fmt == '0')
            fill = *fmt++;
        for (; *fmt >= '0' && *fmt <= '9'; fmt++)
            width = width * 10 + (*fmt - '0');
        switch (*fmt) {
        case 's':
            put_string(&line, va_arg(args, const char *), width);
            break;
        case 'c':
            put(&line, va_arg(args, int));
            break;
        case 'd':
            put_signed(&line, va_arg(args, int), width);
            break;
        case 'u':
            put_number(&line, va_arg(args, uint32_t), 10, width, fill);
            break;
        case 'x':
            put_number(&line, va_arg(args, uint32_t), 16, width, fill);
            break;
        default:
            put(&line, *fmt);
        }
    }
    va_end(args);
    sys_write(1, line.text, line.length);
}
