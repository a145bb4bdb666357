"""vmalloc.svg: two vmalloc areas with their guards, and the frame of each of their pages.

The areas are those that `vmalloc -s` has made. Their frames are in the snapshot as the page tables have them.
"""
from attic.figures.svg import Box, Drawing, hexadecimal
from attic.snapshot import Snapshot, address, page

LEFT, PAGE_WIDTH, HEIGHT = 30, 84, 40
TOP, BOTTOM = 110, 330
CELL, GAP = 10.4, 32          # of a frame; between two stretches of frames
GROUP = 32                    # frames: a stretch starts and ends at a multiple of this
COLOURS = ('blue', 'orange')
PAGE_SHIFT = 12


def draw(seen):
    snapshot = Snapshot(seen.snapshots['areas'])
    areas = snapshot.areas[-2:]
    picture = Drawing(900, 470, 'Two vmalloc areas and their frames',
                      'Two areas in the vmalloc region, each with its pages side by side and a guard page behind them, and below them '
                      'physical memory, with a line from each page to its frame. The lines cross.')
    picture.text(LEFT, 24, f'The vmalloc area from {areas[0].start} on', 'head')
    picture.text(LEFT, 44, 'Contiguous addresses; hatched: the guard of each area, never mapped.', 'soft')
    frames = [frame for area in areas for _, _, (frame, _) in area.pages]
    places = strip(picture, snapshot, frames)
    x = LEFT
    for area, colour in zip(areas, COLOURS):
        x = draw_area(picture, area, colour, x, places)
    picture.box(Box(x, TOP, 870 - x, HEIGHT), 'none', 'free', hint='addresses that are free: no entries')
    picture.text(x, TOP - 10, areas[-1].end)
    legend(picture)
    return picture


def draw_area(picture, area, colour, x, places):
    """Its pages, its guard, and a line from each page to its frame. Returns where it ends."""
    picture.text(x, TOP - 30, f'{area.count} pages, {area.kind}', 'soft')
    for first, last, (frame, _) in area.pages:
        for at in range(first, last):
            picture.text(x, TOP - 10, hexadecimal(at << PAGE_SHIFT))
            picture.box(Box(x, TOP, PAGE_WIDTH, HEIGHT), colour, f'page {at - page(area.start)}')
            picture.arrow((x + PAGE_WIDTH / 2, TOP + HEIGHT), (places[frame + at - first] + CELL / 2, BOTTOM), colour)
            x += PAGE_WIDTH
    picture.text(x, TOP - 10, hexadecimal(address(area.end) - (1 << PAGE_SHIFT)))
    picture.box(Box(x, TOP, PAGE_WIDTH, HEIGHT), 'none', style='hatch', hint='the guard: never mapped')
    picture.box(Box(x + 17, TOP + 10, PAGE_WIDTH - 34, 20), 'none', 'guard')
    return x + PAGE_WIDTH


def strip(picture, snapshot, frames):
    """Physical memory near the frames, a cell per frame. Returns where each frame is."""
    groups = sorted({frame // GROUP for frame in frames})
    picture.text(LEFT, BOTTOM + HEIGHT + 42, 'Physical memory, a cell per frame; what lies between the stretches is left out.', 'soft')
    mine = {frame: COLOURS[index] for index, area in enumerate(snapshot.areas[-2:]) for _, _, (frame, _) in area.pages}
    x, places = LEFT, {}
    cell = min(CELL, (840 - GAP * (len(groups) - 1)) / (GROUP * len(groups)))
    for number, group in enumerate(groups):
        if number and group != groups[number - 1] + 1:
            picture.text(x + GAP / 2, BOTTOM + HEIGHT / 2 + 4, '...', anchor='middle')
            x += GAP
        picture.text(x, BOTTOM + HEIGHT + 18, hexadecimal(group * GROUP << PAGE_SHIFT))
        for frame in range(group * GROUP, (group + 1) * GROUP):
            owner = snapshot.frame(frame)[0]
            places[frame] = x
            colour, style = (mine[frame], 'strong') if frame in mine else look(owner)
            picture.box(Box(x, BOTTOM, cell, HEIGHT), colour, style=style, hint=f'{hexadecimal(frame << PAGE_SHIFT)}: {owner}')
            x += cell
    return places


def look(owner):
    if owner == 'free':
        return 'none', 'pale'
    return 'grey', 'pale' if owner != 'no RAM' else 'hatch'


def legend(picture):
    picture.legend(LEFT, 444, [('blue', 'first area', 'strong'), ('orange', 'second area', 'strong'), ('none', 'free', 'pale'),
                               ('grey', 'has another owner', 'pale')])
