/*
 * Thread-local segments: what set_thread_area accepts and refuses, access through the segments,
 * fork and exec; and selectors whose descriptor was removed, in every segment register, on every
 * way back from the kernel. Also passes on Linux, which has other slots when it runs in 64 bits.
 */
#include "lib/auxv.h"
#include "lib/handler.h"
#include <asm/ldt.h>
#include <linux/sched.h>
#include <linux/time.h>
#include <linux/wait.h>

#define PAGE            4096u
#define SLOTS           3
#define SELECTOR(entry) ((entry) << 3 | 3)

static uint32_t first; /* entry: 6, or 12 */

static struct user_desc flat(uint32_t entry)
{
    return (struct user_desc){
        .entry_number = entry, .limit = 0xfffff, .seg_32bit = 1, .limit_in_pages = 1, .useable = 1};
}

static struct user_desc based(uint32_t entry, const void *base, uint32_t limit)
{
    return (struct user_desc){.entry_number = entry,
                              .base_addr = (uintptr_t)base,
                              .limit = limit,
                              .seg_32bit = 1,
                              .useable = 1};
}

static struct user_desc empty(uint32_t entry)
{
    return (struct user_desc){.entry_number = entry, .read_exec_only = 1, .seg_not_present = 1};
}

static long set(struct user_desc desc)
{
    return SYS(set_thread_area, &desc);
}

static uint32_t read_gs_at(uint32_t offset)
{
    uint32_t value;

    asm volatile("mov %%gs:(%1), %0" : "=r"(value) : "r"(offset));
    return value;
}

static void write_gs_at(uint32_t offset, uint32_t value)
{
    asm volatile("mov %0, %%gs:(%1)" : : "r"(value), "r"(offset) : "memory");
}

static void load_gs(uint32_t selector)
{
    asm volatile("mov %0, %%gs" : : "r"(selector));
}

/* ---- the call ---- */

static void check_slots(void)
{
    struct user_desc desc = flat(-1);

    CHECK(SYS(set_thread_area, &desc) == 0);
    first = desc.entry_number;
    CHECK(first == 6 || first == 12);
    for (uint32_t i = 1; i < SLOTS; i++) {
        desc = flat(-1);
        CHECK(SYS(set_thread_area, &desc) == 0 && desc.entry_number == first + i);
    }
    desc = flat(-1);
    CHECK(SYS(set_thread_area, &desc) == -ESRCH && desc.entry_number == -1u);
    CHECK(set(empty(first + 1)) == 0);
    desc = flat(-1);
    CHECK(SYS(set_thread_area, &desc) == 0 && desc.entry_number == first + 1);
    for (uint32_t i = 0; i < SLOTS; i++)
        CHECK(set((struct user_desc){.entry_number = first + i}) == 0);
}

static void check_refusals(void)
{
    struct user_desc desc;

    CHECK(SYS(set_thread_area, NULL) == -EFAULT);
    CHECK(SYS(set_thread_area, 0xc0000000) == -EFAULT);
    CHECK(SYS(set_thread_area, 0xbffffffc) == -EFAULT);
    CHECK(set(flat(first - 1)) == -EINVAL);
    CHECK(set(flat(first + SLOTS)) == -EINVAL);
    CHECK(set(flat(-2)) == -EINVAL);
    desc = flat(first);
    desc.seg_32bit = 0;
    CHECK(set(desc) == -EINVAL);
    for (uint32_t contents = 2; contents < 4; contents++) {
        desc = flat(first);
        desc.contents = contents; /* code */
        CHECK(set(desc) == -EINVAL);
    }
    desc = flat(first);
    desc.seg_not_present = 1;
    CHECK(set(desc) == -EINVAL);
    CHECK(SYS(get_thread_area, NULL) == -EFAULT);
    desc.entry_number = first - 1;
    CHECK(SYS(get_thread_area, &desc) == -EINVAL);
    desc.entry_number = first + SLOTS;
    CHECK(SYS(get_thread_area, &desc) == -EINVAL);
}

