/*
 * Makes every system call again and again in a way that succeeds, for the self-test that refuses
 * its allocations one by one: tests/kernel/syscall/sweep_test.c, which judges the results, says
 * how often, and prints them. It fails if a call of the kernel has no case here.
 *
 * A round of a case is what prepares the call, the call, and what removes its effects. What changes
 * the process itself is left to a child. Calls that need none of this are in lib/sweep_cases.h,
 * those for files in lib/sweep_files.h.
 */
#include "lib/handler.h"
#include "lib/sweep_files.h"
#include <asm/ldt.h>
#include <linux/futex.h>
#include <linux/sched.h>
#include <linux/wait.h>

extern char edata[], end[]; /* user.ld */

static const struct sweep_case *now;
static uint32_t heap;
static long kid;
static int kid_status;

/* ---- the call ---- */

static void begin(void)
{
    SYS(ioctl, CONTROL_FD, SWEEP_BEGIN, 0);
}

static void finish(long result)
{
    SYS(ioctl, CONTROL_FD, SWEEP_END, result);
}

static long argument(int i)
{
    switch (now->argument[i]) {
    case OWN_PID:
        return sys_getpid();
    case KID_PID:
        return kid;
    case HEAP_END:
        return heap + 3 * PAGE;
    default:
        return now->argument[i];
    }
}

/* Its child, which may share the stack with this process, ends at once. */
static long call_that_forks(const long argument[])
{
    long result;

    asm volatile("int $0x80\n\t test %%eax, %%eax\n\t jnz 1f\n\t"
                 "mov %[exit], %%eax\n\t xor %%ebx, %%ebx\n\t int $0x80\n 1:"
                 : "=a"(result)
                 : "a"(now->number), "b"(argument[0]), "c"(argument[1]), "d"(argument[2]),
                   "S"(argument[3]), "D"(argument[4]), [exit] "i"(__NR_exit)
                 : "memory", "cc");
    return result;
}

static long make_call(void)
{
    long arguments[6], result;

    for (int i = 0; i < 6; i++)
        arguments[i] = argument(i);
    begin();
    if (now->flags & FORKS)
        result = call_that_forks(arguments);
    else
        result = syscall6(now->number, arguments[0], arguments[1], arguments[2], arguments[3],
                          arguments[4], arguments[5]);
    finish(result);
    return result;
}

/* A child must not need a copy of a page in the middle of the call. */
static void own_memory(void)
{
    for (volatile char *at = (volatile char *)((uint32_t)edata & -PAGE); at < end; at += PAGE) {
        char byte = *at;

        *at = byte;
    }
}

static void make_call_in_child(void)
{
    kid = fork_process();
    if (kid) {
        kid_status = wait_status(kid);
        return;
    }
    own_memory();
    if (now->call)
        now->call();
    else
        make_call();
    sys_exit(0);
}

static void make_round(void)
{
    long result = 0;

    if (now->prepare)
        now->prepare();
    if (now->flags & CHILD)
        make_call_in_child();
    else
        result = make_call();
    if (now->undo)
        now->undo(result);
}

static bool make_rounds(const struct sweep_case *cases, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        long more;

        now = &cases[i];
        while ((more = SYS(ioctl, CONTROL_FD, SWEEP_NEXT, now)) > 0)
            make_round();
        if (more < 0)
            return false;
    }
    return true;
}

/* ---- memory ---- */

#define AREA  0x20000000u
#define EDGE  (0x30000000u - 2 * PAGE) /* two pages in one table, the others in the next */
#define PAGES 8

static uint32_t mmap_arguments[6] = {AREA, 2 * PAGE, RW, ANONYMOUS | MAP_FIXED, (uint32_t)-1, 0};

static void map_area(void)
{
    CHECK(map((void *)AREA, PAGES * PAGE, RW, ANONYMOUS | MAP_FIXED, -1) == (void *)AREA);
}

static void map_touched(void)
{
    map_area();
    for (uint32_t i = 0; i < PAGES; i++)
        store((void *)(AREA + i * PAGE), 1);
}

/* Each with its own line in /proc/self/maps, so that its text needs vmalloc(). */
static void map_many(void)
{
    for (uint32_t i = 0; i < 256; i++)
        map((void *)(AREA + 2 * i * PAGE), PAGE, RW, ANONYMOUS | MAP_FIXED, -1);
}

static void unmap_all(long unused)
{
    (void)unused;
    SYS(munmap, AREA, 512 * PAGE);
    SYS(munmap, EDGE, 2 * PAGES * PAGE);
}

static void close_and_unmap(long fd)
{
    close_it(fd);
    unmap_all(0);
}

/* As man 2 brk says, the call returns the old end instead of an error. */
static void heap_back(long result)
{
    CHECK((uint32_t)result == heap || (uint32_t)result == heap + 3 * PAGE);
    CHECK(sys_brk(heap) == heap);
}

