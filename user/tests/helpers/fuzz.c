/*
 * `fuzz SEED COUNT [say]`: random actions that no program would do. Each of COUNT rounds is a child
 * that takes a few hundred steps: a system call with arguments near every limit (lib/fuzz_calls.h),
 * a touch of memory, a jump or an instruction that ring 3 must not use, a forged signal frame, a
 * segment, a child that does the same. The results of the steps do not matter; the kernel must
 * survive them and be as before. Round i depends only on SEED + i, so `fuzz SEED 1` repeats it, as
 * far as the clock allows; with `say` each round is announced.
 *
 * A round that does not end is killed. After each round all other processes are killed, in all
 * groups and sessions, and its files are removed, from one folder and from the root. So run it only
 * on a separate machine, never on Linux, where it would kill your processes.
 *
 * The code that does this is on separate pages, which a child unmaps before its first step: its
 * jumps go anywhere, and one into the middle of kill_others() would kill the first process.
 *
 * The status is 0; 1 if processes cannot be killed or files cannot be removed.
 */
#include "lib/auxv.h"
#include "lib/fuzz_calls.h"
#include "lib/handler.h"
#include <asm/ldt.h>
#include <linux/sched.h>
#include <linux/stat.h>
#include <linux/utsname.h>
#include <linux/wait.h>

#define STEPS       300
#define DEPTH       3 /* children of children */
#define PATIENCE_MS 300
#define TICK_US     20000 /* a call that waits is interrupted after this time */
#define RESUME()    __builtin_setjmp(resume)

/* The code that only the first process runs; the linker defines where it begins and ends. */
#define FIRST __attribute__((section("first_process")))
extern char __start_first_process[], __stop_first_process[];

static void *resume[5];
static volatile int steps_left;
static int depth;
static char signal_stack[16384];
static uint32_t sysinfo_entry;
static uint64_t folder_ino;
extern char edata[], end[]; /* user.ld */

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

/* Instructions that fault, or change what the kernel relies on; each is followed by a return. */
static const char *const instructions[] = {
    "\xf4",         "\xfa",         "\xfb",         "\xec",
    "\xee",         "\xcc",         "\xce",         "\xf1",
    "\x0f\x0b",     "\x0f\x01\xd0", "\xcf",         "\xcb",
    "\x0f\x30",     "\x0f\x32",     "\x0f\x06",     "\x0f\x20\xc0",
    "\x0f\x22\xc0", "\x0f\x22\xd8", "\x0f\x22\xe0", "\x0f\x21\xf8",
    "\x0f\x23\xf8", "\x0f\x01\x38", "\x0f\x01\x10", "\x0f\x01\x18",
    "\x0f\x01\x08", "\x0f\x01\xe0", "\x0f\x01\xf0", "\x0f\x00\xd8",
    "\x0f\x00\xd0", "\x0f\x00\xc8", "\x0f\x00\xc0", "\x0f\x31",
    "\x0f\x33",     "\x0f\x34",     "\x0f\x35",     "\x9b\xd9\xc0",
    "\xdb\xe3",     "\x0f\xae\x08", "\x0f\xae\x00", "\x0f\xae\x10",
    "\xd9\x28",     "\xdd\x20",     "\xdd\x30",     "\x0f\xa2",
    "\xf3\xa4",     "\xf3\xab",     "\xfd\xf3\xab", "\xf0\x90",
    "\xd4\x00",     "\xf7\xf0",     "\x62\x00",     "\x0f\x09",
    "\x0f\x08",     "\x0f\xc7\x08", "\x8e\xd8",     "\x8e\xc0",
    "\x8e\xe0",     "\x8e\xe8",     "\x8e\xd0",     "\x0f\xb2\x20",
    "\xc5\x00",     "\xc4\x00",     "\x0f\xb4\x00", "\x0f\xb5\x00",
    "\xff\x18",     "\xff\x28",     "\x0f\x1f\x00", "\xc8\x00\x40\x1f",
    "\x60",         "\x61",         "\x9d",         "\x0f\x05",
    "\x0f\xaa",     "\x0f\x01\xcb", "\x0f\x01\xca", "\xd6",
    "\x63\xc0",     "\x0f\x02\xc0", "\x0f\x03\xc0", "\x0f\x00\xe0",
    "\x0f\xae\x28", "\x0f\xc7\xf0", "\xe4\x60",     "\xe6\x80",
    "\x6c",
};

