/*
 * All facts about one address in one address space, read from the raw tables. kernel/view/explain.c
 * turns them into text; scripts/attic/gdb gathers the same from outside and takes the words from
 * kernel/view/explain_words.c.
 *
 * A panic may use this even if data is damaged: entries and nodes are copied with
 * copy_from_kernel_nofault(), searches in trees have a bounded number of steps, nothing is
 * allocated, locked or changed.
 */
#pragma once

#include <arch/x86/pgtable.h>
#include <mm/check/frames.h>
#include <mm/kva/dma.h>
#include <mm/layout.h>

struct address_space;
struct mm;

/* The two levels of the walk, and a value for neither of them. */
enum explain_level { EXPLAIN_NOWHERE, EXPLAIN_PDE, EXPLAIN_PTE, EXPLAIN_LEVELS };

/*
 * The form of an entry, which determines the meaning of its bits (Intel SDM vol. 3, tables 4-4 to
 * 4-6).
 */
enum explain_form {
    EXPLAIN_UNREAD, /* the walk does not reach it, or it cannot be read */
    EXPLAIN_NOT_PRESENT,
    EXPLAIN_TABLE, /* a PDE that points to a page table */
    EXPLAIN_LARGE, /* a PDE that maps 4 MiB itself */
    EXPLAIN_PAGE,  /* a PTE */
    EXPLAIN_FORMS,
};

/* What the kernel stores in an entry that is not present. */
enum explain_content {
    EXPLAIN_EMPTY,    /* 0 */
    EXPLAIN_KEPT,     /* a page of a process, without any right (PROT_NONE) */
    EXPLAIN_GUARD,    /* the tag of the vmalloc area whose guard this is */
    EXPLAIN_BORDER,   /* the tag of the free range whose first or last page this is */
    EXPLAIN_LEFTOVER, /* any other value: an error */
    EXPLAIN_CONTENTS,
};

struct explain_entry {
    enum explain_form form;
    enum explain_content content; /* of EXPLAIN_NOT_PRESENT only */
    u32 index;                    /* in its directory or table */
    u32 virt;                     /* where the entry lies, in lowmem; 0 when it lies elsewhere */
    phys_addr_t phys;
    u32 val;
};

enum explain_access { EXPLAIN_READ, EXPLAIN_WRITE, EXPLAIN_EXECUTE, EXPLAIN_ACCESSES };
enum explain_ring { EXPLAIN_RING0, EXPLAIN_RING3, EXPLAIN_RINGS };

/* What decides about an access, in the order of the processor's checks. */
enum explain_why {
    EXPLAIN_NOTHING, /* all bits allow it */
    EXPLAIN_CANNOT_TELL,
    EXPLAIN_P,
    EXPLAIN_US,
    EXPLAIN_RW,
    EXPLAIN_RW_WP,         /* ring 0 must obey RW, because CR0.WP = 1 */
    EXPLAIN_RW_WITHOUT_WP, /* allowed: ring 0 need not obey RW */
    EXPLAIN_SMAP,
    EXPLAIN_SMEP,
    EXPLAIN_WHYS,
};

struct explain_right {
    bool allowed;
    enum explain_why why;
    enum explain_level level; /* where that bit is; EXPLAIN_NOWHERE with EXPLAIN_NOTHING */
};

/* What contains an address, or is next to it. */
enum explain_kind {
    EXPLAIN_NONE,
    EXPLAIN_REGION,  /* of the map, where it has no smaller parts */
    EXPLAIN_ROW,     /* of the table from which lowmem is built */
    EXPLAIN_VMALLOC, /* areas of the vmalloc area, without their guards */
    EXPLAIN_VMAP,
    EXPLAIN_IOREMAP,
    EXPLAIN_SLOT, /* a page of the fixmap that maps a frame */
    EXPLAIN_USER, /* an area of a process */
    EXPLAIN_KINDS,
};

