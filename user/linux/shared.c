/*
 * Memory that processes share, and waking those that wait for it: futexes and what a C library
 * builds with them. Files that are truncated while processes map them.
 *
 * See check.h for its output; tests/run/linux/test_libc.py runs it, with glibc and with musl. Each
 * child has an alarm, so that a child that is never woken is a failed check and does not hang the
 * test.
 */
#define _GNU_SOURCE
#include "check.h"

#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096
#define RW   (PROT_READ | PROT_WRITE)

/* From <linux/futex.h>, which musl does not provide. */
enum {
    FUTEX_WAIT,
    FUTEX_WAKE,
    FUTEX_REQUEUE = 3,
    FUTEX_CMP_REQUEUE,
    FUTEX_WAKE_OP,
    FUTEX_WAIT_BITSET = 9,
    FUTEX_WAKE_BITSET,
    FUTEX_PRIVATE_FLAG = 128,
    FUTEX_CLOCK_REALTIME = 256,
    FUTEX_WAIT_PRIVATE = FUTEX_WAIT | FUTEX_PRIVATE_FLAG,
    FUTEX_WAKE_PRIVATE = FUTEX_WAKE | FUTEX_PRIVATE_FLAG,
};
enum { OP_SET, OP_ADD };
enum { IF_EQUAL, IF_GREATER = 4 };

/* As FUTEX_OP() of <linux/futex.h>. */
static int futex_op(int op, int argument, int comparison, int value)
{
    return op << 28 | comparison << 24 | (argument & 0xfff) << 12 | (value & 0xfff);
}

/* The result, or the negative error number. */
#define RESULT(call)                                                                               \
    ({                                                                                             \
        long result_ = (long)(call);                                                               \
        result_ == -1 ? -(long)errno : result_;                                                    \
    })

static long futex(volatile void *word, int operation, int value, const void *time, void *word2,
                  int value3)
{
    return RESULT(syscall(SYS_futex, word, operation, value, time, word2, value3));
}

