/*
 * The boot loader's information block, valid and damaged. A block with one tag of each kind is made
 * in memory, damaged in one place, and parsed where its last byte is the last one of a vmalloc
 * area: a read past its end hits the guard page.
 */
#include <arch/x86/boot_info.h>
#include <arch/x86/multiboot2.h>
#include <kernel/monitor/ktest.h>
#include <lib/random.h>
#include <lib/string.h>
#include <linux/elf.h>
#include <mm/kva/vmalloc.h>

#define BLOCK_MAX 8192
#define CMDLINE   "mem=16M ktest=x"
#define OUTSIDE   "it reads outside of the block"

static struct {
    union {
        struct multiboot_info header;
        u8 bytes[BLOCK_MAX];
    } __attribute__((aligned(8)));
    struct multiboot_tag *cmdline, *loader, *end;
    struct multiboot_tag_module *module;
    struct multiboot_tag_mmap *mmap;
    struct multiboot_tag_elf_sections *elf;
} block;

static struct boot_info parsed;

/* ---- a block ---- */

static void *add_tag(u32 type, u32 size)
{
    struct multiboot_tag *tag = (void *)(block.bytes + block.header.total_size);

    tag->type = type;
    tag->size = size;
    block.header.total_size += ALIGN_UP(size, 8);
    return tag;
}

static struct multiboot_tag *add_text(u32 type, const char *text)
{
    struct multiboot_tag *tag = add_tag(type, sizeof(*tag) + strlen(text) + 1);

    memcpy(tag + 1, text, strlen(text) + 1);
    return tag;
}

static void add_module(u32 start, u32 end, const char *text)
{
    block.module = add_tag(MULTIBOOT_TAG_MODULE, sizeof(*block.module) + strlen(text) + 1);
    block.module->mod_start = start;
    block.module->mod_end = end;
    memcpy(block.module->string, text, strlen(text) + 1);
}

static struct multiboot_mmap_entry *mmap_entry(u32 i)
{
    return (void *)(block.mmap->entries + i * block.mmap->entry_size);
}

/* `count` ranges of 64 KiB from 0 up. */
static void add_mmap(u32 count, u32 entry_size)
{
    block.mmap = add_tag(MULTIBOOT_TAG_MMAP, sizeof(*block.mmap) + count * entry_size);
    block.mmap->entry_size = entry_size;
    for (u32 i = 0; i < count; i++)
        *mmap_entry(i) = (struct multiboot_mmap_entry){.addr = i << 16, .len = 1 << 16, .type = 1};
}

static Elf32_Shdr *section(u32 i)
{
    return (Elf32_Shdr *)block.elf->sections + i;
}

static void add_sections(void)
{
    block.elf = add_tag(MULTIBOOT_TAG_ELF_SECTIONS, sizeof(*block.elf) + 3 * sizeof(Elf32_Shdr));
    block.elf->num = 3;
    block.elf->entsize = sizeof(Elf32_Shdr);
    *section(1) =
        (Elf32_Shdr){.sh_type = SHT_SYMTAB, .sh_addr = 0x300000, .sh_size = 0x1000, .sh_link = 2};
    *section(2) = (Elf32_Shdr){.sh_type = SHT_STRTAB, .sh_addr = 0x302000, .sh_size = 0x800};
}

static void begin(void)
{
    memset(&block, 0, sizeof(block));
    block.header.total_size = sizeof(block.header);
}

static void end(void)
{
    block.end = add_tag(MULTIBOOT_TAG_END, sizeof(*block.end));
}

/* One tag of each kind, one of an unknown kind. */
static void make_block(void)
{
    begin();
    block.cmdline = add_text(MULTIBOOT_TAG_CMDLINE, CMDLINE);
    add_tag(0x7777, 13);
    block.loader = add_text(MULTIBOOT_TAG_LOADER_NAME, "a boot loader");
    add_module(0x200000, 0x234567, "initramfs");
    add_mmap(3, sizeof(struct multiboot_mmap_entry));
    add_sections();
    end();
}

/* ---- parsing it ---- */

