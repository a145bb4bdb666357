/* Start-up, symbols, the end. */
#pragma once

#include <arch/x86/regs.h>
#include <arch/x86/trap.h>
#include <lib/types.h>

/* ---- symbols (kernel/symbols.c) ---- */

/* Take the symbol table over from boot_info. Without a sound one addresses stay numbers. */
void symbols_init(void);

struct symbol {
    const char *name;
    u32 start, size;
};

/* The function that holds addr, from the ELF symbol table; false when unknown. Any context. */
bool symbol_find(u32 addr, struct symbol *symbol);

/* Name and offset of the function that holds addr; NULL when unknown. */
const char *symbol_lookup(u32 addr, u32 *offset);

/* The address of a function by its name; false when there is none. Any context. */
bool symbol_address(const char *name, u32 *addr);

/* "name+0x12/0x40" (Linux's %pS), or "0xc0101234" when unknown. */
#define SYMBOL_TEXT_MAX 80
void symbol_format(char *buf, size_t size, u32 addr);

/* ---- the end (kernel/panic_report.c) ---- */

/*
 * Linux's name: return addresses, innermost first, up to the first bad frame pointer. How many were
 * found. Any context.
 */
u32 stack_trace_save(u32 *entries, u32 max, u32 ebp);

/*
 * printk one line a frame, "  [<c0101234>] name+0x12/0x40": eip, unless it is 0, then the return
 * addresses from the frame pointer on.
 */
void backtrace(u32 ebp, u32 eip);

/*
 * Fill panic_handler (lib/panic.h), and have every trap reported until fault_init(). Start-up,
 * before idt_init().
 */
void panic_init(void);

/* Give the double-fault task its stack and its report. After vmalloc_init(), before mm_seal(). */
void double_fault_report_init(void);

/*
 * What a double fault means, in one line without newline. True when it is a kernel stack overflow;
 * the line then names the task.
 */
bool double_fault_describe(const struct double_fault *state, char *buf, size_t size);

/* Panic because of a trap in the kernel. `why` may be NULL. */
void __noreturn panic_trap(const struct pt_regs *regs, const char *why);

/* ---- monitor and self-tests ---- */

/* One line for each word of the command line that is no kernel option. (kernel/cmdline.c) */
void cmdline_check(void);

/* The first thread: runs `ktest=`, or `init=`, or the monitor. */
void monitor_main(void *unused);

/* Run one line of the monitor; the line is cut into words in place. */
void monitor_execute(char *line);

/* A glob of self-tests as one run: KTAP output, the machine ends with pass or fail. */
void __noreturn ktest_main(const char *glob);

/* Instructions (time-stamp counts) from hand-over to the prompt; 0 until then. */
extern u64 boot_tsc_prompt;
