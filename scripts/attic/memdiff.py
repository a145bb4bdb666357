"""Sentences about what changed between two snapshots, for scripts/memdiff.

A sentence about a page answers the questions of a teacher: which frame it has now, who owned that before, how many share it, and so what
happened: a first touch, a copy after a fork, a right taken away. Neighbouring pages with the same text are one sentence, and long lists are
cut short.

Everything in a snapshot is compared, except what is not the effect of an action on memory: name and time; whether a task runs, is ready or
sleeps; which free frames are hot; the accessed bit of a process's directory entries. So "nothing has changed" can be relied on.

Limits: a process that has another page directory than before (exec) is described as a whole, not page by page.

Neighbours: snapshot.py finds the differences; memdiff_counts.py has the first line; scripts/memdiff prints the sentences.
"""
from itertools import groupby

from attic.memdiff_counts import counts_line, plural
from attic.snapshot import AWAKE, PAGE_SHIFT, differences, shift_area, shift_nothing, shift_page, shift_pde

RANGES_SHOWN = 4   # of frames, in one sentence
LINES_SHOWN = 16   # about the pages of one process, unless all is asked for
ALIKE_SHOWN = 3    # areas that are listed one by one
BITS = ('P', 'RW', 'US', 'PWT', 'PCD', 'A', 'D', 'PS', 'PAT', 'G')


# ---- words ----

def total(ranges):
    return sum(end - start for start, end in ranges)


def merged(ranges):
    """Ranges in order, those that touch joined."""
    result = []
    for start, end in ranges:
        if result and result[-1][1] == start:
            result[-1][1] = end
        else:
            result.append([start, end])
    return result


def frame_text(pfn):
    return f'0x{pfn << PAGE_SHIFT:08x}'


def frames_text(ranges):
    """By physical addresses: frame 0x00123000; frames 0x00123000..0x00126fff, 0x00130000 and 12 more."""
    ranges = merged(ranges)
    shown = [frame_text(start) + (f'..0x{(end << PAGE_SHIFT) - 1:08x}' if end > start + 1 else '') for start, end in ranges[:RANGES_SHOWN]]
    hidden = total(ranges[RANGES_SHOWN:])
    return ('frame ' if total(ranges) == 1 else 'frames ') + ', '.join(shown) + (f' and {hidden} more' if hidden else '')


def span(start, end):
    """Addresses of pages, as /proc/PID/maps has them."""
    return f'0x{start << PAGE_SHIFT:08x}-0x{end << PAGE_SHIFT:08x}'


def pages_text(start, end):
    return f'page 0x{start << PAGE_SHIFT:08x}' if end == start + 1 else f'pages {span(start, end)} ({end - start} pages)'


def entry_text(value, what='frame'):
    """What an entry points to, and all its bits."""
    if not value:
        return 'nothing'
    return f'{what} {frame_text(value[0])} [{" ".join(bit for bit in BITS if bit in value[1])}]'


def rights_text(bits):
    if 'P' not in bits:
        return 'without any right'
    return ('writable' if 'RW' in bits else 'read-only') + ('' if 'US' in bits else ' for the kernel')


def which_were(ranges, what):
    return f'which {"was" if total(ranges) == 1 else "were"} {what}'


def which_are(ranges, what):
    return f'which {"is" if total(ranges) == 1 else "are"} {what} now'


def counts_text(counts):
    """slab; free (3), slab (1)."""
    return ', '.join(f'{owner} ({count})' if len(counts) > 1 else owner for owner, count in counts.items())


def owners_text(snapshot, ranges):
    counts = {}
    for start, end in ranges:
        for pfn in range(start, end):
            owner = snapshot.frame(pfn)[0]
            counts[owner] = counts.get(owner, 0) + 1
    return counts_text(counts)


def task_text(task):
    return f'{"process" if task["pgd"] else "task"} {task["pid"]} ({task["comm"]})'


# ---- the machine and the kernel's tables ----

def machine_changes(a, b):
    for key in [*a.memory, *(key for key in b.memory if key not in a.memory)]:
        if a.memory.get(key) != b.memory.get(key) and not key.startswith('free_'):    # those are listed frame by frame
            yield f'memory: {key} is {b.memory.get(key)}, was {a.memory.get(key)}'
    for name in [*a.regions, *(name for name in b.regions if name not in a.regions)]:
        was, now = ('-'.join(snapshot.regions.get(name, ['not there'])) for snapshot in (a, b))
        if was != now:
            yield f'region {name}: {now}, was {was}'
    if a.pgd != b.pgd:
        yield f'kernel: the page directory is at {b.pgd}, was {a.pgd}'


