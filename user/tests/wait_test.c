/*
 * How the end of a process is reported: waitpid(), wait4(), waitid(); zombies, orphans, children
 * whose status is discarded; stops and continuations; process groups and sessions. Also passes on
 * Linux.
 */
#include "lib/auxv.h"
#include "lib/check.h"
#include <asm/siginfo.h>
#include <asm/signal.h>
#include <linux/resource.h>
#include <linux/wait.h>

#define NO_PID 0x7ffffff0 /* more than any process has */

struct old_action { /* as sigaction() of the i386 ABI expects it */
    void *handler;
    unsigned long mask, flags, restorer;
};

static long sys_fork(void)
{
    return syscall3(__NR_fork, 0, 0, 0);
}

/* A child that ends at once. */
static long child_that_ends(int status)
{
    long pid = sys_fork();

    if (pid == 0)
        sys_exit(status);
    CHECK(pid > 0);
    return pid;
}

/* A child that stays until it is killed. */
static long child_that_stays(void)
{
    long pid = sys_fork();

    while (pid == 0)
        sleep_ms(1000);
    CHECK(pid > 0);
    return pid;
}

static uint32_t wait_for(long pid)
{
    uint32_t status = ~0u;

    CHECK(SYS(waitpid, pid, &status, 0) == pid);
    return status;
}

/* Wait until it is a zombie, and leave it as one. */
static void wait_for_end(long pid)
{
    CHECK(SYS(waitid, P_PID, pid, NULL, WEXITED | WNOWAIT, NULL) == 0);
}

static void set_sigchld(void *handler, unsigned long flags)
{
    struct old_action action = {.handler = handler, .flags = flags};

    CHECK(SYS(sigaction, SIGCHLD, &action, 0) == 0);
}

static long own_group(void)
{
    return SYS(getpgrp);
}

static void nobody_is_left(void)
{
    CHECK(SYS(waitpid, -1, 0, 0) == -ECHILD);
    CHECK(SYS(waitpid, -1, 0, WNOHANG) == -ECHILD);
}

/* ---- ends ---- */

static void statuses(void)
{
    static const int statuses[] = {0, 1, 42, 127, 128, 255};
    long pid;

    for (unsigned i = 0; i < sizeof(statuses) / sizeof(*statuses); i++)
        CHECK(wait_for(child_that_ends(statuses[i])) == (uint32_t)statuses[i] << 8);
    CHECK(wait_for(child_that_ends(0x1ff)) == 0xff << 8);
    pid = child_that_stays();
    CHECK(SYS(kill, pid, SIGTERM) == 0);
    CHECK(wait_for(pid) == SIGTERM);
    pid = child_that_stays();
    CHECK(SYS(kill, pid, SIGKILL) == 0);
    CHECK(wait_for(pid) == SIGKILL);
    nobody_is_left();
}

static void refusals(void)
{
    uint32_t status;

    nobody_is_left();
    CHECK(SYS(waitpid, NO_PID, &status, 0) == -ECHILD);
    CHECK(SYS(waitpid, 1, &status, 0) == -ECHILD);
    CHECK(SYS(waitpid, sys_getpid(), &status, 0) == -ECHILD);
    CHECK(SYS(waitpid, 0, &status, 0) == -ECHILD);
    CHECK(SYS(waitpid, -NO_PID, &status, 0) == -ECHILD);
    CHECK(SYS(waitpid, -0x7fffffff - 1, &status, 0) == -ESRCH);
    CHECK(SYS(waitpid, -1, &status, 0x100) == -EINVAL);
    CHECK(SYS(waitid, 9, 0, 0, WEXITED, 0) == -EINVAL);
    CHECK(SYS(waitid, P_PID, 0, 0, WEXITED, 0) == -EINVAL);
    CHECK(SYS(waitid, P_ALL, 0, 0, 0, 0) == -EINVAL);
    CHECK(SYS(waitid, P_ALL, 0, 0, WEXITED | 0x100, 0) == -EINVAL);
    CHECK(SYS(waitid, P_ALL, 0, 0, WEXITED, 0) == -ECHILD);
}

/* Only a child can be waited for, not its child. */
static void only_children(void)
{
    long child = sys_fork();

    if (child == 0) {
        long grandchild = child_that_stays();
        long other = sys_fork();

        if (other == 0)
            sys_exit(SYS(waitpid, grandchild, 0, 0) == -ECHILD ? 0 : 1);
        CHECK(wait_for(other) == 0);
        CHECK(SYS(kill, grandchild, SIGKILL) == 0);
        CHECK(wait_for(grandchild) == SIGKILL);
        sys_exit(0);
    }
    CHECK(wait_for(child) == 0);
}

