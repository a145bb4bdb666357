"""Run by gdb for checks.frames: ask the kernel for its verdicts on frames that are drawn, and which frame is to blame, and compare with a
second opinion."""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from dma_in_gdb import BOTH, EVERYTHING, FROM_DEVICE, PAGE, TO_DEVICE, differs, questions  # noqa: E402


def mask_near(kernel, start, size):
    """A mask that ends at the last byte of the range, beside it, inside, or nowhere near."""
    return kernel.random.choice([EVERYTHING, EVERYTHING, EVERYTHING, start + size - 1, start + size - 2, max(start, 1), start + size])


def ask(kernel, turn):
    if not turn:
        kernel.with_holes()
    start, size = {4: kernel.across, 2: kernel.across_lowmem}.get(turn % 8, kernel.interesting)()
    if turn % 4 == 3:  # anywhere, the end of memory and highmem included
        start = kernel.random.choice([kernel.random.randrange(kernel.frames), kernel.frames - 1, kernel.lowmem // PAGE]) * PAGE
        size = kernel.random.choice([0, 1, PAGE, PAGE + 1, kernel.random.randint(1, 4 * PAGE), EVERYTHING])
    direction = kernel.random.choice([BOTH, TO_DEVICE, FROM_DEVICE])
    mask, frame = mask_near(kernel, start, size or 1), kernel.scratch + 256
    pfn, offset = divmod(start, PAGE)
    if pfn and kernel.random.random() < 0.3:  # the same start, counted from the page before
        pfn, offset = pfn - 1, offset + PAGE
    elif turn % 8 == 0:  # a sum of more than 32 bits, whose lower 32 are that start
        pfn = kernel.random.randrange(pfn, kernel.frames) + 1
        offset = start - pfn * PAGE & EVERYTHING
    wanted, named = kernel.of_page(pfn, offset, size, mask, direction)
    found = kernel.call('dma_judge_page', kernel.device(mask), kernel.page(pfn), offset, size, direction, frame)
    what = f'{size:#x} bytes at offset {offset:#x} of frame {pfn:#x}, mask {mask:#x}, direction {direction}'
    if reason := differs(what, wanted, found):
        return reason
    said = int.from_bytes(kernel.read(frame, 4), 'little') // PAGE
    if named is not None and said != named:
        return f'{what}: {wanted}, because of frame {named:#x}, but *frame names {said:#x}'
    return None


questions(ask)
