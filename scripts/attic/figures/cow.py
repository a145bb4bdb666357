"""cow.svg: the eight pages of `steps` and of its child, after a fork and two writes of the parent: which frame each has, and its count.

Entries, bits and counts are those of the snapshot. Pages that have no entry on either side are promises of their area.
"""
from attic.figures.svg import Box, Drawing, hexadecimal
from attic.snapshot import Snapshot

PAGES, PAGE_SHIFT = 8, 12
TOP, ROW = 96, 64
PARENT, CHILD, FRAME = Box(30, TOP, 190, 38), Box(680, TOP, 190, 38), Box(340, TOP, 220, 24)


def draw(seen):
    snapshot = Snapshot(seen.snapshots['written'])
    parent, child = (pid for pid, task in snapshot.tasks.items() if task['comm'] == 'steps')
    first = area_of(snapshot.space(parent))
    sides = [(PARENT, entries(snapshot.space(parent), first)), (CHILD, entries(snapshot.space(child), first))]
    picture = Drawing(900, TOP + ROW * PAGES + 60, 'Copy-on-write after a fork and two writes',
                      'Eight pages of the parent on the left, of the child on the right, and the frames between them with their '
                      'reference counts: two pages are copied, two are shared, one is the page of zeros, and three have no entry.')
    for box, head in ((PARENT, f'parent: pid {parent}'), (FRAME, 'frames'), (CHILD, f'child: pid {child}')):
        picture.text(box.x, 24, head, 'head')
    picture.text(FRAME.x, 44, 'physical address, references', 'soft')
    picture.text(PARENT.x, 44, 'has written to two', 'soft')
    picture.text(CHILD.x, 44, 'has written to none', 'soft')
    for number in range(PAGES):
        draw_row(picture, snapshot, first + number, number, sides)
    picture.legend(30, picture.height - 36, [('blue', 'entry: writable'), ('orange', 'entry: read-only'), ('none', 'no entry', 'hatch')])
    zeros = snapshot.frame(snapshot.zero_frame)[1]
    picture.text(30, picture.height - 14, f'The page of zeros has {zeros} references: one of its own, and one for each entry.', 'soft')
    return picture


def area_of(space):
    """The first page of the area that the program has made: the anonymous one of PAGES pages."""
    return next(first for first, last, (_, name, _) in space.areas if last - first == PAGES and name is None)


def entries(space, first):
    """page: (frame, bits) of the pages of the area that have an entry."""
    return {start + at: (frame + at, bits) for start, end, (frame, bits) in space.pages for at in range(end - start)
            if first <= start + at < first + PAGES}


def draw_row(picture, snapshot, page, number, sides):
    """A page on both sides, and its frames between them: one, two, or none."""
    y = TOP + ROW * number
    frames = list(dict.fromkeys(found[page][0] for _, found in sides if page in found))
    places = {frame: y + (7 if len(frames) == 1 else -6 + 26 * index) for index, frame in enumerate(frames)}
    for frame, at in places.items():
        zero = ' zeros' if frame == snapshot.zero_frame else ''
        references = snapshot.frame(frame)[1]
        shared = references > 1
        picture.box(FRAME._replace(y=at), 'purple' if zero else 'green' if shared else 'grey',
                    f'{hexadecimal(frame << PAGE_SHIFT)}{zero}, count {references}')
    for box, found in sides:
        here = box._replace(y=y)
        if page not in found:
            picture.box(here, 'none', style='hatch')
            picture.box(Box(box.x + 10, y + 8, box.w - 20, 22), 'none', f'{hexadecimal(page << PAGE_SHIFT)} no entry')
            continue
        frame, bits = found[page]
        colour, right = ('blue', 'rw') if 'RW' in bits else ('orange', 'r-')
        picture.box(here, colour, f'{hexadecimal(page << PAGE_SHIFT)} {right}')
        ends = (box.x + box.w, FRAME.x) if box is PARENT else (box.x, FRAME.x + FRAME.w)
        picture.arrow((ends[0], y + 19), (ends[1], places[frame] + 12), colour)
    if not frames:
        picture.text(FRAME.x + FRAME.w / 2, y + 23, 'only a promise', 'soft', 'middle')