/* ---- processes and signals ---- */

static char long_text[3000];
static const char *short_argv[] = {"status", "0", NULL}, *no_env[] = {NULL};
static const char *long_argv[] = {"status", long_text, long_text, long_text, NULL};
static struct user_desc segment = {
    .entry_number = -1u, .limit = 0xfffff, .seg_32bit = 1, .limit_in_pages = 1, .useable = 1};
static struct user_desc slot = {.entry_number = 6};
static struct action no_action;
static siginfo_t queued = {.si_code = -1};
static uint64_t usr1 = 1ull << (SIGUSR1 - 1);

static void have_kid(void)
{
    kid = fork_process();
    if (kid == 0)
        sys_exit(0);
}

static void collect(long result)
{
    if (result > 0)
        SYS(wait4, result, NULL, __WALL, NULL);
}

static void on_signal(int signal, siginfo_t *info, void *context)
{
    (void)signal, (void)info, (void)context;
}

/* Also when the timer is faster than the call that waits for it. */
static void call_pause(void)
{
    const uint32_t times[4] = {0, 10000, 0, 10000};

    set_handler(SIGALRM, on_signal, 0);
    SYS(setitimer, 0, times, NULL);
    make_call();
}

/* A signal that is blocked until the call waits for it. */
static void call_with_signal(void)
{
    set_handler(SIGUSR1, on_signal, 0);
    SYS(rt_sigprocmask, SIG_BLOCK, &usr1, NULL, 8);
    SYS(kill, sys_getpid(), SIGUSR1);
    make_call();
}

static void on_signal_begin(int signal, siginfo_t *info, void *context)
{
    (void)signal, (void)info, (void)context;
    begin();
}

/* The vDSO calls sigreturn() or, with SA_SIGINFO, rt_sigreturn() after the handler. */
static void call_sigreturn(void)
{
    struct action action = {.handler = on_signal_begin,
                            .flags = now->number == __NR_rt_sigreturn ? SA_SIGINFO : 0};

    SYS(rt_sigaction, SIGUSR1, &action, NULL, 8);
    finish(SYS(kill, sys_getpid(), SIGUSR1));
}

static void call_with_core(void)
{
    const struct rlimit limit = {-1ul, -1ul};

    CHECK(SYS(setrlimit, RLIMIT_CORE, &limit) == 0);
    make_call();
}

static void remove_core(long unused)
{
    (void)unused;
    CHECK((kid_status & 0x7f) == SIGABRT);
    CHECK(SYS(unlink, "core") == 0 || !(kid_status & 0x80 /* it was dumped */));
}

/* ---- all cases ---- */

#define MAPS(name_, call_, ...) NAMED(name_, call_, A(__VA_ARGS__), .undo = unmap_all)
#define MIDDLE                  AREA + 2 * PAGE, PAGE

#define IN_AREA(call_, ...) CALL(call_, A(__VA_ARGS__), .prepare = map_touched, .undo = unmap_all)

