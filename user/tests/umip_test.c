/*
 * The instructions that UMIP takes from ring 3, in every form of operand: each gives the same
 * result as on Linux (arch/x86/kernel/umip.c there). If the processor has no UMIP they return the
 * real values, and there is nothing to test. Also passes on Linux.
 */
#include "lib/check.h"
#include "lib/handler.h"
#include <asm/ldt.h>

#define PAGE 4096u
#define GDT  0xfffe0000u
#define IDT  0xffff0000u
#define MSW  0x80050033u
#define TSS  0x80u

#define NOTHING_TO_TEST 77 /* the exit status that reports this to tests/run/linux/test_linux.py */

static uint32_t tss = TSS;

struct table {
    uint16_t limit;
    uint32_t base;
} __attribute__((packed));

static struct {
    uint32_t before;
    struct table table;
    uint16_t after;
} __attribute__((packed, aligned(4))) place;

static void prepare(void)
{
    place.before = 0x11111111;
    place.table = (struct table){0x2222, 0x33333333};
    place.after = 0x4444;
}

static bool answered(uint32_t base)
{
    return place.before == 0x11111111 && place.table.limit == 0 && place.table.base == base &&
           place.after == 0x4444;
}

/* The operand is in EBX plus what the instruction adds. */
#define IN_MEMORY(insn, ebx, ecx)                                                                  \
    do {                                                                                           \
        prepare();                                                                                 \
        asm volatile(insn : : "b"(ebx), "c"(ecx), "S"(0) : "memory");                              \
    } while (0)

static void check_tables(void)
{
    uint32_t at = (uint32_t)&place.table;

    IN_MEMORY("sgdt (%%ebx)", at, 0);
    CHECK(answered(GDT));
    IN_MEMORY("sidt (%%ebx)", at, 0);
    CHECK(answered(IDT));
    IN_MEMORY("sgdt -128(%%ebx)", at + 128, 0);
    CHECK(answered(GDT));
    IN_MEMORY("sgdt 0x12345678(%%ebx)", at - 0x12345678, 0);
    CHECK(answered(GDT));
    IN_MEMORY("sidt 4(%%ebx,%%ecx,8)", at - 4 - 8 * 1000, 1000);
    CHECK(answered(IDT));
    IN_MEMORY("sidt (,%%ecx,4)", 0, at / 4);
    CHECK(answered(IDT));
    IN_MEMORY("data16 sgdt (%%ebx)", at, 0);
    CHECK(answered(GDT));
    prepare();
    asm volatile("sgdt %0" : "=m"(place.table)); /* an address alone */
    CHECK(answered(GDT));
    prepare();
    /* With EBP, relative to SS, for any DS. */
    asm volatile("push %%ds; xchg %%ebp, %0; mov %1, %%ds; sidt 8(%%ebp); xchg %%ebp, %0; pop %%ds"
                 :
                 : "r"(at - 8), "r"(0)
                 : "memory");
    CHECK(answered(IDT));
}

static void check_words(void)
{
    uint32_t at = (uint32_t)&place.table.base;

    IN_MEMORY("smsw (%%ebx)", at, 0);
    CHECK(place.table.base == (0x33330000 | (MSW & 0xffff)));
    IN_MEMORY("str (%%ebx)", at, 0);
    CHECK(place.table.base == (0x33330000 | tss));
    IN_MEMORY("sldt (%%ebx)", at, 0);
    CHECK(place.table.base == 0x33330000);
    CHECK(place.table.limit == 0x2222 && place.after == 0x4444);
}

#define IN_REGISTER(insn)                                                                          \
    ({                                                                                             \
        uint32_t value_ = 0x55555555;                                                              \
        asm volatile(insn : "+a"(value_));                                                         \
        value_;                                                                                    \
    })

static void check_registers(void)
{
    uint32_t edi = 1;

    CHECK(IN_REGISTER("smsw %%eax") == MSW);
    CHECK(IN_REGISTER("smsw %%ax") == (0x55550000 | (MSW & 0xffff)));
    CHECK(IN_REGISTER("str %%eax") == tss);
    CHECK(IN_REGISTER("str %%ax") == (0x55550000 | tss));
    CHECK(IN_REGISTER("sldt %%eax") == 0);
    CHECK(IN_REGISTER("sldt %%ax") == 0x55550000);
    asm volatile("smsw %%edi" : "+D"(edi));
    CHECK(edi == MSW);
}

/* A segment of the program, and 16-bit addresses in it. */
static void check_segment(void)
{
    struct user_desc desc = {.entry_number = -1,
                             .base_addr = (uintptr_t)&place,
                             .limit = sizeof(place) - 1,
                             .seg_32bit = 1,
                             .useable = 1};

    CHECK(SYS(set_thread_area, &desc) == 0);
    asm volatile("mov %0, %%fs" : : "r"(desc.entry_number << 3 | 3));
    IN_MEMORY("sgdt %%fs:4", 0, 0);
    CHECK(answered(GDT));
    IN_MEMORY("sidt %%fs:2(%%bx,%%si)", 0xabcd0002, 0);
    CHECK(answered(IDT));
    IN_MEMORY("sgdt %%fs:(%%bx)", 4, 0);
    CHECK(answered(GDT));
    EXPECT_DEATH(SIGSEGV, IN_MEMORY("sgdt %%fs:12(%%ebx)", 0, 0)); /* beyond its limit */
    asm volatile("mov %0, %%fs" : : "r"(0));
    EXPECT_DEATH(SIGSEGV, IN_MEMORY("sgdt %%fs:(%%ebx)", (uint32_t)&place.table, 0));
}

static siginfo_t seen;

static void on_fault(int signal, siginfo_t *info, void *context)
{
    (void)signal, (void)context;
    seen = *info;
    sys_exit(seen.si_code == SEGV_MAPERR && (uint32_t)seen.si_addr == 0x1000 ? 7 : 8);
}

static void check_faults(void)
{
    EXPECT_EXIT(7, set_handler(SIGSEGV, on_fault, 0); IN_MEMORY("sgdt (%%ebx)", 0x1000, 0));
    EXPECT_DEATH(SIGSEGV, IN_MEMORY("sgdt (%%ebx)", 0xc0000000, 0));
    EXPECT_DEATH(SIGSEGV, IN_MEMORY("sgdt (%%ebx)", (uint32_t)check_faults, 0));
    EXPECT_DEATH(SIGSEGV, asm volatile("lmsw %%ax" : : "a"(0)));
    EXPECT_DEATH(SIGSEGV, asm volatile("lgdt (%%ebx)" : : "b"(&place)));
    EXPECT_DEATH(SIGSEGV, asm volatile("ltr %%ax" : : "a"(0)));
}

/* Otherwise: a 64-bit Linux has another selector; and without UMIP the processor executes it. */
static bool asked(void)
{
    if (in_attic())
        return true;
    asm volatile("str %0" : "=r"(tss));
    CHECK(tss == TSS || tss == 0x40);
    IN_MEMORY("sgdt (%%ebx)", (uint32_t)&place.table, 0);
    return answered(GDT);
}

int main(void)
{
    if (!asked()) {
        print("this processor has no UMIP\n");
        return NOTHING_TO_TEST;
    }
    check_tables();
    check_words();
    check_registers();
    check_segment();
    check_faults();
    return 0;
}
