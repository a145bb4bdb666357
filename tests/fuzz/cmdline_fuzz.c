/*
 * The kernel's command line: kernel/cmdline.c reports what is unknown, boot_option() and memparse()
 * read the rest. The line is cut to its room, as the boot loader's tag is refused if it is longer.
 */
#include "tests/fuzz/fuzz.h"
#include <arch/x86/boot_info.h>
#include <kernel/kernel.h>
#include <lib/kstrtox.h>

static void read_option(const char *name, size_t room)
{
    char value[BOOT_CMDLINE_MAX], *end;

    if (!boot_option(name, value, room))
        return;
    assert(strlen(value) < room && !strchr(value, ' '));
    memparse(value, &end);
    assert(end >= value && end <= value + strlen(value));
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    size = min(size, sizeof(boot_info.cmdline) - 1);
    memcpy(boot_info.cmdline, fuzz_copy(data, &size, 1), size);
    boot_info.cmdline[size] = '\0';
    cmdline_check();
    read_option("mem", BOOT_CMDLINE_MAX);
    read_option("ktest", 8);
    read_option("vmalloc", 1);
    return 0;
}
