/* Start-up, symbols, backtraces and reports of panics. */
#pragma once

#include <arch/x86/regs.h>
#include <arch/x86/trap.h>
#include <lib/types.h>
#include <mm/check/explain_walk.h>

/* ---- symbols (kernel/symbols.c) ---- */

/* Get the symbol table from boot_info. Without a valid one, addresses are printed as numbers. */
void symbols_init(void);

struct symbol {
    const char *name;
    u32 start, size;
};

/*
 * The function or global variable that holds addr, from the ELF symbol table; false when unknown.
 * Any context.
 */
bool symbol_find(u32 addr, struct symbol *symbol);

/* Name and offset of what holds addr; NULL when unknown. */
const char *symbol_lookup(u32 addr, u32 *offset);

/* The address of a function or a global variable by its name; false if not found. Any context. */
bool symbol_address(const char *name, u32 *addr);

/* Call see() for each name that symbol_address() finds, for a few of them twice. Any context. */
void symbol_each(void (*see)(const char *name, void *arg), void *arg);

/* "name+0x12/0x40" (Linux's %pS), or "0xc0101234" when unknown. */
#define SYMBOL_TEXT_MAX 80
void symbol_format(char *buf, size_t size, u32 addr);

/* ---- the end (kernel/panic_report.c) ---- */

/*
 * Linux's name: return addresses, innermost first, up to the first bad frame pointer. Returns how
 * many were found. Any context.
 */
u32 stack_trace_save(u32 *entries, u32 max, u32 ebp);

/*
 * printk one line per frame, "  [<c0101234>] name+0x12/0x40": eip, unless it is 0, then the return
 * addresses from the frame pointer on.
 */
void backtrace(u32 ebp, u32 eip);

/*
 * Fill panic_handler (lib/panic.h), and report every trap until fault_init(). Start-up, before
 * idt_init().
 */
void panic_init(void);

/* Give the double-fault task its stack and its report. After vmalloc_init(), before mm_seal(). */
void double_fault_report_init(void);

/*
 * Describe a double fault in one line without newline. True when it is a kernel stack overflow; the
 * line then names the task.
 */
bool double_fault_describe(const struct double_fault *state, char *buf, size_t size);

/*
 * What higher layers add to a report; each is set at start-up, and NULL before. Self-tests may
 * catch a panic (then catch_panic() does not return) and name the running test, NULL outside of
 * tests; kernel/view/ prints the result of explain_walk() in one line.
 */
struct report_ops {
    void (*catch_panic)(const char *fmt, va_list args);
    const char *(*test_name)(void);
    void (*explain)(char *buf, size_t size, const struct explanation *facts, enum explain_ring ring,
                    enum explain_access access);
};
extern struct report_ops report_ops;
#define EXPLAIN_BRIEF_MAX 160

/* Panic because of a trap in the kernel. `why` may be NULL. */
void __noreturn panic_trap(const struct pt_regs *regs, const char *why);

/* With KASAN=1: describe bad accesses (kernel/kasan_report.c). Start-up. */
void kasan_report_init(void);

/* ---- exceptions (kernel/exception.c), the command line (kernel/cmdline.c) ---- */

/* Register the handlers for page faults and for the other exceptions. */
void fault_init(void);

/* One line for each word of the command line that is no kernel option. */
void cmdline_check(void);
