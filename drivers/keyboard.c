/*
 * The keyboard: a PS/2 keyboard with the US layout behind a controller of the 8042 kind.
 *
 * The keyboard sends a code when a key goes down and another when it comes up. The controller
 * translates them to scan code set 1, as every BIOS configures it: bit 7 is set in the code of a
 * key that comes up, E0h is before the codes of keys that the first PC did not have, and only Pause
 * begins with E1h. For the arrows and the keys near them the keyboard also sends codes of Shift for
 * old programs (E0h 2Ah, E0h 36h); these are not keys.
 *
 * A key gives the bytes that a terminal at the other end of the serial line would send: Backspace
 * DEL, Enter a carriage return, Ctrl with a letter its control code, Alt an ESC before the rest,
 * and the arrows and function keys the sequences of Linux's console, because TERM is linux. So
 * neither the line editor nor the line discipline depends on the source of a byte.
 *
 * The firmware leaves the controller in an unspecified state. So it is configured: translation and
 * the keyboard's interrupt on, the mouse off, because an unread byte of the mouse would block the
 * keyboard's. Without a controller, its ports read as all ones. Every wait has a limit; after it
 * the keyboard is treated as not working, and the boot continues.
 *
 * Limits: the lamps are not changed, and NumLock is off at first. A key is lost while 1 KiB of
 * input waits. A USB keyboard works only if the firmware emulates a PS/2 keyboard.
 *
 * Neighbours: drivers/input.c has the typed input; kernel/tty/console.c starts it. Registers and
 * codes: IBM PS/2 Hardware Interface Technical Reference, keyboard and auxiliary device controller.
 */
#include <arch/x86/io.h>
#include <arch/x86/irq.h>
#include <drivers/input.h>
#include <drivers/keyboard.h>
#include <lib/string.h>

/* ---- the bytes of a key ---- */

#define RELEASED 0x80
#define PREFIX   0xe0
#define PAUSE    0xe1 /* and two codes more */
#define LEFT     0
#define RIGHT    1

#define CODE_CONTROL     0x1d
#define CODE_SHIFT_LEFT  0x2a
#define CODE_SHIFT_RIGHT 0x36
#define CODE_ALT         0x38
#define CODE_CAPS_LOCK   0x3a
#define CODE_NUM_LOCK    0x45
#define CODE_KEYPAD      0x47
#define CODE_KEYPAD_END  0x53

/* Indexed by code, from 0 on; 0 means another key. */
static const char plain_keys[] =
    "\0\0331234567890-=\177\tqwertyuiop[]\r\0asdfghjkl;'`\0\\zxcvbnm,./"
    "\0*\0 ";
static const char shift_keys[] =
    "\0\033!@#$%^&*()_+\177\tQWERTYUIOP{}\r\0ASDFGHJKL:\"~\0|ZXCVBNM<>?"
    "\0*\0 ";
static const char keypad_keys[] = "789-456+1230.";

_Static_assert(sizeof(plain_keys) == 0x3a + 1 && sizeof(shift_keys) == sizeof(plain_keys),
               "the codes up to that of the space bar");
_Static_assert(sizeof(keypad_keys) == CODE_KEYPAD_END - CODE_KEYPAD + 2, "all of the keypad");

/* The keypad's keys with E0h before them or NumLock off: "ESC [" and this. */
static const char *const moving_keys[] = {"1~", "A",  "5~", NULL, "D",  "G", "C",
                                          NULL, "4~", "B",  "6~", "2~", "3~"};
_Static_assert(ARRAY_SIZE(moving_keys) == sizeof(keypad_keys) - 1, "a sequence for each");

/* F1 to F10; F11 and F12. */
static const char *const function_keys[] = {"[A",  "[B",  "[C",  "[D",  "[E",
                                            "17~", "18~", "19~", "20~", "21~"};
static const char *const later_keys[] = {"23~", "24~"};

static bool is_held(const bool key[2])
{
    return key[LEFT] || key[RIGHT];
}

