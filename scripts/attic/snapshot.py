"""A snapshot of Attic's memory (docs/snapshot.schema.json), prepared for comparison.

Most of a snapshot is runs: of pages with their frames, of areas, of directory entries, of frames with their owners. All of them
become lists of (start, end, value), in numbers of pages, entries or frames, and all are compared by one function: it cuts two lists
at the edges of both, so that a change is found to the page, however the runs were cut before.

The constructor of Snapshot reads everything that is compared later: a document that lacks some of it is refused here, with one of Python's
errors (MALFORMED). A document with a wrong type may be refused only when it is compared, with the same errors.

Neighbours: memdiff.py finds words for the differences.
"""
from bisect import bisect_right

PAGE_SHIFT = 12
FORMAT, VERSION = 'attic-snapshot', 1
FREE_OWNERS = ('buddy', 'hot')
AWAKE = ('running', 'ready', 'sleeping')
MALFORMED = (KeyError, IndexError, TypeError, ValueError, AttributeError)


class Snapshot:
    def __init__(self, document):
        kernel = document['kernel']
        self.name = document['name']
        self.memory = dict(document['memory'])
        self.regions = {region['name']: (region['start'], region['end']) for region in document['regions']}
        self.zero_frame = self.memory['zero_frame']
        self.pgd = kernel['pgd']
        self.pdes = pde_runs(kernel['pdes'])
        self.pages = page_runs(kernel['mappings'])
        self.areas = [Area(area) for area in kernel['areas']]
        self.tasks = {task['pid']: {key: task[key] for key in ('pid', 'ppid', 'comm', 'state', 'stack', 'pgd')}
                      for task in document['tasks']}
        self.spaces = {space['pgd']: Space(space) for space in document['spaces']}
        self.frames = [(first, first + count, ('free' if owner in FREE_OWNERS else owner, references))
                       for first, count, owner, references in document['frames']]
        self.frame_starts = [start for start, _, _ in self.frames]

    def frame(self, pfn):
        """Owner and references; "no RAM" for frames in no run."""
        at = bisect_right(self.frame_starts, pfn) - 1
        if at >= 0 and pfn < self.frames[at][1]:
            return self.frames[at][2]
        return 'no RAM', 0

    def space(self, pid):
        task = self.tasks.get(pid)
        return self.spaces.get(task['pgd']) if task else None


class Area:
    """A vmalloc area. Two with the same key are the same one, though its pages may have changed."""

    def __init__(self, area):
        self.start, self.end, self.kind, self.count = area['start'], area['end'], area['kind'], int(area['pages'])
        self.caller = area['caller'].rpartition('/')[0] or area['caller']
        self.pages = page_runs(area['mappings'])
        self.key = address(self.start), address(self.end), self.kind, self.caller
        self.frames = [(value[0], value[0] + end - start) for start, end, value in self.pages]


class Space:
    """An address space of a process."""

    def __init__(self, space):
        self.pgd = space['pgd']
        self.heap = address(space['heap_start']), address(space['heap_end'])
        self.pdes = [(start, end, (frame, bits - {'A'})) for start, end, (frame, bits) in pde_runs(space['pdes'])]
        self.kernel_differs = list(space['kernel_differs'])
        self.pages = page_runs(space['mappings'])
        self.areas = [(page(vma['start']), page(vma['end']), (vma['rights'], vma['name'], vma['offset']))
                      for vma in space['vmas']]


# ---- runs ----

def address(text):
    return int(text, 16)


def page(text):
    return address(text) >> PAGE_SHIFT


def page_runs(mappings):
    """(start, end, (frame, bits)): a run for each run of frames."""
    runs = []
    for mapping in mappings:
        at, bits = page(mapping['start']), frozenset(mapping['bits'].split())
        for first, count in mapping['frames']:
            runs.append((at, at + count, (first, bits)))
            at += count
    return runs


def pde_runs(entries):
    return [(entry['index'], entry['index'] + entry['count'], (page(entry['phys']), frozenset(entry['bits'].split())))
            for entry in entries]


# The value of a run `by` pages, entries or frames after its start.

def shift_page(value, by):
    return value[0] + by, value[1]


def shift_pde(value, by):
    return value[0] + by * (1024 if 'PS' in value[1] else 1), value[1]


def shift_area(value, by):
    rights, name, offset = value
    return rights, name, None if offset is None else offset + (by << PAGE_SHIFT)


def shift_nothing(value, _):
    return value


def value_at(runs, index, at, shift):
    """The value at a place that no run before runs[index] reaches; None if no run contains it."""
    if index < len(runs) and runs[index][0] <= at:
        return shift(runs[index][2], at - runs[index][0])
    return None


def differences(old, new, shift):
    """Pieces (start, end, value before, value now) that differ, in order; None if there is no value."""
    edges = sorted({edge for runs in (old, new) for start, end, _ in runs for edge in (start, end)})
    i = j = 0
    for start, end in zip(edges, edges[1:]):
        while i < len(old) and old[i][1] <= start:
            i += 1
        while j < len(new) and new[j][1] <= start:
            j += 1
        before, now = value_at(old, i, start, shift), value_at(new, j, start, shift)
        if before != now:
            yield start, end, before, now
