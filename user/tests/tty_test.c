/*
 * The terminal as programs see it: settings, sizes, the controlling session, and what happens to
 * processes in the background. There is no input here (tests/run/test_tty.py types).
 *
 * Also passes on Linux: where there are pseudo-terminals the test makes its own, so that it needs
 * no terminal; Attic has one terminal, which a session leader may take over as root.
 */
#include "lib/handler.h"
#include <asm/ioctls.h>
#include <linux/fcntl.h>
#include <linux/poll.h>
#include <linux/termios.h>
#include <linux/wait.h>

#define NOWHERE ((void *)8)

static int tty;

static void open_terminal(void)
{
    int unlocked = 0, master = SYS(open, "/dev/ptmx", O_RDWR | O_NOCTTY);

    if (master == -ENOENT) {
        tty = SYS(open, "/dev/console", O_RDWR | O_NOCTTY);
    } else {
        CHECK(SYS(ioctl, master, TIOCSPTLCK, &unlocked) == 0);
        tty = SYS(ioctl, master, TIOCGPTPEER, O_RDWR | O_NOCTTY);
    }
    CHECK(tty >= 0);
}

static struct termios settings(void)
{
    struct termios termios;

    CHECK(SYS(ioctl, tty, TCGETS, &termios) == 0);
    return termios;
}

static long set(const struct termios *termios)
{
    return SYS(ioctl, tty, TCSETS, termios);
}

/* ---- settings ---- */

static void test_settings(void)
{
    struct termios old = settings(), termios = old;
    struct termios2 two;

    CHECK((old.c_lflag & (ICANON | ECHO | ISIG | IEXTEN)) == (ICANON | ECHO | ISIG | IEXTEN));
    CHECK(old.c_cc[VINTR] == 3 && old.c_cc[VEOF] == 4 && old.c_cc[VMIN] == 1);
    termios.c_cc[VINTR] = 'x';
    termios.c_iflag ^= IUTF8;
    CHECK(set(&termios) == 0);
    CHECK(settings().c_cc[VINTR] == 'x' && settings().c_iflag == termios.c_iflag);
    CHECK(SYS(ioctl, tty, TCGETS2, &two) == 0 && two.c_cc[VINTR] == 'x');
    two.c_cc[VINTR] = 'y';
    CHECK(SYS(ioctl, tty, TCSETSW2, &two) == 0 && settings().c_cc[VINTR] == 'y');
    CHECK(SYS(ioctl, tty, TCSETSF, &old) == 0 && settings().c_cc[VINTR] == 3);
    CHECK(SYS(ioctl, tty, TCGETS, NOWHERE) == -EFAULT);
    CHECK(SYS(ioctl, tty, TCSETS, NOWHERE) == -EFAULT && settings().c_cc[VINTR] == 3);
    CHECK(SYS(ioctl, tty, 0x5499, 0) == -ENOTTY);
    CHECK(SYS(lseek, tty, 0, 0) == -ESPIPE);
}

static void test_size(void)
{
    struct winsize old, winsize = {.ws_row = 10, .ws_col = 20}, now;

    CHECK(SYS(ioctl, tty, TIOCGWINSZ, &old) == 0);
    CHECK(SYS(ioctl, tty, TIOCSWINSZ, &winsize) == 0);
    CHECK(SYS(ioctl, tty, TIOCGWINSZ, &now) == 0 && now.ws_row == 10 && now.ws_col == 20);
    CHECK(SYS(ioctl, tty, TIOCGWINSZ, NOWHERE) == -EFAULT);
    CHECK(SYS(ioctl, tty, TIOCSWINSZ, NOWHERE) == -EFAULT);
    CHECK(SYS(ioctl, tty, TIOCSWINSZ, &old) == 0);
}

