/*
 * Reads the terminal and prints the result of each read(), for tests that type: `tty_read [raw VMIN
 * VTIME | noflush]`. It ends at end of file, or after input that starts with "q". It does not
 * restore the terminal's settings.
 */
#include "lib/check.h"
#include <asm/ioctls.h>
#include <linux/termios.h>

static void set_mode(int argc, char **argv)
{
    struct termios termios;
    uint32_t vmin = 0, vtime = 0;

    CHECK(SYS(ioctl, 0, TCGETS, &termios) == 0);
    if (argc > 3 && streq(argv[1], "raw")) {
        CHECK(parse_number(argv[2], &vmin) && parse_number(argv[3], &vtime));
        termios.c_lflag &= ~(ICANON | ECHO);
        termios.c_cc[VMIN] = vmin;
        termios.c_cc[VTIME] = vtime;
    } else if (argc > 1 && streq(argv[1], "noflush")) {
        termios.c_lflag |= NOFLSH;
    }
    CHECK(SYS(ioctl, 0, TCSETS, &termios) == 0);
}

int main(int argc, char **argv)
{
    char text[128];
    long count;

    set_mode(argc, argv);
    print("ready\n");
    while ((count = SYS(read, 0, text, sizeof(text))) > 0) {
        char shown[400], *to = shown;

        for (long i = 0; i < count && to < shown + sizeof(shown) - 4; i++) {
            if (text[i] == '\n')
                *to++ = '$';
            else
                *to++ = text[i] < ' ' ? '?' : text[i];
        }
        *to = '\0';
        print("read %d: %s\n", (int)count, shown);
        if (text[0] == 'q')
            return 0;
    }
    print("end: %d\n", (int)count);
    return 0;
}
