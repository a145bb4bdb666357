/*
 * Signals: a handler's arguments and the restored state, masks, stacks, waiting, stopping, and
 * forged frames. Prints nothing unless a check fails. Also passes on Linux.
 */
#include "lib/check.h"
#include <linux/signal.h> /* before <asm/ucontext.h>, which needs it */

#include <asm/sigcontext.h>
#include <asm/siginfo.h>
#include <asm/ucontext.h>
#include <linux/fcntl.h>
#include <linux/mman.h>
#include <linux/time.h>
#include <linux/wait.h>

#define PAGE 4096u

static uint64_t bit(int signal)
{
    return 1ull << (signal - 1);
}

struct action {
    void (*handler)(int, siginfo_t *, void *);
    unsigned long flags;
    void (*restorer)(void);
    uint64_t mask;
};

/* The restorers of a program that does not rely on the vDSO. */
void restore(void);
void restore_rt(void);
asm("restore: pop %eax; mov $119, %eax; int $0x80");
asm("restore_rt: mov $173, %eax; int $0x80");

static volatile int calls, last_signal;
static siginfo_t last_info;
static volatile uintptr_t last_stack;

static void note(int signal, siginfo_t *info, void *context)
{
    (void)context;
    calls++;
    last_signal = signal;
    /* The address of the arguments: that of a parameter may be the address of a copy. */
    last_stack = (uintptr_t)__builtin_frame_address(0) + 2 * sizeof(void *);
    if (info)
        last_info = *info;
}

static long set_action(int signal, void (*handler)(int, siginfo_t *, void *), unsigned long flags,
                       uint64_t mask)
{
    struct action action = {.handler = handler,
                            .flags = flags | SA_RESTORER,
                            .restorer = flags & SA_SIGINFO ? restore_rt : restore,
                            .mask = mask};

    calls = 0;
    return SYS(rt_sigaction, signal, &action, NULL, 8);
}

static void set_default(int signal)
{
    CHECK(set_action(signal, (void *)SIG_DFL, 0, 0) == 0);
}

static long change_mask(int how, uint64_t set)
{
    return SYS(rt_sigprocmask, how, &set, NULL, 8);
}

static uint64_t pending(void)
{
    uint64_t set = 0;

    CHECK(SYS(rt_sigpending, &set, 8) == 0);
    return set;
}

static long me(void)
{
    return sys_getpid();
}

static void check_arguments(void)
{
    struct action action, old = {0};

    CHECK(SYS(rt_sigaction, 0, NULL, &old, 8) == -EINVAL);
    CHECK(SYS(rt_sigaction, 65, NULL, &old, 8) == -EINVAL);
    CHECK(SYS(rt_sigaction, SIGUSR1, NULL, &old, 4) == -EINVAL);
    CHECK(SYS(rt_sigaction, SIGUSR1, 0xc0000000, NULL, 8) == -EFAULT);
    CHECK(SYS(rt_sigaction, SIGUSR1, NULL, 0xc0000000, 8) == -EFAULT);
    CHECK(set_action(SIGKILL, note, 0, 0) == -EINVAL);
    CHECK(set_action(SIGSTOP, (void *)SIG_IGN, 0, 0) == -EINVAL);
    CHECK(SYS(rt_sigaction, SIGKILL, NULL, &old, 8) == 0 && old.handler == (void *)SIG_DFL);
    CHECK(set_action(SIGUSR1, note, SA_SIGINFO, bit(SIGUSR2) | bit(SIGKILL) | bit(40)) == 0);
    CHECK(SYS(rt_sigaction, SIGUSR1, NULL, &action, 8) == 0);
    CHECK(action.handler == note && action.mask == (bit(SIGUSR2) | bit(40)));
    CHECK(action.flags == (SA_SIGINFO | SA_RESTORER) && action.restorer == restore_rt);
    set_default(SIGUSR1);
    CHECK(SYS(kill, me(), 65) == -EINVAL && SYS(tkill, me(), 65) == -EINVAL);
    CHECK(SYS(kill, 0x3fffffff, 65) == -ESRCH && SYS(kill, -0x3fffffff, 65) == -ESRCH);
    CHECK(SYS(tkill, 0x3fffffff, 65) == -ESRCH);
    CHECK(SYS(kill, me(), 0) == 0);
    CHECK(SYS(kill, 0x3fffffff, SIGTERM) == -ESRCH);
    CHECK(SYS(kill, -0x3fffffff, SIGTERM) == -ESRCH);
    CHECK(SYS(tgkill, me(), me(), 0) == 0);
    CHECK(SYS(tgkill, 0, me(), 0) == -EINVAL);
    CHECK(SYS(rt_sigprocmask, 3, &action.mask, NULL, 8) == -EINVAL);
    CHECK(SYS(rt_sigprocmask, SIG_BLOCK, 1, NULL, 8) == -EFAULT);
}

