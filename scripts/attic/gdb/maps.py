"""`attic map` and `attic pgd`: an address space as ranges, and the directory under it as entries.

map walks all tables and merges adjacent pages that have the same size, the same rights and one owner; the frames of a range are named if
they are adjacent too. pgd stays on the first level: it shows the 1024 entries, with equal neighbours as one line.

Both show the raw tables: if something is mapped where the address map has nothing, the line is printed anyway, under the name of the
region. A 4 MiB page belongs to the region in which it begins.

Limits: accessed and dirty bits do not split ranges, as the processor changes them; `attic walk` shows them.

Neighbours: paging.py merges, owners.py finds the owners; walks.py shows one address, pgdiff.py two directories.
"""
import bisect

from attic import tables
from attic.gdb import cli, kernel, memory, owners, paging, spaces


def size_text(size):
    """The size in the largest unit that needs no fraction."""
    for shift, unit in ((30, "GiB"), (20, "MiB"), (10, "KiB")):
        if size and size % (1 << shift) == 0:
            return "%d %s" % (size >> shift, unit)
    return "%d B" % size


class Map(cli.Command):
    """List what is mapped in an address space.

A line is a range of pages side by side with the same size, rights and owner:
first and last address, size, what ring 0 and ring 3 may do (rw/rw, r-/--), 4M
or 4K pages, the frames if they are side by side, and the owner: a row of the
linear map, a vmalloc area with the code that made it, a slot of the fixmap, or
an area (VMA) of the process with its rights and name. PID is a process, or
`master`, `boot` or `loaded` (the default)."""

    name, usage, at_most = "map", "[PID]", 1

    def run(self, arguments):
        space = spaces.named(*arguments)
        print("%s, at physical 0x%08x:" % (space.text, space.directory))
        spans = owners.spans(space)
        starts = [span.start for span in spans]
        borders = starts + [span.end for span in spans]
        for region in reversed(list(kernel.regions())):
            runs = list(paging.runs(space.directory, region.first, region.last, borders))
            mapped = sum(run.end - run.start for run in runs)
            print("%s 0x%08x..0x%08x: %s mapped" % (region.name, region.first, region.last, size_text(mapped) if mapped else "nothing"))
            for run in runs:
                at = bisect.bisect_right(starts, run.start) - 1
                owner = spans[at].text if at >= 0 and run.start < spans[at].end else ""
                print(("  " + run_text(run) + "  " + owner).rstrip())


def run_text(run):
    where = "-> 0x%08x" % run.physical if run.physical is not None else "   scattered "
    return "0x%08x..0x%08x %9s %s %s %s%s" % (
        run.start, run.end - 1, size_text(run.end - run.start), tables.rights_text(run.rights),
        "4M" if run.size > memory.PAGE_SIZE else "4K", where, " not cached" if run.rights & tables.PCD else "")


class Pgd(cli.Command):
    """List the 1024 entries of a page directory.

Entries that are not present are only counted. Neighbours with the same bits
whose frames (page tables or 4 MiB pages) lie side by side are one line. PID is
a process, or `master`, `boot` or `loaded` (the default)."""

    name, usage, at_most = "pgd", "[PID]", 1

    def run(self, arguments):
        space = spaces.named(*arguments)
        print("%s, at physical 0x%08x:" % (space.text, space.directory))
        entries = paging.directory_entries(space.directory)
        border = kernel.page_offset() >> tables.PDE_SHIFT
        self.show("user half", entries[:border])
        self.show("kernel half", entries[border:])

    def show(self, title, entries):
        present = [entry for entry in entries if entry.present]
        print("%s, entries %d..%d: %d present" % (title, entries[0].index, entries[-1].index, len(present)))
        for group in equal_neighbours(present):
            print("  " + group_text(group))


def equal_neighbours(entries):
    """Lists of entries that fit on one line each."""
    group = []
    for entry in entries:
        if group and not continues(group[-1], entry):
            yield group
            group = []
        group.append(entry)
    if group:
        yield group


def continues(before, entry):
    """Whether an entry continues the one before it for the next 4 MiB."""
    step = 1 << tables.PDE_SHIFT if entry.large else memory.PAGE_SIZE
    return (entry.index == before.index + 1 and entry.large == before.large and entry.frame == before.frame + step
            and entry.value - entry.frame == before.value - before.frame)


def group_text(group):
    """One line: indices, addresses, the first entry and what it points to."""
    first, last = group[0], group[-1]
    index = "%d" % first.index if first is last else "%d..%d" % (first.index, last.index)
    what = "4 MiB page%s at" if first.large else "page table%s at"
    return "%-10s 0x%08x..0x%08x  0x%08x  %s 0x%08x%s; %s" % (
        index, first.index << tables.PDE_SHIFT, (last.index << tables.PDE_SHIFT) + 0x3FFFFF, first.value,
        what % ("s" if len(group) > 1 else ""), first.frame, ", side by side" if len(group) > 1 else "", first.bits())
