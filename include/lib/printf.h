/*
 * Formatted text as in the C standard: flags - 0 + space #, width and precision (numbers or *),
 * lengths hh h l ll z j t, conversions d i u x X o c s p %. A NULL string prints as "(null)", %p as
 * 0x and all digits. There is no %n and no floating point; an unknown conversion is printed
 * unchanged. %pS (Linux's) is the name of the function that holds an address, if symbols are
 * available. Any context; nothing is allocated.
 */
#pragma once

#include <lib/types.h>
#include <stdarg.h>
#if __STDC_HOSTED__
#include <stdio.h>
#endif

/*
 * At most size - 1 bytes of the text and a 0 go into buf; with size 0 nothing is written. The
 * result is the length of the whole text, without the 0, even if it did not fit; negative when it
 * is more than INT_MAX.
 */
int LIBC_NAME(vsnprintf)(char *buf, size_t size, const char *fmt, va_list args) __printf(3, 0);
int LIBC_NAME(snprintf)(char *buf, size_t size, const char *fmt, ...) __printf(3, 4);

/*
 * The same, but the result is the number of bytes in buf without the 0: it can be added to an
 * offset (Linux's names).
 */
int vscnprintf(char *buf, size_t size, const char *fmt, va_list args) __printf(3, 0);
int scnprintf(char *buf, size_t size, const char *fmt, ...) __printf(3, 4);

/* Set the function that prints %pS; until then %pS is the same as %p. */
typedef void (*symbol_format_t)(char *buf, size_t size, const void *addr);
void printf_set_symbols(symbol_format_t format);

/*
 * The function under all of these and under printk(): it passes the text to put() piece by piece.
 * Result: its length, saturating.
 */
typedef void (*format_put_t)(void *arg, const char *text, size_t len);
size_t vformat(format_put_t put, void *arg, const char *fmt, va_list args) __printf(3, 0);
