/*
 * The global descriptor table (Intel SDM vol. 3, 3.4.5). Attic protects with pages, not with
 * segments: code and data segments are flat, 0..4 GiB, once for ring 0 and once for ring 3. The
 * accessed bits are preset, so that loading a segment register writes nothing. The table itself
 * stays writable, because the processor marks a TSS busy in its descriptor.
 *
 * The slots are Linux's (include/arch/x86/cpu.h); slots 6 to 8 hold the thread-local segments of
 * the running process (arch/x86/thread.c).
 */
#include <arch/x86/cpu.h>
#include <arch/x86/entry.h>
#include <arch/x86/gdt.h>

/* Access bytes: present, ring, type with the accessed bit set. */
#define SEG_KERNEL_CODE 0x9b
#define SEG_KERNEL_DATA 0x93
#define SEG_USER_CODE   0xfb
#define SEG_USER_DATA   0xf3
#define SEG_TSS         0x89

u64 gdt[GDT_ENTRIES];
struct tss main_tss;

static u64 flat_segment(u8 access)
{
    return 0x00cf00000000ffffull | (u64)access << 40; /* base 0, limit 4 GiB in pages, 32-bit */
}

static u64 tss_descriptor(const struct tss *tss)
{
    u32 base = (u32)tss, limit = sizeof(*tss) - 1;

    return limit | (u64)(base & 0xffffff) << 16 | (u64)SEG_TSS << 40 | (u64)(base >> 24) << 56;
}

void gdt_init(void)
{
    struct table_register gdtr = {sizeof(gdt) - 1, (u32)gdt};

    gdt[KERNEL_CS / 8] = flat_segment(SEG_KERNEL_CODE);
    gdt[KERNEL_DS / 8] = flat_segment(SEG_KERNEL_DATA);
    gdt[USER_CS / 8] = flat_segment(SEG_USER_CODE);
    gdt[USER_DS / 8] = flat_segment(SEG_USER_DATA);
    gdt[TSS_SELECTOR / 8] = tss_descriptor(&main_tss);
    gdt[DF_TSS_SELECTOR / 8] = tss_descriptor(&double_fault_tss);
    main_tss.ss0 = KERNEL_DS;
    main_tss.iomap_base = sizeof(main_tss); /* beyond the limit: ring 3 may not use any port */

    asm volatile("lgdt %0" : : "m"(gdtr) : "memory");
    gdt_flush();
}

const char *gdt_check(void)
{
    struct table_register gdtr;
    u16 tr;

    asm volatile("sgdt %0" : "=m"(gdtr));
    asm volatile("str %0" : "=r"(tr));
    if (gdtr.base != (u32)gdt)
        return "I5: GDTR does not point to the kernel's GDT";
    if (tr != TSS_SELECTOR)
        return "I5: the task register does not hold the kernel's TSS";
    return NULL;
}

u32 gdt_address(u32 *size)
{
    *size = sizeof(gdt);
    return (u32)gdt;
}
