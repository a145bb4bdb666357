/* The processor: what it can do, its control registers, segments, and how to stop it. */
#pragma once

#include <lib/types.h>

/* CR0, CR4 and CPUID bits (Intel SDM vol. 3, 2.5; vol. 2, CPUID). */
#define CR0_PE         (1u << 0)
#define CR0_MP         (1u << 1)
#define CR0_EM         (1u << 2)
#define CR0_TS         (1u << 3)
#define CR0_ET         (1u << 4) /* always 1 */
#define CR0_NE         (1u << 5)
#define CR0_WP         (1u << 16)
#define CR0_AM         (1u << 18)
#define CR0_PG         (1u << 31)
#define CR4_PSE        (1u << 4)
#define CR4_PGE        (1u << 7)
#define CR4_OSFXSR     (1u << 9)
#define CR4_OSXMMEXCPT (1u << 10)
#define CR4_UMIP       (1u << 11)
#define CR4_SMEP       (1u << 20)
#define CR4_SMAP       (1u << 21)

/* The value with which boot.asm turns paging on. */
#define BOOT_CR0 (CR0_PG | CR0_ET | CR0_PE)
#define BOOT_CR4 CR4_PSE

/* Selectors: the numbers are Linux's, so that a program that reads them sees the same values. */
#define KERNEL_CS       0x60
#define KERNEL_DS       0x68
#define USER_CS         0x73
#define USER_DS         0x7b
#define TSS_SELECTOR    0x80
#define DF_TSS_SELECTOR 0xf8

#ifndef __ASSEMBLER__

struct cpu_features {
    char vendor[13];
    u32 edx; /* CPUID leaf 1, passed to programs as AT_HWCAP */
    bool fpu, fxsr, sse;
    bool sep; /* sysenter works */
    bool rdrand;
    bool smep, smap;
    bool umip; /* ring 3 cannot read the addresses of the GDT and IDT */
};
extern struct cpu_features cpu_features;

/*
 * Read CPUID; write all of CR0 and CR4; turn the local APIC off, so that only the 8259A interrupts;
 * turn on PGE, and SMEP and SMAP where they exist (stac and clac are patched into the text, which
 * must still be writable). Before lowmem_map_init().
 */
void cpu_init(void);

/*
 * Turn on CR0.WP: from here on the kernel cannot write its read-only pages either. At the end of
 * boot.
 */
void cpu_write_protect(void);

/*
 * A number that is hard to guess where the processor has RDRAND. Elsewhere it is made from the
 * time-stamp counter: different for each call, but not secret. Any context.
 */
u32 arch_random(void);

u32 read_cr0(void);
void write_cr0(u32 value);
u32 read_cr3(void);
u32 read_cr4(void);

/*
 * The bits that protect pages from ring 0, as they are now: CR0.WP, CR4.SMEP, CR4.SMAP (Intel SDM
 * vol. 3, 4.6).
 */
static inline bool cpu_wp_is_on(void)
{
    return read_cr0() & CR0_WP;
}

static inline bool cpu_smep_is_on(void)
{
    return read_cr4() & CR4_SMEP;
}

static inline bool cpu_smap_is_on(void)
{
    return read_cr4() & CR4_SMAP;
}

/*
 * Read a model-specific register. One that the processor does not have causes a general-protection
 * fault.
 */
u64 rdmsr(u32 msr);
void wrmsr(u32 msr, u64 value);

/*
 * NULL when CR0.WP, SMEP and SMAP are as cpu_init() left them and no entry structure moved;
 * otherwise the first error.
 */
const char *cpu_check(void);

/*
 * Addresses the processor uses by itself at every entry: IDT, GDT, TSSs, stacks, entry stubs. For
 * the audit.
 */
struct cpu_entry_point {
    const char *name;
    u32 start, end;
};
/* The i-th one, false past the last. */
bool cpu_entry_point(u32 i, struct cpu_entry_point *out);

/* Stop the processor forever. */
void __noreturn cpu_halt_forever(void);

/* Cause a triple fault on purpose. */
void __noreturn machine_triple_fault(void);

#endif
