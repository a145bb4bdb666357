/*
 * The terminal: the line discipline (n_tty.c) on the console, its device files, and who may use it.
 *
 * Typed bytes stay in the queue of the drivers until a task reads. Only then, in the reader, they
 * become a line and are echoed; poll() and FIONREAD do the same. So input typed ahead goes to the
 * next reader, with that reader's settings: input that a program has not read is the monitor's next
 * command, and is echoed there. (Linux echoes immediately, and a shell then echoes it a second
 * time.) When the queue is full, the drivers stop receiving: nothing is lost.
 *
 * Some bytes cannot wait: those for signals and Ctrl-S, Ctrl-Q. The interrupt handler searches new
 * input for them, acts, and removes them, with all input before them unless NOFLSH. It also echoes
 * them ("^C"); the console's output is in pieces that it cannot interrupt. Fields that it changes
 * are accessed with interrupts off, and only tasks move input into the line discipline, so a flush
 * by the handler never interrupts such a move.
 *
 * A file operation does not wait (fs/fs.h), with one exception: read() with VTIME, because only
 * this function knows how long to wait.
 *
 * Limits: one terminal, one foreground group. A byte for a signal behind 1024 unread ones has its
 * effect only when those are read. Lines of several processes are not mixed if they have up to 256
 * bytes. A process that is not the session leader cannot give up its terminal (TIOCNOTTY) for
 * itself.
 *
 * Neighbours: drivers/input.c, console.c, tty_ioctl.c; kernel/syscall/sys_read_write.c waits;
 * kernel/process/signal.c sends.
 */
#include <arch/x86/irqflags.h>
#include <arch/x86/timer.h>
#include <arch/x86/uaccess.h>
#include <asm/errno.h>
#include <asm/signal.h>
#include <drivers/input.h>
#include <drivers/serial.h>
#include <fs/fs.h>
#include <kernel/process/process.h>
#include <kernel/process/signal.h>
#include <kernel/tty/console.h>
#include <kernel/tty/tty.h>
#include <kernel/tty/tty_internal.h>
#include <lib/resched.h>
#include <linux/fcntl.h>
#include <linux/poll.h>
#include <linux/stat.h>
#include <linux/termios.h>

#define TTY_DEVICE     MKDEV(5, 0) /* man 4 tty; Linux's numbers (admin-guide/devices.txt) */
#define CONSOLE_DEVICE MKDEV(5, 1)
#define SCREEN_DEVICE  MKDEV(4, 1)
#define SERIAL_DEVICE  MKDEV(4, 64)

#define WRITE_MAX      256u      /* bytes of a write() between two yields */
#define TICKS_OF_VTIME (HZ / 10) /* it counts tenths of a second */

struct tty tty;

/* ---- bytes that cannot wait ---- */

static bool is_key(u8 byte, u32 which)
{
    return byte && byte == tty.ldisc.termios.c_cc[which];
}

static u32 signal_of(u8 byte)
{
    if (!(tty.ldisc.termios.c_lflag & ISIG))
        return 0;
    if (is_key(byte, VINTR))
        return SIGINT;
    if (is_key(byte, VQUIT))
        return SIGQUIT;
    return is_key(byte, VSUSP) ? SIGTSTP : 0;
}

void tty_flush_input(void)
{
    u32 flags = local_irq_save();

    input_discard(input_waiting());
    tty.examined = 0;
    tty.literal = false;
    n_tty_flush(&tty.ldisc);
    local_irq_restore(flags);
}

void tty_start_output(void)
{
    if (tty.stopped) {
        tty.stopped = false;
        wake_up(&tty.waiters);
    }
}

/* Handle the byte behind the examined ones, which is for a signal. */
static void send_typed_signal(u8 byte, u32 signal)
{
    if (tty.ldisc.termios.c_lflag & NOFLSH) {
        input_remove(tty.examined);
    } else {
        input_discard(tty.examined + 1);
        tty.examined = 0;
        n_tty_flush(&tty.ldisc);
    }
    tty_start_output();
    send_signal_group(tty.pgrp, signal, NULL);
    n_tty_echo(&tty.ldisc, byte);
}

/* Handle and remove a byte for the terminal itself; false for other bytes. */
static bool obey(u8 byte)
{
    u32 iflag = tty.ldisc.termios.c_iflag, signal = signal_of(byte);

    if (signal) {
        send_typed_signal(byte, signal);
        return true;
    }
    if (!(iflag & IXON))
        return false;
    if (is_key(byte, VSTART) || is_key(byte, VSTOP)) {
        input_remove(tty.examined);
        if (is_key(byte, VSTART))
            tty_start_output();
        else
            tty.stopped = true;
        return true;
    }
    if (iflag & IXANY)
        tty_start_output();
    return false;
}

