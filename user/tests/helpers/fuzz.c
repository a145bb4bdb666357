/*
 * `fuzz SEED COUNT [say]`: random actions that no program would do, in rounds (lib/fuzz_rounds.h)
 * of a few hundred steps: a system call with arguments near every limit (lib/fuzz_calls.h), a touch
 * of memory, a jump or an instruction that ring 3 must not use, a forged signal frame, a segment, a
 * child that does the same; in every second round some children from the beginning. The results of
 * the steps do not matter; the kernel must survive them and be as before.
 *
 * The status is 0; 1 if processes cannot be killed or files cannot be removed.
 */
#include "lib/auxv.h"
#include "lib/fuzz_calls.h"
#include "lib/fuzz_code.h"
#include "lib/fuzz_rounds.h"
#include <asm/ldt.h>
#include <linux/sched.h>

#define STEPS  300
#define DEPTH  3 /* children of children */
#define RACERS 3

static volatile int steps_left;
static int depth;
static uint32_t sysinfo_entry;

/* ---- memory ---- */

static void touch(void)
{
    volatile uint8_t *at = (volatile uint8_t *)pointer_value();

    if (one_in(2))
        *at = rnd();
    else
        (void)*at;
}

/* A few pages one after the other. */
static void touch_pages(void)
{
    volatile uint8_t *at = (volatile uint8_t *)place_value();
    bool write = one_in(2);

    for (uint32_t i = below(AREA_PAGES); i > 0; i--, at += PAGE) {
        if (write)
            *at = i;
        else
            (void)*at;
    }
}

static void map_area(void)
{
    struct fuzz_area *area = &areas[1 + below(AREAS - 1)];
    uint32_t size = (1 + below(AREA_PAGES)) * PAGE, flags = map_flags() & ~0xff000000u;
    long at =
        SYS(mmap2, one_in(2) ? place_value() : 0, size, below(8), flags, fd_value(), below(3));

    if (!IS_ERR(at))
        *area = (struct fuzz_area){at, size};
}

static void fill(void)
{
    uint32_t page = areas[0].at + (one_in(2) ? 0 : below(AREA_PAGES) * PAGE);

    fill_words((uint32_t *)page + below(PAGE / 4 - 64), 64);
}

static void stack_deep(void)
{
    uint32_t pages = below(64);

    for (uint32_t i = 1; i <= pages; i++)
        *(volatile uint8_t *)((uint32_t)__builtin_frame_address(0) - i * PAGE) = i;
}

/* ---- calls ---- */

/*
 * Such an argument is left as pid_value() made it: the first process must keep its limits as well.
 */
static bool names_process(char letter)
{
    return letter == 'i' || letter == 'j';
}

static void any_call(void)
{
    const struct fuzz_call *call = &PICK(fuzz_calls),
                           *last = fuzz_calls + sizeof(fuzz_calls) / sizeof(*call);
    uint32_t number = call->number, argument[6] = {0};
    const char *letters = call->arguments;

    if (one_in(6)) {
        number = one_in(32) ? rnd() : below(470);
        for (call = fuzz_calls; call < last && call->number != number;)
            call++;
        letters = call < last ? call->arguments : "aaaaaa";
    }
    if (call_is_excluded(number) || (number == __NR_exit || number == __NR_exit_group))
        return;
    for (int i = 0; letters[i]; i++)
        argument[i] = fuzz_argument(one_in(64) && !names_process(letters[i]) ? 'a' : letters[i]);
    syscall6(number, argument[0], argument[1], argument[2], argument[3], argument[4], argument[5]);
}

/* ---- instructions ---- */

static void instruction(void)
{
    uint8_t *code = (uint8_t *)areas[0].at + 15 * PAGE + below(PAGE - 32);
    const char *bytes = PICK(instructions);

    memset(code, 0xc3, 16);
    switch (below(4)) {
    case 0:
        code[0] = 0xcd;
        code[1] = rnd();
        break;
    case 1:
        for (int i = 0; i < 12; i++)
            code[i] = rnd();
        break;
    default:
        memcpy(code, bytes, strlen(bytes) ? strlen(bytes) : 2);
    }
    run((uint32_t)code, one_in(4) ? pointer_value() | 0x1000 : harmless_call(), flags_value());
}