/* The sequence of a key without "ESC [", or NULL. */
static const char *sequence_of(const struct keyboard *keyboard, u8 code)
{
    if (code >= CODE_KEYPAD && code <= CODE_KEYPAD_END)
        return moving_keys[code - CODE_KEYPAD];
    if (code == 0x0f && !keyboard->extended && is_held(keyboard->shift))
        return "Z"; /* Shift-Tab */
    if (code >= 0x3b && code <= 0x44 && !keyboard->extended)
        return function_keys[code - 0x3b];
    if ((code == 0x57 || code == 0x58) && !keyboard->extended)
        return later_keys[code - 0x57];
    return NULL;
}

/* Ctrl with this character, or -1. */
static int control_of(char c)
{
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 1;
    if (c >= '@' && c <= '_')
        return c - '@';
    if (c >= '3' && c <= '7')
        return c - '3' + '\033';
    switch (c) {
    case ' ':
    case '2':
        return 0;
    case '/':
    case '-':
        return 0x1f;
    case '\177':
        return '\b';
    case '\033':
    case '\t':
    case '\r':
        return c;
    default:
        return -1;
    }
}

/* The character of a key, or -1. */
static int character_of(const struct keyboard *keyboard, u8 code)
{
    bool shift = is_held(keyboard->shift);
    char c;

    if (keyboard->extended) /* of the keypad */
        return code == 0x1c ? '\r' : code == 0x35 ? '/' : -1;
    if (code >= CODE_KEYPAD && code <= CODE_KEYPAD_END)
        return keypad_keys[code - CODE_KEYPAD];
    if (code >= sizeof(plain_keys) - 1)
        return code == 0x56 ? (shift ? '|' : '\\') : -1; /* beside the left Shift, in Europe */
    c = plain_keys[code];
    if (c >= 'a' && c <= 'z')
        shift ^= keyboard->caps_lock;
    if (shift)
        c = shift_keys[code];
    if (c && is_held(keyboard->control))
        return control_of(c);
    return c ? c : -1;
}

/* For the keypad NumLock or Shift decides; its - and + are always characters. */
static bool is_character(const struct keyboard *keyboard, u8 code)
{
    if (keyboard->extended || code < CODE_KEYPAD || code > CODE_KEYPAD_END)
        return false;
    return keyboard->num_lock != is_held(keyboard->shift) || !moving_keys[code - CODE_KEYPAD];
}

static u32 press(const struct keyboard *keyboard, u8 code, char *text)
{
    const char *sequence = is_character(keyboard, code) ? NULL : sequence_of(keyboard, code);
    int c = sequence ? 0 : character_of(keyboard, code);
    u32 len = 0;

    if (c < 0)
        return 0;
    if (is_held(keyboard->alt))
        text[len++] = '\033';
    if (!sequence) {
        text[len++] = c;
        return len;
    }
    text[len++] = '\033';
    text[len++] = '[';
    memcpy(text + len, sequence, strlen(sequence));
    return len + strlen(sequence);
}

/* Handle a key that changes the meaning of others; false for other keys. */
static bool change_state(struct keyboard *keyboard, u8 code, bool pressed)
{
    bool *lock[] = {&keyboard->caps_lock, &keyboard->num_lock};
    u32 which = code == CODE_NUM_LOCK;

    switch (code) {
    case CODE_CONTROL:
        keyboard->control[keyboard->extended] = pressed;
        return true;
    case CODE_ALT:
        keyboard->alt[keyboard->extended] = pressed;
        return true;
    case CODE_SHIFT_LEFT:
    case CODE_SHIFT_RIGHT:
        if (!keyboard->extended)
            keyboard->shift[code == CODE_SHIFT_RIGHT] = pressed;
        return true;
    case CODE_CAPS_LOCK:
    case CODE_NUM_LOCK:
        *lock[which] ^= pressed && !keyboard->lock_down[which];
        keyboard->lock_down[which] = pressed;
        return true;
    default:
        return false;
    }
}

