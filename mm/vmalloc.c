/*
 * The vmalloc area.
 *
 * Which addresses are taken is kept in two red-black trees, both by address. The free tree holds
 * the gaps, and every node knows the largest gap in its subtree (the idea of Linux's augmented
 * tree): going left whenever something large enough is there finds the lowest gap that fits in
 * O(log n). A busy area is cut from the low end of its gap. The busy tree finds an area by any
 * address in it. Between them the trees tile the whole area without overlap, and no two gaps touch.
 *
 * One struct vmap_area is a node of either tree. So vfree() turns a busy area into a gap without
 * allocating, and cannot fail.
 *
 * Which frames an area has is in its page-table entries and nowhere else. All tables exist from
 * boot on (kernel_ptes), so a mapping is a write to an entry and never to a directory, and every
 * address space sees it at once. Unmapping has three steps whose order matters: make the entries
 * not present (they keep their frame numbers), invalidate the TLB, and only then give the frames
 * back.
 *
 * The last page of each area is its guard: it has no frame, so the next area never begins where
 * this one's memory ends, and a kernel stack has an unmapped page below it.
 */
#include <arch/x86/pgtable.h>
#include <arch/x86/tlb.h>
#include <lib/bits.h>
#include <lib/panic.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <mm/memblock.h>
#include <mm/page_alloc.h>
#include <mm/slab.h>
#include <mm/vmalloc.h>

static struct rb_root busy_areas = RB_ROOT; /* lock: not preempted */
static struct rb_root free_areas = RB_ROOT;
static struct kmem_cache *area_cache;

static inline struct vmap_area *area_of(const struct rb_node *node)
{
    return rb_entry(node, struct vmap_area, node);
}

static inline u32 area_size(const struct vmap_area *area)
{
    return area->end - area->start;
}

/* ---- the free tree ---- */

static inline u32 subtree_largest(const struct rb_node *node)
{
    return node ? area_of(node)->largest_free : 0;
}

static bool update_largest(struct rb_node *node)
{
    struct vmap_area *area = area_of(node);
    u32 children = max(subtree_largest(node->rb_left), subtree_largest(node->rb_right));
    u32 largest = max(area_size(area), children);
    bool changed = area->largest_free != largest;

    area->largest_free = largest;
    return changed;
}

/* The lowest gap of at least `size` bytes. */
static struct vmap_area *lowest_fit(u32 size)
{
    struct rb_node *node = free_areas.rb_node;

    if (subtree_largest(node) < size)
        return NULL;
    for (;;) {
        if (subtree_largest(node->rb_left) >= size)
            node = node->rb_left;
        else if (area_size(area_of(node)) >= size)
            return area_of(node);
        else
            node = node->rb_right; /* it is in here, or the value at the top is wrong */
    }
}

/*
 * The gap for an aligned area. The lowest one that is large enough may begin so unluckily that its
 * aligned part is too short; one that is larger by the alignment cannot.
 */
static inline struct vmap_area *lowest_aligned_fit(u32 size, u32 align)
{
    struct vmap_area *gap = lowest_fit(size);

    if (unlikely(align > PAGE_SIZE) && gap && ALIGN_UP(gap->start, align) > gap->end - size)
        gap = lowest_fit(size + align - PAGE_SIZE);
    return gap;
}

/*
 * Where an area belongs in a tree: the empty place, its parent, and the neighbours on both sides.
 */
struct place {
    struct rb_node **link, *parent;
    struct vmap_area *prev, *next;
};

static struct place find_place(struct rb_root *root, u32 start)
{
    struct place place = {.link = &root->rb_node};

    while (*place.link) {
        place.parent = *place.link;
        if (start < area_of(place.parent)->start) {
            place.next = area_of(place.parent);
            place.link = &place.parent->rb_left;
        } else {
            place.prev = area_of(place.parent);
            place.link = &place.parent->rb_right;
        }
    }
    return place;
}

/*
 * Make a range free, joined with the gaps it touches. The area is a node of the free tree or
 * returned to its cache after.
 */
static void add_gap(struct vmap_area *area)
{
    struct place place = find_place(&free_areas, area->start);
    struct vmap_area *prev = place.prev, *next = place.next;
    bool touches_prev = prev && prev->end == area->start;
    bool touches_next = next && next->start == area->end;

    if (!touches_prev && !touches_next) {
        rb_link_node(&area->node, place.parent, place.link);
        rb_insert_augmented(&area->node, &free_areas, update_largest);
        return;
    }
    if (touches_prev && touches_next) {
        prev->end = next->end;
        rb_erase_augmented(&next->node, &free_areas, update_largest);
        kmem_cache_free(area_cache, next);
        rb_augment_path(&prev->node, update_largest);
    } else if (touches_prev) {
        prev->end = area->end;
        rb_augment_path(&prev->node, update_largest);
    } else {
        next->start = area->start;
        rb_augment_path(&next->node, update_largest);
    }
    kmem_cache_free(area_cache, area);
}