def directory_changes(who, old, new):
    for start, end, before, now in differences(old, new, shift_pde):
        which = f'entry {start}' if end == start + 1 else f'entries {start}..{end - 1}'
        was, is_now = (entry_text(value, '4 MiB page at frame' if value and 'PS' in value[1] else 'page table in frame')
                       for value in (before, now))
        yield (f'{who}: directory {which} (0x{start << 22:08x}): ' +
               (f'{is_now}, was {was}' if before and now else f'{is_now} is new' if now else f'{was} is gone'))


def entry_changes(who, old, new):
    """Pages of the kernel, with all their bits."""
    for start, end, before, now in differences(old, new, shift_page):
        yield f'{who}: {pages_text(start, end)}: {entry_text(now)}, was {entry_text(before)}'


# ---- vmalloc areas ----

def area_text(area, snapshot):
    stacks = [task for task in snapshot.tasks.values() if task['stack'] == area.start]
    whose = ''.join(f', kernel stack of {task["pid"]} ({task["comm"]})' for task in stacks)
    return f'vmalloc area {area.start}-{area.end} ({plural(area.count, "page")}, {area.kind}, by {area.caller}{whose})'


def came_text(a, b, kind, ranges):
    if kind == 'ioremap':
        return f'shows a device at {frames_text(ranges)}'
    if kind == 'vmap':
        return f'shows {frames_text(ranges)}, of {owners_text(b, ranges)}'
    return f'{frames_text(ranges)}, {which_were(ranges, owners_text(a, ranges))}'


def went_text(b, kind, ranges):
    if kind == 'ioremap':
        return f'showed a device at {frames_text(ranges)}'
    return f'{frames_text(ranges)}, {which_are(ranges, owners_text(b, ranges))}'


def alike(area):
    return area.kind, area.count, area.caller


def areas_changes(a, b, areas, is_new, everything):
    """Areas that are new, or gone; many alike are one sentence."""
    for (kind, count, caller), group in groupby(sorted(areas, key=alike), alike):
        group = list(group)
        pieces = [[area] for area in group] if len(group) <= ALIKE_SHOWN or everything else [group]
        for piece in pieces:
            ranges = sorted(run for area in piece for run in area.frames)
            what = area_text(piece[0], b if is_new else a) if len(piece) == 1 else (
                f'{len(piece)} vmalloc areas from {piece[0].start} to {piece[-1].end} '
                f'({plural(count, "page")} each, {kind}, by {caller})')
            verb = ('is' if len(piece) == 1 else 'are') + (' new' if is_new else ' gone')
            yield f'{what} {verb}: {came_text(a, b, kind, ranges) if is_new else went_text(b, kind, ranges)}'


def area_changes(a, b, everything):
    before, now = ({area.key: area for area in snapshot.areas} for snapshot in (a, b))
    yield from areas_changes(a, b, [area for area in a.areas if area.key not in now], False, everything)
    yield from areas_changes(a, b, [area for area in b.areas if area.key not in before], True, everything)
    for area in b.areas:
        if area.key in before:
            yield from entry_changes(area_text(area, b), before[area.key].pages, area.pages)


# ---- pages of processes ----

def page_state(snapshot, value, frames):
    """A page's frame and the bits that matter; `frames` stands for the numbers until they are known."""
    if value[0] == snapshot.zero_frame:
        return 'the page of zeros'
    owner, references = snapshot.frame(value[0])
    of = '' if owner == 'user pages' else f' of {owner}'
    return f'{frames}{of} {rights_text(value[1])} ({plural(references, "reference")})'


def bits_text(old, new):
    """Bits that were set and cleared, in words."""
    words = [] if rights_text(old) == rights_text(new) else [f'{rights_text(old)} -> {rights_text(new)}']
    words += [word for bit, word in (('A', 'accessed'), ('D', 'written to')) if bit in new - old]
    words += [f'{bit} cleared' for bit in BITS if bit in old - new - {'P', 'RW', 'US'}]
    words += [f'{bit} set' for bit in BITS if bit in new - old - {'P', 'RW', 'US', 'A', 'D'}]
    return ', '.join(words)


def is_copy(a, b, before, now):
    """True when a write must have caused it: the old frame was read-only, or is still used by others."""
    with_others = a.frame(before[0])[0] == b.frame(before[0])[0] == 'user pages'
    return 'RW' in now[1] and b.frame(now[0])[0] == 'user pages' and ('RW' not in before[1] or with_others)


