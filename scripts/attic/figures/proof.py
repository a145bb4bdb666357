"""proof.svg: the arithmetic of the audit. The frames of all owners add up to all RAM; references of a frame are its holder and mappings.

Owners and references are the kernel's, from the snapshot. The mappings are found outside of it, by a walk through the raw tables of all
directories: the entries of the vmalloc area, once, and those of each user half. These are the ones that count (mm/check/audit_counts.c).
"""
from collections import Counter

from attic.figures.svg import Box, Drawing, hexadecimal
from attic.snapshot import FREE_OWNERS

PAGE_SHIFT, PDE_SHIFT = 12, 22
HELD = ('slab', 'other', 'process tables', 'file pages')  # these owners hold a frame by a pointer: one reference more than mappings
ALLOCATED = (*HELD, 'vmalloc', 'user pages')
NAMES = {'other': 'other kernel pages'}
TOP, ROW = 84, 21
RIGHT = 392


def draw(seen):
    document = seen.snapshots['written']
    groups = by_group(document)
    rows = samples(seen, document)
    picture = Drawing(900, 0, 'The arithmetic of the audit',
                      'On the left all frames by owner, which add up to all of RAM. On the right some frames: the references that the '
                      'kernel counts beside the mappings that were found in the page tables.')
    left = sums(picture, document, groups)
    picture.text(RIGHT, 24, 'One frame: count = holder + mappings', 'head')
    picture.text(RIGHT, 44, 'count: by the kernel; mappings: found in the raw page tables', 'soft')
    y = TOP
    for row in rows:
        y = draw_sample(picture, y, *row)
    y = max(left, y) + 10
    picture.lines(30, y, seen.audit)
    picture.height = y + 36
    return picture


def by_group(document):
    """(group, [(owner, frames)]): free, allocated, reserved before there was an allocator."""
    count = Counter()
    for _, frames, owner, _ in document['frames']:
        count[owner] += frames
    kinds = {'free': [], 'allocated': [], 'reserved at start-up': []}
    for owner, frames in count.items():
        kind = 'free' if owner in FREE_OWNERS else 'allocated' if owner in ALLOCATED else 'reserved at start-up'
        kinds[kind].append((owner, frames))
    return [(kind, sorted(owners, key=lambda pair: -pair[1])) for kind, owners in kinds.items()]


def sums(picture, document, groups):
    """The addition, group by group. Returns where it ends."""
    picture.text(30, 24, 'All frames', 'head')
    picture.text(30, 44, 'by the owner that each has', 'soft')
    y, total = TOP, 0
    for (group, owners), colour in zip(groups, ('none', 'green', 'grey')):
        count = sum(frames for _, frames in owners)
        total += count
        picture.box(Box(30, y - 14, 320, ROW * (len(owners) + 1) + 4), colour)
        picture.text(40, y + 2, group)
        picture.text(340, y + 2, f'{count}', anchor='end')
        for owner, frames in owners:
            y += ROW
            picture.text(56, y + 2, NAMES.get(owner, owner), 'soft')
            picture.text(250, y + 2, f'{frames}', 'soft', 'end')
        y += ROW + 12
    ram = document['memory']['ram_frames']
    picture.line((260, y - 8), (346, y - 8))
    picture.text(40, y + 12, 'sum')
    picture.text(340, y + 12, f'{total}', anchor='end')
    picture.text(40, y + 33, 'frames of RAM')
    picture.text(340, y + 33, f'{ram}', anchor='end')
    picture.text(40, y + 54, 'they are equal' if total == ram else f'THEY DIFFER BY {ram - total}')
    return y + 78


def samples(seen, document):
    """(frame, name, holders, references, where it is mapped) of a few frames: one of each kind that a count can have."""
    found, wanted = [], [('vmalloc', 1), ('process tables', 1), ('user pages', 1), ('user pages', 2), ('other', None), ('file pages', None)]
    for owner, references in wanted:
        frame = next((run for run in document['frames'] if run[2] == owner and references in (None, run[3])), None)
        if frame:
            name = 'the page of zeros' if frame[0] == document['memory']['zero_frame'] else NAMES.get(owner, owner)
            holder = 1 if owner in HELD else 0
            found.append((frame[0], name, holder, frame[3], mappings(seen, document, frame[0])))
    return found


def mappings(seen, document, frame):
    """Words for each counted mapping of a frame."""
    region = next(each for each in document['regions'] if each['name'] == 'vmalloc')
    start, end = int(region['start'], 16), int(region['end'], 16)
    kernel = seen.tables.addresses(int(document['kernel']['pgd'], 16), frame, start >> PDE_SHIFT, end - 1 >> PDE_SHIFT, holding=1)
    said = [f'vmalloc area {hexadecimal(address)}' for address, _ in kernel if start <= address < end]
    for task in document['tasks']:
        if task['pgd']:
            said += [f'pid {task["pid"]}, {hexadecimal(address)}' for address, _ in
                     seen.tables.addresses(int(task['pgd'], 16), frame, 0, 767)]
    return said


def draw_sample(picture, y, frame, name, holder, references, found):
    """A frame with its count, and the mappings below it. Returns where the next one starts."""
    equal = references == holder + len(found)
    height = 34 + 16 * max(len(found), 1)
    picture.box(Box(RIGHT, y - 14, 478, height), 'blue' if equal else 'red')
    picture.text(RIGHT + 10, y + 4, f'{hexadecimal(frame << PAGE_SHIFT)} {name}')
    picture.text(RIGHT + 468, y + 4, f'{references} {"=" if equal else "IS NOT"} {holder} + {len(found)}', anchor='end')
    picture.lines(RIGHT + 26, y + 22, '\n'.join(found) or 'no mapping that counts', 'soft')
    return y + height + 10
