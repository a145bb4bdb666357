/* Integer types and the few macros that every layer uses. Builds on the host as well. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef int64_t s64;

#define KIB(n) ((n) << 10)
#define MIB(n) ((n) << 20)

#define __must_check __attribute__((warn_unused_result))
#define __noreturn   __attribute__((noreturn))
/* Written during start-up only: read-only from mm_seal() on. */
#if __STDC_HOSTED__
#define __ro_after_init
#else
#define __ro_after_init __attribute__((section(".data..ro_after_init")))
#endif
#define __noinline          __attribute__((noinline))
#define __used              __attribute__((used))
#define __maybe_unused      __attribute__((unused))
#define __printf(fmt, args) __attribute__((format(printf, fmt, args)))
#define __section(name)     __attribute__((section(name), used))

/*
 * A function that libc has as well. In the kernel it has this name; on the host the kernel's
 * function is attic_NAME, so that both can be linked and a test can compare them.
 */
#if __STDC_HOSTED__
#define LIBC_NAME(name) attic_##name
#else
#define LIBC_NAME(name) name
#endif

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

#define ARRAY_SIZE(a)                   (sizeof(a) / sizeof((a)[0]))
#define container_of(ptr, type, member) ((type *)(((char *)(ptr)) - offsetof(type, member)))

/* `to` is a power of two. */
#define ALIGN_DOWN(x, to) ((x) & ~((to) - (__typeof__(x))1))
#define ALIGN_UP(x, to)   ALIGN_DOWN((x) + ((to) - (__typeof__(x))1), to)
#define IS_ALIGNED(x, to) (((x) & ((to) - (__typeof__(x))1)) == 0)

#define TYPES_PASTE_(a, b) a##b
#define TYPES_PASTE(a, b)  TYPES_PASTE_(a, b)

/* The names of the temporaries differ at each use, so that these nest. */
#define types_choose(a, b, op, x, y)                                                               \
    ({                                                                                             \
        __typeof__(a) x = (a);                                                                     \
        __typeof__(b) y = (b);                                                                     \
        x op y ? x : y;                                                                            \
    })
#define types_choose_named(a, b, op, id)                                                           \
    types_choose(a, b, op, TYPES_PASTE(chosen_a, id), TYPES_PASTE(chosen_b, id))
#define min(a, b) types_choose_named(a, b, <, __COUNTER__)
#define max(a, b) types_choose_named(a, b, >, __COUNTER__)
