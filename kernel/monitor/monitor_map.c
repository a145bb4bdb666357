/*
 * `map`: the picture of RAM and of the address spaces. It fills the terminal; with
 * -w it is drawn again twice a second, over itself, until a key is pressed, while programs in the
 * background continue. Their output is overwritten by the next picture. A terminal that has
 * reported its size is asked again now and then, so that the picture adapts when the window is
 * resized.
 *
 * With `color=off` on the kernel command line no escape sequence is sent: no colours, no request
 * for the terminal's size (80 x 24 is used), and with -w one picture below the other.
 *
 * The picture is a static structure, so that showing memory does not allocate memory.
 *
 * Neighbours: kernel/view/map_ram.c and kernel/view/map_virtual.c gather the data,
 * kernel/view/map_draw.c draws, kernel/tty/tty_screen.c handles the terminal;
 * kernel/monitor/monitor.c has the table of commands.
 */
#include <arch/x86/boot_info.h>
#include <arch/x86/timer.h>
#include <kernel/monitor/monitor.h>
#include <kernel/tty/console.h>
#include <kernel/tty/tty.h>
#include <kernel/view/map.h>
#include <lib/printk.h>
#include <lib/string.h>

#define REDRAW_TICKS   (HZ / 2)
#define PICTURES_A_ASK 4 /* a terminal that answers is asked for its size every two seconds */

#define CLEAR_SCREEN "\033[2J"

static struct map map;

static bool colour_is_on(void)
{
    char value[8];

    return !boot_option("color", value, sizeof(value)) || strcmp(value, "off") != 0;
}

static void show(const struct map_canvas *canvas)
{
    map_gather_ram(&map);
    map_gather_virtual(&map);
    map_draw(&map, canvas);
}

/* The size of the terminal for which the picture was made; the shape may be smaller. */
struct size {
    u32 columns, lines;
};

/* The last line stays free: the cursor is there, and another line would scroll. */
static void clear(struct map_canvas *canvas)
{
    canvas->in_place = true;
    canvas->lines_max = map.shape.lines - 1;
    console_write(CLEAR_SCREEN, strlen(CLEAR_SCREEN));
}

/* If the terminal does not answer, the old size is kept. */
static void follow_resize(struct map_canvas *canvas, struct size *size)
{
    struct size now;

    if (!tty_screen_size(true, &now.columns, &now.lines) ||
        (now.columns == size->columns && now.lines == size->lines))
        return;
    *size = now;
    map_shape(&map.shape, now.columns, now.lines);
    clear(canvas);
}

/* `size` is NULL for a terminal that has not reported its size: it is not asked again. */
static void watch(struct map_canvas *canvas, struct size *size)
{
    if (canvas->colour)
        clear(canvas);
    for (u32 pictures = 1;; pictures++) {
        show(canvas);
        if (tty_key_pressed(REDRAW_TICKS))
            break;
        if (canvas->colour && size && pictures % PICTURES_A_ASK == 0)
            follow_resize(canvas, size);
    }
}

void monitor_map(u32 argc, const char **argv)
{
    struct map_canvas canvas = {
        .write = console_write, .colour = colour_is_on(), .lines_max = UINT32_MAX};
    struct size size;
    bool known;

    if (argc > 1 && strcmp(argv[1], "-w") != 0) {
        printk("usage: %s\n", MONITOR_MAP_USAGE);
        return;
    }
    known = tty_screen_size(canvas.colour, &size.columns, &size.lines);
    map_shape(&map.shape, size.columns, size.lines);
    if (argc > 1)
        watch(&canvas, known ? &size : NULL);
    else
        show(&canvas);
}