static void check_get(void)
{
    struct user_desc desc = {.entry_number = first};

    CHECK(SYS(get_thread_area, &desc) == 0);
    CHECK(!desc.base_addr && !desc.limit && desc.read_exec_only && desc.seg_not_present);
    desc = based(first, (void *)0x12345678, 0xabcde);
    desc.contents = 1;
    desc.read_exec_only = 1;
    CHECK(set(desc) == 0);
    desc = (struct user_desc){.entry_number = first};
    CHECK(SYS(get_thread_area, &desc) == 0);
    CHECK(desc.base_addr == 0x12345678 && desc.limit == 0xabcde && desc.contents == 1);
    CHECK(desc.seg_32bit && desc.read_exec_only && !desc.limit_in_pages && desc.useable);
    CHECK(!desc.seg_not_present && desc.entry_number == first);
    CHECK(set(empty(first)) == 0);
}

/* ---- the segments ---- */

static uint32_t words[4] = {11, 22, 33, 44};

/* Limits and rights of segments, which some emulators (QEMU's TCG) do not check. */
#define EXPECT_SEGMENT_DEATH(...)                                                                  \
    do {                                                                                           \
        int status = CHILD_STATUS(__VA_ARGS__; sys_exit(0));                                       \
        CHECK(status == 0 || (status & 0x7f) == SIGSEGV);                                          \
    } while (0)

static void check_segment(void)
{
    struct user_desc readonly = based(first, words, 7);
    struct __kernel_old_timespec nap = {0, 20000000};

    CHECK(set(based(first, words, 7)) == 0);
    load_gs(SELECTOR(first));
    CHECK(read_gs_at(0) == 11 && read_gs_at(4) == 22);
    EXPECT_SEGMENT_DEATH(read_gs_at(5));         /* past the limit */
    CHECK(set(based(first, words + 2, 7)) == 0); /* at once, in the register as well */
    CHECK(read_gs_at(0) == 33);
    CHECK(SYS(nanosleep, &nap, NULL) == 0);
    CHECK(read_gs_at(4) == 44);
    EXPECT_EXIT(44, sys_exit(read_gs_at(4)));
    EXPECT_EXIT(0, write_gs_at(4, 1); sys_exit(0));
    CHECK(words[3] == 44);
    readonly.read_exec_only = 1;
    CHECK(set(readonly) == 0);
    EXPECT_SEGMENT_DEATH(write_gs_at(0, 1));
    /* Paging protects the kernel, whatever the base is. */
    CHECK(set(based(first, (void *)0xc0000000, 0xfffff)) == 0);
    EXPECT_DEATH(SIGSEGV, read_gs_at(0));
    EXPECT_DEATH(SIGSEGV, load_gs(SELECTOR(first + 1))); /* empty */
    load_gs(0);
    CHECK(set(empty(first)) == 0);
}

/* Each child has its own segment, at another base, and sleeps in between. */
static void check_switches(void)
{
    long pids[3];

    for (uint32_t i = 0; i < 3; i++) {
        pids[i] = fork_process();
        if (pids[i] == 0) {
            CHECK(set(based(first + i, words + i, 3)) == 0);
            load_gs(SELECTOR(first + i));
            for (uint32_t turn = 0; turn < 20; turn++) {
                CHECK(read_gs_at(0) == 11 * (i + 1));
                sys_sched_yield();
            }
            sleep_ms(20);
            CHECK(read_gs_at(0) == 11 * (i + 1));
            sys_exit(0);
        }
    }
    for (uint32_t i = 0; i < 3; i++)
        CHECK(wait_status(pids[i]) == 0);
}

/* ---- selectors of removed descriptors ---- */

struct call {
    uint32_t ds, es, fs, gs, ss; /* before the call, and after it */
    uint32_t number, ebx, ecx, edx, esi, edi, eax;
} call;

