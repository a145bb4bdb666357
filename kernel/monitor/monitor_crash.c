/*
 * Breaking the kernel on purpose: a command for every kind of failure, so that a user can see its
 * report, and the tests on the host can check that the kinds are distinguished.
 *
 *     panic     a call of panic(): place in the source, backtrace
 *     assert    a failed assertion: the same, with both operands
 *     null      a write to address 0 from the kernel: registers, CR2, the error code in words
 *     text      a write to the kernel's own code
 *     guard     a write to the guard page behind a vmalloc area
 *     phys      virt_to_phys() of an address that is not in lowmem
 *     stack     endless recursion: the double-fault task names the task whose stack overflowed
 *     triple    a fault with an empty IDT: the processor resets, which only the host can see
 *     double-free, foreign-free      kfree() of a free object, of the middle of an object
 *     overrun, use-after-free        writes that only a build with DEBUG=1 or KASAN=1 detects
 *     global    a read behind a global variable, which only a build with KASAN=1 detects
 *     vfree     a write to a vmalloc area that has been freed
 *     freed-stack    a read of the kernel stack of a thread that has ended
 *
 * The compiler must not recognize these errors: an overflow or a null pointer that it can prove is
 * undefined behaviour, and it could remove the code. So everything goes through volatile objects,
 * or assembly; functions that a report must name are not inlined.
 *
 * Neighbours: kernel/panic_report.c reports all but the last.
 */
#include <arch/x86/cpu.h>
#include <arch/x86/sections.h>
#include <kernel/monitor/monitor.h>
#include <kernel/task.h>
#include <lib/panic.h>
#include <lib/printk.h>
#include <lib/string.h>
#include <mm/frame/slab.h>
#include <mm/kva/vmalloc.h>

static void crash_panic(void)
{
    panic("requested by the command \"crash panic\"");
}

static void crash_assert(void)
{
    volatile u32 two = 2;

    assert_op(two + two, ==, 5);
}

/* Each register holds a known value, so that the report can be checked. */
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
 * The local array makes the stack frames large enough to overflow quickly, but is far smaller than
 * the guard page.
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
 * Misuse of kmalloc(). The allocation, the free and the second free are in separate functions, so
 * that the report of a debug build can name each.
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

/* A write behind the requested size, but within the size class: harmless in the default build. */
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

static __noinline void crash_global(void)
{
    static volatile u8 global[20];
    volatile u8 *volatile at = global;

    (void)at[sizeof(global)];
}

static __noinline void crash_vfree(void)
{
    volatile u8 *memory = vmalloc(PAGE_SIZE);

    if (!memory)
        panic("out of memory");
    vfree((void *)memory);
    memory[8] = 1;
}

static void note_stack(void *place)
{
    *(volatile u8 **)place = __builtin_frame_address(0);
}

static __noinline void crash_freed_stack(void)
{
    struct task_result result;
    volatile u8 *stack = NULL;
    struct task *task = kthread_create("short", note_stack, &stack);

    if (!task || task_wait(task->pid, &result) < 0)
        panic("out of memory");
    printk("%02x\n", *stack);
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
    {"global", crash_global},
    {"vfree", crash_vfree},
    {"freed-stack", crash_freed_stack},
};

const char *monitor_crash_kind(u32 i)
{
    return i < ARRAY_SIZE(kinds) ? kinds[i].name : NULL;
}

static void list_kinds(void)
{
    printk("usage: %s; the kinds are", MONITOR_CRASH_USAGE);
    for (u32 i = 0; i < ARRAY_SIZE(kinds); i++)
        printk("%s %s", i % KINDS_PER_LINE == 0 ? "\n " : "", kinds[i].name);
    printk("\n");
}

void monitor_crash(u32 argc, const char **argv)
{
    for (u32 i = 0; argc > 1 && i < ARRAY_SIZE(kinds); i++) {
        if (strcmp(argv[1], kinds[i].name) != 0)
            continue;
        kinds[i].run();
        printk("crash %s: nothing noticed it; a build with DEBUG=1 or KASAN=1 may\n",
               kinds[i].name);
        return;
    }
    if (argc > 1)
        printk("usage: %s; \"crash\" alone lists the kinds\n", MONITOR_CRASH_USAGE);
    else
        list_kinds();
}
