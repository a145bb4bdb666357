"""Run by gdb for checks.ranges: give a device lists of pieces that are drawn, and compare the ranges that it gets, and what the kernel
records, with a second opinion."""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from dma_in_gdb import (BOTH, BY_LIST, EVERYTHING, FROM_DEVICE, GFP_KERNEL, ORDER, PAGE, PAGE_OFFSET, SG, TO_DEVICE, entry,  # noqa: E402
                        pieces, questions)

LONG_LIST = 300  # pieces: more than a byte counts


def joined(starts):
    """The ranges that the device gets."""
    found = []
    for start, size in starts:
        if found and sum(found[-1]) == start:
            found[-1] = (found[-1][0], found[-1][1] + size)
        else:
            found.append((start, size))
    return found


def given(kernel, count=0):
    """A list that the device gets, and gives back."""
    base = kernel.block * PAGE
    drawn = [(base + at, size) for at, size in pieces(kernel, count)]
    direction, at = kernel.random.choice([BOTH, TO_DEVICE, FROM_DEVICE]), PAGE_OFFSET + kernel.list * PAGE
    device, what = kernel.device(EVERYTHING), f'a list of {len(drawn)} pieces'
    kernel.write(at, b''.join(entry(kernel, *piece) for piece in drawn))
    before = [SG.unpack(kernel.read(at + i * SG.size, SG.size)) for i in range(len(drawn))]
    found, wanted = kernel.number('dma_map_sg', device, at, len(drawn), direction), joined(drawn)
    if found != len(wanted):
        return f'{what} gives {found} ranges, and must give {len(wanted)}'
    after = [SG.unpack(kernel.read(at + i * SG.size, SG.size)) for i in range(len(drawn))]
    if [one[:3] for one in after] != [one[:3] for one in before]:
        return f'{what}: the pieces themselves are changed'
    for i, one in enumerate(wanted):
        if after[i][3:] != one:
            return f'{what}: range {i} is {after[i][4]:#x} bytes at {after[i][3]:#x}, and must be {one[1]:#x} bytes at {one[0]:#x}'
    total = len(drawn), sum(size for _, size in drawn)
    if kernel.mapped() != total:
        return f'{what}: {kernel.mapped()} pieces and bytes are recorded, and must be {total}'
    pieces_of = [(device, start, size, BY_LIST, direction) for start, size in drawn]
    if sorted(kernel.recorded()) != sorted(pieces_of):
        return f'{what}, direction {direction}: what is recorded has not the start, the length or the direction of each piece'
    kernel.call('dma_unmap_sg', device, at, len(drawn), direction)
    return f'{what}: after dma_unmap_sg() {kernel.mapped()} pieces and bytes are left' if any(kernel.mapped()) else None


def ask(kernel, turn):
    if not turn:
        kernel.block, kernel.list = kernel.pages(GFP_KERNEL, ORDER), kernel.pages(GFP_KERNEL, 1)
        return given(kernel, LONG_LIST)
    return given(kernel)


questions(ask)