/* clang-format off */
static const struct sweep_case cases[] = {
    /* processes */
    CALL(exit, A(0), .flags = CHILD | MAY_LEAVE),
    CALL(exit_group, A(0), .flags = CHILD | MAY_LEAVE),
    CALL(fork, A(0), .flags = FORKS, .undo = collect),
    CALL(vfork, A(0), .flags = FORKS, .undo = collect),
    CALL(clone, A(CLONE_VM | CLONE_VFORK | SIGCHLD), .flags = FORKS, .undo = collect),
    /* As on Linux, the child may miss its own number. */
    NAMED("clone, number", clone, A(CLONE_CHILD_SETTID | SIGCHLD, 0, 0, 0, (long)out),
          .flags = FORKS | MAY_SUCCEED, .undo = collect),
    CALL(execve, A((long)"/status", (long)short_argv, (long)no_env), .flags = CHILD | MAY_LEAVE),
    NAMED("execve, long arguments", execve, A((long)"/status", (long)long_argv, (long)no_env),
          .flags = CHILD | MAY_LEAVE),
    NAMED("execve, script", execve, A((long)"script", (long)short_argv, (long)no_env),
          .flags = CHILD | MAY_LEAVE),
    CALL(waitpid, A(KID_PID, (long)out, 0), .prepare = have_kid),
    CALL(wait4, A(KID_PID, (long)out, 0, (long)out), .prepare = have_kid),
    CALL(waitid, A(P_PID, KID_PID, (long)out, WEXITED, (long)out), .prepare = have_kid),
    IN_CHILD(setpgid, 0, 0), IN_CHILD(setsid, 0), IN_CHILD(set_thread_area, (long)&segment),
    PLAIN(get_thread_area, (long)&slot),
    IN_CHILD(chroot, (long)"/"), IN_CHILD(setrlimit, RLIMIT_CORE, (long)zeros),
    IN_CHILD(prlimit64, 0, RLIMIT_CORE, (long)zeros, (long)out),
    /* signals */
    IN_CHILD(signal, SIGUSR1, 0), IN_CHILD(sigaction, SIGUSR1, (long)&no_action, (long)out),
    IN_CHILD(rt_sigaction, SIGUSR1, (long)&no_action, (long)out, 8),
    IN_CHILD(rt_sigqueueinfo, OWN_PID, SIGCHLD, (long)&queued),
    CALL(pause, A(0), .flags = CHILD, .call = call_pause, .error = EINTR),
    CALL(sigsuspend, A(0, 0, 0), .flags = CHILD, .call = call_with_signal, .error = EINTR),
    CALL(rt_sigsuspend, A((long)zeros, 8), .flags = CHILD, .call = call_with_signal,
         .error = EINTR),
    CALL(rt_sigtimedwait, A((long)&usr1, (long)out, 0, 8), .flags = CHILD,
         .call = call_with_signal),
    CALL(rt_sigtimedwait_time64, A((long)&usr1, (long)out, 0, 8), .flags = CHILD,
         .call = call_with_signal),
    CALL(sigreturn, A(0), .flags = CHILD, .call = call_sigreturn),
    CALL(rt_sigreturn, A(0), .flags = CHILD, .call = call_sigreturn),
    /* The process ends with the signal, with or without its core file. */
    NAMED("kill, core file", kill, A(OWN_PID, SIGABRT), .call = call_with_core,
          .flags = CHILD | TO_THE_END | MAY_LEAVE | MAY_DIE, .undo = remove_core),
    /* memory */
    CALL(brk, A(HEAP_END), .flags = MAY_SUCCEED, .undo = heap_back),
    MAPS("mmap", mmap, (long)mmap_arguments),
    MAPS("mmap2", mmap2, AREA, 2 * PAGE, RW, ANONYMOUS | MAP_FIXED, -1, 0),
    MAPS("mmap2, shared memory", mmap2, AREA, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1),
    /* As man 2 mmap says, it does not fail when not all pages can be populated. */
    NAMED("mmap2, MAP_POPULATE", mmap2,
          A(AREA, 2 * PAGE, RW, ANONYMOUS | MAP_FIXED | MAP_POPULATE, -1, 0), .flags = MAY_SUCCEED,
          .undo = unmap_all),
    NAMED("mmap2, over others", mmap2, A(MIDDLE, PROT_READ, ANONYMOUS | MAP_FIXED, -1, 0),
          .prepare = map_touched, .undo = unmap_all),
    MAPS("mmap2, file", mmap2, AREA, FILE_SIZE, RW, MAP_SHARED | MAP_FIXED, FILE_FD, 0),
    CALL(munmap, A(MIDDLE), .prepare = map_touched, .undo = unmap_all),
    IN_AREA(mprotect, MIDDLE, PROT_READ), IN_AREA(madvise, MIDDLE, 4 /* MADV_DONTNEED */),
    IN_AREA(mremap, AREA + PAGE, 4 * PAGE, 6 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, EDGE),
    /* As on Linux, the pages that it has touched stay. */
    CALL(mlock, A(AREA, 2 * PAGE), .flags = MAY_KEEP, .refused = -EAGAIN, .prepare = map_area,
         .undo = unmap_all),
    CALL(mlock2, A(AREA, 2 * PAGE, 0), .flags = MAY_KEEP, .refused = -EAGAIN, .prepare = map_area,
         .undo = unmap_all),
    /* A page of the program is refused: it is killed. */
    NAMED("pread64, new page", pread64, A(FILE_FD, AREA, PAGE, 0, 0), .flags = CHILD | MAY_DIE,
          .prepare = map_area, .undo = unmap_all),
    NAMED("open, /proc", open, A((long)"/proc/self/maps", O_RDONLY), .prepare = map_many,
          .undo = close_and_unmap),
    NAMED("futex, new page", futex, A(AREA, FUTEX_WAIT, 1, 0), .error = EAGAIN, .prepare = map_area,
          .undo = unmap_all),
};
/* clang-format on */

/* ---- the beginning ---- */

/* So that a child gets a copy of the floating-point registers. */
static void use_fpu(void)
{
    uint32_t eax = 1, ebx, ecx, edx;

    asm volatile("cpuid" : "+a"(eax), "=b"(ebx), "=c"(ecx), "=d"(edx));
    if (edx & 1)
        asm volatile("fninit");
}

int main(void)
{
    memset(long_text, 'x', sizeof(long_text) - 1);
    heap = sys_brk(0);
    use_fpu();
    make_files();
    own_memory();
    return !make_rounds(plain_cases, sizeof(plain_cases) / sizeof(*plain_cases)) ||
           !make_rounds(file_cases, sizeof(file_cases) / sizeof(*file_cases)) ||
           !make_rounds(cases, sizeof(cases) / sizeof(*cases));
}