static void *shared_pages(int pages)
{
    void *map = mmap(NULL, pages * PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    check(map != MAP_FAILED);
    return map;
}

static pid_t start(int (*body)(volatile int *), volatile int *words)
{
    pid_t child;

    fflush(stdout);
    child = fork();
    if (child == 0) {
        alarm(10);
        _exit(body(words));
    }
    return child;
}

static int end_of(pid_t child)
{
    int status = -1;

    check(waitpid(child, &status, 0) == child);
    return status;
}

static char state_of(pid_t child)
{
    char name[32], text[128] = "";
    int fd;

    snprintf(name, sizeof(name), "/proc/%d/stat", child);
    fd = open(name, O_RDONLY);
    check(fd >= 0 && read(fd, text, sizeof(text) - 1) > 0);
    close(fd);
    return strrchr(text, ')') ? strrchr(text, ')')[2] : '?';
}

/* Otherwise there would be no waiter that must not be woken. */
static void wait_until_asleep(pid_t child)
{
    for (int i = 0; i < 500 && state_of(child) != 'S'; i++)
        usleep(10000);
    check(state_of(child) == 'S');
}

/* Wake until there was a waiter. Returns how many were woken. */
static long wake(volatile int *word, int operation, int bits)
{
    long woken = 0;

    for (int i = 0; i < 500 && woken == 0; i++) {
        woken = futex(word, operation, 1, NULL, NULL, bits);
        usleep(woken ? 0 : 10000);
    }
    return woken;
}

/* ---- one word ---- */

static int wait_for_word(volatile int *words)
{
    return -futex(words, FUTEX_WAIT, 0, NULL, NULL, 0);
}

static int wait_for_bit_2(volatile int *words)
{
    return -futex(words, FUTEX_WAIT_BITSET, 0, NULL, NULL, 2);
}

static void waking(void)
{
    volatile int *words = shared_pages(1);
    struct timespec time = {0, 20000000};
    pid_t child = start(wait_for_word, words);

    check(wake(words, FUTEX_WAKE, 0) == 1);
    check(end_of(child) == 0);
    child = start(wait_for_bit_2, words);
    wait_until_asleep(child);
    check(futex(words, FUTEX_WAKE_BITSET, 1, NULL, NULL, 1) == 0);
    check(futex(words + 1, FUTEX_WAKE, 1, NULL, NULL, 0) == 0);
    check(futex(words, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0) == 0);
    check(wake(words, FUTEX_WAKE_BITSET, 6) == 1);
    check(end_of(child) == 0);
    check(futex(words, FUTEX_WAKE, 1, NULL, NULL, 0) == 0);
    check(futex(words, FUTEX_WAIT, 0, &time, NULL, 0) == -ETIMEDOUT);
    check(futex(words, FUTEX_WAIT, 1, &time, NULL, 0) == -EAGAIN);
    check(futex(words, FUTEX_WAIT_BITSET, 0, &time, NULL, 0) == -EINVAL);
    check(futex(words, FUTEX_WAKE_BITSET, 1, NULL, NULL, 0) == -EINVAL);
    check(futex(words, FUTEX_WAKE | FUTEX_CLOCK_REALTIME, 1, NULL, NULL, 0) == -ENOSYS);
    munmap((void *)words, PAGE);
}

static void on_alarm(int signal)
{
    (void)signal;
}

static int wait_for_signal(volatile int *words)
{
    struct sigaction action = {.sa_handler = on_alarm};
    struct timespec time = {5, 0};

    sigaction(SIGALRM, &action, NULL);
    alarm(1);
    return -futex(words, FUTEX_WAIT, 0, &time, NULL, 0);
}

/* Other ends of a wait, and addresses on which one cannot wait. */
static void refusals(void)
{
    volatile int *words = shared_pages(1);
    char *none = mmap(NULL, 2 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    check(end_of(start(wait_for_signal, words)) == EINTR << 8);
    check(futex(none, FUTEX_WAKE, 1, NULL, NULL, 0) == -EFAULT);
    check(futex(none, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0) == 0);
    check(futex(none, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0) == -EFAULT);
    check(futex(none, FUTEX_WAIT, 0, NULL, NULL, 0) == -EFAULT);
    check(futex(none + 2, FUTEX_WAIT, 0, NULL, NULL, 0) == -EINVAL);
    check(mprotect(none, PAGE, PROT_READ) == 0);
    check(futex(none, FUTEX_WAKE, 1, NULL, NULL, 0) == -EFAULT);
    check(mprotect(none, PAGE, RW) == 0);
    check(futex(none, FUTEX_WAKE, 1, NULL, NULL, 0) == 0);
    check(munmap(none, 2 * PAGE) == 0);
    check(futex(none, FUTEX_WAKE, 1, NULL, NULL, 0) == -EFAULT);
    munmap((void *)words, PAGE);
}

/* ---- where the word is ---- */

/* The second page of the file, at a separate address. */
static int wait_in_file(volatile int *words)
{
    int fd = open("/tmp/attic-shared", O_RDWR);
    char *map = mmap(NULL, 5 * PAGE, RW, MAP_SHARED, fd, 0);

    (void)words;
    return map == MAP_FAILED ? 99 : wait_for_word((volatile int *)(map + PAGE + 8));
}

static int wait_in_own_copy(volatile int *words)
{
    struct timespec time = {1, 0};

    return -futex(words, FUTEX_WAIT, 0, &time, NULL, 0);
}

static void words_of_files(void)
{
    int fd = open("/tmp/attic-shared", O_RDWR | O_CREAT | O_TRUNC, 0600);
    char *map;
    pid_t child;

    check(fd >= 0 && ftruncate(fd, 3 * PAGE) == 0);
    map = mmap(NULL, PAGE, RW, MAP_SHARED, fd, PAGE);
    check(map != MAP_FAILED);
    child = start(wait_in_file, NULL);
    wait_until_asleep(child);
    check(futex(map + 12, FUTEX_WAKE, 1, NULL, NULL, 0) == 0);
    check(wake((volatile int *)(map + 8), FUTEX_WAKE, 0) == 1);
    check(end_of(child) == 0);
    munmap(map, PAGE);
    /* private pages have separate words */
    map = mmap(NULL, PAGE, RW, MAP_PRIVATE, fd, 0);
    map[100] = 1;
    child = start(wait_in_own_copy, (volatile int *)map);
    wait_until_asleep(child);
    check(futex(map, FUTEX_WAKE, 1, NULL, NULL, 0) == 0);
    check(end_of(child) == ETIMEDOUT << 8);
    munmap(map, PAGE);
    close(fd);
    unlink("/tmp/attic-shared");
}

/* ---- a file that is truncated ---- */

static char *looked_at;

static int look(volatile int *unused)
{
    (void)unused;
    return 0 & *(volatile char *)looked_at;
}

static int scribble(volatile int *unused)
{
    (void)unused;
    *looked_at = 'w';
    return 0;
}

static void on_fault(int signal)
{
    _exit(signal);
}

/* The signal that a child gets when it reads, or writes, there, or 0. */
static int signal_of(int (*body)(volatile int *), char *addr)
{
    int result;

    looked_at = addr;
    signal(SIGBUS, on_fault);
    signal(SIGSEGV, on_fault);
    result = end_of(start(body, NULL)) >> 8;
    signal(SIGBUS, SIG_DFL);
    signal(SIGSEGV, SIG_DFL);
    return result;
}

static void cut_short(void)
{
    int fd = open("/tmp/attic-shared", O_RDWR | O_CREAT | O_TRUNC, 0600);
    char *shared, *copy, *later, text[2] = "";

    check(fd >= 0 && ftruncate(fd, 4 * PAGE) == 0);
    shared = mmap(NULL, 4 * PAGE, RW, MAP_SHARED, fd, 0);
    copy = mmap(NULL, 4 * PAGE, RW, MAP_PRIVATE, fd, 0);
    later = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 3 * PAGE);
    memset(shared, 'q', 4 * PAGE);
    copy[10] = copy[200] = copy[2 * PAGE] = 'c';
    check(copy[PAGE] == 'q' && later[0] == 'q');
    check(ftruncate(fd, 100) == 0);
    check(signal_of(look, shared + PAGE) == SIGBUS && signal_of(scribble, shared + PAGE) == SIGBUS);
    check(signal_of(look, copy + PAGE) == SIGBUS && signal_of(scribble, copy + PAGE) == SIGBUS);
    check(signal_of(look, copy + 2 * PAGE) == SIGBUS && signal_of(look, later) == SIGBUS);
    check(RESULT(write(fd, shared + PAGE, 1)) == -EFAULT);
    check(shared[99] == 'q' && shared[100] == 0 && copy[99] == 'q' && copy[200] == 'c');
    check(ftruncate(fd, 4 * PAGE) == 0);
    check(shared[PAGE] == 0 && copy[PAGE] == 0 && copy[2 * PAGE] == 0 && later[5] == 0);
    shared[2 * PAGE] = 'r';
    shared[3 * PAGE + 5] = 's';
    check(pread(fd, text, 1, 2 * PAGE) == 1 && text[0] == 'r');
    check(copy[2 * PAGE] == 'r' && later[5] == 's');
    close(open("/tmp/attic-shared", O_RDWR | O_TRUNC));
    check(signal_of(look, copy) == SIGBUS && signal_of(look, shared) == SIGBUS);
    munmap(shared, 4 * PAGE);
    munmap(copy, 4 * PAGE);
    munmap(later, PAGE);
    close(fd);
    unlink("/tmp/attic-shared");
}

/* ---- two words ---- */

static void requeueing(void)
{
    volatile int *words = shared_pages(1);
    pid_t children[3];

    for (int i = 0; i < 3; i++)
        children[i] = start(wait_for_word, words);
    for (int i = 0; i < 3; i++)
        wait_until_asleep(children[i]);
    check(futex(words, FUTEX_CMP_REQUEUE, 1, (void *)1, (void *)&words[1], 7) == -EAGAIN);
    check(futex(words, FUTEX_CMP_REQUEUE, -1, (void *)1, (void *)&words[1], 0) == -EINVAL);
    check(futex(words, FUTEX_CMP_REQUEUE, 1, (void *)1, (void *)&words[1], 0) == 2);
    check(futex(words, FUTEX_REQUEUE, 0, (void *)9, (void *)&words[1], 0) == 1);
    check(futex(words, FUTEX_WAKE, 9, NULL, NULL, 0) == 0);
    words[2] = 5;
    check(futex(&words[3], FUTEX_WAKE_OP, 1, (void *)1, (void *)&words[2],
                futex_op(OP_ADD, 3, IF_GREATER, 5)) == 0);
    check(words[2] == 8);
    check(futex(&words[3], FUTEX_WAKE_OP, 1, (void *)9, (void *)&words[1],
                futex_op(OP_SET, -1, IF_EQUAL, 0)) == 2);
    check(words[1] == -1);
    for (int i = 0; i < 3; i++)
        check(end_of(children[i]) == 0);
    munmap((void *)words, PAGE);
}

/* ---- what C libraries build with it ---- */

struct meeting {
    sem_t ask, answer;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    int turns, count;
};

static int answer(volatile int *words)
{
    struct meeting *m = (struct meeting *)words;

    for (int i = 0; i < 100; i++) {
        sem_wait(&m->ask);
        m->count++;
        sem_post(&m->answer);
    }
    for (int i = 0; i < 50; i++) {
        pthread_mutex_lock(&m->mutex);
        while (m->turns % 2 == 0)
            pthread_cond_wait(&m->changed, &m->mutex);
        m->turns++;
        pthread_cond_signal(&m->changed);
        pthread_mutex_unlock(&m->mutex);
    }
    return 0;
}

static void library(void)
{
    struct meeting *m = shared_pages(1);
    pthread_mutexattr_t mutex;
    pthread_condattr_t cond;
    pid_t child;

    sem_init(&m->ask, 1, 0);
    sem_init(&m->answer, 1, 0);
    pthread_mutexattr_init(&mutex);
    pthread_mutexattr_setpshared(&mutex, PTHREAD_PROCESS_SHARED);
    pthread_mutex_init(&m->mutex, &mutex);
    pthread_condattr_init(&cond);
    pthread_condattr_setpshared(&cond, PTHREAD_PROCESS_SHARED);
    pthread_cond_init(&m->changed, &cond);
    child = start(answer, (volatile int *)m);
    alarm(20);
    for (int i = 0; i < 100; i++) {
        sem_post(&m->ask);
        sem_wait(&m->answer);
    }
    for (int i = 0; i < 50; i++) {
        pthread_mutex_lock(&m->mutex);
        while (m->turns % 2)
            pthread_cond_wait(&m->changed, &m->mutex);
        m->turns++;
        pthread_cond_signal(&m->changed);
        pthread_mutex_unlock(&m->mutex);
    }
    check(end_of(child) == 0);
    alarm(0);
    printf("%d answers, %d turns\n", m->count, m->turns);
    munmap(m, PAGE);
}

int main(void)
{
    waking();
    refusals();
    words_of_files();
    cut_short();
    requeueing();
    library();
    return checks_done("shared");
}
