/*
 * The keyboard of a PC: what is typed goes into the queue of drivers/input.h, as the bytes that a
 * terminal would send.
 */
#pragma once

#include <lib/types.h>

/*
 * Start to read the keyboard; false if the machine has no keyboard controller. Start-up, after
 * pic_init() and input_init(). Waits some milliseconds for a controller that does not answer, and
 * not at all if there is none.
 */
bool keyboard_init(void);

/* The keys that are held down, and the state of an incomplete code. All zeros: no key is down. */
struct keyboard {
    bool shift[2], control[2], alt[2]; /* left and right */
    bool caps_lock, num_lock;
    bool lock_down[2]; /* caps lock and num lock repeat while they are held; this counts once */
    bool extended;     /* the code before was E0h */
    u8 skip;           /* the number of codes to skip, of a key that is ignored (Pause) */
};

#define KEYBOARD_TEXT 8 /* the most bytes that a key sends */

/*
 * Decode one code of scan code set 1: the key's bytes in text, and their length; 0 for a key that
 * was released or has no meaning. (keyboard.c for its interrupt; tests.)
 */
__must_check u32 keyboard_decode(struct keyboard *keyboard, u8 code, char *text);
