"""`attic pgdiff`: two page directories compared, and the kernel half of all of them.

The kernel half must be the same in every directory at all times (docs/invariants.md, I2), entry by entry: the page tables
below are shared, so equal entries mean that everything is equal. An entry that differs is shown with both values. That two directories
agree proves little if both were copied from a wrong master; so finally all directories are compared with the snapshot that the kernel took
at the end of boot (mm/kva/lowmem.c), including those that are kept for the next processes.

The user halves are expected to differ: they are shown as ranges, by what the two share.

Limits: page tables of the kernel half are not compared, as all directories share them; the audit checks the entries in them that must not
change either (the monitor's `audit`, mm/kva/lowmem.c).

Neighbours: spaces.py lists the directories, maps.py merges neighbouring entries.
"""
from attic import tables
from attic.gdb import cli, kernel, maps, memory, paging, spaces


class Pgdiff(cli.Command):
    """Compare page directories.

First the two that are named. Kernel half: nothing, or where they differ (index,
addresses, both values). User half: ranges with the same frames, with different
frames, or mapped in one only. Then the kernel half of every directory (the
master's, the processes', those kept for the next processes) is compared with
the master's at the end of boot; without PIDs only this. PID is a process, or
`master`, `boot` or `loaded`."""

    name, usage, at_most = "pgdiff", "[PID PID]", 2

    def run(self, arguments):
        if len(arguments) == 1:
            raise cli.Sorry("two directories are needed, `attic pgdiff 1 master`, or none")
        if arguments:
            self.compare(*(spaces.named(word) for word in arguments))
        for line in everybody():
            print(line)

    def compare(self, one, other):
        for letter, space in (("A", one), ("B", other)):
            print("%s: %s, at physical 0x%08x" % (letter, space.text, space.directory))
        lines = list(kernel_half(one.directory, other.directory))
        print("kernel half: " + ("A and B are the same" if not lines else "A and B differ"))
        for line in lines + list(user_half(one.directory, other.directory)):
            print(line)


def first_kernel_pde():
    return kernel.page_offset() >> tables.PDE_SHIFT


def kernel_half(one, other):
    """Lines for the entries that differ, equal neighbours merged."""
    pairs = list(zip(paging.directory_entries(one), paging.directory_entries(other)))[first_kernel_pde():]
    group = []
    for pair in pairs + [None]:
        differs = pair and pair[0].value != pair[1].value
        if group and not (differs and all(map(_goes_on, group[-1], pair))):
            yield _group_text(group)
            group = []
        if differs:
            group.append(pair)


def _goes_on(before, entry):
    return maps.continues(before, entry) or before.value == entry.value == 0 and entry.index == before.index + 1


def _group_text(group):
    (a, b), last = group[0], group[-1][0].index
    return "  PDE %s  %s  A 0x%08x (%s)  B 0x%08x (%s)" % (
        "%d" % a.index if last == a.index else "%d..%d" % (a.index, last), span_text(a.index, last),
        a.value, a.bits(), b.value, b.bits())


def span_text(first, last):
    return "0x%08x..0x%08x" % (first << tables.PDE_SHIFT, (last << tables.PDE_SHIFT) + 0x3FFFFF)


# ---- user halves ----

def user_half(one, other):
    """Ranges of pages, and what A and B map there."""
    a, b = ({page.start: page for page in paging.pages(at, 0, kernel.page_offset() - 1)} for at in (one, other))
    yield "user half: A maps %s, B maps %s" % (cli.count_text(len(a), "page"), cli.count_text(len(b), "page"))
    start = end = said = None
    for at in sorted(a.keys() | b.keys()) + [None]:
        now = at is not None and _compare_pages(a.get(at), b.get(at))
        if start is not None and (at != end or now != said):
            yield "  0x%08x..0x%08x  %s" % (start, end - 1, said)
            start = None
        if at is not None:
            start, end, said = at if start is None else start, at + (a.get(at) or b.get(at)).size, now


def _compare_pages(a, b):
    if a is None or b is None:
        return "only in A" if b is None else "only in B"
    if a.physical != b.physical:
        return "other frames"
    if (a.rights ^ b.rights) & tables.SAME_RIGHTS:
        return "the same frames, with other rights"
    return "the same frames"


# ---- all of them ----

def everybody():
    """Whether each directory has the kernel half as at the end of boot; every entry that differs."""
    reference = kernel.snapshot()
    if reference is None:
        yield "mm_seal(), at the end of boot, takes the snapshot that all are compared with"
        return
    found = dict(all_directories())
    wrong = {}
    for directory, text in found.items():
        for index, value in enumerate(memory.physical_words(directory, 1024)[first_kernel_pde():]):
            if value != reference[index]:
                wrong.setdefault((index + first_kernel_pde(), value, reference[index]), []).append(text)
    if not wrong:
        yield "the kernel half of %s is as at the end of the boot" % (
            "all %d directories" % len(found) if len(found) > 1 else "the only directory")
    for (index, value, was), who in sorted(wrong.items()):
        yield "PDE %d  %s  was 0x%08x at the end of boot, is 0x%08x in %s" % (
            index, span_text(index, index), was, value,
            "all %d directories" % len(who) if len(who) == len(found) > 1 else ", ".join(who))


def all_directories():
    """Physical address and text of each directory, including a loaded one that belongs to no task."""
    loaded = spaces.loaded()
    yield loaded.directory, loaded.text
    for space in spaces.everyone():
        yield space.directory, space.text
    for directory in kernel.kept_directories():
        yield directory, "a directory kept for the next process, at physical 0x%08x" % directory