/* Load the segments, make the call, store the segments after it. */
void run_call(void);
asm("run_call: pusha; push %ds; push %es; push %fs; push %gs; mov %ss, run_call_ss\n\t"
    "mov call+20, %eax; mov call+24, %ebx; mov call+28, %ecx; mov call+32, %edx\n\t"
    "mov call+36, %esi; mov call+40, %edi\n\t"
    "mov call+4, %es; mov call+8, %fs; mov call+12, %gs; mov call+16, %ss; mov call, %ds\n\t"
    "int $0x80\n\t"
    "mov %eax, %ss:call+44\n\t"
    "mov %ds, %eax; mov %eax, %ss:call; mov %es, %eax; mov %eax, %ss:call+4\n\t"
    "mov %fs, %eax; mov %eax, %ss:call+8; mov %gs, %eax; mov %eax, %ss:call+12\n\t"
    "mov %ss:run_call_ss, %ss\n\t"
    "pop %gs; pop %fs; pop %es; pop %ds; popa; ret\n\t"
    ".local run_call_ss; .comm run_call_ss, 4, 4");

static uint32_t data_selector(void)
{
    uint32_t selector;

    asm("mov %%ss, %0" : "=r"(selector));
    return selector;
}

#define ALL_GONE (call.ds == 0 && call.es == 0 && call.fs == 0 && call.gs == 0)

/* A call with the TLS selector in the segments of the mask; the others hold the data selector. */
static long call_with(uint32_t mask, long number, long a, long b, long c, long d)
{
    uint32_t tls = SELECTOR(first), data = data_selector();

    call = (struct call){.ds = mask & 1 ? tls : data,
                         .es = mask & 2 ? tls : data,
                         .fs = mask & 4 ? tls : data,
                         .gs = mask & 8 ? tls : data,
                         .ss = mask & 16 ? tls : data,
                         .number = number,
                         .ebx = a,
                         .ecx = b,
                         .edx = c,
                         .esi = d};
    run_call();
    return call.eax;
}

/* They stay as long as the descriptor does, also after a switch, and are 0 when it is removed. */
static void check_gone(void)
{
    struct __kernel_old_timespec nap = {0, 1000000};
    uint32_t data = data_selector(), tls = SELECTOR(first);
    struct user_desc none = empty(first);

    for (uint32_t mask = 0; mask < 16; mask++) {
        CHECK(set(flat(first)) == 0);
        CHECK(call_with(mask, __NR_nanosleep, (long)&nap, 0, 0, 0) == 0);
        CHECK(call.ds == (mask & 1 ? tls : data) && call.es == (mask & 2 ? tls : data));
        CHECK(call.fs == (mask & 4 ? tls : data) && call.gs == (mask & 8 ? tls : data));
        CHECK(call_with(mask, __NR_set_thread_area, (long)&none, 0, 0, 0) == 0);
        CHECK(call.ds == (mask & 1 ? 0 : data) && call.es == (mask & 2 ? 0 : data));
        CHECK(call.fs == (mask & 4 ? 0 : data) && call.gs == (mask & 8 ? 0 : data));
    }
}

/* A new process whose registers hold a selector that no longer exists when it first runs. */
static void check_gone_at_birth(void)
{
    struct user_desc none = empty(first), wrong = flat(first - 1), any = flat(-1);
    long pid;

    CHECK(set(flat(first)) == 0);
    CHECK(SYS(clone, SIGCHLD | CLONE_SETTLS, 0, 0, &wrong) == -EINVAL);
    CHECK(SYS(clone, SIGCHLD | CLONE_SETTLS, 0, 0, &any) == -EINVAL);
    CHECK(SYS(clone, SIGCHLD | CLONE_SETTLS, 0, 0, 1) == -EFAULT);
    pid = call_with(15, __NR_clone, SIGCHLD | CLONE_SETTLS, 0, 0, (long)&none);
    if (pid == 0) {
        CHECK(ALL_GONE);
        CHECK(SYS(get_thread_area, &none) == 0 && none.seg_not_present);
        sys_exit(0);
    }
    CHECK(pid > 0 && call.ds == SELECTOR(first) && call.gs == SELECTOR(first));
    CHECK(wait_status(pid) == 0);
    CHECK(set(empty(first)) == 0);
}

