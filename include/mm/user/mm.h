/*
 * Address spaces of processes: a page directory whose upper quarter maps the kernel, and a tree of
 * areas ("VMAs") below. Memory is allocated on first touch; fork shares it until the first write.
 * Names are Linux's. Nothing here may be called from an interrupt handler.
 *
 *   mm/user/mm.c        creating, forking, destroying; copies into any address space
 *   mm/user/vma.c       the tree of areas: finding, free gaps, splitting, merging
 *   mm/user/mmap.c      mmap, munmap
 *   mm/user/mprotect.c  mprotect, madvise
 *   mm/user/brk.c, mm/user/mremap.c  brk, mremap
 *   mm/user/fault.c     the first touch, the first write after a fork, the stack's growth
 *   mm/user/user_pte.c  the entries: walking, copying and clearing ranges of them
 *   mm/user/user_table.c  the tables that hold them; a few empty ones are kept for the next
 */
#pragma once

#include <arch/x86/pgtable.h>
#include <lib/list.h>
#include <lib/panic.h>
#include <lib/rbtree.h>
#include <lib/types.h>

struct address_space;

/*
 * Rights and kinds of an area, as in Linux's mm.h. An enumeration, so that debuggers know the
 * names.
 */
enum vm_flags {
    VM_READ = 0x001,
    VM_WRITE = 0x002,
    VM_EXEC = 0x004,           /* for information; 32-bit paging has no bit for it */
    VM_SHARED = 0x008,         /* writes go to the file's own pages; fork does not copy them */
    VM_NEVER_WRITE = 0x010,    /* VM_WRITE cannot be added: the file is open for reading only */
    VM_WRITER = 0x020,         /* mapped by a writable descriptor: counts as a writer of the file */
    VM_GROWSDOWN = 0x100,      /* the stack */
    VM_DONTCOPY = 0x20000,     /* a child of fork does not have it */
    VM_WIPEONFORK = 0x2000000, /* a child gets zeros there; anonymous and private only */
};
#define VM_ACCESS (VM_READ | VM_WRITE | VM_EXEC)

/* Below a stack: stays free (Linux's stack_guard_gap). Debuggers know the name. */
enum mm_distances { MM_GUARD_GAP = 0x100000 };

#define MM_AREAS_MAX   65530    /* areas of one address space (Linux's max_map_count) */
#define STACK_LIMIT    0x800000 /* RLIMIT_STACK at the start: 8 MiB */
#define VDSO_ADDR      (TASK_SIZE - 2 * PAGE_SIZE) /* one unmapped page between it and the kernel */
#define USER_STACK_TOP VDSO_ADDR
#define MMAP_BASE      (USER_STACK_TOP - STACK_LIMIT - MM_GUARD_GAP) /* mmap goes down from here */

struct vm_area {
    struct rb_node node;         /* in mm->areas, by address */
    struct vm_area *prev, *next; /* its neighbours there, or NULL */
    u32 room;       /* free bytes in front of this area: from the end of the one before it, or */
                    /* from MMAP_MIN_ADDR; without the MM_GUARD_GAP of a stack */
    u32 gap;        /* the largest room in this subtree */
    u32 start, end; /* [start, end), page-aligned */
    u32 flags;
    const char *name;           /* "[heap]", "[stack]", "[vdso]", or NULL; a constant string */
    struct address_space *file; /* the file that is mapped, or NULL: zeros. Holds a reference */
    u32 pgoff;                  /* page of the file at `start` */
    struct mm *mm;              /* of an area with a file: its address space */
    struct list_head
        file_link;      /* of an area with a file: in its list of areas (mm/user/truncate.c) */
    const void *caller; /* the code that called mm_mmap(), mm_add_area() or mm_brk() */
};

