/*
 * After a return from the kernel a program has the same values in all general registers, all
 * segment registers and all flags as before; only a system call changes EAX. System calls are made
 * by int 0x80 and, if the kernel provides one, through the vDSO, which uses sysenter on many
 * processors.
 *
 *     entry_test              every way into the kernel, with every combination of null and data
 *                             selectors and with flags that a careless kernel would keep
 *     entry_test MASK TIMES   over and over with one combination: bits 0 to 3 of MASK set whether
 *                             DS, ES, FS and GS are data; the others are null
 *
 * Also passes on Linux.
 */
#include "lib/auxv.h"
#include "lib/check.h"

#define PAGE       4096u
#define EFLAGS_SET 0x202u /* bit 1, and IF, which ring 3 cannot change */
#define EFLAGS_DF  (1u << 10)
#define EFLAGS_NT  (1u << 14)
#define EFLAGS_AC  (1u << 18)
#define EFLAGS_ID  (1u << 21)
#define EFLAGS_ALL (EFLAGS_DF | EFLAGS_NT | EFLAGS_AC | EFLAGS_ID)

#define SPINS 100000 /* long enough for a tick now and then */

/* In the order in which entry_run uses the members. */
struct state {
    uint32_t ds, es, fs, gs;
    uint32_t edi, esi, ebp, ebx, edx, ecx, eax, eflags;
};

/* Load *in, jump to `way`, which returns to entry_back, and store the registers in *out. */
void entry_run(const struct state *in, struct state *out, void (*way)(void));

/* ESP and SS are the only registers that can be used while the others hold the test's values. */
asm("entry_run:\n\t"
    "pusha; push %ds; push %es; push %fs; push %gs\n\t"
    "mov 52(%esp), %eax\n\t" /* in */
    "pushl 60(%esp)\n\t"     /* way */
    "pushl 44(%eax); pushl 40(%eax); pushl 36(%eax); pushl 32(%eax); pushl 28(%eax)\n\t"
    "pushl 24(%eax); pushl 20(%eax); pushl 16(%eax)\n\t"
    "mov 12(%eax), %gs; mov 8(%eax), %fs; mov 4(%eax), %es; mov (%eax), %ds\n\t"
    "pop %edi; pop %esi; pop %ebp; pop %ebx; pop %edx; pop %ecx; pop %eax; popf\n\t"
    "ret\n"
    "entry_back:\n\t"
    "pushf; push %eax; push %ecx; push %edx; push %ebx; push %ebp; push %esi; push %edi\n\t"
    "push %gs; push %fs; push %es; push %ds\n\t"
    "push %ss; pop %ds; push %ss; pop %es\n\t"
    "pushl $0x2; popf\n\t"
    "mov 104(%esp), %edi\n\t" /* out, above the 12 words of state, as `in` was above */
    "mov %esp, %esi; mov $12, %ecx; rep movsl; mov %esi, %esp\n\t"
    "pop %gs; pop %fs; pop %es; pop %ds; popa\n\t"
    "ret\n"
    "way_syscall: int $0x80; jmp entry_back\n"
    "way_vsyscall: call *%ss:vsyscall; jmp entry_back\n"
    "way_fault: mov %edx, %ss:(%ebx); jmp entry_back\n"
    "way_spin: loop way_spin; jmp entry_back");

uintptr_t vsyscall; /* 0 if there is none */
void way_syscall(void), way_vsyscall(void), way_fault(void), way_spin(void);

static const struct __kernel_old_timespec no_time = {0, 0}, nap = {0, 1000000};
static const char text[] = "# entry_test\n";

/* An untouched page of the heap. */
static uint32_t untouched_page(void)
{
    uintptr_t heap = sys_brk(0);

    sys_brk(heap - PAGE);
    CHECK(sys_brk(heap) == heap);
    return heap - PAGE;
}

/*
 * A push of a segment register moves ESP by 4, but a processor may write 2 bytes (SDM vol. 2,
 * PUSH).
 */
static bool same_selector(uint32_t pushed, uint32_t selector)
{
    return (uint16_t)pushed == selector;
}

/*
 * No program can change these, but QEMU's iret lets one enter virtual 8086 mode, and VIF and VIP
 * from that stack stay set for all programs that run later (its helper_iret_protected() writes them
 * only in this case).
 */
#define EFLAGS_STUCK (3u << 19)

static void check_way(struct state in, void (*way)(void), uint32_t eax_after, uint32_t ecx_after)
{
    struct state out;

    entry_run(&in, &out, way);
    CHECK(same_selector(out.fs, in.fs) && same_selector(out.gs, in.gs));
    /* A 32-bit Linux returns from sysenter with the data selector in DS and ES. */
    CHECK((same_selector(out.ds, in.ds) && same_selector(out.es, in.es)) ||
          (way == way_vsyscall && !in_attic()));
    CHECK((out.eflags & ~EFLAGS_STUCK) == in.eflags);
    CHECK(out.eax == eax_after && out.ecx == ecx_after);
    CHECK(out.ebx == in.ebx && out.edx == in.edx && out.ebp == in.ebp);
    CHECK(out.esi == in.esi && out.edi == in.edi);
}

