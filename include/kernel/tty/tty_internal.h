/* Internal to kernel/tty/tty.c, tty_ioctl.c and tty_screen.c. */
#pragma once

#include <kernel/tty/n_tty.h>
#include <lib/wait.h>
#include <linux/termios.h>

struct tty {
    struct n_tty ldisc;
    u32 session, pgrp; /* the session that owns it, and the foreground group; 0: the monitor */
    bool stopped;      /* Ctrl-S: programs' output waits for Ctrl-Q */
    u32 examined;      /* number of bytes of the driver's input already checked for signals */
    bool literal;      /* the byte after them follows LNEXT, so it is an ordinary one */
    struct winsize winsize;
    bool winsize_set;          /* by a program; otherwise it is a guess */
    struct wait_queue waiters; /* for input, and for Ctrl-Q */
};
extern struct tty tty;

struct file;
long tty_ioctl(struct file *file, u32 command, u32 arg);

/* True when it is the controlling terminal of the current process. */
bool tty_is_controlling(void);

/*
 * Send SIGTTIN or SIGTTOU to a process in the background that does a forbidden operation: 0 if it
 * may continue; -ERESTARTSYS if the signal was sent; -EIO if the signal would have no effect.
 */
__must_check long tty_check_background(u32 signal);

/*
 * Feed typed input to the line discipline: up to a line, or in raw mode until `want` bytes can be
 * read.
 */
void tty_pull(u32 want);

void tty_start_output(void);
void tty_flush_input(void);

/* Release the terminal of a session that has ended: see kernel/tty/tty.c. */
void tty_session_ended(u32 session);