/* Zombies can be waited for in any order; without a pid the oldest comes first. */
static void zombies_in_any_order(void)
{
    long pids[4];
    uint32_t status;

    for (int i = 0; i < 4; i++)
        pids[i] = child_that_ends(i);
    for (int i = 0; i < 4; i++)
        wait_for_end(pids[i]);
    CHECK(wait_for(pids[2]) == 2 << 8);
    CHECK(SYS(waitpid, -1, &status, 0) == pids[0] && status == 0);
    CHECK(SYS(waitpid, 0, &status, WNOHANG) == pids[1] && status == 1 << 8);
    CHECK(wait_for(pids[3]) == 3 << 8);
    CHECK(SYS(waitpid, pids[2], 0, 0) == -ECHILD);
    nobody_is_left();
}

static void without_waiting(void)
{
    long pid = child_that_stays();
    uint32_t status = 77;

    CHECK(SYS(waitpid, pid, &status, WNOHANG) == 0 && status == 77);
    CHECK(SYS(waitpid, -1, &status, WNOHANG) == 0 && status == 77);
    CHECK(SYS(kill, pid, 0) == 0);
    CHECK(SYS(kill, pid, SIGKILL) == 0);
    wait_for_end(pid);
    CHECK(SYS(kill, pid, 0) == 0); /* a zombie is still there */
    CHECK(SYS(waitpid, pid, &status, WNOHANG) == pid && status == SIGKILL);
    CHECK(SYS(kill, pid, 0) == -ESRCH);
}

/* A child of a process that has ended continues, with another parent. */
static void orphan_goes_on(void)
{
    int pipe[2];
    long pid, parent, told = 0;

    CHECK(SYS(pipe, pipe) == 0);
    pid = sys_fork();
    if (pid == 0) {
        parent = sys_getpid();
        if (sys_fork() == 0) {
            while (SYS(getppid) == parent)
                sleep_ms(10);
            told = SYS(getppid);
            sys_write(pipe[1], &told, sizeof(told));
        }
        sys_exit(0);
    }
    CHECK(wait_for(pid) == 0);
    CHECK(SYS(close, pipe[1]) == 0);
    CHECK(SYS(read, pipe[0], &told, sizeof(told)) == sizeof(told));
    CHECK(told > 0 && told != pid && told != sys_getpid());
    CHECK(SYS(read, pipe[0], &told, sizeof(told)) == 0);
    CHECK(SYS(close, pipe[0]) == 0);
    nobody_is_left();
}

/* ---- children whose status is discarded ---- */

static void ignored_children(void *handler, unsigned long flags)
{
    set_sigchld(handler, flags);
    for (int i = 0; i < 3; i++)
        child_that_ends(i);
    CHECK(SYS(waitpid, -1, 0, 0) == -ECHILD); /* sleeps until all have ended */
    set_sigchld(SIG_DFL, 0);
    CHECK(wait_for(child_that_ends(5)) == 5 << 8);
}

/* ---- stops ---- */

static void stop_and_go(void)
{
    long pid = child_that_stays();
    uint32_t status = 77;

    CHECK(SYS(kill, pid, SIGSTOP) == 0);
    CHECK(SYS(waitpid, pid, &status, WUNTRACED) == pid && status == (SIGSTOP << 8 | 0x7f));
    CHECK(SYS(waitpid, pid, &status, WUNTRACED | WNOHANG) == 0); /* it was reported once */
    CHECK(SYS(kill, pid, SIGTERM) == 0);                         /* waits until it continues */
    CHECK(SYS(waitpid, pid, &status, WNOHANG) == 0);
    CHECK(SYS(kill, pid, SIGCONT) == 0);
    CHECK(wait_for(pid) == SIGTERM);

    pid = child_that_stays();
    CHECK(SYS(kill, pid, SIGSTOP) == 0);
    CHECK(SYS(waitpid, pid, &status, WUNTRACED) == pid);
    CHECK(SYS(kill, pid, SIGCONT) == 0);
    CHECK(SYS(waitpid, pid, &status, WCONTINUED) == pid && status == 0xffff);
    CHECK(SYS(waitpid, pid, &status, WCONTINUED | WUNTRACED | WNOHANG) == 0);
    CHECK(SYS(kill, pid, SIGSTOP) == 0);
    CHECK(SYS(kill, pid, SIGKILL) == 0); /* kills a stopped process, too */
    CHECK(wait_for(pid) == SIGKILL);
}