static void test_flow(void)
{
    int count = -1;

    CHECK(SYS(ioctl, tty, FIONREAD, &count) == 0 && count == 0);
    CHECK(SYS(ioctl, tty, FIONREAD, NOWHERE) == -EFAULT);
    CHECK(SYS(ioctl, tty, TIOCOUTQ, &count) == 0 && count == 0);
    CHECK(SYS(ioctl, tty, TCFLSH, TCIOFLUSH) == 0 && SYS(ioctl, tty, TCFLSH, 3) == -EINVAL);
    CHECK(SYS(ioctl, tty, TCSBRK, 1) == 0);
    CHECK(SYS(fcntl64, tty, F_SETFL, O_RDWR | O_NONBLOCK) == 0);
    CHECK(SYS(ioctl, tty, TCXONC, 4) == -EINVAL);
    CHECK(SYS(ioctl, tty, TCXONC, TCOOFF) == 0);
    CHECK(sys_write(tty, "\n", 1) == -EAGAIN);
    CHECK(SYS(ioctl, tty, TCXONC, TCOON) == 0);
    CHECK(sys_write(tty, "", 0) == 0 && sys_write(tty, "\r", 1) == 1);
    CHECK(SYS(write, tty, NOWHERE, 1) == -EFAULT);
    CHECK(SYS(fcntl64, tty, F_SETFL, O_RDWR) == 0);
}

/* ---- reading without input ---- */

static uint64_t milliseconds(void)
{
    struct __kernel_timespec now;

    CHECK(SYS(clock_gettime64, 1, &now) == 0);
    return (uint32_t)now.tv_sec * 1000ull + (uint32_t)now.tv_nsec / 1000000;
}

static long raw_read(int vmin, int vtime, unsigned count)
{
    struct termios old = settings(), raw = old;
    char text[4];
    long result;

    raw.c_lflag &= ~(ICANON | ECHO);
    raw.c_cc[VMIN] = vmin;
    raw.c_cc[VTIME] = vtime;
    CHECK(set(&raw) == 0);
    result = SYS(read, tty, text, count);
    CHECK(set(&old) == 0);
    return result;
}

static void test_reading(void)
{
    struct pollfd pollfd = {.fd = tty, .events = POLLIN | POLLOUT};
    uint64_t start = milliseconds();
    char byte;

    CHECK(SYS(poll, &pollfd, 1, 0) == 1 && pollfd.revents == POLLOUT);
    CHECK(raw_read(0, 0, 4) == 0);
    CHECK(milliseconds() - start < 90);
    CHECK(raw_read(0, 2, 4) == 0);
    CHECK(milliseconds() - start >= 180);
    CHECK(raw_read(1, 1, 0) == 0);
    CHECK(SYS(fcntl64, tty, F_SETFL, O_RDWR | O_NONBLOCK) == 0);
    CHECK(raw_read(1, 0, 4) == -EAGAIN && raw_read(2, 1, 4) == -EAGAIN);
    CHECK(SYS(read, tty, &byte, 1) == -EAGAIN);
    CHECK(SYS(fcntl64, tty, F_SETFL, O_RDWR) == 0);
}

static void on_alarm(int signal, siginfo_t *info, void *context)
{
    (void)signal, (void)info, (void)context;
}

/* A signal ends a read that waits, with and without a time. */
static void test_interrupted(void)
{
    struct {
        struct __kernel_old_timeval interval, value;
    } timer = {.value = {.tv_usec = 50000}};
    char byte;

    set_handler(SIGALRM, on_alarm, 0);
    CHECK(SYS(setitimer, 0, &timer, NULL) == 0);
    CHECK(SYS(read, tty, &byte, 1) == -EINTR);
    CHECK(SYS(setitimer, 0, &timer, NULL) == 0);
    CHECK(raw_read(0, 50, 1) == -EINTR);
}

/* ---- its session ---- */

static int pgrp_of_tty(void)
{
    int pgrp;

    CHECK(SYS(ioctl, tty, TIOCGPGRP, &pgrp) == 0);
    return pgrp;
}

