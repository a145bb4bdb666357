"""The first line of scripts/memdiff: how many entries the kernel has written between two snapshots, and how many frames were taken.

Each entry of a page table or directory that differs in the second snapshot is counted: of the kernel half once, as all address spaces have
the same, and of the user half of each address space that exists at the end. The bits that the processor sets itself, A and D, are not
writes of the kernel. The 256 entries that a new directory copies from the master are not counted either.

Limits: a snapshot has present entries only, so the notes that the kernel keeps in other entries (the tags of the vmalloc area) are not
counted; nor are writes that were undone in between, nor an address space that is gone, which is freed as a whole.

Neighbours: snapshot.py finds the differences; memdiff.py has the lines that follow.
"""
from attic.snapshot import differences, shift_nothing, shift_page, shift_pde

BY_PROCESSOR = {'A', 'D'}


def plural(count, noun):
    return f'{count} {noun}' if count == 1 else f'{count} {noun}s'


def is_write(before, now):
    """Whether an entry, as (frame, bits) or None, has changed by more than the bits that the processor sets."""
    return not (before and now and before[0] == now[0] and before[1] <= now[1] and now[1] - before[1] <= BY_PROCESSOR)


def written(old, new, shift):
    return sum(end - start for start, end, before, now in differences(old, new, shift) if is_write(before, now))


def tables_only(runs):
    """Without pages that directory entries map, which are counted there."""
    return [run for run in runs if 'PS' not in run[2][1]]


def kernel_pages(snapshot):
    """Everything that the page tables of the kernel half map, in order."""
    return tables_only(sorted(snapshot.pages + [run for area in snapshot.areas for run in area.pages], key=lambda run: run[:2]))


def users(snapshot, pgd):
    return {pid for pid, task in snapshot.tasks.items() if task['pgd'] == pgd}


def space_before(a, b, pgd):
    """The same address space in the first snapshot, or None: a directory may have gone to another process."""
    same = users(a, pgd) & users(b, pgd) or not users(a, pgd) and not users(b, pgd)
    return a.spaces.get(pgd) if same else None


def user_counts(a, b):
    """(PTEs, PDEs) of all user halves."""
    ptes = pdes = 0
    for pgd, space in b.spaces.items():
        before = space_before(a, b, pgd)
        ptes += written(before.pages if before else [], space.pages, shift_page)
        pdes += written(before.pdes if before else [], space.pdes, shift_pde)
    return ptes, pdes


def frame_counts(a, b):
    """Frames that were free and are not, and vice versa."""
    taken = given_back = 0
    for start, end, before, now in differences(a.frames, b.frames, shift_nothing):
        was_free, is_free = (value is not None and value[0] == 'free' for value in (before, now))
        taken += end - start if was_free and now else 0
        given_back += end - start if is_free and before else 0
    return taken, given_back


def entries_text(counts):
    return f'{plural(counts[0], "PTE")} written, {plural(counts[1], "PDE")}'


def counts_line(a, b):
    kernel = written(kernel_pages(a), kernel_pages(b), shift_page), written(a.pdes, b.pdes, shift_pde)
    user, (taken, given_back) = user_counts(a, b), frame_counts(a, b)
    entries = entries_text(kernel)
    if any(user):
        entries = (f'kernel half: {entries}; ' if any(kernel) else '') + f'user half: {entries_text(user)}'
    frames = [f'{plural(taken, "frame")} taken'] if taken or not given_back else []
    frames += [f'{given_back if taken else plural(given_back, "frame")} given back'] if given_back else []
    return f'{entries}; {", ".join(frames)}'
