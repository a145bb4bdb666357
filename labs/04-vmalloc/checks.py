"""What must hold of vmalloc, seen from outside: page tables and struct pages in memory, before and after commands with random sizes."""
from pathlib import Path

from attic.lab.bench import typed, view
from attic.tables import FRAME, A, D, G, P, RW

PAGE = 4096
SMALL, LARGE = (2, 60), (6500, 9000)  # pages; LARGE has no room in the lowmem of a part
ROUNDS = 3    # with small areas
FOLLOWED = 3  # calls that gdb follows
# For each function, self-tests that call it often: for small areas, and for large ones.
CALLS = {'vfree': ('vmalloc.random_sequence_stays_whole', 'test_vmalloc.random_size_alloc_test'),
         'vunmap': ('test_vmalloc.vm_map_ram_test', 'vmalloc.addresses_run_out')}
FREE = ('PAGE_FREE', 'PAGE_HOT')


def rounds(bench, look):
    """Make areas of random sizes; look at each, then free it. Returns the first reason."""
    with bench.at_prompt('areas') as machine:
        if not machine:
            return 'the kernel does not come to its prompt'
        for sizes in [SMALL] * ROUNDS + [LARGE]:
            pages = bench.random.randint(*sizes)
            scattered = bench.random.choice(['-s ', '']) if sizes == SMALL else ''  # it takes 16 times the frames for a moment
            before = view(bench, machine)
            if not typed(machine, f'vmalloc {scattered}{pages * 4 - bench.random.randint(0, 3)}K'):
                return 'no prompt after `vmalloc`'
            during = view(bench, machine)
            new = sorted(set(during.entries) - set(before.entries))
            if reason := look(pages, before, during, new):
                return reason
            if not typed(machine, f'vfree {new[0]:#x}'):
                return 'no prompt after `vfree`'
            if reason := freed(before, during, view(bench, machine), new):
                return reason
    return None


def freed(before, during, after, new):
    if left := [at for at in new if at in after.entries]:
        return f'after vfree {len(left)} entries of its pages are still present'
    kept = [during.entries[at] & FRAME for at in new if after.types[during.entries[at] >> 12] not in FREE]
    if kept:
        return f'after vfree {len(kept)} of its frames are not free'
    if lost := set(before.entries) - set(after.entries):
        return f'vfree has cleared {len(lost)} entries of other areas'
    return None


def mapped(bench):
    """As many pages as asked for, side by side, each with a frame of its own that was free."""
    def look(pages, before, during, new):
        if len(new) != pages:
            return f'`vmalloc` of {pages} pages maps {len(new)}'
        if new != list(range(new[0], new[0] + pages * PAGE, PAGE)):
            return 'the pages are not side by side'
        frames = [during.entries[at] >> 12 for at in new]
        if len(set(frames)) != pages:
            return 'two pages have the same frame'
        if any(before.types[frame] not in FREE for frame in frames):
            return 'a frame was in use before'
        if any(during.types[frame] != 'PAGE_VMALLOC' or during.counts[frame] != 1 for frame in frames):
            return 'a frame is not of the type PAGE_VMALLOC, with one reference'
        if any(during.entries[at] & 0x1FF != P | RW | A | D | G for at in new):
            return 'an entry has other bits than those of PAGE_KERNEL'
        return None
    return rounds(bench, look)


def guarded(bench):
    """The page behind an area maps nothing, and the next area begins behind that."""
    def look(pages, before, during, new):
        if not new:
            return '`vmalloc` maps nothing'
        if new[-1] + PAGE in during.entries:
            return 'the page behind the area is mapped'
        if new[0] - PAGE in during.entries:
            return 'the page before the area is mapped: no guard between two areas'
        return None
    return rounds(bench, look)


def order(bench):
    """vfree: all entries are cleared before the TLB is flushed, and no frame is freed before that."""
    return followed(bench, 'vfree')


def unmapped(bench):
    """vunmap: all entries are cleared before the TLB is flushed."""
    return followed(bench, 'vunmap')


def followed(bench, call):
    """gdb watches some calls in self-tests."""
    return next((reason for test in CALLS[call] if (reason := followed_in(bench, call, test))), None)


def followed_in(bench, call, test):
    steps = bench.followed(Path(__file__).with_name('order_in_gdb.py'), FOLLOWED, f'order-{test}', f'ktest={test}', call=call)
    seen = [step for step in steps if 'reason' in step]
    if len(seen) < FOLLOWED:
        return f'the kernel does not come to the end of `{call}` in {test}'
    return next((step['reason'] for step in seen if step['reason']), None)
