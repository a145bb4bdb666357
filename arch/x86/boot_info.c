/*
 * Reading the boot loader's information block. It comes from outside, so nothing in it is trusted:
 * each tag must lie inside the block, each structure inside its tag, each string must end inside
 * its tag; a block that breaks a rule is refused with a line that names the rule. More entries than
 * there is room for are also refused, because a shortened memory map would be wrong, and a
 * shortened command line might have another meaning. Text that is only printed is cut instead.
 *
 * The parser works on any memory and returns the error as a text, so that a self-test can pass it
 * damaged blocks; boot_info_init() refuses the machine.
 *
 * Everything useful is copied to boot_info. The block lies in RAM that the memory map calls free,
 * but it is completely read before the first page is allocated, so it needs no reservation; modules
 * and the symbol table stay where GRUB put them and are reserved by mm/frame/memory.c.
 */
#include <arch/x86/boot_info.h>
#include <arch/x86/multiboot2.h>
#include <lib/panic.h>
#include <lib/string.h>
#include <linux/elf.h>

#define INFO_MAX (1u << 20) /* a larger block is invalid */

u64 boot_tsc __ro_after_init; /* written by boot.asm, with paging off */
struct boot_info boot_info __ro_after_init;

/* ---- tags: each function returns the error, or NULL ---- */

/* The string behind the tag's first `header` bytes; NULL when it does not end inside the tag. */
static const char *tag_string(const struct multiboot_tag *tag, u32 header)
{
    const char *text = (const char *)tag + header;
    u32 room = tag->size - header;

    return strnlen(text, room) < room ? text : NULL;
}

static const char *read_cmdline(const struct multiboot_tag *tag, struct boot_info *info)
{
    const char *text = tag_string(tag, sizeof(*tag));

    if (!text)
        return "the command line does not end";
    if (strscpy(info->cmdline, text, sizeof(info->cmdline)) < 0)
        return "the command line is too long";
    return NULL;
}

static const char *read_loader(const struct multiboot_tag *tag, struct boot_info *info)
{
    const char *text = tag_string(tag, sizeof(*tag));

    if (!text)
        return "the boot loader's name does not end";
    strscpy(info->loader, text, sizeof(info->loader));
    return NULL;
}

static const char *read_module(const struct multiboot_tag *tag, struct boot_info *info)
{
    const struct multiboot_tag_module *in = (const void *)tag;
    const char *text;

    if (tag->size < sizeof(*in))
        return "a module's tag is too short";
    text = tag_string(tag, sizeof(*in));
    if (!text)
        return "a module's text does not end";
    if (in->mod_end < in->mod_start)
        return "a module ends before it starts";
    if (info->module_count == BOOT_MODULES_MAX)
        return "there are too many modules";
    info->modules[info->module_count++] =
        (struct boot_module){in->mod_start, in->mod_end, strcmp(text, BOOT_MODULE_FAILED) == 0};
    return NULL;
}

static const char *read_mmap(const struct multiboot_tag *tag, struct boot_info *info)
{
    const struct multiboot_tag_mmap *in = (const void *)tag;

    if (tag->size < sizeof(*in))
        return "the memory map's tag is too short";
    u32 size = tag->size - sizeof(*in), step = in->entry_size;

    if (step < sizeof(struct multiboot_mmap_entry) || !IS_ALIGNED(step, 8))
        return "the memory map's entries have an impossible size";
    if (size % step)
        return "the memory map's last entry is cut off";
    for (u32 at = 0; at < size; at += step) {
        const struct multiboot_mmap_entry *entry = (const void *)(in->entries + at);
        u64 end = entry->addr + entry->len;

        if (end == 0 && entry->len)
            end = ~0ull; /* 2^64 does not fit; half a page at the end is not a page */
        if (end < entry->addr)
            return "a range of the memory map wraps around";
        if (info->memory_count == BOOT_MEMORY_MAX)
            return "the memory map has too many ranges";
        info->memory[info->memory_count++] = (struct boot_range){entry->addr, end, entry->type};
    }
    return NULL;
}

static const char *read_symtab(const Elf32_Shdr *sections, u32 num, const Elf32_Shdr *symtab,
                               struct boot_info *info)
{
    const Elf32_Shdr *strtab;

