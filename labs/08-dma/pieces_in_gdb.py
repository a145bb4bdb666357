"""Run by gdb for checks.pieces: map frames that are drawn side by side, let the kernel describe a range of that, and compare each entry
with the page tables."""
import struct
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from dma_in_gdb import EINVAL, ENOSPC, GFP_HIGHUSER, GFP_KERNEL, PAGE, SG, questions  # noqa: E402

BLOCK = 3  # the order of each block
MOST = 16  # entries of a list


def area(kernel):
    """An area of frames in a random order, some of them neighbours. Its address and number of pages."""
    frames = [kernel.pages(zone, BLOCK) + i for zone in (GFP_KERNEL, GFP_HIGHUSER) for i in range(1 << BLOCK)]
    cuts = sorted(kernel.random.sample(range(1, len(frames)), 9))
    runs = [frames[a:b] for a, b in zip([0, *cuts], [*cuts, len(frames)])]
    kernel.random.shuffle(runs)
    frames = [frame for run in runs for frame in run][:kernel.random.randint(3, MOST)]
    kernel.write(kernel.scratch + 1024, struct.pack(f'<{len(frames)}I', *map(kernel.page, frames)))
    return kernel.call('vmap', kernel.scratch + 1024, len(frames)), len(frames)


def described(kernel, start, size):
    """The entries that the list must have: page, offset, length; from the page tables."""
    found = []
    for at in range(start // PAGE * PAGE, start + size, PAGE):
        physical = kernel.tables.walk(kernel.directory, at).physical
        offset = max(start, at) - at
        found.append((kernel.page(physical // PAGE), offset, min(start + size, at + PAGE) - at - offset))
    return found


def ask(kernel, turn):
    if turn % 4 == 0:
        kernel.area = area(kernel)
    first, pages = kernel.area
    start = first + kernel.random.choice([0, PAGE - 1, kernel.random.randrange(pages * PAGE)])
    size = kernel.random.randint(1, first + pages * PAGE - start)
    wanted, at = described(kernel, start, size), kernel.scratch + 2048
    most, before = kernel.random.choice([MOST, len(wanted), len(wanted) - 1]), kernel.random.randbytes((MOST + 1) * SG.size)
    kernel.write(at, before)
    if turn % 4 == 3:  # into the guard
        most, size = MOST + 1, first + pages * PAGE - start + kernel.random.choice([1, kernel.random.randint(1, PAGE)])
    found = kernel.number('sg_set_vmalloc', at, most, start, size)
    after = kernel.read(at, len(before))
    what = f'{size:#x} bytes at offset {start - first:#x} of an area of {pages} pages, with room for {most} entries'
    if after[most * SG.size:] != before[most * SG.size:]:
        return f'{what}: something is written behind the last entry'
    expected = -EINVAL if turn % 4 == 3 else -ENOSPC if len(wanted) > most else len(wanted)
    if found != expected:
        return f'{what}: the result is {found}, and must be {expected}'
    for i, entry in enumerate(wanted if found > 0 else []):
        if SG.unpack_from(after, i * SG.size)[:3] != entry:
            return f'{what}: entry {i} has not the page, the offset and the length that the page tables give'
    return None


questions(ask)
