/*
 * The processor: its CPUID features, the control registers that protect the kernel, and the
 * functions that stop it.
 *
 * Protections are turned on in two steps. cpu_init() turns on those that can be on early: global
 * pages, SMEP (ring 0 cannot fetch from user pages) and SMAP (ring 0 cannot access user pages
 * except after stac). CR0.WP, which makes ring 0 obey read-only pages, is turned on by
 * cpu_write_protect() at the end of boot: this bit protects everything that the table of lowmem
 * rows declares read-only, without a change of a page-table entry.
 *
 * The floating-point unit is on but trapped (CR0.TS) until a process uses it: arch/x86/fpu.c.
 *
 * SMAP needs clac at every entry and stac around user copies, but a processor without SMAP does not
 * have these instructions. So the text holds 3-byte no-ops there, listed in .smap_sites, and
 * cpu_init() patches them.
 */
#include <arch/x86/cpu.h>
#include <arch/x86/entry.h>
#include <arch/x86/gdt.h>
#include <arch/x86/io.h>
#include <arch/x86/timer.h>
#include <lib/string.h>

#define CPUID_1_ECX_RDRAND (1u << 30)
#define CPUID_1_EDX_FPU    (1u << 0)
#define CPUID_1_EDX_APIC   (1u << 9)
#define CPUID_1_EDX_SEP    (1u << 11)
#define CPUID_1_EDX_FXSR   (1u << 24)
#define CPUID_1_EDX_SSE    (1u << 25)
#define CPUID_7_EBX_SMEP   (1u << 7)
#define CPUID_7_EBX_SMAP   (1u << 20)
#define CPUID_7_ECX_UMIP   (1u << 2)

#define MSR_APIC_BASE     0x1b
#define APIC_BASE_X2APIC  (1u << 10)
#define APIC_BASE_ENABLED (1u << 11)

struct smap_site {
    u32 addr;
    u32 open; /* stac, not clac */
};
extern const struct smap_site __smap_sites_start[], __smap_sites_end[];

struct cpu_features cpu_features __ro_after_init;

u32 read_cr0(void)
{
    u32 value;
    asm volatile("mov %%cr0, %0" : "=r"(value));
    return value;
}

u32 read_cr3(void)
{
    u32 value;
    asm volatile("mov %%cr3, %0" : "=r"(value));
    return value;
}

u32 read_cr4(void)
{
    u32 value;
    asm volatile("mov %%cr4, %0" : "=r"(value));
    return value;
}

void write_cr0(u32 value)
{
    asm volatile("mov %0, %%cr0" : : "r"(value) : "memory");
}

static void write_cr4(u32 value)
{
    asm volatile("mov %0, %%cr4" : : "r"(value) : "memory");
}

u64 rdmsr(u32 msr)
{
    u64 value;
    asm volatile("rdmsr" : "=A"(value) : "c"(msr));
    return value;
}

void wrmsr(u32 msr, u64 value)
{
    asm volatile("wrmsr" : : "c"(msr), "A"(value) : "memory");
}

struct cpuid {
    u32 eax, ebx, ecx, edx;
};

static struct cpuid cpuid(u32 leaf)
{
    struct cpuid r;
    asm volatile("cpuid" : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx) : "a"(leaf), "c"(0));
    return r;
}

/* The Pentium Pro reports sysenter in CPUID but does not have it (Intel SDM vol. 2, SYSENTER). */
static bool has_sysenter(const struct cpuid *leaf1)
{
    u32 family = leaf1->eax >> 8 & 0xf, model = leaf1->eax >> 4 & 0xf, stepping = leaf1->eax & 0xf;

    if (family == 6 && model < 3 && stepping < 3)
        return false;
    return leaf1->edx & CPUID_1_EDX_SEP;
}

static void read_features(void)
{
    struct cpuid r = cpuid(0);
    u32 max_leaf = r.eax;

    memcpy(cpu_features.vendor, &r.ebx, 4);
    memcpy(cpu_features.vendor + 4, &r.edx, 4);
    memcpy(cpu_features.vendor + 8, &r.ecx, 4);
    r = cpuid(1);
    cpu_features.edx = r.edx;
    cpu_features.fpu = r.edx & CPUID_1_EDX_FPU;
    cpu_features.fxsr = r.edx & CPUID_1_EDX_FXSR;
    cpu_features.sse = cpu_features.fxsr && (r.edx & CPUID_1_EDX_SSE);
    cpu_features.sep = has_sysenter(&r);
    cpu_features.rdrand = r.ecx & CPUID_1_ECX_RDRAND;
    if (max_leaf < 7)
        return;
    r = cpuid(7);
    cpu_features.smep = r.ebx & CPUID_7_EBX_SMEP;
    cpu_features.smap = r.ebx & CPUID_7_EBX_SMAP;
    cpu_features.umip = r.ecx & CPUID_7_ECX_UMIP;
}

