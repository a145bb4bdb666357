/*
 * The terminal (man 3 termios, man 2 ioctl_tty): the one console, under the names /dev/console,
 * /dev/ttyS0 (or ttyS1, or tty1, as there are serial ports) and, for those who have it as
 * controlling terminal, /dev/tty. What a line is, what is echoed: kernel/tty/n_tty.h.
 *
 * The terminal belongs to one session, and in it one process group is in the foreground: it reads,
 * and Ctrl-C, Ctrl-\ and Ctrl-Z are its signals. Group 0 is the monitor, whose programs are in its
 * session, 0.
 */
#pragma once

#include <lib/types.h>

/*
 * Make the device files; input arrives from now on. After fs_init(), pic_init() and sched_init().
 */
void tty_init(void);

/*
 * Give the terminal to a process group and the session of its processes; what was typed ahead
 * counts, a Ctrl-C in it too. 0: the monitor takes it back, with settings as at the start; input
 * that nobody has read is its input. Not for interrupt handlers.
 */
void tty_set_foreground(u32 pgrp);

/* The group in the foreground, and the session that the terminal belongs to; 0: the monitor. */
u32 tty_foreground(void);
u32 tty_session(void);

/* The monitor's next byte of input; waits for it. Or, at most so many ticks: -1 when none came. */
u8 tty_getc(void);
int tty_getc_timeout(u32 ticks);

/* ---- the screen at its other end (kernel/tty/tty_screen.c); for the monitor ---- */

/*
 * Its size: what a program has set; else, if `may_ask`, what the terminal answers, which takes up
 * to a tenth of a second; else 80 x 24, and false. Input stays as it is.
 */
bool tty_screen_size(bool may_ask, u32 *columns, u32 *lines);

/* Wait at most so many ticks for a key and take it out of the input. False when none came. */
bool tty_key_pressed(u32 ticks);
