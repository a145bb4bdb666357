/* What kernel/tty/tty.c, tty_ioctl.c and tty_screen.c share; nobody else includes this. */
#pragma once

#include <kernel/tty/n_tty.h>
#include <lib/wait.h>
#include <linux/termios.h>

struct tty {
    struct n_tty ldisc;
    u32 session, pgrp; /* whose it is, and who is in the foreground; 0: the monitor */
    bool stopped;      /* Ctrl-S: programs' output waits for Ctrl-Q */
    u32 examined;      /* so many bytes of the driver's input have been looked at for signals */
    bool literal;      /* and behind them comes one that LNEXT makes plain */
    struct winsize winsize;
    bool winsize_set;          /* by a program; else it is a guess */
    struct wait_queue waiters; /* for input, and for Ctrl-Q */
};
extern struct tty tty;

struct file;
long tty_ioctl(struct file *file, u32 command, u32 arg);

/* The current process has it as its controlling terminal. */
bool tty_is_controlling(void);

/*
 * What a process in the background may not do gets it SIGTTIN or SIGTTOU: 0, and it goes on;
 * -ERESTARTSYS with the signal sent; -EIO when that would be in vain.
 */
__must_check long tty_check_background(u32 signal);

/*
 * Let the line discipline have what was typed: up to a line, or in raw mode until `want` bytes can
 * be read.
 */
void tty_pull(u32 want);

void tty_start_output(void);
void tty_flush_input(void);

/* The session has no terminal any more: see kernel/tty/tty.c. */
void tty_session_ended(u32 session);