static void test_without(void)
{
    int id = sys_getpid();

    CHECK(SYS(open, "/dev/tty", O_RDWR) == -ENXIO);
    CHECK(SYS(ioctl, tty, TIOCGPGRP, &id) == -ENOTTY);
    CHECK(SYS(ioctl, tty, TIOCSPGRP, &id) == -ENOTTY);
    CHECK(SYS(ioctl, tty, TIOCGSID, &id) == -ENOTTY);
    CHECK(SYS(ioctl, tty, TIOCNOTTY, 0) == -ENOTTY);
    EXPECT_EXIT(0, CHECK(SYS(ioctl, tty, TIOCSCTTY, 0) == -EPERM); sys_exit(0)); /* no leader */
}

static void test_controlling(void)
{
    int id, nobody = 0x7ffffff0, nonsense = -1, parent = SYS(getppid),
            others = SYS(getpgid, parent);
    int named;

    CHECK(SYS(ioctl, tty, TIOCSCTTY, 1) == 0 && SYS(ioctl, tty, TIOCSCTTY, 0) == 0);
    CHECK(pgrp_of_tty() == sys_getpid());
    CHECK(SYS(ioctl, tty, TIOCGSID, &id) == 0 && id == sys_getpid());
    named = SYS(open, "/dev/tty", O_RDWR);
    CHECK(named >= 0 && SYS(ioctl, named, TIOCGPGRP, &id) == 0 && id == sys_getpid());
    CHECK(SYS(close, named) == 0);
    CHECK(SYS(ioctl, tty, TIOCGPGRP, NOWHERE) == -EFAULT);
    CHECK(SYS(ioctl, tty, TIOCSPGRP, NOWHERE) == -EFAULT);
    CHECK(SYS(ioctl, tty, TIOCSPGRP, &nonsense) == -EINVAL);
    CHECK(SYS(ioctl, tty, TIOCSPGRP, &nobody) == -ESRCH);
    CHECK(SYS(ioctl, tty, TIOCSPGRP, &others) == -EPERM);
    CHECK(pgrp_of_tty() == sys_getpid());
    EXPECT_EXIT(0, CHECK(SYS(ioctl, tty, TIOCSCTTY, 0) == -EPERM); sys_exit(0));
}

/* ---- the background ---- */

static void set_plain(int signal, __sighandler_t what)
{
    struct action action = {.handler = (handler_t)(uintptr_t)what};

    CHECK(SYS(rt_sigaction, signal, &action, NULL, 8) == 0);
}

static void ignore(int signal)
{
    set_plain(signal, SIG_IGN);
}

/*
 * A child in its own group that does this, and is stopped for it; then it continues in the
 * foreground.
 */
#define STOPPED_IN_BACKGROUND(signal, ...)                                                         \
    do {                                                                                           \
        int leader_ = sys_getpid(), status;                                                        \
        child_pid = fork_process();                                                                \
        if (child_pid == 0) {                                                                      \
            CHECK(SYS(setpgid, 0, 0) == 0);                                                        \
            __VA_ARGS__;                                                                           \
            sys_exit(0);                                                                           \
        }                                                                                          \
        SYS(setpgid, child_pid, child_pid);                                                        \
        CHECK(SYS(wait4, child_pid, &status, WUNTRACED, NULL) == child_pid);                       \
        CHECK((status & 0xff) == 0x7f && status >> 8 == (signal));                                 \
        CHECK(SYS(ioctl, tty, TIOCSPGRP, &child_pid) == 0);                                        \
        CHECK(SYS(kill, -child_pid, SIGCONT) == 0);                                                \
        CHECK(wait_status(child_pid) == 0);                                                        \
        CHECK(SYS(ioctl, tty, TIOCSPGRP, &leader_) == 0);                                          \
    } while (0)

#define IN_BACKGROUND(...) EXPECT_EXIT(0, CHECK(SYS(setpgid, 0, 0) == 0); __VA_ARGS__; sys_exit(0))