struct explain_area {
    enum explain_kind kind;
    u32 start, last;            /* first and last address */
    const char *name;           /* of a region or row; of a user area it may be NULL */
    const void *caller;         /* the code that made an area, or NULL */
    u32 flags;                  /* of a user area: VM_* of mm/user/mm.h */
    struct address_space *file; /* of a user area, or NULL */
    u32 page;                   /* of the file: the page mapped at `start` */
};

/* The kind of an address that is in no area. */
enum explain_gap {
    EXPLAIN_NO_GAP,
    EXPLAIN_GUARD_PAGE, /* of the area below */
    EXPLAIN_STACK_GAP,  /* the area above is a stack that may grow to here or has its gap here */
    EXPLAIN_FREE,
    EXPLAIN_GAPS,
};

/* Errors of the tables, compared with the address map. */
enum explain_wrong {
    EXPLAIN_SOUND,
    EXPLAIN_WRONG_PDE,     /* above PAGE_OFFSET: it is not the master directory's */
    EXPLAIN_WRONG_TABLE,   /* of the vmalloc area or the fixmap: it is not their page table */
    EXPLAIN_WRONG_USER,    /* above PAGE_OFFSET, but ring 3 may use it */
    EXPLAIN_WRONG_FRAME,   /* lowmem maps a wrong frame here */
    EXPLAIN_WRONG_RIGHTS,  /* other rights than the row's, or more than the area's */
    EXPLAIN_WRONG_MAPPED,  /* nothing is here */
    EXPLAIN_WRONG_MISSING, /* something is here, but it is not mapped */
    EXPLAIN_WRONGS,
};

struct explain_frame {
    phys_addr_t phys;
    bool ram; /* the frame has a struct page; without one the rest is 0 */
    bool zero_page;
    struct frame_owner owner;
    s32 references;
    phys_addr_t block; /* the first frame of the block that it lies in */
    u32 block_frames;
    s32 block_references; /* of that first frame */
};

struct explanation {
    u32 addr;
    const struct mm *mm; /* NULL: no process */
    const struct layout_region *region;
    struct explain_entry pde, pte;
    enum explain_level stop; /* where it ends without a frame; EXPLAIN_NOWHERE: it finds one */
    bool has_frame;          /* mapped, or kept in an entry without rights */
    phys_addr_t phys;        /* of the byte, when the walk finds a frame */
    struct explain_right right[EXPLAIN_RINGS][EXPLAIN_ACCESSES];
    struct explain_area area;         /* contains the address */
    struct explain_area below, above; /* the nearest areas, if no area contains it */
    enum explain_gap gap;
    enum explain_wrong wrong;
    struct explain_frame frame;
    enum dma_verdict dma[2]; /* to a device that reaches 4 GiB: one that reads, one that writes */
};

/*
 * The walk, the rights and the areas: the facts for panics. `pgd` is a directory's physical
 * address; `mm` may be NULL, then user areas are not searched. Any context.
 */
void explain_walk(struct explanation *facts, phys_addr_t pgd, const struct mm *mm, u32 addr);

/* All facts, in the address space of a process, or (NULL) in the master directory. */
void explain_address(struct explanation *facts, const struct mm *mm, u32 addr);

/*
 * The error in the facts that explain_walk() has gathered. Any context. (mm/check/explain_wrong.c)
 */
enum explain_wrong explain_find_wrong(const struct explanation *facts);

/* ---- mm/check/rmap.c ---- */

/*
 * Call see() for each virtual address that maps a frame: its lowmem address, those in the vmalloc
 * area and the fixmap (mm is NULL for these), and those of each process, also where an entry keeps
 * the page without rights (`present` is false). From a task; it does not yield, and see() must not
 * sleep.
 */
typedef void (*rmap_see_t)(const struct mm *mm, u32 addr, bool present, void *arg);
void rmap_walk(phys_addr_t frame, rmap_see_t see, void *arg);
