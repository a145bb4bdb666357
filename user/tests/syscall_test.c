/*
 * Makes every system call with right and wrong arguments; prints nothing unless a check fails. Also
 * passes on Linux.
 */
#include "lib/check.h"

#define PAGE        4096u
#define KERNEL_HALF 0xc0000000u
#define NSEC_MAX    999999999

static uint8_t *const bad_buffers[] = {
    NULL,
    (uint8_t *)1,
    (uint8_t *)(KERNEL_HALF - 1),
    (uint8_t *)KERNEL_HALF,
    (uint8_t *)0xc0100000,
    (uint8_t *)0xfffff000,
    (uint8_t *)0xfffffff8, /* 16 bytes from here wrap around */
};
#define BAD_BUFFERS (sizeof(bad_buffers) / sizeof(bad_buffers[0]))

static void check_numbers(void)
{
    static const uint32_t unknown[] = {0xffffffff, 0x80000000, 0x7fffffff,
                                       0x40000000, 100000,     1023};

    for (unsigned i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++)
        CHECK(syscall3(unknown[i], 1, (long)"", 0) == -ENOSYS);
}

static void check_ids(void)
{
    long pid = sys_getpid();

    CHECK(pid > 0);
    CHECK(syscall3(__NR_gettid, 0, 0, 0) == pid);
    CHECK(syscall3(__NR_getppid, 0, 0, 0) >= 0);
    CHECK(syscall3(__NR_getppid, 0, 0, 0) != pid);
    CHECK(syscall3(__NR_sched_yield, 0, 0, 0) == 0);
    CHECK(sys_getpid() == pid);
}

static void check_write(void)
{
    CHECK(sys_write(77, "", 0) == -EBADF);
    CHECK(sys_write(-1, "x", 1) == -EBADF);
    CHECK(sys_write(77, NULL, 1) == -EBADF); /* the descriptor is checked first */
    CHECK(sys_write(1, "", 0) == 0);
    CHECK(sys_write(2, "", 0) == 0);
    for (unsigned i = 0; i < BAD_BUFFERS; i++)
        CHECK(sys_write(1, bad_buffers[i], 16) == -EFAULT);
}

static void check_writev(void)
{
    struct iovec iov[2] = {{.iov_base = "", .iov_len = 0}, {.iov_base = NULL, .iov_len = 0}};

    CHECK(sys_writev(77, iov, 1) == -EBADF);
    CHECK(sys_writev(1, iov, 0) == 0);
    CHECK(sys_writev(1, iov, 2) == 0);
    CHECK(sys_writev(1, iov, UIO_MAXIOV + 1) == -EINVAL);
    for (unsigned i = 0; i < BAD_BUFFERS; i++)
        CHECK(sys_writev(1, (const struct iovec *)bad_buffers[i], 1) == -EFAULT);
    iov[1] = (struct iovec){.iov_base = (void *)KERNEL_HALF, .iov_len = 16};
    CHECK(sys_writev(1, iov, 2) == -EFAULT);
    iov[1].iov_len = -1;
    CHECK(sys_writev(1, iov, 2) == -EINVAL);
}

static void check_nanosleep(void)
{
    struct __kernel_old_timespec time = {0, 0};

    CHECK(sys_nanosleep(&time) == 0);
    time.tv_nsec = 20000000;
    CHECK(sys_nanosleep(&time) == 0);
    time.tv_nsec = NSEC_MAX + 1;
    CHECK(sys_nanosleep(&time) == -EINVAL);
    time.tv_nsec = -1;
    CHECK(sys_nanosleep(&time) == -EINVAL);
    time = (struct __kernel_old_timespec){.tv_sec = -1, .tv_nsec = 0};
    CHECK(sys_nanosleep(&time) == -EINVAL);
    for (unsigned i = 0; i < BAD_BUFFERS; i++)
        CHECK(sys_nanosleep((const void *)bad_buffers[i]) == -EFAULT);
}

/* The kernel touches a page that the program has not touched yet. */
static void check_untouched_page(void)
{
    uintptr_t heap = sys_brk(0);
    const struct __kernel_old_timespec *time = (const void *)(heap + PAGE - 4);

    CHECK(sys_brk(heap + 2 * PAGE) == heap + 2 * PAGE);
    CHECK(sys_nanosleep(time) == 0); /* crosses from one untouched page to the next */
    CHECK(sys_brk(heap + PAGE) == heap + PAGE);
    CHECK(sys_nanosleep(time) == -EFAULT);
    CHECK(sys_brk(heap) == heap);
}

int main(int argc, char *argv[])
{
    (void)argc;
    (void)argv;
    check_numbers();
    check_ids();
    check_write();
    check_writev();
    check_nanosleep();
    check_untouched_page();
    return 0;
}