static void test_background(void)
{
    struct termios old = settings(), raw = old, tostop = old;
    int self = sys_getpid();
    char byte;

    ignore(SIGTTOU); /* so that this process can take the terminal back from behind */
    raw.c_lflag &= ~ICANON;
    raw.c_cc[VMIN] = 0;
    tostop.c_lflag |= TOSTOP;
    CHECK(set(&raw) == 0);
    STOPPED_IN_BACKGROUND(SIGTTIN, CHECK(SYS(read, tty, &byte, 1) == 0));
    IN_BACKGROUND(ignore(SIGTTIN); CHECK(SYS(read, tty, &byte, 1) == -EIO));
    CHECK(set(&tostop) == 0);
    STOPPED_IN_BACKGROUND(SIGTTOU, set_plain(SIGTTOU, SIG_DFL);
                          CHECK(sys_write(tty, "\r", 1) == 1));
    IN_BACKGROUND(CHECK(sys_write(tty, "\r", 1) == 1)); /* SIGTTOU is ignored */
    CHECK(set(&old) == 0);
    IN_BACKGROUND(set_plain(SIGTTOU, SIG_DFL); CHECK(sys_write(tty, "\r", 1) == 1));
    STOPPED_IN_BACKGROUND(SIGTTOU, set_plain(SIGTTOU, SIG_DFL); CHECK(set(&old) == 0));
    IN_BACKGROUND(CHECK(set(&old) == 0));
    IN_BACKGROUND(CHECK(SYS(ioctl, tty, TIOCSPGRP, &self) == 0));
    CHECK(pgrp_of_tty() == self);

    /* A pipeline's first process may have ended before the shell gives its group the terminal. */
    child_pid = fork_process();
    if (child_pid == 0)
        sys_exit(0);
    CHECK(SYS(setpgid, child_pid, child_pid) == 0);
    CHECK(SYS(waitid, P_PID, child_pid, NULL, WEXITED | WNOWAIT, NULL) == 0);
    CHECK(SYS(ioctl, tty, TIOCSPGRP, &child_pid) == 0 && pgrp_of_tty() == child_pid);
    CHECK(wait_status(child_pid) == 0);
    CHECK(SYS(ioctl, tty, TIOCSPGRP, &self) == 0);
}

/*
 * A group whose only process has lost its parent: nothing would continue it, so its call fails and
 * it is not stopped.
 */
static void test_orphan(void)
{
    int result[2];
    char byte = 0;

    CHECK(SYS(pipe, result) == 0);
    EXPECT_EXIT(0, {
        long middle = sys_getpid();

        if (fork_process() == 0) {
            CHECK(SYS(setpgid, 0, 0) == 0);
            while (SYS(getppid) == middle)
                sys_sched_yield();
            byte = SYS(read, tty, &byte, 1) == -EIO ? 'y' : 'n';
            sys_write(result[1], &byte, 1);
        }
        sys_exit(0);
    });
    CHECK(SYS(read, result[0], &byte, 1) == 1 && byte == 'y');
}

static void test_giving_up(void)
{
    int id;

    ignore(SIGHUP);
    EXPECT_DEATH(SIGHUP, set_plain(SIGHUP, SIG_DFL); SYS(kill, sys_getpid(), SIGHUP));
    CHECK(SYS(ioctl, tty, TIOCNOTTY, 0) == 0);
    CHECK(SYS(ioctl, tty, TIOCGPGRP, &id) == -ENOTTY);
    CHECK(SYS(open, "/dev/tty", O_RDWR) == -ENXIO);
}

int main(void)
{
    open_terminal();
    EXPECT_EXIT(0, {
        CHECK(SYS(setsid) == sys_getpid());
        test_without();
        test_controlling();
        test_settings();
        test_size();
        test_flow();
        test_reading();
        test_interrupted();
        test_background();
        test_orphan();
        test_giving_up();
        sys_exit(0);
    });
    return 0;
}