/* Interrupts off. */
static void examine_input(void)
{
    u32 lflag = tty.ldisc.termios.c_lflag;
    int byte;

    while ((byte = input_peek(tty.examined)) >= 0) {
        if (!tty.literal && obey(byte))
            continue;
        tty.literal = !tty.literal && lflag & ICANON && lflag & IEXTEN && is_key(byte, VLNEXT);
        tty.examined++;
    }
}

static void input_came(void)
{
    if (tty.pgrp)
        examine_input();
    wake_up(&tty.waiters);
}

/* ---- owner of the terminal ---- */

u32 tty_foreground(void)
{
    return tty.pgrp;
}

u32 tty_session(void)
{
    return tty.session;
}

/* Interrupts off. */
static void take_back(void)
{
    n_tty_default_termios(&tty.ldisc.termios);
    tty.ldisc.ended = tty.ldisc.was_raw = tty.ldisc.next_literal = false;
    tty.session = tty.pgrp = 0;
    tty.examined = 0;
    tty.stopped = tty.literal = false;
}

/* Interrupts off. */
static void hand_out(u32 pgrp)
{
    struct task *leader = task_find(pgrp);

    tty.session = leader ? leader->session : 0;
    tty.pgrp = pgrp;
    /* The part of a line that the monitor has left can be read unchanged. */
    tty.ldisc.ended = tty.ldisc.was_raw = tty.ldisc.head < tty.ldisc.len;
    examine_input();
}

void tty_set_foreground(u32 pgrp)
{
    u32 flags = local_irq_save();

    if (pgrp)
        hand_out(pgrp);
    else
        take_back();
    wake_up(&tty.waiters);
    local_irq_restore(flags);
}

/*
 * For a session leader that ends: if the terminal belongs to its session, it has no session any
 * more (man 3 termios). The foreground group gets SIGHUP and SIGCONT.
 */
void tty_session_ended(u32 session)
{
    u32 pgrp = tty.pgrp;

    if (!session || session != tty.session)
        return;
    tty_set_foreground(0);
    send_signal_group(pgrp, SIGHUP, NULL);
    send_signal_group(pgrp, SIGCONT, NULL);
}

bool tty_is_controlling(void)
{
    return current->session == tty.session;
}

long tty_check_background(u32 signal)
{
    u64 sets[4];

    if (!tty_is_controlling() || current->pgrp == tty.pgrp)
        return 0;
    signal_sets(current, sets);
    if ((sets[1] | sets[2]) & 1ull << (signal - 1)) /* blocked or ignored */
        return signal == SIGTTIN ? -EIO : 0;
    if (pgrp_is_orphaned(current->pgrp))
        return -EIO;
    send_signal_group(current->pgrp, signal, NULL);
    return -ERESTARTSYS;
}

/* ---- input ---- */

/* The next typed byte, or -1. Interrupts off. */
static int take_byte(void)
{
    int byte = input_read();

    if (byte >= 0 && tty.examined > 0)
        tty.examined--;
    return byte;
}

/* False when there is nothing to do. Interrupts off. */
static bool pull_byte(u32 want)
{
    struct n_tty *ldisc = &tty.ldisc;
    int byte;

    if (!n_tty_wants_input(ldisc))
        return false;
    if (!n_tty_is_canonical(ldisc) && n_tty_available(ldisc) >= want)
        return false;
    byte = take_byte();
    if (byte >= 0)
        n_tty_feed(ldisc, byte);
    return byte >= 0;
}

void tty_pull(u32 want)
{
    bool more = true;

    while (more) {
        u32 flags = local_irq_save();

        more = pull_byte(want);
        local_irq_restore(flags);
    }
}

/* Copy the readable bytes to the reader: their number, 0 at the end of the file, or -EFAULT. */
static long read_ready(char *user_buf, u32 count)
{
    const u8 *text;
    u32 ready = n_tty_peek(&tty.ldisc, count, &text), copied, flags;

    copied = ready - copy_to_user(user_buf, text, ready);
    if (ready && !copied)
        return -EFAULT;
    flags = local_irq_save(); /* Ctrl-C may have flushed it meanwhile */
    n_tty_consume(&tty.ldisc, copied);
    local_irq_restore(flags);
    return copied;
}

/* Wait for more than `had` bytes, for VTIME. False on time-out or a signal. */
static bool wait_vtime(u32 had)
{
    u64 deadline = jiffies_64() + tty.ldisc.termios.c_cc[VTIME] * TICKS_OF_VTIME + 1;
    u32 flags;

    for (;;) {
        tty_pull(had + 1);
        if (n_tty_available(&tty.ldisc) > had)
            return true;
        if (signal_pending() || jiffies_64() >= deadline)
            return false;
        flags = local_irq_save();
        if (!input_waiting())
            wait_queue_sleep_until(&tty.waiters, deadline);
        local_irq_restore(flags);
    }
}