def page_text(a, b, before, now):
    """What happened to a page, with {old} and {new} for its frames, so that neighbours have the same text."""
    if not before:
        was = '' if now[0] == b.zero_frame else f', was {a.frame(now[0])[0]}'
        return f'mapped now: {page_state(b, now, "{new}")}{was}'
    if not now:
        fate = '' if before[0] == a.zero_frame else f', is {b.frame(before[0])[0]} now'
        return f'mapped no longer: {page_state(a, before, "{old}")}{fate}'
    if before[0] == now[0]:
        was, counts = a.frame(now[0])[1], b.frame(now[0])[1]
        shared = '' if was == counts or now[0] == b.zero_frame else f', {was} -> {counts} references'
        return f'{{new}}: {bits_text(before[1], now[1])}{shared}'
    return (f'{page_state(a, before, "{old}")} -> {page_state(b, now, "{new}")}: '
            f'{"copied" if is_copy(a, b, before, now) else "replaced"}')


def changed_pages(a, b, old, new):
    """(page, text, (value before, value now)) of each page that differs."""
    for start, end, before, now in differences(old, new, shift_page):
        for at in range(start, end):
            values = [value and shift_page(value, at - start) for value in (before, now)]
            yield at, page_text(a, b, *values), values


def page_changes(a, b, old, new):
    """Neighbouring pages with the same text are one sentence."""
    for _, group in groupby(enumerate(changed_pages(a, b, old, new)), lambda item: (item[1][1], item[1][0] - item[0])):
        pages = [page for _, page in group]
        text = pages[0][1]
        for mark, which in (('{old}', 0), ('{new}', 1)):
            text = text.replace(mark, frames_text([(values[which][0], values[which][0] + 1)
                                                   for _, _, values in pages if values[which]]))
        yield f'{pages_text(pages[0][0], pages[-1][0] + 1)}: {text}'


# ---- address spaces ----

def vma_text(value):
    rights, name, offset = value
    return f'{rights}, {name or "no name"}' + (f' from byte {offset}' if offset else '')


def beside(runs, start, end, value):
    """True when a run with these rights and this name touches [start, end)."""
    return any(run[2][:2] == value[:2] and start <= run[1] and run[0] <= end for run in runs)


def vma_changes(old, new):
    for start, end, before, now in differences(old, new, shift_area):
        where = f'area {span(start, end)} ({plural(end - start, "page")}'
        if before and now:
            yield f'{where}): {vma_text(now)}; was {vma_text(before)}'
        elif now:
            yield f'{where}; {vma_text(now)}) is new' + (', grown from what is beside it' if beside(old, start, end, now) else '')
        else:
            yield f'{where}; {vma_text(before)}) is gone' + (', cut off what is beside it' if beside(new, start, end, before) else '')


def space_text(snapshot, space):
    """An address space as a whole."""
    counts = {}
    for start, end, (frame, _) in space.pages:
        for pfn in range(frame, frame + end - start):
            owner = 'the page of zeros' if pfn == snapshot.zero_frame else snapshot.frame(pfn)[0]
            counts[owner] = counts.get(owner, 0) + 1
    pages = sum(counts.values())
    tables = sum(end - start for start, end, _ in space.pdes)
    return (f'{plural(len(space.areas), "area")}, {plural(pages, "page")} mapped' + (f': {counts_text(counts)}' if pages else '') +
            f'; {plural(tables, "page table")}')


def inside_changes(a, b, old, new, everything):
    """The changes in an address space that exists in both."""
    yield from vma_changes(old.areas, new.areas)
    if old.heap != new.heap:
        was, now = (f'0x{heap[0]:08x}-0x{heap[1]:08x}' for heap in (old.heap, new.heap))
        yield f'the heap is {now}, was {was}'
    if old.kernel_differs != new.kernel_differs:
        yield f'directory entries that are not the kernel\'s: {new.kernel_differs}, was {old.kernel_differs}'
    lines = list(page_changes(a, b, old.pages, new.pages))
    shown = lines if everything else lines[:LINES_SHOWN]
    yield from shown
    if len(lines) > len(shown):
        yield f'and {len(lines) - len(shown)} more changes of its pages'


def space_changes(a, b, old, new, who, everything):
    if not old and not new:
        return
    if not new:
        yield f'{who} has no address space any more'
    elif not old or old.pgd != new.pgd:
        yield f'{who} has a new address space, page directory {new.pgd}: {space_text(b, new)}'
    else:
        yield from directory_changes(who, old.pdes, new.pdes)
        yield from (f'{who}: {text}' for text in inside_changes(a, b, old, new, everything))


