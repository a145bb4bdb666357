"""lowmem.svg: the rows of lowmem, virtual above and physical below, always the same distance apart.

The rows are the lines that the kernel prints at boot; the sizes of pages are those of the page directory in the snapshot.
"""
from attic.figures.svg import Box, Drawing, hexadecimal, size
from attic.tables import PAGE_SIZE, PDE_SHIFT

LEFT, WIDTH = 20, 860
VIRTUAL, PHYSICAL, HEIGHT = 150, 330, 56
LARGE = 1 << PDE_SHIFT
LEAST = 84   # pixels that a piece has at least, for its name
BITS = {'rw': ('blue', 'writable'), 'r-': ('orange', 'read-only')}


def draw(seen):
    document = seen.snapshots['prompt']
    picture = Drawing(900, 510, 'Lowmem: the same distance everywhere',
                      'The rows of lowmem as pieces of two strips, virtual addresses above, physical ones below. All lines between them '
                      'are parallel: the distance is always 0xc0000000.')
    picture.text(LEFT, 24, 'Lowmem of a machine of 128 MiB', 'head')
    picture.text(LEFT, 44, 'The order is right, the widths are not to scale: the first 4 MiB and the last ones are enlarged.', 'soft')
    placed = layout(pieces(seen.rows, large_pages(document)))
    picture.text(LEFT, VIRTUAL - 56, 'virtual')
    picture.text(LEFT, PHYSICAL + HEIGHT + 54, 'physical')
    for piece in placed:
        draw_piece(picture, *piece)
    last, x, width, _ = placed[-1]
    edge(picture, x + width, last.end, last.physical + last.end - last.start, 18, 'end')
    picture.box(Box(LEFT + WIDTH / 2 - 130, (VIRTUAL + HEIGHT + PHYSICAL) / 2 - 4, 260, 24), 'none', 'virtual - 0xc0000000 = physical')
    picture.legend(LEFT, 474, [(colour, words) for colour, words in BITS.values()])
    picture.text(LEFT + 240, 474, 'grid: fine, pages of 4 KiB; coarse, pages of 4 MiB')
    count = sum(piece[3] for piece in placed)
    picture.text(LEFT, 496, f'{count} pages of 4 MiB; the two spans at the ends of lowmem have a page table each.', 'soft')
    return picture


def large_pages(document):
    """The numbers of the directory entries of the kernel that are pages of 4 MiB themselves."""
    return {index for run in document['kernel']['pdes'] if 'PS' in run['bits'].split() for index in
            range(run['index'], run['index'] + run['count'])}


def pieces(rows, large):
    """(row, how many pages of 4 MiB; 0 for pages of 4 KiB): each row, cut where the size of its pages changes."""
    for row in rows:
        at = row.start
        while at < row.end:
            inside = at >> PDE_SHIFT in large
            end = at
            while end < row.end and (end >> PDE_SHIFT in large) == inside:
                end = min(row.end, (end // LARGE + 1) * LARGE)
            yield row._replace(start=at, end=end, physical=row.physical + at - row.start), (end - at) // LARGE if inside else 0
            at = end


def layout(found):
    """(row, x, width, pages of 4 MiB) of each piece. What LEAST leaves of the width is shared out by the sizes of those of 4 MiB pages."""
    found = list(found)
    room = WIDTH - LEAST * len(found)
    whole = sum(count for _, count in found) or 1
    x, placed = LEFT, []
    for row, count in found:
        width = LEAST + room * count / whole
        placed.append((row, x, width, count))
        x += width
    return placed


def draw_piece(picture, row, x, width, count):
    colour, words = BITS[row.rights]
    for top in (VIRTUAL, PHYSICAL):
        picture.box(Box(x, top, width, HEIGHT), colour, hint=f'{row.name}, {words}, {size(row.end - row.start)}')
        grid(picture, x, top, width, count)
    name = {'first MiB and boot code': 'first MiB\nand boot', 'page tables of lowmem': 'page\ntables', 'data and bss': 'data,\nbss'}
    label = name.get(row.name, row.name)
    for top in (VIRTUAL, PHYSICAL):
        for index, line in enumerate(label.split('\n')):
            picture.text(x + width / 2, top + 18 + 15 * index, line, anchor='middle')
    picture.text(x + width / 2, VIRTUAL + HEIGHT + 16, pages(row, count), 'soft', 'middle')
    edge(picture, x, row.start, row.physical)


def pages(row, count):
    return f'{count} x 4 MiB' if count else f'{(row.end - row.start) // PAGE_SIZE} pages'


def grid(picture, x, top, width, count):
    """Lines at the lower edge of a strip: as many as there are pages of 4 MiB, or a fine grid that stands for those of 4 KiB."""
    parts = count or round(width / 4)
    for index in range(1, parts):
        at = x + width * index / parts
        picture.line((at, top + HEIGHT - (16 if count else 8)), (at, top + HEIGHT), 'soft', 'thin')


def edge(picture, x, virtual, physical, lower=0, anchor='start'):
    picture.line((x, VIRTUAL - 8), (x, VIRTUAL), 'ink', 'thin')
    picture.line((x, VIRTUAL + HEIGHT), (x, PHYSICAL), 'soft', 'dashed')
    picture.line((x, PHYSICAL + HEIGHT), (x, PHYSICAL + HEIGHT + 8), 'ink', 'thin')
    picture.text(x, VIRTUAL - 12 - lower, hexadecimal(virtual), anchor=anchor)
    picture.text(x, PHYSICAL + HEIGHT + 20 + lower, hexadecimal(physical), anchor=anchor)
