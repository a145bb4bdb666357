/*
 * Records old entries that may still be in the TLB: `make DEBUG=1` (include/arch/x86/tlb_debug.h).
 *
 * The TLB cannot be read. But code that changes an entry that the processor may have cached must
 * invalidate it (Intel SDM vol. 3, 4.10.4.2), and until then the frame behind the entry must not be
 * freed: the next owner's data could be accessed through the old address. So each missing
 * invalidation ("debt") is recorded here with its address and its frame, each invalidation removes
 * the debts it covers, and the page allocator checks them before it frees a frame. A frame that is
 * never freed is never checked.
 *
 * A debt of a directory entry has no address: invalidating any page drops what the processor has
 * cached of page tables (4.10.4.1). Loading CR3 invalidates the user half, whose entries are not
 * global.
 *
 * Limits: it checks what is recorded, not what the processor does: it does not detect code that
 * writes an entry without a record, or an invalidation of a wrong address that is also recorded.
 * After DEBTS_MAX changes without an invalidation, further ones are not recorded.
 *
 * Neighbours: mm/ records its changes; arch/x86/tlb.h and pgtable.c invalidate;
 * mm/frame/page_alloc.c checks.
 */
#include <arch/x86/pgtable.h>
#include <arch/x86/tlb_debug.h>
#include <lib/panic.h>

#ifdef CONFIG_DEBUG_TLB

#define DEBTS_MAX 4096
#define NO_PAGE   1 /* the address of a debt for a page table */

static struct {
    u32 addr; /* of the page */
    phys_addr_t frame;
    const void *by; /* the code that changed the entry */
} debts[DEBTS_MAX];
static u32 debt_count;

static void add_debt(u32 addr, phys_addr_t frame, const void *by)
{
    if (debt_count == DEBTS_MAX)
        return;
    debts[debt_count].addr = addr;
    debts[debt_count].frame = frame;
    debts[debt_count].by = by;
    debt_count++;
}

void tlb_debug_change(u32 addr, u32 before, u32 after)
{
    u32 lost = before & ~after & (PTE_P | PTE_RW | PTE_US);

    if (before & PTE_P && (lost || (before ^ after) & PTE_FRAME))
        add_debt(ALIGN_DOWN(addr, PAGE_SIZE), before & PTE_FRAME, __builtin_return_address(0));
}

void tlb_debug_lose_table(phys_addr_t table)
{
    add_debt(NO_PAGE, table, __builtin_return_address(0));
}

void tlb_debug_flush(u32 first, u32 last)
{
    for (u32 i = debt_count; i-- > 0;) {
        u32 addr = debts[i].addr;

        if (addr == NO_PAGE || (addr >= ALIGN_DOWN(first, PAGE_SIZE) && addr <= last))
            debts[i] = debts[--debt_count];
    }
}

void tlb_debug_free(phys_addr_t frame, u32 order, const void *by)
{
    for (u32 i = 0; i < debt_count; i++) {
        if (debts[i].frame - frame >= (u32)PAGE_SIZE << order)
            continue;
        if (debts[i].addr == NO_PAGE)
            panic("page table 0x%08x is freed by %pS, but no page was invalidated since %pS took "
                  "it out of a directory",
                  debts[i].frame, by, debts[i].by);
        panic("frame 0x%08x is freed by %pS, but the TLB may still have it at 0x%08x, whose entry "
              "%pS has changed: invalidate first",
              debts[i].frame, by, debts[i].addr, debts[i].by);
    }
}

#endif
