/*
 * Signals through a C library: handlers with and without details, masks, the moment of delivery,
 * calls that are interrupted or restarted, a separate stack, faults that are caught, stopping and
 * continuing of job control, timers.
 *
 * A handler returns through the library's code or the kernel's, as the library chooses; both are
 * tested here, because glibc uses the kernel's vDSO if there is one, and musl has its own code.
 *
 * See check.h for its output; tests/run/linux/test_libc.py runs it, with glibc and with musl.
 */
#define _GNU_SOURCE
#include "check.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile sig_atomic_t count, last;
static volatile siginfo_t info;
static volatile double in_handler;

static void plain(int number)
{
    in_handler = number / 4.0; /* the interrupted computation's registers must survive this */
    last = number;
    count++;
}

static void detailed(int number, siginfo_t *details, void *context)
{
    (void)context;
    *(siginfo_t *)&info = *details;
    plain(number);
}

static void handle(int number, void (*handler)(int), int flags)
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags};

    check(sigaction(number, &action, NULL) == 0);
}

static void simple(void)
{
    struct sigaction action = {.sa_sigaction = detailed, .sa_flags = SA_SIGINFO}, old;
    double sum = 0;

    count = 0;
    check(signal(SIGUSR1, plain) == SIG_DFL);
    for (int i = 0; i < 1000; i++) {
        sum += i * 0.5;
        raise(SIGUSR1);
    }
    check(count == 1000 && last == SIGUSR1 && sum == 249750.0);
    check(sigaction(SIGUSR2, &action, NULL) == 0 && kill(getpid(), SIGUSR2) == 0);
    check(last == SIGUSR2 && info.si_signo == SIGUSR2 && info.si_code == SI_USER);
    check(info.si_pid == getpid() && info.si_uid == getuid());
    check(sigaction(SIGUSR2, NULL, &old) == 0 && old.sa_sigaction == detailed);
    handle(SIGUSR2, plain, SA_RESETHAND);
    raise(SIGUSR2);
    check(signal(SIGUSR2, SIG_IGN) == SIG_DFL);
    count = 0;
    raise(SIGUSR2);
    check(count == 0 && signal(SIGKILL, plain) == SIG_ERR && errno == EINVAL);
}

static void masks(void)
{
    sigset_t set, old, pending;

    count = 0;
    signal(SIGUSR1, plain);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    check(sigprocmask(SIG_BLOCK, &set, &old) == 0 && !sigismember(&old, SIGUSR1));
    raise(SIGUSR1);
    raise(SIGUSR1);
    check(count == 0 && sigpending(&pending) == 0 && sigismember(&pending, SIGUSR1) == 1);
    check(sigsuspend(&old) == -1 && errno == EINTR && count == 1);
    raise(SIGUSR1);
    check(count == 1 && sigprocmask(SIG_SETMASK, &old, NULL) == 0 && count == 2);
}

/* A signal from a child while the parent waits in read(): restarted, or interrupted. */
static void interrupted(int flags)
{
    int fd[2], status;
    char byte = 0;
    ssize_t n;
    pid_t child;

    handle(SIGUSR1, plain, flags);
    count = 0;
    check(pipe(fd) == 0);
    child = fork();
    if (child == 0) {
        usleep(100000);
        kill(getppid(), SIGUSR1);
        usleep(100000);
        _exit(write(fd[1], "x", 1) == 1 ? 0 : 1);
    }
    n = read(fd[0], &byte, 1);
    if (flags & SA_RESTART)
        check(n == 1 && byte == 'x' && count == 1);
    else
        check(n == -1 && errno == EINTR && count == 1);
    check(waitpid(child, &status, 0) == child && status == 0);
    close(fd[0]);
    close(fd[1]);
}

static sigjmp_buf out;
static volatile char *fault_at;

static void fault(int number, siginfo_t *details, void *context)
{
    (void)context;
    check((char *)details->si_addr == fault_at);
    siglongjmp(out, number);
}

static void faults(void)
{
    struct sigaction action = {.sa_sigaction = fault, .sa_flags = SA_SIGINFO}, old;

    fault_at = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    check(sigaction(SIGSEGV, &action, &old) == 0);
    for (volatile int i = 0; i < 3; i++) {
        volatile int number = sigsetjmp(out, 1);

        if (!number)
            *fault_at = 1;
        check(number == SIGSEGV);
    }
    check(sigaction(SIGSEGV, &old, NULL) == 0);
    munmap((void *)fault_at, 4096);
}

static char *stack_base;

static void on_stack(int number)
{
    char here;

    check(&here >= stack_base && &here < stack_base + 32768);
    plain(number);
}

static void own_stack(void)
{
    stack_t stack = {.ss_size = 32768}, old;

    stack_base = stack.ss_sp = malloc(32768);
    check(sigaltstack(&stack, NULL) == 0);
    count = 0;
    handle(SIGUSR1, on_stack, SA_ONSTACK);
    raise(SIGUSR1);
    check(count == 1 && sigaltstack(NULL, &old) == 0 && old.ss_sp == stack_base);
    stack.ss_flags = SS_DISABLE;
    check(sigaltstack(&stack, NULL) == 0);
    free(stack_base);
}

static void children(void)
{
    int status = 0;
    pid_t child;

    handle(SIGCHLD, plain, SA_RESTART);
    count = 0;
    child = fork();
    if (child == 0) {
        raise(SIGSTOP);
        _exit(3);
    }
    check(waitpid(child, &status, WUNTRACED) == child);
    check(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
    check(kill(child, SIGCONT) == 0 && waitpid(child, &status, 0) == child);
    check(WIFEXITED(status) && WEXITSTATUS(status) == 3 && count >= 1 && last == SIGCHLD);
    signal(SIGCHLD, SIG_DFL);
    child = fork();
    if (child == 0)
        abort();
    check(waitpid(child, &status, 0) == child && WIFSIGNALED(status));
    check(WTERMSIG(status) == SIGABRT);
}

static void timers(void)
{
    struct itimerval interval = {{0, 20000}, {0, 20000}}, off = {{0, 0}, {0, 0}};

    handle(SIGALRM, plain, 0);
    count = 0;
    check(alarm(1) == 0 && pause() == -1 && errno == EINTR && count == 1 && last == SIGALRM);
    check(alarm(100) == 0 && alarm(0) >= 99);
    check(setitimer(ITIMER_REAL, &interval, NULL) == 0);
    while (count < 5)
        pause();
    check(setitimer(ITIMER_REAL, &off, NULL) == 0);
}

int main(void)
{
    simple();
    masks();
    interrupted(0);
    interrupted(SA_RESTART);
    faults();
    own_stack();
    children();
    timers();
    return checks_done("signals");
}
