/*
 * Calls about time, limits, users, the machine and mapped files: the expected results and errors.
 * Also passes on Linux.
 */
#include "lib/cases.h"
#include <linux/futex.h>
#include <linux/prctl.h>
#include <linux/reboot.h>
#include <linux/resource.h>
#include <linux/stat.h>
#include <linux/sysinfo.h>
#include <linux/time.h>
#include <linux/times.h>
#include <linux/utsname.h>
#include <linux/wait.h>

typedef struct __kernel_timespec time64;
typedef struct __kernel_old_timespec time32;

static uint64_t now_ms(int clock)
{
    time64 now;

    CHECK(SYS(clock_gettime64, clock, &now) == 0);
    CHECK(now.tv_nsec >= 0 && now.tv_nsec < 1000000000);
    return (uint64_t)now.tv_sec * 1000 + (uint32_t)now.tv_nsec / 1000000;
}

/* ---- time ---- */

static void clocks(void)
{
    static const int ids[] = {CLOCK_REALTIME, CLOCK_MONOTONIC,        CLOCK_PROCESS_CPUTIME_ID,
                              CLOCK_BOOTTIME, CLOCK_MONOTONIC_COARSE, CLOCK_REALTIME_COARSE};
    struct __kernel_old_timeval tv;
    time32 small, resolution;
    int seconds;

    for (unsigned i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        uint64_t before = now_ms(ids[i]);

        CHECK(now_ms(ids[i]) >= before);
        CHECK(SYS(clock_getres, ids[i], &resolution) == 0);
        CHECK(resolution.tv_sec == 0 && resolution.tv_nsec > 0);
    }
    CHECK(SYS(clock_gettime, 4711, &small) == -EINVAL);
    CHECK(SYS(clock_getres, 4711, &small) == -EINVAL);
    CHECK(SYS(clock_getres, CLOCK_MONOTONIC, NULL) == 0);
    CHECK(SYS(gettimeofday, &tv, NULL) == 0 && tv.tv_usec < 1000000);
    CHECK(SYS(time, &seconds) == seconds && seconds - tv.tv_sec <= 1);
    CHECK(SYS(clock_gettime, CLOCK_REALTIME, &small) == 0 && small.tv_sec - tv.tv_sec <= 1);
    CHECK(tv.tv_sec > 1600000000); /* the machine's clock is set */
}

