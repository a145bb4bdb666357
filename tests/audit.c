/*
 * The audit must see what is wrong: each test breaks one invariant on purpose, looks, and mends it.
 */
#include <arch/x86/pgtable.h>
#include <arch/x86/sections.h>
#include <arch/x86/tlb.h>
#include <kernel/ktest.h>
#include <lib/string.h>
#include <mm/audit.h>
#include <mm/mm.h>
#include <mm/page_alloc.h>
#include <mm/vmalloc.h>

/* The audit's line must start with the invariant's name. */
static void expect_audit(const char *invariant)
{
    const char *text = mm_audit();

    if (!text || strncmp(text, invariant, strlen(invariant)) != 0)
        ktest_fail(__FILE__, __LINE__, "expected the audit to name %s, it says: %s", invariant,
                   text ? text : "nothing");
}

KTEST(audit, all_holds)
{
    expect_none(mm_audit());
}

KTEST(audit, notices_changed_kernel_pde)
{
    struct mm *mm = mm_create();
    pde_t saved = mm->pgd[1000];

    mm->pgd[1000].val ^= PTE_PCD;
    expect_audit("I2: ");
    mm->pgd[1000] = saved;
    mm_destroy(mm);
}

KTEST(audit, notices_user_bit)
{
    void *memory = vmalloc(PAGE_SIZE);
    pte_t *pte = kernel_pte((u32)memory);

    pte->val |= PTE_US;
    expect_audit("I4: ");
    pte->val &= ~PTE_US;
    vfree(memory);
}

KTEST(audit, notices_writable_alias_of_text)
{
    void *memory = vmalloc(PAGE_SIZE);
    pte_t *pte = kernel_pte((u32)memory), saved = *pte;

    *pte = pte_make(virt_to_phys(__text_start), PAGE_KERNEL);
    expect_audit("I6: ");
    *pte = saved;
    tlb_flush_page((u32)memory);
    vfree(memory);
}

KTEST(audit, notices_mapped_guard)
{
    void *memory = vmalloc(PAGE_SIZE);
    pte_t *guard = kernel_pte((u32)memory + PAGE_SIZE), saved = *guard;

    *guard = *kernel_pte((u32)memory);
    expect_audit("I7: ");
    *guard = saved;
    vfree(memory);
}

KTEST(audit, notices_wrong_reference_count)
{
    struct page *page = alloc_page(GFP_KERNEL);

    page->refcount++;
    expect_audit("I8: ");
    page->refcount--;
    free_page(page);
}

KTEST(audit, notices_mapping_without_area)
{
    struct mm *mm = mm_create();

    expect(mm_add_area(mm, 0x10000, PAGE_SIZE, VM_READ, "x") == 0);
    expect_eq(mm_fault(mm, 0x10000, false), MM_FAULT_OK);
    *pgd_user_pte(mm->pgd, 0x20000) = *pgd_user_pte(mm->pgd, 0x10000);
    expect(mm_audit() != NULL);
    pgd_user_pte(mm->pgd, 0x20000)->val = 0;
    expect_none(mm_audit());
    mm_destroy(mm);
}

KTEST(audit, notices_page_in_the_fixmap_gap)
{
    pte_t *gap = kernel_pte(VMALLOC_END), *last = kernel_pte(FIXMAP_END), saved = *gap;

    *gap = pte_make(0, PAGE_KERNEL_RO);
    expect_audit("I1: ");
    *gap = saved;
    *last = pte_make(0, PAGE_KERNEL_RO);
    expect_audit("I1: ");
    last->val = 0;
}
