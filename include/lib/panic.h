/*
 * Reports of kernel bugs. panic() and the checks below insert file, line, function and operands
 * automatically, because names typed by hand become wrong. The rest (registers, backtrace, end of
 * the machine) is done by panic_handler, which kernel/panic_report.c sets; without one (on the
 * host) the program aborts.
 */
#pragma once

#include <lib/types.h>
#include <stdarg.h>

struct source_location {
    const char *file;
    u32 line;
    const char *function;
};

typedef void (*panic_handler_t)(const struct source_location *where, const char *fmt, va_list args);

/* Set once during start-up. The handler must not return. */
void panic_set_handler(panic_handler_t handler);

void panic_at(const struct source_location *where, const char *fmt, ...) __noreturn __printf(2, 3)
    __attribute__((cold));

/*
 * This machine, or its boot loader, cannot run Attic: print one line on the console and end, with
 * the handler if it is set. Start-up.
 */
void boot_refuse(const char *fmt, ...) __noreturn __printf(1, 2) __attribute__((cold));
void refuse_set_handler(void (*handler)(void));

#define SOURCE_LOCATION                                                                            \
    (&(const struct source_location){.file = __FILE__, .line = __LINE__, .function = __func__})

#define panic(...) panic_at(SOURCE_LOCATION, __VA_ARGS__)

/* A condition that only a kernel bug can violate. Checked in every build. */
#define assert(cond)                                                                               \
    do {                                                                                           \
        if (unlikely(!(cond)))                                                                     \
            panic("assertion failed: %s", #cond);                                                  \
    } while (0)

/* assert(a OP b) that also prints both operands; for integers and pointers of at most 32 bits. */
#define assert_op(a, op, b)                                                                        \
    do {                                                                                           \
        uintptr_t assert_a = (uintptr_t)(a), assert_b = (uintptr_t)(b);                            \
        if (unlikely(!(assert_a op assert_b)))                                                     \
            panic("assertion failed: %s %s %s (0x%zx, 0x%zx)", #a, #op, #b, (size_t)assert_a,      \
                  (size_t)assert_b);                                                               \
    } while (0)