static void check_handlers(void)
{
    CHECK(set_action(SIGUSR1, note, 0, 0) == 0);
    CHECK(SYS(kill, me(), SIGUSR1) == 0); /* delivered before the call returns */
    CHECK(calls == 1 && last_signal == SIGUSR1);
    CHECK(SYS(kill, 0, 0) == 0);

    CHECK(set_action(SIGUSR1, note, SA_SIGINFO, 0) == 0);
    CHECK(SYS(kill, me(), SIGUSR1) == 0);
    CHECK(calls == 1 && last_info.si_signo == SIGUSR1 && last_info.si_code == SI_USER);
    CHECK(last_info.si_pid == me() && last_info.si_uid == (unsigned)SYS(getuid32));
    CHECK(SYS(tgkill, me(), me(), SIGUSR1) == 0);
    CHECK(calls == 2 && last_info.si_code == SI_TKILL);
    CHECK(last_stack % 16 == 0); /* the ABI: arguments are aligned */

    CHECK(set_action(SIGUSR1, note, SA_RESETHAND, 0) == 0);
    CHECK(SYS(kill, me(), SIGUSR1) == 0 && calls == 1);
    {
        struct action action;

        CHECK(SYS(rt_sigaction, SIGUSR1, NULL, &action, 8) == 0);
        CHECK(action.handler == (void *)SIG_DFL && action.flags & SA_RESETHAND);
    }
    CHECK(set_action(SIGUSR1, (void *)SIG_IGN, 0, 0) == 0);
    CHECK(SYS(kill, me(), SIGUSR1) == 0);
    set_default(SIGUSR1);
    CHECK(SYS(kill, me(), SIGCHLD) == 0); /* ignored by default */
    CHECK(SYS(kill, me(), SIGCONT) == 0);
}

/* All registers are restored after a handler, flags too. */
static void check_registers(void)
{
    static uint32_t out[4],
        flags; /* not on the stack: neither ESP nor EBP can be relied on below */
    static int pid;

    pid = me();
    CHECK(set_action(SIGUSR2, note, 0, 0) == 0);
    asm volatile("mov $37, %%eax\n\t"
                 "mov %[pid], %%ebx\n\t"
                 "mov $12, %%ecx\n\t"
                 "mov $0x11223344, %%edx; mov $0x55667788, %%esi; mov $0x99aabbcc, %%edi\n\t"
                 "push %%ebp; mov $0xddeeff00, %%ebp\n\t"
                 "stc; std; int $0x80\n\t"
                 "pushf; cld; xchg %%ebp, 4(%%esp); popl %[flags]\n\t"
                 "mov %%edx, 0+%[out]; mov %%esi, 4+%[out]; mov %%edi, 8+%[out]\n\t"
                 "pop 12+%[out]"
                 : [out] "=m"(out), [flags] "=m"(flags)
                 : [pid] "m"(pid)
                 : "eax", "ebx", "ecx", "edx", "esi", "edi", "memory", "cc");
    CHECK(calls == 1);
    CHECK(out[0] == 0x11223344 && out[1] == 0x55667788 && out[2] == 0x99aabbcc);
    CHECK(out[3] == 0xddeeff00);
    CHECK((flags & 0x401) == 0x401);
    set_default(SIGUSR2);
}

static volatile int depth, deepest;

static void nested(int signal, siginfo_t *info, void *context)
{
    (void)info;
    (void)context;
    calls++;
    if (++depth > deepest)
        deepest = depth;
    if (signal == SIGUSR1 && calls == 1) {
        CHECK(SYS(kill, me(), SIGUSR1) == 0); /* its own signal: waits unless SA_NODEFER */
        CHECK(SYS(kill, me(), SIGUSR2) == 0);
    }
    depth--;
}

