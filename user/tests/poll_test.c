/*
 * Waiting for files: reads and writes that sleep and are woken, by bytes, by the closing of the
 * other end, by a signal; poll and select. Also passes on Linux.
 */
#include "lib/cases.h"
#include <asm/ioctls.h>
#include <linux/poll.h>
#include <linux/stat.h>

static int in, out;

static void make_pipe(int flags)
{
    int fds[2];

    CHECK(SYS(pipe2, fds, flags) == 0);
    in = fds[0];
    out = fds[1];
}

/* Do something a little later, in a child. */
#define LATER(...)                                                                                 \
    do {                                                                                           \
        if (fork_process() == 0) {                                                                 \
            sleep_ms(40);                                                                          \
            __VA_ARGS__;                                                                           \
            sys_exit(0);                                                                           \
        }                                                                                          \
    } while (0)

/* A test leaves no processes behind. */
static void wait_children(void)
{
    while (SYS(wait4, -1, NULL, 0, NULL) > 0)
        ;
}

static uint32_t now_ms(void)
{
    struct __kernel_timespec now;

    CHECK(SYS(clock_gettime64, 1, &now) == 0);
    return (uint32_t)now.tv_sec * 1000 + (uint32_t)now.tv_nsec / 1000000;
}

/* ---- reads and writes that wait ---- */

static void read_waits_for_bytes(void)
{
    char c = 0;

    make_pipe(0);
    LATER(sys_write(out, "x", 1));
    CHECK(SYS(read, in, &c, 1) == 1 && c == 'x');
    wait_children();
}

static void read_sees_the_last_writer_go(void)
{
    char c;

    make_pipe(0);
    LATER(); /* it has a write end as long as it lives */
    CHECK(SYS(close, out) == 0);
    CHECK(SYS(read, in, &c, 1) == 0);
    wait_children();
}

static void write_waits_for_room(void)
{
    static uint8_t block[70000];
    uint32_t start = now_ms();

    make_pipe(0);
    LATER(CHECK(SYS(read, in, block, sizeof(block)) > 0); CHECK(SYS(read, in, block, 65536) > 0));
    CHECK(sys_write(out, block, sizeof(block)) == sizeof(block));
    CHECK(now_ms() - start >= 20);
    wait_children();
}

static void broken_pipe(void)
{
    const struct iovec iov = {"x", 1};

    make_pipe(0);
    CHECK(SYS(close, in) == 0);
    EXPECT_DEATH(SIGPIPE, sys_write(out, "x", 1));
    CHECK(SYS(signal, SIGPIPE, SIG_IGN) >= 0);
    CHECK(sys_write(out, "x", 1) == -EPIPE);
    CHECK(sys_writev(out, &iov, 1) == -EPIPE);
}

static void writer_sees_the_last_reader_go(void)
{
    static uint8_t block[100000];

    make_pipe(0);
    CHECK(SYS(signal, SIGPIPE, SIG_IGN) >= 0);
    LATER();
    CHECK(SYS(close, in) == 0);
    CHECK(sys_write(out, block, sizeof(block)) == 65536);
    CHECK(sys_write(out, block, 1) == -EPIPE);
    wait_children();
}

static void no_waiting(void)
{
    static uint8_t block[4096];
    int count = 0;
    char c;

    make_pipe(O_NONBLOCK);
    CHECK(SYS(read, in, &c, 1) == -EAGAIN);
    CHECK(SYS(read, in, &c, 0) == 0);
    while (sys_write(out, block, sizeof(block)) == sizeof(block))
        count++;
    CHECK(count == 16);
    CHECK(sys_write(out, block, 1) == -EAGAIN);
    CHECK(SYS(read, in, block, sizeof(block)) == sizeof(block));
    CHECK(SYS(fcntl64, out, F_SETFL, 0) == 0);
    CHECK(sys_write(out, block, sizeof(block)) == sizeof(block));
    CHECK(SYS(fcntl64, in, F_GETPIPE_SZ) == 65536);
    CHECK(SYS(ioctl, in, FIONREAD, &count) == 0 && count == 65536);
}

