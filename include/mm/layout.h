/*
 * The address map. It is defined only in this header: the drawing, the constants, a static assert
 * for every edge of the drawing, and the conversions. C includes it; linker.ld is run through the
 * preprocessor and includes it, too (the part before __ASSEMBLER__); nasm gets the numbers from
 * build/.../asm-offsets.inc, which is generated from here.
 *
 *   0xFFFFFFFF  +----------------------------------------------------------------+
 *               | last page, never mapped                                        |
 *   0xFFFFF000  +----------------------------------------------------------------+ FIXMAP_END
 *               | fixmap: one page table                                         |
 *   0xFFC00000  +----------------------------------------------------------------+ FIXMAP_START
 *               | fixmap guard, never mapped                                     |
 *   0xFFBFF000  +----------------------------------------------------------------+ VMALLOC_END
 *               | vmalloc area: vmalloc, vmap, kernel stacks                     |
 *               | 128 MiB, or what `vmalloc=` says                               |
 *   0xF7C00000  +----------------------------------------------------------------+ VMALLOC_START
 *               | at least 8 MiB, never mapped                                   | VMALLOC_OFFSET
 *               +----------------------------------------------------------------+ high_memory
 *               | lowmem: virt X -> phys X - PAGE_OFFSET, built at boot,         |
 *               | never changed; as much as there is RAM, room or `lowmem=`      |
 *   0xC0100000  |   the kernel image lies here, at physical 1 MiB                | KERNEL_VIRT
 *   0xC0000000  +================================================================+ PAGE_OFFSET
 *               | user: one mapping per process (stack, heap, bss, data, text)   |
 *   0x00010000  +----------------------------------------------------------------+ MMAP_MIN_ADDR
 *               | never mapped                                                   |
 *   0x00000000  +----------------------------------------------------------------+
 */
#pragma once

#define PAGE_SHIFT      12
#define PAGE_SIZE       0x1000
#define PDE_SHIFT       22       /* one page-directory entry spans 4 MiB */
#define LARGE_PAGE_SIZE 0x400000 /* a page mapped by the PDE itself (PS = 1) */

#define PAGE_OFFSET 0xC0000000
#define KERNEL_PHYS 0x00100000
#define KERNEL_VIRT (PAGE_OFFSET + KERNEL_PHYS)

#define VMALLOC_END          0xFFBFF000
#define VMALLOC_TOP          0xFFC00000 /* VMALLOC_END and the page above it that is never mapped */
#define VMALLOC_SIZE_DEFAULT 0x08000000
#define VMALLOC_SIZE_MIN     0x00800000
#define VMALLOC_SIZE_MAX     0x30000000
#define VMALLOC_OFFSET       0x00800000

#define FIXMAP_START 0xFFC00000
#define FIXMAP_END   0xFFFFF000

#define MMAP_MIN_ADDR 0x00010000
#define TASK_SIZE     PAGE_OFFSET

#define RAM_MIN       0x00800000 /* with less, Attic refuses to run */
#define RAM_MIN_SLACK 0x00040000 /* the part at its end that firmware may keep */
#define LOWMEM_MIN    0x00800000 /* the smallest `lowmem=` */

/*
 * The size that the boot page directory maps at PAGE_OFFSET: the greatest possible size of lowmem.
 * A multiple of 4 MiB.
 */
#define BOOT_MAP_SIZE (VMALLOC_TOP - VMALLOC_SIZE_MIN - VMALLOC_OFFSET - PAGE_OFFSET)

#define THREAD_SIZE 0x2000 /* a kernel stack */

#ifndef __ASSEMBLER__

#include <lib/panic.h>
#include <lib/types.h>

typedef u32 phys_addr_t; /* RAM above 4 GiB is never touched */

#define PDE_INDEX(addr)  ((u32)(addr) >> PDE_SHIFT)
#define PTE_INDEX(addr)  (((u32)(addr) >> PAGE_SHIFT) & 1023)
#define PFN_UP(x)        (((x) + PAGE_SIZE - 1) >> PAGE_SHIFT)
#define PFN_DOWN(x)      ((x) >> PAGE_SHIFT)
#define PAGE_ALIGN(x)    ALIGN_UP((u32)(x), PAGE_SIZE)
#define KERNEL_PDE_FIRST PDE_INDEX(PAGE_OFFSET)
#define KERNEL_PDES      (1024 - KERNEL_PDE_FIRST)

