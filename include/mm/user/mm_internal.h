/* Internal to mm/user/: the interface between its files. */
#pragma once

#include <arch/x86/pgtable.h>
#include <arch/x86/tlb_debug.h>
#include <mm/frame/page_alloc.h>
#include <mm/user/mm.h>

/* ---- mm/user/vma.c: the tree of areas ---- */

void vma_init(void);

/*
 * A node that is in no tree, with these values and otherwise zero; takes a reference of the file.
 * NULL when out of memory.
 */
__must_check struct vm_area *vma_new(u32 start, u32 end, u32 flags, const char *name,
                                     struct address_space *file, u32 pgoff, const void *caller);

/* Free a node that was removed, and its reference of the file. */
void vma_free(struct vm_area *area);

/* Free all nodes. The tree is not balanced meanwhile and must not be used any more. May yield. */
void vma_free_all(struct mm *mm);

/* Insert a node between two neighbours (NULL: none), with room for it between them; remove one. */
void vma_insert(struct mm *mm, struct vm_area *prev, struct vm_area *area, struct vm_area *next);
void vma_remove(struct mm *mm, struct vm_area *area);

/*
 * Insert an area or, if it continues a neighbour, extend that one and free the node. Returns the
 * area that contains it.
 */
struct vm_area *vma_enter(struct mm *mm, struct vm_area *area);

/*
 * Join an area of the tree with the neighbours that it continues. Returns the area that contains
 * it.
 */
struct vm_area *vma_join(struct mm *mm, struct vm_area *area);

/* Move an edge of an area, across free addresses or its own. */
void vma_set_start(struct mm *mm, struct vm_area *area, u32 start);
void vma_set_end(struct mm *mm, struct vm_area *area, u32 end);

/* Cut an area in two at addr, which lies inside; `node`, from vma_alloc(), gets the upper part. */
void vma_split(struct mm *mm, struct vm_area *area, u32 addr, struct vm_area *node);

/*
 * A node for vma_split(), not filled in; NULL when out of memory. The other one frees a node that
 * was not used.
 */
__must_check struct vm_area *vma_alloc(void);
void vma_free_unused(struct vm_area *node);

struct vm_area *vma_last(const struct mm *mm);

/* The area before `next`; the last one if `next` is NULL. */
struct vm_area *vma_before(const struct mm *mm, const struct vm_area *next);

/* The highest free range of `size` bytes that ends at or below `limit`: its start, or 0. */
u32 vma_find_gap(const struct mm *mm, u32 size, u32 limit);

/* The lowest address that an area needs: a stack needs MM_GUARD_GAP free below it. */
static inline u32 vma_floor(const struct vm_area *area)
{
    u32 below = area->start - MMAP_MIN_ADDR;

    if (likely(!(area->flags & VM_GROWSDOWN)))
        return area->start;
    return area->start - min(below, (u32)MM_GUARD_GAP);
}

/* Free bytes in front of an area, from the end of the one before it, which may be NULL. */
static inline u32 vma_room(const struct vm_area *prev, const struct vm_area *area)
{
    u32 start = prev ? prev->end : MMAP_MIN_ADDR, floor = vma_floor(area);

    return floor > start ? floor - start : 0;
}

static inline struct vm_area *vma_of(const struct rb_node *node)
{
    return rb_entry(node, struct vm_area, node);
}

static inline struct vm_area *vma_or_null(const struct rb_node *node)
{
    return node ? vma_of(node) : NULL;
}

/* Update the largest room of a node's subtree; true when it has changed. */
bool vma_update_gap(struct rb_node *node);

/* How much an area allows: 0 nothing, 1 reading, 2 writing as well. */
static inline u32 vma_level(u32 flags)
{
    return flags & VM_WRITE ? 2 : (flags & VM_ACCESS) != 0;
}

/* Walk the tree; NULL or the first error. For the audit. */
const char *vma_check(const struct mm *mm);

/* Private writable memory that is not a stack: RLIMIT_DATA counts it. */
static inline bool vma_is_data(u32 flags)
{
    return (flags & (VM_WRITE | VM_SHARED | VM_GROWSDOWN)) == VM_WRITE;
}

/* ---- mm/user/user_table.c: page tables and directories ---- */

/* An empty page table. NULL when out of memory. */
__must_check struct page *user_table_alloc(void);
__must_check pde_t *user_pgd_alloc(void);

/* Free one: its user entries must be 0 again. */
void user_table_free(struct page *table);
void user_pgd_free(pde_t *pgd);

/* Set a table for addr, which has none. */
static inline void user_table_enter(struct mm *mm, u32 addr, struct page *table)
{
    pgd_set_user_table(mm->pgd, addr, page_to_phys(table));
    mm->tables++;
}

/* Remove and free a table, which must be empty. In the loaded directory it is invalidated. */
void user_table_remove(struct mm *mm, u32 addr);

/* Free the tables that are kept. Returns how many. */
u32 user_tables_shrink(u32 most);

/* NULL when those that are kept are empty; otherwise the first that is not. For the audit. */
const char *user_tables_check(void);

/* ---- mm/user/user_pte.c: ranges of entries ---- */

static inline bool mm_is_loaded(const struct mm *mm)
{
    return pgd_loaded() == mm->pgd_phys;
}