# ---- tasks ----

def frame_of_page(space):
    return {start + i: frame + i for start, end, (frame, _) in space.pages for i in range(end - start)}


def shared_with(snapshot, space, other):
    """Private pages that two spaces have in the same frame at the same address, as after fork."""
    theirs = frame_of_page(other) if other else {}
    return sum(theirs.get(at) == frame and snapshot.frame(frame)[0] == 'user pages' and frame != snapshot.zero_frame
               for at, frame in frame_of_page(space).items())


def new_task_text(b, task):
    space, parent = b.space(task['pid']), b.tasks.get(task['ppid'])
    whose = f'{task["ppid"]} ({parent["comm"]})' if parent else f'{task["ppid"]}'
    if not space:
        return f'{task_text(task)} is new, started by {whose}'
    if space is b.space(task['ppid']):
        return f'{task_text(task)} is new, in the address space of {whose} (vfork)'
    shared = shared_with(b, space, b.space(task['ppid']))
    how = f'forked from {whose}, with which it shares {plural(shared, "frame")}' if shared else f'started by {whose}'
    return f'{task_text(task)} is new, {how}: {space_text(b, space)}'


def state_text(before, now):
    """What changed of a task; None if it only ran, or waits to run."""
    before, now = ('awake' if state in AWAKE else state for state in (before, now))
    if before == now:
        return None
    return {'zombie': 'has ended, and its parent has not asked for it yet', 'stopped': 'has been stopped'}.get(now, 'goes on')


def task_changes(a, b, everything):
    for pid, task in a.tasks.items():
        if pid not in b.tasks:
            yield f'{task_text(task)} is gone'
    for pid, task in b.tasks.items():
        before, who = a.tasks.get(pid), task_text(task)
        if not before:
            yield new_task_text(b, task)
            continue
        if before['comm'] != task['comm']:
            yield f'{who} was {before["comm"]}'
        if state_text(before['state'], task['state']):
            yield f'{who} {state_text(before["state"], task["state"])}'
        yield from (f'{who}: its {key} is {task[key]}, was {before[key]}' for key in ('ppid', 'stack') if task[key] != before[key])
        yield from space_changes(a, b, a.space(pid), b.space(pid), who, everything)


def ownerless_changes(a, b, everything):
    """Address spaces without a task: of a fork or exec in progress."""
    old, new = ({pgd: space for pgd, space in snapshot.spaces.items()
                 if pgd not in [task['pgd'] for task in snapshot.tasks.values()]} for snapshot in (a, b))
    for pgd in [*old, *(pgd for pgd in new if pgd not in old)]:
        yield from space_changes(a, b, old.get(pgd), new.get(pgd), f'page directory {pgd}, which no task has,', everything)


# ---- frames ----

def frame_changes(a, b):
    """Owners and references, summed up over all of RAM; in order of owners, so that other frames give the same lines."""
    moved, counted = {}, {}
    for start, end, before, now in differences(a.frames, b.frames, shift_nothing):
        before, now = before or ('no RAM', 0), now or ('no RAM', 0)
        if (start, end) == (b.zero_frame, b.zero_frame + 1):
            before, now = (('the page of zeros', references) for _, references in (before, now))
        groups, key = (moved, (before[0], now[0])) if before[0] != now[0] else (counted, (now[0], before[1], now[1]))
        groups.setdefault(key, []).append((start, end))
    for (before, now), ranges in sorted(moved.items()):
        count = plural(total(ranges), 'frame')
        yield (f'{now}: {count} more, {frames_text(ranges)}, {which_were(ranges, "free")}' if before == 'free' else
               f'{before}: {count} fewer, {frames_text(ranges)}, {which_are(ranges, "free")}' if now == 'free' else
               f'{count} of {before} now of {now}: {frames_text(ranges)}')
    for (owner, before, now), ranges in sorted(counted.items()):
        yield (f'{owner}: {plural(total(ranges), "frame")} with {plural(now, "reference")}, which had {before}: '
               f'{frames_text(ranges)}')


def changes(a, b, everything=False):
    """What has changed from a to b: a line of counts, and sentences; empty if nothing has changed."""
    found = [*machine_changes(a, b), *directory_changes('kernel', a.pdes, b.pdes), *entry_changes('kernel', a.pages, b.pages),
             *area_changes(a, b, everything), *task_changes(a, b, everything), *ownerless_changes(a, b, everything),
             *frame_changes(a, b)]
    return [counts_line(a, b), *found] if found else []