/* ---- waitid ---- */

static void check_info(const siginfo_t *info, int code, long pid, int status)
{
    CHECK(info->si_signo == SIGCHLD && info->si_code == code);
    CHECK(info->si_pid == pid && info->si_status == status);
}

static void with_waitid(void)
{
    siginfo_t info;
    long pid = child_that_stays();

    memset(&info, 1, sizeof(info));
    CHECK(SYS(waitid, P_PID, pid, &info, WEXITED | WNOHANG, 0) == 0);
    CHECK(info.si_signo == 0 && info.si_pid == 0);
    CHECK(SYS(kill, pid, SIGSTOP) == 0);
    CHECK(SYS(waitid, P_PID, pid, &info, WSTOPPED | WNOWAIT, 0) == 0);
    CHECK(SYS(waitid, P_PID, pid, &info, WSTOPPED, 0) == 0);
    check_info(&info, CLD_STOPPED, pid, SIGSTOP);
    CHECK(SYS(waitid, P_PID, pid, &info, WSTOPPED | WNOHANG, 0) == 0 && info.si_pid == 0);
    CHECK(SYS(kill, pid, SIGCONT) == 0);
    CHECK(SYS(waitid, P_PID, pid, &info, WCONTINUED, 0) == 0);
    check_info(&info, CLD_CONTINUED, pid, SIGCONT);
    CHECK(SYS(kill, pid, SIGKILL) == 0);
    for (int i = 0; i < 2; i++) {
        CHECK(SYS(waitid, P_ALL, 0, &info, WEXITED | WNOWAIT, 0) == 0);
        check_info(&info, CLD_KILLED, pid, SIGKILL);
    }
    CHECK(SYS(waitid, P_PGID, 0, 0, WEXITED, 0) == 0);
    pid = child_that_ends(9);
    CHECK(SYS(waitid, P_PGID, own_group(), &info, WEXITED, 0) == 0);
    check_info(&info, CLD_EXITED, pid, 9);
    nobody_is_left();
}

/* ---- times ---- */

/* A child that computed for a while has used the processor, and its parent gets the time. */
static void usage(void)
{
    struct rusage usage;
    long times[4], before[4], pid;

    CHECK(SYS(times, before) != -EFAULT);
    pid = sys_fork();
    if (pid == 0) {
        do
            for (volatile int i = 0; i < 100000; i++)
                ;
        while (SYS(times, times) != -EFAULT && times[0] < 5 && times[1] < 200);
        sys_exit(0);
    }
    memset(&usage, 1, sizeof(usage));
    CHECK(SYS(wait4, pid, 0, 0, &usage) == pid);
    CHECK(usage.ru_utime.tv_sec == 0 && usage.ru_utime.tv_usec >= 30000);
    CHECK(usage.ru_nswap == 0 && usage.ru_nsignals == 0);
    CHECK(SYS(times, times) != -EFAULT);
    CHECK(times[2] - before[2] >= 3);
}

/* ---- groups and sessions ---- */

/* setpgid() of a child, from its parent, in both orders. */
static void groups(void)
{
    long a = child_that_stays(), b = child_that_stays(), group = SYS(getpgrp);

    CHECK(SYS(getpgid, a) == group && SYS(getpgid, 0) == group);
    CHECK(SYS(setpgid, a, b) == -EPERM); /* no such group */
    CHECK(SYS(setpgid, a, -1) == -EINVAL);
    CHECK(SYS(setpgid, NO_PID, 0) == -ESRCH);
    CHECK(SYS(getpgid, NO_PID) == -ESRCH && SYS(getsid, NO_PID) == -ESRCH);
    CHECK(SYS(setpgid, a, 0) == 0 && SYS(getpgid, a) == a);
    CHECK(SYS(setpgid, b, a) == 0 && SYS(getpgid, b) == a);
    CHECK(SYS(waitpid, 0, 0, WNOHANG) == -ECHILD);
    CHECK(SYS(waitpid, -a, 0, WNOHANG) == 0);
    CHECK(SYS(kill, -a, SIGTERM) == 0);
    CHECK(SYS(waitpid, -a, 0, 0) > 0);
    CHECK(SYS(waitpid, -a, 0, 0) > 0);
    CHECK(SYS(waitpid, -a, 0, 0) == -ECHILD);
    CHECK(SYS(kill, -a, SIGTERM) == -ESRCH);

    /* A group exists until its last process has been waited for. */
    a = sys_fork();
    if (a == 0)
        sys_exit(0);
    CHECK(SYS(setpgid, a, a) == 0);
    wait_for_end(a);
    b = child_that_stays();
    CHECK(SYS(kill, -a, 0) == 0);
    CHECK(SYS(setpgid, b, a) == 0 && SYS(getpgid, b) == a);
    CHECK(SYS(kill, -a, SIGKILL) == 0);
    CHECK(SYS(waitpid, -a, 0, 0) > 0);
    CHECK(SYS(waitpid, -a, 0, 0) > 0);
}

