/*
 * System calls: `int 0x80` with Linux's i386 numbers, arguments, structures and error codes (man 2
 * syscalls), so that the same static binary runs on both. The number comes in EAX, arguments in
 * EBX, ECX, EDX, ESI, EDI, EBP; the result goes back in EAX, an error as its negative number. All
 * other registers come back as they were.
 *
 * A call is a function of the saved registers, found in a table by its number. It runs with
 * interrupts on, on the task's own kernel stack, and is not preempted. What it needs from user
 * memory it copies first (arch/x86/uaccess.h) and then works on the copy; a bad pointer is -EFAULT
 * and nothing worse.
 *
 * Limits: file descriptors 1 and 2 are the console and there are no others. A signal always ends
 * the process: it cuts short what takes long here, but the program never sees the result, and
 * nanosleep() never writes the time that is left.
 *
 * Neighbours: kernel/task.c and sched.c do what the process calls ask for, mm/ does brk().
 */
#include <arch/x86/irqflags.h>
#include <arch/x86/timer.h>
#include <arch/x86/trap.h>
#include <arch/x86/uaccess.h>
#include <asm/errno.h>
#include <asm/unistd.h>
#include <kernel/console.h>
#include <kernel/process.h>
#include <linux/time_types.h>
#include <linux/uio.h>
#include <mm/mm.h>

#define NSEC_PER_SEC  1000000000
#define NSEC_PER_TICK (NSEC_PER_SEC / HZ)

typedef long (*syscall_t)(const struct pt_regs *regs);

/* ---- output ---- */

#define WRITE_CHUNK 256 /* lies on the kernel stack; a shorter write comes out in one piece */

static bool is_console(u32 fd)
{
    return fd == 1 || fd == 2;
}

/* 0, or why a buffer cannot be right whatever is mapped there; Linux checks in this order. */
static long check_buffer(const void *buf, u32 count)
{
    if (!access_ok(buf, count))
        return -EFAULT;
    return (s32)count < 0 ? -EINVAL : 0;
}

static long console_write_user(const char *buf, u32 count)
{
    char chunk[WRITE_CHUNK];
    u32 done = 0;

    while (done < count) {
        u32 size = min(count - done, (u32)WRITE_CHUNK);
        u32 copied = size - copy_from_user(chunk, buf + done, size);

        console_write(chunk, copied);
        done += copied;
        if (copied < size)
            return done ? (long)done : -EFAULT;
        if (this_cpu()->need_resched && done < count) {
            if (signal_pending())
                return done;
            schedule();
        }
    }
    return done;
}

static long sys_write(const struct pt_regs *regs)
{
    const char *buf = (const char *)regs->ecx;
    u32 count = regs->edx;
    long err;

    if (!is_console(regs->ebx))
        return -EBADF;
    err = check_buffer(buf, count);
    return err ? err : console_write_user(buf, count);
}

/*
 * Check all buffers before the first byte goes out, as Linux does. A sum that the result could not
 * tell is refused, as writev(2) says.
 */
static long check_iovec(const struct iovec *user_iov, u32 count)
{
    u32 total = 0;

    for (u32 i = 0; i < count; i++) {
        struct iovec iov;
        long err;

        if (copy_from_user(&iov, &user_iov[i], sizeof(iov)))
            return -EFAULT;
        if ((s32)iov.iov_len < 0)
            return -EINVAL;
        err = check_buffer(iov.iov_base, iov.iov_len);
        if (err)
            return err;
        total += iov.iov_len;
        if ((s32)total < 0)
            return -EINVAL;
    }
    return 0;
}

static long sys_writev(const struct pt_regs *regs)
{
    const struct iovec *user_iov = (const struct iovec *)regs->ecx;
    u32 count = regs->edx, total = 0;
    long result;

    if (!is_console(regs->ebx))
        return -EBADF;
    if (count > UIO_MAXIOV)
        return -EINVAL;
    result = check_iovec(user_iov, count);
    for (u32 i = 0; result >= 0 && i < count; i++) {
        struct iovec iov;

        /*
         * The program has no second thread that could change the vector meanwhile, but a fault
         * costs nothing to check.
         */
        if (copy_from_user(&iov, &user_iov[i], sizeof(iov)))
            return -EFAULT;
        result = console_write_user(iov.iov_base, iov.iov_len);
        if (result > 0)
            total += result;
        if (result < (long)iov.iov_len)
            break;
    }
    return total ? (long)total : result;
}

/* ---- processes ---- */

static long sys_getpid(const struct pt_regs *regs)
{
    (void)regs;
    return current->pid;
}

static long sys_getppid(const struct pt_regs *regs)
{
    (void)regs;
    return current->parent ? current->parent->pid : 0;
}

static long sys_sched_yield(const struct pt_regs *regs)
{
    (void)regs;
    sched_yield();
    return 0;
}

static long __noreturn sys_exit(const struct pt_regs *regs)
{
    task_exit((regs->ebx & 0xff) << 8);
}

static long sys_brk(const struct pt_regs *regs)
{
    return mm_brk(current->mm, regs->ebx);
}

static long sys_nanosleep(const struct pt_regs *regs)
{
    struct __kernel_old_timespec time;
    u64 ticks;

    if (copy_from_user(&time, (const void *)regs->ebx, sizeof(time)))
        return -EFAULT;
    if (time.tv_sec < 0 || (u32)time.tv_nsec >= NSEC_PER_SEC)
        return -EINVAL;
    ticks = (u64)time.tv_sec * HZ + ((u32)time.tv_nsec + NSEC_PER_TICK - 1) / NSEC_PER_TICK;
    if (ticks)
        sched_sleep_until(jiffies_64() + ticks + 1);
    return signal_pending() ? -EINTR : 0;
}

/* ---- dispatch ---- */

static const syscall_t syscalls[] = {
    [__NR_exit] = sys_exit,
    [__NR_write] = sys_write,
    [__NR_getpid] = sys_getpid,
    [__NR_brk] = sys_brk,
    [__NR_getppid] = sys_getppid,
    [__NR_writev] = sys_writev,
    [__NR_sched_yield] = sys_sched_yield,
    [__NR_nanosleep] = sys_nanosleep,
    [__NR_gettid] = sys_getpid, /* one thread a process */
    [__NR_exit_group] = sys_exit,
};

static void syscall_entry(struct pt_regs *regs)
{
    u32 nr = regs->eax;

    local_irq_enable();
    if (likely(nr < ARRAY_SIZE(syscalls) && syscalls[nr]))
        regs->eax = syscalls[nr](regs);
    else
        regs->eax = -ENOSYS;
}

void syscall_init(void)
{
    trap_set_handler(SYSCALL_VECTOR, syscall_entry);
}