/* Parse the first `size` bytes of the block with nothing after them. */
static const char *parse_part(u32 size)
{
    u32 room = PAGE_ALIGN(size);
    u8 *memory = vmalloc(room), *at = memory + room - size;
    struct fault_probe probe;
    const char *wrong;

    if (!expect(memory != NULL))
        return NULL;
    memcpy(at, block.bytes, size);
    if (fault_probe_set(&probe) == 0) {
        wrong = boot_info_parse((const struct multiboot_info *)at, &parsed);
        fault_probe_clear(&probe);
    } else {
        wrong = OUTSIDE;
    }
    vfree(memory);
    return wrong;
}

static const char *parse(void)
{
    return parse_part(block.header.total_size);
}

static void expect_sound(void)
{
    const char *wrong = parse();

    if (wrong)
        ktest_fail(__FILE__, __LINE__, "a sound block was refused: %s", wrong);
}

#define expect_refused(why)                                                                        \
    ({                                                                                             \
        const char *wrong_ = parse();                                                              \
        if (!wrong_ || strcmp(wrong_, why) != 0)                                                   \
            ktest_fail(__FILE__, __LINE__, "expected \"%s\", got \"%s\"", why,                     \
                       wrong_ ? wrong_ : "no complaint");                                          \
    })

/* Refused, for exactly this reason, with one field of a valid block changed. */
#define expect_refused_with(field, value, why)                                                     \
    ({                                                                                             \
        make_block();                                                                              \
        (field) = (value);                                                                         \
        expect_refused(why);                                                                       \
    })

/* ---- valid blocks ---- */

KTEST(boot_info, sound_block)
{
    make_block();
    expect_sound();
    expect_str_eq(parsed.cmdline, CMDLINE);
    expect_str_eq(parsed.loader, "a boot loader");
    expect_eq(parsed.module_count, 1);
    expect_eq(parsed.modules[0].start, 0x200000);
    expect_eq(parsed.modules[0].end, 0x234567);
    expect_eq(parsed.memory_count, 3);
    expect(parsed.memory[2].start == 0x20000 && parsed.memory[2].end == 0x30000);
    expect_eq(parsed.memory[2].type, 1);
    expect_eq(parsed.symtab, 0x300000);
    expect_eq(parsed.symtab_end, 0x301000);
    expect_eq(parsed.strtab, 0x302000);
    expect_eq(parsed.strtab_end, 0x302800);
}

KTEST(boot_info, nothing_is_left_of_the_block_before)
{
    make_block();
    expect_sound();
    begin();
    add_mmap(1, sizeof(struct multiboot_mmap_entry));
    end();
    expect_sound();
    expect_eq(parsed.memory_count, 1);
    expect_eq(parsed.module_count, 0);
    expect_eq(parsed.cmdline[0] | parsed.loader[0], 0);
    expect_eq(parsed.symtab_end | parsed.strtab_end, 0);
}

/* A range may end at the end of all addresses. */
KTEST(boot_info, range_up_to_the_last_address)
{
    begin();
    add_mmap(3, sizeof(struct multiboot_mmap_entry));
    end();
    mmap_entry(2)->addr = 0xfffffffffff00000;
    mmap_entry(2)->len = 0x100000;
    expect_sound();
    expect(parsed.memory[2].start == 0xfffffffffff00000 && parsed.memory[2].end == ~0ull);
}

/* A later version of the format may have longer entries. */
KTEST(boot_info, longer_entries)
{
    begin();
    add_mmap(4, 40);
    end();
    expect_sound();
    expect_eq(parsed.memory_count, 4);
    expect(parsed.memory[3].start == 0x30000 && parsed.memory[3].end == 0x40000);
}

/* Texts that are only printed, or not used, do not stop a boot by their length. */
KTEST(boot_info, long_texts)
{
    static char text[1000];

    memset(text, 'x', sizeof(text) - 1);
    begin();
    add_text(MULTIBOOT_TAG_LOADER_NAME, text);
    add_module(0x200000, 0x200000, text);
    add_mmap(1, sizeof(struct multiboot_mmap_entry));
    end();
    expect_sound();
    expect_eq(strlen(parsed.loader), sizeof(parsed.loader) - 1);
    expect_eq(parsed.module_count, 1);
}

/* ---- damaged blocks ---- */

