/*
 * Ranges of the vmalloc area: which are taken, which are free (mm/vmap_area.c). For mm/vmalloc.c,
 * which maps pages into them; everybody else reads vmalloc.h.
 */
#pragma once

#include <arch/x86/pgtable.h>
#include <mm/vmalloc.h>

/* Make the whole area one gap. Panics when out of memory. */
void vmap_area_init(void);

/*
 * The lowest free range of `pages` pages and a guard. With `align` above PAGE_SIZE it starts at a
 * multiple of that, but another gap than the lowest possible one may be taken, and one that only
 * just fits may be missed. The guard's entry is tagged. Those of its pages are not present; the
 * first may still hold a tag, which the caller overwrites or clears. NULL when addresses or memory
 * run out.
 */
__must_check struct vmap_area *vmap_area_alloc(u32 pages, u32 align, u32 flags, const void *caller);

/* Make it free again. The entries of its pages are 0. Never fails. */
void vmap_area_free(struct vmap_area *area);

/*
 * Tags. The processor ignores all other bits of an entry that is not present, so the entries of
 * guards, and of the first and last page of each gap, hold the address of the area or gap they
 * belong to: whoever stands at a border knows the neighbour without a search (Knuth's boundary tags,
 * The Art of Computer Programming, vol. 1, 2.5). NULL for a page that is mapped, or has no tag.
 */
static inline struct vmap_area *vmap_area_tag(pte_t pte)
{
    return pte_present(pte) ? NULL : (struct vmap_area *)pte.val;
}

/* Walk the tree and all entries; NULL or the first thing wrong. */
const char *vmap_area_check(void);