/* Also to the code of the first process, which a child must not have. */
static uint32_t first_process_pointer(void)
{
    return (uint32_t)__start_first_process + below(__stop_first_process - __start_first_process);
}

static void jump(void)
{
    run(one_in(16) ? first_process_pointer() : pointer_value(), harmless_call(), flags_value());
}

/* Through the vDSO, with flags that sysenter does not change. */
static void call_with_flags(void)
{
    if (sysinfo_entry)
        run(sysinfo_entry, harmless_call(), flags_value());
}

/* A call, then a push, with an unusable ESP. */
static void bad_stack(void)
{
    asm volatile("mov %%ebx, %%esp\n\t"
                 "test $1, %%cl\n\t jz 1f\n\t int $0x80\n 1:\n\t"
                 "test $2, %%cl\n\t jz 2f\n\t sysenter\n 2:\n\t"
                 "test $4, %%cl\n\t jz 3f\n\t pusha\n 3:\n\t push %%eax\n\t ud2"
                 :
                 : "a"(harmless_call()), "b"(pointer_value()), "c"(rnd()), "d"(0)
                 : "memory");
}

/* Only ring 0 may enter virtual 8086 mode, but an emulator may not check this. */
static void virtual_8086(void)
{
    asm volatile("push %0\n\t push %1\n\t push %2\n\t iret"
                 :
                 : "r"(flags_value() | 0x20000), "r"(below(0x10000)), "r"(pointer_value()));
}

/*
 * After a cmpxchg8b QEMU 7.2 may use the operand of a sub before it as the flags. If it leaves its
 * loop before the kernel's first instruction, ring 0 has them, which no gate of a processor allows:
 * with NT no iret returns any more, and bits that no iret writes stay set for all programs. Such
 * bits are left out. entry_test has VM.
 */
static void foreign_flags(void)
{
    const uint32_t harmless = 0x243ed5; /* ID, AC, IOPL, OF, DF, IF and the results */
    static uint64_t pair;
    static uint32_t at;
    uint32_t eax = 0, edx = 0, esi = 0;

    at = pointer_value();
    asm volatile("push $0x202\n\t popf\n\t sub %[flags], %%esi\n\t cmpxchg8b %[pair]\n\t"
                 "mov %[at], %%eax\n\t mov %%edx, (%%eax)\n\t mov %[getpid], %%eax\n\t int $0x80"
                 : [pair] "+m"(pair), "+a"(eax), "+d"(edx), "+S"(esi)
                 : [flags] "D"((flags_value() << below(3)) & harmless), [at] "m"(at),
                   [getpid] "i"(__NR_getpid), "b"(0), "c"(0)
                 : "memory", "cc");
}

/* ---- segments ---- */

static void segment(void)
{
    static struct user_desc desc;
    uint32_t selector = one_in(4) ? rnd() & 0xffff : below(16) << 3 | (one_in(4) ? below(8) : 3);

    fill_words((uint32_t *)&desc, sizeof(desc) / 4);
    desc.entry_number = one_in(4) ? 0xffffffff : 6 + below(3);
    SYS(set_thread_area, &desc);
    if (one_in(4))
        selector = desc.entry_number << 3 | 3;
    asm volatile("push %%es\n\t mov %0, %%es\n\t mov $20, %%eax\n\t int $0x80\n\t pop %%es\n\t"
                 "mov %0, %%fs\n\t mov %0, %%gs\n\t mov $20, %%eax\n\t int $0x80\n\t"
                 "push %%ds\n\t mov %0, %%ds\n\t mov $20, %%eax\n\t int $0x80\n\t pop %%ds"
                 :
                 : "b"(selector)
                 : "eax", "memory");
    if (one_in(4))
        asm volatile("mov %0, %%ss\n\t mov $20, %%eax\n\t int $0x80\n\t ud2"
                     :
                     : "b"(selector)
                     : "eax");
    if (one_in(4))
        asm volatile("push %0\n\t push %1\n\t lret" : : "b"(selector), "c"(pointer_value()));
}