KTEST(boot_info, damaged_total_size)
{
    u32 size;

    make_block();
    size = block.header.total_size;
    block.header.total_size = (1 << 20) + 1;
    expect_str_eq(parse_part(size), "it is too large");
    block.header.total_size = 0xffffffff;
    expect_str_eq(parse_part(size), "it is too large");
    for (block.header.total_size = 0; block.header.total_size < size; block.header.total_size++) {
        const char *wrong = parse_part(max(block.header.total_size, (u32)sizeof(block.header)));

        if (!expect(wrong && strcmp(wrong, OUTSIDE) != 0))
            break;
    }
    block.header.total_size = size - 1;
    expect_refused("it has no end tag");
    block.header.total_size = size - sizeof(struct multiboot_tag);
    expect_refused("it has no end tag");
}

KTEST(boot_info, damaged_tag_size)
{
    static const u32 small[] = {0, 1, 7}, large[] = {0x1000, 0x7fffffff, 0xfffffff8, 0xffffffff};
    u32 rest;

    for (u32 i = 0; i < ARRAY_SIZE(small); i++)
        expect_refused_with(block.cmdline->size, small[i], "a tag is shorter than its own header");
    for (u32 i = 0; i < ARRAY_SIZE(large); i++)
        expect_refused_with(block.cmdline->size, large[i], "a tag does not fit");
    make_block();
    rest = block.header.total_size - ((u8 *)block.elf - block.bytes);
    block.elf->tag.size = rest + 1;
    expect_refused("a tag does not fit");
    expect_refused_with(block.elf->tag.size, rest, "it has no end tag");
    expect_refused_with(block.end->type, 0x7777, "it has no end tag");
}

/* Each kind of tag, truncated before the end of its fixed part, as the last one of its block. */
KTEST(boot_info, tags_too_short)
{
    static const struct {
        u32 type, header;
        const char *why;
    } kinds[] = {
        {MULTIBOOT_TAG_MODULE, sizeof(struct multiboot_tag_module), "a module's tag is too short"},
        {MULTIBOOT_TAG_MMAP, sizeof(struct multiboot_tag_mmap),
         "the memory map's tag is too short"},
        {MULTIBOOT_TAG_ELF_SECTIONS, sizeof(struct multiboot_tag_elf_sections),
         "the section headers' tag is too short"},
    };

    for (u32 i = 0; i < ARRAY_SIZE(kinds); i++) {
        for (u32 size = sizeof(struct multiboot_tag); size < kinds[i].header; size++) {
            begin();
            add_tag(kinds[i].type, size);
            block.header.total_size = sizeof(block.header) + size; /* without its padding */
            expect_refused(kinds[i].why);
        }
    }
}

KTEST(boot_info, texts_without_end)
{
    const char *why = "the command line does not end";

    expect_refused_with(block.cmdline->size, sizeof(struct multiboot_tag), why);
    expect_refused_with(block.cmdline->size, block.cmdline->size - 1, why);
    expect_refused_with(block.loader->size, block.loader->size - 1,
                        "the boot loader's name does not end");
    expect_refused_with(block.module->tag.size, block.module->tag.size - 1,
                        "a module's text does not end");
    expect_refused_with(block.module->tag.size, sizeof(*block.module),
                        "a module's text does not end");
    begin();
    block.cmdline = add_text(MULTIBOOT_TAG_CMDLINE, "123456789012345");
    ((char *)(block.cmdline + 1))[15] = 'x'; /* the last byte of the block */
    expect_refused(why);
}

KTEST(boot_info, command_line_too_long)
{
    static char text[BOOT_CMDLINE_MAX + 1];

    memset(text, 'x', BOOT_CMDLINE_MAX - 1);
    begin();
    add_text(MULTIBOOT_TAG_CMDLINE, text);
    add_mmap(1, sizeof(struct multiboot_mmap_entry));
    end();
    expect_sound();
    expect_str_eq(parsed.cmdline, text);
    text[BOOT_CMDLINE_MAX - 1] = 'x';
    begin();
    add_text(MULTIBOOT_TAG_CMDLINE, text);
    end();
    expect_refused("the command line is too long");
}

KTEST(boot_info, damaged_module)
{
    expect_refused_with(block.module->mod_end, 0x1fffff, "a module ends before it starts");
    expect_refused_with(block.module->mod_start, 0xffffffff, "a module ends before it starts");
    make_block();
    block.module->mod_end = block.module->mod_start;
    expect_sound();
}

KTEST(boot_info, too_many_modules)
{
    for (u32 count = BOOT_MODULES_MAX; count <= BOOT_MODULES_MAX + 1; count++) {
        begin();
        for (u32 i = 0; i < count; i++)
            add_module(i << 20, i << 20, "");
        add_mmap(1, sizeof(struct multiboot_mmap_entry));
        end();
        if (count == BOOT_MODULES_MAX)
            expect_sound();
        else
            expect_refused("there are too many modules");
    }
}

