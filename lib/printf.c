/*
 * Formatted text, as in C (C11 7.21.6.1), for integers, characters, strings and pointers.
 *
 * vformat() walks the format once. Text between conversions is copied unchanged, a conversion
 * becomes one field of four parts: blanks, prefix (a sign or 0x), zeros, body. Everything is passed
 * to a callback in pieces, so that there is no limit of the length: vsnprintf() copies what fits
 * and printk() flushes a small buffer.
 *
 * Integers are read by their size in bytes, cut to it, and stored as 64 bits with a separate sign.
 * Their digits are computed from the last to the first; the 64-bit division is used only while the
 * value needs more than 32 bits.
 *
 * Limits: cases that the standard leaves undefined are harmless. An unknown or incomplete
 * conversion is printed unchanged, without taking an argument. %n does not exist. A width beyond
 * INT_MAX is INT_MAX.
 *
 * On the host, snprintf() and vsnprintf() are named attic_* (see LIBC_NAME): the test compares them
 * with libc's.
 */
#include <asm/errno.h>
#include <lib/div64.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <limits.h>

/*
 * One run of vformat(). The va_list is in a structure because some ABIs make it an array, which
 * cannot be passed to functions.
 */
struct format {
    format_put_t put;
    void *arg;
    size_t total;
    va_list args;
};

enum {
    FLAG_LEFT = 1 << 0,
    FLAG_ZERO = 1 << 1,
    FLAG_PLUS = 1 << 2,
    FLAG_SPACE = 1 << 3,
    FLAG_ALT = 1 << 4,
};

#define NO_PRECISION (-1)

struct spec {
    u32 flags;
    int width;
    int precision; /* or NO_PRECISION */
    u32 bytes;     /* size of an integer argument */
    char conversion;
    bool symbol; /* %pS */
};

static symbol_format_t format_symbol __ro_after_init;

void printf_set_symbols(symbol_format_t format)
{
    format_symbol = format;
}

static void emit(struct format *f, const char *text, size_t len)
{
    if (len == 0)
        return;
    f->put(f->arg, text, len);
    if (__builtin_add_overflow(f->total, len, &f->total))
        f->total = SIZE_MAX;
}

static void emit_fill(struct format *f, const char fill[16], size_t count)
{
    for (; count > 16; count -= 16)
        emit(f, fill, 16);
    emit(f, fill, count);
}

static void emit_field(struct format *f, const struct spec *spec, const char *prefix, size_t zeros,
                       const char *body, size_t len)
{
    static const char blanks[] = "                ", naughts[] = "0000000000000000";
    size_t prefix_len = strlen(prefix), used = prefix_len + zeros + len;
    size_t fill = (size_t)spec->width > used ? (size_t)spec->width - used : 0;

    if (!(spec->flags & FLAG_LEFT))
        emit_fill(f, blanks, fill);
    emit(f, prefix, prefix_len);
    emit_fill(f, naughts, zeros);
    emit(f, body, len);
    if (spec->flags & FLAG_LEFT)
        emit_fill(f, blanks, fill);
}

/*
 * Write the digits of value so that they end before `end`; returns their start. No digit for 0: the
 * precision adds it.
 */
static char *write_digits(char *end, u64 value, u32 base, const char *digits)
{
    u32 low, digit;

    while (value >> 32) {
        value = div_u64_rem(value, base, &digit);
        *--end = digits[digit];
    }
    for (low = (u32)value; low; low /= base)
        *--end = digits[low % base];
    return end;
}

static void emit_integer(struct format *f, const struct spec *spec, u64 value, u32 base,
                         const char *prefix)
{
    const char *set = spec->conversion == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
    char digits[24]; /* 22 for 64 bits in octal */
    char *end = digits + sizeof(digits), *body = write_digits(end, value, base, set);
    size_t len = end - body, used = strlen(prefix) + len;
    size_t least = spec->precision == NO_PRECISION ? 1 : (size_t)spec->precision;
    size_t zeros = least > len ? least - len : 0;
    bool fill = (spec->flags & (FLAG_ZERO | FLAG_LEFT)) == FLAG_ZERO;

    if (fill && spec->precision == NO_PRECISION && (size_t)spec->width > used + zeros)
        zeros = (size_t)spec->width - used;
    if (base == 8 && (spec->flags & FLAG_ALT) && zeros == 0)
        zeros = 1;
    emit_field(f, spec, prefix, zeros, body, len);
}