/*
 * Record that an entry is about to change; a directory that is not loaded needs no TLB
 * invalidation.
 */
static inline void user_note_change(const struct mm *mm, u32 addr, pte_t old, pte_t new)
{
#ifdef CONFIG_DEBUG_TLB
    if (mm_is_loaded(mm))
        tlb_debug_change(addr, old.val, new.val);
#else
    (void)mm, (void)addr, (void)old, (void)new;
#endif
}

/* The most rights that an entry of an area may have. */
static inline pgprot_t vma_prot(u32 flags)
{
    if (flags & VM_WRITE)
        return PAGE_USER_RW;
    return flags & VM_ACCESS ? PAGE_USER_RO : PAGE_USER_NONE;
}

/*
 * The end of the piece of [addr, end) that is processed in one step: it starts at addr and has one
 * table, plus the following part without tables.
 */
u32 user_piece_end(const struct mm *mm, u32 addr, u32 end);

/* The same from `end` downwards: the start of a piece of [addr, end). */
u32 user_piece_start(const struct mm *mm, u32 addr, u32 end);

/* Drop a mapping of a page; dropping the last one frees it. */
static inline void user_page_put(struct page *page)
{
    if (page->refcount == 1)
        free_page(page);
    else
        page->refcount--;
}

/* Clear the entries of a piece, and invalidate them. */
void user_zap(struct mm *mm, u32 addr, u32 end);

/*
 * Remove rights from the entries of a piece, or add the read right, according to its area's new
 * flags.
 */
void user_protect(struct mm *mm, u32 addr, u32 end, u32 flags);

/*
 * Let `to` share the pages of a piece of `mm`, read-only on both sides unless the area is
 * VM_SHARED. The caller invalidates. False when no table can be allocated.
 */
__must_check bool user_copy(struct mm *to, struct mm *mm, u32 addr, u32 end, u32 flags);

/*
 * Move the entries of [from, from + size) to `to`, where all entries are 0; both page-aligned, not
 * overlapping. Tables are taken from the chain, linked through `next` and of type PAGE_USED; two
 * for each table of the source are enough. May yield.
 */
void user_move(struct mm *mm, u32 from, u32 to, u32 size, struct page **tables);

/* The number of page tables in [addr, addr + size). */
u32 user_count_tables(const struct mm *mm, u32 addr, u32 size);

/* ---- mm/user/mmap.c ---- */

static inline bool mm_in_user_half(u32 addr, u32 size)
{
    return size <= TASK_SIZE && addr <= TASK_SIZE - size;
}

/*
 * Choose an address for a mapping: `hint`, if it is not 0 and is free, or any other; 0 if none is
 * free.
 */
u32 mm_choose_address(struct mm *mm, u32 hint, u32 size);

/* Get the node that mm_unmap_areas() will need. 0 or -ENOMEM; *node is NULL when it needs none. */
__must_check int mm_get_split_node(struct mm *mm, u32 start, u32 end, struct vm_area **node);

/* munmap of whole pages of the user half, which is not checked again. 0 or -ENOMEM. */
__must_check int mm_unmap(struct mm *mm, u32 start, u32 end);

/* The second part of it, with the node: cannot fail. */
void mm_unmap_areas(struct mm *mm, u32 start, u32 end, struct vm_area *node);

/* ---- mm/user/reclaim.c ---- */

/* Allocate the page of zeros. */
void reclaim_init(void);

/*
 * Register a function that frees at most `most` pages that are kept for speed, and returns how
 * many. Start-up.
 */
typedef u32 (*shrinker_t)(u32 most);
void register_shrinker(shrinker_t shrink);

/* alloc_page(), and once more after mm_reclaim(). */
__must_check struct page *mm_alloc_page(gfp_t gfp);

/* ---- mm/user/limits.c ---- */

/*
 * True when the limits of the address space allow `more` bytes in an area with these flags, if the
 * areas in [start, start + size) are removed.
 */
bool mm_may_expand_limited(struct mm *mm, u32 flags, u32 more, u32 start, u32 size);

static inline bool mm_may_expand(struct mm *mm, u32 flags, u32 more, u32 start, u32 size)
{
    return likely((mm->size_limit & mm->data_limit) == ~0u) ||
           mm_may_expand_limited(mm, flags, more, start, size);
}

/* The same when `bytes` existing bytes become data: see vma_is_data(). */
bool mm_may_become_data(struct mm *mm, u32 bytes);

/* ---- mm/user/truncate.c ---- */

/* Add an area with a file to the file's list of areas, or remove it. */
void filemap_enter_area(struct mm *mm, struct vm_area *area);
void filemap_leave_area(struct vm_area *area);

/*
 * Unmap the pages of a file from page `first` on in all address spaces; the file's size must be set
 * before. Only one call at a time for one file. May yield.
 */
void filemap_unmap(struct address_space *mapping, u32 first);

/* ---- mm/user/fault.c ---- */

/*
 * Make the page at addr writable for the kernel on behalf of its owner, who must have the right;
 * `unasked`: without the right, but not in a VM_SHARED area. 0, -EFAULT, -ENOMEM.
 */
__must_check int mm_touch_for_write(struct mm *mm, u32 addr, bool unasked);
