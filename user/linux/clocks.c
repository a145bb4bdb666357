/*
 * Time through a C library: clocks that advance and agree, sleeping at least as long as requested,
 * calendars.
 *
 * See check.h for its output; tests/run/linux/test_libc.py runs it, with glibc and with musl.
 */
#define _GNU_SOURCE
#include "check.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/time.h>
#include <sys/times.h>
#include <time.h>
#include <unistd.h>

static long long now(clockid_t clock)
{
    struct timespec at = {0, 0};

    check(clock_gettime(clock, &at) == 0 && at.tv_nsec >= 0 && at.tv_nsec < 1000000000);
    return at.tv_sec * 1000000000LL + at.tv_nsec;
}

static void clocks(void)
{
    struct timeval day;
    struct timespec resolution;
    long long before = now(CLOCK_MONOTONIC), real;

    for (int i = 0; i < 10000; i++) {
        long long after = now(CLOCK_MONOTONIC);

        check(after >= before);
        before = after;
    }
    real = now(CLOCK_REALTIME);
    check(gettimeofday(&day, NULL) == 0 && llabs(day.tv_sec - real / 1000000000) <= 1);
    check(llabs(time(NULL) - real / 1000000000) <= 1 && time(NULL) > 1500000000);
    check(clock_getres(CLOCK_MONOTONIC, &resolution) == 0 && resolution.tv_sec == 0);
    check(clock_gettime(99, &resolution) == -1 && errno == EINVAL);
}

static void sleeping(void)
{
    struct timespec little = {0, 30000000}, bad = {0, 1000000000};
    struct timeval wait = {0, 30000};
    long long start = now(CLOCK_MONOTONIC);

    check(nanosleep(&little, NULL) == 0 && now(CLOCK_MONOTONIC) - start >= 30000000);
    start = now(CLOCK_MONOTONIC);
    check(usleep(30000) == 0 && now(CLOCK_MONOTONIC) - start >= 30000000);
    start = now(CLOCK_MONOTONIC);
    check(select(0, NULL, NULL, NULL, &wait) == 0 && now(CLOCK_MONOTONIC) - start >= 30000000);
    check(nanosleep(&bad, NULL) == -1 && errno == EINVAL);
    check(sleep(0) == 0);
}

static void used(void)
{
    struct rusage usage;
    struct tms ticks;
    clock_t before = clock();

    while (clock() - before < CLOCKS_PER_SEC / 10)
        ;
    check(getrusage(RUSAGE_SELF, &usage) == 0 && times(&ticks) != (clock_t)-1);
    check(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec < 60);
    check(sysconf(_SC_CLK_TCK) == 100);
}

static void calendar(void)
{
    time_t moment = 1000000000;
    struct tm parts;
    char text[100];

    check(gmtime_r(&moment, &parts) == &parts);
    strftime(text, sizeof(text), "%A, %d %B %Y, %H:%M:%S, day %j", &parts);
    printf("%s\n", text);
    setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
    tzset();
    check(localtime_r(&moment, &parts) == &parts && parts.tm_isdst == 1 && parts.tm_hour == 3);
    printf("%s", asctime(&parts));
    check(mktime(&parts) == moment);
    parts = (struct tm){.tm_year = 124, .tm_mon = 1, .tm_mday = 30};
    printf("%lld\n", (long long)mktime(&parts));
}

int main(void)
{
    clocks();
    sleeping();
    used();
    calendar();
    return checks_done("clocks");
}
