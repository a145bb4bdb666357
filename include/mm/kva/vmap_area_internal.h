/*
 * Ranges of the vmalloc area: which are taken, which are free (mm/kva/vmap_area.c). Only
 * mm/kva/vmalloc.c, which maps pages into them, allocates and frees them; vmap_check.c and
 * mm/check/explain_walk.c read the tree. All other files use vmalloc.h.
 */
#pragma once

#include <arch/x86/pgtable.h>
#include <mm/kva/vmalloc.h>

/* Make the whole area one gap. Panics when out of memory. */
void vmap_area_init(void);

/*
 * The lowest free range of `pages` pages and a guard. With `align` above PAGE_SIZE it starts at a
 * multiple of that, but the gap need not be the lowest possible one, and a gap that only just fits
 * may not be found. The guard's entry is tagged. Those of its pages are not present; the first may
 * still hold a tag, which the caller overwrites or clears. NULL when addresses or memory run out.
 */
__must_check struct vmap_area *vmap_area_alloc(u32 pages, u32 align, u32 flags, const void *caller);

/* Free it. The entries of its pages must be 0. Never fails. */
void vmap_area_free(struct vmap_area *area);

/*
 * Tags. The processor ignores all other bits of an entry that is not present, so the entries of
 * guards, and of the first and last page of each gap, hold the address of the area or gap they
 * belong to: from a border the neighbour is found without a search (Knuth's boundary tags, The Art
 * of Computer Programming, vol. 1, 2.5). NULL for a page that is mapped, or has no tag. An entry
 * that is not present holds 0 or a tag, never an old value.
 */
static inline struct vmap_area *vmap_area_tag(pte_t pte)
{
    return pte_present(pte) ? NULL : (struct vmap_area *)pte.val;
}

/*
 * The entry of an area's first page holds the area's kind, VM_ALLOC, VM_MAP or VM_IOREMAP, in the
 * bits that the processor leaves to software; in all other entries they are 0. So one entry shows
 * whether an address is the start of an area of some kind, before anything changes. The code that
 * fills an area sets them.
 */
#define PTE_KIND(flags) ((u32)(flags) << 9)

_Static_assert(PTE_KIND(VM_ALLOC | VM_MAP | VM_IOREMAP) == PTE_AVL, "a bit for each kind");

static inline bool pte_starts_area(pte_t pte, u32 flags)
{
    return (pte.val & (PTE_P | PTE_AVL)) == (PTE_P | PTE_KIND(flags));
}

/*
 * The tree of all ranges, by address, and the two special ranges: one is not in it, one is empty.
 * For the check, and for mm/check/explain_walk.c, which reads the tree node by node.
 */
extern struct rb_root vmap_ranges;
extern struct vmap_area vmap_top;    /* the highest gap, up to VMALLOC_END; it may be empty */
extern struct vmap_area *vmap_spare; /* the tree's last, empty, at vmap_top.start; or NULL */

static inline struct vmap_area *vmap_area_of(const struct rb_node *node)
{
    return rb_entry(node, struct vmap_area, node);
}

static inline u32 vmap_area_size(const struct vmap_area *area)
{
    return area->end - area->start;
}

/* NULL is not a gap. */
static inline bool vmap_is_gap(const struct vmap_area *area)
{
    return area && area->flags == 0;
}

/* The largest gap of a node's subtree, from those of its children; true when it has changed. */
bool vmap_update_largest(struct rb_node *node);

/* Walk the tree and all entries; NULL or the first error. */
const char *vmap_area_check(void);