static void check_masks(void)
{
    deepest = 0;
    CHECK(set_action(SIGUSR2, nested, 0, 0) == 0);
    CHECK(set_action(SIGUSR1, nested, 0, bit(SIGUSR2)) == 0);
    CHECK(SYS(kill, me(), SIGUSR1) == 0);
    CHECK(calls == 3 && deepest == 1); /* one after the other: each blocks the other */

    deepest = 0;
    CHECK(set_action(SIGUSR1, nested, SA_NODEFER, 0) == 0);
    CHECK(SYS(kill, me(), SIGUSR1) == 0);
    CHECK(calls == 3 && deepest == 2);

    CHECK(set_action(SIGUSR2, note, 0, 0) == 0);
    CHECK(set_action(SIGUSR1, note, 0, 0) == 0);
    CHECK(change_mask(SIG_BLOCK, bit(SIGUSR1) | bit(SIGKILL)) == 0);
    CHECK(SYS(kill, me(), SIGUSR1) == 0 && SYS(kill, me(), SIGUSR1) == 0);
    CHECK(calls == 0 && pending() == bit(SIGUSR1));
    CHECK(SYS(kill, me(), SIGUSR2) == 0); /* does not take the blocked one along */
    CHECK(calls == 1 && last_signal == SIGUSR2 && pending() == bit(SIGUSR1));
    CHECK(change_mask(SIG_UNBLOCK, bit(SIGUSR1)) == 0);
    CHECK(calls == 2 && last_signal == SIGUSR1 && pending() == 0);
    set_default(SIGUSR1);
    set_default(SIGUSR2);
}

/* ---- faults ---- */

static void skip_instruction(int signal, siginfo_t *info, void *context)
{
    struct ucontext *uc = context;

    note(signal, info, context);
    uc->uc_mcontext.eip = uc->uc_mcontext.ebx;
}

static void touch(volatile uint8_t *address)
{
    asm volatile("mov $1f, %%ebx\n\t"
                 "movb $1, (%0)\n"
                 "1:"
                 :
                 : "r"(address)
                 : "ebx", "memory");
}