/* The next argument as an integer of spec->bytes, widened by its sign or by zeros. */
static u64 read_integer(struct format *f, const struct spec *spec, bool is_signed)
{
    u64 value = spec->bytes == 8 ? va_arg(f->args, u64) : va_arg(f->args, u32);
    u32 unused = 64 - 8 * spec->bytes;

    value <<= unused;
    return is_signed ? (u64)((s64)value >> unused) : value >> unused;
}

static void convert_signed(struct format *f, const struct spec *spec)
{
    u64 value = read_integer(f, spec, true);
    const char *prefix = "";

    if ((s64)value < 0) {
        value = -value;
        prefix = "-";
    } else if (spec->flags & FLAG_PLUS) {
        prefix = "+";
    } else if (spec->flags & FLAG_SPACE) {
        prefix = " ";
    }
    emit_integer(f, spec, value, 10, prefix);
}

static void convert_hex(struct format *f, const struct spec *spec)
{
    u64 value = read_integer(f, spec, false);
    const char *prefix = spec->conversion == 'X' ? "0X" : "0x";

    emit_integer(f, spec, value, 16, value && (spec->flags & FLAG_ALT) ? prefix : "");
}

static void convert_pointer(struct format *f, const struct spec *spec)
{
    const void *pointer = va_arg(f->args, const void *);
    struct spec all_digits = *spec;
    char name[80];

    if (spec->symbol && format_symbol) {
        format_symbol(name, sizeof(name), pointer);
        emit_field(f, spec, "", 0, name, strlen(name));
        return;
    }
    all_digits.precision = 2 * sizeof(void *);
    emit_integer(f, &all_digits, (uintptr_t)pointer, 16, "0x");
}

static void convert_string(struct format *f, const struct spec *spec)
{
    const char *text = va_arg(f->args, const char *);
    size_t len;

    if (!text)
        text = "(null)";
    /* With a precision the string need not end with 0. */
    len = spec->precision == NO_PRECISION ? strlen(text) : strnlen(text, (size_t)spec->precision);
    emit_field(f, spec, "", 0, text, len);
}

static void convert_char(struct format *f, const struct spec *spec)
{
    char c = (char)va_arg(f->args, int);

    emit_field(f, spec, "", 0, &c, 1);
}

/* False for an unknown conversion. */
static bool convert(struct format *f, const struct spec *spec)
{
    switch (spec->conversion) {
    case 'd':
    case 'i':
        convert_signed(f, spec);
        return true;
    case 'u':
        emit_integer(f, spec, read_integer(f, spec, false), 10, "");
        return true;
    case 'o':
        emit_integer(f, spec, read_integer(f, spec, false), 8, "");
        return true;
    case 'x':
    case 'X':
        convert_hex(f, spec);
        return true;
    case 'p':
        convert_pointer(f, spec);
        return true;
    case 's':
        convert_string(f, spec);
        return true;
    case 'c':
        convert_char(f, spec);
        return true;
    case '%':
        emit(f, "%", 1);
        return true;
    default:
        return false;
    }
}

static const char *parse_flags(const char *p, struct spec *spec)
{
    for (;; p++) {
        if (*p == '-')
            spec->flags |= FLAG_LEFT;
        else if (*p == '0')
            spec->flags |= FLAG_ZERO;
        else if (*p == '+')
            spec->flags |= FLAG_PLUS;
        else if (*p == ' ')
            spec->flags |= FLAG_SPACE;
        else if (*p == '#')
            spec->flags |= FLAG_ALT;
        else
            return p;
    }
}

/* A width or precision: `*` takes it from the arguments, no digits mean 0. */
static const char *parse_count(struct format *f, const char *p, int *count)
{
    int value = 0;

    if (*p == '*') {
        *count = va_arg(f->args, int);
        return p + 1;
    }
    for (; *p >= '0' && *p <= '9'; p++) {
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, *p - '0', &value))
            value = INT_MAX;
    }
    *count = value;
    return p;
}

