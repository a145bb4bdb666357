/*
 * Panic: the end of the kernel after it has detected an error in itself.
 *
 * Every layer may panic, but the report (registers, backtrace, the end of the machine) needs the
 * top layer. So panic() calls it through a pointer, which kernel/panic_report.c sets early in
 * start-up.
 *
 * Before that, the message is only printed by printk(), and the processor loops here: halting it
 * needs instructions that this layer does not use. A handler must not return; if it does, the
 * processor also loops here.
 *
 * On the host, where mm/ and lib/ run as ordinary programs, the message goes to stderr and the
 * program aborts, which sanitizers and fuzzers detect. A test program may set a handler that leaves
 * by longjmp() or exit().
 *
 * Neighbours: include/lib/panic.h has the macros that callers use; they insert file, line and
 * function.
 */
#include <lib/panic.h>
#include <lib/printk.h>
#if __STDC_HOSTED__
#include <stdio.h>
#include <stdlib.h>
#endif

static panic_handler_t panic_handler __ro_after_init;
static void (*refuse_handler)(void) __ro_after_init;

void panic_set_handler(panic_handler_t handler)
{
    panic_handler = handler;
}

#if __STDC_HOSTED__

static void report(const struct source_location *where, const char *fmt, va_list args)
{
    fprintf(stderr, "panic at %s:%u, %s(): ", where->file, where->line, where->function);
    vfprintf(stderr, fmt, args);
    fputc('\n', stderr);
}

static void __noreturn stop(void)
{
    abort();
}

#else

static void report(const struct source_location *where, const char *fmt, va_list args)
{
    printk("panic at %s:%u, %s(): ", where->file, where->line, where->function);
    vprintk(fmt, args);
    printk("\n");
}

static void __noreturn stop(void)
{
    for (;;)
        ;
}

#endif

void panic_at(const struct source_location *where, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    if (panic_handler)
        panic_handler(where, fmt, args);
    else
        report(where, fmt, args);
    va_end(args);
    stop();
}

void refuse_set_handler(void (*handler)(void))
{
    refuse_handler = handler;
}

void boot_refuse(const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    printk("Attic cannot start: ");
    vprintk(fmt, args);
    printk("\n");
    va_end(args);
    if (refuse_handler)
        refuse_handler();
    stop();
}