/* ---- areas ---- */

static void add_busy(struct vmap_area *area)
{
    struct place place = find_place(&busy_areas, area->start);

    rb_link_node(&area->node, place.parent, place.link);
    rb_insert_color(&area->node, &busy_areas);
}

/* A gap loses [start, end). `low` is a fresh node when something remains on both sides, or NULL. */
static inline void cut_gap(struct vmap_area *gap, u32 start, u32 end, struct vmap_area *low)
{
    u32 gap_start = gap->start;

    if (end == gap->end)
        gap->end = start;
    else
        gap->start = end;
    rb_augment_path(&gap->node, update_largest);
    if (unlikely(low != NULL)) {
        low->start = gap_start;
        low->end = start;
        add_gap(low);
    }
}

/* Cut [start, end) out of a gap into a node for it. NULL when out of memory; the gap is whole then. */
static inline struct vmap_area *take_from_gap(struct vmap_area *gap, u32 start, u32 end)
{
    struct vmap_area *area, *low = NULL;

    if (start == gap->start && end == gap->end) {
        rb_erase_augmented(&gap->node, &free_areas, update_largest);
        return gap;
    }
    area = kmem_cache_alloc(area_cache);
    if (unlikely(!area))
        return NULL;
    if (unlikely(start != gap->start && end != gap->end)) {
        low = kmem_cache_alloc(area_cache);
        if (!low) {
            kmem_cache_free(area_cache, area);
            return NULL;
        }
    }
    cut_gap(gap, start, end, low);
    area->start = start;
    area->end = end;
    return area;
}

/* A busy area of `pages` pages and a guard. NULL when addresses or memory for the node run out. */
static struct vmap_area *area_alloc(u32 pages, u32 align, u32 flags, const void *caller)
{
    u32 size = (pages + 1) << PAGE_SHIFT, start;
    struct vmap_area *gap = lowest_aligned_fit(size, align), *area;

    if (unlikely(!gap))
        return NULL;
    start = ALIGN_UP(gap->start, align);
    area = take_from_gap(gap, start, start + size);
    if (unlikely(!area))
        return NULL;
    area->flags = flags;
    area->caller = caller;
    add_busy(area);
    return area;
}

static void area_free(struct vmap_area *area)
{
    rb_erase(&area->node, &busy_areas);
    add_gap(area);
}

static struct vmap_area *find_busy(u32 addr)
{
    struct rb_node *node = busy_areas.rb_node;

    while (node) {
        struct vmap_area *area = area_of(node);

        if (addr < area->start)
            node = node->rb_left;
        else if (addr >= area->end)
            node = node->rb_right;
        else
            return area;
    }
    return NULL;
}

const struct vmap_area *find_vmap_area(u32 addr)
{
    return find_busy(addr);
}

const struct vmap_area *vmap_area_at_or_above(u32 addr)
{
    struct rb_node *node = busy_areas.rb_node;
    const struct vmap_area *best = NULL;

    while (node) {
        if (area_of(node)->end > addr) {
            best = area_of(node);
            node = node->rb_left;
        } else {
            node = node->rb_right;
        }
    }
    return best;
}

/* ---- page-table entries ---- */

/*
 * Make an area unreachable. Its entries keep their frame numbers, which tell the caller whose pages
 * they were; nobody can see a page through them any more.
 */
static inline void unmap_area(const struct vmap_area *area)
{
    pte_t *pte = kernel_pte(area->start), *end = pte + vmap_area_pages(area);

    for (; pte < end; pte++)
        pte->val &= ~PTE_P;
    tlb_flush_kernel_range(area->start, area->end - PAGE_SIZE);
}

/* Clear one of those entries; the page it showed. */
static inline struct page *take_page(pte_t *pte)
{
    struct page *page = pfn_to_page(pte_pfn(*pte));

    pte->val = 0;
    return page;
}

/* ---- vmalloc ---- */

