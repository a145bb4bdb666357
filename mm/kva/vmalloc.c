/*
 * vmalloc: scattered frames side by side in one range of kernel addresses.
 *
 * mm/kva/vmap_area.c chooses the range; this file fills and clears its page-table entries. These
 * entries are the only record of an area's frames. All tables exist from boot on (kernel_ptes), so
 * a mapping is a write to an entry and never to a directory, and every address space sees it
 * immediately.
 *
 * Unmapping has three steps whose order matters: clear the entries, invalidate the TLB, and only
 * then give the frames back. Then no task can reach the frame's next contents through the old
 * address.
 *
 * The last page of each area is its guard: it has no frame, so that running off the end faults, and
 * a kernel stack has an unmapped page below it. The guard's entry holds the address of its area, so
 * vfree() has found the area when it has walked its pages. The entry of the first page holds the
 * kind of area that starts there: a wrong address is refused before anything changes.
 *
 * vmap() counts each mapping in the struct page. A page behind the first one of a block has its own
 * count, and while it is mapped at all it adds one to the count of its block (mm/frame/page.h),
 * which cannot be freed meanwhile.
 *
 * Lock: not preempted; not for interrupt handlers.
 */
#include <arch/x86/tlb.h>
#include <lib/kasan.h>
#include <lib/panic.h>
#include <lib/string.h>
#include <mm/frame/memblock.h>
#include <mm/frame/page_alloc.h>
#include <mm/kva/vmap_area_internal.h>

/*
 * No area can have more pages than there are addresses, and none can own more than there are
 * frames: larger sizes are refused, and must not wrap around.
 */
static u32 pages_max __ro_after_init, owned_max __ro_after_init;

void vmalloc_init(void)
{
    vmap_area_init();
    pages_max = (VMALLOC_END - VMALLOC_START) / PAGE_SIZE - 1;
    owned_max = min(pages_max, max_pfn);
}

static inline bool sane_count(u32 pages, u32 most)
{
    return pages - 1 < most; /* 0 is refused, too */
}

/* Whole pages that hold `size` bytes; for the largest sizes too, where size + PAGE_SIZE wraps. */
static inline u32 pages_for(size_t size)
{
    return (size >> PAGE_SHIFT) + (size % PAGE_SIZE != 0);
}

/* ---- finding the area to free ---- */

static const char *free_function(u32 kind)
{
    return kind == VM_ALLOC ? "vfree" : kind == VM_MAP ? "vunmap" : "iounmap";
}

static __noinline void __noreturn bad_free(const void *addr, u32 kind)
{
    const struct vmap_area *area = find_vmap_area((u32)addr);

    if (!area)
        panic("%s(0x%08x): there is no such area", free_function(kind), (u32)addr);
    if (area->start != (u32)addr)
        panic("%s(0x%08x): not the start of an area, which is 0x%08x", free_function(kind),
              (u32)addr, area->start);
    panic("%s(0x%08x): an area of another kind, for %s", free_function(kind), (u32)addr,
          free_function(area->flags));
}

/*
 * The first entry of an area of this kind that starts at addr; otherwise the caller is wrong: panic
 * before anything changes.
 */
static inline pte_t *first_entry(const void *addr, u32 kind)
{
    pte_t *pte = kernel_pte((u32)addr);

    if (unlikely(!is_vmalloc_addr(addr) || (u32)addr % PAGE_SIZE || !pte_starts_area(*pte, kind)))
        bad_free(addr, kind);
    return pte;
}

static __noinline void __noreturn bad_guard(const void *addr)
{
    panic("the guard of the area at 0x%08x has been overwritten", (u32)addr);
}

/* The area that starts at addr and whose guard has this entry. */
static inline struct vmap_area *area_of_guard(pte_t guard, const void *addr)
{
    struct vmap_area *area = vmap_area_tag(guard);

    if (unlikely(!area || area->start != (u32)addr))
        bad_guard(addr);
    return area;
}

static inline void flush_area(const struct vmap_area *area)
{
    tlb_flush_kernel_range(area->start, area->end - PAGE_SIZE);
}

/* ---- vmalloc ---- */

/* Give each entry a new page; on failure no entry has one. */
static inline bool fill_area(pte_t *pte, u32 count)
{
    struct page *page;

    if (unlikely(alloc_pages_bulk(GFP_HIGHUSER, count, &page) < count)) {
        free_pages_bulk(page);
        return false;
    }
    for (pte_t *at = pte; page; page = page->next) {
        page->type = PAGE_VMALLOC;
        *at++ = pte_make(page_to_phys(page), PAGE_KERNEL);
    }
    pte->val |= PTE_KIND(VM_ALLOC);
    return true;
}

void *vmalloc_aligned(size_t size, u32 align, const void *caller)
{
    u32 pages = pages_for(size);
    struct vmap_area *area;

    if (unlikely(!sane_count(pages, owned_max)))
        return NULL;
    area = vmap_area_alloc(pages, align, VM_ALLOC, caller);
    if (unlikely(!area))
        return NULL;
    if (unlikely(!fill_area(kernel_pte(area->start), pages))) {
        kernel_pte(area->start)->val = 0; /* may hold a tag: see vmap_area_alloc() */
        vmap_area_free(area);
        return NULL;
    }
    kasan_unpoison_part((void *)area->start, size, pages * PAGE_SIZE, KASAN_VMALLOC_INVALID);
    return (void *)area->start;
}

