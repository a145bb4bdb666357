/*
 * alarm() and the three interval timers: when their signals come, the time that is left, and which
 * time they measure. Also passes on Linux.
 */
#include "lib/handler.h"
#include <linux/fcntl.h>
#include <linux/time.h>

static volatile int calls, last_signal;

static void note(int signal, siginfo_t *info, void *context)
{
    (void)info, (void)context;
    calls++;
    last_signal = signal;
}

static void count(int signal)
{
    calls = 0;
    set_handler(signal, note, 0);
}

struct itimer {
    struct __kernel_old_timeval interval, value;
};

/* ---- the clock's time ---- */

static void check_alarms(void)
{
    struct itimer timer = {{0, 20000}, {0, 20000}}, left, none = {{0, 0}, {0, 0}};

    count(SIGALRM);
    CHECK(SYS(setitimer, ITIMER_REAL, &timer, NULL) == 0);
    while (calls < 3)
        SYS(pause);
    CHECK(SYS(getitimer, ITIMER_REAL, &left) == 0 && left.interval.tv_usec >= 20000);
    CHECK(SYS(setitimer, ITIMER_REAL, &none, &left) == 0 && left.interval.tv_usec >= 20000);
    CHECK(SYS(alarm, 100) == 0);
    CHECK(SYS(getitimer, ITIMER_REAL, &left) == 0); /* never more than requested */
    CHECK(left.value.tv_sec + (left.value.tv_usec > 0) <= 100);
    CHECK(SYS(alarm, 0) == 100); /* the nearest second */
    CHECK(SYS(alarm, 0) == 0);
    CHECK(SYS(setitimer, 77, &none, NULL) == -EINVAL);
    timer.value.tv_usec = 1000000;
    CHECK(SYS(setitimer, ITIMER_REAL, &timer, NULL) == -EINVAL);
    CHECK(SYS(setitimer, ITIMER_REAL, 1, NULL) == -EFAULT);
}

/* A process takes its alarm along: the next one, in the same memory, does not hear of it. */
static void check_end(void)
{
    struct itimer soon = {{0, 20000}, {0, 20000}};
    struct __kernel_old_timespec nap = {0, 60000000};

    for (int i = 0; i < 4; i++) {
        EXPECT_EXIT(0, SYS(setitimer, ITIMER_REAL, &soon, NULL); sys_exit(0));
        EXPECT_EXIT(0, sys_exit(SYS(nanosleep, &nap, NULL) != 0));
    }
}

/* A process that wants to be woken earlier than another one, which asked first, is. */
static void check_order(void)
{
    struct itimer soon = {{0, 0}, {0, 20000}};
    struct __kernel_old_timespec nap = {3, 0};

    CHECK(SYS(alarm, 100) == 0);
    EXPECT_EXIT(0, count(SIGALRM); CHECK(SYS(setitimer, ITIMER_REAL, &soon, NULL) == 0);
                sys_exit(SYS(nanosleep, &nap, NULL) != -EINTR || calls != 1));
    CHECK(SYS(alarm, 0) > 0);
}

/* ---- timers of the process's own time ---- */

struct own_time {
    long user, system; /* ticks of 10 ms, so far */
};

static struct own_time own_time(void)
{
    long times[4];

    CHECK(SYS(times, times) >= 0);
    return (struct own_time){times[0], times[1]};
}

static long own_ticks(struct own_time since)
{
    struct own_time now = own_time();

    return now.user - since.user + now.system - since.system;
}

/* Work for that many ticks, most of it in the kernel. */
static struct own_time work(struct own_time since, long ticks)
{
    static char zeros[65536];
    long fd = SYS(open, "/dev/zero", 0, 0);

    CHECK(fd >= 0);
    while (own_ticks(since) < ticks)
        CHECK(SYS(read, fd, zeros, sizeof(zeros)) == sizeof(zeros));
    CHECK(SYS(close, fd) == 0);
    return own_time();
}

/* What is left, in ticks. */
static long timer_left(uint32_t which)
{
    struct itimer left;

    CHECK(SYS(getitimer, which, &left) == 0);
    return left.value.tv_sec * 100 + (left.value.tv_usec + 9999) / 10000;
}

/*
 * Linux's timers count the ticks at which the program runs, and times() returns measured time. On a
 * busy host slices end at ticks, so that 20 ticks of work may count as three times as many.
 */
static bool about(long ticks, long right)
{
    long margin = in_attic() ? 3 : 40;

    return ticks >= right - margin && ticks <= right + margin;
}

static void check_own_time(void)
{
    struct itimer second = {{0, 0}, {1, 0}}, soon = {{0, 20000}, {0, 20000}},
                  none = {{0, 0}, {0, 0}};
    struct __kernel_old_timespec nap = {0, 100000000};
    struct own_time start = own_time(), end;

    start = work(start, 3);
    CHECK(timer_left(ITIMER_VIRTUAL) == 0 && timer_left(ITIMER_PROF) == 0);
    CHECK(SYS(setitimer, ITIMER_VIRTUAL, &second, NULL) == 0);
    CHECK(SYS(setitimer, ITIMER_PROF, &second, NULL) == 0);
    CHECK(SYS(nanosleep, &nap, NULL) == 0); /* uses no processor time */
    CHECK(about(timer_left(ITIMER_PROF), 100));
    end = work(start, 20);
    CHECK(about(timer_left(ITIMER_VIRTUAL), 100 - (end.user - start.user)));
    CHECK(about(timer_left(ITIMER_PROF), 100 - own_ticks(start)));
    EXPECT_EXIT(0, sys_exit(timer_left(ITIMER_VIRTUAL) + timer_left(ITIMER_PROF)));
    CHECK(SYS(setitimer, ITIMER_PROF, &none, &second) == 0 && second.value.tv_usec > 0);
    CHECK(timer_left(ITIMER_PROF) == 0 && timer_left(ITIMER_VIRTUAL) > 0);
    for (uint32_t which = ITIMER_VIRTUAL; which <= ITIMER_PROF; which++) {
        count(which == ITIMER_PROF ? SIGPROF : SIGVTALRM);
        CHECK(SYS(setitimer, which, &soon, NULL) == 0);
        while (calls < 3)
            ;
        CHECK(SYS(setitimer, which, &none, NULL) == 0);
        CHECK(last_signal == (which == ITIMER_PROF ? SIGPROF : SIGVTALRM));
    }
}

int main(void)
{
    check_alarms();
    check_end();
    check_order();
    check_own_time();
    return 0;
}
