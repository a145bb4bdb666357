/*
 * arch/x86/boot_info.c: the boot loader's information block. The first word, its size, is that of
 * the input, as the parser may read that much.
 */
#include "tests/fuzz/fuzz.h"
#include <arch/x86/boot_info.h>
#include <arch/x86/multiboot2.h>

static void check_info(const struct boot_info *info)
{
    assert(strnlen(info->cmdline, sizeof(info->cmdline)) < sizeof(info->cmdline));
    assert(strnlen(info->loader, sizeof(info->loader)) < sizeof(info->loader));
    assert(info->memory_count > 0 && info->memory_count <= BOOT_MEMORY_MAX);
    assert(info->module_count <= BOOT_MODULES_MAX);
    for (u32 i = 0; i < info->memory_count; i++)
        assert(info->memory[i].start <= info->memory[i].end);
    for (u32 i = 0; i < info->module_count; i++)
        assert(info->modules[i].start <= info->modules[i].end);
    assert(info->symtab <= info->symtab_end && info->strtab <= info->strtab_end);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    static struct boot_info info;
    struct multiboot_info *block = (void *)fuzz_copy(data, &size, 8);
    const char *wrong;

    if (size < sizeof(*block))
        return 0;
    block->total_size = size;
    wrong = boot_info_parse(block, &info);
    if (wrong)
        fuzz_read(wrong, strlen(wrong));
    else
        check_info(&info);
    return 0;
}