void vmalloc_init(void)
{
    struct vmap_area *all;

    area_cache = kmem_cache_create("vmap_area", sizeof(struct vmap_area));
    all = area_cache ? kmem_cache_alloc(area_cache) : NULL;
    if (!all)
        panic("no memory for the first vmap_area");
    *all = (struct vmap_area){.start = VMALLOC_START, .end = VMALLOC_END};
    add_gap(all);
}

/* Give each entry a page of its own; on failure none has one. */
static inline bool fill_area(pte_t *pte, u32 count)
{
    struct page *page;

    if (unlikely(alloc_pages_bulk(GFP_HIGHUSER, count, &page) < count)) {
        free_pages_bulk(page);
        return false;
    }
    for (; page; page = (struct page *)page->lru.next) {
        page->type = PAGE_VMALLOC;
        *pte++ = pte_make(page_to_phys(page), PAGE_KERNEL);
    }
    return true;
}

/* Sizes beyond the area make no sense and must not wrap around. */
static inline bool sane_count(u32 pages)
{
    return pages > 0 && pages < (VMALLOC_END - VMALLOC_START) >> PAGE_SHIFT;
}

/* Whole pages that hold `size` bytes; for the largest sizes too, where size + PAGE_SIZE wraps. */
static inline u32 pages_for(size_t size)
{
    return (size >> PAGE_SHIFT) + (size % PAGE_SIZE != 0);
}

