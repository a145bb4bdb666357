/*
 * Fills memblock from the boot loader's memory map: which physical pages are RAM, which of them are
 * taken, and how the command line changes that. Everything that lives in RAM the map calls free is
 * reserved here, before the first allocation: the kernel image, GRUB's modules, the symbol table.
 * Everything the loader left is mapped, at any address. The first 64 KiB are reserved, as on Linux:
 * some firmware writes there without declaring it, and then no allocated frame has the physical
 * address 0.
 */
#include <arch/x86/boot_info.h>
#include <arch/x86/sections.h>
#include <lib/kstrtox.h>
#include <lib/panic.h>
#include <lib/printk.h>
#include <mm/frame/memblock.h>
#include <mm/frame/page.h>

#define FIRMWARE_LOW_END KIB(64)

#define RAM_USABLE 1 /* the type of the memory map (Multiboot2 Specification 2.0, 3.6.8) */

/* The size after `name=`, 0 when it is missing or is not a valid size. At most `most`. */
static u64 size_option(const char *name, u64 most)
{
    char text[32], *end;
    u64 size;

    if (!boot_option(name, text, sizeof(text)))
        return 0;
    size = memparse(text, &end);
    if (end == text || *end || size == 0 || size > most) {
        printk("%s=%s is not a valid size: ignored.\n", name, text);
        return 0;
    }
    return size;
}

/* Reserve a range that the loader has filled. */
static void reserve_loaded(phys_addr_t start, phys_addr_t end, const char *name)
{
    memblock_reserve(start, end, name);
    if (start < end)
        memblock_map(start, end);
}

static void reserve_what_is_there(void)
{
    memblock_reserve(0, PAGE_SIZE, "page 0");
    memblock_reserve(PAGE_SIZE, FIRMWARE_LOW_END, "low memory");
    memblock_reserve((u32)__boot_start, virt_to_phys(__kernel_end), MEMBLOCK_IMAGE);
    reserve_loaded(boot_info.symtab, boot_info.symtab_end, "symbols");
    reserve_loaded(boot_info.strtab, boot_info.strtab_end, "symbols");
    for (u32 i = 0; i < boot_info.module_count; i++)
        reserve_loaded(boot_info.modules[i].start, boot_info.modules[i].end, "module");
}

void memory_init(void)
{
    char text[32];
    u64 limit;

    for (u32 i = 0; i < boot_info.memory_count; i++) {
        const struct boot_range *range = &boot_info.memory[i];

        if (range->type == RAM_USABLE)
            memblock_add(range->start, range->end);
        else
            memblock_reserve(range->start, range->end, "firmware");
    }
    limit = size_option("mem", ~0ull);
    if (limit && limit < RAM_MIN)
        printk("mem=%s is less than %u MiB: ignored.\n", boot_option("mem", text, sizeof(text)),
               RAM_MIN >> 20);
    else if (limit)
        memblock_limit(limit);
    if (memblock_ram_end() < RAM_MIN - RAM_MIN_SLACK)
        boot_refuse("%u MiB of RAM are needed, this machine has %u KiB.", RAM_MIN >> 20,
                    memblock_ram_end() >> 10);
    reserve_what_is_there();
    layout_init(memblock_ram_end(), size_option("vmalloc", ~0u), size_option("lowmem", ~0u));
}

/* Usable RAM in [start, end), in kB. */
static u64 ram_kb(u64 start, u64 end)
{
    const struct memblock_range *range;
    u64 bytes = 0;

    for (u32 i = 0; (range = memblock_usable(i)); i++) {
        u64 from = max(range->start, start), to = min(range->end, end);

        if (from < to)
            bytes += to - from;
    }
    return bytes >> 10;
}

u64 ram_low_kb(void)
{
    return ram_kb(0, lowmem_size);
}

u64 ram_high_kb(void)
{
    return ram_kb(lowmem_size, (u64)max_pfn << PAGE_SHIFT);
}
