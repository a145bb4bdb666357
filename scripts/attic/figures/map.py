"""map.svg: the address space to scale, and its last gigabyte enlarged. The edges are those that the kernel reports in a snapshot."""
from attic.figures.svg import Box, Drawing, hexadecimal, size
from attic.tables import PAGE_SIZE

TOP, HEIGHT = 70, 560
LEFT, RIGHT = Box(100, TOP, 120, HEIGHT), Box(420, TOP, 180, HEIGHT)
KERNEL, END = 0xC0000000, 1 << 32
INSIDE = {'lowmem': 'virtual X is physical\nX - 0xc0000000', 'hole': 'never mapped', 'vmalloc': 'scattered frames\nside by side'}
LOOK = {'user': ('orange', 'pale'), 'lowmem': ('blue', 'pale'), 'vmalloc': ('green', 'pale'), 'fixmap': ('purple', 'strong')}
ROOM = 18  # pixels between two lines of text


def draw(seen):
    document = seen.snapshots['prompt']
    regions = [(region['name'], int(region['start'], 16), int(region['end'], 16)) for region in document['regions']]
    picture = Drawing(900, TOP + HEIGHT + 50, 'The address map of a machine of 128 MiB',
                      'The address space of 4 GiB to scale: the null region, the process up to 0xc0000000, and the gigabyte of the '
                      'kernel, which is enlarged beside it, region by region.')
    whole(picture, regions)
    enlarged(picture, [region for region in regions if region[1] >= KERNEL])
    for y in (0, LEFT.h / 4):
        picture.line((LEFT.x + LEFT.w, TOP + y), (RIGHT.x, TOP + (HEIGHT if y else 0)), 'soft', 'dashed')
    picture.text(10, TOP + HEIGHT + 36, 'Both columns are to scale; a region of less than a pixel is drawn as a line. '
                 'Hatched, or a grey line: never mapped.', 'soft')
    return picture


def height_of(address, first, last, column):
    """Where an address is in a column that shows first..last from bottom to top."""
    return column.y + column.h * (last - address) / (last - first)


def part(picture, region, first, last, column, label=''):
    name, start, end = region
    top, bottom = height_of(end, first, last, column), height_of(start, first, last, column)
    tiny = bottom - top < 1
    colour, style = LOOK.get(name, ('grey', 'strong') if tiny else ('none', 'hatch'))
    hint = f'{name}: {hexadecimal(start)} to {hexadecimal(end - 1)}, {size(end - start)}'
    picture.box(Box(column.x, top, column.w, max(bottom - top, 1)), colour, label, style, hint)


def whole(picture, regions):
    picture.text(LEFT.x, TOP - 40, '4 GiB', 'head')
    picture.text(LEFT.x, TOP - 24, 'every address', 'soft')
    for region in regions:
        if region[1] < KERNEL:
            part(picture, region, 0, END, LEFT, 'user:\nthe running\nprocess\n3 GiB' if region[0] == 'user' else '')
    picture.box(Box(LEFT.x, TOP, LEFT.w, LEFT.h / 4), 'grey', 'the kernel\n1 GiB')
    picture.text(LEFT.x - 6, TOP + 4, hexadecimal(END - 1), anchor='end')
    picture.text(LEFT.x - 6, TOP + HEIGHT / 4 + 4, hexadecimal(KERNEL), anchor='end')
    name, start, end = regions[0]
    picture.text(LEFT.x - 6, TOP + HEIGHT + 4, hexadecimal(start), anchor='end')
    picture.text(LEFT.x - 6, TOP + HEIGHT - 12, hexadecimal(end), anchor='end')
    picture.text(LEFT.x + LEFT.w + 8, TOP + HEIGHT + 4, f'{name}: {size(end - start)}')
    picture.line((LEFT.x + LEFT.w, TOP + HEIGHT), (LEFT.x + LEFT.w + 6, TOP + HEIGHT), 'soft', 'thin')


def enlarged(picture, regions):
    """The kernel's gigabyte; each edge has its address, and each region its name beside it."""
    picture.text(RIGHT.x, TOP - 40, 'the last GiB', 'head')
    picture.text(RIGHT.x, TOP - 24, 'the same in every address space', 'soft')
    for region in regions:
        part(picture, region, KERNEL, END, RIGHT, '' if region[0] == 'hole' else INSIDE.get(region[0], ''))
        if region[0] == 'hole':
            middle = (height_of(region[1], KERNEL, END, RIGHT) + height_of(region[2], KERNEL, END, RIGHT)) / 2
            picture.box(Box(RIGHT.x + 36, middle - 12, RIGHT.w - 72, 24), 'none', INSIDE['hole'])
    edge = RIGHT.x + RIGHT.w
    y_of, free = {}, 0
    for name, start, end in reversed(regions):  # from above: no label comes nearer to the one over it than ROOM
        y_of[start] = max(height_of(start, KERNEL, END, RIGHT) + 4, free)
        free = y_of[start] + ROOM
    for name, start, end in regions:
        exact, y = height_of(start, KERNEL, END, RIGHT), y_of[start]
        picture.line((edge, exact), (edge + 26, y - 4), 'soft', 'thin')
        picture.text(edge + 30, y, f'{hexadecimal(start)} {name}')
        picture.text(edge + 206, y, length(end - start), 'soft')


def length(count):
    return f'{count // PAGE_SIZE} page' if count == PAGE_SIZE else size(count)
