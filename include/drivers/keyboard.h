/*
 * The keyboard of a PC: what is typed on it goes into the queue of drivers/input.h, as bytes of the
 * kind that a terminal sends.
 */
#pragma once

#include <lib/types.h>

/*
 * Take what is typed from now on; false where the machine has no keyboard controller. Start-up,
 * after pic_init() and input_init(). Waits for a controller that does not answer for some
 * milliseconds, and not at all where there is none.
 */
bool keyboard_init(void);

/*
 * Which keys are held down, and what is left of an unfinished code. Zeros are a keyboard at rest.
 */
struct keyboard {
    bool shift[2], control[2], alt[2]; /* left and right */
    bool caps_lock, num_lock;
    bool lock_down[2]; /* the two keys above repeat while they are held; that counts once */
    bool extended;     /* the code before was E0h */
    u8 skip;           /* so many codes belong to a key that means nothing (Pause) */
};

#define KEYBOARD_TEXT 8 /* bytes that a key sends at most */

/*
 * Take one code of scan code set 1: what the key sends, in text, and its length; 0 for a key that
 * was released, or means nothing. (keyboard.c for its interrupt; tests.)
 */
__must_check u32 keyboard_decode(struct keyboard *keyboard, u8 code, char *text);