u32 keyboard_decode(struct keyboard *keyboard, u8 code, char *text)
{
    bool pressed = !(code & RELEASED);
    u32 len = 0;

    if (keyboard->skip > 0) {
        keyboard->skip--;
        return 0;
    }
    if (code == PREFIX || code == PAUSE) {
        keyboard->extended = code == PREFIX;
        keyboard->skip = code == PAUSE ? 2 : 0;
        return 0;
    }
    if (!change_state(keyboard, code & ~RELEASED, pressed) && pressed)
        len = press(keyboard, code, text);
    keyboard->extended = false;
    return len;
}

/* ---- the controller ---- */

#define DATA    0x60
#define STATUS  0x64 /* read */
#define COMMAND 0x64 /* written */

#define STATUS_OUTPUT 0x01 /* a byte can be read */
#define STATUS_INPUT  0x02 /* the byte written has not been read by the controller */
#define STATUS_MOUSE  0x20 /* the byte is the mouse's */
#define STATUS_ABSENT 0xff

#define COMMAND_READ_MODE    0x20
#define COMMAND_WRITE_MODE   0x60
#define COMMAND_MOUSE_OFF    0xa7
#define COMMAND_KEYBOARD_OFF 0xad
#define COMMAND_KEYBOARD_ON  0xae

#define MODE_INTERRUPT       0x01
#define MODE_MOUSE_INTERRUPT 0x02
#define MODE_KEYBOARD_OFF    0x10
#define MODE_MOUSE_OFF       0x20
#define MODE_TRANSLATE       0x40

#define KEYBOARD_SCAN 0xf4 /* to the keyboard itself: send codes */

/* Reads of the status before time-out: at a microsecond each, a few are enough. */
#define PATIENCE 10000u

/* The most bytes that can wait in controller and keyboard. */
#define BYTES_MAX 32u

static struct keyboard keyboard;

static bool wait_status(u8 mask, u8 value)
{
    for (u32 looks = 0; looks < PATIENCE; looks++) {
        u8 status = inb(STATUS);

        if (status == STATUS_ABSENT)
            return false;
        if ((status & mask) == value)
            return true;
    }
    return false;
}

static bool write_byte(u16 port, u8 byte)
{
    if (!wait_status(STATUS_INPUT, 0))
        return false;
    outb(port, byte);
    return true;
}

static void drop_bytes(void)
{
    for (u32 i = 0; i < BYTES_MAX && inb(STATUS) & STATUS_OUTPUT; i++)
        inb(DATA);
}

/* Both devices are disabled, so that the answer comes from the controller. */
static bool set_mode(void)
{
    u8 mode;

    if (!write_byte(COMMAND, COMMAND_KEYBOARD_OFF) || !write_byte(COMMAND, COMMAND_MOUSE_OFF) ||
        !wait_status(STATUS_INPUT, 0))
        return false;
    drop_bytes();
    if (!write_byte(COMMAND, COMMAND_READ_MODE) || !wait_status(STATUS_OUTPUT, STATUS_OUTPUT))
        return false;
    mode = inb(DATA);
    mode |= MODE_INTERRUPT | MODE_TRANSLATE | MODE_MOUSE_OFF;
    mode &= ~(MODE_MOUSE_INTERRUPT | MODE_KEYBOARD_OFF);
    return write_byte(COMMAND, COMMAND_WRITE_MODE) && write_byte(DATA, mode) &&
           write_byte(COMMAND, COMMAND_KEYBOARD_ON);
}

/* Read until no byte is left: the interrupt controller is edge-triggered. */
static void keyboard_interrupt(void)
{
    char text[KEYBOARD_TEXT];

    for (u32 i = 0; i < BYTES_MAX; i++) {
        u8 status = inb(STATUS), code;
        u32 len;

        if (!(status & STATUS_OUTPUT))
            break;
        code = inb(DATA);
        if (status & STATUS_MOUSE)
            continue;
        len = keyboard_decode(&keyboard, code, text);
        input_add(text, len);
    }
    input_arrived();
}

bool keyboard_init(void)
{
    if (inb(STATUS) == STATUS_ABSENT || !set_mode())
        return false;
    irq_register(IRQ_KEYBOARD, keyboard_interrupt);
    /* A keyboard that is not plugged in does not answer; the answer FAh is not a key. */
    return write_byte(DATA, KEYBOARD_SCAN);
}