_Static_assert(PAGE_SIZE == 1 << PAGE_SHIFT && LARGE_PAGE_SIZE == 1 << PDE_SHIFT, "page sizes");
_Static_assert(KERNEL_PDE_FIRST == 768 && KERNEL_PDES == 256, "the kernel owns PDE 768..1023");
_Static_assert(PAGE_OFFSET % LARGE_PAGE_SIZE == 0, "lowmem starts at a PDE");
_Static_assert(KERNEL_VIRT == 0xC0100000, "the image sits at C + 1 MiB");
_Static_assert(FIXMAP_START % LARGE_PAGE_SIZE == 0 && PDE_INDEX(FIXMAP_START) == 1023,
               "fixmap: the last PDE");
_Static_assert(FIXMAP_END == 0u - PAGE_SIZE, "the last page is not in the fixmap");
_Static_assert(VMALLOC_TOP == FIXMAP_START && VMALLOC_END == VMALLOC_TOP - PAGE_SIZE,
               "a page between vmalloc and fixmap");
_Static_assert(VMALLOC_SIZE_DEFAULT % LARGE_PAGE_SIZE == 0 &&
                   VMALLOC_SIZE_MIN % LARGE_PAGE_SIZE == 0 &&
                   VMALLOC_SIZE_MAX % LARGE_PAGE_SIZE == 0,
               "the vmalloc area is made of whole page tables");
_Static_assert(VMALLOC_TOP - VMALLOC_SIZE_DEFAULT == 0xF7C00000, "VMALLOC_START as drawn");
_Static_assert(VMALLOC_OFFSET == MIB(8), "the hole below vmalloc");
_Static_assert(VMALLOC_TOP - VMALLOC_SIZE_MAX - VMALLOC_OFFSET - PAGE_OFFSET >= LOWMEM_MIN,
               "lowmem always has room");
_Static_assert(MMAP_MIN_ADDR == 0x00010000, "MMAP_MIN_ADDR as drawn: page 0 is never mapped");
_Static_assert(THREAD_SIZE % PAGE_SIZE == 0, "stacks are whole pages");

/*
 * The two edges that depend on the machine and the command line: fixed by layout_init(), constant
 * afterwards.
 */
extern u32 lowmem_size;   /* bytes of lowmem, a multiple of PAGE_SIZE; BOOT_MAP_SIZE at first */
extern u32 vmalloc_start; /* a multiple of LARGE_PAGE_SIZE */

#define VMALLOC_START vmalloc_start
#define high_memory   (PAGE_OFFSET + lowmem_size)

/*
 * Choose the two edges: `ram_end` is the end of the highest usable RAM below 4 GiB; `vmalloc` and
 * `lowmem` are the sizes requested on the command line, 0 if not given. An invalid size prints a
 * line, and the default is used; a lowmem that is too small for this much RAM prints a line, and
 * the smallest possible size is used.
 */
void layout_init(u32 ram_end, u32 vmalloc, u32 lowmem);

/* The regions of the drawing, from the top of the address space to its bottom. */
enum layout_region_id {
    REGION_LAST_PAGE,
    REGION_FIXMAP,
    REGION_FIXMAP_GUARD,
    REGION_VMALLOC,
    REGION_HOLE,
    REGION_LOWMEM,
    REGION_USER,
    REGION_NULL,
    LAYOUT_REGIONS,
};

/* A region ends where the one before it in the list starts, so there are no gaps. */
struct layout_region {
    u32 start;
    const char *edge; /* the name of `start`, or "" */
    const char *name; /* one or two words */
    const char *text; /* its contents */
};
extern struct layout_region layout_regions[LAYOUT_REGIONS];

/* The region that holds addr. */
const struct layout_region *layout_region_of(u32 addr);

/* The last address of a region. */
u32 layout_region_last(const struct layout_region *region);

static inline bool is_lowmem_addr(const volatile void *addr)
{
    return (u32)addr - PAGE_OFFSET < lowmem_size;
}

static inline bool is_vmalloc_addr(const volatile void *addr)
{
    return (u32)addr >= VMALLOC_START && (u32)addr < VMALLOC_END;
}

void __noreturn layout_bad_virt(const volatile void *addr);
void __noreturn layout_bad_phys(phys_addr_t addr);

/*
 * Lowmem only: other addresses cannot be converted by arithmetic, and these panic with the caller's
 * name.
 */
static inline phys_addr_t virt_to_phys(const volatile void *addr)
{
    if (unlikely(!is_lowmem_addr(addr)))
        layout_bad_virt(addr);
    return (u32)addr - PAGE_OFFSET;
}

static inline void *phys_to_virt(phys_addr_t addr)
{
    if (unlikely(addr >= lowmem_size))
        layout_bad_phys(addr);
    return (void *)(addr + PAGE_OFFSET);
}

#endif