static void check_settls(void)
{
    struct user_desc other = based(first + 1, words + 1, 3);
    long pid;

    CHECK(set(based(first, words, 3)) == 0);
    pid = SYS(clone, SIGCHLD | CLONE_SETTLS, 0, 0, &other);
    CHECK(pid >= 0);
    if (pid == 0) {
        load_gs(SELECTOR(first));
        CHECK(read_gs_at(0) == 11);
        load_gs(SELECTOR(first + 1));
        CHECK(read_gs_at(0) == 22);
        sys_exit(0);
    }
    CHECK(wait_status(pid) == 0);
    EXPECT_DEATH(SIGSEGV, load_gs(SELECTOR(first + 1)));
    CHECK(set(empty(first)) == 0);
}

/* ---- the stack segment ---- */

static void exit_7(int signal, siginfo_t *info, void *context)
{
    (void)info;
    (void)context;
    sys_exit(signal == SIGSEGV || signal == SIGBUS || signal == SIGILL ? 7 : 1);
}

/*
 * Then the kernel cannot return to ring 3: the program gets a signal, with correct segments.
 */
static void lose_stack_segment(bool handler)
{
    struct user_desc none = empty(first);

    CHECK(set(flat(first)) == 0);
    if (handler) {
        set_signal_stack();
        set_handler(SIGSEGV, exit_7, SA_ONSTACK);
        set_handler(SIGBUS, exit_7, SA_ONSTACK);
        if (!in_attic())
            set_handler(SIGILL, exit_7, SA_ONSTACK); /* a 32-bit Linux */
    }
    CHECK(call_with(31, __NR_getpid, 0, 0, 0, 0) == sys_getpid());
    call_with(31, __NR_set_thread_area, (long)&none, 0, 0, 0);
}

/* ---- frames ---- */

static void bad_selectors(int signal, siginfo_t *info, void *ucontext)
{
    struct sigcontext *context = context_of(ucontext);

    (void)signal;
    (void)info;
    context->fs = context->gs = 0xfffb; /* beyond the table */
    context->ds = 0x63;                 /* the kernel's, on both */
    context->es = SELECTOR(first + 2);  /* empty */
}

static void check_frame(void)
{
    set_handler(SIGUSR1, bad_selectors, 0);
    CHECK(call_with(0, __NR_kill, sys_getpid(), SIGUSR1, 0, 0) == 0);
    CHECK(call.es == 0 && call.fs == 0 && call.gs == 0);
    CHECK(call.ds == 0 || first == 12);
}

static void check_exec(const char *path)
{
    const char *argv[] = {"tls_test", "after-exec", NULL};
    long pid = fork_process();

    if (pid == 0) {
        CHECK(set(flat(first)) == 0);
        load_gs(SELECTOR(first));
        asm volatile("mov %0, %%fs" : : "r"(SELECTOR(first)));
        SYS(execve, path, argv, environ);
        sys_exit(99);
    }
    CHECK(wait_status(pid) == 0);
}

static void check_after_exec(void)
{
    uint32_t fs, gs;

    asm("mov %%fs, %0; mov %%gs, %1" : "=r"(fs), "=r"(gs));
    CHECK(fs == 0 && gs == 0);
    check_slots(); /* they are all free */
}

int main(int argc, char *argv[])
{
    (void)argv;
    if (argc == 2) {
        check_after_exec();
        return 0;
    }
    check_slots();
    check_refusals();
    check_get();
    check_segment();
    check_switches();
    check_gone();
    check_gone_at_birth();
    check_settls();
    EXPECT_EXIT(7, lose_stack_segment(true));
    CHECK((CHILD_STATUS(lose_stack_segment(false)) & 0x7f) != 0);
    check_frame();
    check_exec((const char *)aux_value(AT_EXECFN));
    return 0;
}
