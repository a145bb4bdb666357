/*
 * Thread-local segments: user/tests/tls_test.c tests them in ring 3; this file checks that nothing
 * of them is left behind.
 */
#include "tests/kernel/process/run.h"
#include <arch/x86/gdt.h>
#include <arch/x86/usersegs.h>

KTEST(tls, program)
{
    expect_passes("tls_test");
    expect_eq(read_fs(), 0);
    expect_eq(read_gs(), 0);
    for (u32 i = GDT_ENTRY_TLS_MIN; i <= GDT_ENTRY_TLS_MAX; i++)
        expect(gdt[i] == 0);
}

/*
 * Invalid selectors: beyond the table, the TSS, an empty slot, a local descriptor, the kernel's
 * code.
 */
KTEST(tls, bad_selectors_become_0)
{
    static const u16 bad[] = {0xffff, 0x83, 0x33, 0x07, 0x63, 0xfb, 0x100};

    for (u32 i = 0; i < ARRAY_SIZE(bad); i++) {
        load_user_fs(bad[i]);
        load_user_gs(bad[i]);
        if (read_fs() != 0 || read_gs() != 0)
            ktest_fail(__FILE__, __LINE__, "selector 0x%x: fs 0x%x, gs 0x%x", bad[i], read_fs(),
                       read_gs());
    }
    load_user_fs(0);
    load_user_gs(0);
}