static void check_call(struct state in, uint32_t number, uint32_t result)
{
    in.eax = number;
    check_way(in, way_syscall, result, in.ecx);
    if (vsyscall)
        check_way(in, way_vsyscall, result, in.ecx);
}

/* Bits of the mask choose the selectors; the general registers hold marks. */
static struct state make_state(uint32_t mask, uint32_t flags)
{
    uint32_t data, s[4];

    asm("mov %%ss, %0" : "=r"(data));
    for (int i = 0; i < 4; i++)
        s[i] = mask & 1u << i ? data : 0;
    return (struct state){.ds = s[0],
                          .es = s[1],
                          .fs = s[2],
                          .gs = s[3],
                          .edi = 0xd1d1d1d1,
                          .esi = 0x51515151,
                          .ebp = 0xb9b9b9b9,
                          .ebx = 0xbbbbbbbb,
                          .edx = 0xdddddddd,
                          .ecx = 0xcccccccc,
                          .eax = 0xaaaaaaaa,
                          .eflags = EFLAGS_SET | flags};
}

static void check_quick_ways(uint32_t mask, uint32_t flags)
{
    struct state in = make_state(mask, flags);

    check_call(in, __NR_getpid, sys_getpid());
    check_call(in, __NR_sched_yield, 0);
    in.ebx = untouched_page();
    check_way(in, way_fault, in.eax, in.ecx);
    CHECK(*(uint32_t *)in.ebx == in.edx);
    in.ebx = (uint32_t)&no_time; /* the kernel reads it */
    in.ecx = 0;
    check_call(in, __NR_nanosleep, 0);
}

static void check_write(uint32_t mask)
{
    struct state in = make_state(mask, EFLAGS_ALL);

    in.ebx = 1;
    in.ecx = (uint32_t)text;
    in.edx = sizeof(text) - 1;
    check_call(in, __NR_write, in.edx);
}

static void check_slow_ways(uint32_t mask, uint32_t flags)
{
    struct state marks = make_state(mask, flags), in = marks;

    in.ecx = SPINS;
    check_way(in, way_spin, in.eax, 0);
    in = marks;
    in.ebx = (uint32_t)&nap;
    in.ecx = 0; /* do not return the remaining time */
    check_call(in, __NR_nanosleep, 0);
}

/*
 * Flags that no program has. After a cmpxchg8b an emulator may use the operand of the instruction
 * before it as the flags (QEMU 7.2), and shows them at the next fault or system call.
 */
#define EFLAGS_IOPL (3u << 12)
#define EFLAGS_VM   (1u << 17)

#define FLAGS_BEHIND(way)                                                                          \
    ({                                                                                             \
        uint32_t rest = 0, eax = 0, edx = 0;                                                       \
        asm volatile("push $0x202\n\t popf\n\t sub %[operand], %[rest]\n\t cmpxchg8b pair\n\t" way \
                     "\n\t pushf\n\t pop %[rest]"                                                  \
                     : [rest] "+S"(rest), "+a"(eax), "+d"(edx)                                     \
                     : [operand] "D"(operand), "b"(0), "c"(0)                                      \
                     : "memory", "cc");                                                            \
        rest;                                                                                      \
    })

uint64_t pair;
uint32_t target;

static void check_foreign_flags(uint32_t operand)
{
    const uint32_t foreign = EFLAGS_IOPL | EFLAGS_VM;

    target = untouched_page();
    CHECK(!(FLAGS_BEHIND("mov target, %%eax\n\t movl $1, (%%eax)") & foreign));
    CHECK(!(FLAGS_BEHIND("mov $20, %%eax\n\t int $0x80") & foreign));
    if (vsyscall)
        CHECK(!(FLAGS_BEHIND("mov $20, %%eax\n\t call *vsyscall") & foreign));
}

static void check_everything(void)
{
    static const uint32_t flags[] = {0, EFLAGS_DF, EFLAGS_NT, EFLAGS_AC, EFLAGS_ID, EFLAGS_ALL};

    if (in_attic()) { /* Linux keeps them */
        check_foreign_flags(EFLAGS_IOPL);
        check_foreign_flags(EFLAGS_IOPL | EFLAGS_VM);
    }
    for (uint32_t mask = 0; mask < 16; mask++) {
        for (unsigned i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
            check_quick_ways(mask, flags[i]);
        check_slow_ways(mask, EFLAGS_ALL);
    }
    check_write(0);
    check_write(15);
}

int main(int argc, char *argv[])
{
    uintptr_t heap = sys_brk(0);
    uint32_t mask, times;

    vsyscall = aux_value(AT_SYSINFO);
    CHECK(sys_brk(heap + PAGE) == heap + PAGE);
    if (argc == 1) {
        check_everything();
        return 0;
    }
    CHECK(argc == 3 && parse_number(argv[1], &mask) && parse_number(argv[2], &times));
    check_write(mask);
    while (times--) {
        check_quick_ways(mask, EFLAGS_ALL);
        check_slow_ways(mask, EFLAGS_ALL);
    }
    return 0;
}
