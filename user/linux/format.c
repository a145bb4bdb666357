/*
 * What a C library computes without system calls: formatting and reading numbers, sorting, strings,
 * jumps. It tests the processor's state: a process must keep its FPU and SSE registers while others
 * run, and floating point must work in ring 3.
 *
 * A child computes at the same time as its parent, with other values in the same registers.
 *
 * See check.h for its output; tests/run/linux/test_libc.py runs it, with glibc and with musl.
 */
#include "check.h"

#include <ctype.h>
#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/wait.h>
#include <unistd.h>

static void numbers(void)
{
    char text[64];
    char *end;
    double third = 1.0 / 3;
    volatile double two = 2.0;
    volatile size_t room = 5;

    printf("%f %.10f %e %g %G %a\n", third, third, 12345.678, 1e-7, 1e100, 0.5);
    printf("%Lf %.3f %5.1f|%-8.2f|%+08.3f\n", 1.25L, -0.0005, 99.95, 3.14159, 2.5);
    printf("%f %f %f\n", INFINITY, -INFINITY, fabs(NAN));
    printf("%d %u %x %o %lld %llu %c %s %5d|%-5d|%05d %%\n", -1, 1u << 31, 0xbeef, 8,
           -1099511627776LL, 1ULL << 63, 'c', "text", 42, 42, 42);
    printf("%.15g %.15g %.15g\n", sqrt(two), pow(two, 0.5), exp(log(two)));
    printf("%.12f %.12f %.12f\n", sin(1), cos(1), atan2(1, two));
    check(strtod("1e3x", &end) == 1000.0 && *end == 'x');
    check(strtod("0x1.8p1", NULL) == 3.0);
    check(strtol("-2147483648", NULL, 10) == -2147483647L - 1);
    check(strtoull("18446744073709551615", NULL, 0) == ~0ULL);
    errno = 0;
    check(strtol("99999999999", NULL, 10) == 2147483647L && errno == ERANGE);
    check(sscanf("12 abc 3.5 ff", "%*d %3s %*f %*x", text) == 1 && strcmp(text, "abc") == 0);
    check(snprintf(text, room, "%s", "long text") == 9 && strcmp(text, "long") == 0);
}

static int by_value(const void *a, const void *b)
{
    int x = *(const int *)a, y = *(const int *)b;

    return (x > y) - (x < y);
}

static void sorting(void)
{
    static int values[5000];
    unsigned int next = 1;
    int key = 0;

    for (int i = 0; i < 5000; i++) {
        next = next * 1103515245 + 12345;
        values[i] = next >> 8;
    }
    key = values[1234];
    qsort(values, 5000, sizeof(values[0]), by_value);
    for (int i = 1; i < 5000; i++)
        check(values[i - 1] <= values[i]);
    check(bsearch(&key, values, 5000, sizeof(values[0]), by_value) != NULL);
    printf("sorted: %d %d %d\n", values[0], values[2500], values[4999]);
}

static void strings(void)
{
    char text[] = "one,two,,three";
    char *word, *state = NULL;

    for (word = strtok_r(text, ",", &state); word; word = strtok_r(NULL, ",", &state))
        printf("[%s]", word);
    printf("\n%s; %s; %s\n", strerror(ENOENT), strerror(EAGAIN), strerror(EPIPE));
    check(strstr("haystack with needle", "needle") != NULL);
    check(strcasecmp(text, "ONE") == 0 && strncasecmp(text, "onx", 2) == 0);
    check(toupper('x') == 'X' && isdigit('7') && !isalpha('7'));
    check(setlocale(LC_ALL, "C") != NULL);
}

static jmp_buf back;

static void __attribute__((noinline)) jump(int depth)
{
    if (depth == 0)
        longjmp(back, 7);
    if (depth > 0)
        jump(depth - 1);
    printf("not reached\n");
}

static void jumps(void)
{
    volatile int times = 0;
    int value = setjmp(back);

    times++;
    if (value == 0)
        jump(50);
    check(value == 7 && times == 2);
}

/* Sum a series slowly enough that the other process runs in between. */
static double series(double from)
{
    volatile double sum = 0;

    for (int i = 0; i < 3000000; i++)
        sum += 1.0 / (from + i);
    return sum;
}

static void two_at_once(void)
{
    int status = -1;
    double sum;
    pid_t child;

    fflush(stdout);
    child = fork();
    sum = series(child ? 1.0 : 2.0);
    if (child == 0)
        _exit(fabs(sum - 14.491339) < 0.000001 ? 0 : 1);
    check(fabs(sum - 15.491339) < 0.000001);
    check(waitpid(child, &status, 0) == child && status == 0);
    printf("%.9f\n", sum);
}

int main(void)
{
    numbers();
    sorting();
    strings();
    jumps();
    two_at_once();
    return checks_done("format");
}