/* Call code with random registers; EAX and the flags are given. */
static void run(uint32_t code, uint32_t eax, uint32_t flags)
{
    static uint32_t registers[6];

    fill_words(registers, 6);
    registers[5] = flags;
    asm volatile("push %%ebp\n\t push %%ds\n\t push %%es\n\t pushf\n\t pusha\n\t"
                 "mov %[code], %%ebp\n\t"
                 "mov 0+%[regs], %%ebx\n\t mov 4+%[regs], %%ecx\n\t mov 8+%[regs], %%edx\n\t"
                 "mov 12+%[regs], %%esi\n\t mov 16+%[regs], %%edi\n\t"
                 "push 20+%[regs]\n\t popf\n\t"
                 "call *%%ebp\n\t"
                 "popa\n\t popf\n\t pop %%es\n\t pop %%ds\n\t pop %%ebp"
                 :
                 : [code] "S"(code), [regs] "m"(registers), "a"(eax)
                 : "memory", "cc");
}

/* Calls without pointers that end nothing, for code that may make any of them. */
static uint32_t harmless_call(void)
{
    static const uint32_t numbers[] = {__NR_getpid, __NR_sched_yield, __NR_getppid, __NR_sync,
                                       1000};

    return PICK(numbers);
}

static uint32_t flags_value(void)
{
    static const uint32_t flags[] = {0x100,   0x400,    0x4000,  0x3000,
                                     0x40000, 0x200000, 0x10000, 0x20000};

    return one_in(2) ? 0x202 : 0x202 | PICK(flags) | (one_in(2) ? PICK(flags) : 0);
}

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
 * After a cmpxchg8b QEMU 7.2 may use the operand of a sub before it as the flags. VM and TF are left
 * out: if QEMU leaves its loop before the kernel's first instruction, ring 0 has them. entry_test
 * has VM.
 */
