/*
 * The symbol table of a program's file: finds the address of a function or a variable, and lists
 * their names.
 *
 * Only the monitor uses it; programs run without their symbols, which are in no segment. So the
 * file itself is read each time, a few symbols per read. It comes from outside and may contain
 * anything: offsets and sizes are checked by reading, which ends at the end of the file, and names
 * that begin or end beyond the string table are ignored.
 *
 * Limits: only programs that are linked to fixed addresses, as all of Attic's are.
 *
 * Neighbours: kernel/process/elf.c loads programs; kernel/monitor/monitor_address.c calls this.
 * Source: System V ABI, chapter 4, "Sections", "Symbol Table".
 */
#include <asm/errno.h>
#include <kernel/process/process.h>
#include <lib/resched.h>
#include <lib/string.h>
#include <linux/elf.h>
#include <mm/layout.h>
#include <mm/user/filemap.h>

#define SYMBOLS_AT_ONCE 32

/* The two sections, and the number of symbols in the first one. */
struct symbol_table {
    struct address_space *file;
    Elf32_Shdr symbols, strings;
    u32 count;
};

/* True when all `size` bytes could be read. */
static bool read_at(struct address_space *file, u32 offset, void *to, u32 size)
{
    return filemap_read(file, offset, to, size, filemap_copy_kernel) == (long)size;
}

/* True when the section lies in the file. */
static bool is_inside(const struct address_space *file, const Elf32_Shdr *section)
{
    return section->sh_offset <= file->size && section->sh_size <= file->size - section->sh_offset;
}

/* Section number `index`. The offset does not wrap: the header is checked to lie in the file. */
static bool read_section(struct address_space *file, const Elf32_Ehdr *header, u32 index,
                         Elf32_Shdr *section)
{
    u32 offset = index * sizeof(*section);

    return header->e_shoff <= file->size && offset <= file->size - header->e_shoff &&
           read_at(file, header->e_shoff + offset, section, sizeof(*section));
}

/* The error, or NULL. */
static const char *find_table(struct symbol_table *table, const Elf32_Ehdr *header)
{
    for (u32 i = 0; i < header->e_shnum; i++) {
        cond_resched();
        if (!read_section(table->file, header, i, &table->symbols))
            return "section headers beyond the end of the file";
        if (table->symbols.sh_type != SHT_SYMTAB)
            continue;
        if (table->symbols.sh_entsize != sizeof(Elf32_Sym))
            return "symbols of the wrong size";
        if (table->symbols.sh_link >= header->e_shnum ||
            !read_section(table->file, header, table->symbols.sh_link, &table->strings))
            return "its symbols have no names";
        if (!is_inside(table->file, &table->symbols) || !is_inside(table->file, &table->strings))
            return "symbols beyond the end of the file";
        table->count = table->symbols.sh_size / sizeof(Elf32_Sym);
        return NULL;
    }
    return "it has no symbols";
}

static bool has_place(const Elf32_Sym *symbol)
{
    u32 type = ELF32_ST_TYPE(symbol->st_info);

    return (type == STT_FUNC || type == STT_OBJECT || type == STT_NOTYPE) &&
           symbol->st_shndx != SHN_UNDEF && symbol->st_value >= MMAP_MIN_ADDR &&
           symbol->st_value < TASK_SIZE;
}

/* False for a name that is longer than ELF_SYMBOL_MAX, or ends beyond the string table. */
static bool read_name(const struct symbol_table *table, const Elf32_Sym *symbol, char *name)
{
    u32 at = symbol->st_name, size = min(table->strings.sh_size - at, (u32)ELF_SYMBOL_MAX);

    return at < table->strings.sh_size &&
           read_at(table->file, table->strings.sh_offset + at, name, size) &&
           strnlen(name, size) < size;
}

/* What is done with each symbol; false: with no more. */
typedef bool (*see_t)(const Elf32_Sym *symbol, const char *name, void *arg);

static int each_symbol(const struct symbol_table *table, see_t see, void *arg)
{
    Elf32_Sym some[SYMBOLS_AT_ONCE];
    char name[ELF_SYMBOL_MAX];

    for (u32 i = 0; i < table->count; i++) {
        u32 at = i % SYMBOLS_AT_ONCE;
        u32 size = min(table->count - i, (u32)SYMBOLS_AT_ONCE) * sizeof(Elf32_Sym);

        if (at == 0) {
            cond_resched();
            if (!read_at(table->file, table->symbols.sh_offset + i * sizeof(Elf32_Sym), some, size))
                return -ENOMEM;
        }
        if (has_place(&some[at]) && read_name(table, &some[at], name) && !see(&some[at], name, arg))
            break;
    }
    return 0;
}

/* The error, or NULL. */
static const char *open_table(struct symbol_table *table)
{
    const char *why = "too short for an ELF header";
    Elf32_Ehdr header;

    if (read_at(table->file, 0, &header, sizeof(header)))
        why = elf_check_header(&header);
    if (!why && header.e_type != ET_EXEC)
        why = "position-independent: its symbols are not addresses";
    if (!why && header.e_shnum > 0 && header.e_shentsize != sizeof(Elf32_Shdr))
        why = "section headers of the wrong size";
    return why ?: find_table(table, &header);
}

/* ---- finding one ---- */

struct search {
    const char *name;
    u32 addr; /* 0: none yet */
};

/* The first global symbol of that name, or the last local one if there is no global one. */
static bool compare(const Elf32_Sym *symbol, const char *name, void *arg)
{
    struct search *search = arg;

    if (strcmp(name, search->name) != 0)
        return true;
    search->addr = symbol->st_value;
    return ELF32_ST_BIND(symbol->st_info) != STB_GLOBAL;
}

int elf_find_symbol(struct address_space *file, const char *name, u32 *addr, const char **why)
{
    struct symbol_table table = {.file = file};
    struct search search = {.name = name};
    int err;

    *why = open_table(&table);
    if (*why)
        return -ENOEXEC;
    err = each_symbol(&table, compare, &search);
    if (err || !search.addr)
        return err ?: -ENOENT;
    *addr = search.addr;
    return 0;
}

/* ---- listing all ---- */

struct names {
    void (*see)(const char *name, void *arg);
    void *arg;
};

static bool see_name(const Elf32_Sym *symbol, const char *name, void *arg)
{
    const struct names *names = arg;

    (void)symbol;
    names->see(name, names->arg);
    return true;
}

void elf_symbol_each(struct address_space *file, void (*see)(const char *name, void *arg),
                     void *arg)
{
    struct symbol_table table = {.file = file};
    struct names names = {.see = see, .arg = arg};

    if (!open_table(&table))
        each_symbol(&table, see_name, &names);
}
