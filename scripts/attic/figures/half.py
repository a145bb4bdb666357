"""one-half.svg: three page directories. Entries of the kernel half lead to the same tables, those of the user halves each to their own.

The directories are the master's and those of `steps` and its child, as raw memory has them.
"""
from attic.figures.svg import Box, Drawing, hexadecimal
from attic.tables import PDE_SHIFT, Entry

KERNEL_FIRST = 768
TARGETS, DIRECTORIES, OWN = 80, 210, 500  # tops
WIDTH, ROW = 210, 26
LEFTS = (30, 345, 660)
COLOURS = ('blue', 'green', 'purple', 'red')


def draw(seen):
    document = seen.snapshots['written']
    spaces = [(f'{task["comm"]}, pid {task["pid"]}', int(task['pgd'], 16)) for task in document['tasks'] if task['pgd']]
    directories = [('master: swapper_pg_dir', int(document['kernel']['pgd'], 16)), *spaces[:2]]
    words = [seen.tables.words(at, 1024) for _, at in directories]
    shared = groups(words[0], KERNEL_FIRST, 1024)
    same = sum(len({each[index] for each in words}) == 1 for index in range(KERNEL_FIRST, 1024))
    picture = Drawing(900, 680, 'One kernel half in three page directories',
                      'Three page directories: the entries of their kernel halves lead to the same page tables and the same 4 MiB '
                      'pages. Below, each process has page tables of its own.')
    picture.text(30, 24, f'The kernel half: {same} of 256 entries are the same in all {len(directories)} directories', 'head')
    targets(picture, words[0], shared)
    for left, (name, at), each in zip(LEFTS, directories, words):
        directory(picture, left, name, at, each, shared)
    picture.line((10, split(shared)), (890, split(shared)), 'soft', 'dashed')
    picture.text(30, 664, 'Above the dashed line: entries 768..1023, from 0xc0000000 on. Below it: entries 0..767, of one process.', 'soft')
    return picture


def split(shared):
    """Where the kernel half of the directories ends in the picture."""
    return DIRECTORIES + ROW + 6 + ROW * len(shared) + 6


def groups(words, first, last):
    """(first, last) of the entries that are present and side by side, and alike: tables or 4 MiB pages."""
    found = []
    for index in range(first, last):
        entry = Entry('PDE', index, 0, words[index])
        if entry.present and found and found[-1][1] == index - 1 and Entry('PDE', 0, 0, words[index - 1]).large == entry.large:
            found[-1][1] = index
        elif entry.present:
            found.append([index, index])
    return [tuple(run) for run in found]


def span(run):
    return f'{run[0]}' if run[0] == run[1] else f'{run[0]}..{run[1]}'


def target_box(number, count):
    width = 840 / count - 14
    return Box(30 + number * (width + 14 + 14 / max(count - 1, 1)), TARGETS, width, 48)


def targets(picture, words, shared):
    """What the kernel half leads to, one box for each group of entries."""
    picture.text(30, TARGETS - 16, 'shared by all, present since the boot', 'soft')
    for number, run in enumerate(shared):
        entry = Entry('PDE', run[0], 0, words[run[0]])
        count = run[1] - run[0] + 1
        what = f'{count} pages of 4 MiB' if entry.large else f'{count} page table{"s" if count > 1 else ""}'
        picture.box(target_box(number, len(shared)), COLOURS[number % len(COLOURS)], f'{what}\nfrom {hexadecimal(entry.frame)}')


def directory(picture, left, name, at, words, shared):
    user = groups(words, 0, KERNEL_FIRST)
    top = DIRECTORIES + ROW + 6
    picture.text(left, OWN + 112, name, 'head')
    picture.text(left, OWN + 132, f'directory at {hexadecimal(at)}', 'soft')
    for number, run in enumerate(reversed(shared)):
        group = len(shared) - 1 - number
        colour = COLOURS[group % len(COLOURS)]
        box = Box(left, top + number * ROW, WIDTH, ROW)
        picture.box(box, colour, style='pale', hint=f'from virtual {hexadecimal(run[0] << PDE_SHIFT)}')
        picture.text(box.x + 8, box.y + 17, span(run))
        picture.text(box.x + 96, box.y + 17, f'-> {hexadecimal(Entry("PDE", 0, 0, words[run[0]]).frame)}')
    for number, run in enumerate(shared):
        goal = target_box(number, len(shared))
        cell = Box(left + WIDTH / len(shared) * number, DIRECTORIES, WIDTH / len(shared), ROW)
        picture.box(cell, COLOURS[number % len(COLOURS)], f'{run[0]}' if run[0] == run[1] else f'{run[0]}..')
        picture.arrow((cell.x + cell.w / 2, cell.y), (goal.x + goal.w / 2 + (left - LEFTS[1]) / 12, goal.y + goal.h),
                      COLOURS[number % len(COLOURS)])
    own(picture, left, words, user, split(shared) + 6)


def own(picture, left, words, user, top):
    """The user half of a directory, from its highest entry down, and the page tables below it."""
    if not user:
        picture.box(Box(left, top, WIDTH, ROW * 3), 'none', '0..767: all 0', style='open')
        picture.text(left, OWN + 30, 'no page tables of its own', 'soft')
        return
    for number, run in enumerate(reversed(user)):
        box = Box(left, top + number * ROW, WIDTH, ROW)
        picture.box(box, 'orange')
        picture.text(box.x + 8, box.y + 17, span(run))
        picture.text(box.x + 96, box.y + 17, f'-> {hexadecimal(Entry("PDE", 0, 0, words[run[0]]).frame)}')
    width = (WIDTH - 8 * (len(user) - 1)) / len(user)
    for number, run in enumerate(user):
        x = left + number * (width + 8)
        picture.arrow((x + width / 2, top + ROW * len(user)), (x + width / 2, OWN), 'orange')
        picture.box(Box(x, OWN, width, 60), 'orange', f'table\nof {span(run)}')
    picture.text(left, OWN + 80, 'its own page tables', 'soft')