/* ---- signals ---- */

static volatile int handled;

static void on_signal(int signal)
{
    handled = signal;
}

/*
 * man 2 sigaction's oldest structure; libc would provide a restorer, without one the kernel's is
 * used.
 */
static void handle(int signal, unsigned long flags)
{
    struct {
        void (*handler)(int signal);
        unsigned long mask, flags;
        void (*restorer)(void);
    } action = {on_signal, 0, flags, NULL};

    handled = 0;
    CHECK(SYS(sigaction, signal, &action, NULL) == 0);
}

static void interrupted_read(void)
{
    struct pollfd entry = {.events = POLLIN};
    long parent = sys_getpid();
    char c;

    make_pipe(0);
    entry.fd = in;
    handle(SIGUSR1, 0);
    LATER(SYS(kill, parent, SIGUSR1));
    CHECK(SYS(read, in, &c, 1) == -EINTR && handled == SIGUSR1);
    handled = 0;
    LATER(SYS(kill, parent, SIGUSR1));
    CHECK(SYS(poll, &entry, 1, -1) == -EINTR);
    CHECK(handled == SIGUSR1);
    wait_children();
}

static void restarted_read(void)
{
    long parent = sys_getpid();
    char c = 0;

    make_pipe(0);
    handle(SIGUSR1, SA_RESTART);
    LATER(SYS(kill, parent, SIGUSR1); sleep_ms(40); sys_write(out, "y", 1));
    CHECK(SYS(read, in, &c, 1) == 1 && c == 'y' && handled == SIGUSR1);
    wait_children();
}

/* ---- poll ---- */

static int events(int fd, int wanted)
{
    struct pollfd entry = {.fd = fd, .events = wanted, .revents = -1};
    long found = SYS(poll, &entry, 1, 0);

    CHECK(found == (entry.revents != 0));
    return entry.revents;
}

/* A read into several buffers does not wait for more when it has something. */
static void readv_does_not_wait_twice(void)
{
    char a[4], b[4];
    struct iovec iov[2] = {{a, 4}, {b, 4}};
    long pid;

    make_pipe(0);
    CHECK(sys_write(out, "abcd", 4) == 4);
    pid = fork_process();
    if (pid == 0) {
        sleep_ms(2000);
        sys_write(out, "efgh", 4);
        sys_exit(0);
    }
    CHECK(SYS(readv, in, iov, 2) == 4);
    CHECK(SYS(kill, pid, SIGKILL) == 0);
    wait_children();
}

static void poll_tells(void)
{
    static uint8_t block[65536];

    make_pipe(0);
    CHECK(events(in, POLLIN | POLLOUT) == 0);
    CHECK(events(out, POLLIN | POLLOUT) == POLLOUT);
    CHECK(events(out, 0) == 0);
    CHECK(sys_write(out, block, sizeof(block)) == sizeof(block));
    CHECK(events(out, POLLOUT | POLLWRNORM) == 0);
    CHECK(events(in, POLLIN | POLLRDNORM) == (POLLIN | POLLRDNORM));
    CHECK(SYS(read, in, block, 60000) == 60000);
    CHECK(events(out, POLLOUT) == POLLOUT);
    CHECK(SYS(close, out) == 0);
    CHECK(events(in, POLLIN) == (POLLIN | POLLHUP));
    CHECK(SYS(read, in, block, sizeof(block)) == 5536);
    CHECK(events(in, POLLIN) == POLLHUP);
    CHECK(events(in, 0) == POLLHUP);
    make_pipe(0);
    CHECK(SYS(close, in) == 0);
    CHECK(events(out, POLLOUT) == (POLLOUT | POLLERR));
    CHECK(events(999, POLLIN) == POLLNVAL);
    CHECK(events(-1, POLLIN) == 0);
    CHECK(events(SYS(open, "/", O_RDONLY), POLLIN | POLLOUT) == (POLLIN | POLLOUT));
    CHECK(SYS(poll, NULL, 100000000, 0) == -EINVAL);
}