static void check_faults(void)
{
    long none;

    CHECK(set_action(SIGSEGV, skip_instruction, SA_SIGINFO, 0) == 0);
    touch((uint8_t *)0x5000);
    CHECK(calls == 1 && last_signal == SIGSEGV && last_info.si_code == SEGV_MAPERR);
    CHECK(last_info.si_addr == (void *)0x5000);
    touch((uint8_t *)(uintptr_t)check_faults); /* text */
    CHECK(calls == 2 && last_info.si_code == SEGV_ACCERR);
    touch((uint8_t *)0xc0100000);
    CHECK(calls == 3);
    none = SYS(mmap2, 0, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    touch((uint8_t *)none);
    CHECK(calls == 4 && last_info.si_code == SEGV_ACCERR && last_info.si_addr == (void *)none);
    CHECK(SYS(munmap, none, 4096) == 0);
    set_default(SIGSEGV);
    CHECK(set_action(SIGFPE, skip_instruction, SA_SIGINFO, 0) == 0);
    asm volatile("mov $1f, %%ebx; xor %%ecx, %%ecx; div %%ecx\n1:"
                 :
                 :
                 : "eax", "ebx", "ecx", "edx");
    CHECK(calls == 1 && last_info.si_code == FPE_INTDIV);
    set_default(SIGFPE);
    CHECK(set_action(SIGILL, skip_instruction, SA_SIGINFO, 0) == 0);
    asm volatile("mov $1f, %%ebx; ud2\n1:" : : : "ebx");
    CHECK(calls == 1);
    set_default(SIGILL);
}

/* ---- stacks ---- */

static uint8_t other_stack[16384];

static bool on_other_stack(void)
{
    return last_stack - (uintptr_t)other_stack < sizeof(other_stack);
}

/* Near the lower end of the other stack: its own next frame would not fit. */
static void signal_again(int signal, siginfo_t *info, void *context)
{
    (void)info;
    (void)context;
    if (++calls == 1)
        asm volatile("mov %%esp, %%esi; mov %0, %%esp; int $0x80; mov %%esi, %%esp"
                     :
                     : "r"(other_stack + sizeof(other_stack) / 2 + 64), "a"(__NR_kill), "b"(me()),
                       "c"(signal)
                     : "esi", "memory");
}

static void exit_33(int signal, siginfo_t *info, void *context)
{
    (void)signal;
    (void)info;
    (void)context;
    sys_exit(33);
}

static void shrink_stack(int signal, siginfo_t *info, void *context)
{
    struct ucontext *uc = context;

    note(signal, info, context);
    uc->uc_stack.ss_size = 1;
}

static void kill_without_stack(int signal)
{
    asm volatile("mov $0x8000, %%esp; int $0x80"
                 :
                 : "a"(__NR_kill), "b"(me()), "c"(signal)
                 : "memory");
}

/* The upper half of other_stack is a stack. */
static void check_stack_ends(void)
{
    struct sigaltstack stack = {.ss_sp = other_stack + sizeof(other_stack) / 2,
                                .ss_size = sizeof(other_stack) / 2},
                       old;

    CHECK(SYS(sigaltstack, &stack, NULL) == 0);
    EXPECT_DEATH(SIGSEGV, set_action(SIGUSR1, signal_again, SA_ONSTACK | SA_NODEFER, 0);
                 SYS(kill, me(), SIGUSR1));
    /* A handler without a usable stack causes a fault, whose handler may have a stack. */
    EXPECT_EXIT(33, set_action(SIGUSR1, note, 0, 0); set_action(SIGSEGV, exit_33, SA_ONSTACK, 0);
                kill_without_stack(SIGUSR1));
    /* The stack in a frame must be valid for sigaltstack(), or it is ignored. */
    CHECK(set_action(SIGUSR1, shrink_stack, SA_SIGINFO, 0) == 0);
    CHECK(SYS(kill, me(), SIGUSR1) == 0 && calls == 1);
    CHECK(SYS(sigaltstack, NULL, &old) == 0 && old.ss_size == sizeof(other_stack) / 2);
    set_default(SIGUSR1);
}

static void check_alternate_stack(void)
{
    struct sigaltstack stack = {.ss_sp = other_stack, .ss_size = 100}, old;

    CHECK(SYS(sigaltstack, &stack, NULL) == -ENOMEM);
    stack.ss_size = sizeof(other_stack);
    stack.ss_flags = 77;
    CHECK(SYS(sigaltstack, &stack, NULL) == -EINVAL);
    stack.ss_flags = 0;
    CHECK(SYS(sigaltstack, &stack, &old) == 0 && (old.ss_flags & SS_DISABLE));
    CHECK(set_action(SIGUSR1, note, 0, 0) == 0);
    CHECK(SYS(kill, me(), SIGUSR1) == 0 && !on_other_stack());
    CHECK(set_action(SIGUSR1, note, SA_ONSTACK, 0) == 0);
    CHECK(SYS(kill, me(), SIGUSR1) == 0 && on_other_stack());
    CHECK(SYS(sigaltstack, NULL, &old) == 0 && old.ss_sp == other_stack && old.ss_flags == 0);
    /* An invalid stack pointer: the handler can only run on the other stack. */
    CHECK(set_action(SIGSEGV, skip_instruction, SA_ONSTACK | SA_SIGINFO, 0) == 0);
    asm volatile("mov %%esp, %%esi; mov $0x8000, %%esp; mov $1f, %%ebx; push %%eax\n"
                 "1: mov %%esi, %%esp"
                 :
                 :
                 : "ebx", "esi", "memory");
    CHECK(calls == 1 && on_other_stack());
    set_default(SIGSEGV);
    check_stack_ends();
    stack.ss_flags = SS_DISABLE;
    CHECK(SYS(sigaltstack, &stack, NULL) == 0);
    set_default(SIGUSR1);
}

/* ---- children ---- */

static bool died_of(int status, int signal)
{
    return (status & 0x7f) == signal;
}

static void forge(uint32_t cs, uint32_t eflags)
{
    struct {
        int signal;
        struct sigcontext context;
        struct _fpstate unused;
        uint32_t mask_high;
    } frame = {.context = {.eip = 0x1234, .cs = cs, .ss = 0x7b, .eflags = eflags}};

    asm volatile("mov %0, %%esp; pop %%eax; mov $119, %%eax; int $0x80" : : "r"(&frame) : "memory");
}

static void push_without_stack(void)
{
    asm volatile("mov $0x8000, %%esp; push %%eax" : : : "memory");
}

static void return_without_frame(long call, uintptr_t esp)
{
    asm volatile("mov %0, %%esp; int $0x80" : : "r"(esp), "a"(call) : "memory");
}

/* A return to an address without code; a 32-bit Linux sends SIGILL. */
static void expect_bad_return(uint32_t cs)
{
    int signal = CHILD_STATUS(forge(cs, 0x202)) & 0x7f;

    CHECK(signal == SIGSEGV || (signal == SIGILL && !in_attic()));
}

static void check_deaths(void)
{
    EXPECT_DEATH(SIGTERM, SYS(kill, me(), SIGTERM));
    EXPECT_DEATH(SIGKILL, SYS(kill, me(), SIGKILL));
    EXPECT_DEATH(SIGUSR1, SYS(kill, me(), SIGUSR1));
    EXPECT_DEATH(45, SYS(kill, me(), 45));
    EXPECT_DEATH(SIGSEGV, touch((uint8_t *)0x5000));
    /* A blocked or ignored fault kills the process anyway. */
    EXPECT_DEATH(SIGSEGV, change_mask(SIG_BLOCK, ~0ull); touch((uint8_t *)0x5000));
    EXPECT_DEATH(SIGSEGV, set_action(SIGSEGV, (void *)SIG_IGN, 0, 0); touch((uint8_t *)0x5000));
    EXPECT_DEATH(SIGSEGV, set_action(SIGSEGV, note, 0, 0); change_mask(SIG_BLOCK, ~0ull);
                 touch((uint8_t *)0x5000));
    /* No stack for the handler. */
    EXPECT_DEATH(SIGSEGV, set_action(SIGSEGV, note, 0, 0); push_without_stack());
    /* Forged frames: kernel code, no code, no frame. */
    expect_bad_return(0x60);
    expect_bad_return(0);
    EXPECT_DEATH(SIGSEGV, forge(0x73, 0xffffffff & ~0x100u));
    EXPECT_DEATH(SIGSEGV, return_without_frame(__NR_sigreturn, 0xc0100000));
    EXPECT_DEATH(SIGSEGV, return_without_frame(__NR_rt_sigreturn, 0x100));
}

static void check_sigchld(void)
{
    long pid;

    CHECK(set_action(SIGCHLD, note, SA_SIGINFO, 0) == 0);
    pid = SYS(fork);
    if (pid == 0)
        sys_exit(42);
    CHECK(wait_status(pid) == 42 << 8);
    CHECK(calls == 1 && last_info.si_pid == pid && last_info.si_code == CLD_EXITED &&
          last_info.si_status == 42);
    pid = SYS(fork);
    if (pid == 0)
        SYS(kill, me(), SIGTERM);
    CHECK(died_of(wait_status(pid), SIGTERM));
    CHECK(calls == 2 && last_info.si_code == CLD_KILLED && last_info.si_status == SIGTERM);

    CHECK(set_action(SIGCHLD, (void *)SIG_IGN, 0, 0) == 0); /* children leave no zombies */
    pid = SYS(fork);
    if (pid == 0)
        sys_exit(1);
    CHECK(SYS(wait4, pid, NULL, 0, NULL) == -ECHILD);
    CHECK(change_mask(SIG_BLOCK, bit(SIGCHLD)) == 0); /* nor a signal that could be pending */
    pid = fork_process();
    if (pid == 0)
        sys_exit(1);
    CHECK(SYS(wait4, pid, NULL, 0, NULL) == -ECHILD && pending() == 0);
    CHECK(change_mask(SIG_SETMASK, 0) == 0);
    set_default(SIGCHLD);
}

static void check_stop(void)
{
    int status = 0;
    long pid;

    CHECK(set_action(SIGCHLD, note, SA_SIGINFO, 0) == 0);
    pid = SYS(fork);
    if (pid == 0)
        for (;;)
            SYS(pause);
    CHECK(SYS(kill, pid, SIGSTOP) == 0);
    while (SYS(wait4, pid, &status, WUNTRACED, NULL) == -EINTR)
        ;
    CHECK(status == (SIGSTOP << 8 | 0x7f));
    CHECK(calls == 1 && last_info.si_code == CLD_STOPPED && last_info.si_status == SIGSTOP);
    CHECK(SYS(wait4, pid, &status, WUNTRACED | WNOHANG, NULL) == 0); /* reported once */
    CHECK(SYS(kill, pid, SIGUSR1) == 0);                             /* waits until it continues */
    CHECK(SYS(wait4, pid, &status, WNOHANG, NULL) == 0);
    CHECK(SYS(kill, pid, SIGCONT) == 0);
    CHECK(died_of(wait_status(pid), SIGUSR1));
    set_default(SIGCHLD);

    pid = SYS(fork);
    if (pid == 0)
        for (;;)
            SYS(pause);
    CHECK(SYS(kill, pid, SIGSTOP) == 0);
    CHECK(SYS(wait4, pid, &status, WUNTRACED, NULL) == pid);
    CHECK(SYS(kill, pid, SIGCONT) == 0);
    CHECK(SYS(wait4, pid, &status, WCONTINUED, NULL) == pid && status == 0xffff);
    CHECK(SYS(kill, pid, SIGSTOP) == 0);
    CHECK(SYS(wait4, pid, &status, WUNTRACED, NULL) == pid);
    CHECK(SYS(kill, pid, SIGKILL) == 0); /* also when it is stopped */
    CHECK(died_of(wait_status(pid), SIGKILL));
}

/*
 * A stop and a SIGCONT cancel each other; a signal that is ignored by default still stays pending
 * while it is blocked.
 */
static void check_opposites(void)
{
    CHECK(change_mask(SIG_BLOCK, bit(SIGTSTP) | bit(SIGTTIN) | bit(SIGCONT) | bit(SIGURG)) == 0);
    CHECK(SYS(kill, me(), SIGTSTP) == 0 && SYS(kill, me(), SIGTTIN) == 0);
    CHECK(SYS(kill, me(), SIGURG) == 0);
    CHECK(pending() == (bit(SIGTSTP) | bit(SIGTTIN) | bit(SIGURG)));
    CHECK(SYS(kill, me(), SIGCONT) == 0 && pending() == (bit(SIGCONT) | bit(SIGURG)));
    CHECK(SYS(kill, me(), SIGTSTP) == 0 && pending() == (bit(SIGTSTP) | bit(SIGURG)));
    CHECK(SYS(kill, me(), SIGCONT) == 0);
    CHECK(change_mask(SIG_SETMASK, 0) == 0 && pending() == 0);
}

/* What a program inherits from the one before it. */
static int after_exec(void)
{
    struct sigaltstack stack;
    struct action action;

    CHECK(SYS(sigaltstack, NULL, &stack) == 0 && stack.ss_flags & SS_DISABLE);
    CHECK(SYS(rt_sigaction, SIGUSR1, NULL, &action, 8) == 0);
    CHECK(action.handler == (void *)SIG_DFL && action.flags == 0 && action.mask == 0);
    CHECK(SYS(rt_sigaction, SIGUSR2, NULL, &action, 8) == 0);
    CHECK(action.handler == (void *)SIG_IGN);
    CHECK(pending() == bit(SIGTERM));
    EXPECT_DEATH(SIGUSR1, SYS(kill, me(), SIGUSR1));
    return 0;
}

static void check_exec(void)
{
    struct sigaltstack stack = {.ss_sp = other_stack, .ss_size = sizeof(other_stack)};
    const char *const argv[] = {"signal_test", "after exec", NULL};

    EXPECT_EXIT(0, CHECK(SYS(sigaltstack, &stack, NULL) == 0);
                CHECK(set_action(SIGUSR1, note, SA_ONSTACK, bit(SIGUSR2)) == 0);
                CHECK(set_action(SIGUSR2, (void *)SIG_IGN, 0, 0) == 0);
                CHECK(change_mask(SIG_BLOCK, bit(SIGTERM)) == 0);
                CHECK(SYS(kill, me(), SIGTERM) == 0); SYS(execve, "/proc/self/exe", argv, NULL));
}

static void check_inheritance(void)
{
    CHECK(set_action(SIGUSR1, note, 0, 0) == 0);
    CHECK(change_mask(SIG_BLOCK, bit(SIGUSR2)) == 0);
    CHECK(SYS(kill, me(), SIGUSR2) == 0);
    {
        long pid = SYS(fork);

        if (pid == 0) {
            CHECK(pending() == 0); /* the parent's */
            CHECK(SYS(kill, me(), SIGUSR1) == 0 && calls == 1);
            CHECK(set_action(SIGUSR1, (void *)SIG_DFL, 0, 0) == 0); /* the parent keeps its own */
            CHECK(SYS(kill, me(), SIGUSR2) == 0);
            CHECK(pending() == bit(SIGUSR2));
            sys_exit(7);
        }
        CHECK(wait_status(pid) == 7 << 8);
    }
    CHECK(SYS(kill, me(), SIGUSR1) == 0 && calls == 1);
    CHECK(set_action(SIGUSR2, (void *)SIG_IGN, 0, 0) == 0); /* drops the pending one */
    CHECK(pending() == 0);
    CHECK(change_mask(SIG_SETMASK, 0) == 0);
    set_default(SIGUSR1);
    set_default(SIGUSR2);
}

/* ---- waiting ---- */

static void set_alarm(long first, long interval)
{
    struct {
        struct __kernel_old_timeval interval, value;
    } timer = {{0, interval * 1000}, {0, first * 1000}};

    CHECK(SYS(setitimer, ITIMER_REAL, &timer, NULL) == 0);
}

static void ring_in(long milliseconds)
{
    set_alarm(milliseconds, 0);
}

/* Other processes may run before a wait begins: the alarm comes again, or the wait would not end. */
#define WHILE_IT_RINGS(call)                                                                       \
    ({                                                                                             \
        set_alarm(30, 30);                                                                         \
        long result_ = call;                                                                       \
        set_alarm(0, 0);                                                                           \
        result_;                                                                                   \
    })

static void check_interrupted_calls(void)
{
    int ends[2];
    char byte = 0;
    long pid;

    CHECK(SYS(pipe, ends) == 0);
    CHECK(set_action(SIGALRM, note, 0, 0) == 0);
    CHECK(WHILE_IT_RINGS(SYS(read, ends[0], &byte, 1)) == -EINTR && calls >= 1);
    calls = 0;
    CHECK(WHILE_IT_RINGS(SYS(pause)) == -EINTR && calls >= 1);

    /* With SA_RESTART the read continues, until the child writes. */
    CHECK(set_action(SIGALRM, note, SA_RESTART, 0) == 0);
    pid = SYS(fork);
    if (pid == 0) {
        sleep_ms(120);
        sys_exit(sys_write(ends[1], "x", 1) == 1 ? 0 : 1);
    }
    ring_in(30);
    CHECK(SYS(read, ends[0], &byte, 1) == 1 && byte == 'x' && calls == 1);
    CHECK(wait_status(pid) == 0);

    /* A signal without a handler has no effect. */
    pid = SYS(fork);
    if (pid == 0) {
        long parent = SYS(getppid);

        sleep_ms(30);
        SYS(kill, parent, SIGCONT);
        sleep_ms(60);
        sys_exit(sys_write(ends[1], "y", 1) == 1 ? 0 : 1);
    }
    CHECK(SYS(read, ends[0], &byte, 1) == 1 && byte == 'y');
    CHECK(wait_status(pid) == 0);
    SYS(close, ends[0]);
    CHECK(set_action(SIGPIPE, note, 0, 0) == 0);
    CHECK(sys_write(ends[1], "z", 1) == -EPIPE && calls == 1);
    SYS(close, ends[1]);
    set_default(SIGALRM);
    set_default(SIGPIPE);
}

static long now_ms(void)
{
    struct __kernel_old_timespec now;

    CHECK(SYS(clock_gettime, 1, &now) == 0);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* A child that is stopped for a while after half of its time. Returns the duration. */
#define STOPPED_HALFWAY(...)                                                                       \
    ({                                                                                             \
        long start_ = now_ms(), pid_ = fork_process();                                             \
        if (pid_ == 0) {                                                                           \
            __VA_ARGS__;                                                                           \
            sys_exit(99);                                                                          \
        }                                                                                          \
        sleep_ms(250);                                                                             \
        CHECK(SYS(kill, pid_, SIGSTOP) == 0);                                                      \
        sleep_ms(20);                                                                              \
        CHECK(SYS(kill, pid_, SIGCONT) == 0);                                                      \
        CHECK(wait_status(pid_) == 0);                                                             \
        now_ms() - start_;                                                                         \
    })

/* The duration of a short wait after a longer one that was ended by a signal. */
static long behind_one_given_up(void)
{
    struct __kernel_old_timespec longer = {0, 500000000}, time = {0, 100000000};
    int before = calls;
    long start;

    CHECK(WHILE_IT_RINGS(SYS(nanosleep, &longer, NULL)) == -EINTR && calls > before);
    start = now_ms();
    CHECK(SYS(nanosleep, &time, NULL) == 0);
    return now_ms() - start;
}

/* Stopping and continuing a process does not make its wait longer. */
static void check_times(void)
{
    struct __kernel_old_timespec time = {0, 500000000}, again = {0, 100000000};
    uint32_t word = 0;

    CHECK(WITHIN(700, STOPPED_HALFWAY(sys_exit(SYS(nanosleep, &time, NULL) != 0))));
    CHECK(WITHIN(700, STOPPED_HALFWAY(sys_exit(SYS(poll, NULL, 0, 500) != 0))));
    CHECK(WITHIN(700, STOPPED_HALFWAY(sys_exit(SYS(futex, &word, 0, 0, &time) != -ETIMEDOUT))));
    CHECK(STOPPED_HALFWAY(sys_exit(SYS(nanosleep, &time, NULL) != 0 ||
                                   SYS(nanosleep, &again, NULL) != 0)) >= 590);
    /*
     * SA_RESTART has no effect on calls with a time limit; and an abandoned call does not influence
     * the next one.
     */
    CHECK(set_action(SIGALRM, note, SA_RESTART, 0) == 0);
    CHECK(WHILE_IT_RINGS(SYS(futex, &word, 0, 0, &time)) == -EINTR && calls >= 1);
    CHECK(behind_one_given_up() >= 95);
    CHECK(WITHIN(300, behind_one_given_up()));
    set_default(SIGALRM);
}

static void check_sigsuspend(void)
{
    uint64_t none = 0, old;

    CHECK(set_action(SIGALRM, note, 0, 0) == 0);
    CHECK(change_mask(SIG_BLOCK, bit(SIGALRM)) == 0);
    ring_in(30);
    sleep_ms(60);
    CHECK(calls == 0);
    CHECK(SYS(rt_sigsuspend, &none, 8) == -EINTR && calls == 1);
    CHECK(SYS(rt_sigprocmask, SIG_SETMASK, NULL, &old, 8) == 0 && old == bit(SIGALRM));
    CHECK(SYS(rt_sigsuspend, &none, 4) == -EINVAL);
    CHECK(SYS(rt_sigsuspend, 1, 8) == -EFAULT);
    CHECK(change_mask(SIG_SETMASK, 0) == 0);
    set_default(SIGALRM);
}

static void check_sigtimedwait(void)
{
    struct __kernel_old_timespec soon = {0, 30000000}, never = {0, -1};
    uint64_t set = bit(SIGUSR1) | bit(SIGALRM);
    siginfo_t info;
    long pid;

    CHECK(change_mask(SIG_BLOCK, set) == 0);
    CHECK(SYS(rt_sigtimedwait, &set, &info, &soon, 8) == -EAGAIN);
    CHECK(SYS(rt_sigtimedwait, &set, &info, &never, 8) == -EINVAL);
    CHECK(SYS(kill, me(), SIGUSR1) == 0);
    CHECK(SYS(rt_sigtimedwait, &set, &info, &soon, 8) == SIGUSR1);
    CHECK(info.si_signo == SIGUSR1 && info.si_pid == me() && pending() == 0);
    ring_in(30);
    CHECK(SYS(rt_sigtimedwait, &set, &info, NULL, 8) == SIGALRM);
    CHECK(change_mask(SIG_SETMASK, 0) == 0);
    /*
     * A signal that is neither blocked nor caught, and ignored by default, is discarded before one
     * can wait for it.
     */
    set = bit(SIGURG);
    pid = fork_process();
    if (pid == 0) {
        long parent = SYS(getppid);

        sys_exit(SYS(kill, parent, SIGURG));
    }
    CHECK(SYS(rt_sigtimedwait, &set, NULL, &soon, 8) == -EAGAIN);
    CHECK(wait_status(pid) == 0);
}

int main(int argc, char *argv[])
{
    (void)argv;
    if (argc > 1)
        return after_exec();
    check_arguments();
    check_handlers();
    check_registers();
    check_masks();
    check_faults();
    check_alternate_stack();
    check_deaths();
    check_sigchld();
    check_stop();
    check_opposites();
    check_exec();
    check_inheritance();
    check_interrupted_calls();
    check_times();
    check_sigsuspend();
    check_sigtimedwait();
    return 0;
}