static void patch_smap_sites(void)
{
    static const u8 clac[3] = {0x0f, 0x01, 0xca}, stac[3] = {0x0f, 0x01, 0xcb};

    for (const struct smap_site *site = __smap_sites_start; site < __smap_sites_end; site++)
        memcpy((void *)site->addr, site->open ? stac : clac, 3);
}

/*
 * Firmware may have left the local APIC with a running timer, or with the line from the 8259A
 * masked. With the APIC turned off, the processor behaves like one without it (Intel SDM vol. 3,
 * 10.4.3). Every processor with CMOV and an APIC has this MSR.
 */
static void disable_local_apic(void)
{
    if (cpuid(1).edx & CPUID_1_EDX_APIC)
        wrmsr(MSR_APIC_BASE, rdmsr(MSR_APIC_BASE) & ~(u64)(APIC_BASE_ENABLED | APIC_BASE_X2APIC));
}

static u32 wanted_cr4(void)
{
    u32 cr4 = BOOT_CR4 | CR4_PGE;

    if (cpu_features.smep)
        cr4 |= CR4_SMEP;
    if (cpu_features.umip)
        cr4 |= CR4_UMIP;
    if (cpu_features.smap)
        cr4 |= CR4_SMAP;
    if (cpu_features.sse)
        cr4 |= CR4_OSFXSR | CR4_OSXMMEXCPT;
    return cr4;
}

void cpu_init(void)
{
    disable_local_apic(); /* first, so that CPUID no longer reports it */
    read_features();
    if (cpu_features.smap)
        patch_smap_sites();
    write_cr4(wanted_cr4());
    /*
     * MP: fwait traps as well. EM, set if there is no floating-point unit, makes all its
     * instructions trap.
     */
    write_cr0(BOOT_CR0 | CR0_MP | CR0_TS | CR0_NE | (cpu_features.fpu ? 0 : CR0_EM));
}

void cpu_write_protect(void)
{
    write_cr0(read_cr0() | CR0_WP);
}

const char *cpu_check(void)
{
    u32 cr0 = read_cr0(), cr4 = read_cr4();
    const char *text;

    if (!(cr0 & CR0_WP))
        return "I6: CR0.WP is off";
    if ((cr0 & (CR0_EM | CR0_MP | CR0_NE | CR0_AM)) !=
        (CR0_MP | CR0_NE | (cpu_features.fpu ? 0 : CR0_EM)))
        return "I6: CR0's floating-point bits have changed";
    if (cpu_features.sse && !(cr4 & CR4_OSFXSR))
        return "I6: CR4.OSFXSR is off";
    if (!(cr4 & CR4_PGE))
        return "I6: CR4.PGE is off";
    if (cpu_features.smep && !(cr4 & CR4_SMEP))
        return "I6: CR4.SMEP is off";
    if (cpu_features.smap && !(cr4 & CR4_SMAP))
        return "I6: CR4.SMAP is off";
    if (cpu_features.umip && !(cr4 & CR4_UMIP))
        return "I6: CR4.UMIP is off";
    text = idt_check();
    if (!text)
        text = gdt_check();
    return text ? text : sysenter_check();
}

/* False when the generator had no number ten times in a row (Intel SDM vol. 1, 7.3.17). */
static bool rdrand(u32 *value)
{
    bool ok = false;

    for (u32 i = 0; i < 10 && !ok; i++)
        asm volatile("rdrand %0; setc %1" : "=r"(*value), "=qm"(ok) : : "cc");
    return ok;
}

u32 arch_random(void)
{
    static u32 state;
    u64 tsc = rdtsc();
    u32 value;

    if (cpu_features.rdrand && rdrand(&value))
        return value;
    /* Each bit of the sum changes about half of the result: the last steps of MurmurHash3. */
    value = state + (u32)tsc + (u32)(tsc >> 32) * 0x9e3779b9;
    value = (value ^ value >> 16) * 0x85ebca6b;
    value = (value ^ value >> 13) * 0xc2b2ae35;
    state = value ^ value >> 16;
    return state;
}

void cpu_halt_forever(void)
{
    for (;;)
        asm volatile("cli; hlt");
}

void machine_triple_fault(void)
{
    triple_fault();
}