struct mm {
    u32 users; /* tasks (more than one only during vfork), and readers of /proc */
    struct rb_root areas;
    struct vm_area *recent; /* the area that mm_find_area() found last, or NULL */
    u32 area_count;
    struct list_head link; /* in the list of all address spaces */
    pde_t *pgd;            /* lowmem address of the directory */
    phys_addr_t pgd_phys;
    u32 start_brk, brk; /* the heap: [start_brk, brk); start_brk is page-aligned */
    u32 stack_limit;    /* maximum bytes of the stack: RLIMIT_STACK */
    u32 size_limit;     /* maximum bytes of all areas: RLIMIT_AS; ~0u: no limit */
    u32 data_limit;     /* the same for areas with vma_is_data(): RLIMIT_DATA */
    u32 heap_limit;     /* and for the heap alone */
    u32 arg_start, arg_end, env_start, env_end; /* for /proc */
    u32 auxv, auxv_end;                         /* the auxiliary vector on the stack */
    bool undumpable; /* prctl(PR_SET_DUMPABLE, 0): no core file. Cleared by exec */
    u32 pages;       /* mapped user pages, including the zero page and file pages */
    u32 tables;      /* page tables, without the directory */
};

/* Create the caches and the zero page. After slab_init(). */
void mm_init(void);

/*
 * Free pages that are only kept for speed: empty page tables and directories, and pages of files
 * that can be read again. Returns how many. Called when memory is short, and by tests that count
 * pages.
 */
u32 mm_shrink(void);

/* The same for one batch, which takes much less than a tick. For the allocations of mm/. */
u32 mm_reclaim(void);

/* An empty address space, one user, that shares the kernel half; NULL when out of memory. */
__must_check struct mm *mm_create(void);

/*
 * A copy: the same areas, the same pages, both read-only from now on where they are private and
 * writable. NULL when out of memory, and then the original is unchanged. The original must belong
 * to the current task.
 */
__must_check struct mm *mm_fork(struct mm *mm);

/* Add a user to an address space that has one. */
static inline struct mm *mm_get(struct mm *mm)
{
    assert((s32)mm->users > 0);
    mm->users++;
    return mm;
}

/*
 * Drop a user; dropping the last one frees every page, table and area. If it is the loaded one, the
 * master directory is loaded first.
 */
void mm_put(struct mm *mm);

/*
 * Load the directory, if it is not loaded; NULL loads the master. Kernel threads run with the
 * directory that is loaded.
 */
void mm_switch(struct mm *mm);

/* The first address space, or the one after `mm`; NULL past the last. */
struct mm *mm_next(struct mm *mm);

/* The number of empty page tables and prepared directories that are kept for the next process. */
u32 user_tables_kept(void);

/* ---- areas ---- */

/* The area that holds addr, or NULL. */
struct vm_area *mm_find_area(struct mm *mm, u32 addr);

/*
 * The first area that ends above addr, or NULL (Linux: find_vma). For walks: from 0, then
 * area->end.
 */
struct vm_area *mm_area_above(struct mm *mm, u32 addr);

/*
 * Add an area: zeros, or the pages of `file` (may be NULL) from page `pgoff` on; takes a reference
 * of the file. 0; -EINVAL when not page-aligned, empty, or outside [MMAP_MIN_ADDR, TASK_SIZE);
 * -EEXIST when it overlaps another; -ENOMEM. `name` must be a constant string. The area is joined
 * with a neighbour that has equal attributes.
 */
__must_check int mm_add_area(struct mm *mm, u32 start, u32 size, u32 flags, const char *name,
                             struct address_space *file, u32 pgoff);

/*
 * mmap2, munmap, mprotect, madvise as in their manual pages (man 2 mmap). `flags` are MAP_*, `prot`
 * PROT_*; mm_mmap also takes VM_NEVER_WRITE for a mapping that mprotect must not make writable
 * (-EACCES), and VM_WRITER if the file was opened for writing. mm_mmap returns the address, or a
 * negative error number: -EINVAL, -ENOMEM, -EPERM (fixed below MMAP_MIN_ADDR), -EEXIST
 * (MAP_FIXED_NOREPLACE). The caller must check what the file may be used for. On failure, all of
 * them change nothing.
 */