/* ---- signals ---- */

/* Random handlers, and a signal. */
static void odd_handler(void)
{
    struct action action = {.handler = (handler_t)(one_in(2) ? below(3) : pointer_value()),
                            .flags = bits() | (one_in(2) ? SA_ONSTACK : 0),
                            .restorer = one_in(2) ? NULL : (void (*)(void))pointer_value(),
                            .mask = bits()};
    uint32_t number = signal_value();

    if (one_in(2))
        action.handler = on_signal;
    SYS(rt_sigaction, number, &action, NULL, 8);
    SYS(kill, sys_getpid(), number);
}

/* A frame like the kernel's, or nearly so, and the return from a handler that never ran. */
static void forged_frame(void)
{
    static const uint32_t selectors[] = {0x23, 0x2b, 0x73, 0x7b, 0x33, 0x3b, 0, 3, 8, 0x10, 0x1b};
    uint32_t *frame = (uint32_t *)(areas[0].at + below(8) * 4);
    bool rt = one_in(2);
    uint32_t *context = frame + (rt ? 2 + 32 + 5 : 0);

    fill_words(frame, 160);
    if (!one_in(8)) {
        for (int i = 0; i < 4; i++)
            context[i] = one_in(2) ? 0x7b : PICK(selectors);
        context[15] = one_in(4) ? PICK(selectors) : 0x73;
        context[18] = one_in(4) ? PICK(selectors) : 0x7b;
        context[14] = one_in(2) ? (uint32_t)restore : context[14];
        context[7] = one_in(2) ? (uint32_t)frame + 2048 : context[7];
        context[16] = flags_value();
        context[19] = one_in(2) ? 0 : areas[0].at + PAGE * below(3) - below(600);
    }
    asm volatile("mov %%ebx, %%esp\n\t int $0x80\n\t ud2"
                 :
                 : "a"(rt ? __NR_rt_sigreturn : __NR_sigreturn),
                   "b"(one_in(8) ? pointer_value() : (uint32_t)frame)
                 : "memory");
}

/* ---- processes ---- */

static void become_child(uint32_t from)
{
    depth++;
    steps_left = steps_left / 2;
    for (int i = 0; i < CHILDREN; i++)
        own_children[i] = 0;
    seed(from);
    set_timer();
}

static uint32_t clone_flags(void)
{
    static const uint32_t flags[] = {CLONE_VM,
                                     CLONE_FS,
                                     CLONE_FILES,
                                     CLONE_SIGHAND,
                                     CLONE_VFORK,
                                     CLONE_PARENT,
                                     CLONE_SETTLS,
                                     CLONE_PARENT_SETTID,
                                     CLONE_CHILD_CLEARTID,
                                     CLONE_CHILD_SETTID,
                                     CLONE_THREAD,
                                     CLONE_VM | CLONE_VFORK};

    return (one_in(2) ? SIGCHLD : below(256)) | (one_in(2) ? PICK(flags) : 0) |
           (one_in(4) ? PICK(flags) : 0) | (one_in(16) ? bits() : 0);
}

static void new_process(void)
{
    uint32_t from = rnd();
    long pid;

    if (depth >= DEPTH)
        return;
    if (one_in(2))
        pid = SYS(fork);
    else
        pid = SYS(clone, clone_flags(), one_in(4) ? area_pointer() : 0, pointer_value(),
                  pointer_value(), pointer_value());
    if (pid == 0)
        become_child(from);
    else if (pid > 0)
        PICK(own_children) = pid;
}

/* Several processes that play at the same time, with the same open files. */
static void race(void)
{
    uint32_t from = rnd();

    for (int i = 0; i < RACERS; i++) {
        long pid = SYS(fork);

        if (pid == 0) {
            become_child(from + i);
            break;
        }
        own_children[i] = pid > 0 ? pid : 0;
    }
}

