/*
 * The run-time part of the undefined behaviour sanitizer, UBSAN=1 (Linux: lib/ubsan.c,
 * Documentation/dev-tools/ubsan.rst): the compiler checks operations whose result C does not
 * define, and calls a function of this file where one is wrong, with a description of the place and
 * the operands. All end in a panic, with the words of the compilers' own reports.
 *
 * The descriptions are those of compiler-rt's ubsan_handlers.h, the same for gcc and clang. Values
 * wider than a register are passed as pointers.
 */
#include <lib/panic.h>
#include <lib/printf.h>

struct place {
    const char *file;
    u32 line, column;
};

struct type {
    u16 kind; /* 0: an integer */
    u16 info; /* of an integer: bit 0, signed; above it, log2 of its bits */
    char name[];
};

/* What all descriptions begin with; some have one type, some two. */
struct check {
    struct place place;
    const struct type *type, *second;
};

#define VALUE_MAX 24

/* Up to version 18, clang's own calls pass arguments on the stack, in spite of -mregparm. */
#if defined(__clang__) && __clang_major__ < 19
#define CALLED_BY_COMPILER __attribute__((regparm(0)))
#else
#define CALLED_BY_COMPILER
#endif

static bool is_signed(const struct type *type)
{
    return type->info & 1;
}

static u32 bits_of(const struct type *type)
{
    return 1u << (type->info >> 1);
}

static s64 value_of(const struct type *type, uintptr_t value)
{
    u32 unused = 64 - min(bits_of(type), 64u);
    u64 bits = bits_of(type) > 32 ? *(const u64 *)value : value;

    return is_signed(type) ? (s64)(bits << unused) >> unused : (s64)(bits << unused >> unused);
}

static const char *text_of(const struct type *type, uintptr_t value, char *text)
{
    if (type->kind != 0)
        snprintf(text, VALUE_MAX, "0x%zx", (size_t)value);
    else if (is_signed(type))
        snprintf(text, VALUE_MAX, "%lld", (long long)value_of(type, value));
    else
        snprintf(text, VALUE_MAX, "%llu", (unsigned long long)value_of(type, value));
    return text;
}

/* A panic at the place of the operation. */
static void __noreturn __printf(2, 3) found(const struct place *place, const char *fmt, ...)
{
    struct source_location where = {.file = place->file, .line = place->line, .function = "UBSAN"};
    char text[200];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    panic_at(&where, "%s (column %u)", text, place->column);
}

/* ---- arithmetic ---- */

static void __noreturn overflow(const struct check *check, uintptr_t left, char operator,
                                uintptr_t right)
{
    char a[VALUE_MAX], b[VALUE_MAX];

    found(&check->place, "signed-integer-overflow: %s %c %s is not a value of type %s",
          text_of(check->type, left, a), operator, text_of(check->type, right, b),
          check->type->name);
}

#define HANDLER(name, ...)                                                                         \
    void CALLED_BY_COMPILER __ubsan_handle_##name(__VA_ARGS__);                                    \
    void __ubsan_handle_##name(__VA_ARGS__)

HANDLER(add_overflow, const struct check *check, uintptr_t left, uintptr_t right)
{
    overflow(check, left, '+', right);
}

HANDLER(sub_overflow, const struct check *check, uintptr_t left, uintptr_t right)
{
    overflow(check, left, '-', right);
}

HANDLER(mul_overflow, const struct check *check, uintptr_t left, uintptr_t right)
{
    overflow(check, left, '*', right);
}

HANDLER(negate_overflow, const struct check *check, uintptr_t value)
{
    char text[VALUE_MAX];

    found(&check->place, "signed-integer-overflow: -(%s) is not a value of type %s",
          text_of(check->type, value, text), check->type->name);
}

HANDLER(divrem_overflow, const struct check *check, uintptr_t left, uintptr_t right)
{
    if (value_of(check->type, right) == 0)
        found(&check->place, "integer-divide-by-zero");
    overflow(check, left, '/', right);
}

HANDLER(shift_out_of_bounds, const struct check *check, uintptr_t value, uintptr_t count)
{
    char a[VALUE_MAX], b[VALUE_MAX];

    found(&check->place, "shift-out-of-bounds: %s of type %s is shifted by %s",
          text_of(check->type, value, a), check->type->name, text_of(check->second, count, b));
}

HANDLER(load_invalid_value, const struct check *check, uintptr_t value)
{
    found(&check->place, "invalid-load: 0x%zx is not a value of type %s", (size_t)value,
          check->type->name);
}

HANDLER(invalid_builtin, const struct check *check)
{
    found(&check->place, "invalid-builtin: the lowest or highest set bit of 0");
}

/* ---- pointers and arrays ---- */

HANDLER(out_of_bounds, const struct check *check, uintptr_t index)
{
    char text[VALUE_MAX];

    found(&check->place, "array-index-out-of-bounds: index %s of %s",
          text_of(check->second, index, text), check->type->name);
}

/* Of the three checks behind this name only one is made: see UBSAN_FLAGS in the Makefile. */
HANDLER(type_mismatch_v1, const struct check *check, uintptr_t addr)
{
    found(&check->place, "object-size-mismatch: 0x%zx has no room for type %s", (size_t)addr,
          check->type->name);
}

/* clang reports NULL + 0, too, which is NULL from C2y on (N3322). */
HANDLER(pointer_overflow, const struct check *check, uintptr_t from, uintptr_t to)
{
    if (!from && !to)
        return;
    found(&check->place, "pointer-overflow: 0x%zx becomes 0x%zx", (size_t)from, (size_t)to);
}

/* ---- control flow ---- */

HANDLER(builtin_unreachable, const struct check *check)
{
    found(&check->place, "unreachable: this place was reached");
}