static void foreign_flags(void)
{
    const uint32_t in_ring_0 = 0x20100;
    static uint64_t pair;
    static uint32_t at;
    uint32_t eax = 0, edx = 0, esi = 0;

    at = pointer_value();
    asm volatile("push $0x202\n\t popf\n\t sub %[flags], %%esi\n\t cmpxchg8b %[pair]\n\t"
                 "mov %[at], %%eax\n\t mov %%edx, (%%eax)\n\t mov %[getpid], %%eax\n\t int $0x80"
                 : [pair] "+m"(pair), "+a"(eax), "+d"(edx), "+S"(esi)
                 : [flags] "D"((flags_value() << below(3)) & ~in_ring_0), [at] "m"(at),
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

static bool is_fault(int number)
{
    return number == SIGSEGV || number == SIGBUS || number == SIGILL || number == SIGFPE ||
           number == SIGTRAP;
}

static void on_signal(int number, siginfo_t *info, void *context)
{
    (void)info, (void)context;
    asm volatile("push $0x202; popf; cld" : : : "cc", "memory");
    if (is_fault(number) || one_in(4))
        __builtin_longjmp(resume, 1);
}

static void set_handlers(void)
{
    static const uint8_t numbers[] = {SIGSEGV, SIGBUS, SIGILL,  SIGFPE,  SIGTRAP, SIGALRM,
                                      SIGUSR1, SIGSYS, SIGPIPE, SIGCHLD, SIGXFSZ};
    stack_t stack = {.ss_sp = signal_stack, .ss_size = sizeof(signal_stack)};
    struct action action = {.handler = on_signal, .flags = SA_NODEFER | SA_ONSTACK};

    for (uint32_t i = 0; i < sizeof(numbers); i++)
        SYS(rt_sigaction, numbers[i], &action, NULL, 8);
    SYS(sigaltstack, &stack, NULL);
}

static void set_timer(void)
{
    uint32_t value[4] = {0, TICK_US, 0, TICK_US};

    SYS(setitimer, 0, value, NULL);
}

static void restore(void)
{
    uint64_t none = 0;

    set_handlers();
    set_timer();
    SYS(rt_sigprocmask, SIG_SETMASK, &none, NULL, 8);
}

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

static void copy_program(const char *from, const char *to)
{
    long in = SYS(open, from, O_RDONLY), out = SYS(open, to, O_RDWR | O_CREAT | O_TRUNC, 0755);

    SYS(sendfile, out, in, NULL, 1 << 20);
    SYS(close, in);
    SYS(close, out);
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

static void __attribute__((noreturn, noinline)) play(uint32_t from)
{
    CHECK(SYS(munmap, __start_first_process, __stop_first_process - __start_first_process) == 0);
    seed(from);
    SYS(setpgid, 0, 0);
    open_files();
    make_memory();
    restore();
    steps_left = STEPS;
    RESUME();
    while (steps_left-- > 0)
        PICK(actions)();
    sys_exit(0);
}

/* ---- files ---- */

static FIRST void make_files(void)
{
    static struct statx stat;

    SYS(mkdir, "/tmp", 0777);
    SYS(mkdir, FOLDER, 0777);
    CHECK(SYS(chdir, FOLDER) == 0); /* or all files in the root would be removed at the end */
    CHECK(SYS(statx, AT_FDCWD, ".", 0, STATX_INO, &stat) == 0);
    folder_ino = stat.stx_ino;
    copy_program("/hello", "x0");
    copy_program("x0", "x1");
    SYS(mkdir, "d0", 0777);
    SYS(mkdir, "d0/d1", 0777);
    SYS(symlink, "loop", "loop");
    SYS(symlink, "pong", "ping");
    SYS(symlink, "missing", "dangling");
    SYS(symlink, "d0/d1", "link");
    SYS(mknod, "fifo", S_IFIFO | 0666, 0);
    SYS(mknod, "null", S_IFCHR | 0666, 1 << 8 | 3);
    SYS(mknod, "zero", S_IFCHR | 0666, 1 << 8 | 5);
    SYS(mknod, "full", S_IFCHR | 0666, 1 << 8 | 7);
    SYS(mkdir, "pong", 0777);
    SYS(mknod, "/stray", S_IFREG | 0666, 0);
}

/* An entry of getdents64(). */
struct entry {
    uint64_t ino, off;
    uint16_t size;
    uint8_t type;
    char name[];
};

static bool is_dots(const char *name)
{
    return streq(name, ".") || streq(name, "..");
}

static FIRST bool empty_folder(long folder, uint64_t ino);

/* Remove an entry, and first what is in it. */
static FIRST bool remove_entry(long folder, const char *name, uint64_t ino)
{
    long inside;
    bool empty;

    if (SYS(unlinkat, folder, name, 0) == 0)
        return true;
    inside = SYS(openat, folder, name, O_RDONLY | O_DIRECTORY);
    empty = inside >= 0 && empty_folder(inside, ino);
    SYS(close, inside);
    return empty && SYS(unlinkat, folder, name, AT_REMOVEDIR) == 0;
}

/* Remove the entries of a folder with a greater inode number. True if none of them is left. */
static FIRST bool empty_folder(long folder, uint64_t ino)
{
    char buf[1024] __attribute__((aligned(8)));
    bool done = true;
    long size;

    while (done && (size = SYS(getdents64, folder, buf, sizeof(buf))) > 0) {
        const struct entry *entry = (const struct entry *)buf;

        for (; done && (char *)entry < buf + size; entry = (void *)((char *)entry + entry->size))
            if (!is_dots(entry->name) && entry->ino > ino)
                done = remove_entry(folder, entry->name, ino);
    }
    return done && size == 0;
}

static FIRST bool empty_path(const char *path)
{
    long folder = SYS(open, path, O_RDONLY | O_DIRECTORY);
    bool empty = folder >= 0 && empty_folder(folder, folder_ino);

    SYS(close, folder);
    return empty;
}

/*
 * Inode numbers only grow, so what is newer than FOLDER is the round's, also in the root: a path
 * may be any bytes of memory that happen to begin with a slash.
 */
static FIRST bool remove_files(void)
{
    bool empty = empty_path(FOLDER);

    SYS(chdir, "/");
    return empty_path("/") && empty && SYS(rmdir, FOLDER) == 0;
}

/* ---- the first process ---- */

/*
 * Memory may run out while the child exists, and then this process must not need any: it gets its
 * own copies of the pages that it writes before the child begins.
 */
static FIRST void own_memory(void)
{
    volatile char deep[32768];

    for (uint32_t i = 0; i < sizeof(deep); i += PAGE)
        deep[i] = 0;
    for (volatile char *at = (volatile char *)data_page; at < end; at += PAGE) {
        char byte = *at;

        *at = byte;
    }
}

static FIRST bool has_ended(long child)
{
    return SYS(wait4, child, NULL, WNOHANG, NULL) != 0;
}

/* Kill all other processes. False if some cannot be killed. */
static FIRST bool kill_others(void)
{
    const struct __kernel_old_timespec nap = {0, 10000000};

    for (int i = 0; SYS(kill, -1, SIGKILL) == 0; i++) {
        if (i > 2000)
            return false;
        if (i < 100)
            sys_sched_yield();
        else
            sys_nanosleep(&nap);
    }
    while (SYS(wait4, -1, NULL, 0, NULL) > 0)
        ;
    return true;
}

static FIRST bool round(uint32_t number)
{
    const uint64_t child_ended = 1ull << (SIGCHLD - 1);
    const struct __kernel_old_timespec moment = {0, PATIENCE_MS / 10 * 1000000};
    int ends[2];
    long child;
    bool done;

    make_files();
    CHECK(SYS(pipe, ends) == 0);
    child = SYS(fork);
    if (child == 0) {
        SYS(read, ends[0], ends, 1);
        SYS(close, ends[0]);
        SYS(close, ends[1]);
        play(number);
    }
    own_memory();
    SYS(write, ends[1], "", 1);
    for (int i = 0; i < 10 && !has_ended(child); i++)
        SYS(rt_sigtimedwait, &child_ended, NULL, &moment, 8);
    done = kill_others();
    SYS(close, ends[0]);
    SYS(close, ends[1]);
    if (!done)
        print("fuzz: seed %u: there are processes that do not end\n", number);
    if (!remove_files()) {
        print("fuzz: seed %u: there are files that cannot be removed\n", number);
        return false;
    }
    return done;
}

FIRST int main(int argc, char *argv[])
{
    static struct new_utsname names;
    const uint64_t all = ~0ull;
    uint32_t first, count;
    bool done = true;

    if (argc < 3 || !parse_number(argv[1], &first) || !parse_number(argv[2], &count))
        return 2;
    text_page = (uint32_t)play & -PAGE;
    data_page = (uint32_t)edata & -PAGE;
    sysinfo_entry = aux_value(AT_SYSINFO);
    SYS(rt_sigprocmask, SIG_SETMASK, &all, NULL, 8);
    SYS(setpgid, 0, 0);
    SYS(uname, &names);
    for (uint32_t i = 0; i < count && done; i++) {
        if (argc > 3)
            print("fuzz: seed %u\n", first + i);
        done = round(first + i);
    }
    SYS(sethostname, names.nodename, strlen(names.nodename));
    SYS(setdomainname, names.domainname, strlen(names.domainname));
    return !done;
}