/* A group exists as long as it has a zombie. */
static void group_of_a_zombie(void)
{
    long zombie = child_that_ends(1), other = child_that_stays();

    CHECK(SYS(setpgid, zombie, zombie) == 0);
    wait_for_end(zombie);
    CHECK(SYS(setpgid, other, zombie) == 0 && SYS(getpgid, other) == zombie);
    CHECK(SYS(setpgid, other, own_group()) == 0);
    CHECK(SYS(kill, -zombie, 0) == 0);
    CHECK(wait_for(zombie) == 1 << 8);
    CHECK(SYS(kill, -zombie, 0) == -ESRCH);
    CHECK(SYS(setpgid, other, zombie) == -EPERM);
    CHECK(SYS(kill, other, SIGKILL) == 0 && wait_for(other) == SIGKILL);
}

static void sessions(void)
{
    long pid = sys_fork();

    if (pid == 0) {
        long self = sys_getpid();

        CHECK(SYS(setsid) == self);
        CHECK(SYS(getsid, 0) == self && SYS(getpgrp) == self);
        CHECK(SYS(setsid) == -EPERM);
        CHECK(SYS(setpgid, 0, 0) == -EPERM); /* a leader stays where it is */
        sys_exit(0);
    }
    CHECK(wait_for(pid) == 0);
    pid = child_that_stays();
    CHECK(SYS(setpgid, pid, pid) == 0);
    CHECK(SYS(getsid, pid) == SYS(getsid, 0));
    CHECK(SYS(kill, pid, SIGKILL) == 0 && wait_for(pid) == SIGKILL);
}

/* A child in another session, or with a new program, is beyond its parent's setpgid(). */
static void too_late_for_setpgid(const char *self)
{
    const char *argv[] = {"wait_test", "stay", NULL};
    long pid = sys_fork();

    if (pid == 0) {
        SYS(setsid);
        for (;;)
            sleep_ms(1000);
    }
    while (SYS(getsid, pid) != pid)
        sleep_ms(1);
    CHECK(SYS(setpgid, pid, own_group()) == -EPERM);
    CHECK(SYS(kill, pid, SIGKILL) == 0 && wait_for(pid) == SIGKILL);
    pid = sys_fork();
    if (pid == 0)
        sys_exit(-SYS(execve, self, argv, 0));
    while (SYS(setpgid, pid, pid) == 0) /* not yet the new program */
        sleep_ms(1);
    CHECK(SYS(setpgid, pid, pid) == -EACCES);
    CHECK(SYS(kill, pid, SIGKILL) == 0 && wait_for(pid) == SIGKILL);
}

/*
 * The last process that could continue a stopped group ends: the group gets SIGHUP and SIGCONT. Its
 * end is seen at the other end of a pipe.
 */
static void stopped_orphans(void)
{
    long middle, told = 0;
    int pipe[2];

    CHECK(SYS(pipe, pipe) == 0);
    middle = sys_fork();
    if (middle == 0) {
        long pid = child_that_stays();

        CHECK(SYS(setpgid, pid, pid) == 0);
        CHECK(SYS(kill, pid, SIGSTOP) == 0);
        CHECK(SYS(waitpid, pid, 0, WUNTRACED) == pid);
        sys_exit(0);
    }
    CHECK(SYS(close, pipe[1]) == 0);
    CHECK(wait_for(middle) == 0);
    CHECK(SYS(read, pipe[0], &told, 1) == 0); /* no process has it open any more */
    CHECK(SYS(close, pipe[0]) == 0);
}

int main(int argc, char *argv[])
{
    while (argc == 2 && streq(argv[1], "stay"))
        sleep_ms(1000);
    refusals();
    statuses();
    only_children();
    zombies_in_any_order();
    without_waiting();
    orphan_goes_on();
    ignored_children(SIG_IGN, 0);
    ignored_children(SIG_DFL, SA_NOCLDWAIT);
    stop_and_go();
    with_waitid();
    usage();
    groups();
    group_of_a_zombie();
    sessions();
    too_late_for_setpgid((const char *)aux_value(AT_EXECFN));
    stopped_orphans();
    return 0;
}