/* The duration of a poll of 50 ms. */
static uint32_t waited_in_poll(struct pollfd *entries)
{
    uint32_t start = now_ms();

    CHECK(SYS(poll, entries, 3, 50) == 0);
    return now_ms() - start;
}

static void poll_waits(void)
{
    struct pollfd entries[3];
    int first;

    make_pipe(0);
    first = in;
    make_pipe(0);
    entries[0] = (struct pollfd){.fd = first, .events = POLLIN};
    entries[1] = (struct pollfd){.fd = -5, .events = POLLIN};
    entries[2] = (struct pollfd){.fd = in, .events = POLLIN};
    CHECK(waited_in_poll(entries) >= 50);
    CHECK(WITHIN(1000, waited_in_poll(entries)));
    LATER(sys_write(out, "x", 1));
    CHECK(SYS(poll, entries, 3, 5000) == 1);
    CHECK(entries[0].revents == 0 && entries[1].revents == 0 && entries[2].revents == POLLIN);
    CHECK(SYS(poll, NULL, 0, 30) == 0);
    wait_children();
}

/* The write itself wakes it: the writer waits for an answer, and only then ends. */
static void poll_is_woken_by_a_write(void)
{
    struct pollfd entry = {.events = POLLIN};
    int answer_in, answer_out;
    uint32_t start = now_ms();
    char c;

    make_pipe(0);
    answer_in = in;
    answer_out = out;
    make_pipe(0);
    entry.fd = in;
    LATER(sys_write(out, "x", 1); SYS(read, answer_in, &c, 1));
    CHECK(SYS(poll, &entry, 1, 10000) == 1);
    CHECK(now_ms() - start < 10000);
    CHECK(sys_write(answer_out, "y", 1) == 1);
    wait_children();
}

static void poll_with_time_and_mask(void)
{
    struct __kernel_timespec time = {0, 30000000};
    struct pollfd entry = {.events = POLLIN};
    uint64_t mask = 1ull << (SIGUSR1 - 1);
    uint32_t start = now_ms();

    make_pipe(0);
    entry.fd = in;
    CHECK(SYS(ppoll_time64, &entry, 1, &time, &mask, 8) == 0);
    CHECK(now_ms() - start >= 30);
    CHECK(time.tv_sec == 0 && time.tv_nsec == 0);
    CHECK(SYS(ppoll_time64, &entry, 1, &time, &mask, 4) == -EINVAL);
    time.tv_nsec = 1000000000;
    CHECK(SYS(ppoll_time64, &entry, 1, &time, NULL, 0) == -EINVAL);
    CHECK(SYS(rt_sigprocmask, SIG_BLOCK, NULL, &mask, 8) == 0 && mask == 0);
    sys_write(out, "x", 1);
    CHECK(SYS(ppoll_time64, &entry, 1, NULL, NULL, 8) == 1 && entry.revents == POLLIN);
}

/* A signal that is unblocked only while the call waits. */
static void mask_lets_in(void)
{
    uint64_t blocked = 1ull << (SIGUSR1 - 1), none = 0, now;

    make_pipe(0);
    handled = 0;
    CHECK(SYS(signal, SIGUSR1, on_signal) >= 0);
    CHECK(SYS(rt_sigprocmask, SIG_BLOCK, &blocked, NULL, 8) == 0);
    CHECK(SYS(kill, sys_getpid(), SIGUSR1) == 0 && handled == 0);
    CHECK(SYS(ppoll_time64, NULL, 0, NULL, &none, 8) == -EINTR && handled == SIGUSR1);
    CHECK(SYS(rt_sigprocmask, SIG_BLOCK, NULL, &now, 8) == 0 && now == blocked);
}

/* ---- select ---- */