static void sleeping(void)
{
    uint64_t start = now_ms(CLOCK_MONOTONIC);
    time32 time = {0, 30000000};
    time64 until;

    CHECK(SYS(nanosleep, &time, NULL) == 0 && now_ms(CLOCK_MONOTONIC) - start >= 30);
    CHECK(SYS(clock_gettime64, CLOCK_MONOTONIC, &until) == 0);
    start = now_ms(CLOCK_MONOTONIC);
    until.tv_sec++;
    CHECK(SYS(clock_nanosleep_time64, CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == 0);
    CHECK(now_ms(CLOCK_MONOTONIC) - start >= 990);
    CHECK(SYS(clock_nanosleep_time64, CLOCK_REALTIME, TIMER_ABSTIME, &until, NULL) == 0); /* 1970 */
    CHECK(SYS(clock_nanosleep, 4711, 0, &time, NULL) == -EINVAL);
    time.tv_nsec = -1;
    CHECK(SYS(clock_nanosleep, CLOCK_MONOTONIC, 0, &time, NULL) == -EINVAL);
}

static void on_alarm(int signal)
{
    (void)signal;
}

static void interrupted_sleep(void)
{
    time32 time = {10, 0}, left = {0, 0};
    long parent = sys_getpid(), child;

    CHECK(SYS(signal, SIGUSR1, on_alarm) >= 0);
    child = fork_process();
    if (child == 0) {
        sleep_ms(50);
        SYS(kill, parent, SIGUSR1);
        sys_exit(0);
    }
    CHECK(SYS(nanosleep, &time, &left) == -EINTR);
    CHECK(left.tv_sec == 9 || (left.tv_sec == 8 && left.tv_nsec > 0));
    wait_status(child);
}

static void used_time(void)
{
    struct rusage usage;
    struct tms tms;

    CHECK(SYS(times, &tms) >= 0);
    CHECK(SYS(getrusage, RUSAGE_SELF, &usage) == 0 && usage.ru_maxrss >= 0);
    CHECK(SYS(getrusage, RUSAGE_CHILDREN, &usage) == 0);
    CHECK(SYS(getrusage, 4711, &usage) == -EINVAL);
}

static void futexes(void)
{
    uint32_t word = 5;
    time32 time = {0, 20000000};
    uint64_t start = now_ms(CLOCK_MONOTONIC);

    CHECK(SYS(futex, &word, FUTEX_WAKE, 1) == 0);
    CHECK(SYS(futex, &word, FUTEX_WAKE_PRIVATE, 1) == 0);
    CHECK(SYS(futex, &word, FUTEX_WAIT, 6, NULL) == -EAGAIN);
    CHECK(SYS(futex, &word, FUTEX_WAIT_PRIVATE, 5, &time) == -ETIMEDOUT);
    CHECK(now_ms(CLOCK_MONOTONIC) - start >= 20);
    CHECK(SYS(futex, (char *)&word + 1, FUTEX_WAIT, 5, NULL) == -EINVAL);
    CHECK(SYS(futex, &word, 99, 5, NULL) == -ENOSYS);
}

/* All processes that share the word are found by it. */
static void shared_futex(void)
{
    const time32 limit = {5, 0};
    long map = SYS(mmap2, 0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    uint32_t *words = (uint32_t *)map, status = ~0u;
    long pid = SYS(fork), woken = 0, moved = 0;

    if (pid == 0)
        sys_exit(SYS(futex, words, FUTEX_WAIT, 0, &limit) != 0);
    for (int i = 0; i < 500 && woken == 0; i++) {
        sleep_ms(10);
        woken = SYS(futex, words, FUTEX_WAKE, 9);
    }
    CHECK(woken == 1);
    CHECK(SYS(waitpid, pid, &status, 0) == pid && status == 0);
    pid = SYS(fork);
    if (pid == 0)
        sys_exit(SYS(futex, words, FUTEX_WAIT, 0, &limit) != 0);
    CHECK(SYS(futex, words, FUTEX_CMP_REQUEUE, 0, 9, words + 1, 1) == -EAGAIN);
    for (int i = 0; i < 500 && moved == 0; i++) {
        sleep_ms(10);
        moved = SYS(futex, words, FUTEX_CMP_REQUEUE, 0, 9, words + 1, 0);
    }
    CHECK(moved == 1);
    CHECK(SYS(futex, words, FUTEX_WAKE, 9) == 0);
    CHECK(SYS(futex, words + 1, FUTEX_WAKE, 9) == 1);
    CHECK(SYS(waitpid, pid, &status, 0) == pid && status == 0);
    CHECK(SYS(munmap, map, 4096) == 0);
    CHECK(SYS(futex, words, FUTEX_WAKE, 1) == -EFAULT);
}

/* A private word is another one in each process, also at the same address. */
static void private_futex(void)
{
    static uint32_t word;
    const time32 limit = {0, 300000000};
    uint32_t status = ~0u;
    long pid = SYS(fork);

    if (pid == 0)
        sys_exit(SYS(futex, &word, FUTEX_WAIT_PRIVATE, 0, &limit) != -ETIMEDOUT);
    for (int i = 0; i < 10; i++) {
        sleep_ms(10);
        CHECK(SYS(futex, &word, FUTEX_WAKE_PRIVATE, 9) == 0);
    }
    CHECK(SYS(waitpid, pid, &status, 0) == pid && status == 0);
}

/* A wake-up leaves those asleep that it was not asked to wake. */
static void futex_wakes_one_of_two(void)
{
    const time32 limit = {5, 0};
    long map = SYS(mmap2, 0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    uint32_t *words = (uint32_t *)map, status;
    long moved = 0;

    for (int i = 0; i < 2; i++) {
        if (SYS(fork) == 0)
            sys_exit(SYS(futex, words, FUTEX_WAIT, 0, &limit) != 0);
    }
    for (int i = 0; i < 500 && moved < 2; i++) { /* once both have been moved, both sleep */
        sleep_ms(10);
        moved += SYS(futex, words, FUTEX_CMP_REQUEUE, 0, 9, words + 1, 0);
    }
    CHECK(moved == 2);
    CHECK(SYS(futex, words + 1, FUTEX_WAKE, 1) == 1);
    CHECK(SYS(futex, words + 1, FUTEX_WAKE, 1) == 1);
    CHECK(SYS(futex, words + 1, FUTEX_WAKE, 1) == 0);
    for (int i = 0; i < 2; i++)
        CHECK(SYS(waitpid, -1, &status, 0) > 0 && status == 0);
    CHECK(SYS(munmap, map, 4096) == 0);
}

/* ---- limits, priorities ---- */

static void limits(void)
{
    struct rlimit limit, old, again;
    struct rlimit64 wide;

    CHECK(SYS(ugetrlimit, RLIMIT_STACK, &limit) == 0 && limit.rlim_cur >= 0x100000);
    CHECK(SYS(getrlimit, RLIMIT_CORE, &old) == 0);
    CHECK(SYS(ugetrlimit, RLIM_NLIMITS, &limit) == -EINVAL);
    CHECK(SYS(ugetrlimit, RLIMIT_CORE, &old) == 0);
    CHECK(SYS(prlimit64, 0, RLIMIT_CORE, NULL, &wide) == 0);
    CHECK((uint32_t)wide.rlim_cur == old.rlim_cur);
    limit = (struct rlimit){4096, 8192};
    CHECK(SYS(setrlimit, RLIMIT_CORE, &limit) == 0);
    CHECK(SYS(ugetrlimit, RLIMIT_CORE, &again) == 0 && again.rlim_cur == 4096);
    EXPECT_EXIT(1, sys_exit(SYS(ugetrlimit, RLIMIT_CORE, &again) == 0 && again.rlim_max == 8192));
    limit.rlim_cur = 9000;
    CHECK(SYS(setrlimit, RLIMIT_CORE, &limit) == -EINVAL);
    CHECK(SYS(prlimit64, 4000000, RLIMIT_CORE, NULL, &wide) == -ESRCH);
}

static void priorities(void)
{
    uint32_t mask[32] = {0};
    int nice = 20 - SYS(getpriority, PRIO_PROCESS, 0); /* on Linux that of the caller */
    int higher = nice < 14 ? nice + 5 : 19;

    CHECK(nice >= 0 && nice <= 19);
    CHECK(SYS(setpriority, PRIO_PROCESS, 0, higher) == 0);
    CHECK(SYS(getpriority, PRIO_PROCESS, 0) == 20 - higher);
    CHECK(SYS(setpriority, PRIO_PROCESS, 0, 100) == 0);
    CHECK(SYS(getpriority, PRIO_PROCESS, sys_getpid()) == 1);
    EXPECT_EXIT(1, sys_exit(SYS(getpriority, PRIO_PROCESS, 0)));
    CHECK(SYS(getpriority, 4711, 0) == -EINVAL);
    CHECK(SYS(getpriority, PRIO_PROCESS, 4000000) == -ESRCH);
    CHECK(SYS(sched_getaffinity, 0, sizeof(mask), mask) >= 4 && mask[0] != 0);
    CHECK(SYS(sched_getaffinity, 0, 3, mask) == -EINVAL);
    CHECK(SYS(sched_getscheduler, 0) == 0);
    CHECK(SYS(sched_get_priority_max, 0) == 0 && SYS(sched_get_priority_max, 1) == 99);
    CHECK(SYS(sched_get_priority_min, 1) == 1 && SYS(sched_get_priority_min, 99) == -EINVAL);
}

/* The first process, which differs between kernels, and a zombie, which is a process as well. */
static void processes_of_any_kind(void)
{
    uint32_t mask[32], priority = 100;
    long child = fork_process();

    if (child == 0)
        sys_exit(0);
    CHECK(SYS(waitid, P_PID, child, NULL, WEXITED | WNOWAIT, NULL) == 0);
    for (long pid = 1; pid; pid = pid == child ? 0 : child) {
        CHECK(SYS(sched_getaffinity, pid, sizeof(mask), mask) >= 4 && mask[0] != 0);
        CHECK(SYS(sched_getscheduler, pid) >= 0);
        CHECK(SYS(sched_getparam, pid, &priority) == 0 && priority < 100);
        CHECK(SYS(getpriority, PRIO_PROCESS, pid) > 0);
    }
    CHECK(wait_status(child) == 0);
    CHECK(SYS(sched_getscheduler, child) == -ESRCH);
}

/* ---- names and users ---- */

static void names(void)
{
    struct new_utsname name;
    char comm[16] = "";

    CHECK(SYS(uname, &name) == 0 && streq(name.sysname, "Linux"));
    CHECK(name.machine[0] != '\0' && name.release[0] >= '2');
    CHECK(SYS(prctl, PR_SET_NAME, "a name that is too long") == 0);
    CHECK(SYS(prctl, PR_GET_NAME, comm) == 0 && streq(comm, "a name that is "));
    CHECK(SYS(prctl, 4711, 0) == -EINVAL);
    CHECK(SYS(prctl, PR_GET_DUMPABLE, 0) == 1);
}

static void users(void)
{
    uint32_t a = 9, b = 9, c = 9;

    if (SYS(getuid32) != 0)
        return;
    CHECK(SYS(geteuid32) == 0 && SYS(getgid32) == 0 && SYS(getegid) == 0);
    CHECK(SYS(getresuid32, &a, &b, &c) == 0 && a == 0 && b == 0 && c == 0);
    CHECK(SYS(setuid32, 0) == 0 && SYS(setgid32, 0) == 0 && SYS(setreuid32, -1, 0) == 0);
    CHECK(SYS(setresgid32, -1, -1, -1) == 0);
    CHECK(SYS(setuid32, -1) == -EINVAL);
    CHECK(SYS(getgroups32, 0, NULL) >= 0 && SYS(getgroups32, -1, NULL) == -EINVAL);
}

static void machine(void)
{
    struct sysinfo info;
    uint32_t a[8] = {0}, b[8] = {0};
    bool same = true;

    CHECK(SYS(sysinfo, &info) == 0 && info.totalram > info.freeram && info.mem_unit > 0);
    CHECK(SYS(getrandom, a, sizeof(a), 0) == sizeof(a));
    CHECK(SYS(getrandom, b, sizeof(b), 1) == sizeof(b));
    for (int i = 0; i < 8; i++)
        same = same && a[i] == b[i];
    CHECK(!same && SYS(getrandom, a, 0, 0) == 0 && SYS(getrandom, a, 1, 0x100) == -EINVAL);
    CHECK(SYS(reboot, 1, 2, LINUX_REBOOT_CMD_POWER_OFF, NULL) == -EINVAL || SYS(getuid32) != 0);
    CHECK(SYS(set_robust_list, a, 12) == 0 && SYS(set_robust_list, a, 13) == -EINVAL);
    CHECK(SYS(personality, -1) >= 0);
}

/* ---- mapped files ---- */

static void mappings_of_files(void)
{
    static char text[] = "contents";
    long fd = open_new("/tmp/misc_test"), reader = SYS(open, "/tmp/misc_test", O_RDONLY), writer;
    long args[6] = {0, PAGE, PROT_READ, MAP_PRIVATE, 0, 0};
    int fds[2];
    char *memory;

    CHECK(sys_write(fd, text, sizeof(text)) == sizeof(text));
    memory = map(NULL, PAGE, RW, MAP_PRIVATE, reader);
    CHECK(!IS_ERR(memory) && streq(memory, text));
    memory[0] = 'X';
    memory = map(NULL, PAGE, PROT_READ, MAP_SHARED, reader);
    CHECK(!IS_ERR(memory) && streq(memory, text));
    CHECK(SYS(mprotect, memory, PAGE, RW) == -EACCES);
    CHECK(SYS(mprotect, memory, PAGE, PROT_NONE) == 0 &&
          SYS(mprotect, memory, PAGE, PROT_READ) == 0 && streq(memory, text));
    CHECK(map(NULL, PAGE, RW, MAP_SHARED, reader) == (void *)-EACCES);
    writer = SYS(open, "/tmp/misc_test", O_WRONLY);
    CHECK(map(NULL, PAGE, PROT_READ, MAP_PRIVATE, writer) == (void *)-EACCES);
    CHECK(map(NULL, PAGE, PROT_READ, MAP_PRIVATE, 999) == (void *)-EBADF);
    CHECK(map(NULL, 0, PROT_READ, MAP_PRIVATE, fd) == (void *)-EINVAL);
    CHECK(SYS(pipe, fds) == 0);
    CHECK(map(NULL, PAGE, PROT_READ, MAP_PRIVATE, fds[0]) == (void *)-ENODEV);
    args[4] = fd;
    memory = (char *)SYS(mmap, args);
    CHECK(!IS_ERR(memory) && streq(memory, text));
    args[5] = 100;
    CHECK(SYS(mmap, args) == -EINVAL);
    CHECK(SYS(unlink, "/tmp/misc_test") == 0);
}

static void core(void)
{
    uint8_t *memory = map(NULL, 4 * PAGE, RW, ANONYMOUS, -1), there[4] = {9, 9, 9, 9};

    memory[PAGE] = 1;
    CHECK(SYS(mincore, memory, 4 * PAGE, there) == 0);
    CHECK(!(there[0] & 1) && there[1] & 1 && !(there[2] & 1));
    CHECK(SYS(mlock, memory + 2 * PAGE + 5, PAGE) == 0);
    CHECK(SYS(mincore, memory, 4 * PAGE, there) == 0 && there[2] & 1 && there[3] & 1 &&
          !(there[0] & 1));
    CHECK(SYS(munlock, memory, 4 * PAGE) == 0);
    CHECK(SYS(mincore, memory + 1, PAGE, there) == -EINVAL);
    CHECK(SYS(munmap, memory + PAGE, PAGE) == 0);
    CHECK(SYS(mincore, memory, 4 * PAGE, there) == -ENOMEM);
    CHECK(SYS(mlock, memory, 4 * PAGE) == -ENOMEM);
    CHECK(SYS(msync, memory, PAGE, MS_SYNC) == 0 &&
          SYS(msync, memory, 2 * PAGE, MS_ASYNC) == -ENOMEM);
    CHECK(SYS(msync, memory, PAGE, MS_SYNC | MS_ASYNC) == -EINVAL);
    CHECK(SYS(mlockall, 0) == -EINVAL && SYS(munlockall) == 0);
}

static const struct test_case cases[] = {
    {"clocks", clocks},
    {"sleeping", sleeping},
    {"interrupted_sleep", interrupted_sleep},
    {"used_time", used_time},
    {"futexes", futexes},
    {"shared futex", shared_futex},
    {"private futex", private_futex},
    {"futex wakes one of two", futex_wakes_one_of_two},
    {"limits", limits},
    {"priorities", priorities},
    {"processes_of_any_kind", processes_of_any_kind},
    {"names", names},
    {"users", users},
    {"machine", machine},
    {"mappings_of_files", mappings_of_files},
    {"core", core},
};

int main(int argc, char *argv[])
{
    CHECK(SYS(close_range, 3, -1, 0) == 0);
    return run_cases(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}