static const char *parse_length(const char *p, struct spec *spec)
{
    spec->bytes = sizeof(int);
    switch (*p) {
    case 'h':
        spec->bytes = p[1] == 'h' ? sizeof(char) : sizeof(short);
        return p + (p[1] == 'h' ? 2 : 1);
    case 'l':
        spec->bytes = p[1] == 'l' ? sizeof(long long) : sizeof(long);
        return p + (p[1] == 'l' ? 2 : 1);
    case 'z':
    case 't':
        spec->bytes = sizeof(size_t);
        return p + 1;
    case 'j':
        spec->bytes = sizeof(intmax_t);
        return p + 1;
    default:
        return p;
    }
}

/* Parse what follows a '%'; the result points to the conversion's last character. */
static const char *parse_spec(struct format *f, const char *p, struct spec *spec)
{
    *spec = (struct spec){.precision = NO_PRECISION};
    p = parse_count(f, parse_flags(p, spec), &spec->width);
    if (spec->width < 0) { /* possible only with `*`: it means the flag '-' */
        spec->flags |= FLAG_LEFT;
        spec->width = spec->width == INT_MIN ? INT_MAX : -spec->width;
    }
    if (*p == '.') {
        p = parse_count(f, p + 1, &spec->precision);
        if (spec->precision < 0)
            spec->precision = NO_PRECISION;
    }
    p = parse_length(p, spec);
    spec->conversion = *p;
    spec->symbol = p[0] == 'p' && p[1] == 'S';
    return spec->symbol ? p + 1 : p;
}

static size_t text_length(const char *fmt)
{
    const char *end = fmt;

    while (*end && *end != '%')
        end++;
    return end - fmt;
}

size_t vformat(format_put_t put, void *arg, const char *fmt, va_list args)
{
    struct format f = {.put = put, .arg = arg};

    va_copy(f.args, args);
    while (*fmt) {
        size_t len = text_length(fmt);
        const char *percent = fmt + len;
        struct spec spec;

        emit(&f, fmt, len);
        if (!*percent)
            break;
        fmt = parse_spec(&f, percent + 1, &spec);
        if (*fmt)
            fmt++;
        if (!convert(&f, &spec))
            emit(&f, percent, fmt - percent);
    }
    va_end(f.args);
    return f.total;
}

/* ---- into a buffer ---- */

struct buffer {
    char *at;
    size_t room; /* without the final 0 */
};

static void put_buffer(void *arg, const char *text, size_t len)
{
    struct buffer *buffer = arg;

    len = min(len, buffer->room);
    memcpy(buffer->at, text, len);
    buffer->at += len;
    buffer->room -= len;
}

static void put_nowhere(void *arg, const char *text, size_t len)
{
    (void)arg, (void)text, (void)len;
}

int LIBC_NAME(vsnprintf)(char *buf, size_t size, const char *fmt, va_list args)
{
    struct buffer buffer = {.at = buf, .room = size - 1};
    size_t total = vformat(size ? put_buffer : put_nowhere, &buffer, fmt, args);

    if (size)
        *buffer.at = '\0';
    return total <= INT_MAX ? (int)total : -EOVERFLOW;
}

int LIBC_NAME(snprintf)(char *buf, size_t size, const char *fmt, ...)
{
    va_list args;
    int len;

    va_start(args, fmt);
    len = LIBC_NAME(vsnprintf)(buf, size, fmt, args);
    va_end(args);
    return len;
}

int vscnprintf(char *buf, size_t size, const char *fmt, va_list args)
{
    struct buffer buffer = {.at = buf, .room = size - 1};

    if (size == 0)
        return 0;
    vformat(put_buffer, &buffer, fmt, args);
    *buffer.at = '\0';
    return (int)(buffer.at - buf);
}

int scnprintf(char *buf, size_t size, const char *fmt, ...)
{
    va_list args;
    int len;

    va_start(args, fmt);
    len = vscnprintf(buf, size, fmt, args);
    va_end(args);
    return len;
}