static void select_tells(void)
{
    uint32_t reading[32] = {0}, writing[32] = {0};
    struct __kernel_old_timeval none = {0, 0}, some = {0, 30000};
    uint32_t start = now_ms();

    make_pipe(0);
    CHECK(in < 32 && out < 32);
    reading[0] = 1u << in;
    writing[0] = 1u << out;
    CHECK(SYS(_newselect, 32, reading, writing, NULL, &none) == 1);
    CHECK(reading[0] == 0 && writing[0] == 1u << out);
    reading[0] = 1u << in;
    CHECK(SYS(_newselect, 32, reading, NULL, NULL, &some) == 0 && reading[0] == 0);
    CHECK(now_ms() - start >= 30 && some.tv_sec == 0 && some.tv_usec == 0);
    LATER(sys_write(out, "x", 1));
    reading[0] = 1u << in;
    CHECK(SYS(_newselect, 32, reading, NULL, NULL, NULL) == 1 && reading[0] == 1u << in);
    reading[0] |= 1u << 31;
    CHECK(SYS(_newselect, 32, reading, NULL, NULL, &none) == -EBADF);
    CHECK(reading[0] == (1u << in | 1u << 31));
    CHECK(SYS(_newselect, 31, reading, NULL, NULL, &none) == 1);
    CHECK(SYS(_newselect, -1, reading, NULL, NULL, &none) == -EINVAL);
    none.tv_sec = -1;
    CHECK(SYS(_newselect, 0, NULL, NULL, NULL, &none) == -EINVAL);
    wait_children();
}

static void fifo(void)
{
    const char *path = "/tmp/poll_test.fifo";
    char c = 0;
    long fd;

    SYS(unlink, path);
    CHECK(SYS(mknod, path, S_IFIFO | 0600, 0) == 0);
    CHECK(SYS(open, path, O_WRONLY | O_NONBLOCK) == -ENXIO);
    CHECK(SYS(open, path, O_ACCMODE) == -EINVAL);
    LATER(fd = SYS(open, path, O_WRONLY); sys_write(fd, "z", 1));
    fd = SYS(open, path, O_RDONLY);
    CHECK(fd >= 0 && SYS(read, fd, &c, 1) == 1 && c == 'z');
    CHECK(SYS(read, fd, &c, 1) == 0);
    CHECK(SYS(unlink, path) == 0);
    wait_children();
}

/* The end of the last writer is an event; that there has been no writer yet is none. */
static void fifo_without_a_writer(void)
{
    const char *path = "/tmp/poll_test.fifo";
    struct pollfd poll = {.events = POLLIN};
    long writer;

    SYS(unlink, path);
    CHECK(SYS(mknod, path, S_IFIFO | 0600, 0) == 0);
    poll.fd = SYS(open, path, O_RDONLY | O_NONBLOCK);
    CHECK(poll.fd >= 0 && SYS(poll, &poll, 1, 0) == 0);
    writer = SYS(open, path, O_WRONLY);
    CHECK(writer >= 0 && SYS(close, writer) == 0);
    CHECK(SYS(poll, &poll, 1, 0) == 1 && poll.revents == POLLHUP);
    CHECK(SYS(close, poll.fd) == 0 && SYS(unlink, path) == 0);
}

static const struct test_case cases[] = {
    {"read_waits_for_bytes", read_waits_for_bytes},
    {"read_sees_the_last_writer_go", read_sees_the_last_writer_go},
    {"write_waits_for_room", write_waits_for_room},
    {"broken_pipe", broken_pipe},
    {"writer_sees_the_last_reader_go", writer_sees_the_last_reader_go},
    {"no_waiting", no_waiting},
    {"readv_does_not_wait_twice", readv_does_not_wait_twice},
    {"interrupted_read", interrupted_read},
    {"restarted_read", restarted_read},
    {"poll_tells", poll_tells},
    {"poll_waits", poll_waits},
    {"poll_is_woken_by_a_write", poll_is_woken_by_a_write},
    {"poll_with_time_and_mask", poll_with_time_and_mask},
    {"mask_lets_in", mask_lets_in},
    {"select_tells", select_tells},
    {"fifo", fifo},
    {"fifo_without_a_writer", fifo_without_a_writer},
};

int main(int argc, char *argv[])
{
    CHECK(SYS(close_range, 3, -1, 0) == 0);
    return run_cases(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}
