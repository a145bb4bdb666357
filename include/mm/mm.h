/*
 * Address spaces of processes: a page directory whose upper quarter is the kernel's, and a list of
 * areas ("VMAs") below. Memory comes on first touch. Nothing here may be called from an interrupt
 * handler.
 */
#pragma once

#include <arch/x86/pgtable.h>
#include <lib/list.h>
#include <lib/types.h>

/* Rights of an area, as in Linux's mm.h. */
#define VM_READ  0x1u
#define VM_WRITE 0x2u
#define VM_EXEC  0x4u /* told for the reader; 32-bit paging has no bit for it */

#define MM_GUARD_GAP 0x100000

struct vm_area {
    struct list_head link; /* in mm->areas, by address */
    u32 start, end;        /* [start, end), page-aligned */
    u32 flags;
    const char *name; /* "text", "heap", ... */
};

struct mm {
    struct list_head areas;
    struct list_head link; /* in the list of all address spaces */
    pde_t *pgd;            /* lowmem address of the directory */
    phys_addr_t pgd_phys;
    u32 start_brk, brk;   /* the heap: [start_brk, brk); start_brk is page-aligned */
    struct vm_area *heap; /* its area, NULL while it is empty */
    u32 pages;            /* user pages mapped */
    u32 tables;           /* page tables, without the directory */
};

/* An empty address space that shares the kernel half; NULL when out of memory. */
__must_check struct mm *mm_create(void);

/* Give back every page and table. If it is the loaded one, the master directory is loaded first. */
void mm_destroy(struct mm *mm);

/*
 * Load the directory, if it is not loaded; NULL loads the master. Kernel threads run in whatever is
 * loaded.
 */
void mm_switch(struct mm *mm);

/* The first address space, or the one after `mm`; NULL past the last. */
struct mm *mm_next(struct mm *mm);

/*
 * Add an area of untouched zero memory. 0; -EINVAL when not page-aligned, empty, or outside
 * [MMAP_MIN_ADDR, TASK_SIZE); -EEXIST when it overlaps another; -ENOMEM.
 */
__must_check int mm_add_area(struct mm *mm, u32 start, u32 size, u32 flags, const char *name);

/*
 * Copy into areas of any address space, whatever their rights, touching pages on the way. 0, -EFAULT,
 * -ENOMEM; on failure no byte of it is changed, though untouched zero memory may have become touched
 * zero memory, which nobody but mm->pages can tell from before.
 */
__must_check int mm_write(struct mm *mm, u32 addr, const void *from, u32 size);

/*
 * Set the end of the heap, as Linux's brk: the new end, or the old one when it cannot be. Between the
 * heap and the area above it MM_GUARD_GAP stays free, so that neither runs into the other unseen.
 */
u32 mm_brk(struct mm *mm, u32 brk);

/* Why an access of ring 3 to `addr` fails, or 0. */
enum mm_fault {
    MM_FAULT_OK,       /* mended: the access can be repeated */
    MM_FAULT_KERNEL,   /* the address belongs to the kernel */
    MM_FAULT_NO_AREA,  /* no area there */
    MM_FAULT_READONLY, /* a write to an area that is not writable */
    MM_FAULT_NO_MEMORY,
};

/* Bring in the page at addr for a read or a write. */
enum mm_fault mm_fault(struct mm *mm, u32 addr, bool write);
const char *mm_fault_text(enum mm_fault fault);

/* The area that holds addr, or NULL. */
struct vm_area *mm_find_area(struct mm *mm, u32 addr);
