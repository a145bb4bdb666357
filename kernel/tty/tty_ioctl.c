/*
 * The ioctl() commands of the terminal (man 2 ioctl_tty, man 3 tcsetattr, tcsetpgrp): settings,
 * size, foreground group, session, flushing. Numbers and structures are Linux's.
 *
 * A process that changes the terminal must be in the foreground of its session, or block or ignore
 * SIGTTOU; a process with another controlling terminal, or none, may always do it.
 *
 * Output is sent immediately, so waiting for it (TCSETSW, tcdrain) does nothing.
 *
 * Limits: the line has no settings: a speed is only stored and returned; a break is not sent.
 *
 * Neighbours: kernel/tty/tty.c; kernel/process/job.c has groups and sessions.
 */
#include <arch/x86/irqflags.h>
#include <arch/x86/uaccess.h>
#include <asm/errno.h>
#include <asm/ioctls.h>
#include <asm/signal.h>
#include <kernel/process/signal.h>
#include <kernel/tty/tty.h>
#include <kernel/tty/tty_internal.h>
#include <lib/string.h>
#include <linux/termios.h>

static long to_user(u32 user, const void *from, u32 size)
{
    return copy_to_user((void *)user, from, size) ? -EFAULT : 0;
}

/* ---- settings ---- */

/* struct termios is the first part of struct termios2. */
_Static_assert(offsetof(struct termios, c_cc) == offsetof(struct termios2, c_cc), "same fields");

/* `size`: the size of the program's structure. */
static long set_termios(u32 user, u32 size, bool flush)
{
    struct termios2 termios = tty.ldisc.termios;
    long err = tty_check_background(SIGTTOU);
    u32 flags;

    if (err)
        return err;
    if (copy_from_user(&termios, (const void *)user, size))
        return -EFAULT;
    if (flush)
        tty_flush_input();
    flags = local_irq_save();
    n_tty_set_termios(&tty.ldisc, &termios);
    if (!(termios.c_iflag & IXON))
        tty_start_output();
    wake_up(&tty.waiters); /* bytes for a reader may be available now */
    local_irq_restore(flags);
    return 0;
}

static long set_winsize(u32 user)
{
    struct winsize winsize;

    if (copy_from_user(&winsize, (const void *)user, sizeof(winsize)))
        return -EFAULT;
    tty.winsize_set = true;
    if (memcmp(&winsize, &tty.winsize, sizeof(winsize)) == 0)
        return 0;
    tty.winsize = winsize;
    if (tty.pgrp)
        send_signal_group(tty.pgrp, SIGWINCH, NULL);
    return 0;
}

/* ---- flow ---- */

static long flush(u32 queue)
{
    long err = tty_check_background(SIGTTOU);

    if (err)
        return err;
    if (queue != TCIFLUSH && queue != TCOFLUSH && queue != TCIOFLUSH)
        return -EINVAL;
    if (queue != TCOFLUSH)
        tty_flush_input();
    return 0;
}

static long set_flow(u32 action)
{
    long err = tty_check_background(SIGTTOU);
    char key;

    if (err)
        return err;
    switch (action) {
    case TCOOFF:
        tty.stopped = true;
        return 0;
    case TCOON:
        tty_start_output();
        return 0;
    case TCIOFF:
    case TCION:
        key = tty.ldisc.termios.c_cc[action == TCIOFF ? VSTOP : VSTART];
        if (key)
            tty.ldisc.output(&key, 1);
        return 0;
    }
    return -EINVAL;
}

static long count_input(u32 user)
{
    u32 count;

    tty_pull(N_TTY_SIZE);
    count = n_tty_available(&tty.ldisc);
    return to_user(user, &count, sizeof(count));
}

/* ---- groups and sessions ---- */

/* The session of a group's processes, zombies included; -ESRCH when the group is empty. */
static long session_of(u32 pgrp)
{
    for (struct task *task = task_next(NULL); task; task = task_next(task)) {
        if (task->pgrp == pgrp && task->session)
            return task->session;
    }
    return -ESRCH;
}

static long set_pgrp(u32 user)
{
    long err = tty_check_background(SIGTTOU), session;
    s32 pgrp;

    if (err == -ERESTARTSYS)
        return err;
    if (err || !tty_is_controlling())
        return -ENOTTY;
    if (copy_from_user(&pgrp, (const void *)user, sizeof(pgrp)))
        return -EFAULT;
    if (pgrp < 0)
        return -EINVAL;
    session = pgrp ? session_of(pgrp) : -ESRCH; /* 0 is the monitor's, and cannot be set this way */
    if (session < 0)
        return session;
    if ((u32)session != current->session)
        return -EPERM;
    tty.pgrp = pgrp;
    wake_up(&tty.waiters);
    return 0;
}

/*
 * Make it the controlling terminal of a session that has none. `steal`: even if it belongs to
 * another.
 */
static long set_controlling(u32 steal)
{
    bool is_leader = current->pid == current->session;

    if (is_leader && tty_is_controlling())
        return 0;
    if (!is_leader || steal != 1)
        return -EPERM;
    tty_set_foreground(current->pgrp);
    return 0;
}

static long give_up(void)
{
    if (!tty_is_controlling())
        return -ENOTTY;
    if (current->pid != current->session)
        return -EPERM;
    tty_session_ended(current->session);
    return 0;
}

static long tell_owner(u32 user, u32 id)
{
    return tty_is_controlling() ? to_user(user, &id, sizeof(id)) : -ENOTTY;
}

static long control(u32 command, u32 arg)
{
    switch (command) {
    case TIOCGPGRP:
        return tell_owner(arg, tty.pgrp);
    case TIOCGSID:
        return tell_owner(arg, tty.session);
    case TIOCSPGRP:
        return set_pgrp(arg);
    case TIOCSCTTY:
        return set_controlling(arg);
    case TIOCNOTTY:
        return give_up();
    }
    return -ENOTTY;
}

long tty_ioctl(struct file *file, u32 command, u32 arg)
{
    const u32 none = 0;

    (void)file;
    switch (command) {
    case TCGETS:
        return to_user(arg, &tty.ldisc.termios, sizeof(struct termios));
    case TCGETS2:
        return to_user(arg, &tty.ldisc.termios, sizeof(struct termios2));
    case TCSETS:
    case TCSETSW:
    case TCSETSF:
        return set_termios(arg, sizeof(struct termios), command == TCSETSF);
    case TCSETS2:
    case TCSETSW2:
    case TCSETSF2:
        return set_termios(arg, sizeof(struct termios2), command == TCSETSF2);
    case TIOCGWINSZ:
        return to_user(arg, &tty.winsize, sizeof(tty.winsize));
    case TIOCSWINSZ:
        return set_winsize(arg);
    case TCSBRK:
    case TCSBRKP:
    case TIOCSBRK:
    case TIOCCBRK:
        return tty_check_background(SIGTTOU);
    case TCXONC:
        return set_flow(arg);
    case TCFLSH:
        return flush(arg);
    case FIONREAD:
        return count_input(arg);
    case TIOCOUTQ:
    case TIOCGETD:
        return to_user(arg, &none, sizeof(none)); /* no output is waiting; line discipline N_TTY */
    }
    return control(command, arg);
}