/*
 * The four cases of raw mode (man 3 termios). VMIN 0: the present bytes, or wait VTIME for some.
 * Otherwise VMIN bytes; with VTIME the wait for the first byte is unlimited, and the wait for each
 * other byte is VTIME.
 */
static long read_raw(struct file *file, char *user_buf, u32 count)
{
    u32 vmin = tty.ldisc.termios.c_cc[VMIN], ready;
    bool timed = tty.ldisc.termios.c_cc[VTIME], nonblock = file->flags & O_NONBLOCK;
    u32 enough = min(vmin, count);

    tty_pull(count);
    ready = n_tty_available(&tty.ldisc);
    if (timed && !nonblock && (vmin == 0 || ready > 0)) {
        while (ready < max(enough, 1u) && wait_vtime(ready))
            ready = n_tty_available(&tty.ldisc);
        if (ready == 0 && signal_pending())
            return -ERESTARTSYS;
    } else if (ready < enough && !(nonblock && ready > 0)) {
        return -EAGAIN;
    }
    tty_pull(count);
    return read_ready(user_buf, count);
}

static long tty_read(struct file *file, char *user_buf, u32 count, u64 *pos)
{
    long err = tty_check_background(SIGTTIN);

    (void)pos;
    if (!err && !tty.pgrp)
        err = -EIO; /* the monitor is reading */
    if (err || count == 0)
        return err;
    if (!n_tty_is_canonical(&tty.ldisc))
        return read_raw(file, user_buf, count);
    tty_pull(1);
    return tty.ldisc.ended ? read_ready(user_buf, count) : -EAGAIN;
}

/* ---- output ---- */

/* The length up to the last newline, if there is one. */
static u32 whole_lines(const char *text, u32 len)
{
    for (u32 i = len; i > 0; i--) {
        if (text[i - 1] == '\n')
            return i;
    }
    return len;
}

static long tty_write(struct file *file, const char *user_buf, u32 count, u64 *pos)
{
    char text[WRITE_MAX];
    u32 len = min(count, WRITE_MAX), done = 0;
    long err = tty.ldisc.termios.c_lflag & TOSTOP ? tty_check_background(SIGTTOU) : 0;

    (void)file, (void)pos;
    if (err)
        return err;
    if (tty.stopped)
        return -EAGAIN;
    if (copy_from_user(text, user_buf, len))
        return -EFAULT;
    if (len < count)
        len = whole_lines(text, len);
    while (done < len)
        done += n_tty_write(&tty.ldisc, text + done, len - done);
    cond_resched();
    return len;
}

/* ---- the device ---- */

static u32 tty_poll(struct file *file)
{
    const u8 *cc = tty.ldisc.termios.c_cc;
    u32 events = tty.stopped ? 0 : POLLOUT | POLLWRNORM;
    u32 enough = n_tty_is_canonical(&tty.ldisc) || cc[VTIME] ? 1 : max((u32)cc[VMIN], 1u);

    (void)file;
    if (tty.pgrp && (!tty_is_controlling() || current->pgrp == tty.pgrp))
        tty_pull(enough);
    if (tty.ldisc.ended || n_tty_available(&tty.ldisc) >= enough)
        events |= POLLIN | POLLRDNORM;
    return events;
}

static int tty_open(struct file *file)
{
    return file->inode->rdev == TTY_DEVICE && !tty_is_controlling() ? -ENXIO : 0;
}

static struct wait_queue *tty_wait_queue(struct file *file)
{
    (void)file;
    return &tty.waiters;
}

static const struct file_operations tty_fops = {
    .read = tty_read,
    .write = tty_write,
    .poll = tty_poll,
    .ioctl = tty_ioctl,
    .open = tty_open,
    .wait_queue = tty_wait_queue,
};

static void register_line(int serial)
{
    if (serial < 0)
        char_dev_register("tty1", SCREEN_DEVICE, 0600, &tty_fops);
    else
        char_dev_register(serial ? "ttyS1" : "ttyS0", SERIAL_DEVICE + serial, 0600, &tty_fops);
}

void tty_init(void)
{
    wait_queue_init(&tty.waiters);
    process_session_ended = tty_session_ended;
    n_tty_init(&tty.ldisc, console_write_raw);
    tty.winsize = (struct winsize){.ws_row = 25, .ws_col = 80}; /* that of the screen */
    char_dev_register("tty", TTY_DEVICE, 0666, &tty_fops);
    char_dev_register("console", CONSOLE_DEVICE, 0600, &tty_fops);
    register_line(serial_console());
    console_enable_input(input_came);
}