void *vmalloc_aligned(size_t size, u32 align, const void *caller)
{
    u32 pages = pages_for(size);
    struct vmap_area *area;

    assert(is_power_of_2(align) && align >= PAGE_SIZE);
    if (unlikely(!sane_count(pages) || pages > nr_managed_pages()))
        return NULL;
    area = area_alloc(pages, align, VM_ALLOC, caller);
    if (unlikely(!area))
        return NULL;
    if (unlikely(!fill_area(kernel_pte(area->start), pages))) {
        area_free(area);
        return NULL;
    }
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

static __noinline void __noreturn bad_free(const void *addr, u32 kind, const struct vmap_area *area)
{
    const char *function = kind == VM_ALLOC ? "vfree" : kind == VM_MAP ? "vunmap" : "iounmap";
    const char *what = !area                 ? "no such area"
                       : area->flags != kind ? "an area of another kind"
                                             : "not the start of an area";

    panic("%s(%p): %s", function, addr, what);
}

/* The busy area of this kind that starts at addr; anything else is a broken caller. */
static inline struct vmap_area *area_to_free(const void *addr, u32 kind)
{
    struct vmap_area *area = find_busy((u32)addr);

    if (unlikely(!area || area->start != (u32)addr || area->flags != kind))
        bad_free(addr, kind, area);
    return area;
}

static inline void free_area_pages(const struct vmap_area *area)
{
    pte_t *first = kernel_pte(area->start), *pte = first + vmap_area_pages(area);
    struct list_head *chain = NULL;

    /* From the last to the first, so that the lowest page ends up on top: used again first. */
    while (pte-- > first) {
        struct page *page = take_page(pte);

        page->lru.next = chain;
        chain = (struct list_head *)page;
    }
    free_pages_bulk((struct page *)chain);
}

void vfree(const void *addr)
{
    struct vmap_area *area;

    if (!addr)
        return;
    area = area_to_free(addr, VM_ALLOC);
    unmap_area(area);
    free_area_pages(area);
    area_free(area);
}

/* ---- other people's pages, and devices ---- */

void *vmap(struct page **pages, u32 count)
{
    struct vmap_area *area;
    pte_t *pte;

    if (!sane_count(count))
        return NULL;
    area = area_alloc(count, PAGE_SIZE, VM_MAP, __builtin_return_address(0));
    if (!area)
        return NULL;
    pte = kernel_pte(area->start);
    for (u32 i = 0; i < count; i++) {
        pages[i]->refcount++;
        pte[i] = pte_make(page_to_phys(pages[i]), PAGE_KERNEL);
    }
    return (void *)area->start;
}

void vunmap(const void *addr)
{
    struct vmap_area *area;
    pte_t *pte;

    if (!addr)
        return;
    area = area_to_free(addr, VM_MAP);
    unmap_area(area);
    pte = kernel_pte(area->start);
    for (u32 i = 0; i < vmap_area_pages(area); i++) {
        struct page *page = take_page(&pte[i]);

        assert_op(page->refcount, >, 1); /* the owner still holds it */
        page->refcount--;
    }
    area_free(area);
}

void *ioremap(phys_addr_t phys, size_t size)
{
    u32 offset = phys % PAGE_SIZE, frame = phys - offset, count;
    struct vmap_area *area;
    pte_t *pte;

    if (size == 0 || size - 1 > ~0u - phys || memblock_overlaps_ram(phys, (u64)phys + size))
        return NULL;
    count = ((offset + size - 1) >> PAGE_SHIFT) + 1;
    if (!sane_count(count))
        return NULL;
    area = area_alloc(count, PAGE_SIZE, VM_IOREMAP, __builtin_return_address(0));
    if (!area)
        return NULL;
    pte = kernel_pte(area->start);
    for (u32 i = 0; i < count; i++)
        pte[i] = pte_make(frame + (i << PAGE_SHIFT), PAGE_KERNEL_NOCACHE);
    return (void *)(area->start + offset);
}

void iounmap(const void *addr)
{
    struct vmap_area *area;

    if (!addr)
        return;
    area = area_to_free((void *)ALIGN_DOWN((u32)addr, PAGE_SIZE), VM_IOREMAP);
    unmap_area(area);
    memset(kernel_pte(area->start), 0, vmap_area_pages(area) * sizeof(pte_t));
    area_free(area);
}

struct page *vmalloc_to_page(const void *addr)
{
    pte_t pte;

    if (!is_vmalloc_addr(addr))
        return NULL;
    pte = *kernel_pte((u32)addr);
    return pte_present(pte) && !pte_device(pte) ? pfn_to_page(pte_pfn(pte)) : NULL;
}

/* ---- figures and the check ---- */

struct vmalloc_stats vmalloc_stats(void)
{
    struct vmalloc_stats stats = {.largest_free = subtree_largest(free_areas.rb_node)};

    for (struct rb_node *node = rb_first(&free_areas); node; node = rb_next(node)) {
        stats.free_ranges++;
        stats.free_bytes += area_size(area_of(node));
    }
    for (struct rb_node *node = rb_first(&busy_areas); node; node = rb_next(node)) {
        stats.busy_areas++;
        stats.mapped_pages += vmap_area_pages(area_of(node));
    }
    return stats;
}

static char check_text[128];

static int compare_areas(const struct rb_node *a, const struct rb_node *b)
{
    return area_of(a)->start < area_of(b)->start ? -1 : area_of(a)->start > area_of(b)->start;
}

static const char *bad_area(const struct vmap_area *area, const char *what, u32 addr)
{
    snprintf(check_text, sizeof(check_text), "I7: vmalloc range %08x..%08x: %s at %08x",
             area->start, area->end, what, addr);
    return check_text;
}

/* Every page of a busy area but the guard is mapped; no page of a gap is. */
static const char *check_entries(const struct vmap_area *area, bool busy)
{
    u32 mapped_end = busy ? area->end - PAGE_SIZE : area->start;

    for (u32 addr = area->start; addr < area->end; addr += PAGE_SIZE) {
        bool present = pte_present(*kernel_pte(addr));

        if (addr < mapped_end && !present)
            return bad_area(area, "a page is not mapped", addr);
        if (addr >= mapped_end && kernel_pte(addr)->val)
            return bad_area(area, busy ? "the guard page is mapped" : "a free page is mapped",
                            addr);
    }
    return NULL;
}

/* Both trees in order of address: they must tile the area, and no two gaps may touch. */
static const char *check_tiling(void)
{
    struct rb_node *busy = rb_first(&busy_areas), *gap = rb_first(&free_areas);
    bool after_gap = false;
    u32 at = VMALLOC_START;

    while (busy || gap) {
        bool is_busy = busy && area_of(busy)->start == at;
        struct vmap_area *area = is_busy ? area_of(busy) : gap ? area_of(gap) : area_of(busy);
        const char *wrong;

        if (area->start != at || area->end <= at)
            return bad_area(area, "the ranges do not join", at);
        if (!is_busy && after_gap)
            return bad_area(area, "two gaps touch", at);
        wrong = check_entries(area, is_busy);
        if (wrong)
            return wrong;
        after_gap = !is_busy;
        at = area->end;
        if (is_busy)
            busy = rb_next(busy);
        else
            gap = rb_next(gap);
    }
    if (at == VMALLOC_END)
        return NULL;
    snprintf(check_text, sizeof(check_text), "I7: the vmalloc ranges end at %08x, not at %08x", at,
             VMALLOC_END);
    return check_text;
}

const char *vmalloc_check(void)
{
    const char *wrong = rb_check(&busy_areas, compare_areas, NULL);

    if (!wrong)
        wrong = rb_check(&free_areas, compare_areas, update_largest);
    return wrong ? wrong : check_tiling();
}
