"""frames.svg: each frame of RAM by its owner, and the free ones as the buddy allocator has them: blocks by zone and order."""
from attic.figures.svg import Box, Drawing, hexadecimal

TOP, LEFT = 70, 96
PER_ROW = 256                  # frames: a row is 1 MiB
CELL, LINE = 2, 4              # pixels of a frame
ZOOM, ZOOM_LINE = 3.1, 16      # in the enlarged rows
RIGHT = 650
OWNERS = {  # colour: the owners, as the snapshot names them, and the words of the legend
    'none': ('free', ('buddy',)),
    'sky': ('free, on a hot stack', ('hot',)),
    'red': ('kernel image', ('kernel image',)),
    'yellow': ('symbols, module', ('symbols', 'module')),
    'blue': ('struct pages', ('struct pages',)),
    'purple': ('page tables', ('page tables', 'lowmem tables')),
    'green': ('first allocations: slab, vmalloc, other', ('slab', 'vmalloc', 'other', 'process tables', 'user pages', 'file pages')),
    'grey': ('low memory, page 0', ('low memory', 'page 0')),
}
COLOURS = {owner: colour for colour, (_, owners) in OWNERS.items() for owner in owners}


def draw(seen):
    document = seen.snapshots['prompt']
    end = max(first + count for first, count, *_ in document['frames'])
    rows = (end + PER_ROW - 1) // PER_ROW
    bottom = TOP + rows * LINE
    picture = Drawing(900, bottom + 250, 'Frames of a machine of 128 MiB, by owner, and the free blocks',
                      'Each frame of RAM as a cell, coloured by its owner: the image and the modules at the beginning, the array of '
                      'struct page and the page tables at the end, free memory between. Beside it the free blocks of each zone by order.')
    picture.text(LEFT, 24, 'RAM at the prompt, a cell per frame', 'head')
    picture.text(LEFT, 44, f'{document["memory"]["ram_frames"]} frames of 4 KiB; a row is 1 MiB', 'soft')
    picture.box(Box(LEFT, TOP, PER_ROW * CELL, rows * LINE), 'none', style='hatch')
    for piece in pieces(document['frames'], 0, end):
        cell(picture, piece, LEFT, TOP, CELL, LINE)
    for row in range(0, rows, 16):
        picture.text(LEFT - 6, TOP + row * LINE + 8, hexadecimal(row * PER_ROW << 12), 'soft', 'end')
    blocks(picture, seen.blocks)
    zoomed(picture, document['frames'], bottom + 40, (0, 1, 2, rows - 1))
    legend(picture, bottom + 184)
    return picture


def pieces(frames, first, last):
    """(frame, count, owner, references) of the frames in first..last, cut at the ends of rows."""
    for start, count, owner, _ in frames:
        at, end = max(start, first), min(start + count, last)
        while at < end:
            cut = min(end, (at // PER_ROW + 1) * PER_ROW)
            yield at, cut - at, owner
            at = cut


def cell(picture, piece, x, y, width, height, row=None):
    first, count, owner = piece
    row = first // PER_ROW if row is None else row
    hint = f'{hexadecimal(first << 12)}: {count} {owner}'
    colour = COLOURS.get(owner, 'grey')
    style = 'free' if colour == 'none' else 'strong'
    box = Box(x + first % PER_ROW * width, y + row * height, count * width, height)
    picture.box(box, colour, style=style, hint=hint)


def zoomed(picture, frames, top, rows):
    """Some rows enlarged, so that single frames can be seen."""
    picture.text(LEFT, top - 10, 'The first three rows and the last one, enlarged; hatched: no RAM', 'soft')
    for number, row in enumerate(rows):
        y = top + number * (ZOOM_LINE + 8) + (6 if row > 2 else 0)
        picture.box(Box(LEFT, y, PER_ROW * ZOOM, ZOOM_LINE), 'none', style='hatch')
        picture.text(LEFT - 6, y + 12, hexadecimal(row * PER_ROW << 12), 'soft', 'end')
        for piece in pieces(frames, row * PER_ROW, (row + 1) * PER_ROW):
            cell(picture, piece, LEFT, y, ZOOM, ZOOM_LINE, 0)


def blocks(picture, zones):
    """For each zone, a line for each order: how many free blocks there are, and how many frames these are as a bar."""
    picture.text(RIGHT, 24, 'Free blocks', 'head')
    picture.text(RIGHT, 44, 'order: blocks = frames', 'soft')
    y, most = TOP + 14, max(count << order for counts in zones.values() for order, count in enumerate(counts))
    for zone, counts in zones.items():
        frames = sum(count << order for order, count in enumerate(counts))
        picture.text(RIGHT, y, f'zone {zone}: {frames} frames')
        for order, count in enumerate(counts):
            y += 20
            picture.text(RIGHT + 20, y, f'{order}', anchor='end')
            picture.text(RIGHT + 60, y, f'{count}', '' if count else 'soft', 'end')
            if count:
                width = max((count << order) / most * 90, 1)
                picture.box(Box(RIGHT + 70, y - 10, width, 12), 'sky', style='strong', hint=f'{count} blocks of {1 << order} frames')
                picture.text(RIGHT + 76 + width, y, f'{count << order}')
        y += 32
    picture.text(RIGHT, y, 'zone HighMem: none,', 'soft')
    picture.text(RIGHT, y + 16, 'all RAM is in lowmem', 'soft')


def legend(picture, y):
    x = LEFT
    for colour, (words, _) in OWNERS.items():
        if x + 20 + len(words) * 7.25 > 890:
            x, y = LEFT, y + 22
        picture.legend(x, y, [(colour, words)], 'free' if colour == 'none' else 'strong')
        x += 44 + len(words) * 7.25
