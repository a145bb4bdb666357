/* Names for addresses: the ELF symbol table as GRUB loaded it, and the backtrace that uses it. */
#include <arch/x86/boot_info.h>
#include <arch/x86/sections.h>
#include <arch/x86/switch.h>
#include <kernel/kernel.h>
#include <kernel/monitor/ktest.h>
#include <kernel/task.h>
#include <lib/printf.h>
#include <lib/printk.h>
#include <lib/string.h>
#include <mm/kva/vmalloc.h>

static void expect_symbol(u32 addr, const char *name, u32 offset)
{
    u32 found_offset = ~0u;
    const char *found = symbol_lookup(addr, &found_offset);

    if (!expect(found))
        return;
    expect_str_eq(found, name);
    expect_eq(found_offset, offset);
}

KTEST(symbols, c_functions)
{
    expect_symbol((u32)symbol_lookup, "symbol_lookup", 0);
    expect_symbol((u32)symbol_lookup + 1, "symbol_lookup", 1);
    expect_symbol((u32)printk, "printk", 0);
    expect_symbol((u32)vmalloc, "vmalloc", 0);
}

KTEST(symbols, assembly_functions)
{
    expect_symbol((u32)switch_to, "switch_to", 0);
    expect_symbol((u32)switch_to + 2, "switch_to", 2);
    expect_symbol((u32)return_to_user, "return_to_user", 0);
}

KTEST(symbols, last_byte_of_a_function)
{
    struct symbol symbol;

    if (!expect(symbol_find((u32)vmalloc, &symbol)))
        return;
    expect_eq(symbol.start, vmalloc);
    expect(symbol.size > 0 && symbol.size < 0x10000);
    expect_symbol(symbol.start + symbol.size - 1, "vmalloc", symbol.size - 1);
    if (expect(symbol_find((u32)switch_to, &symbol)))
        expect(symbol.size > 0 && symbol.size < 0x100);
}

KTEST(symbols, no_symbol)
{
    static u32 object;
    u32 offset;

    expect_eq(symbol_lookup(0, &offset), NULL);
    expect_eq(symbol_lookup((u32)&object, &offset), NULL);
    expect_eq(symbol_lookup((u32)&offset, &offset), NULL);
    expect_eq(symbol_lookup(~0u, &offset), NULL);
}

/* Names of global variables are found, and their addresses have names. */
KTEST(symbols, addresses_of_names)
{
    static u32 only_here;
    u32 addr = 0, offset;

    expect(symbol_address("vmalloc", &addr));
    expect_eq(addr, vmalloc);
    expect(symbol_address("boot_info", &addr));
    expect_eq(addr, &boot_info);
    expect_symbol(addr, "boot_info", 0);
    expect_symbol(addr + sizeof(boot_info) - 1, "boot_info", sizeof(boot_info) - 1);
    expect(symbol_address("__rodata_start", &addr));
    expect_eq(addr, __rodata_start);
    expect_eq(symbol_lookup((u32)&only_here, &offset), NULL);
    expect(!symbol_address("only_here", &addr));
    expect(!symbol_address("", &addr));
    expect_eq(addr, __rodata_start);
}

KTEST(symbols, format)
{
    char text[SYMBOL_TEXT_MAX], expected[SYMBOL_TEXT_MAX];
    struct symbol symbol;

    if (!expect(symbol_find((u32)printk, &symbol)))
        return;
    snprintf(expected, sizeof(expected), "printk+0x3/0x%x", symbol.size);
    symbol_format(text, sizeof(text), (u32)printk + 3);
    expect_str_eq(text, expected);
    symbol_format(text, sizeof(text), 0x1234);
    expect_str_eq(text, "0x00001234");
    symbol_format(text, 4, (u32)printk);
    expect_str_eq(text, "pri");
}

KTEST(symbols, in_formatted_text)
{
    char name[SYMBOL_TEXT_MAX], expected[SYMBOL_TEXT_MAX + 8], text[SYMBOL_TEXT_MAX + 8];

    symbol_format(name, sizeof(name), (u32)printk + 3);
    snprintf(expected, sizeof(expected), "[%s]S", name);
    snprintf(text, sizeof(text), "[%pS]S", (void *)((u32)printk + 3));
    expect_str_eq(text, expected);
    snprintf(text, sizeof(text), "%pS %p", (void *)0x1234, (void *)0x1234);
    expect_str_eq(text, "0x00001234 0x00001234");
}

/* ---- backtrace ---- */

#define ENTRIES_MAX 8

static u32 entries[ENTRIES_MAX];

static __noinline u32 inner(void)
{
    return stack_trace_save(entries, ENTRIES_MAX, (u32)__builtin_frame_address(0));
}

/* The barrier prevents a tail call, so that this frame exists. */
static __noinline u32 outer(void)
{
    u32 count = inner();

    asm volatile("" : : : "memory");
    return count;
}

KTEST(symbols, backtrace_names_the_callers)
{
    u32 offset;
    const char *first, *second;

    if (!expect(outer() >= 3))
        return;
    first = symbol_lookup(entries[0], &offset);
    second = symbol_lookup(entries[1], &offset);
    if (expect(first) && expect(second)) {
        expect_eq(strncmp(first, "outer", 5), 0);
        expect_str_eq(second, "ktest_symbols_backtrace_names_the_callers");
    }
}

KTEST(symbols, backtrace_survives_bad_frames)
{
    u32 loop[2] = {(u32)loop, (u32)printk};
    u32 down[2] = {(u32)loop - 64, (u32)printk};
    u32 no_return[2] = {(u32)no_return + 64, 0};

    expect_eq(stack_trace_save(entries, ENTRIES_MAX, 0), 0);
    expect_eq(stack_trace_save(entries, ENTRIES_MAX, 0x1000), 0);
    expect_eq(stack_trace_save(entries, ENTRIES_MAX, (u32)loop + 1), 0);
    expect_eq(stack_trace_save(entries, ENTRIES_MAX, (u32)current->stack - PAGE_SIZE), 0);
    expect_eq(stack_trace_save(entries, ENTRIES_MAX, ~3u), 0);
    expect_eq(stack_trace_save(entries, ENTRIES_MAX, (u32)loop), 1);
    expect_eq(stack_trace_save(entries, ENTRIES_MAX, (u32)down), 1);
    expect_eq(stack_trace_save(entries, ENTRIES_MAX, (u32)no_return), 0);
}

KTEST(symbols, backtrace_ends_at_the_limit)
{
    static u32 chain[2 * ENTRIES_MAX][2];

    for (u32 i = 0; i < ARRAY_SIZE(chain); i++) {
        chain[i][0] = i + 1 < ARRAY_SIZE(chain) ? (u32)chain[i + 1] : 0;
        chain[i][1] = (u32)printk + i;
    }
    expect_eq(stack_trace_save(entries, ENTRIES_MAX, (u32)chain), ENTRIES_MAX);
    expect_eq(entries[ENTRIES_MAX - 1], (u32)printk + ENTRIES_MAX - 1);
    expect_eq(stack_trace_save(entries, ENTRIES_MAX, (u32)chain[2 * ENTRIES_MAX - 3]), 3);
}
