/*
 * Kernel messages. The formatting is in the lowest layer so that every layer may print; the text
 * goes to a table of sinks that the console registers. On the host the table is empty until the
 * test program fills it.
 */
#pragma once

#include <lib/types.h>
#include <stdarg.h>

typedef void (*printk_sink_t)(const char *text, size_t len);

#define PRINTK_SINKS 4

/* Add a sink; every later message goes to it. Panics when PRINTK_SINKS are taken. Boot only. */
void printk_add_sink(printk_sink_t sink);

/*
 * Format as vsnprintf does (lib/printf.h) and send the whole text to every sink. Any length, any
 * context.
 */
void printk(const char *fmt, ...) __printf(1, 2);
void vprintk(const char *fmt, va_list args);

/*
 * Print `text`, which has no newline, as one line or as several that fit a terminal of 80 columns:
 * it is cut at blanks, and what follows is indented by two. A word that is longer stays whole.
 */
void printk_folded(const char *text);
