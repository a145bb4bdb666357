/*
 * The terminal (man 3 termios, man 2 ioctl_tty): the one console, under the names /dev/console,
 * /dev/ttyS0 (or ttyS1, or tty1, depending on the serial ports) and, for processes that have it as
 * controlling terminal, /dev/tty. Lines and echo: kernel/tty/n_tty.h.
 *
 * The terminal belongs to one session, and in it one process group is in the foreground: only this
 * group reads, and it gets the signals of Ctrl-C, Ctrl-\ and Ctrl-Z. Group 0 is the monitor; its
 * programs are in its session, 0.
 */
#pragma once

#include <lib/types.h>

/* Create the device files, and enable input. After fs_init(), pic_init() and sched_init(). */
void tty_init(void);

/*
 * Give the terminal to a process group and the session of its processes; input typed before is
 * kept, including a Ctrl-C in it. 0: the monitor takes it back, with the initial settings, and gets
 * the input that was not read. Not for interrupt handlers.
 */
void tty_set_foreground(u32 pgrp);

/* The group in the foreground, and the session that the terminal belongs to; 0: the monitor. */
u32 tty_foreground(void);
u32 tty_session(void);

/*
 * The monitor's next byte of input; waits for it. The other one waits at most so many ticks: -1
 * when no byte came.
 */
u8 tty_getc(void);
int tty_getc_timeout(u32 ticks);

/*
 * Whether Ctrl-C was typed, so that a long command of the monitor stops: then all input up to it is
 * dropped.
 */
bool tty_interrupted(void);

/* ---- the screen at its other end (kernel/tty/tty_screen.c); for the monitor ---- */

/*
 * Its size: the one that a program has set; otherwise, if `may_ask`, the answer of the terminal,
 * which takes up to a tenth of a second; otherwise 80 x 24, and false. Input is not changed.
 */
bool tty_screen_size(bool may_ask, u32 *columns, u32 *lines);

/* Wait at most so many ticks for a key and remove it from the input. False when none came. */
bool tty_key_pressed(u32 ticks);