KTEST(boot_info, damaged_memory_map)
{
    static const u32 impossible[] = {0, 8, 16, 23, 25, 28, 0xffffffff};
    const char *wraps = "a range of the memory map wraps around";

    for (u32 i = 0; i < ARRAY_SIZE(impossible); i++)
        expect_refused_with(block.mmap->entry_size, impossible[i],
                            "the memory map's entries have an impossible size");
    expect_refused_with(block.mmap->entry_size, 32, "the memory map's last entry is cut off");
    expect_refused_with(block.mmap->entry_size, 0x80000000,
                        "the memory map's last entry is cut off");
    expect_refused_with(block.mmap->tag.size, block.mmap->tag.size - 1,
                        "the memory map's last entry is cut off");
    expect_refused_with(block.mmap->tag.size, block.mmap->tag.size - 23,
                        "the memory map's last entry is cut off");
    expect_refused_with(mmap_entry(2)->len, ~0ull, wraps);
    expect_refused_with(mmap_entry(0)->addr, ~0ull, wraps);
    expect_refused_with(block.mmap->tag.type, 0x7777, "it has no memory map");
    begin();
    add_mmap(0, 24);
    end();
    expect_refused("it has no memory map");
}

KTEST(boot_info, too_many_ranges)
{
    begin();
    add_mmap(BOOT_MEMORY_MAX, sizeof(struct multiboot_mmap_entry));
    end();
    expect_sound();
    expect_eq(parsed.memory_count, BOOT_MEMORY_MAX);
    begin();
    add_mmap(BOOT_MEMORY_MAX + 1, sizeof(struct multiboot_mmap_entry));
    end();
    expect_refused("the memory map has too many ranges");
    /* Two maps are used as one. */
    begin();
    add_mmap(BOOT_MEMORY_MAX, sizeof(struct multiboot_mmap_entry));
    add_mmap(1, sizeof(struct multiboot_mmap_entry));
    end();
    expect_refused("the memory map has too many ranges");
}

KTEST(boot_info, damaged_sections)
{
    const char *fewer = "there are fewer section headers than the tag says";
    const char *kind = "the section headers are not those of ELF32";

    expect_refused_with(block.elf->entsize, 0, kind);
    expect_refused_with(block.elf->entsize, sizeof(Elf64_Shdr), kind);
    expect_refused_with(block.elf->num, 4, fewer);
    expect_refused_with(block.elf->num, 0x66666667, fewer); /* times 40 it is 24 in 32 bits */
    expect_refused_with(block.elf->num, 0xffffffff, fewer);
    expect_refused_with(block.elf->tag.size, block.elf->tag.size - 1, fewer);
    expect_refused_with(section(1)->sh_link, 3,
                        "the symbol table names no section for its strings");
    expect_refused_with(section(1)->sh_link, 0xffffffff,
                        "the symbol table names no section for its strings");
    expect_refused_with(section(1)->sh_size, 0u - 0x2fffff, "the symbol table wraps around");
    expect_refused_with(section(2)->sh_addr, 0xfffff900, "the symbols' strings wrap around");
    make_block();
    section(1)->sh_type = SHT_PROGBITS; /* a kernel without symbols */
    expect_sound();
    expect_eq(parsed.symtab_end, 0);
}

/* With any damage: nothing outside is read, and the accepted values are valid. */
KTEST(boot_info, random_damage)
{
    struct rnd_state random;
    u32 refused = 0;

    prandom_seed_state(&random, 5);
    for (u32 round = 0; round < 3000; round++) {
        u32 size, at;
        const char *wrong;

        make_block();
        size = block.header.total_size;
        for (u32 i = 0; i <= round % 3; i++) {
            at = prandom_u32_state(&random) % (size - 8) + 8;
            block.bytes[at] = prandom_u32_state(&random) & prandom_u32_state(&random);
        }
        wrong = parse_part(size);
        refused += wrong != NULL;
        if (!expect(!wrong || strcmp(wrong, OUTSIDE) != 0))
            return;
        expect(parsed.memory_count <= BOOT_MEMORY_MAX && parsed.module_count <= BOOT_MODULES_MAX);
    }
    expect(refused > 100);
}