    if (symtab->sh_link >= num)
        return "the symbol table names no section for its strings";
    strtab = &sections[symtab->sh_link];
    if (symtab->sh_addr + symtab->sh_size < symtab->sh_addr)
        return "the symbol table wraps around";
    if (strtab->sh_addr + strtab->sh_size < strtab->sh_addr)
        return "the symbols' strings wrap around";
    info->symtab = symtab->sh_addr;
    info->symtab_end = symtab->sh_addr + symtab->sh_size;
    info->strtab = strtab->sh_addr;
    info->strtab_end = strtab->sh_addr + strtab->sh_size;
    return NULL;
}

/*
 * Find the symbol table and the strings it names. Without them the kernel runs, but backtraces have
 * no names.
 */
static const char *read_elf_sections(const struct multiboot_tag *tag, struct boot_info *info)
{
    const struct multiboot_tag_elf_sections *in = (const void *)tag;
    const Elf32_Shdr *sections = (const void *)in->sections;
    const char *wrong = NULL;

    if (tag->size < sizeof(*in))
        return "the section headers' tag is too short";
    if (in->entsize != sizeof(Elf32_Shdr))
        return "the section headers are not those of ELF32";
    if (in->num > (tag->size - sizeof(*in)) / sizeof(Elf32_Shdr))
        return "there are fewer section headers than the tag says";
    for (u32 i = 0; i < in->num && !wrong; i++) {
        if (sections[i].sh_type == SHT_SYMTAB)
            wrong = read_symtab(sections, in->num, &sections[i], info);
    }
    return wrong;
}

static const char *read_tag(const struct multiboot_tag *tag, struct boot_info *info)
{
    switch (tag->type) {
    case MULTIBOOT_TAG_CMDLINE:
        return read_cmdline(tag, info);
    case MULTIBOOT_TAG_LOADER_NAME:
        return read_loader(tag, info);
    case MULTIBOOT_TAG_MODULE:
        return read_module(tag, info);
    case MULTIBOOT_TAG_MMAP:
        return read_mmap(tag, info);
    case MULTIBOOT_TAG_ELF_SECTIONS:
        return read_elf_sections(tag, info);
    default:
        return NULL;
    }
}

/* ---- the block ---- */

const char *boot_info_parse(const struct multiboot_info *block, struct boot_info *info)
{
    const char *wrong = NULL;
    u32 size = block->total_size;

    memset(info, 0, sizeof(*info));
    if (size > INFO_MAX)
        return "it is too large";
    for (u32 at = sizeof(*block); !wrong;) {
        const struct multiboot_tag *tag = (const void *)((const char *)block + at);

        if (at + sizeof(*tag) > size)
            return "it has no end tag";
        if (tag->type == MULTIBOOT_TAG_END)
            return info->memory_count ? NULL : "it has no memory map";
        if (tag->size < sizeof(*tag))
            return "a tag is shorter than its own header";
        if (tag->size > size - at)
            return "a tag does not fit";
        wrong = read_tag(tag, info);
        at = ALIGN_UP(at + tag->size, 8);
    }
    return wrong;
}

void boot_info_init(u32 magic, phys_addr_t address)
{
    const char *wrong;

    if (magic != MULTIBOOT2_BOOTLOADER_MAGIC)
        boot_refuse("it was not loaded by a multiboot2 boot loader (EAX is 0x%08x).", magic);
    if (address % 8 || address >= BOOT_MAP_SIZE - INFO_MAX)
        boot_refuse("the boot loader's information block lies at 0x%08x.", address);
    wrong = boot_info_parse(phys_to_virt(address), &boot_info);
    if (wrong)
        boot_refuse("boot information: %s.", wrong);
}

/* ---- options ---- */

/* Length of the word at `text`. */
static size_t word_length(const char *text)
{
    size_t length = 0;

    while (text[length] && text[length] != ' ')
        length++;
    return length;
}

const char *boot_option(const char *name, char *buf, size_t size)
{
    size_t name_length = strlen(name), length;
    const char *found = NULL;

    for (const char *word = boot_info.cmdline; *word; word += max(word_length(word), (size_t)1)) {
        if (strncmp(word, name, name_length) == 0 && word[name_length] == '=')
            found = word + name_length + 1;
    }
    if (!found)
        return NULL;
    length = min(word_length(found), size - 1);
    memcpy(buf, found, length);
    buf[length] = '\0';
    return buf;
}
