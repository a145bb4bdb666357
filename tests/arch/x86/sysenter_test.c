/*
 * The second way into the kernel, and the vDSO. The tests in ring 3 are user/tests/sysenter_test.c
 * and user/tests/entry_test.c.
 */
#include "tests/kernel/process/run.h"
#include <arch/x86/cpu.h>
#include <arch/x86/vdso.h>
#include <linux/elf.h>

/* Where the processor has sysenter, the vDSO uses it. */
KTEST(sysenter, program)
{
    if (cpu_features.sep)
        expect_passes("sysenter_test", "sysenter");
    else
        expect_passes("sysenter_test");
}

KTEST(sysenter, vdso_fits_the_processor)
{
    static const u8 code[] = {0x89, 0xe5, 0x0f, 0x34, 0xcd, 0x80};
    const u8 *lands = vdso_image + vdso_sysenter_return;

    expect_eq(memcmp(lands - sizeof(code), code, sizeof(code)) == 0, cpu_features.sep);
    expect(lands[-2] == 0xcd && lands[-1] == 0x80); /* a call is restarted there */
    expect_none(cpu_check());
}

KTEST(sysenter, vdso_is_one_page)
{
    const Elf32_Ehdr *header = (const Elf32_Ehdr *)vdso_image;

    expect((u32)(vdso_image_end - vdso_image) <= PAGE_SIZE);
    expect_eq(header->e_ident[1], 'E');
    expect_eq(header->e_entry, vdso_vsyscall);
    expect_eq(header->e_shoff + header->e_shnum * header->e_shentsize,
              (u32)(vdso_image_end - vdso_image));
}