/* A child of vfork() that uses the memory and does not return. */
static void borrow(void)
{
    long pid = SYS(vfork);

    if (pid == 0) {
        if (one_in(2))
            SYS(execve, "x1", NULL, NULL);
        if (one_in(4))
            *(volatile int *)pointer_value();
        sys_exit(0);
    }
}

/* A program with words of its headers changed, or truncated. */
static void damaged_program(void)
{
    const char *argv[] = {(char *)path_value(), one_in(8) ? (char *)pointer_value() : "x", NULL};
    long pid, fd;

    copy_program("x0", "x1");
    fd = SYS(open, "x1", O_RDWR);
    for (uint32_t i = below(4); i > 0; i--) {
        uint32_t word = one_in(2) ? bits() : any_value();

        SYS(pwrite64, fd, &word, 1 + below(4), below(0xb4), 0);
    }
    if (one_in(8))
        SYS(ftruncate, fd, below(5000));
    SYS(close, fd);
    pid = one_in(8) ? 0 : SYS(fork);
    if (pid == 0) {
        SYS(execve, "x1", argv, one_in(2) ? NULL : argv);
        sys_exit(0);
    }
    SYS(wait4, pid, NULL, 0, NULL);
}

static void leave(void)
{
    if (one_in(20))
        sys_exit(rnd());
}

/* ---- a round ---- */

static void (*const actions[])(void) = {
    any_call,      any_call,        any_call,    any_call,
    any_call,      any_call,        any_call,    any_call,
    any_call,      any_call,        any_call,    any_call,
    any_call,      any_call,        fill,        fill,
    touch,         touch,           touch_pages, map_area,
    map_area,      restore,         instruction, instruction,
    jump,          call_with_flags, bad_stack,   segment,
    leave,         forged_frame,    odd_handler, borrow,
    new_process,   damaged_program, stack_deep,  virtual_8086,
    foreign_flags,
};

static void open_files(void)
{
    static const char *const paths[] = {"f0", ".", "zero", "null", "/proc/self/maps", "f1"};
    int ends[2];

    for (int fd = 0; fd < 3; fd++)
        SYS(close, fd);
    for (int fd = 0; fd < 3; fd++)
        SYS(open, "null", O_RDWR);
    for (uint32_t i = 0; i < sizeof(paths) / sizeof(*paths); i++)
        SYS(open, paths[i], i == 0 || i == 5 ? O_RDWR | O_CREAT : O_RDONLY, 0644);
    SYS(open, "fifo", O_RDWR | O_NONBLOCK);
    for (int i = 0; i < 3; i++)
        SYS(pipe2, ends, i == 0 ? O_NONBLOCK : 0);
}

static void make_memory(void)
{
    uint32_t size = AREA_PAGES * PAGE;

    areas[0] = (struct fuzz_area){(uint32_t)map(NULL, size, RW | PROT_EXEC, ANONYMOUS, -1), size};
    for (uint32_t i = 0; i < 3; i++)
        fill_words((uint32_t *)(areas[0].at + i * PAGE), PAGE / 4);
    SYS(munmap, areas[0].at + 4 * PAGE, PAGE);
    SYS(mprotect, areas[0].at + 6 * PAGE, PAGE, PROT_READ);
    SYS(mprotect, areas[0].at + 8 * PAGE, PAGE, PROT_NONE);
    SYS(mmap2, areas[0].at + 10 * PAGE, 2 * PAGE, RW, MAP_PRIVATE | MAP_FIXED, 3, 0);
    sys_brk(sys_brk(0) + 4 * PAGE + 100);
}

static void play(uint32_t from)
{
    begin_round(from);
    open_files();
    make_memory();
    steps_left = STEPS;
    if (one_in(2))
        race();
    restore();
    RESUME();
    while (steps_left-- > 0)
        PICK(actions)();
    sys_exit(0);
}

FIRST int main(int argc, char *argv[])
{
    sysinfo_entry = aux_value(AT_SYSINFO);
    return fuzz_rounds(argc, argv);
}
