/*
 * Reading what the boot loader left. The block comes from outside, so nothing in it is believed:
 * each tag must lie inside the block, each structure inside its tag, each string must end inside
 * its tag; a block that breaks a rule is refused with a line that says which. More entries than
 * there is room for are refused too, because a shortened memory map would be a wrong one.
 *
 * Everything useful is copied to boot_info. The block lies in RAM that the memory map calls free,
 * but it is read to its end before the first page is given out, so it needs no reservation; modules
 * and the symbol table stay where GRUB put them and are reserved by mm/memory.c.
 */
#include <arch/x86/boot_info.h>
#include <arch/x86/cpu.h>
#include <arch/x86/multiboot2.h>
#include <lib/printk.h>
#include <lib/string.h>
#include <linux/elf.h>

#define INFO_MAX (1u << 20) /* a larger block is nonsense */

struct boot_info boot_info __ro_after_init;

void boot_refuse(const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    printk("Attic cannot start: ");
    vprintk(fmt, args);
    printk("\n");
    va_end(args);
    machine_exit(MACHINE_REFUSE);
}

static void need(bool ok, const struct multiboot_tag *tag, const char *what)
{
    if (!ok)
        boot_refuse("the boot loader's tag of type %u is damaged: %s.", tag->type, what);
}

static u32 payload(const struct multiboot_tag *tag, u32 header)
{
    need(tag->size >= header, tag, "it is too short");
    return tag->size - header;
}

/* Copy a string that must end within `room` bytes of the tag. */
static void copy_string(const struct multiboot_tag *tag, char *to, u32 to_size, const char *from,
                        u32 room)
{
    u32 length = strnlen(from, room);

    need(length < room, tag, "its text does not end");
    need(length < to_size, tag, "its text is too long");
    memcpy(to, from, length + 1);
}

static void read_text(const struct multiboot_tag *tag, char *to, u32 to_size)
{
    copy_string(tag, to, to_size, (const char *)(tag + 1), payload(tag, sizeof(*tag)));
}

static void read_module(const struct multiboot_tag *tag)
{
    const struct multiboot_tag_module *in = (const void *)tag;
    u32 room = payload(tag, sizeof(*in));
    struct boot_module *module;

    need(in->mod_start <= in->mod_end, tag, "the module ends before it starts");
    if (boot_info.module_count == BOOT_MODULES_MAX)
        boot_refuse("more than %u modules.", BOOT_MODULES_MAX);
    module = &boot_info.modules[boot_info.module_count++];
    module->start = in->mod_start;
    module->end = in->mod_end;
    copy_string(tag, module->cmdline, sizeof(module->cmdline), in->string, room);
}

static void read_mmap(const struct multiboot_tag *tag)
{
    const struct multiboot_tag_mmap *in = (const void *)tag;
    u32 room = payload(tag, sizeof(*in));

    need(in->entry_size >= sizeof(struct multiboot_mmap_entry), tag, "its entries are too short");
    for (u32 at = 0; at + in->entry_size <= room; at += in->entry_size) {
        const struct multiboot_mmap_entry *entry = (const void *)(in->entries + at);

        need(entry->addr + entry->len >= entry->addr, tag, "a range wraps around");
        if (boot_info.memory_count == BOOT_MEMORY_MAX)
            boot_refuse("a memory map of more than %u ranges.", BOOT_MEMORY_MAX);
        boot_info.memory[boot_info.memory_count++] =
            (struct boot_range){entry->addr, entry->addr + entry->len, entry->type};
    }
}

/*
 * Find the symbol table and the strings it names. Without them the kernel runs, only backtraces
 * have no names.
 */
static void read_elf_sections(const struct multiboot_tag *tag)
{
    const struct multiboot_tag_elf_sections *in = (const void *)tag;
    u32 room = payload(tag, sizeof(*in));

    need(in->entsize == sizeof(Elf32_Shdr), tag, "its entries are not ELF32 section headers");
    need(in->num <= room / sizeof(Elf32_Shdr), tag, "it has fewer section headers than it says");
    const Elf32_Shdr *sections = (const void *)in->sections;

    for (u32 i = 0; i < in->num; i++) {
        const Elf32_Shdr *symtab = &sections[i];

        if (symtab->sh_type != SHT_SYMTAB || symtab->sh_link >= in->num)
            continue;
        const Elf32_Shdr *strtab = &sections[symtab->sh_link];

        if (symtab->sh_addr + symtab->sh_size < symtab->sh_addr ||
            strtab->sh_addr + strtab->sh_size < strtab->sh_addr)
            continue;
        boot_info.symtab = symtab->sh_addr;
        boot_info.symtab_end = symtab->sh_addr + symtab->sh_size;
        boot_info.strtab = strtab->sh_addr;
        boot_info.strtab_end = strtab->sh_addr + strtab->sh_size;
    }
}

static void read_tag(const struct multiboot_tag *tag)
{
    switch (tag->type) {
    case MULTIBOOT_TAG_CMDLINE:
        read_text(tag, boot_info.cmdline, sizeof(boot_info.cmdline));
        break;
    case MULTIBOOT_TAG_LOADER_NAME:
        read_text(tag, boot_info.loader, sizeof(boot_info.loader));
        break;
    case MULTIBOOT_TAG_MODULE:
        read_module(tag);
        break;
    case MULTIBOOT_TAG_MMAP:
        read_mmap(tag);
        break;
    case MULTIBOOT_TAG_ELF_SECTIONS:
        read_elf_sections(tag);
        break;
    }
}

/* Every tag up to the end tag. */
static void read_block(const struct multiboot_info *info)
{
    const char *start = (const char *)info;
    u32 at = sizeof(*info);

    for (;;) {
        const struct multiboot_tag *tag = (const void *)(start + at);

        if (at + sizeof(*tag) > info->total_size)
            boot_refuse("the boot loader's information block has no end tag.");
        if (tag->type == MULTIBOOT_TAG_END)
            return;
        if (tag->size < sizeof(*tag) || tag->size > info->total_size - at)
            boot_refuse("the boot loader's tag of type %u does not fit its block.", tag->type);
        read_tag(tag);
        at = ALIGN_UP(at + tag->size, 8);
    }
}

void boot_info_init(u32 magic, phys_addr_t address)
{
    const struct multiboot_info *info;

    if (magic != MULTIBOOT2_BOOTLOADER_MAGIC)
        boot_refuse("it was not loaded by a multiboot2 boot loader (EAX is %08x).", magic);
    if (address % 8 || address >= BOOT_MAP_SIZE - INFO_MAX)
        boot_refuse("the boot loader's information block lies at %08x.", address);
    info = phys_to_virt(address);
    if (info->total_size > INFO_MAX)
        boot_refuse("the boot loader's information block claims %u bytes.", info->total_size);
    read_block(info);
    if (boot_info.memory_count == 0)
        boot_refuse("the boot loader gave no memory map.");
}

/* Length of the word that starts here. */
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
