/*
 * Highmem: RAM that does not fit into lowmem and so has no kernel address of its own.
 *
 * The kernel reaches such a page for a short while through a slot: a page of the fixmap whose entry
 * is pointed at the frame. Slots are used like a stack, so taking one increments a counter, and
 * giving it back checks that it is the last one taken. The page table exists since boot; a change
 * to the entry is visible in every address space immediately, and the entry is invalidated when the
 * slot is given back, so that the next user never sees the previous frame.
 *
 * A lowmem page needs none of this: its address is arithmetic, and costs two instructions.
 *
 * Lock: not preempted. A task that slept with a slot taken would give it to the next one, so the
 * scheduler checks that no slot is taken (kmap_local_depth).
 */
#include <arch/x86/pgtable.h>
#include <arch/x86/tlb.h>
#include <lib/panic.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <mm/frame/highmem.h>

#define KMAP_SLOTS 16

static u32 depth; /* slots taken; one stack per processor */

static u32 slot_address(u32 slot)
{
    return FIXMAP_START + slot * PAGE_SIZE;
}

void *kmap_local_page(const struct page *page)
{
    void *addr = page_address(page);

    if (likely(addr != NULL))
        return addr;
    if (depth == KMAP_SLOTS)
        panic("kmap_local_page: all %u slots are taken", KMAP_SLOTS);
    *kernel_pte(slot_address(depth)) = pte_make(page_to_phys(page), PAGE_KERNEL);
    return (void *)slot_address(depth++);
}

void kunmap_local(const void *addr)
{
    u32 slot = ALIGN_DOWN((u32)addr, PAGE_SIZE);

    if (is_lowmem_addr(addr))
        return;
    if (depth == 0 || slot != slot_address(depth - 1))
        panic("kunmap_local(%p): not the page that was mapped last (%u slots are taken)", addr,
              depth);
    depth--;
    tlb_debug_change(slot, kernel_pte(slot)->val, 0);
    kernel_pte(slot)->val = 0;
    tlb_flush_page(slot);
}

u32 kmap_local_depth(void)
{
    return depth;
}

const char *kmap_check(void)
{
    static char text[96];

    if (depth != 0) {
        snprintf(text, sizeof(text), "I8: %u kmap slots are taken, none should be", depth);
        return text;
    }
    for (u32 addr = FIXMAP_START; addr < FIXMAP_END; addr += PAGE_SIZE) {
        if (kernel_pte(addr)->val != 0) {
            snprintf(text, sizeof(text),
                     "I8: the PTE of free kmap slot 0x%08x is 0x%08x, should be 0", addr,
                     kernel_pte(addr)->val);
            return text;
        }
    }
    return NULL;
}

void clear_highpage(const struct page *page)
{
    void *addr = kmap_local_page(page);

    memset(addr, 0, PAGE_SIZE);
    kunmap_local(addr);
}

void copy_highpage(const struct page *to, const struct page *from)
{
    void *to_addr = kmap_local_page(to), *from_addr = kmap_local_page(from);

    memcpy(to_addr, from_addr, PAGE_SIZE);
    kunmap_local(from_addr);
    kunmap_local(to_addr);
}