__must_check long mm_mmap(struct mm *mm, u32 addr, u32 size, u32 prot, u32 flags,
                          struct address_space *file, u32 pgoff);
__must_check int mm_munmap(struct mm *mm, u32 addr, u32 size);
__must_check int mm_mprotect(struct mm *mm, u32 addr, u32 size, u32 prot);
__must_check int mm_madvise(struct mm *mm, u32 addr, u32 size, u32 advice);

/*
 * Map pages of a file for reading, at an address that the kernel chooses, for use by the kernel:
 * because the program's areas do not have this `name`, it is not joined with any of them, so
 * mm_munmap() of it need not split an area and cannot fail. The address, -EINVAL, -ENOMEM.
 */
__must_check long mm_map_apart(struct mm *mm, u32 size, const char *name,
                               struct address_space *file, u32 pgoff);

/* man 2 mremap: the new address or a negative error number. */
__must_check long mm_mremap(struct mm *mm, u32 addr, u32 old_size, u32 new_size, u32 flags,
                            u32 new_addr);

/*
 * Set the end of the heap, as Linux's brk: the new end, or the old one on failure. One page stays
 * free between the heap and the area above it, or MM_GUARD_GAP if that is a stack.
 */
u32 mm_brk(struct mm *mm, u32 brk);

/* ---- contents ---- */

/*
 * Copy into areas of any address space, touching (and copying shared) pages as needed. 0; -EFAULT,
 * also where the owner itself may not write; -ENOMEM. On failure no byte is changed, but pages may
 * have been touched, which is visible only in mm->pages. mm_clear writes zeros, for the loader of a
 * program: also where the program may not write, but not into a VM_SHARED area (-EFAULT), whose
 * pages others use as well. The owner must not be in a call that changes its areas: it is the
 * current task, or does not run yet.
 */
__must_check int mm_write(struct mm *mm, u32 addr, const void *from, u32 size);
__must_check int mm_clear(struct mm *mm, u32 addr, u32 size);

/* mm_write() with the rights of mm_clear(): for code that may write where the program may not. */
__must_check int mm_write_private(struct mm *mm, u32 addr, const void *from, u32 size);

/*
 * Copy out of any address space at any time, without touching a page. 0; -EFAULT, -ENOMEM, and then
 * `to` may be partly filled.
 */
__must_check int mm_read(struct mm *mm, u32 addr, void *to, u32 size);

/* The result of an access of ring 3. */
enum mm_fault {
    MM_FAULT_OK,          /* the page is mapped now: the access can be repeated */
    MM_FAULT_ALLOWED,     /* the entry allows it already: mm_fault_taken() */
    MM_FAULT_KERNEL,      /* the address belongs to the kernel */
    MM_FAULT_NO_AREA,     /* no area there */
    MM_FAULT_STACK,       /* below the stack, which may not grow that far */
    MM_FAULT_READONLY,    /* a write to an area that is not writable */
    MM_FAULT_NO_ACCESS,   /* PROT_NONE */
    MM_FAULT_BEYOND_FILE, /* a page of a file that ends before it: SIGBUS */
    MM_FAULT_NO_SPACE,    /* a file would take memory that is reserved for processes: SIGBUS */
    MM_FAULT_NO_MEMORY,
};

/*
 * Map the page at addr, or make it writable, for a read or a write; a stack above it grows down to
 * it if allowed. Unless the result is MM_FAULT_OK, nothing has changed.
 */
enum mm_fault mm_fault(struct mm *mm, u32 addr, bool write);

/*
 * The same for a fault that the processor has just taken: MM_FAULT_ALLOWED when the tables already
 * allow the access. Either the TLB had an older entry, which is invalidated now, or the processor
 * refuses for a reason that no entry can change: the caller must not repeat it forever.
 */
enum mm_fault mm_fault_taken(struct mm *mm, u32 addr, bool write);
const char *mm_fault_text(enum mm_fault fault);

/* The page of zeros that reads of untouched memory map; its count is its mappings plus one. */
extern struct page *zero_page;