void *vmalloc(size_t size)
{
    return vmalloc_aligned(size, PAGE_SIZE, __builtin_return_address(0));
}

void *vzalloc(size_t size)
{
    void *memory = vmalloc_aligned(size, PAGE_SIZE, __builtin_return_address(0));

    return memory ? memset(memory, 0, size) : NULL;
}

/*
 * Clear entries, and link their pages for free_pages_bulk(). From the last to the first, so that
 * the lowest page ends up on top: it is used again first.
 */
static inline struct page *take_frames(pte_t *first, pte_t *end)
{
    struct page *chain = NULL;

    while (end > first) {
        struct page *page = pfn_to_page(pte_pfn(*--end));

        tlb_debug_change(kernel_pte_addr(end), end->val, 0);
        end->val = 0;
        page->next = chain;
        chain = page;
    }
    return chain;
}

void vfree(const void *addr)
{
    struct vmap_area *area;
    struct page *chain;
    pte_t *first, *guard;

    if (!addr)
        return;
    guard = first = first_entry(addr, VM_ALLOC);
    while (pte_present(*++guard))
        ;
    area = area_of_guard(*guard, addr);
    chain = take_frames(first, guard);
    flush_area(area);
    free_pages_bulk(chain);
    vmap_area_free(area);
}

/* ---- pages of other owners, and devices ---- */

/* The first mapping of a page that had none also counts as a reference of the page's block. */
static __noinline void first_mapping(struct page *page)
{
    struct page *first = page_used_head(page);

    if (!first || page->refcount != 1) {
        page->refcount--;
        panic("vmap of frame 0x%08x: it is %s, with %d references", page_to_phys(page),
              page_type_name(page_head(page)), page->refcount);
    }
    first->refcount++;
}

void *vmap(struct page **pages, u32 count)
{
    struct vmap_area *area;
    pte_t *pte;

    if (!sane_count(count, pages_max))
        return NULL;
    area = vmap_area_alloc(count, PAGE_SIZE, VM_MAP, __builtin_return_address(0));
    if (!area)
        return NULL;
    pte = kernel_pte(area->start);
    for (u32 i = 0; i < count; i++) {
        struct page *page = pages[i];

        pte[i] = pte_make(page_to_phys(page), PAGE_KERNEL);
        if (unlikely(!page_get_shared(page)))
            first_mapping(page);
    }
    pte->val |= PTE_KIND(VM_MAP);
    kasan_unpoison((void *)area->start, count * PAGE_SIZE);
    return (void *)area->start;
}

/* The last mapping of a page that has no other holder: drop its reference of the page's block. */
static __noinline void last_mapping(const void *addr, struct page *page)
{
    struct page *first = page_used_head(page);

    if (!first || page->refcount != 0 || !page_put_shared(first))
        panic("vunmap(0x%08x): frame 0x%08x has no other holder: it was freed while it was mapped, "
              "or vmap() did not map it",
              (u32)addr, page_to_phys(page));
}

/* The pages have other holders, so their counts may go down before the TLB is flushed. */
void vunmap(const void *addr)
{
    struct vmap_area *area;
    pte_t *pte;

    if (!addr)
        return;
    for (pte = first_entry(addr, VM_MAP); pte_present(*pte); pte++) {
        struct page *page = pfn_to_page(pte_pfn(*pte));

        tlb_debug_change(kernel_pte_addr(pte), pte->val, 0);
        pte->val = 0;
        if (unlikely(!page_put_shared(page)))
            last_mapping(addr, page);
    }
    area = area_of_guard(*pte, addr);
    flush_area(area);
    vmap_area_free(area);
}

void *ioremap(phys_addr_t phys, size_t size)
{
    u32 offset = phys % PAGE_SIZE, frame = phys - offset, count;
    struct vmap_area *area;
    pte_t *pte;

    if (size == 0 || size - 1 > ~0u - phys || memblock_overlaps_ram(phys, (u64)phys + size))
        return NULL;
    count = PFN_DOWN(offset + (size - 1)) + 1;
    if (!sane_count(count, pages_max))
        return NULL;
    area = vmap_area_alloc(count, PAGE_SIZE, VM_IOREMAP, __builtin_return_address(0));
    if (!area)
        return NULL;
    pte = kernel_pte(area->start);
    for (u32 i = 0; i < count; i++)
        pte[i] = pte_make(frame + (i << PAGE_SHIFT), PAGE_KERNEL_NOCACHE);
    pte->val |= PTE_KIND(VM_IOREMAP);
    kasan_unpoison((void *)area->start, count * PAGE_SIZE);
    return (void *)(area->start + offset);
}

void iounmap(const void *addr)
{
    const void *start = (const void *)ALIGN_DOWN((u32)addr, PAGE_SIZE);
    struct vmap_area *area;
    pte_t *pte;

    if (!addr)
        return;
    for (pte = first_entry(start, VM_IOREMAP); pte_present(*pte); pte++)
        pte->val = 0;
    area = area_of_guard(*pte, start);
    flush_area(area);
    vmap_area_free(area);
}

/* ---- looking ---- */

struct page *vmalloc_to_page(const void *addr)
{
    pte_t pte;

    if (!is_vmalloc_addr(addr))
        return NULL;
    pte = *kernel_pte((u32)addr);
    return pte_present(pte) && !pte_device(pte) ? pfn_to_page(pte_pfn(pte)) : NULL;
}

const char *vmalloc_check(void)
{
    return vmap_area_check();
}
