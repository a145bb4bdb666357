/*
 * Names for addresses, for backtraces and vmallocinfo, and addresses for names, for `explain`.
 *
 * GRUB loads the kernel's ELF symbol table and its strings next to the image and passes their
 * addresses (the ELF sections tag); they are read in place, through lowmem. Nothing is allocated or
 * cached, so that a panic can look up names in any state of the kernel. A search walks the whole
 * table: some thousand symbols, which is fast enough for output.
 *
 * Two kinds of symbol are functions: C's have the type FUNC and a size; nasm's labels have no type
 * and no size and reach to the next symbol. A label with a dot in it is local to a function and
 * does not count. For data the image keeps only global symbols (Makefile), for lookup by name.
 *
 * The table comes from outside: ranges, sizes and every name offset are checked, and a table that
 * fails is not used.
 *
 * Neighbours: arch/x86/boot_info.c finds the table; kernel/panic_report.c,
 * kernel/monitor/monitor_mm.c call this. Source: the System V ABI, "Symbol Table".
 */
#include <linux/elf.h>

#include <arch/x86/boot_info.h>
#include <arch/x86/sections.h>
#include <kernel/kernel.h>
#include <lib/printf.h>
#include <lib/printk.h>
#include <lib/string.h>
#include <mm/layout.h>

static const Elf32_Sym *symbols __ro_after_init;
static u32 symbol_count __ro_after_init;
static const char *names __ro_after_init;
static u32 names_size __ro_after_init;

/*
 * This runs before lowmem_map_init(), which maps everything that the boot loader has put elsewhere.
 */
static bool in_lowmem(phys_addr_t start, phys_addr_t end)
{
    return start < end && end <= lowmem_size;
}

/* %pS of lib/printf.h. */
static void format_pointer(char *buf, size_t size, const void *addr)
{
    symbol_format(buf, size, (u32)addr);
}

void symbols_init(void)
{
    u32 size = boot_info.symtab_end - boot_info.symtab;
    const char *strings;

    if (!in_lowmem(boot_info.symtab, boot_info.symtab_end) ||
        !in_lowmem(boot_info.strtab, boot_info.strtab_end) ||
        !IS_ALIGNED(boot_info.symtab, sizeof(u32)) || size % sizeof(Elf32_Sym) != 0) {
        printk("symbols: the boot loader gave no usable table; backtraces will be numbers\n");
        return;
    }
    strings = phys_to_virt(boot_info.strtab);
    names_size = boot_info.strtab_end - boot_info.strtab;
    if (strings[names_size - 1] != '\0') {
        printk("symbols: the string table has no end; backtraces will be numbers\n");
        return;
    }
    names = strings;
    symbols = phys_to_virt(boot_info.symtab);
    symbol_count = size / sizeof(Elf32_Sym);
    printf_set_symbols(format_pointer);
}

/* The strings end with 0, so a name that starts inside them also ends inside. */
static const char *symbol_name(const Elf32_Sym *symbol)
{
    return symbol->st_name < names_size ? names + symbol->st_name : "";
}

static bool in_text(u32 addr)
{
    return addr >= (u32)__text_start && addr < (u32)__text_end;
}

static bool is_function(const Elf32_Sym *symbol)
{
    u32 type = ELF32_ST_TYPE(symbol->st_info);

    return (type == STT_FUNC || type == STT_NOTYPE) && symbol->st_shndx != SHN_UNDEF &&
           in_text(symbol->st_value);
}

/*
 * True for a function's label in nasm; false for a label inside a function and for the linker
 * script's symbols.
 */
static bool is_label(const Elf32_Sym *symbol)
{
    const char *name = symbol_name(symbol);

    if (ELF32_ST_TYPE(symbol->st_info) != STT_NOTYPE || strcmp(name, "__text_start") == 0)
        return false;
    while (*name && *name != '.')
        name++;
    return *name == '\0';
}

/* True for a variable, or a symbol of the linker script: global, and in the kernel. */
static bool is_data(const Elf32_Sym *symbol)
{
    u32 type = ELF32_ST_TYPE(symbol->st_info);

    return (type == STT_OBJECT || type == STT_NOTYPE) && symbol->st_shndx != SHN_UNDEF &&
           ELF32_ST_BIND(symbol->st_info) == STB_GLOBAL && symbol->st_value >= PAGE_OFFSET;
}

/* True when the symbol can be looked up by name. */
static bool has_address(const Elf32_Sym *symbol)
{
    return is_function(symbol) || is_data(symbol);
}

/* The C function or the variable that holds addr. */
static const Elf32_Sym *find_sized(u32 addr)
{
    for (u32 i = 0; i < symbol_count; i++) {
        if (has_address(&symbols[i]) && addr - symbols[i].st_value < symbols[i].st_size)
            return &symbols[i];
    }
    return NULL;
}

/* The nearest label before addr, with no other function between them. */
static const Elf32_Sym *find_label(u32 addr)
{
    const Elf32_Sym *best = NULL;
    u32 barrier = (u32)__text_start;

    for (u32 i = 0; i < symbol_count; i++) {
        const Elf32_Sym *symbol = &symbols[i];

        if (!is_function(symbol) || symbol->st_value > addr)
            continue;
        if (symbol->st_size > 0)
            barrier = max(barrier, (u32)(symbol->st_value + symbol->st_size));
        else if (is_label(symbol) && (!best || symbol->st_value > best->st_value))
            best = symbol;
    }
    return best && best->st_value >= barrier ? best : NULL;
}

/* Where the next function after addr starts, or the text ends. */
static u32 next_start(u32 addr)
{
    u32 next = (u32)__text_end;

    for (u32 i = 0; i < symbol_count; i++) {
        if (is_function(&symbols[i]) && (symbols[i].st_size > 0 || is_label(&symbols[i])) &&
            symbols[i].st_value > addr)
            next = min(next, (u32)symbols[i].st_value);
    }
    return next;
}

bool symbol_find(u32 addr, struct symbol *symbol)
{
    const Elf32_Sym *found = find_sized(addr);

    if (!found && in_text(addr))
        found = find_label(addr);
    if (!found)
        return false;
    symbol->name = symbol_name(found);
    symbol->start = found->st_value;
    symbol->size = found->st_size ? found->st_size : next_start(addr) - found->st_value;
    return symbol->name[0] != '\0';
}

bool symbol_address(const char *name, u32 *addr)
{
    for (u32 i = 0; i < symbol_count; i++) {
        if (has_address(&symbols[i]) && strcmp(symbol_name(&symbols[i]), name) == 0) {
            *addr = symbols[i].st_value;
            return true;
        }
    }
    return false;
}

void symbol_each(void (*see)(const char *name, void *arg), void *arg)
{
    for (u32 i = 0; i < symbol_count; i++) {
        if (has_address(&symbols[i]))
            see(symbol_name(&symbols[i]), arg);
    }
}

const char *symbol_lookup(u32 addr, u32 *offset)
{
    struct symbol symbol;

    if (!symbol_find(addr, &symbol))
        return NULL;
    *offset = addr - symbol.start;
    return symbol.name;
}

void symbol_format(char *buf, size_t size, u32 addr)
{
    struct symbol symbol;

    if (symbol_find(addr, &symbol))
        snprintf(buf, size, "%s+0x%x/0x%x", symbol.name, addr - symbol.start, symbol.size);
    else
        snprintf(buf, size, "0x%08x", addr);
}
