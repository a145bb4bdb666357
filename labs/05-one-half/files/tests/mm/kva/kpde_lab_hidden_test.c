/* The audit asks the policy (lab 5, the hidden part). */
#include <kernel/monitor/ktest.h>
#include <lib/string.h>
#include <mm/check/audit.h>
#include <mm/kva/kpde.h>
#include <mm/layout.h>
#include <mm/user/mm.h>

static void expect_audit_notices(struct mm *mm, u32 addr, u32 val)
{
    pde_t *pde = &mm->pgd[PDE_INDEX(addr)], saved = *pde;
    const char *said;

    pde->val = val;
    said = mm_audit();
    if (!said || strncmp(said, "I2: ", 4) != 0)
        ktest_fail(__FILE__, __LINE__, "PDE of 0x%08x is 0x%08x: expected I2, the audit says: %s",
                   addr, val, said ? said : "nothing");
    *pde = saved;
}

KTEST(half, audit_knows_the_policy)
{
    struct mm *mm = mm_create();
    u32 first = swapper_pg_dir[PDE_INDEX(VMALLOC_START)].val;
    u32 lowmem = swapper_pg_dir[PDE_INDEX(PAGE_OFFSET)].val;
    pde_t *pde;

    if (!expect(mm != NULL))
        return;
    pde = &mm->pgd[PDE_INDEX(VMALLOC_START)];
    expect_audit_notices(mm, VMALLOC_START, first ^ LARGE_PAGE_SIZE);
    expect_audit_notices(mm, VMALLOC_START, first | PTE_US);
    expect_audit_notices(mm, VMALLOC_START, first & ~PTE_P);
    expect_audit_notices(mm, VMALLOC_START, first & ~PTE_RW);
    expect_audit_notices(mm, VMALLOC_START, first & ~PTE_A);
    expect_audit_notices(mm, VMALLOC_START, first | PTE_PCD);
    expect_audit_notices(mm, PAGE_OFFSET, lowmem ^ LARGE_PAGE_SIZE);
    expect_audit_notices(mm, PAGE_OFFSET, lowmem | PTE_US);
    expect_audit_notices(mm, PAGE_OFFSET, 0);
    expect_audit_notices(mm, VMALLOC_END, 0);
    expect_audit_notices(mm, FIXMAP_START, 0);
    pde->val = 0;
    if (kpde_is("lazy"))
        expect_none(mm_audit());
    pde->val = first;
    if (!kpde_is("lazy"))
        expect_audit_notices(mm, VMALLOC_START, 0);
    mm_put(mm);
}
