/*
 * Breaking the kernel on purpose: every way in which a run can end badly, on command, so that one
 * can see what the report looks like, and so that the tests on the host can check that each is told
 * apart from the others.
 *
 *     panic     a call of panic(): place in the source, backtrace
 *     assert    a failed assertion: the same, with both operands
 *     null      a write to address 0 from the kernel: registers, CR2, the error code in words
 *     text      a write to the kernel's own code
 *     guard     a write to the page behind an area of vmalloc
 *     phys      the physical address of memory that has none by arithmetic
 *     stack     recursion without end: the double-fault task names the task whose stack overflowed
 *     triple    a fault with an empty IDT: the processor resets, and only the outside can tell
 *     double-free, foreign-free      kfree() of what is free, of the middle of an object
 *     overrun, use-after-free        writes that only a build with DEBUG=1 notices
 *
 * The compiler must not see through any of it: an overflow or a null pointer that it can prove is
 * undefined behaviour, and it would be free to leave it out. So everything goes through volatile
 * objects, or assembly; what a report must name is not inlined.
 *
 * Neighbours: kernel/panic_report.c reports all but the last.
 */
#include <arch/x86/cpu.h>
#include <arch/x86/sections.h>
#include <kernel/monitor/monitor.h>
#include <lib/panic.h>
#include <lib/printk.h>
#include <lib/string.h>
#include <mm/frame/slab.h>
#include <mm/kva/vmalloc.h>

static void crash_panic(void)
{
    panic("asked for by the command \"crash panic\"");
}

static void crash_assert(void)
{
    volatile u32 two = 2;

    assert_op(two + two, ==, 5);
}

/* With a mark in each register, so that one can see whether the report has them right. */
static __noinline void crash_null(void)
{
    asm volatile("mov %%ebx, (%%eax)"
                 :
                 : "a"(0), "b"(0x0b0b0b0b), "c"(0x0c0c0c0c), "d"(0x0d0d0d0d), "S"(0x05050505),
                   "D"(0xd1d1d1d1)
                 : "memory");
}

static __noinline void crash_text(void)
{
    *(volatile u32 *)__text_start = 0;
}

static __noinline void crash_guard(void)
{
    volatile u8 *memory = vmalloc(PAGE_SIZE);

    if (!memory)
        panic("out of memory");
    memory[PAGE_SIZE] = 1;
}

static __noinline void crash_phys(void)
{
    printk("%08x\n", virt_to_phys(vmalloc(PAGE_SIZE)));
}

/*
 * The local array makes the steps large enough to get there fast, and is far smaller than the guard
 * page.
 */
static __noinline u32 crash_recurse(u32 depth)
{
    volatile u32 local[32];

    local[depth % ARRAY_SIZE(local)] = depth;
    if (depth == UINT32_MAX)
        return 0;
    return crash_recurse(depth + 1) + local[depth % ARRAY_SIZE(local)];
}

static void crash_stack(void)
{
    printk("%u\n", crash_recurse(0));
}

static void crash_triple(void)
{
    machine_triple_fault();
}

/*
 * Misuse of kmalloc(). Who allocates, who frees and who does it again are functions of their own,
 * so that the report of a debug build can be seen to tell them apart.
 */
static __noinline u8 *crash_allocate(size_t size)
{
    u8 *object = kmalloc(size);

    if (!object)
        panic("out of memory");
    return object;
}

static __noinline void crash_free(void *object)
{
    kfree(object);
}

static void crash_double_free(void)
{
    u8 *object = crash_allocate(64);

    crash_free(object);
    kfree(object);
}

static void crash_foreign_free(void)
{
    crash_free(crash_allocate(64) + 8);
}

/* Behind what was asked for, not behind the size class: in the default build nothing breaks. */
static void crash_overrun(void)
{
    volatile u8 *object = crash_allocate(60);

    object[60] = 1;
    crash_free((void *)object);
}

static void crash_use_after_free(void)
{
    volatile u8 *object = crash_allocate(64);

    crash_free((void *)object);
    object[8] = 1;
    crash_free(crash_allocate(64));
}

#define KINDS_PER_LINE 8 /* that fit 80 columns */

static const struct {
    const char *name;
    void (*run)(void);
} kinds[] = {
    {"panic", crash_panic},
    {"stack", crash_stack},
    {"triple", crash_triple},
    {"assert", crash_assert},
    {"null", crash_null},
    {"text", crash_text},
    {"guard", crash_guard},
    {"phys", crash_phys},
    {"double-free", crash_double_free},
    {"foreign-free", crash_foreign_free},
    {"overrun", crash_overrun},
    {"use-after-free", crash_use_after_free},
};

const char *monitor_crash_kind(u32 i)
{
    return i < ARRAY_SIZE(kinds) ? kinds[i].name : NULL;
}

static void list_kinds(void)
{
    printk("Kinds:");
    for (u32 i = 0; i < ARRAY_SIZE(kinds); i++)
        printk("%s %s", i && i % KINDS_PER_LINE == 0 ? "\n      " : "", kinds[i].name);
    printk("\n");
}

void monitor_crash(u32 argc, const char **argv)
{
    for (u32 i = 0; argc > 1 && i < ARRAY_SIZE(kinds); i++) {
        if (strcmp(argv[1], kinds[i].name) != 0)
            continue;
        kinds[i].run();
        printk("crash %s: nothing noticed it; a build with DEBUG=1 may\n", kinds[i].name);
        return;
    }
    if (argc > 1)
        printk("usage: %s; \"crash\" alone lists the kinds\n", MONITOR_CRASH_USAGE);
    else
        list_kinds();
}
